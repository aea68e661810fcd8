//! Cases by section of RFC 9112, each run whole, byte by byte, and with a tail behind it.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};

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
                    core.send_head(&Response::new(()), Some(0), &DATE, &mut output);
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

fn refused_with_fields(fields: &str, violation: Violation) {
    check_refused(
        format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n"),
        violation,
    );
}

mod rfc9112_2_2 {
    use super::*;

    #[test]
    fn empty_lines_before_a_request_are_skipped() {
        check("\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", &["GET /a "]);
    }

    #[test]
    fn a_line_that_ends_without_cr_is_refused() {
        for input in [
            "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET / HTTP/1.1\nHost: h\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\n\n",
        ] {
            check_refused(input, Violation::BareLf);
        }
    }

    #[test]
    fn a_bare_cr_is_refused() {
        check_refused("GET / HTTP/1.1\rHost: h\r\n\r\n", Violation::BareCr);
        check_refused("\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", Violation::BareCr);
        refused_with_fields("X: a\rb", Violation::BareCr);
        refused_with_fields("X: a\r\rb: c", Violation::BareCr);
        let chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        check_refused(format!("{chunked}0\r\nX: a\rb\r\n\r\n"), Violation::BareCr);
    }
}

mod rfc9112_3 {
    use super::*;

    #[test]
    fn requests_of_one_write_are_answered_in_order() {
        check(
            "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
            &["GET /1 ", "POST /2 abc"],
        );
    }

    #[test]
    fn extension_methods_and_odd_but_legal_targets_pass() {
        check("PROPFIND /a HTTP/1.1\r\nHost: h\r\n\r\n", &["PROPFIND /a "]);
        check("GET /a? HTTP/1.1\r\nHost: h\r\n\r\n", &["GET /a? "]);
        check(
            "GET /a+b%20c HTTP/1.1\r\nHost: h\r\n\r\n",
            &["GET /a+b%20c "],
        );
        check(
            "GET /?a={b|c}^ HTTP/1.1\r\nHost: h\r\n\r\n",
            &["GET /?a={b|c}^ "],
        );
        check("GET //x HTTP/1.1\r\nHost: h\r\n\r\n", &["GET //x "]);
    }

    /// RFC 3986 §3.5: "the fragment identifier is not used in the scheme-specific processing of a
    /// URI"; §3.2 of RFC 9112 leaves a server free to answer a target that has one.
    #[test]
    fn a_fragment_is_left_out_of_the_target() {
        for (target, seen) in [
            ("/a#b", "GET /a "),
            ("/a?b#c?d", "GET /a?b "),
            ("/#", "GET / "),
            ("/a#b#c", "GET /a "),
            ("http://h/a#b", "GET http://h/a "),
            ("http://h#b", "GET http://h/ "),
        ] {
            check(
                &format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n"),
                &[seen],
            );
        }
    }

    #[test]
    fn every_form_of_target_has_its_methods() {
        check("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", &["OPTIONS * "]);
        check(
            "GET http://h:80/a HTTP/1.1\r\nHost: h\r\n\r\n",
            &["GET http://h:80/a "],
        );
        // What is behind it is not HTTP any more.
        let tunnel = format!("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n{TAIL}");
        let seen = run_every_way(tunnel.as_bytes(), &Config::default());
        assert_eq!(
            (seen.violation, seen.requests),
            (None, vec![String::from("CONNECT h:443 ")])
        );
        for line in [
            "GET *",
            "GET h:443",
            "GET a",
            "CONNECT /",
            "CONNECT h",
            "CONNECT http://h/",
            "GET ftp://h/",
            "GET http://",
            "GET http://u@h/",
            "CONNECT h:443#",
            "GET #a",
            "GET /a#b\u{e4}",
            "GET /a#\x7f",
            "OPTIONS *#",
            "GET /\u{e4}",
            "GET http:///a",
            "GET /\x7f",
            "OPTIONS **",
        ] {
            check_refused(
                format!("{line} HTTP/1.1\r\nHost: h\r\n\r\n"),
                Violation::RequestTarget,
            );
        }
    }

    #[test]
    fn a_request_line_has_two_single_spaces() {
        for line in [
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            "GET / HTTP/1.1 ",
            " GET / HTTP/1.1",
            "GET\t/ HTTP/1.1",
            "GET /",
            "GET",
            "GE(T / HTTP/1.1",
            "GET / http/1.1",
            "GET / HTTP/1",
            "GET / HTTP/11.1",
            "GET /a b HTTP/1.1",
            "GET / HTTP/1.x",
            "GET HTTP/1.1",
        ] {
            check_refused(format!("{line}\r\nHost: h\r\n\r\n"), Violation::RequestLine);
        }
    }

    #[test]
    fn another_version_is_told_apart_from_a_malformed_one() {
        for version in ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0"] {
            check_refused(
                format!("GET / {version}\r\nHost: h\r\n\r\n"),
                Violation::Version,
            );
        }
        check_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Violation::Version);
    }

    #[test]
    fn exactly_one_good_host_is_demanded() {
        for host in [
            "Host: h",
            "Host: ",
            "host: 127.0.0.1:80",
            "Host: [::1]:80",
            "Host: a_b.c",
        ] {
            check(&format!("GET / HTTP/1.1\r\n{host}\r\n\r\n"), &["GET / "]);
        }
        check_refused("GET / HTTP/1.1\r\n\r\n", Violation::Host);
        check_refused("GET http://h/ HTTP/1.1\r\n\r\n", Violation::Host);
        for host in [
            "Host: a\r\nHost: a",
            "Host: a, b",
            "Host: a b",
            "Host: a/b",
            "Host: u@h",
            "Host: :80",
            "Host: h:x",
            "Host: h:123456",
            "Host: [::1",
            "Host: [x]",
            "Host: h\u{e4}",
            "Host: h?",
        ] {
            check_refused(format!("GET / HTTP/1.1\r\n{host}\r\n\r\n"), Violation::Host);
        }
    }
}

mod rfc9112_5 {
    use super::*;

    #[test]
    fn malformed_fields_are_refused() {
        for field in [
            "A : b",
            "A\t: b",
            " A: b",
            "A",
            ": b",
            "A b: c",
            "A: b\r\n c",
            "A: b\r\n\tc",
            "A\u{e4}: b",
            "A: \0",
            "A: \x7f",
            "A: \x01",
            "(A): b",
            "A\0: b",
        ] {
            refused_with_fields(field, Violation::HeaderField);
        }
    }

    #[test]
    fn odd_but_legal_fields_pass() {
        for field in [
            "A:b",
            "A:",
            "A: \t b\t ",
            "a-very_odd.name!: 1",
            "A: \u{e4}",
        ] {
            check(
                &format!("GET / HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n"),
                &["GET / "],
            );
        }
    }

    #[test]
    fn several_fields_of_one_name_are_kept_apart() {
        let mut input = Bytes::from("GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a:  2 \r\n\r\n");
        let mut core = Connection::new();
        let (request, _) = receive(&mut core, &mut input).unwrap().unwrap();
        let values: Vec<_> = request.headers().get_all("x-a").iter().collect();
        assert_eq!(values, ["1", "2"]);
    }
}

mod rfc9112_6 {
    use super::*;

    #[test]
    fn a_length_is_one_decimal_number() {
        check(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
            &["POST / "],
        );
        check(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 03\r\n\r\nabc",
            &["POST / abc"],
        );
        for value in [
            "",
            "+3",
            "-3",
            "3 3",
            "3, 3",
            "0x3",
            "3.0",
            "a",
            "18446744073709551616",
        ] {
            refused_with_fields(
                &format!("Content-Length: {value}"),
                Violation::ContentLength,
            );
        }
        refused_with_fields(
            "Content-Length: 3\r\nContent-Length: 3",
            Violation::ContentLength,
        );
        refused_with_fields(
            "Content-Length: 3\r\nContent-Length: 4",
            Violation::ContentLength,
        );
    }

    #[test]
    fn chunked_stands_alone_and_last() {
        for value in [
            "identity",
            "chunked, identity",
            "chunked, chunked",
            "xchunked",
            "chunkedx",
            "",
            ",",
            "chunked\r\nTransfer-Encoding: chunked",
            "chunked\r\nTransfer-Encoding: identity",
            "gzip",
            "\"chunked\"",
            "chunked;q=1",
            "chunk ed",
        ] {
            let fields = format!("Transfer-Encoding: {value}");
            refused_with_fields(&fields, Violation::TransferEncoding);
        }
        refused_with_fields("Transfer-Encoding: chunked\x0b", Violation::HeaderField);
        refused_with_fields(
            "Transfer-Encoding: gzip, chunked",
            Violation::TransferCoding,
        );
        check(
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:  Chunked \r\n\r\n0\r\n\r\n",
            &["POST / "],
        );
    }

    #[test]
    fn two_framings_are_refused() {
        for fields in [
            "Transfer-Encoding: chunked\r\nContent-Length: 3",
            "Content-Length: 0\r\nTransfer-Encoding: chunked",
        ] {
            refused_with_fields(fields, Violation::TransferEncoding);
        }
        check_refused(
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            Violation::TransferEncoding,
        );
    }

    #[test]
    fn only_100_continue_is_expected() {
        refused_with_fields("Expect: 200-ok", Violation::Expectation);
        let fields = "Expect: 100-Continue\r\nContent-Length: 1";
        check(
            &format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\na"),
            &["POST / a"],
        );
    }
}

mod rfc9112_7_1 {
    use super::*;

    const HEAD: &str = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

    #[test]
    fn chunks_are_joined() {
        for (body, expected) in [
            ("0\r\n\r\n", ""),
            ("3\r\nabc\r\n0\r\n\r\n", "abc"),
            ("1\r\na\r\n2\r\nbc\r\n000\r\n\r\n", "abc"),
            ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
            ("0000000000000001\r\na\r\n0\r\n\r\n", "a"),
            ("1;x\r\na\r\n0;y=z\r\n\r\n", "a"),
            ("1;x=\"a;\\\"b\"\r\na\r\n0\r\n\r\n", "a"),
            ("1 ; x = y ;z\r\na\r\n0\r\n\r\n", "a"),
            ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
        ] {
            check(&format!("{HEAD}{body}"), &[&format!("POST / {expected}")]);
        }
    }

    #[test]
    fn malformed_chunks_are_refused() {
        for body in [
            "\r\n",
            "g\r\n",
            "-1\r\n",
            "+1\r\n",
            " 1\r\na\r\n",
            "0x1\r\n",
            "1\r\nab\r\n",
            "1\r\na\n0\r\n",
            "1\na\r\n",
            "1\r\na0\r\n",
            "10000000000000000\r\n",
            "00000000000000001\r\na\r\n",
            "1 \r\na\r\n",
            "1;\r\na\r\n",
            "1;=\r\n",
            "1;x=\r\n",
            "1;x\n\r\na\r\n",
            "1;x\0\r\n",
            "1;x=\"a\r\n",
            "1;x=\"a\"b\r\n",
            "1;x y\r\n",
            "1;x=y=z\r\n",
            "1;x=y =z\r\n",
            "1;x=\"y\" =z\r\n",
            "1;x \r\n",
            "1;x=y \r\n",
            "1\r\r\na\r\n",
            ";x\r\n",
            "1;\u{e4}\r\n",
        ] {
            check_refused(format!("{HEAD}{body}"), Violation::Chunk);
        }
    }

    #[test]
    fn extensions_are_bounded_over_the_whole_body() {
        let chunk = format!("1;{}\r\na\r\n", "x".repeat(1000));
        check_refused(format!("{HEAD}{}", chunk.repeat(17)), Violation::Chunk);
    }

    #[test]
    fn trailers_that_frame_or_route_are_dropped() {
        let body = "0\r\nX-Sum: 1\r\nContent-Length: 5\r\nHost: e\r\nServer-Timing: a\r\n\r\n";
        let seen = run_every_way(format!("{HEAD}{body}").as_bytes(), &Config::default());
        assert_eq!(seen.trailers, ["x-sum: 1", "server-timing: a"]);
    }

    #[test]
    fn malformed_trailers_are_refused() {
        check_refused(format!("{HEAD}0\r\nA : b\r\n\r\n"), Violation::HeaderField);
        check_refused(format!("{HEAD}0\r\nA: b\n\r\n"), Violation::BareLf);
        check_refused(format!("{HEAD}0\r\n A: b\r\n\r\n"), Violation::HeaderField);
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

    fn persists(head: &str) -> bool {
        let mut input = Bytes::copy_from_slice(head.as_bytes());
        let mut core = Connection::new();
        let (_, facts) = receive(&mut core, &mut input).unwrap().unwrap();
        facts.is_persistent
    }

    #[test]
    fn persistence_follows_version_and_connection_field() {
        for (version, field, expected) in [
            ("1.1", "", true),
            ("1.1", "Connection: close\r\n", false),
            ("1.1", "Connection: x, Close\r\n", false),
            ("1.1", "Connection: x\r\nConnection: close\r\n", false),
            ("1.1", "Connection: closed\r\n", true),
            ("1.0", "", false),
            ("1.0", "Connection: Keep-Alive\r\n", true),
            ("1.0", "Connection: keep-alive, close\r\n", false),
        ] {
            let head = format!("GET / HTTP/{version}\r\nHost: h\r\n{field}\r\n");
            assert_eq!(persists(&head), expected, "{head}");
        }
    }

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
    use http::header::{CONNECTION, CONTENT_LENGTH, DATE as DATE_NAME, TRANSFER_ENCODING};

    /// Answers a request and returns the head, without its date, and the framing.
    fn answer(request: &str, response: Response<()>, exact_len: Option<u64>) -> (String, Transfer) {
        let (mut input, mut output) = (Bytes::copy_from_slice(request.as_bytes()), Vec::new());
        let mut core = Connection::new();
        receive(&mut core, &mut input).unwrap().unwrap();
        let transfer = core.send_head(&response, exact_len, &DATE, &mut output);
        let head = String::from_utf8(output.to_vec()).unwrap();
        (
            head.replace(std::str::from_utf8(&DATE).unwrap(), ""),
            transfer,
        )
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n";
    const OLD: &str = "GET / HTTP/1.0\r\n\r\n";

    fn with_status(status: StatusCode) -> Response<()> {
        Response::builder().status(status).body(()).unwrap()
    }

    #[test]
    fn a_known_length_is_stated() {
        let (head, transfer) = answer(GET, Response::new(()), Some(5));
        assert_eq!(head, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
        assert_eq!(transfer, Transfer::Length(5));
    }

    #[test]
    fn an_unknown_length_is_chunked_or_ends_with_the_connection() {
        let (head, transfer) = answer(GET, Response::new(()), None);
        assert_eq!(
            head,
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        assert_eq!(transfer, Transfer::Chunked);
        let (head, transfer) = answer(OLD, Response::new(()), None);
        assert_eq!(head, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        assert_eq!(transfer, Transfer::UntilClose);
    }

    #[test]
    fn statuses_without_content_say_nothing_of_a_body() {
        for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED] {
            let (head, transfer) = answer(GET, with_status(status), Some(5));
            assert!(
                !head.contains("content-length") && !head.contains("chunked"),
                "{head}"
            );
            assert_eq!(transfer, Transfer::None);
        }
    }

    #[test]
    fn head_states_the_length_and_sends_nothing() {
        let (head, transfer) = answer(HEAD, Response::new(()), Some(5));
        assert!(head.contains("content-length: 5\r\n"), "{head}");
        assert_eq!(transfer, Transfer::None);
        let (head, _) = answer(HEAD, Response::new(()), Some(0));
        assert!(!head.contains("content-length"), "{head}");
    }

    #[test]
    fn fields_that_frame_are_never_taken_as_given() {
        let mut response = Response::new(());
        let headers = response.headers_mut();
        headers.insert(TRANSFER_ENCODING, "gzip, chunked".parse().unwrap());
        headers.insert(CONTENT_LENGTH, "seven".parse().unwrap());
        headers.insert(CONNECTION, "x-hop, close".parse().unwrap());
        headers.insert(DATE_NAME, "then".parse().unwrap());
        let (head, _) = answer(GET, response, Some(5));
        assert_eq!(
            head,
            "HTTP/1.1 200 OK\r\ndate: then\r\ncontent-length: 5\r\nconnection: close\r\n\r\n"
        );
    }

    #[test]
    fn every_status_has_a_line() {
        let (head, _) = answer(GET, with_status(StatusCode::IM_A_TEAPOT), Some(0));
        assert!(head.starts_with("HTTP/1.1 418 I'm a teapot\r\n"), "{head}");
        let odd = StatusCode::from_u16(599).unwrap();
        let (head, _) = answer(GET, with_status(odd), Some(0));
        assert!(head.starts_with("HTTP/1.1 599 \r\n"), "{head}");
    }

    #[test]
    fn keep_alive_is_said_to_a_client_of_http_10() {
        let (head, _) = answer(
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            Response::new(()),
            Some(0),
        );
        assert!(head.contains("connection: keep-alive\r\n"), "{head}");
    }

    #[test]
    fn a_body_must_match_its_length() {
        let mut output = Vec::new();
        let mut core = Connection::new();
        receive(&mut core, &mut Bytes::from(GET)).unwrap();
        core.send_head(&Response::new(()), Some(5), &DATE, &mut output);
        assert!(core.send_data(3, &mut output).is_ok());
        assert!(core.send_data(3, &mut output).is_err());
        assert!(core.send_end(None, &mut output).is_err());
    }

    #[test]
    fn a_violation_is_answered_as_a_get_also_behind_a_head_request() {
        let (mut input, mut output) = (Bytes::from(HEAD), Vec::new());
        let mut core = Connection::new();
        receive(&mut core, &mut input).unwrap();
        core.send_head(&Response::new(()), Some(0), &DATE, &mut output);
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
