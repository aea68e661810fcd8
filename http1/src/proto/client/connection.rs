//! The client's side of a connection: requests in, bytes out; bytes in, responses out.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};

use super::framing::{self, Concluded};
use super::head;
use super::request::{self, Asked};
use super::state::{self, Input, Life};
use crate::client::Config;
use crate::error::{Misuse, Violation};
use crate::proto::body::{Body, BodyEvent, Chunk};
use crate::proto::head::{Limits, LineScan};
use crate::proto::response::Transfer;

/// The machine of one connection of a client. It owns no buffer: input is taken off the caller's,
/// output is added to the caller's.
#[derive(Debug)]
pub struct Connection {
    life: Life,
    asked: Asked,
    /// What is left of the request's body.
    transfer: Transfer,
    scan: LineScan,
    body: Body,
    n_interim: u32,
}

/// What a response's head says of the bytes behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseFacts {
    /// How the response's body is framed.
    pub transfer: Transfer,
    /// Whether another protocol begins behind the head: 101, or a success of CONNECT.
    pub is_switch: bool,
}

impl Default for Connection {
    fn default() -> Self {
        Self::new()
    }
}

impl Connection {
    /// Begins a connection.
    pub fn new() -> Self {
        Self {
            life: Life::new(),
            asked: Asked::default(),
            transfer: Transfer::None,
            scan: LineScan::default(),
            body: Body::None,
            n_interim: 0,
        }
    }

    /// Writes the head of a request and decides how its body is framed.
    ///
    /// `exact_len` is the length of the body where it is known. A request that is refused leaves
    /// nothing behind: another one may be sent. Pipelining is not offered: the exchange before this
    /// one must be over, see [`Connection::is_idle`].
    ///
    /// # Spec
    ///
    /// RFC 9112 §3 (request line), §3.2 (Host), §6 (framing); RFC 9110 §7.8, §8.6, §10.1.1.
    ///
    /// # Errors
    ///
    /// The request cannot be sent as it is.
    pub fn send_head<B>(
        &mut self,
        request: &Request<B>,
        exact_len: Option<u64>,
        output: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        if !self.is_idle() {
            return Err(Misuse::NotReady);
        }
        let encoded = request::encode(request, exact_len, output)?;
        self.asked = encoded.asked;
        self.transfer = encoded.transfer;
        self.n_interim = 0;
        self.life.is_persistent = encoded.is_persistent;
        self.life.apply(Input::RequestHead(match encoded.transfer {
            Transfer::None | Transfer::Length(0) => state::Request::Done,
            _ if encoded.waits_for_leave => state::Request::Continue,
            Transfer::Length(_) | Transfer::Chunked | Transfer::UntilClose => state::Request::Body,
        }));
        Ok(())
    }

    /// Writes what goes before a piece of the request's body, and tells what goes behind it. The
    /// piece must not be empty.
    ///
    /// # Errors
    ///
    /// The body is longer than its Content-Length: abort the connection.
    pub fn send_data(&mut self, len: usize, output: &mut Vec<u8>) -> Result<Chunk, Misuse> {
        self.transfer.send_data(len, output)
    }

    /// Ends the request's body. Trailers are sent where the body is chunked.
    ///
    /// # Errors
    ///
    /// The body is shorter than its Content-Length: abort the connection.
    pub fn send_end(
        &mut self,
        trailers: Option<&HeaderMap>,
        output: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        self.transfer.send_end(trailers, output)?;
        self.life.apply(Input::RequestEnd);
        Ok(())
    }

    /// Lets a body that waits for leave be sent without it.
    pub fn continue_anyway(&mut self) {
        if self.awaits_leave() {
            self.life.apply(Input::Leave);
        }
    }

    /// Leaves the rest of the request away: the server takes no more of it, nor another request.
    pub fn stop_sending(&mut self) {
        // Also what is encoded already may not be written any more.
        self.life.is_persistent = false;
        if self.life.is_sending() {
            self.life.apply(Input::Stop);
        }
    }

    /// Takes the final response's head off the input and fills in the response; `None` when it is
    /// not whole, or none is owed. Interim responses are read and dropped.
    ///
    /// # Spec
    ///
    /// RFC 9112 §4, §5, §6.3, §9.3; RFC 9110 §15.2. A refusal that the server closes behind ends
    /// the request's body (RFC 9112 §9.5), and so does any response to one that waits for leave;
    /// leave comes before a switch (RFC 9110 §7.8).
    ///
    /// # Errors
    ///
    /// The server broke a rule, or went past a limit: close the connection.
    pub fn receive_head<B>(
        &mut self,
        input: &mut Bytes,
        config: &Config,
        response: &mut Response<B>,
    ) -> Result<Option<ResponseFacts>, Violation> {
        while self.is_response_owed() && !input.is_empty() {
            let received = head::receive(input, &mut self.scan, limits(config), response);
            let Some(fields) = self.judge(received)? else {
                return Ok(None);
            };
            let (status, version) = (response.status(), response.version());
            if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
                let passed = self.pass_interim(status, config);
                self.judge(passed)?;
                continue;
            }
            let concluded = framing::conclude(self.asked, status, version, &fields);
            let concluded = self.judge(concluded)?;
            if concluded.is_switch && self.awaits_leave() {
                // Behind the head the server waits for the body, not for another protocol.
                return self.judge(Err(Violation::Switch));
            }
            let is_refusal = fields.closes && !status.is_success() && !concluded.is_switch;
            if is_refusal || self.awaits_leave() {
                self.stop_sending();
            }
            return Ok(Some(self.begin_response(concluded)));
        }
        Ok(None)
    }

    /// Takes the next piece of the response's body off the input; `None` when there is too little
    /// of it, or no body is under way.
    ///
    /// # Spec
    ///
    /// RFC 9112 §6.3, §7.1.
    ///
    /// # Errors
    ///
    /// As [`Connection::receive_head`].
    pub fn receive_body(
        &mut self,
        input: &mut Bytes,
        config: &Config,
    ) -> Result<Option<BodyEvent>, Violation> {
        if self.life.response != state::Response::Body {
            return Ok(None);
        }
        let received = self.body.receive(input, limits(config), u64::MAX);
        let received = self.judge(received)?;
        if let Some(BodyEvent::End(_)) = received {
            self.end_response();
        }
        Ok(received)
    }

    /// Takes a body that lies whole in the input at once; `None` when it does not.
    pub fn receive_whole_body(&mut self, input: &mut Bytes) -> Option<Bytes> {
        let body = self.body.receive_whole(input)?;
        self.end_response();
        Some(body)
    }

    /// Notes that the server ended its side of the stream: the end of a body that nothing else
    /// ends, and the end of the connection.
    ///
    /// # Errors
    ///
    /// The stream ended inside a response, or before one that is owed.
    pub fn receive_eof(&mut self) -> Result<(), Violation> {
        self.life.is_persistent = false;
        match (self.life.response, &self.body) {
            (state::Response::Body, Body::UntilClose) => {
                self.body = Body::Length(0);
                Ok(())
            }
            (state::Response::Owed | state::Response::Body, _) => {
                self.judge(Err(Violation::UnexpectedEof))
            }
            (state::Response::Idle | state::Response::Done | state::Response::Closed, _) => {
                self.stop_sending();
                Ok(())
            }
        }
    }

    /// Returns how many bytes of the response's body are known to be missing; `None` when only its
    /// end will tell.
    pub fn body_left(&self) -> Option<u64> {
        if self.is_receiving_body() {
            self.body.n_left()
        } else {
            Some(0)
        }
    }

    /// Tells whether a request may be sent.
    pub fn is_idle(&self) -> bool {
        self.life.request == state::Request::Idle && self.life.response == state::Response::Idle
    }

    /// Tells whether the request's body may be sent and is not complete.
    pub fn is_sending_body(&self) -> bool {
        self.life.request == state::Request::Body
    }

    /// Tells whether the request's body waits for leave to be sent.
    pub fn awaits_leave(&self) -> bool {
        self.life.request == state::Request::Continue
    }

    /// Tells whether a body of stated length has been sent whole.
    pub fn is_body_sent(&self) -> bool {
        matches!(self.transfer, Transfer::Length(0))
    }

    /// Tells whether nothing more of the request is to be sent.
    pub fn is_request_sent(&self) -> bool {
        self.life.request == state::Request::Done
    }

    /// Tells whether a request's final response has not begun.
    pub fn is_response_owed(&self) -> bool {
        self.life.response == state::Response::Owed
    }

    /// Tells whether a response's body is under way.
    pub fn is_receiving_body(&self) -> bool {
        self.life.response == state::Response::Body
    }

    /// Tells whether the server has sent nothing at all since the request, `input` included.
    pub fn is_unanswered(&self, input: &Bytes) -> bool {
        self.n_interim == 0 && self.is_response_owed() && input.is_empty()
    }

    /// Counts the interim responses to the request under way.
    pub fn n_interim(&self) -> u32 {
        self.n_interim
    }

    /// Tells whether both sides of the exchange are done.
    pub fn is_done(&self) -> bool {
        self.life.is_done()
    }

    /// Lets the next exchange begin if this one is done and the connection persists; tells whether
    /// it may.
    pub fn next_exchange(&mut self) -> bool {
        let begins = self.life.is_done() && self.life.is_persistent;
        if begins {
            self.life.apply(Input::Next);
        }
        begins
    }

    fn pass_interim(&mut self, status: StatusCode, config: &Config) -> Result<(), Violation> {
        self.n_interim += 1;
        if self.n_interim > config.max_interim_responses {
            return Err(Violation::TooManyInterim);
        }
        if status == StatusCode::CONTINUE {
            self.continue_anyway();
        }
        Ok(())
    }

    fn begin_response(&mut self, concluded: Concluded) -> ResponseFacts {
        let transfer = concluded.transfer;
        self.life.is_persistent &= concluded.is_persistent;
        self.body = Body::new(transfer);
        let has_body = !matches!(transfer, Transfer::None | Transfer::Length(0));
        self.life.apply(Input::ResponseHead { has_body });
        if !has_body && !concluded.is_switch {
            self.stop_unless_persistent();
        }
        ResponseFacts {
            transfer,
            is_switch: concluded.is_switch,
        }
    }

    fn end_response(&mut self) {
        self.body = Body::None;
        self.life.apply(Input::ResponseEnd);
        self.stop_unless_persistent();
    }

    /// A server that closes behind a response which is complete takes no more of the request.
    fn stop_unless_persistent(&mut self) {
        if !self.life.is_persistent {
            self.stop_sending();
        }
    }

    /// Ends the reading side behind a violation.
    fn judge<T>(&mut self, received: Result<T, Violation>) -> Result<T, Violation> {
        if received.is_err() {
            self.life.apply(Input::Broken);
        }
        received
    }
}

fn limits(config: &Config) -> Limits {
    Limits {
        // What comes first in a response counts as a header line.
        max_request_line_bytes: config.max_header_line_bytes,
        max_header_line_bytes: config.max_header_line_bytes,
        max_headers: config.max_headers,
        max_head_bytes: config.max_head_bytes,
    }
}
