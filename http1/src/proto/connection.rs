//! The server's side of a connection: bytes in, requests out; responses in, bytes out.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version};

use super::body::{Body, BodyEvent, Chunk};
use super::framing::Framing;
use super::head::{self, HeadFacts, LineScan, RequestHead};
use super::response::{self, Asked, DateField, Transfer};
use super::state::{self, Input, Life};
use crate::config::Config;
use crate::error::{Misuse, Violation};

/// The machine of one connection. It owns no buffer: input is taken off the caller's, output is
/// added to the caller's.
#[derive(Debug)]
pub struct Connection {
    life: Life,
    scan: LineScan,
    body: Body,
    body_received: u64,
    n_requests: u64,
    /// The fields of the last request: a client's next one tends to have as many.
    n_fields_expected: u8,
    asked: Asked,
    transfer: Transfer,
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
            scan: LineScan::default(),
            body: Body::None,
            body_received: 0,
            n_requests: 0,
            n_fields_expected: 4,
            asked: Asked::default(),
            transfer: Transfer::None,
        }
    }

    /// Takes the next request's head off the input and fills in the request; `None` when the head
    /// is not whole, or its turn has not come.
    ///
    /// The request that is handed in has no fields yet; behind an error or `None` it is of no use.
    ///
    /// # Spec
    ///
    /// RFC 9112 §2 to §6, §9.3.
    ///
    /// # Errors
    ///
    /// The peer broke a rule. Answer with [`Connection::refuse`].
    #[inline(always)]
    pub fn receive_head<H: RequestHead>(
        &mut self,
        input: &mut Bytes,
        config: &Config,
        request: &mut H,
    ) -> Result<Option<HeadFacts>, Violation> {
        if self.life.request != state::Request::Head || self.life.response != state::Response::Idle
        {
            return Ok(None);
        }
        let n_fields = self.n_fields_expected();
        let usual = head::receive_usual(input, &mut self.scan, config, n_fields, request);
        let mut facts = match usual {
            Some(facts) => facts,
            None => match self.receive_any_head(input, config, request)? {
                Some(facts) => facts,
                None => return Ok(None),
            },
        };
        self.n_requests += 1;
        self.n_fields_expected = u8::try_from(request.n_fields()).unwrap_or(u8::MAX);
        let is_last = config
            .max_requests
            .is_some_and(|max| self.n_requests >= max.get());
        facts.is_persistent &= !is_last;
        self.life.is_persistent = facts.is_persistent;
        self.asked = Asked {
            is_head: request.is_method(&Method::HEAD),
            is_connect: request.is_method(&Method::CONNECT),
            is_http_10: request.version() == Version::HTTP_10,
            takes_trailers: facts.takes_trailers,
        };
        self.body_received = 0;
        self.body = match facts.framing {
            Framing::None => Body::None,
            Framing::Length(len) => Body::Length(len),
            Framing::Chunked => Body::new(Transfer::Chunked),
        };
        self.life.apply(Input::RequestHead {
            has_body: facts.framing != Framing::None,
        });
        if let Framing::Length(len) = facts.framing {
            self.judge(check_len(len, config))?;
        }
        Ok(Some(facts))
    }

    /// As [`Connection::receive_head`], of a head that is in pieces, long, or breaks a rule.
    #[inline(never)]
    fn receive_any_head<H: RequestHead>(
        &mut self,
        input: &mut Bytes,
        config: &Config,
        request: &mut H,
    ) -> Result<Option<HeadFacts>, Violation> {
        // A head that cannot be read is answered as if it were a plain GET, or HEAD.
        let mut begin = &input[..];
        while let Some(behind) = begin.strip_prefix(b"\r\n") {
            begin = behind;
        }
        self.asked = Asked {
            is_head: begin.starts_with(b"HEAD "),
            ..Asked::default()
        };
        let n_fields = self.n_fields_expected();
        let received = head::receive(input, &mut self.scan, config, n_fields, request);
        self.judge(received)
    }

    /// Returns how many fields the next request is likely to have.
    pub fn n_fields_expected(&self) -> usize {
        usize::from(self.n_fields_expected)
    }

    /// Takes the next piece of the request's body off the input; `None` when there is too little
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
        if self.life.request != state::Request::Body {
            return Ok(None);
        }
        let max_len = config.max_body_bytes.saturating_sub(self.body_received);
        let received = self.body.receive(input, config, max_len);
        let received = self.judge(received)?;
        match &received {
            Some(BodyEvent::Data(data)) => self.body_received += data.len() as u64,
            Some(BodyEvent::End(_)) => self.end_request(),
            None => {}
        }
        Ok(received)
    }

    /// Takes a body that lies whole in the input at once; `None` when it does not.
    pub fn receive_whole_body(&mut self, input: &mut Bytes) -> Option<Bytes> {
        let body = self.body.receive_whole(input)?;
        self.end_request();
        Some(body)
    }

    /// Notes that the peer ended its side of the stream.
    ///
    /// # Errors
    ///
    /// The stream ended inside a request.
    pub fn receive_eof(&mut self, input: &Bytes) -> Result<(), Violation> {
        let is_inside = match self.life.request {
            state::Request::Head => !input.is_empty(),
            state::Request::Body => true,
            state::Request::Done | state::Request::Closed => false,
        };
        if is_inside {
            self.judge(Err(Violation::UnexpectedEof))
        } else {
            Ok(())
        }
    }

    /// Returns how many bytes of the request's body are known to be missing; `None` when only its
    /// end will tell.
    pub fn body_left(&self) -> Option<u64> {
        if self.is_receiving_body() {
            self.body.n_left()
        } else {
            Some(0)
        }
    }

    /// Tells whether a request's body is under way.
    pub fn is_receiving_body(&self) -> bool {
        self.life.request == state::Request::Body
    }

    /// Tells whether no exchange is under way; part of the next head may be there.
    pub fn is_idle(&self) -> bool {
        self.life.request == state::Request::Head
    }

    /// Tells whether a request's head was received before.
    pub fn has_served(&self) -> bool {
        self.n_requests > 0
    }

    /// Lets the exchange under way be the last.
    pub fn close_after_response(&mut self) {
        self.life.is_persistent = false;
    }

    /// Writes the interim response that a client waits for before it sends its body.
    ///
    /// # Spec
    ///
    /// RFC 9110 §10.1.1.
    pub fn send_continue(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
    }

    /// Writes the head of the response and decides how its body is framed.
    ///
    /// `exact_len` is the length of the body where it is known.
    ///
    /// # Spec
    ///
    /// RFC 9112 §4, §6; RFC 9110 §6.6.1 (Date), §8.6 (Content-Length).
    #[inline(always)]
    pub fn send_head(
        &mut self,
        head: (StatusCode, &HeaderMap),
        exact_len: Option<u64>,
        date: &DateField,
        output: &mut Vec<u8>,
    ) -> Transfer {
        self.send_head_and_lines(head, b"", exact_len, date, output)
    }

    /// As [`Connection::send_head`], with lines behind the fields as in
    /// [`Connection::send_handover_head`].
    #[inline(always)]
    pub(crate) fn send_head_and_lines(
        &mut self,
        (status, headers): (StatusCode, &HeaderMap),
        lines: &[u8],
        exact_len: Option<u64>,
        date: &DateField,
        output: &mut Vec<u8>,
    ) -> Transfer {
        let is_persistent = self.life.is_persistent;
        let fields = (headers, lines);
        let encoded = response::encode(
            self.asked,
            (status, fields),
            exact_len,
            is_persistent,
            date,
            output,
        );
        self.life.is_persistent = encoded.is_persistent;
        self.transfer = encoded.transfer;
        let has_body = !matches!(encoded.transfer, Transfer::None | Transfer::Length(0));
        self.life.apply(Input::ResponseHead { has_body });
        encoded.transfer
    }

    /// Tells whether the client of the request under way takes an interim status, a switch of
    /// protocols among them (RFC 9110 §15.2: one of HTTP/1.0 must not be sent any).
    pub fn takes_interim(&self) -> bool {
        !self.asked.is_http_10
    }

    /// Writes the head of a response behind which another protocol takes the stream.
    ///
    /// `lines` go behind the fields as they are: whole field lines, each with its line end, of which
    /// none frames a body, speaks of the connection or is the date.
    ///
    /// # Spec
    ///
    /// RFC 9110 §7.8, §9.3.6. A body is not framed; any status but 101 and a success of CONNECT
    /// says `Connection: close`.
    pub fn send_handover_head(
        &mut self,
        (status, headers): (StatusCode, &HeaderMap),
        lines: &[u8],
        date: &DateField,
        output: &mut Vec<u8>,
    ) {
        let fields = (headers, lines);
        response::encode_handover(self.asked, (status, fields), date, output);
        self.life.is_persistent = false;
        self.life.apply(Input::ResponseHead { has_body: false });
    }

    /// Writes what goes before a piece of the response's body, and tells what goes behind it.
    ///
    /// # Errors
    ///
    /// The body is longer than its Content-Length: abort the connection.
    #[inline(always)]
    pub fn send_data(&mut self, len: usize, output: &mut Vec<u8>) -> Result<Chunk, Misuse> {
        self.transfer.send_data(len, output)
    }

    /// Returns how many bytes of the response's body are missing, where its length is stated.
    pub fn content_length_left(&self) -> Option<u64> {
        match self.transfer {
            Transfer::Length(left) => Some(left),
            Transfer::None | Transfer::Chunked | Transfer::UntilClose => None,
        }
    }

    /// Tells whether a body is being sent that only the end of the connection will end.
    pub fn is_body_until_close(&self) -> bool {
        self.life.response == state::Response::Body && self.transfer == Transfer::UntilClose
    }

    /// Counts the rest of a body of stated length as sent: the driver sends it from a file.
    pub fn send_rest_by_file(&mut self) {
        if let Transfer::Length(left) = &mut self.transfer {
            *left = 0;
        }
    }

    /// Tells whether no response to the request under way has begun.
    pub fn is_response_owed(&self) -> bool {
        self.life.response == state::Response::Owed
    }

    /// Tells whether there may be another exchange.
    pub fn is_persistent(&self) -> bool {
        self.life.is_persistent
    }

    /// Tells whether the response is complete.
    pub fn is_response_sent(&self) -> bool {
        self.life.response == state::Response::Done
    }

    /// Tells whether a body of stated length has been sent whole.
    pub fn is_body_sent(&self) -> bool {
        matches!(self.transfer, Transfer::Length(0))
    }

    /// Ends the response's body. Trailers are sent where the client takes them.
    ///
    /// # Errors
    ///
    /// The body is shorter than its Content-Length: abort the connection.
    #[inline(always)]
    pub fn send_end(
        &mut self,
        trailers: Option<&HeaderMap>,
        output: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        let trailers = trailers.filter(|_| self.asked.takes_trailers);
        self.transfer.send_end(trailers, output)?;
        self.life.apply(Input::ResponseEnd);
        Ok(())
    }

    /// Begins the next exchange if this one is done and the connection persists; tells whether it
    /// did.
    pub fn next_exchange(&mut self) -> bool {
        let begins = self.life.is_done() && self.life.is_persistent;
        if begins {
            self.life.apply(Input::Next);
        }
        begins
    }

    /// Answers a violation, or another refusal, if no response has begun, and closes the reading
    /// side.
    pub fn refuse(&mut self, status: StatusCode, date: &DateField, output: &mut Vec<u8>) {
        if self.life.request != state::Request::Closed {
            self.life.apply(Input::Broken);
        }
        if self.life.response != state::Response::Owed {
            return;
        }
        let reason = status.canonical_reason().unwrap_or_default();
        let text = http::HeaderValue::from_static("text/plain; charset=utf-8");
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, text)]);
        let (head, len) = ((status, &headers), reason.len() as u64);
        if self.send_head(head, Some(len), date, output) == Transfer::Length(len) && len > 0 {
            output.extend_from_slice(reason.as_bytes());
            self.life.apply(Input::ResponseEnd);
        }
    }

    fn end_request(&mut self) {
        self.body = Body::None;
        self.life.apply(Input::RequestEnd);
    }

    /// Closes the reading side behind a violation.
    fn judge<T>(&mut self, received: Result<T, Violation>) -> Result<T, Violation> {
        if received.is_err() && self.life.request != state::Request::Closed {
            self.life.apply(Input::Broken);
        }
        received
    }
}

fn check_len(len: u64, config: &Config) -> Result<(), Violation> {
    if len > config.max_body_bytes {
        Err(Violation::BodyTooLong)
    } else {
        Ok(())
    }
}
