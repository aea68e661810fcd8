//! Cases by section of RFC 9112, each run whole, byte by byte, and cut in two at every point.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};

use super::*;
use crate::client::Config;
use crate::error::{Misuse, Violation};
use crate::proto::{BodyEvent, Chunk, Transfer};

/// What a connection made of a response: `status body`, trailers behind it, then how it ended.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    responses: Vec<String>,
    violation: Option<Violation>,
    may_go_on: bool,
    left: usize,
}

fn request(method: &str) -> Request<()> {
    let method = Method::from_bytes(method.as_bytes()).expect("a token");
    let uri = if method == Method::CONNECT {
        "h:443"
    } else {
        "http://h/"
    };
    let request = Request::builder().method(method).uri(uri);
    request.body(()).expect("parts are valid")
}

/// Sends the request, then takes the pieces and the end of the stream.
fn run(request: &Request<()>, pieces: &[&[u8]], config: &Config) -> Seen {
    let mut core = Connection::new();
    let mut input = Bytes::new();
    let mut seen = Seen::default();
    core.send_head(request, Some(0), &mut Vec::new())
        .expect("the request can be sent");
    for piece in pieces {
        input = Bytes::from([&input[..], piece].concat());
        if let Err(violation) = drain(&mut core, &mut input, &mut seen, config) {
            seen.violation = Some(violation);
            return seen;
        }
    }
    seen.may_go_on = core.next_exchange();
    seen.left = input.len();
    if !seen.may_go_on && !core.is_done() {
        let ended = core
            .receive_eof()
            .and_then(|()| drain(&mut core, &mut input, &mut seen, config));
        seen.violation = ended.err();
    }
    seen
}

fn drain(
    core: &mut Connection,
    input: &mut Bytes,
    seen: &mut Seen,
    config: &Config,
) -> Result<(), Violation> {
    let mut response = Response::new(());
    if let Some(facts) = core.receive_head(input, config, &mut response)? {
        let mut text = format!("{} ", response.status().as_str());
        if facts.is_switch {
            text.push_str("switch");
        }
        seen.responses.push(text);
    }
    while let Some(event) = core.receive_body(input, config)? {
        let text = seen.responses.last_mut().expect("a body has a head");
        match event {
            BodyEvent::Data(data) => text.push_str(&String::from_utf8_lossy(&data)),
            BodyEvent::End(trailers) => {
                for (name, value) in &trailers {
                    text.push_str(&format!(" {name}={}", value.to_str().unwrap_or("?")));
                }
            }
        }
    }
    Ok(())
}

/// Runs a case in every way; all must agree.
fn run_every_way(request: &Request<()>, input: &[u8], config: &Config) -> Seen {
    let whole = run(request, &[input], config);
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    let text = input.escape_ascii().to_string();
    assert_eq!(whole, run(request, &bytes, config), "byte by byte: {text}");
    for cut in (0..input.len()).take(400) {
        let (a, b) = input.split_at(cut);
        assert_eq!(whole, run(request, &[a, b], config), "cut at {cut}: {text}");
    }
    whole
}

/// A response that is understood, behind which the connection goes on.
fn check(method: &str, input: &str, expected: &str) {
    let seen = run_every_way(&request(method), input.as_bytes(), &Config::default());
    assert_eq!(seen.violation, None, "{}", input.escape_debug());
    assert_eq!(seen.responses, [expected], "{}", input.escape_debug());
    assert!(seen.may_go_on, "{}", input.escape_debug());
    assert_eq!(seen.left, 0, "{}", input.escape_debug());
}

/// A response that is understood, and the last of its connection.
fn check_last(method: &str, input: &str, expected: &str) {
    let seen = run_every_way(&request(method), input.as_bytes(), &Config::default());
    assert_eq!(seen.violation, None, "{}", input.escape_debug());
    assert_eq!(seen.responses, [expected], "{}", input.escape_debug());
    assert!(!seen.may_go_on, "{}", input.escape_debug());
}

fn check_refused(input: impl AsRef<[u8]>, violation: Violation) {
    check_refused_by(&Config::default(), input, violation);
}

fn check_refused_by(config: &Config, input: impl AsRef<[u8]>, violation: Violation) {
    let input = input.as_ref();
    let seen = run_every_way(&request("GET"), input, config);
    let text = input.escape_ascii();
    assert_eq!(seen.violation, Some(violation), "{text}");
    assert!(!seen.may_go_on, "{text}");
}

mod rfc9112_4_status_line {
    use super::*;

    #[test]
    fn a_reason_may_be_anything_printable_or_missing() {
        for line in [
            "HTTP/1.1 200 OK",
            "HTTP/1.1 200 ",
            "HTTP/1.1 200",
            "HTTP/1.1 200 Sehr gut\t\u{e4}",
        ] {
            check(
                "GET",
                &format!("{line}\r\nContent-Length: 0\r\n\r\n"),
                "200 ",
            );
        }
    }

    #[test]
    fn any_status_of_three_digits_is_taken() {
        check(
            "GET",
            "HTTP/1.1 999 x\r\nContent-Length: 1\r\n\r\na",
            "999 a",
        );
        check("GET", "HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n", "599 ");
    }

    #[test]
    fn what_is_no_status_line_is_refused() {
        for line in [
            "",
            " HTTP/1.1 200 OK",
            "HTTP/1.1  200 OK",
            "HTTP/1.1 20 OK",
            "HTTP/1.1 2000 OK",
            "HTTP/1.1 +20 OK",
            "HTTP/1.1 099 OK",
            "HTTP/1.1\t200 OK",
            "HTTP/1.1 200\tOK",
            "HTTP/1.1 200 O\u{1}K",
            "HTTP/1.1 200 O\u{7f}K",
            "http/1.1 200 OK",
            "ICY 200 OK",
            "200 OK",
            "HTTP/1.1",
            "GET / HTTP/1.1",
        ] {
            check_refused(
                format!("{line}\r\nContent-Length: 0\r\n\r\n"),
                Violation::StatusLine,
            );
        }
        check_refused("HTTP/2.0 200 OK\r\n\r\n", Violation::Version);
        check_refused("HTTP/1.2 200 OK\r\n\r\n", Violation::Version);
    }
}

mod rfc9112_2_and_5_lines {
    use super::*;

    #[test]
    fn lines_end_by_crlf_and_nothing_else() {
        check_refused(
            "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
            Violation::BareLf,
        );
        check_refused("HTTP/1.1 200 OK\r\nA: b\n\r\n", Violation::BareLf);
        check_refused("HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", Violation::BareCr);
        check_refused("HTTP/1.1 200 O\rK\r\n\r\n", Violation::BareCr);
        check_refused("HTTP/1.1 200 OK\r\r\n\r\n", Violation::BareCr);
    }

    #[test]
    fn malformed_fields_are_refused() {
        for field in [
            "A : b",
            " A: b",
            "A: b\r\n c",
            ": b",
            "A",
            "A: \0",
            "\u{e4}: b",
        ] {
            check_refused(
                format!("HTTP/1.1 200 OK\r\n{field}\r\nContent-Length: 0\r\n\r\n"),
                Violation::HeaderField,
            );
        }
    }

    #[test]
    fn fields_that_speak_of_requests_say_nothing_here() {
        check(
            "GET",
            "HTTP/1.1 200 OK\r\nHost: a b\r\nHost: c\r\nExpect: x\r\nTE: x\r\nContent-Length: 0\r\n\r\n",
            "200 ",
        );
    }

    #[test]
    fn limits_are_kept() {
        let config = Config {
            max_header_line_bytes: 32,
            max_headers: 2,
            max_head_bytes: 80,
            ..Config::default()
        };
        let refused = |input: String, violation| check_refused_by(&config, input, violation);
        let long = "x".repeat(40);
        refused(
            format!("HTTP/1.1 200 {long}\r\n"),
            Violation::HeaderLineTooLong,
        );
        refused(format!("HTTP/1.1 200 {long}"), Violation::HeaderLineTooLong);
        refused(
            format!("HTTP/1.1 200 OK\r\nA: {long}"),
            Violation::HeaderLineTooLong,
        );
        refused(
            "HTTP/1.1 200 OK\r\nA: b\r\nA: b\r\nA: b\r\n\r\n".into(),
            Violation::TooManyHeaders,
        );
        let line = format!("A: {}\r\n", "x".repeat(25));
        refused(
            format!("HTTP/1.1 200 {}\r\n{line}{line}\r\n", "x".repeat(18)),
            Violation::HeadTooLong,
        );
        refused(
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding:chunked\r\n\r\n0\r\nA: {long}"),
            Violation::HeaderLineTooLong,
        );
    }
}

mod rfc9112_6_3_body_length {
    use super::*;

    #[test]
    fn head_204_and_304_have_no_body_whatever_they_say() {
        check(
            "HEAD",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            "200 ",
        );
        check(
            "HEAD",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "200 ",
        );
        check("HEAD", "HTTP/1.1 200 OK\r\n\r\n", "200 ");
        check("GET", "HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", "204 ");
        check("GET", "HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", "304 ");
    }

    #[test]
    fn behind_a_success_of_connect_is_a_tunnel() {
        for fields in [
            "",
            "Content-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\n",
        ] {
            let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
            check_last("CONNECT", &head, "200 switch");
        }
        check(
            "CONNECT",
            "HTTP/1.1 407 x\r\nContent-Length: 2\r\n\r\nno",
            "407 no",
        );
    }

    #[test]
    fn chunked_ends_at_its_last_chunk_and_has_trailers() {
        check(
            "GET",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n2\r\nde\r\n0\r\n\
             X-Sum: 1\r\nContent-Length: 9\r\n\r\n",
            "200 abcde x-sum=1",
        );
    }

    #[test]
    fn malformed_chunks_are_refused() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for chunks in [
            "x\r\n",
            "-1\r\n",
            "1\nx\r\n",
            "1\r\nxy\r\n",
            "11111111111111111\r\n",
        ] {
            check_refused(format!("{head}{chunks}"), Violation::Chunk);
        }
    }

    #[test]
    fn two_statements_of_the_length_are_refused() {
        let with = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n0\r\n\r\n");
        check_refused(
            with("Transfer-Encoding: chunked\r\nContent-Length: 5"),
            Violation::TransferEncoding,
        );
        check_refused(
            with("Transfer-Encoding: chunked, chunked"),
            Violation::TransferEncoding,
        );
        check_refused(
            with("Content-Length: 5\r\nContent-Length: 5"),
            Violation::ContentLength,
        );
        for length in ["5, 5", "+5", "-1", "0x5", "", "99999999999999999999"] {
            check_refused(
                with(&format!("Content-Length: {length}")),
                Violation::ContentLength,
            );
        }
        check_refused(with("Transfer-Encoding: gzip"), Violation::TransferCoding);
        check_refused(
            with("Transfer-Encoding: gzip, chunked"),
            Violation::TransferCoding,
        );
        check_refused(
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            Violation::TransferEncoding,
        );
    }

    #[test]
    fn a_length_is_kept_to_the_byte() {
        check(
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
            "200 abcde",
        );
        let input = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcde";
        let seen = run(&request("GET"), &[input], &Config::default());
        assert_eq!((seen.responses, seen.left), (vec!["200 ab".to_owned()], 3));
    }

    #[test]
    fn any_other_body_ends_with_the_stream() {
        check_last("GET", "HTTP/1.1 200 OK\r\n\r\nabc", "200 abc");
        check_last("GET", "HTTP/1.0 200 OK\r\n\r\n", "200 ");
        let keeps_alive = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nabc";
        check_last("GET", keeps_alive, "200 abc");
    }

    #[test]
    fn a_stream_that_ends_early_is_no_end_of_a_response() {
        for input in [
            "",
            "HTTP/1.1 20",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        ] {
            check_refused(input, Violation::UnexpectedEof);
        }
    }
}

mod rfc9112_9_3_persistence {
    use super::*;

    #[test]
    fn either_side_may_end_the_connection() {
        check_last(
            "GET",
            "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n",
            "200 ",
        );
        check_last(
            "GET",
            "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
            "200 a",
        );
        check(
            "GET",
            "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na",
            "200 a",
        );
        let mut closing = request("GET");
        let close = HeaderValue::from_static("close");
        closing.headers_mut().insert("connection", close);
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        assert!(!run_every_way(&closing, answer, &Config::default()).may_go_on);
    }
}

mod rfc9110_15_2_interim {
    use super::*;

    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

    #[test]
    fn interim_responses_are_passed_over() {
        check(
            "GET",
            &format!(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\n\r\n{OK}"
            ),
            "200 ",
        );
    }

    #[test]
    fn interim_responses_are_counted() {
        let many = "HTTP/1.1 102 x\r\n\r\n";
        check("GET", &format!("{}{OK}", many.repeat(16)), "200 ");
        check_refused(
            format!("{}{OK}", many.repeat(17)),
            Violation::TooManyInterim,
        );
    }

    #[test]
    fn interim_responses_are_counted_for_each_response() {
        let mut core = Connection::new();
        for _ in 0..3 {
            core.send_head(&request("GET"), Some(0), &mut Vec::new())
                .expect("idle");
            let mut input = Bytes::from("HTTP/1.1 102 x\r\n\r\n".repeat(10) + OK);
            let mut response = Response::new(());
            let received = core.receive_head(&mut input, &Config::default(), &mut response);
            assert!(received.is_ok_and(|facts| facts.is_some()));
            assert!(core.next_exchange());
        }
    }

    #[test]
    fn a_switch_must_have_been_asked_for() {
        let switch = "HTTP/1.1 101 x\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n";
        check_refused(switch, Violation::Switch);
        let mut asking = request("GET");
        let upgrade = HeaderValue::from_static("echo");
        asking.headers_mut().insert("upgrade", upgrade);
        let input = format!("{switch}unread");
        let seen = run(&asking, &[input.as_bytes()], &Config::default());
        assert_eq!((seen.violation, seen.left), (None, 6));
        assert_eq!(seen.responses, ["101 switch"]);
        assert!(!seen.may_go_on);
    }
}

mod request_body {
    use super::*;

    fn begin(request: &Request<()>, len: Option<u64>) -> (Connection, Vec<u8>) {
        let (mut core, mut output) = (Connection::new(), Vec::new());
        core.send_head(request, len, &mut output)
            .expect("the request can be sent");
        (core, output)
    }

    fn post(fields: &[(&'static str, &'static str)]) -> Request<()> {
        let mut request = request("POST");
        for (name, value) in fields {
            let value = HeaderValue::from_static(value);
            request.headers_mut().append(*name, value);
        }
        request
    }

    fn answer(core: &mut Connection, text: &'static str) -> u16 {
        let mut response = Response::new(());
        let mut input = Bytes::from_static(text.as_bytes());
        core.receive_head(&mut input, &Config::default(), &mut response)
            .expect("the response is well formed")
            .expect("the head is whole");
        response.status().as_u16()
    }

    #[test]
    fn chunks_and_trailers_are_written() {
        let (mut core, mut output) = begin(&post(&[]), None);
        output.clear();
        assert_eq!(core.send_data(3, &mut output), Ok(Chunk::Chunked));
        output.extend_from_slice(b"abc\r\n");
        let mut trailers = http::HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("1"));
        core.send_end(Some(&trailers), &mut output).expect("whole");
        assert_eq!(output, b"3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n");
        assert!(core.is_request_sent());
    }

    #[test]
    fn a_length_is_kept_to_the_byte() {
        let (mut core, mut output) = begin(&post(&[]), Some(3));
        assert_eq!(core.send_data(2, &mut output), Ok(Chunk::Plain));
        assert_eq!(
            core.send_end(None, &mut output),
            Err(Misuse::BodyShorterThanDeclared)
        );
        assert_eq!(
            core.send_data(2, &mut output),
            Err(Misuse::BodyLongerThanDeclared)
        );
    }

    /// RFC 9110 §10.1.1.
    #[test]
    fn leave_to_send_comes_from_the_server_or_the_clock() {
        let expecting = post(&[("expect", "100-Continue")]);
        let (mut core, _) = begin(&expecting, Some(3));
        assert!(core.awaits_leave() && !core.is_sending_body());
        let mut leave = Bytes::from_static(b"HTTP/1.1 100 Continue\r\n\r\n");
        let mut response = Response::new(());
        let received = core.receive_head(&mut leave, &Config::default(), &mut response);
        assert_eq!(received, Ok(None));
        assert!(core.is_sending_body());
        let (mut core, _) = begin(&expecting, Some(3));
        core.continue_anyway();
        assert!(core.is_sending_body());
    }

    #[test]
    fn a_final_response_takes_the_leave_away_and_the_connection_with_it() {
        let (mut core, _) = begin(&post(&[("expect", "100-continue")]), Some(3));
        assert_eq!(
            answer(&mut core, "HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n"),
            403
        );
        assert!(core.is_done());
        assert!(!core.next_exchange());
    }

    /// RFC 9110 §7.8: the server must say 100 first.
    #[test]
    fn a_switch_before_leave_is_refused() {
        let switch = "HTTP/1.1 101 x\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n";
        let expecting = post(&[("expect", "100-continue"), ("upgrade", "echo")]);
        for (leave, expected) in [
            ("", Err(Violation::Switch)),
            ("HTTP/1.1 100 Continue\r\n\r\n", Ok(true)),
        ] {
            let (mut core, _) = begin(&expecting, Some(3));
            let mut input = Bytes::from(format!("{leave}{switch}"));
            let mut response = Response::new(());
            let received = core.receive_head(&mut input, &Config::default(), &mut response);
            let is_switch = received.map(|facts| facts.is_some_and(|facts| facts.is_switch));
            assert_eq!(is_switch, expected, "{leave}");
            assert!(!core.is_done());
        }
    }

    #[test]
    fn a_request_that_was_not_written_whole_is_the_last() {
        let (mut core, mut output) = begin(&post(&[]), Some(1));
        core.send_data(1, &mut output).expect("as declared");
        core.send_end(None, &mut output).expect("whole");
        core.stop_sending();
        answer(&mut core, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert!(core.is_done() && !core.next_exchange());
    }

    #[test]
    fn an_early_response_lets_the_body_go_on_unless_the_server_closes() {
        for (head, goes_on) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
            ("HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n", true),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                false,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n",
                true,
            ),
            (
                "HTTP/1.1 413 x\r\nContent-Length: 9\r\nConnection: close\r\n\r\n",
                false,
            ),
        ] {
            let (mut core, _) = begin(&post(&[]), Some(3));
            answer(&mut core, head);
            assert_eq!(core.is_sending_body(), goes_on, "{head}");
        }
    }

    #[test]
    fn the_next_request_waits_for_both_sides() {
        let (mut core, mut output) = begin(&post(&[]), Some(1));
        assert_eq!(
            core.send_head(&request("GET"), Some(0), &mut output),
            Err(Misuse::NotReady)
        );
        answer(&mut core, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert!(!core.next_exchange());
        core.send_data(1, &mut output).expect("as declared");
        core.send_end(None, &mut output).expect("whole");
        assert!(core.next_exchange() && core.is_idle());
    }
}

mod request_head {
    use super::*;

    fn encode(request: &Request<()>, len: Option<u64>) -> Result<String, Misuse> {
        let mut output = Vec::new();
        let sent = Connection::new().send_head(request, len, &mut output);
        // A request that is refused leaves nothing behind.
        assert_eq!(sent.is_err(), output.is_empty());
        sent.map(|()| String::from_utf8(output).expect("the tests send text"))
    }

    fn check_target(method: &str, uri: &str, expected: Result<&str, Misuse>) {
        let mut request = request(method);
        *request.uri_mut() = uri.parse().expect("a URI");
        if request.uri().authority().is_none() {
            let host = HeaderValue::from_static("h");
            request.headers_mut().insert("host", host);
        }
        let expected = expected.map(|lines| format!("{lines}\r\n\r\n"));
        assert_eq!(encode(&request, Some(0)), expected, "{method} {uri}");
    }

    #[test]
    fn each_method_has_its_form_of_target() {
        check_target("GET", "http://h/a?b", Ok("GET /a?b HTTP/1.1\r\nhost: h"));
        check_target("GET", "http://h", Ok("GET / HTTP/1.1\r\nhost: h"));
        check_target("GET", "http://h?b", Ok("GET /?b HTTP/1.1\r\nhost: h"));
        check_target("GET", "http://u:p@h:1/", Ok("GET / HTTP/1.1\r\nhost: h:1"));
        check_target(
            "GET",
            "http://[::1]:8/",
            Ok("GET / HTTP/1.1\r\nhost: [::1]:8"),
        );
        check_target("GET", "/a", Ok("GET /a HTTP/1.1\r\nhost: h"));
        check_target("OPTIONS", "*", Ok("OPTIONS * HTTP/1.1\r\nhost: h"));
        check_target("GET", "*", Err(Misuse::Target));
        check_target(
            "CONNECT",
            "h:443",
            Ok("CONNECT h:443 HTTP/1.1\r\nhost: h:443"),
        );
        check_target("CONNECT", "h", Err(Misuse::Target));
        check_target("CONNECT", "/a", Err(Misuse::Target));
    }

    #[test]
    fn octets_that_no_server_takes_are_not_sent() {
        let Ok(uri) = http::Uri::from_maybe_shared(Bytes::from_static("/\u{e4}".as_bytes())) else {
            // A stricter `Uri` has refused it already.
            return;
        };
        let mut request = request("GET");
        *request.uri_mut() = uri;
        request
            .headers_mut()
            .insert("host", HeaderValue::from_static("h"));
        assert_eq!(encode(&request, Some(0)), Err(Misuse::Target));
    }

    /// RFC 9112 §3.2.
    #[test]
    fn there_is_one_host_and_the_callers_word_stands() {
        let mut own = request("GET");
        own.headers_mut()
            .insert("host", HeaderValue::from_static("own"));
        assert!(encode(&own, Some(0)).is_ok_and(|head| head.contains("\r\nhost: own\r\n")));
        own.headers_mut()
            .append("host", HeaderValue::from_static("other"));
        assert_eq!(encode(&own, Some(0)), Err(Misuse::Host));
        own.headers_mut()
            .insert("host", HeaderValue::from_static("a b"));
        assert_eq!(encode(&own, Some(0)), Err(Misuse::Host));
        let mut hostless = Request::new(());
        *hostless.uri_mut() = http::Uri::from_static("/");
        assert_eq!(encode(&hostless, Some(0)), Err(Misuse::Host));
        *hostless.version_mut() = Version::HTTP_10;
        assert_eq!(
            encode(&hostless, Some(0)),
            Ok("GET / HTTP/1.0\r\n\r\n".into())
        );
    }

    type Fields = [(&'static str, &'static str)];

    fn check_framing(
        method: &str,
        fields: &Fields,
        len: Option<u64>,
        expected: Result<&str, Misuse>,
    ) {
        let mut request = request(method);
        for (name, value) in fields {
            let value = HeaderValue::from_static(value);
            request.headers_mut().append(*name, value);
        }
        let head = encode(&request, len);
        let said = head.map(|head| {
            head.split_terminator("\r\n")
                .skip(2)
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join("|")
        });
        let expected = expected.map(str::to_owned);
        assert_eq!(said, expected, "{method} {fields:?} {len:?}");
    }

    /// RFC 9110 §8.6, RFC 9112 §6.
    #[test]
    fn the_body_decides_and_the_callers_fields_have_to_agree() {
        use Misuse as M;
        const CHUNKED: (&str, &str) = ("transfer-encoding", "Chunked");
        const FIVE: (&str, &str) = ("content-length", "5");
        check_framing("GET", &[], Some(0), Ok(""));
        check_framing("POST", &[], Some(0), Ok("content-length: 0"));
        check_framing("DELETE", &[], Some(5), Ok("content-length: 5"));
        check_framing("PUT", &[], None, Ok("transfer-encoding: chunked"));
        check_framing("PUT", &[FIVE], None, Ok("content-length: 5"));
        check_framing("PUT", &[FIVE], Some(5), Ok("content-length: 5"));
        check_framing("PUT", &[CHUNKED], Some(5), Ok("transfer-encoding: chunked"));
        check_framing("PUT", &[FIVE], Some(4), Err(M::ContentLength));
        check_framing("PUT", &[FIVE, FIVE], None, Err(M::ContentLength));
        check_framing(
            "PUT",
            &[("content-length", "+5")],
            None,
            Err(M::ContentLength),
        );
        check_framing(
            "PUT",
            &[("content-length", "5, 5")],
            None,
            Err(M::ContentLength),
        );
        check_framing("PUT", &[FIVE, CHUNKED], None, Err(M::TransferEncoding));
        check_framing("PUT", &[CHUNKED, CHUNKED], None, Err(M::TransferEncoding));
        let gzip = ("transfer-encoding", "gzip, chunked");
        check_framing("PUT", &[gzip], None, Err(M::TransferEncoding));
        check_framing("TRACE", &[], Some(1), Err(M::BodyNotAllowed));
        check_framing("CONNECT", &[], None, Err(M::BodyNotAllowed));
    }

    #[test]
    fn http_1_0_has_no_chunks() {
        let mut request = request("PUT");
        *request.version_mut() = Version::HTTP_10;
        assert_eq!(encode(&request, None), Err(Misuse::ContentLength));
        let chunked = HeaderValue::from_static("chunked");
        request.headers_mut().insert("transfer-encoding", chunked);
        assert_eq!(encode(&request, Some(5)), Err(Misuse::TransferEncoding));
    }

    #[test]
    fn fields_of_the_connection_are_completed() {
        check_framing(
            "GET",
            &[("upgrade", "x"), ("te", "trailers")],
            Some(0),
            Ok("upgrade: x|te: trailers|connection: upgrade|connection: te"),
        );
        check_framing(
            "GET",
            &[("upgrade", "x"), ("connection", "close, Upgrade")],
            Some(0),
            Ok("upgrade: x|connection: close, Upgrade"),
        );
    }

    #[test]
    fn an_expectation_without_a_body_is_left_out() {
        const EXPECT: (&str, &str) = ("expect", "100-continue");
        check_framing("GET", &[EXPECT], Some(0), Ok(""));
        check_framing(
            "PUT",
            &[EXPECT],
            Some(1),
            Ok("expect: 100-continue|content-length: 1"),
        );
    }

    #[test]
    fn a_response_is_framed_by_the_request_before_it() {
        let (mut core, mut output) = (Connection::new(), Vec::new());
        let config = Config::default();
        for (method, transfer) in [("GET", Transfer::Length(2)), ("HEAD", Transfer::None)] {
            core.send_head(&request(method), Some(0), &mut output)
                .expect("idle");
            let mut input = Bytes::from_static(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab");
            let mut response = Response::new(());
            let facts = core.receive_head(&mut input, &config, &mut response);
            let facts = facts.expect("well formed").expect("whole");
            assert_eq!(facts.transfer, transfer);
            if transfer != Transfer::None {
                assert_eq!(
                    core.receive_whole_body(&mut input).as_deref(),
                    Some(&b"ab"[..])
                );
            }
            assert!(core.next_exchange());
        }
    }
}

/// What either core writes, the other reads, however the stream is cut.
mod against_the_servers_core {
    use super::*;
    use crate::config::Config as ServerConfig;
    use crate::proto::{Connection as Server, DateField};

    const DATE: DateField = *b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

    /// Sends pieces of a body and its end, by either core's commands.
    fn write_body(
        pieces: &[&[u8]],
        output: &mut Vec<u8>,
        mut send: impl FnMut(Option<usize>, &mut Vec<u8>) -> Chunk,
    ) {
        for piece in pieces {
            let chunk = send(Some(piece.len()), output);
            output.extend_from_slice(piece);
            if chunk == Chunk::Chunked {
                output.extend_from_slice(b"\r\n");
            }
        }
        send(None, output);
    }

    fn exchange(method: &str, pieces: &[&[u8]], is_length_told: bool, cut: usize) {
        let len = pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        let told = (is_length_told || len == 0).then_some(len);
        let (mut client, mut server) = (Connection::new(), Server::new());
        let mut wire = Vec::new();
        let request = request(method);
        client.send_head(&request, told, &mut wire).expect("valid");
        if client.is_sending_body() {
            write_body(pieces, &mut wire, |len, output| match len {
                Some(len) => client.send_data(len, output).expect("as declared"),
                None => {
                    client.send_end(None, output).expect("whole");
                    Chunk::Plain
                }
            });
        }
        let got = serve(&mut server, &wire, cut);
        assert_eq!(got, (request.method().clone(), pieces.concat()));

        wire.clear();
        let transfer =
            server.send_head((StatusCode::OK, &HeaderMap::new()), told, &DATE, &mut wire);
        let has_body = !matches!(transfer, Transfer::None | Transfer::Length(0));
        if has_body {
            write_body(pieces, &mut wire, |len, output| match len {
                Some(len) => server.send_data(len, output).expect("as declared"),
                None => {
                    server.send_end(None, output).expect("whole");
                    Chunk::Plain
                }
            });
        }
        let expected = if has_body {
            pieces.concat()
        } else {
            Vec::new()
        };
        assert_eq!(read(&mut client, &wire, cut), expected);
        assert!(client.next_exchange() && server.next_exchange());
    }

    fn cut_in_two(wire: &[u8], cut: usize) -> [Vec<u8>; 2] {
        let (a, b) = wire.split_at(cut % (wire.len() + 1));
        [a.to_vec(), b.to_vec()]
    }

    fn serve(server: &mut Server, wire: &[u8], cut: usize) -> (Method, Vec<u8>) {
        let config = ServerConfig::default();
        let (mut input, mut body) = (Bytes::new(), Vec::new());
        let mut request = Request::new(());
        for piece in cut_in_two(wire, cut) {
            input = Bytes::from([&input[..], &piece].concat());
            let mut fresh = Request::new(());
            let facts = server.receive_head(&mut input, &config, &mut fresh);
            if facts.expect("well formed").is_some() {
                request = fresh;
            }
            while let Some(event) = server
                .receive_body(&mut input, &config)
                .expect("well formed")
            {
                if let BodyEvent::Data(data) = event {
                    body.extend(data);
                }
            }
        }
        assert!(input.is_empty());
        (request.method().clone(), body)
    }

    fn read(client: &mut Connection, wire: &[u8], cut: usize) -> Vec<u8> {
        let config = Config::default();
        let (mut input, mut body) = (Bytes::new(), Vec::new());
        for piece in cut_in_two(wire, cut) {
            input = Bytes::from([&input[..], &piece].concat());
            let mut response = Response::new(());
            client
                .receive_head(&mut input, &config, &mut response)
                .expect("well formed");
            while let Some(event) = client
                .receive_body(&mut input, &config)
                .expect("well formed")
            {
                if let BodyEvent::Data(data) = event {
                    body.extend(data);
                }
            }
        }
        assert!(input.is_empty() && client.is_done());
        body
    }

    #[test]
    fn each_reads_what_the_other_writes() {
        let long = [b'x'; 300];
        let bodies: [&[&[u8]]; 4] = [&[], &[b"a"], &[b"abc", b"\r\n0\r\n\r\n"], &[&long, b"y"]];
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "M-SEARCH"] {
            for pieces in bodies {
                for is_length_told in [true, false] {
                    for cut in 0..120 {
                        exchange(method, pieces, is_length_told, cut);
                    }
                }
            }
        }
    }
}
