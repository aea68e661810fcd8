//! A response and what a client must make of it, and the client without a stream that it is run
//! through.

use astatine_http1::Violation;
use astatine_http1::client::Config;
use astatine_http1::proto::{BodyEvent, client::Connection};
use bytes::Bytes;
use http::{Method, Request, Response};

use super::Named;

/// One response of the corpus.
pub(super) struct Case {
    pub(super) section: &'static str,
    name: &'static str,
    method: &'static str,
    input: Vec<u8>,
    outcome: Outcome,
}

/// What a client must make of a stream. A response is told as its status, ` <` and its body, ` >`
/// and its trailers.
#[derive(Clone, Copy)]
enum Outcome {
    /// The response is read, and the connection may serve again.
    Read(&'static str),
    /// The response is read, and the connection may not serve again.
    Last(&'static str),
    /// The response is refused, or its body, and the connection is of no more use.
    Refused(Violation),
}

/// The responses of the corpus.
#[derive(Default)]
pub(super) struct Responses(pub(super) Vec<Case>);

type Expected<'a> = (&'static str, &'a [u8], &'static str);

impl Responses {
    pub(super) fn read(&mut self, section: &'static str, cases: &[Expected<'_>]) {
        for (name, input, response) in cases {
            self.push(section, name, ("GET", input), Outcome::Read(response));
        }
    }

    pub(super) fn last(&mut self, section: &'static str, cases: &[Expected<'_>]) {
        for (name, input, response) in cases {
            self.push(section, name, ("GET", input), Outcome::Last(response));
        }
    }

    /// Responses to another method than GET, each on a connection that goes on.
    pub(super) fn to(
        &mut self,
        method: &'static str,
        section: &'static str,
        cases: &[Expected<'_>],
    ) {
        for (name, input, response) in cases {
            let outcome = match method {
                "CONNECT" => Outcome::Last(response),
                _ => Outcome::Read(response),
            };
            self.push(section, name, (method, input), outcome);
        }
    }

    pub(super) fn refused(
        &mut self,
        section: &'static str,
        violation: Violation,
        cases: &[Named<'_>],
    ) {
        for (name, input) in cases {
            self.push(section, name, ("GET", input), Outcome::Refused(violation));
        }
    }

    fn push(
        &mut self,
        section: &'static str,
        name: &'static str,
        (method, input): (&'static str, &[u8]),
        outcome: Outcome,
    ) {
        let input = input.to_vec();
        self.0.push(Case {
            section,
            name,
            method,
            input,
            outcome,
        });
    }
}

impl Case {
    /// Runs it whole, byte by byte, and in two pieces cut at every point. Returns what is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        let input = &self.input[..];
        let whole = Read::new(self.method, [input]);
        if !self.judge(&whole) {
            return Err(format!("{self}: {whole:?}"));
        }
        let split = Read::new(self.method, input.chunks(1));
        if whole != split {
            return Err(format!("{self}, byte by byte: {split:?}"));
        }
        for at in 1..input.len() {
            let (a, b) = input.split_at(at);
            let split = Read::new(self.method, [a, b]);
            if whole != split {
                return Err(format!("{self}, cut at {at}: {split:?}"));
            }
        }
        Ok(())
    }

    fn judge(&self, read: &Read) -> bool {
        match self.outcome {
            Outcome::Read(response) => read.is(response) && read.may_go_on,
            Outcome::Last(response) => read.is(response) && !read.may_go_on,
            Outcome::Refused(violation) => read.violation == Some(violation) && !read.may_go_on,
        }
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let input = self.input[..self.input.len().min(300)].escape_ascii();
        write!(f, "{}, {}: {input}", self.section, self.name)
    }
}

/// What a client made of a stream that ended.
#[derive(Debug, Default, PartialEq)]
struct Read {
    response: Option<String>,
    violation: Option<Violation>,
    may_go_on: bool,
}

impl Read {
    fn new<'a>(method: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let method = Method::from_bytes(method.as_bytes()).expect("it is a token");
        let uri = if method == Method::CONNECT {
            "h:443"
        } else {
            "http://h/"
        };
        let request = Request::builder().method(method).uri(uri).body(());
        let mut core = Connection::new();
        core.send_head(&request.expect("it is a request"), Some(0), &mut Vec::new())
            .expect("it can be sent");
        let mut input = Bytes::new();
        let mut read = Self::default();
        for piece in pieces {
            input = Bytes::from([&input[..], piece].concat());
            read.drain(&mut core, &mut input);
        }
        if read.violation.is_some() {
            return read;
        }
        read.may_go_on = core.next_exchange();
        if !read.may_go_on && !core.is_done() {
            read.violation = core.receive_eof().err();
            read.drain(&mut core, &mut input);
        }
        read
    }

    fn is(&self, response: &str) -> bool {
        self.violation.is_none() && self.response.as_deref() == Some(response)
    }

    fn drain(&mut self, core: &mut Connection, input: &mut Bytes) {
        while self.violation.is_none() {
            match self.step(core, input) {
                Ok(true) => {}
                Ok(false) => return,
                Err(violation) => self.violation = Some(violation),
            }
        }
    }

    fn step(&mut self, core: &mut Connection, input: &mut Bytes) -> Result<bool, Violation> {
        let config = Config::default();
        if let Some(event) = core.receive_body(input, &config)? {
            let text = self.response.as_mut().expect("a body has a head");
            match event {
                BodyEvent::Data(data) => {
                    if !text.contains(" <") {
                        text.push_str(" <");
                    }
                    text.push_str(&data.escape_ascii().to_string());
                }
                BodyEvent::End(trailers) => {
                    for (name, value) in &trailers {
                        text.push_str(&format!(" >{name}: {}", value.as_bytes().escape_ascii()));
                    }
                }
            }
            return Ok(true);
        }
        let mut response = Response::new(());
        let facts = core.receive_head(input, &config, &mut response)?;
        if facts.is_some() {
            self.response = Some(String::from(response.status().as_str()));
        }
        Ok(facts.is_some())
    }
}
