//! RFC 9112 §8 and §9: messages that are not complete, and the life of a connection; RFC 9110
//! §10.1.1: a client that waits for leave.

use astatine_http1::Violation::Expectation;

use super::request::{Requests, chunks, field, length, post, raw};

pub(super) fn add(requests: &mut Requests) {
    incomplete(requests);
    persistence(requests);
    pipelining(requests);
    expectations(requests);
}

fn incomplete(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §8";
    requests.cut(
        SECTION,
        raw,
        &[
            ("one octet", b"G"),
            ("inside the request line", b"GET / HT"),
            ("behind the request line", b"GET / HTTP/1.1\r\n"),
            ("between CR and LF", b"GET / HTTP/1.1\r\nHost: h\r"),
            ("before the empty line", b"GET / HTTP/1.1\r\nHost: h\r\n"),
            ("inside the empty line", b"GET / HTTP/1.1\r\nHost: h\r\n\r"),
            (
                "inside the second request",
                b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET",
            ),
        ],
    );
    requests.cut(
        SECTION,
        length,
        &[("a body that is shorter than its length", b"6")],
    );
    requests.cut(
        SECTION,
        post,
        &[(
            "no body where there should be one",
            b"Content-Length: 1\r\n\r\n",
        )],
    );
    requests.cut(
        SECTION,
        chunks,
        &[
            ("before the first chunk", b""),
            ("inside a size", b"1"),
            ("inside an extension", b"1;x=\""),
            ("inside a chunk", b"5\r\nabc"),
            ("behind a chunk's content", b"1\r\na"),
            ("behind a chunk", b"1\r\na\r\n"),
            ("behind the last chunk", b"1\r\na\r\n0\r\n"),
            ("inside the trailers", b"0\r\nX: a\r\n"),
        ],
    );
}

fn persistence(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §9.3";
    requests.served(
        SECTION,
        field,
        &[
            ("HTTP/1.1 persists", b"X: a", &["GET /"]),
            (
                "keep-alive says nothing new",
                b"Connection: keep-alive",
                &["GET /"],
            ),
            (
                "an option that is not close",
                b"Connection: closed",
                &["GET /"],
            ),
            (
                "close in another field",
                b"Proxy-Connection: close",
                &["GET /"],
            ),
            ("an empty Connection", b"Connection: ", &["GET /"]),
        ],
    );
    requests.served(
        SECTION,
        raw,
        &[
            (
                "HTTP/1.0 with keep-alive",
                b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
                &["GET /"],
            ),
            (
                "HTTP/1.0 with keep-alive in a list",
                b"GET / HTTP/1.0\r\nConnection: x, keep-alive\r\n\r\n",
                &["GET /"],
            ),
        ],
    );
    requests.last(
        SECTION,
        raw,
        &[
            (
                "HTTP/1.0 does not persist",
                b"GET / HTTP/1.0\r\n\r\n",
                &["GET /"],
            ),
            (
                "HTTP/1.0 with both options",
                b"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
                &["GET /"],
            ),
        ],
    );
    requests.last(
        "RFC 9112 §9.6",
        field,
        &[
            ("close", b"Connection: close", &["GET /"]),
            ("the case is no matter", b"CONNECTION: CLOSE", &["GET /"]),
            ("close in a list", b"Connection: x, close", &["GET /"]),
            (
                "close in a list without spaces",
                b"Connection: x,close,y",
                &["GET /"],
            ),
            (
                "close in the second line",
                b"Connection: x\r\nConnection: close",
                &["GET /"],
            ),
            (
                "close beside keep-alive",
                b"Connection: keep-alive, close",
                &["GET /"],
            ),
            (
                "close before keep-alive",
                b"Connection: close\r\nConnection: keep-alive",
                &["GET /"],
            ),
            (
                "empty elements before close (RFC 9110 §5.6.1.2)",
                b"Connection: ,, close",
                &["GET /"],
            ),
        ],
    );
    requests.last(
        "RFC 9112 §9.6",
        post,
        &[(
            "the request's body still counts",
            b"Connection: close\r\nContent-Length: 3\r\n\r\nabc",
            &["POST / <abc"],
        )],
    );
}

fn pipelining(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §9.3.2";
    requests.served(SECTION, raw, &[
        ("two", b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", &["GET /1", "GET /2"]),
        (
            "bodies of every kind between them",
            b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcPOST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nd\r\n0\r\nX-A: b\r\n\r\nHEAD /3 HTTP/1.1\r\nHost: h\r\n\r\nGET /4 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            &["POST /1 <abc", "POST /2 <d >x-a: b", "HEAD /3", "GET /4"],
        ),
    ]);
    requests.last(SECTION, raw, &[
        ("nothing behind the last", b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n", &["GET /1", "GET /2"]),
    ]);
}

fn expectations(requests: &mut Requests) {
    const SECTION: &str = "RFC 9110 §10.1.1";
    requests.served(
        SECTION,
        post,
        &[
            (
                "a length",
                b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
                &["POST / +continue <abc"],
            ),
            (
                "chunked",
                b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                &["POST / +continue <abc"],
            ),
            (
                "the case is no matter",
                b"expect: 100-Continue\r\nContent-Length: 3\r\n\r\nabc",
                &["POST / +continue <abc"],
            ),
            (
                "a list that says it twice",
                b"Expect: 100-continue, 100-continue\r\nContent-Length: 3\r\n\r\nabc",
                &["POST / +continue <abc"],
            ),
            (
                "no expectation",
                b"Expect: \r\nContent-Length: 3\r\n\r\nabc",
                &["POST / <abc"],
            ),
            (
                "no body, nothing to wait with",
                b"Expect: 100-continue\r\n\r\n",
                &["POST /"],
            ),
            (
                "an empty body",
                b"Expect: 100-continue\r\nContent-Length: 0\r\n\r\n",
                &["POST /"],
            ),
        ],
    );
    requests.last(
        SECTION,
        raw,
        &[(
            "HTTP/1.0 knows no 100",
            b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
            &["POST / <abc"],
        )],
    );
    requests.refused(
        SECTION,
        Expectation,
        post,
        &[
            ("another expectation", b"Expect: 200-ok\r\n\r\n"),
            (
                "another expectation beside it",
                b"Expect: 100-continue, 200-ok\r\n\r\n",
            ),
            ("a parameter", b"Expect: 100-continue; a=b\r\n\r\n"),
        ],
    );
}
