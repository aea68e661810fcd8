//! What a server must write: the service's response in, bytes out.

use astatine_http1::proto::{BodyEvent, Chunk, Connection, DateField, Transfer};
use astatine_http1::{Config, Violation};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};

/// One answer of the corpus.
pub(super) struct Case {
    pub(super) section: &'static str,
    name: &'static str,
    request: &'static str,
    given: Given,
    /// What is written, the date left out.
    expected: &'static str,
}

/// What a service answers: a status, and fields, each `name: value`.
struct Given {
    status: u16,
    fields: &'static [&'static str],
    body: Body,
}

/// The body of an answer.
#[derive(Clone, Copy)]
enum Body {
    /// Its length is known.
    Sized(&'static str),
    /// Its pieces, whose number is not known, and a trailer `x-sum: 1` beside one that may not
    /// stand there.
    Pieces(&'static [&'static str]),
}

const DATE: DateField = *b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const TRAILERS: &str = "GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n";
const CONNECT: &str = "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n";
const OLD: &str = "GET / HTTP/1.0\r\n\r\n";

pub(super) fn cases() -> Vec<Case> {
    use Body::{Pieces, Sized};
    let case = |section, name, request, status, fields, body, expected| Case {
        section,
        name,
        request,
        given: Given {
            status,
            fields,
            body,
        },
        expected,
    };
    const PIECES: Body = Pieces(&["abc", "defghijklmnopqrstuvwxyz"]);
    vec![
        case(
            "RFC 9112 §2.3",
            "the server's version, whatever the client's",
            OLD,
            200,
            &[],
            Sized("a"),
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\na",
        ),
        case(
            "RFC 9112 §4",
            "a status without a reason keeps the space",
            GET,
            599,
            &[],
            Sized(""),
            "HTTP/1.1 599 \r\ncontent-length: 0\r\n\r\n",
        ),
        case(
            "RFC 9112 §6.1",
            "a length that is not known is chunked",
            GET,
            200,
            &[],
            PIECES,
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n17\r\ndefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
        ),
        case(
            "RFC 9112 §6.1",
            "HTTP/1.0 is never sent a coding",
            OLD,
            200,
            &[],
            PIECES,
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabcdefghijklmnopqrstuvwxyz",
        ),
        case(
            "RFC 9112 §6.1",
            "the service's coding is not sent",
            GET,
            200,
            &["transfer-encoding: gzip, chunked"],
            Sized("a"),
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
        ),
        case(
            "RFC 9112 §6.1",
            "204 has no coding",
            GET,
            204,
            &[],
            PIECES,
            "HTTP/1.1 204 No Content\r\n\r\n",
        ),
        case(
            "RFC 9112 §6.1",
            "a success of CONNECT has no coding",
            CONNECT,
            200,
            &[],
            PIECES,
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
        ),
        case(
            "RFC 9112 §6.2",
            "a length and no coding",
            GET,
            200,
            &["content-length: 26", "transfer-encoding: chunked"],
            PIECES,
            "HTTP/1.1 200 OK\r\ncontent-length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz",
        ),
        case(
            "RFC 9112 §6.3",
            "HEAD has no body",
            HEAD,
            200,
            &[],
            Sized("abc"),
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n",
        ),
        case(
            "RFC 9112 §6.3",
            "304 has no body",
            GET,
            304,
            &[],
            Sized("abc"),
            "HTTP/1.1 304 Not Modified\r\n\r\n",
        ),
        case(
            "RFC 9112 §7.1.2",
            "trailers to who takes them, but for those that frame",
            TRAILERS,
            200,
            &[],
            PIECES,
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n17\r\ndefghijklmnopqrstuvwxyz\r\n0\r\nx-sum: 1\r\n\r\n",
        ),
        case(
            "RFC 9112 §9.3",
            "HTTP/1.0 is told that the connection persists",
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            200,
            &[],
            Sized("a"),
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: keep-alive\r\n\r\na",
        ),
        case(
            "RFC 9112 §9.6",
            "close is answered by close",
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
            200,
            &[],
            Sized("a"),
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\na",
        ),
        case(
            "RFC 9112 §9.6",
            "the service's close is sent",
            GET,
            200,
            &["connection: x, Close"],
            Sized("a"),
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\na",
        ),
        case(
            "RFC 9110 §6.6.1",
            "the service's date stays",
            GET,
            200,
            &["date: then"],
            Sized(""),
            "HTTP/1.1 200 OK\r\ndate: then\r\ncontent-length: 0\r\n\r\n",
        ),
        case(
            "RFC 9110 §7.8",
            "who sends Upgrade says so",
            GET,
            426,
            &["upgrade: x"],
            Sized(""),
            "HTTP/1.1 426 Upgrade Required\r\nupgrade: x\r\ncontent-length: 0\r\nconnection: upgrade\r\n\r\n",
        ),
        case(
            "RFC 9110 §8.6",
            "204 has no length",
            GET,
            204,
            &["content-length: 0"],
            Sized(""),
            "HTTP/1.1 204 No Content\r\n\r\n",
        ),
        case(
            "RFC 9110 §8.6",
            "a success of CONNECT has no length",
            CONNECT,
            200,
            &["content-length: 3"],
            Sized("abc"),
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
        ),
        case(
            "RFC 9110 §8.6",
            "304 has the length that 200 would have",
            GET,
            304,
            &["content-length: 3"],
            Sized(""),
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 3\r\n\r\n",
        ),
        case(
            "RFC 9110 §8.6",
            "HEAD has the length that GET would have",
            HEAD,
            200,
            &["content-length: 3"],
            Sized(""),
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n",
        ),
        case(
            "RFC 9110 §8.6",
            "an empty body of HEAD says nothing of GET's",
            HEAD,
            200,
            &[],
            Sized(""),
            "HTTP/1.1 200 OK\r\n\r\n",
        ),
        case(
            "RFC 9110 §8.6",
            "a length that is none is not sent",
            GET,
            200,
            &["content-length: +1"],
            Sized("a"),
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
        ),
        case(
            "RFC 9110 §10.1.1",
            "a client that waits is given leave",
            "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
            200,
            &[],
            Sized("a"),
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
        ),
        case(
            "RFC 9110 §15.3.6",
            "205 has no content",
            GET,
            205,
            &[],
            Sized("abc"),
            "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n",
        ),
    ]
}

impl Case {
    /// Returns what is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        let written = self.write();
        let date = std::str::from_utf8(&DATE).expect("it is ASCII");
        let has_date = written.contains("date: ");
        let written = written.replacen(date, "", 1);
        if has_date && written == self.expected {
            Ok(())
        } else {
            Err(format!("{}, {}: {written:?}", self.section, self.name))
        }
    }

    fn write(&self) -> String {
        let mut core = Connection::new();
        let mut input = Bytes::from(self.request);
        let mut output = Vec::new();
        let config = Config::default();
        let facts = core.receive_head(&mut input, &config, &mut Request::new(()));
        if facts
            .expect("it is allowed")
            .expect("it is whole")
            .expects_continue
        {
            core.send_continue(&mut output);
        }
        while let Some(event) = core
            .receive_body(&mut input, &config)
            .expect("it is allowed")
        {
            if matches!(event, BodyEvent::End(_)) {
                break;
            }
        }
        let response = self.given.response();
        let (pieces, exact_len) = match self.given.body {
            Body::Sized(ref body) => (std::slice::from_ref(body), Some(body.len() as u64)),
            Body::Pieces(pieces) => (pieces, None),
        };
        let transfer = core.send_head(
            (response.status(), response.headers()),
            exact_len,
            &DATE,
            &mut output,
        );
        if !matches!(transfer, Transfer::None | Transfer::Length(0)) {
            for piece in pieces {
                let chunk = core.send_data(piece.len(), &mut output).expect("it fits");
                output.extend_from_slice(piece.as_bytes());
                if chunk == Chunk::Chunked {
                    output.extend_from_slice(b"\r\n");
                }
            }
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", HeaderValue::from_static("1"));
            trailers.insert("content-length", HeaderValue::from_static("1"));
            core.send_end(Some(&trailers), &mut output)
                .expect("it is whole");
        }
        String::from_utf8(output).expect("it is ASCII")
    }
}

impl Given {
    fn response(&self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(self.status).expect("it has three digits");
        for field in self.fields {
            let (name, value) = field.split_once(": ").expect("it is a field");
            let name = HeaderName::from_static(name);
            response
                .headers_mut()
                .append(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// What is refused is answered by the status that the standards ask for.
#[test]
fn every_violation_of_a_request_has_its_status() {
    use Violation as V;
    for (section, status, violations) in [
        (
            "RFC 9112 §2.2, §3, §3.2, §5.1, §5.2, §6.3, §7.1, §8",
            400,
            &[
                V::BareLf,
                V::BareCr,
                V::RequestLine,
                V::RequestTarget,
                V::HeaderField,
                V::Host,
                V::ContentLength,
                V::TransferEncoding,
                V::Chunk,
                V::UnexpectedEof,
            ][..],
        ),
        ("RFC 9110 §15.5.9", 408, &[V::HeadTimeout, V::BodyTooSlow]),
        ("RFC 9110 §15.5.14", 413, &[V::BodyTooLong]),
        ("RFC 9112 §3", 414, &[V::RequestLineTooLong]),
        ("RFC 9110 §10.1.1", 417, &[V::Expectation]),
        (
            "RFC 6585 §5",
            431,
            &[V::HeaderLineTooLong, V::TooManyHeaders, V::HeadTooLong],
        ),
        ("RFC 9112 §6.1", 501, &[V::TransferCoding]),
        ("RFC 9110 §15.6.6", 505, &[V::Version]),
    ] {
        for violation in violations {
            assert_eq!(
                violation.status().as_u16(),
                status,
                "{violation:?}, {section}"
            );
            let (mut core, mut output) = (Connection::new(), Vec::new());
            let nothing = core.receive_head(
                &mut Bytes::from("\n"),
                &Config::default(),
                &mut Request::new(()),
            );
            assert!(nothing.is_err());
            core.refuse(violation.status(), &DATE, &mut output);
            let text = String::from_utf8(output).expect("it is ASCII");
            assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
            assert!(text.contains("\r\nconnection: close\r\n"), "{text}");
            assert!(!core.is_persistent() && !core.next_exchange());
        }
    }
}
