//! RFC 9112 §7: the chunked coding.

use astatine_http1::Violation::{
    BareCr, BareLf, BodyTooLong, Chunk, HeadTooLong, HeaderField, HeaderLineTooLong, TooManyHeaders,
};

use super::request::{Requests, chunks};

pub(super) fn add(requests: &mut Requests) {
    sizes(requests);
    data(requests);
    extensions(requests);
    trailers(requests);
}

fn sizes(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §7.1";
    requests.served(
        SECTION,
        chunks,
        &[
            ("no content", b"0\r\n\r\n", &["POST /"]),
            ("several zeros", b"000\r\n\r\n", &["POST /"]),
            ("one chunk", b"3\r\nabc\r\n0\r\n\r\n", &["POST / <abc"]),
            (
                "several chunks",
                b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
                &["POST / <abc"],
            ),
            (
                "a digit in upper case",
                b"A\r\n0123456789\r\n0\r\n\r\n",
                &["POST / <0123456789"],
            ),
            (
                "a digit in lower case",
                b"a\r\n0123456789\r\n0\r\n\r\n",
                &["POST / <0123456789"],
            ),
            (
                "leading zeros",
                b"0000000000000001\r\na\r\n0\r\n\r\n",
                &["POST / <a"],
            ),
            (
                "more leading zeros than 64 bits have digits",
                b"00000000000000001\r\na\r\n0000000000000000000000\r\n\r\n",
                &["POST / <a"],
            ),
        ],
    );
    requests.refused(
        SECTION,
        Chunk,
        chunks,
        &[
            ("no size", b"\r\na\r\n0\r\n\r\n"),
            ("a letter that is no digit", b"g\r\n"),
            ("a letter behind the digits", b"1g\r\na\r\n0\r\n\r\n"),
            ("a minus", b"-1\r\na\r\n0\r\n\r\n"),
            ("minus nothing", b"-0\r\n\r\n"),
            ("a plus", b"+1\r\na\r\n0\r\n\r\n"),
            ("a prefix", b"0x1\r\na\r\n0\r\n\r\n"),
            ("a prefix in upper case", b"0X1\r\na\r\n0\r\n\r\n"),
            ("a suffix", b"1h\r\na\r\n0\r\n\r\n"),
            ("an underscore", b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n"),
            ("a fraction", b"1.0\r\na\r\n0\r\n\r\n"),
            ("a comma", b"1,\r\na\r\n0\r\n\r\n"),
            ("quotes", b"\"1\"\r\na\r\n0\r\n\r\n"),
            ("a space before it", b" 1\r\na\r\n0\r\n\r\n"),
            ("a tab before it", b"\t1\r\na\r\n0\r\n\r\n"),
            ("a space behind it", b"1 \r\na\r\n0\r\n\r\n"),
            ("a tab behind it", b"1\t\r\na\r\n0\r\n\r\n"),
            ("a space inside", b"1 0\r\n0123456789abcdef\r\n0\r\n\r\n"),
            ("a space behind the last", b"0 \r\n\r\n"),
            ("a vertical tab behind it", b"1\x0b\r\na\r\n0\r\n\r\n"),
            ("a NUL behind it", b"1\0\r\na\r\n0\r\n\r\n"),
            ("an octet beyond ASCII", b"\xb9\r\na\r\n0\r\n\r\n"),
            ("one digit more than 64 bits hold", b"10000000000000000\r\n"),
            (
                "what 64 bits would take for 1",
                b"10000000000000001\r\na\r\n0\r\n\r\n",
            ),
            (
                "digits without end",
                b"fffffffffffffffffffffffffffffffff\r\n",
            ),
            ("zeros without end", &[b'0'; 256]),
        ],
    );
    requests.refused(
        SECTION,
        BodyTooLong,
        chunks,
        &[
            (
                "what 32 bits would take for 1",
                b"100000001\r\na\r\n0\r\n\r\n",
            ),
            (
                "what a sign would turn",
                b"8000000000000000\r\na\r\n0\r\n\r\n",
            ),
            (
                "the most that 64 bits hold",
                b"ffffffffffffffff\r\na\r\n0\r\n\r\n",
            ),
            (
                "the most that 64 bits hold, behind other chunks",
                b"1\r\na\r\nffffffffffffffff\r\na\r\n0\r\n\r\n",
            ),
        ],
    );
}

fn data(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §7.1";
    requests.served(
        SECTION,
        chunks,
        &[
            (
                "line ends are content",
                b"2\r\n\r\n\r\n0\r\n\r\n",
                &["POST / <\\r\\n"],
            ),
            (
                "what looks like the end is content",
                b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",
                &["POST / <0\\r\\n\\r\\n"],
            ),
            (
                "any octet is content",
                b"4\r\n\0\xff\n\r\r\n0\r\n\r\n",
                &["POST / <\\x00\\xff\\n\\r"],
            ),
        ],
    );
    requests.refused(
        SECTION,
        Chunk,
        chunks,
        &[
            ("more than the size says", b"1\r\nab\r\n0\r\n\r\n"),
            ("less than the size says", b"3\r\nab\r\n0\r\n\r\n"),
            ("no line end behind it", b"1\r\na0\r\n\r\n"),
            ("LF alone behind it", b"1\r\na\n0\r\n\r\n"),
            ("CR alone behind it", b"1\r\na\r0\r\n\r\n"),
            ("a space before the line end", b"1\r\na \r\n0\r\n\r\n"),
            ("two line ends behind it", b"1\r\na\r\n\r\n0\r\n\r\n"),
            ("LF alone ends the size", b"1\na\r\n0\r\n\r\n"),
            ("CR alone ends the size", b"1\ra\r\n0\r\n\r\n"),
            ("two CR end the size", b"1\r\r\na\r\n0\r\n\r\n"),
            ("LF alone ends the last size", b"1\r\na\r\n0\n\r\n"),
        ],
    );
    requests.refused(
        SECTION,
        BareLf,
        chunks,
        &[("LF alone ends the body", b"0\r\n\n")],
    );
    requests.refused(
        SECTION,
        BareCr,
        chunks,
        &[("CR before the end of the body", b"0\r\n\r\r\n\r\n")],
    );
}

fn extensions(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §7.1.1";
    requests.served(
        SECTION,
        chunks,
        &[
            ("a name", b"1;x\r\na\r\n0\r\n\r\n", &["POST / <a"]),
            ("a value", b"1;x=y\r\na\r\n0\r\n\r\n", &["POST / <a"]),
            (
                "a quoted value",
                b"1;x=\"y z\"\r\na\r\n0\r\n\r\n",
                &["POST / <a"],
            ),
            (
                "an empty quoted value",
                b"1;x=\"\"\r\na\r\n0\r\n\r\n",
                &["POST / <a"],
            ),
            (
                "escapes in a quoted value",
                b"1;x=\"\\\"\\\\;\"\r\na\r\n0\r\n\r\n",
                &["POST / <a"],
            ),
            (
                "octets beyond ASCII in a quoted value",
                b"1;x=\"\xe4\"\r\na\r\n0\r\n\r\n",
                &["POST / <a"],
            ),
            (
                "several",
                b"1;x;y=z;q=\"a\"\r\na\r\n0\r\n\r\n",
                &["POST / <a"],
            ),
            (
                "bad white space",
                b"1 ; x\t= y ;z\r\na\r\n0\r\n\r\n",
                &["POST / <a"],
            ),
            (
                "on the last chunk",
                b"1\r\na\r\n0;x=y\r\n\r\n",
                &["POST / <a"],
            ),
            (
                "one that looks like a size",
                b"1;5\r\na\r\n0\r\n\r\n",
                &["POST / <a"],
            ),
        ],
    );
    requests.refused(
        SECTION,
        Chunk,
        chunks,
        &[
            ("nothing behind the semicolon", b"1;\r\na\r\n0\r\n\r\n"),
            ("white space behind the semicolon", b"1; \r\na\r\n0\r\n\r\n"),
            ("two semicolons", b"1;;x\r\na\r\n0\r\n\r\n"),
            ("no name", b"1;=x\r\na\r\n0\r\n\r\n"),
            ("no value", b"1;x=\r\na\r\n0\r\n\r\n"),
            ("no value before another", b"1;x=;y\r\na\r\n0\r\n\r\n"),
            ("two values", b"1;x=y=z\r\na\r\n0\r\n\r\n"),
            (
                "two values, with white space",
                b"1;x=y =z\r\na\r\n0\r\n\r\n",
            ),
            (
                "a value behind a quoted one",
                b"1;x=\"y\" =z\r\na\r\n0\r\n\r\n",
            ),
            ("two names", b"1;x y\r\na\r\n0\r\n\r\n"),
            ("white space at the end", b"1;x \r\na\r\n0\r\n\r\n"),
            (
                "white space at the end, behind a value",
                b"1;x=y\t\r\na\r\n0\r\n\r\n",
            ),
            ("no semicolon", b"1x\r\na\r\n0\r\n\r\n"),
            ("no semicolon, but a space", b"1 x\r\na\r\n0\r\n\r\n"),
            ("no size", b";x\r\na\r\n0\r\n\r\n"),
            ("quotes that do not end", b"1;x=\"y\r\na\r\n0\r\n\r\n"),
            ("letters behind the quotes", b"1;x=\"y\"z\r\na\r\n0\r\n\r\n"),
            ("a quoted name", b"1;\"x\"\r\na\r\n0\r\n\r\n"),
            ("an octet that is no token", b"1;x=(y)\r\na\r\n0\r\n\r\n"),
            ("LF inside", b"1;x\na\r\n0\r\n\r\n"),
            ("LF inside quotes", b"1;x=\"\n\"\r\na\r\n0\r\n\r\n"),
            ("CR inside", b"1;x\ry\r\na\r\n0\r\n\r\n"),
            ("CR inside quotes", b"1;x=\"\r\"\r\na\r\n0\r\n\r\n"),
            ("an escaped CR", b"1;x=\"\\\r\"\r\na\r\n0\r\n\r\n"),
            (
                "a line end inside quotes",
                b"1;x=\"\r\n\"\r\na\r\n0\r\n\r\n",
            ),
            ("a NUL", b"1;x\0\r\na\r\n0\r\n\r\n"),
            ("a NUL inside quotes", b"1;x=\"\0\"\r\na\r\n0\r\n\r\n"),
            ("DEL inside quotes", b"1;x=\"\x7f\"\r\na\r\n0\r\n\r\n"),
            ("an octet beyond ASCII", b"1;\xe4\r\na\r\n0\r\n\r\n"),
        ],
    );
    let one = [b"1;", &b"x".repeat(20_000)[..], b"\r\na\r\n0\r\n\r\n"].concat();
    let many = [
        b"1;xxxxxxxxxxxxxxxxx\r\na\r\n".repeat(1000),
        b"0\r\n\r\n".to_vec(),
    ]
    .concat();
    let quoted = [
        b"1;x=\"",
        &b"\\y".repeat(10_000)[..],
        b"\"\r\na\r\n0\r\n\r\n",
    ]
    .concat();
    let spaces = [b"1", &b" ".repeat(20_000)[..], b";x\r\na\r\n0\r\n\r\n"].concat();
    requests.refused(
        SECTION,
        Chunk,
        chunks,
        &[
            ("one that is longer than anybody needs", &one),
            ("many that are short", &many),
            ("one that is quoted", &quoted),
            ("white space without end", &spaces),
        ],
    );
}

fn trailers(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §7.1.2";
    requests.served(
        SECTION,
        chunks,
        &[
            (
                "one",
                b"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n",
                &["POST / <a >x-sum: 1"],
            ),
            (
                "several",
                b"0\r\nX-A: b\r\nX-A: c\r\nX-B:\r\n\r\n",
                &["POST / >x-a: b >x-a: c >x-b: "],
            ),
            (
                "a length is dropped (RFC 9110 §6.5.1)",
                b"0\r\nContent-Length: 5\r\n\r\n",
                &["POST /"],
            ),
            (
                "two lengths are dropped",
                b"0\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
                &["POST /"],
            ),
            (
                "a coding is dropped",
                b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
                &["POST /"],
            ),
            (
                "a host is dropped",
                b"0\r\nHost: other\r\nX-A: b\r\n\r\n",
                &["POST / >x-a: b"],
            ),
            (
                "what speaks of the connection is dropped",
                b"0\r\nConnection: close\r\nTE: trailers\r\nTrailer: x\r\n\r\n",
                &["POST /"],
            ),
            (
                "who asks is dropped",
                b"0\r\nAuthorization: a\r\nCookie: b=c\r\n\r\n",
                &["POST /"],
            ),
            (
                "what the content is, is dropped",
                b"0\r\nContent-Type: a/b\r\nContent-Encoding: gzip\r\nContent-Range: x\r\n\r\n",
                &["POST /"],
            ),
            (
                "conditions are dropped",
                b"0\r\nIf-Match: *\r\nRange: bytes=0-\r\nExpect: 100-continue\r\n\r\n",
                &["POST /"],
            ),
        ],
    );
    requests.refused(
        SECTION,
        HeaderField,
        chunks,
        &[
            ("a space before the colon", b"0\r\nX : a\r\n\r\n"),
            ("a space before the name", b"0\r\n X: a\r\n\r\n"),
            ("a fold", b"0\r\nX: a\r\n b\r\n\r\n"),
            ("no colon", b"0\r\nX\r\n\r\n"),
            ("no name", b"0\r\n: a\r\n\r\n"),
            ("a NUL", b"0\r\nX: \0\r\n\r\n"),
            ("a name that is no token", b"0\r\nX(): a\r\n\r\n"),
            (
                "what is dropped is judged first",
                b"0\r\nContent-Length : 5\r\n\r\n",
            ),
            (
                "a request that the end is missing before",
                b"0\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n",
            ),
        ],
    );
    requests.refused(
        SECTION,
        BareLf,
        chunks,
        &[("LF alone ends a line", b"0\r\nX: a\n\r\n")],
    );
    requests.refused(
        SECTION,
        BareCr,
        chunks,
        &[("CR alone inside a value", b"0\r\nX: a\rb\r\n\r\n")],
    );
    let many = [&b"0\r\n"[..], &b"X:\r\n".repeat(129), b"\r\n"].concat();
    let long = [&b"0\r\nX: "[..], &b"a".repeat(9000), b"\r\n\r\n"].concat();
    let lines = [b"X: ", &b"a".repeat(8000)[..], b"\r\n"].concat().repeat(5);
    let heavy = [&b"0\r\n"[..], &lines, b"\r\n"].concat();
    requests.refused(SECTION, TooManyHeaders, chunks, &[("129 fields", &many)]);
    requests.refused(
        SECTION,
        HeaderLineTooLong,
        chunks,
        &[("a line that is too long", &long)],
    );
    requests.refused(
        SECTION,
        HeadTooLong,
        chunks,
        &[("a section that is too long", &heavy)],
    );
}
