//! What a client must make of a server's bytes: RFC 9112 §2 to §9.

use astatine_http1::Violation::{
    BareCr, BareLf, Chunk, ContentLength, HeaderField, StatusLine, Switch, TooManyInterim,
    TransferCoding, TransferEncoding, UnexpectedEof, Version,
};

use super::response::Responses;

pub(super) fn add(responses: &mut Responses) {
    lines(responses);
    status_line(responses);
    fields(responses);
    body_length(responses);
    chunked(responses);
    incomplete(responses);
    persistence(responses);
    interim(responses);
}

fn lines(responses: &mut Responses) {
    const SECTION: &str = "RFC 9112 §2.2";
    responses.refused(
        SECTION,
        BareLf,
        &[
            (
                "LF ends the status line",
                b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
            ),
            (
                "LF ends a field",
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
            ),
            (
                "LF ends the head",
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n",
            ),
        ],
    );
    responses.refused(
        SECTION,
        BareCr,
        &[
            (
                "CR inside a value",
                b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                "CR inside the reason",
                b"HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
            ),
        ],
    );
    responses.refused(
        "RFC 9112 §2.1",
        HeaderField,
        &[(
            "white space before the first field",
            b"HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: 0\r\n\r\n",
        )],
    );
    responses.refused(
        "RFC 9112 §2.3",
        Version,
        &[
            (
                "another major version",
                b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            ),
            ("HTTP/0.9", b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ],
    );
}

fn status_line(responses: &mut Responses) {
    const SECTION: &str = "RFC 9112 §4";
    responses.read(
        SECTION,
        &[
            (
                "a reason",
                b"HTTP/1.1 200 All is well\r\nContent-Length: 0\r\n\r\n",
                "200",
            ),
            (
                "no reason, but the space",
                b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
                "200",
            ),
            (
                "not even the space",
                b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
                "200",
            ),
            (
                "octets beyond ASCII in the reason",
                b"HTTP/1.1 200 \xe4\r\nContent-Length: 0\r\n\r\n",
                "200",
            ),
            (
                "a status that nobody knows",
                b"HTTP/1.1 599 X\r\nContent-Length: 0\r\n\r\n",
                "599",
            ),
            (
                "a class that nobody knows",
                b"HTTP/1.1 799 X\r\nContent-Length: 0\r\n\r\n",
                "799",
            ),
        ],
    );
    responses.refused(
        SECTION,
        StatusLine,
        &[
            ("two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
            (
                "four digits",
                b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                "a leading zero",
                b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
            ),
            ("letters", b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n"),
            ("a sign", b"HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n"),
            (
                "two spaces",
                b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
            ),
            ("a tab", b"HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n"),
            (
                "lower case",
                b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                "a space before it",
                b" HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                "another protocol",
                b"ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                "a NUL in the reason",
                b"HTTP/1.1 200 \0\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                "an empty line before it",
                b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            ),
        ],
    );
}

fn fields(responses: &mut Responses) {
    responses.refused(
        "RFC 9112 §5.1",
        HeaderField,
        &[
            (
                "white space before the colon",
                b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
            ),
            (
                "no colon",
                b"HTTP/1.1 200 OK\r\nX\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                "a NUL",
                b"HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                "a name that is no token",
                b"HTTP/1.1 200 OK\r\nX[]: a\r\nContent-Length: 0\r\n\r\n",
            ),
        ],
    );
    responses.refused(
        "RFC 9112 §5.2",
        HeaderField,
        &[(
            "a fold, which a client should replace by a space",
            b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        )],
    );
}

fn body_length(responses: &mut Responses) {
    const SECTION: &str = "RFC 9112 §6.3";
    responses.to(
        "HEAD",
        SECTION,
        &[
            (
                "1: HEAD has no body, whatever the length",
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
                "200",
            ),
            (
                "1: HEAD has no body, whatever the coding",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                "200",
            ),
            (
                "1: HEAD has no body, and nothing says so",
                b"HTTP/1.1 200 OK\r\n\r\n",
                "200",
            ),
        ],
    );
    responses.read(
        SECTION,
        &[
            (
                "1: 204 has no body",
                b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
                "204",
            ),
            (
                "1: 304 has no body",
                b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
                "304",
            ),
            (
                "1: 304 has no body, whatever the coding",
                b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
                "304",
            ),
            (
                "6: a length",
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
                "200 <abc",
            ),
            (
                "6: a length of nothing",
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                "200",
            ),
            (
                "4: chunked",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                "200 <abc",
            ),
        ],
    );
    responses.to(
        "CONNECT",
        SECTION,
        &[
            (
                "2: behind a success of CONNECT is a tunnel",
                b"HTTP/1.1 200 OK\r\n\r\nabc",
                "200",
            ),
            (
                "2: length and coding are ignored",
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
                "200",
            ),
        ],
    );
    responses.last(
        SECTION,
        &[
            (
                "8: any other body ends with the stream",
                b"HTTP/1.1 200 OK\r\n\r\nabc",
                "200 <abc",
            ),
            ("8: an empty one", b"HTTP/1.1 200 OK\r\n\r\n", "200"),
        ],
    );
    responses.refused(SECTION, TransferEncoding, &[
        ("3: two statements of the length", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        ("chunked twice", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
        ("chunked is not the last", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    ]);
    responses.refused(
        "RFC 9112 §6.1",
        TransferEncoding,
        &[
            (
                "a coding in HTTP/1.0",
                b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "a coding in HTTP/1.0 beside a length",
                b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
            ),
        ],
    );
    responses.refused(
        SECTION,
        TransferCoding,
        &[
            (
                "4: a coding that the client does not know",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
            ),
            (
                "4: one before chunked",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            ),
        ],
    );
    responses.refused(
        SECTION,
        ContentLength,
        &[
            (
                "5: no number",
                b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc",
            ),
            (
                "5: nothing",
                b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nabc",
            ),
            (
                "5: a sign",
                b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
            ),
            (
                "5: two that differ",
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
            ),
            (
                "5: a list",
                b"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabc",
            ),
            (
                "5: more than 64 bits hold",
                b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551619\r\n\r\nabc",
            ),
        ],
    );
}

fn chunked(responses: &mut Responses) {
    const SECTION: &str = "RFC 9112 §7.1";
    responses.read(SECTION, &[
        ("chunks are joined", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "200 <abc"),
        ("extensions are passed over", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=\"y\"\r\na\r\n0;z\r\n\r\n", "200 <a"),
        ("trailers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: b\r\n\r\n", "200 <a >x: b"),
        ("trailers that frame are dropped", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n", "200"),
    ]);
    responses.refused(
        SECTION,
        Chunk,
        &[
            (
                "no size",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
            ),
            (
                "a size that wraps",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n",
            ),
            (
                "LF alone",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n",
            ),
            (
                "more than the size says",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
            ),
        ],
    );
}

fn incomplete(responses: &mut Responses) {
    responses.refused(
        "RFC 9112 §8",
        UnexpectedEof,
        &[
            ("nothing", b""),
            ("inside the status line", b"HTTP/1.1 20"),
            (
                "inside the head",
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
            ),
            (
                "inside a body of a length",
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            ),
            (
                "inside a chunk",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
            ),
            (
                "before the last chunk",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
            ),
            (
                "inside the trailers",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n",
            ),
            (
                "behind an interim response",
                b"HTTP/1.1 103 Early Hints\r\n\r\n",
            ),
        ],
    );
}

fn persistence(responses: &mut Responses) {
    responses.last(
        "RFC 9112 §9.6",
        &[
            (
                "close",
                b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n",
                "200",
            ),
            (
                "close in a list",
                b"HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 0\r\n\r\n",
                "200",
            ),
        ],
    );
    responses.last(
        "RFC 9112 §9.3",
        &[(
            "HTTP/1.0 does not persist",
            b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            "200",
        )],
    );
    responses.read(
        "RFC 9112 §9.3",
        &[(
            "HTTP/1.0 with keep-alive",
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
            "200",
        )],
    );
}

fn interim(responses: &mut Responses) {
    const SECTION: &str = "RFC 9110 §15.2";
    responses.read(SECTION, &[
        ("100 that was not asked for", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200"),
        ("several", b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200"),
        ("one that nobody knows", b"HTTP/1.1 199 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200"),
        ("its length is no length", b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200"),
    ]);
    responses.refused(
        SECTION,
        TooManyInterim,
        &[("without end", &b"HTTP/1.1 100 Continue\r\n\r\n".repeat(17))],
    );
    responses.refused(
        "RFC 9110 §7.8",
        Switch,
        &[(
            "a switch that was not asked for",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        )],
    );
}
