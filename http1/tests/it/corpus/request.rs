//! A request and what must become of it, and the server without a stream that it is run through.

use astatine_http1::proto::{BodyEvent, Connection, DateField, RequestHead};
use astatine_http1::{Config, Head, Violation};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};

use super::Named;

/// One case of the corpus.
pub(super) struct Case {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) config: Config,
    input: Vec<u8>,
    outcome: Outcome,
}

/// What must become of a case's bytes. Behind them comes one more request, the tail.
///
/// Requests are told as `METHOD target`, ` {name: value}` for each field that begins with `x-` and
/// for a Host other than `h`, ` +continue` where the client waits, ` <` and the body, ` >` and the
/// trailers; a long target is cut short.
enum Outcome {
    /// These requests are served, and the tail too.
    Served(&'static [&'static str]),
    /// These requests are served, and nothing behind them.
    Last(&'static [&'static str]),
    /// The input is refused, and nothing behind it is served.
    Refused(Violation),
    /// Where the stream ends here, the last request is refused as incomplete.
    Cut,
}

/// Makes whole requests of the part of them that a table is about.
pub(super) type Wrap = fn(&[u8]) -> Vec<u8>;

/// The requests of the corpus.
#[derive(Default)]
pub(super) struct Requests {
    pub(super) cases: Vec<Case>,
    /// How the cases that follow are received.
    pub(super) config: Config,
}

type Expected<'a> = (&'static str, &'a [u8], &'static [&'static str]);

impl Requests {
    pub(super) fn served(&mut self, section: &'static str, wrap: Wrap, cases: &[Expected<'_>]) {
        for (name, part, requests) in cases {
            self.push(section, name, wrap(part), Outcome::Served(requests));
        }
    }

    pub(super) fn last(&mut self, section: &'static str, wrap: Wrap, cases: &[Expected<'_>]) {
        for (name, part, requests) in cases {
            self.push(section, name, wrap(part), Outcome::Last(requests));
        }
    }

    pub(super) fn refused(
        &mut self,
        section: &'static str,
        violation: Violation,
        wrap: Wrap,
        cases: &[Named<'_>],
    ) {
        for (name, part) in cases {
            self.push(section, name, wrap(part), Outcome::Refused(violation));
        }
    }

    pub(super) fn cut(&mut self, section: &'static str, wrap: Wrap, cases: &[Named<'_>]) {
        for (name, part) in cases {
            self.push(section, name, wrap(part), Outcome::Cut);
        }
    }

    fn push(
        &mut self,
        section: &'static str,
        name: &'static str,
        input: Vec<u8>,
        outcome: Outcome,
    ) {
        self.cases.push(Case {
            section,
            name,
            config: self.config.clone(),
            input,
            outcome,
        });
    }
}

/// The bytes themselves.
pub(super) fn raw(input: &[u8]) -> Vec<u8> {
    input.to_vec()
}

/// A request line, with a Host behind it.
pub(super) fn line(line: &[u8]) -> Vec<u8> {
    [line, b"\r\nHost: h\r\n\r\n"].concat()
}

/// The target of a GET.
pub(super) fn target(target: &[u8]) -> Vec<u8> {
    line(&[b"GET ", target, b" HTTP/1.1"].concat())
}

/// The value of Host.
pub(super) fn host(value: &[u8]) -> Vec<u8> {
    [b"GET / HTTP/1.1\r\nHost: ", value, b"\r\n\r\n"].concat()
}

/// Field lines of a GET, behind its Host.
pub(super) fn field(lines: &[u8]) -> Vec<u8> {
    [b"GET / HTTP/1.1\r\nHost: h\r\n", lines, b"\r\n\r\n"].concat()
}

/// Field lines of a POST, and what follows them.
pub(super) fn post(rest: &[u8]) -> Vec<u8> {
    [b"POST / HTTP/1.1\r\nHost: h\r\n", rest].concat()
}

/// The value of the Transfer-Encoding of a POST, whose body is an empty one if it is chunked.
pub(super) fn coding(value: &[u8]) -> Vec<u8> {
    post(&[b"Transfer-Encoding: ", value, b"\r\n\r\n0\r\n\r\n"].concat())
}

/// The value of the Content-Length of a POST, whose body is `abcde`.
pub(super) fn length(value: &[u8]) -> Vec<u8> {
    post(&[b"Content-Length: ", value, b"\r\n\r\nabcde"].concat())
}

/// A chunked body.
pub(super) fn chunks(body: &[u8]) -> Vec<u8> {
    post(&[b"Transfer-Encoding: chunked\r\n\r\n", body].concat())
}

impl Case {
    /// Runs it whole, byte by byte, and in two pieces cut at every point, through either door;
    /// every way must have the same outcome. A long one has larger pieces and fewer cuts. Returns
    /// what is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        let input = self.stream();
        let whole = self.serve::<Request<()>>(&[&input]);
        if !self.judge(&whole) {
            return Err(format!("{self}: {whole:?}"));
        }
        let same = |way: &str, pieces: &[&[u8]]| {
            let split = self.serve::<Request<()>>(pieces);
            let lower = self.serve::<Head>(pieces);
            if whole == split && whole == lower {
                Ok(())
            } else {
                Err(format!(
                    "{self}, {way}: {split:?}, at the lower door {lower:?}"
                ))
            }
        };
        same("whole", &[&input])?;
        let stride = if input.len() < 1000 { 1 } else { 997 };
        same("in small pieces", &input.chunks(stride).collect::<Vec<_>>())?;
        for at in (1..input.len()).step_by(stride) {
            let (a, b) = input.split_at(at);
            same(&format!("cut at {at}"), &[a, b])?;
        }
        Ok(())
    }

    fn serve<H: Door>(&self, pieces: &[&[u8]]) -> Served {
        Served::new::<H>(pieces, &self.config)
    }

    /// Returns what is sent to a server, the tail included.
    pub(super) fn stream(&self) -> Vec<u8> {
        match self.outcome {
            Outcome::Cut => self.input.clone(),
            Outcome::Served(_) | Outcome::Last(_) | Outcome::Refused(_) => {
                [&self.input[..], TAIL].concat()
            }
        }
    }

    /// Tells whether these are the statuses of the final answers, from a service that answers
    /// whatever comes whole with 200.
    pub(super) fn is_answered_by(&self, statuses: &[u16]) -> bool {
        let (last, n_before) = match self.outcome {
            Outcome::Served(requests) => (200, requests.len()),
            Outcome::Last(requests) => (200, requests.len() - 1),
            Outcome::Refused(violation) => (
                violation.status().as_u16(),
                statuses.len().saturating_sub(1),
            ),
            Outcome::Cut => (400, statuses.len().saturating_sub(1)),
        };
        let (end, before) = statuses.split_last().unwrap_or((&0, &[]));
        *end == last && before.len() == n_before && before.iter().all(|status| *status == 200)
    }

    fn judge(&self, served: &Served) -> bool {
        let is_tail_served = served
            .requests
            .last()
            .is_some_and(|last| last == "GET /tail");
        match self.outcome {
            Outcome::Served(requests) => {
                let expected = requests.iter().copied().chain(["GET /tail"]);
                served.violation.is_none() && served.requests.iter().eq(expected)
            }
            Outcome::Last(requests) => {
                served.violation.is_none() && served.closes && served.requests == requests
            }
            Outcome::Refused(violation) => {
                served.violation == Some(violation) && served.closes && !is_tail_served
            }
            Outcome::Cut => served.violation == Some(Violation::UnexpectedEof) && served.closes,
        }
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let input = self.input[..self.input.len().min(300)].escape_ascii();
        write!(f, "{}, {}: {input}", self.section, self.name)
    }
}

const TAIL: &[u8] = b"GET /tail HTTP/1.1\r\nHost: h\r\n\r\n";

const DATE: DateField = *b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

/// What a connection made of a stream that it answered with an empty 200 each time.
#[derive(Debug, Default, PartialEq)]
struct Served {
    requests: Vec<String>,
    violation: Option<Violation>,
    closes: bool,
}

impl Served {
    fn new<H: Door>(pieces: &[&[u8]], config: &Config) -> Self {
        let mut core = Connection::new();
        let mut input = Bytes::new();
        let mut served = Self::default();
        for piece in pieces {
            input = Bytes::from([&input[..], piece].concat());
            while !served.closes {
                match served.step::<H>(&mut core, &mut input, config) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(violation) => served.refuse(violation),
                }
            }
        }
        if !served.closes {
            if let Err(violation) = core.receive_eof(&input) {
                served.refuse(violation);
            }
        }
        served
    }

    fn step<H: Door>(
        &mut self,
        core: &mut Connection,
        input: &mut Bytes,
        config: &Config,
    ) -> Result<bool, Violation> {
        if core.is_idle() {
            let mut head = H::empty();
            let Some(facts) = core.receive_head(input, config, &mut head)? else {
                return Ok(false);
            };
            let mut text = describe(&head.into_request());
            if facts.expects_continue {
                text.push_str(" +continue");
            }
            self.requests.push(text);
            core.send_head(
                (StatusCode::OK, &HeaderMap::new()),
                Some(0),
                &DATE,
                &mut Vec::new(),
            );
        } else if core.is_receiving_body() {
            let Some(event) = core.receive_body(input, config)? else {
                return Ok(false);
            };
            self.receive_body(&event);
        } else {
            self.closes = !core.next_exchange();
        }
        Ok(true)
    }

    fn receive_body(&mut self, event: &BodyEvent) {
        let last = self.requests.last_mut().expect("a body has a head");
        match event {
            BodyEvent::Data(data) => {
                if !last.contains(" <") {
                    last.push_str(" <");
                }
                last.push_str(&data.escape_ascii().to_string());
            }
            BodyEvent::End(trailers) => {
                for (name, value) in trailers {
                    last.push_str(&format!(" >{name}: {}", value.as_bytes().escape_ascii()));
                }
            }
        }
    }

    fn refuse(&mut self, violation: Violation) {
        self.violation = Some(violation);
        self.closes = true;
    }
}

/// What a head is received into.
trait Door: RequestHead {
    fn empty() -> Self;

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

fn describe(request: &Request<()>) -> String {
    let mut text = format!("{} {}", request.method(), request.uri());
    if text.len() > 40 {
        text.truncate(20);
        text.push_str("...");
    }
    for (name, value) in request.headers() {
        let is_told = name.as_str().starts_with("x-") || *name == "host" && *value != "h";
        if is_told {
            text.push_str(&format!(" {{{name}: {}}}", value.as_bytes().escape_ascii()));
        }
    }
    text
}
