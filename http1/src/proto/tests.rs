//! Limits, ends and mistakes; what a peer may send is in `tests/it/corpus`. Each input is run whole,
//! byte by byte, and with a tail behind it.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};

use super::zero_copy::Head;
use super::*;
use crate::config::Config;
use crate::error::Violation;

/// What a connection made of its input: requests as `METHOD target body`, then how it ended.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    requests: Vec<String>,
    fields: Vec<String>,
    trailers: Vec<String>,
    violation: Option<Violation>,
}

const DATE: DateField = *b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

/// Feeds the pieces to a connection and answers each request with an empty 200. `head` is what a
/// head is received into.
fn run<H: RequestHead>(
    pieces: impl Iterator<Item = Vec<u8>>,
    config: &Config,
    head: impl Fn() -> H,
    into_request: impl Fn(H) -> Request<()>,
) -> Seen {
    let mut core = Connection::new();
    let (mut input, mut output) = (Bytes::new(), Vec::new());
    let mut seen = Seen::default();
    for piece in pieces {
        input = Bytes::from([&input[..], &piece].concat());
        loop {
            let mut head = head();
            match core.receive_head(&mut input, config, &mut head) {
                Ok(Some(_)) => {
                    let request = into_request(head);
                    let (method, uri) = (request.method(), request.uri());
                    seen.requests.push(format!("{method} {uri} "));
                    seen.fields.extend(names(request.headers()));
                    core.send_head(
                        (StatusCode::OK, &HeaderMap::new()),
                        Some(0),
                        &DATE,
                        &mut output,
                    );
                    continue;
                }
                Ok(None) => {}
                Err(violation) => {
                    seen.violation = Some(violation);
                    return seen;
                }
            }
            match step(&mut core, &mut input, &mut seen, config) {
                Ok(true) => {}
                Ok(false) => break,
                Err(violation) => {
                    seen.violation = Some(violation);
                    return seen;
                }
            }
        }
    }
    seen
}

fn step(
    core: &mut Connection,
    input: &mut Bytes,
    seen: &mut Seen,
    config: &Config,
) -> Result<bool, Violation> {
    if let Some(event) = core.receive_body(input, config)? {
        match event {
            BodyEvent::Data(data) => seen
                .requests
                .last_mut()
                .expect("a body has a head")
                .push_str(&String::from_utf8_lossy(&data)),
            BodyEvent::End(trailers) => seen.trailers.extend(names(&trailers)),
        }
    } else {
        return Ok(core.next_exchange());
    }
    Ok(true)
}

/// Takes a head off the input, by the default limits.
fn receive(
    core: &mut Connection,
    input: &mut Bytes,
) -> Result<Option<(Request<()>, HeadFacts)>, Violation> {
    let mut request = Request::new(());
    let facts = core.receive_head(input, &Config::default(), &mut request)?;
    Ok(facts.map(|facts| (request, facts)))
}

fn names(trailers: &HeaderMap) -> impl Iterator<Item = String> {
    trailers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?")))
}

/// Runs a case in one piece, byte by byte, and in two pieces cut at every point, and through the
/// lower door; all must agree.
fn run_every_way(input: &[u8], config: &Config) -> Seen {
    let run = |pieces: Vec<Vec<u8>>| {
        let request = run(
            pieces.clone().into_iter(),
            config,
            || Request::new(()),
            |r| r,
        );
        let head = run(pieces.into_iter(), config, Head::default, |head| {
            head.into_request(()).expect("a head that was judged")
        });
        assert_eq!(request, head, "as it came: {}", input.escape_ascii());
        request
    };
    let whole = run(vec![input.to_vec()]);
    let bytewise = run(input.iter().map(|byte| vec![*byte]).collect());
    assert_eq!(whole, bytewise, "byte by byte: {}", input.escape_ascii());
    if input.len() < 400 {
        for cut in 0..input.len() {
            let (a, b) = input.split_at(cut);
            let halves = run(vec![a.to_vec(), b.to_vec()]);
            assert_eq!(whole, halves, "cut at {cut}: {}", input.escape_ascii());
        }
    }
    whole
}

const TAIL: &str = "GET /tail HTTP/1.1\r\nHost: t\r\n\r\n";

/// A case that is served: the requests it makes, with another one behind it.
fn check(input: &str, requests: &[&str]) {
    let seen = run_every_way(format!("{input}{TAIL}").as_bytes(), &Config::default());
    assert_eq!(seen.violation, None, "{}", input.escape_debug());
    let expected: Vec<_> = requests.iter().copied().chain(["GET /tail "]).collect();
    assert_eq!(seen.requests, expected, "{}", input.escape_debug());
}

/// A case that is refused, and nothing behind it is served.
fn check_refused(input: impl AsRef<[u8]>, violation: Violation) {
    let input = input.as_ref();
    let seen = run_every_way(&[input, TAIL.as_bytes()].concat(), &Config::default());
    assert_eq!(seen.violation, Some(violation), "{}", input.escape_ascii());
    assert!(
        !seen.requests.iter().any(|r| r.contains("/tail")),
        "{}",
        input.escape_ascii()
    );
}

#[test]
fn a_request_line_is_judged_before_the_rest_of_its_head_has_come() {
    for (input, expected) in [
        (&b"GET /\r\n"[..], Some(Violation::RequestLine)),
        (b"\r\nGET / HTTP/2.0\r\nHost", Some(Violation::Version)),
        // Another protocol: a handshake of TLS.
        (b"\x16\x03\x01", Some(Violation::RequestLine)),
        (b"\r\n ", Some(Violation::RequestLine)),
        (b"GET / HTTP/2.0\r", None),
        (b"no request", None),
        (b"\r", None),
    ] {
        let seen = run_every_way(input, &Config::default());
        assert_eq!(seen.violation, expected, "{}", input.escape_ascii());
    }
}

mod limits {
    use super::*;

    fn check_limit(input: &str, at_limit: &str, violation: Violation) {
        let config = Config {
            max_request_line_bytes: 100,
            max_header_line_bytes: 50,
            max_headers: 4,
            max_head_bytes: 300,
            max_body_bytes: 10,
            ..Config::default()
        };
        let refused = run_every_way(input.as_bytes(), &config);
        assert_eq!(refused.violation, Some(violation), "{input}");
        let served = run_every_way(at_limit.as_bytes(), &config);
        assert_eq!(
            (served.violation, served.requests.len()),
            (None, 1),
            "{at_limit}"
        );
    }

    #[test]
    fn a_request_line_beyond_the_limit_is_414() {
        let line = |n: usize| format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(n - 14));
        check_limit(&line(101), &line(100), Violation::RequestLineTooLong);
    }

    #[test]
    fn a_target_that_no_uri_holds_is_414_whatever_the_limit() {
        let config = Config {
            max_request_line_bytes: 1 << 20,
            max_head_bytes: 1 << 20,
            ..Config::default()
        };
        for (n_octets, expected) in [
            (65_534, None),
            (65_535, Some(Violation::RequestLineTooLong)),
            (70_000, Some(Violation::RequestLineTooLong)),
        ] {
            let target = format!("/{}", "a".repeat(n_octets - 1));
            let head = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
            let mut request = Request::new(());
            let mut input = Bytes::from(head.clone());
            let received = Connection::new().receive_head(&mut input, &config, &mut request);
            assert_eq!(received.err(), expected, "{n_octets}");
            let received = Connection::new().receive_head(
                &mut Bytes::from(head),
                &config,
                &mut Head::default(),
            );
            assert_eq!(received.err(), expected, "{n_octets}, at the lower door");
        }
    }

    #[test]
    fn a_header_line_beyond_the_limit_is_431() {
        let line = |n: usize| {
            format!(
                "GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n",
                "a".repeat(n - 3)
            )
        };
        check_limit(&line(51), &line(50), Violation::HeaderLineTooLong);
    }

    #[test]
    fn one_header_too_many_is_431() {
        let fields = |n: usize| {
            format!(
                "GET / HTTP/1.1\r\nHost: h\r\n{}\r\n",
                "X: a\r\n".repeat(n - 1)
            )
        };
        check_limit(&fields(5), &fields(4), Violation::TooManyHeaders);
    }

    #[test]
    fn more_fields_than_a_map_holds_are_an_error_whatever_the_limit() {
        let config = Config {
            max_headers: 60_000,
            max_head_bytes: 1 << 20,
            ..Config::default()
        };
        let same = |n: usize| "a:\r\n".repeat(n);
        let other = |n: usize| (0..n).map(|at| format!("a{at}:\r\n")).collect();
        for (n_fields, fields, expected) in [
            (30_000, same(30_000), None),
            (20_000, other(20_000), None),
            (40_000, other(40_000), Some(Violation::TooManyHeaders)),
        ] {
            let head = Bytes::from(format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n"));
            let (mut request, mut lower) = (Request::new(()), Head::default());
            let upper = Connection::new().receive_head(&mut head.clone(), &config, &mut request);
            assert_eq!(upper.err(), expected, "{n_fields}");
            let received = Connection::new().receive_head(&mut head.clone(), &config, &mut lower);
            assert_eq!(received.err(), None);
            assert_eq!(lower.into_request(()).err(), expected, "{n_fields}");
        }
    }

    #[test]
    fn a_head_beyond_the_limit_is_431() {
        let config = Config {
            max_head_bytes: 100,
            ..Config::default()
        };
        let head = |n: usize| {
            format!(
                "GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n",
                "a".repeat(n - 32)
            )
        };
        let seen = run_every_way(head(101).as_bytes(), &config);
        assert_eq!(seen.violation, Some(Violation::HeadTooLong));
        assert_eq!(
            run_every_way(head(100).as_bytes(), &config).requests,
            ["GET / "]
        );
    }

    #[test]
    fn of_two_limits_the_first_that_the_stream_reaches_is_broken() {
        let config = Config {
            max_request_line_bytes: 100,
            max_header_line_bytes: 50,
            max_headers: 2,
            max_head_bytes: 80,
            ..Config::default()
        };
        let line = |n: usize| format!("GET /{} HTTP/1.1\r\n", "a".repeat(n - 14));
        let field = |n: usize| format!("X: {}\r\n", "a".repeat(n - 3));
        for (head, violation) in [
            (line(101), Violation::HeadTooLong),
            (line(20) + &field(59), Violation::HeaderLineTooLong),
            (line(30) + &field(51), Violation::HeadTooLong),
            (
                line(20) + &field(4) + &field(50) + "X:",
                Violation::HeadTooLong,
            ),
            (
                line(20) + &field(4) + &field(4) + &field(90),
                Violation::TooManyHeaders,
            ),
        ] {
            let seen = run_every_way(format!("{head}\r\n\r\n").as_bytes(), &config);
            assert_eq!(seen.violation, Some(violation), "{head}");
        }
    }

    #[test]
    fn a_body_beyond_the_limit_is_413() {
        let head = "POST / HTTP/1.1\r\nHost: h\r\n";
        let length = |n| format!("{head}Content-Length: {n}\r\n\r\n{}", "a".repeat(n));
        check_limit(&length(11), &length(10), Violation::BodyTooLong);
        let chunked = |n| {
            format!(
                "{head}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
                "1\r\na\r\n".repeat(n)
            )
        };
        check_limit(&chunked(11), &chunked(10), Violation::BodyTooLong);
    }

    #[test]
    fn a_line_beyond_the_limit_is_too_long_however_it_ends() {
        let line = "a".repeat(51);
        for end in ["\n", "\r\n", "\r"] {
            let head = format!("GET / HTTP/1.1\r\nX{line}{end}\r\n\r\n");
            let config = Config {
                max_header_line_bytes: 50,
                ..Config::default()
            };
            let seen = run_every_way(head.as_bytes(), &config);
            assert_eq!(seen.violation, Some(Violation::HeaderLineTooLong));
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_table() {
        let fields = |n: usize| {
            format!(
                "GET / HTTP/1.1\r\nHost: h\r\n{}\r\n",
                "X: a\r\n".repeat(n - 1)
            )
        };
        check(&fields(128), &["GET / "]);
        check_refused(fields(129), Violation::TooManyHeaders);
        let line = format!(
            "GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n",
            "a".repeat(8190)
        );
        check_refused(line, Violation::HeaderLineTooLong);
        let target = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(8192));
        check_refused(target, Violation::RequestLineTooLong);
        let line = format!("X: {}\r\n", "a".repeat(8000));
        let head = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", line.repeat(5));
        check_refused(head, Violation::HeadTooLong);
    }
}

mod rfc9112_9 {
    use super::*;

    #[test]
    fn a_stream_that_ends_inside_a_request_is_a_violation() {
        for (input, expected) in [
            ("", Ok(())),
            ("GET", Err(Violation::UnexpectedEof)),
            ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", Ok(())),
            (
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na",
                Err(Violation::UnexpectedEof),
            ),
        ] {
            let (mut input, config) = (Bytes::from(input), Config::default());
            let mut core = Connection::new();
            while receive(&mut core, &mut input).unwrap().is_some()
                || core.receive_body(&mut input, &config).unwrap().is_some()
            {}
            assert_eq!(core.receive_eof(&input), expected);
        }
    }
}

mod response {
    use super::*;

    const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n";
    #[test]
    fn a_body_must_match_its_length() {
        let mut output = Vec::new();
        let mut core = Connection::new();
        receive(&mut core, &mut Bytes::from(GET)).unwrap();
        core.send_head(
            (StatusCode::OK, &HeaderMap::new()),
            Some(5),
            &DATE,
            &mut output,
        );
        assert!(core.send_data(3, &mut output).is_ok());
        assert!(core.send_data(3, &mut output).is_err());
        assert!(core.send_end(None, &mut output).is_err());
    }

    #[test]
    fn a_violation_is_answered_as_a_get_also_behind_a_head_request() {
        let (mut input, mut output) = (Bytes::from(HEAD), Vec::new());
        let mut core = Connection::new();
        receive(&mut core, &mut input).unwrap();
        core.send_head(
            (StatusCode::OK, &HeaderMap::new()),
            Some(0),
            &DATE,
            &mut output,
        );
        assert!(core.next_exchange());
        output.clear();
        input = Bytes::from("nonsense\r\n\r\n");
        let violation = receive(&mut core, &mut input).unwrap_err();
        core.refuse(violation.status(), &DATE, &mut output);
        let text = String::from_utf8(output.to_vec()).unwrap();
        assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
        assert!(text.contains("connection: close\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\nBad Request"), "{text}");
    }
}
