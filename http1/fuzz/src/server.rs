//! A server around the core, as the driver is one: it reads, answers by a script, and ends.

use astatine_http1::proto::{
    BodyEvent, Chunk, Connection, DateField, Framing, RequestHead, Transfer,
};
use astatine_http1::{Config, Head, Misuse, Violation};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};

use crate::answers::Answer;

/// How each request is answered: a byte for each in turn, from the start again behind the last.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a>(pub &'a [u8]);

/// What became of a stream.
#[derive(Debug, PartialEq)]
pub struct Served {
    /// Heads as they were understood, with their bodies and trailers.
    pub requests: Vec<(String, Vec<u8>, HeaderMap)>,
    /// What the answers were meant to be.
    pub answers: Vec<Answer>,
    pub output: Vec<u8>,
    pub end: End,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In good order; this much of the stream was left.
    Closed(usize),
    Violation(Violation),
    /// An answer broke off.
    Aborted,
    /// Another protocol has the stream from here on.
    HandedOver(usize),
}

/// What a head is received into.
pub trait Door: RequestHead {
    /// Begins with nothing.
    fn empty() -> Self;

    /// Takes the head apart.
    fn into_request(self) -> Request<()>;
}

impl Door for Request<()> {
    fn empty() -> Self {
        Self::new(())
    }

    fn into_request(self) -> Request<()> {
        self
    }
}

impl Door for Head {
    fn empty() -> Self {
        Self::default()
    }

    fn into_request(self) -> Request<()> {
        self.into_request(()).expect("it was judged")
    }
}

/// Feeds the pieces to a connection, ends the stream, and returns what came of it.
pub fn serve<'a, H: Door>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    script: Script<'_>,
    config: &Config,
) -> Served {
    let mut server = Server {
        core: Connection::new(),
        method: Method::GET,
        input: Bytes::new(),
        output: Vec::new(),
        served: Served {
            requests: Vec::new(),
            answers: Vec::new(),
            output: Vec::new(),
            end: End::Closed(0),
        },
        script,
        config,
    };
    let mut ended = None;
    for piece in pieces {
        server.input = Bytes::from([&server.input[..], piece].concat());
        if ended.is_none() {
            ended = server.run::<H>();
        }
    }
    let end = ended.unwrap_or_else(|| {
        let is_to_head = if server.core.is_receiving_body() {
            server.method == Method::HEAD
        } else {
            begins_as_head(&server.input)
        };
        match server.core.receive_eof(&server.input) {
            Ok(()) => End::Closed(0),
            Err(violation) => server.refuse(violation, is_to_head),
        }
    });
    server.served.end = match end {
        End::Closed(_) => End::Closed(server.input.len()),
        End::HandedOver(_) => End::HandedOver(server.input.len()),
        End::Violation(_) | End::Aborted => end,
    };
    server.served.output = server.output;
    server.served
}

struct Server<'a> {
    core: Connection,
    /// The last request's.
    method: Method,
    input: Bytes,
    output: Vec<u8>,
    served: Served,
    script: Script<'a>,
    config: &'a Config,
}

/// The bits of a script's byte beside the kind of answer.
const ANSWERS_FIRST: u8 = 0x08;
const READS_WHOLE: u8 = 0x10;

const DATE: DateField = *b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

impl Server<'_> {
    /// Does what the input allows; `None` while the connection goes on.
    fn run<H: Door>(&mut self) -> Option<End> {
        loop {
            let moved = if self.core.is_idle() {
                self.receive_head::<H>()
            } else if self.core.is_receiving_body() {
                self.receive_body()
            } else if self.core.is_response_owed() {
                self.answer().map_or(Ok(true), Err)
            } else if self.core.next_exchange() {
                Ok(true)
            } else {
                Err(End::Closed(0))
            };
            match moved {
                Ok(true) => {}
                Ok(false) => return None,
                Err(end) => return Some(end),
            }
        }
    }

    /// Reads a head, and answers it at once if the script says so; tells whether one was there.
    fn receive_head<H: Door>(&mut self) -> Result<bool, End> {
        let mut head = H::empty();
        let is_to_head = begins_as_head(&self.input);
        let received = self
            .core
            .receive_head(&mut self.input, self.config, &mut head);
        let facts = match received {
            Ok(None) => return Ok(false),
            Ok(Some(facts)) => facts,
            Err(violation) => {
                return Err(self.refuse(violation, is_to_head));
            }
        };
        assert_eq!(
            facts.framing != Framing::None,
            self.core.is_receiving_body(),
            "a body is expected if and only if the head frames one"
        );
        if facts.expects_continue {
            self.core.send_continue(&mut self.output);
            self.served.answers.push(Answer::new(100, false));
        }
        let request = head.into_request();
        self.method = request.method().clone();
        self.served
            .requests
            .push((describe(&request), Vec::new(), HeaderMap::new()));
        if self.turn() & ANSWERS_FIRST != 0 {
            self.answer().map_or(Ok(true), Err)
        } else {
            Ok(true)
        }
    }

    fn turn(&self) -> u8 {
        let n_requests = self.served.requests.len().max(1);
        let script = self.script.0;
        script
            .get((n_requests - 1) % script.len().max(1))
            .copied()
            .unwrap_or(0)
    }

    fn last(&mut self) -> &mut (String, Vec<u8>, HeaderMap) {
        self.served
            .requests
            .last_mut()
            .expect("a body has a head before it")
    }

    /// Reads what is there of a body; tells whether anything was.
    fn receive_body(&mut self) -> Result<bool, End> {
        if self.turn() & READS_WHOLE != 0 {
            if let Some(body) = self.core.receive_whole_body(&mut self.input) {
                self.last().1.extend_from_slice(&body);
                return Ok(true);
            }
        }
        match self.core.receive_body(&mut self.input, self.config) {
            Ok(None) => return Ok(false),
            Ok(Some(BodyEvent::Data(data))) => {
                assert!(!data.is_empty(), "a piece of a body has bytes");
                self.last().1.extend_from_slice(&data);
                let len = self.last().1.len() as u64;
                assert!(len <= self.config.max_body_bytes, "a body keeps its limit");
            }
            Ok(Some(BodyEvent::End(trailers))) => self.last().2 = trailers,
            Err(violation) => {
                return Err(self.refuse(violation, self.method == Method::HEAD));
            }
        }
        Ok(true)
    }

    /// Answers the request under way by the script; an end where the answer is one.
    fn answer(&mut self) -> Option<End> {
        let content = b"0123456789";
        match self.turn() & 0x07 {
            0 => self.send(StatusCode::OK, Some(content.len()), None, &[content]),
            1 => self.send(StatusCode::OK, None, None, &[b"abc", b"defg"]),
            2 => self.send(StatusCode::NO_CONTENT, Some(0), None, &[]),
            3 => self.send(StatusCode::NOT_MODIFIED, Some(0), Some("7"), &[]),
            // Declared longer than it is, then shorter.
            4 => self.send(StatusCode::OK, None, Some("11"), &[content]),
            5 => self.send(StatusCode::OK, None, Some("7"), &[content]),
            6 => {
                let mut response = Response::new(());
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                let protocol = HeaderValue::from_static("x");
                response.headers_mut().insert(UPGRADE, protocol);
                let head = (response.status(), response.headers());
                self.core
                    .send_handover_head(head, b"", &DATE, &mut self.output);
                self.served.answers.push(Answer::new(101, false));
                Some(End::HandedOver(0))
            }
            _ => {
                self.core.close_after_response();
                self.send(StatusCode::OK, Some(content.len()), None, &[content])
            }
        }
    }

    fn send(
        &mut self,
        status: StatusCode,
        exact_len: Option<usize>,
        declared: Option<&'static str>,
        pieces: &[&[u8]],
    ) -> Option<End> {
        let mut response = Response::new(());
        *response.status_mut() = status;
        if let Some(declared) = declared {
            let declared = HeaderValue::from_static(declared);
            response.headers_mut().insert(CONTENT_LENGTH, declared);
        }
        let exact_len = exact_len.map(|len| len as u64);
        let head = (status, response.headers());
        let transfer = self
            .core
            .send_head(head, exact_len, &DATE, &mut self.output);
        let is_tunnel = self.method == Method::CONNECT && status.is_success();
        let is_bare = self.method == Method::HEAD || is_tunnel;
        let mut answer = Answer::new(status.as_u16(), is_bare);
        let has_body = !is_bare && status == StatusCode::OK;
        assert_eq!(has_body, transfer != Transfer::None, "{status}");
        let sent = if has_body {
            self.send_body(pieces, &mut answer)
        } else {
            Ok(())
        };
        if sent.is_err() {
            answer.is_whole = false;
        }
        self.served.answers.push(answer);
        sent.err().map(|_| End::Aborted)
    }

    fn send_body(&mut self, pieces: &[&[u8]], answer: &mut Answer) -> Result<(), Misuse> {
        for piece in pieces {
            let chunk = self.core.send_data(piece.len(), &mut self.output)?;
            self.output.extend_from_slice(piece);
            answer.push(piece);
            match chunk {
                Chunk::Plain => {}
                Chunk::Chunked => self.output.extend_from_slice(b"\r\n"),
            }
        }
        // The second may not stand in a trailer section, and must not come out.
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("1"));
        trailers.insert(CONTENT_LENGTH, HeaderValue::from_static("1"));
        self.core.send_end(Some(&trailers), &mut self.output)
    }

    fn refuse(&mut self, violation: Violation, is_to_head: bool) -> End {
        let is_owed = self.core.is_response_owed();
        let n_before = self.output.len();
        self.core
            .refuse(violation.status(), &DATE, &mut self.output);
        assert!(!self.core.is_persistent() && !self.core.next_exchange());
        let is_answered = self.output.len() > n_before;
        assert_eq!(
            is_owed, is_answered,
            "a refusal is written where it is owed"
        );
        if is_answered {
            let status = violation.status();
            let mut answer = Answer::new(status.as_u16(), is_to_head);
            answer.push(status.canonical_reason().unwrap_or_default().as_bytes());
            self.served.answers.push(answer);
        }
        // Of two limits that are passed at once, the pieces decide which is seen first.
        match violation {
            Violation::HeaderLineTooLong | Violation::TooManyHeaders => {
                End::Violation(Violation::HeadTooLong)
            }
            _ => End::Violation(violation),
        }
    }
}

/// Tells whether a head that cannot be read is HEAD's, as its first octets say.
fn begins_as_head(mut input: &[u8]) -> bool {
    while let Some(behind) = input.strip_prefix(b"\r\n") {
        input = behind;
    }
    input.starts_with(b"HEAD ")
}

/// Writes a head down, fields in order of their names.
fn describe(request: &Request<()>) -> String {
    let mut text = format!(
        "{} {} {:?}",
        request.method(),
        request.uri(),
        request.version()
    );
    let mut names: Vec<_> = request.headers().keys().collect();
    names.sort_by_key(|name| name.as_str());
    for name in names {
        for value in request.headers().get_all(name) {
            text.push_str(&format!("\n{name}: {}", value.as_bytes().escape_ascii()));
        }
    }
    text
}
