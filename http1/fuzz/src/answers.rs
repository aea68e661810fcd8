//! Reads what a server wrote, as a client would that knows nothing of our code.

use httparse::Status;

use crate::chunks::decode_chunked;
use crate::server::{End, Served};

/// What a response is meant to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    body: Vec<u8>,
    /// Whether the request's method leaves no room for a body: HEAD, and a success of CONNECT.
    is_bare: bool,
    /// Whether it was written to its end.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, is_bare: bool) -> Self {
        Self {
            status,
            body: Vec::new(),
            is_bare,
            is_whole: true,
        }
    }

    pub(crate) fn push(&mut self, piece: &[u8]) {
        if !self.is_bare {
            self.body.extend_from_slice(piece);
        }
    }
}

/// How a client finds the end of a body (RFC 9112 §6.3).
enum Framing {
    None,
    Length(usize),
    Chunked,
    UntilClose,
}

/// Checks that the output is the answers that were meant, and nothing else; an answer that broke
/// off must not look whole.
pub fn check_output(served: &Served) {
    let mut rest = &served.output[..];
    let mut closes = false;
    for answer in &served.answers {
        assert!(!closes, "nothing follows an answer that closes");
        let (framing, says_close, head_len) = read_head(rest, answer);
        let body = &rest[head_len..];
        closes = says_close;
        let read = match framing {
            Framing::None => Some((Vec::new(), 0)),
            Framing::Length(len) => body.get(..len).map(|body| (body.to_vec(), len)),
            Framing::Chunked => decode_chunked(body).map(|(content, trailers, len)| {
                let names = ["x-sum"];
                assert!(trailers.iter().all(|name| names.contains(&name.as_str())));
                (content, len)
            }),
            Framing::UntilClose => Some((body.to_vec(), body.len())),
        };
        match read {
            Some((content, len)) => {
                assert!(answer.is_whole, "an answer that broke off looks whole");
                assert_eq!(content, answer.body);
                rest = &body[len..];
            }
            None => {
                assert!(!answer.is_whole, "a whole answer cannot be read");
                rest = &[];
            }
        }
    }
    assert!(rest.is_empty(), "bytes behind the last answer: {rest:?}");
    let is_refused = matches!(served.end, End::Violation(_));
    let is_last_whole = served.answers.last().is_some_and(|a| a.status >= 400);
    assert!(
        closes || !(is_refused && is_last_whole),
        "a refusal says that it closes"
    );
}

fn read_head(output: &[u8], answer: &Answer) -> (Framing, bool, usize) {
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut fields);
    let read = response.parse(output).expect("an answer has a head");
    let Status::Complete(head_len) = read else {
        panic!("a head has an end");
    };
    assert_eq!(response.version, Some(1));
    assert_eq!(response.code, Some(answer.status));
    let value = |name: &str| {
        let mut values = response.headers.iter().filter(|field| field.name == name);
        let value = values.next().map(|field| field.value.to_vec());
        assert!(values.next().is_none(), "{name} stands once");
        value
    };
    let says_close = value("connection").is_some_and(|value| value.starts_with(b"close"));
    let length = value("content-length").map(|digits| {
        let digits = String::from_utf8(digits).expect("a length is ASCII");
        digits.parse().expect("a length is a number")
    });
    let chunked = value("transfer-encoding");
    if let Some(coding) = &chunked {
        assert_eq!(coding, b"chunked");
        assert!(length.is_none(), "one framing");
    }
    let has_none = answer.status < 200 || answer.status == 204;
    assert!(!has_none || length.is_none() && chunked.is_none());
    assert_eq!(value("date").is_some(), answer.status != 100);
    let framing = match (chunked, length) {
        _ if has_none || answer.is_bare || answer.status == 304 => Framing::None,
        (Some(_), _) => Framing::Chunked,
        (None, Some(length)) => Framing::Length(length),
        (None, None) => Framing::UntilClose,
    };
    (framing, says_close, head_len)
}
