//! RFC 9112 §2: what a message is made of, and its version.

use astatine_http1::Violation::{BareCr, BareLf, HeadTooLong, HeaderField, RequestLine, Version};

use super::request::{Requests, line, raw};

pub(super) fn add(requests: &mut Requests) {
    format(requests);
    line_ends(requests);
    before_the_request(requests);
    version(requests);
}

fn format(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §2.1";
    requests.refused(
        SECTION,
        HeaderField,
        raw,
        &[
            (
                "a space before the first field",
                b"GET / HTTP/1.1\r\n Host: h\r\n\r\n",
            ),
            (
                "a tab before the first field",
                b"GET / HTTP/1.1\r\n\tHost: h\r\n\r\n",
            ),
            (
                "a line of white space before the first field",
                b"GET / HTTP/1.1\r\n \r\nHost: h\r\n\r\n",
            ),
            (
                "a space before the second field",
                b"GET / HTTP/1.1\r\nHost: h\r\n X: a\r\n\r\n",
            ),
        ],
    );
    requests.served(
        SECTION,
        raw,
        &[
            ("no body", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", &["GET /"]),
            (
                "a body",
                b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
                &["POST /a <abc"],
            ),
            (
                "a body that looks like a request",
                b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18\r\n\r\nGET /x HTTP/1.1\r\n\r",
                &["POST / <GET /x HTTP/1.1\\r\\n\\r"],
            ),
        ],
    );
}

fn line_ends(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §2.2";
    requests.refused(
        SECTION,
        BareLf,
        raw,
        &[
            (
                "LF ends the request line",
                b"GET / HTTP/1.1\nHost: h\r\n\r\n",
            ),
            ("LF ends a field", b"GET / HTTP/1.1\r\nHost: h\n\r\n"),
            ("LF ends the head", b"GET / HTTP/1.1\r\nHost: h\r\n\n"),
            ("LF ends every line", b"GET / HTTP/1.1\nHost: h\n\n"),
            (
                "LF before the request",
                b"\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
            ),
            (
                "LF hides a field in a value",
                b"GET / HTTP/1.1\r\nHost: h\r\nX: a\nY: b\r\n\r\n",
            ),
            (
                "LF and CR the wrong way round",
                b"GET / HTTP/1.1\n\rHost: h\n\r\n\r",
            ),
            (
                "LF after a NUL",
                b"GET / HTTP/1.1\r\nHost: h\r\nX: a\0\nY: b\r\n\r\n",
            ),
        ],
    );
    requests.refused(
        SECTION,
        BareCr,
        raw,
        &[
            (
                "CR ends the request line",
                b"GET / HTTP/1.1\rHost: h\r\n\r\n",
            ),
            (
                "CR ends a field",
                b"GET / HTTP/1.1\r\nHost: h\rX: a\r\n\r\n",
            ),
            (
                "CR inside the method",
                b"G\rET / HTTP/1.1\r\nHost: h\r\n\r\n",
            ),
            (
                "CR inside the target",
                b"GET /\ra HTTP/1.1\r\nHost: h\r\n\r\n",
            ),
            (
                "CR instead of a space",
                b"GET\r/ HTTP/1.1\r\nHost: h\r\n\r\n",
            ),
            (
                "CR inside the version",
                b"GET / HTTP/\r1.1\r\nHost: h\r\n\r\n",
            ),
            (
                "CR inside a name",
                b"GET / HTTP/1.1\r\nHost: h\r\nX\rY: a\r\n\r\n",
            ),
            (
                "CR before the colon",
                b"GET / HTTP/1.1\r\nHost: h\r\nX\r: a\r\n\r\n",
            ),
            (
                "CR behind the colon",
                b"GET / HTTP/1.1\r\nHost: h\r\nX:\ra\r\n\r\n",
            ),
            (
                "CR inside a value",
                b"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n",
            ),
            (
                "CR hides a coding",
                b"POST / HTTP/1.1\r\nHost: h\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            ("two CR end a line", b"GET / HTTP/1.1\r\nHost: h\r\r\n\r\n"),
            (
                "CR before the empty line",
                b"GET / HTTP/1.1\r\nHost: h\r\n\r\r\n",
            ),
            (
                "CR before the request",
                b"\rGET / HTTP/1.1\r\nHost: h\r\n\r\n",
            ),
        ],
    );
}

fn before_the_request(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §2.2";
    requests.served(
        SECTION,
        raw,
        &[
            (
                "an empty line before the request",
                b"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
                &["GET /"],
            ),
            (
                "several empty lines before it",
                b"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
                &["GET /"],
            ),
            (
                "an empty line behind a body",
                b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc\r\n",
                &["POST / <abc"],
            ),
            (
                "an empty line that is part of a body",
                b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc\r\n",
                &["POST / <abc\\r\\n"],
            ),
        ],
    );
    requests.refused(
        SECTION,
        RequestLine,
        raw,
        &[
            (
                "a space before the request",
                b" GET / HTTP/1.1\r\nHost: h\r\n\r\n",
            ),
            (
                "a tab before the request",
                b"\tGET / HTTP/1.1\r\nHost: h\r\n\r\n",
            ),
            (
                "a NUL before the request",
                b"\0GET / HTTP/1.1\r\nHost: h\r\n\r\n",
            ),
            (
                "a byte order mark before the request",
                b"\xef\xbb\xbfGET / HTTP/1.1\r\nHost: h\r\n\r\n",
            ),
            (
                "a line of white space before the request",
                b" \r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
            ),
            ("words", b"hello, world\r\n\r\n"),
            (
                "another protocol's greeting",
                b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
            ),
            ("a status line", b"HTTP/1.1 200 OK\r\nHost: h\r\n\r\n"),
            (
                "a hello of TLS",
                b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n",
            ),
        ],
    );
    let many = b"\r\n".repeat((32 << 10) / 2 + 1);
    requests.refused(
        SECTION,
        HeadTooLong,
        raw,
        &[("empty lines without end", &many)],
    );
}

fn version(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §2.3";
    requests.served(
        SECTION,
        line,
        &[
            ("1.1", b"GET / HTTP/1.1", &["GET /"]),
            (
                "1.2, taken for 1.1 (RFC 9110 §2.5)",
                b"GET / HTTP/1.2",
                &["GET /"],
            ),
            ("1.9", b"GET / HTTP/1.9", &["GET /"]),
        ],
    );
    requests.last(SECTION, line, &[("1.0", b"GET / HTTP/1.0", &["GET /"])]);
    requests.refused(
        SECTION,
        Version,
        line,
        &[
            ("0.9", b"GET / HTTP/0.9"),
            ("2.0", b"GET / HTTP/2.0"),
            ("3.0", b"GET / HTTP/3.0"),
            ("9.9", b"GET / HTTP/9.9"),
            ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ],
    );
    requests.refused(
        SECTION,
        RequestLine,
        line,
        &[
            ("lower case", b"GET / http/1.1"),
            ("mixed case", b"GET / HtTP/1.1"),
            ("no minor version", b"GET / HTTP/1"),
            ("an empty minor version", b"GET / HTTP/1."),
            ("an empty major version", b"GET / HTTP/.1"),
            ("two digits of minor version", b"GET / HTTP/1.10"),
            ("two digits of major version", b"GET / HTTP/11.1"),
            ("a leading zero", b"GET / HTTP/01.1"),
            ("a sign", b"GET / HTTP/+1.1"),
            ("a minus", b"GET / HTTP/-1.1"),
            ("a comma for the dot", b"GET / HTTP/1,1"),
            ("letters", b"GET / HTTP/1.x"),
            ("something behind it", b"GET / HTTP/1.1a"),
            ("a space inside", b"GET / HTTP /1.1"),
            ("a space for the slash", b"GET / HTTP 1.1"),
            ("a hexadecimal digit", b"GET / HTTP/1.A"),
            ("a name cut short", b"GET / HTP/1.1"),
            ("a name too long", b"GET / HTTPS/1.1"),
            ("another protocol", b"GET / ICE/1.0"),
            ("none, as in HTTP/0.9", b"GET /"),
        ],
    );
}
