//! RFC 9112 §5, and RFC 9110 §5: field lines.

use astatine_http1::Violation::{
    HeadTooLong, HeaderField, HeaderLineTooLong, TooManyHeaders, TransferEncoding,
};

use super::request::{Requests, field, host, post, raw};

pub(super) fn add(requests: &mut Requests) {
    white_space(requests);
    folding(requests);
    names(requests);
    values(requests);
    limits(requests);
}

fn white_space(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §5.1";
    requests.served(
        SECTION,
        field,
        &[
            ("none before the value", b"X-A:b", &["GET / {x-a: b}"]),
            (
                "spaces and tabs around the value",
                b"X-A: \t b\t ",
                &["GET / {x-a: b}"],
            ),
            (
                "white space inside the value",
                b"X-A: b \t c",
                &["GET / {x-a: b \\t c}"],
            ),
            ("nothing but white space", b"X-A: \t ", &["GET / {x-a: }"]),
            ("an empty value", b"X-A:", &["GET / {x-a: }"]),
            ("a colon in the value", b"X-A: b: c", &["GET / {x-a: b: c}"]),
            ("a colon at once", b"X-A::", &["GET / {x-a: :}"]),
        ],
    );
    requests.refused(
        SECTION,
        HeaderField,
        field,
        &[
            ("a space before the colon", b"X : a"),
            ("a tab before the colon", b"X\t: a"),
            ("several spaces before the colon", b"X   : a"),
            ("a vertical tab before the colon", b"X\x0b: a"),
            ("a space before the colon of Host", b"X: a\r\nHost : h"),
            (
                "a space before the colon of Content-Length",
                b"Content-Length : 3",
            ),
            (
                "a tab before the colon of Content-Length",
                b"Content-Length\t: 3",
            ),
            (
                "a space before the colon of Transfer-Encoding",
                b"Transfer-Encoding : chunked",
            ),
            (
                "a tab before the colon of Transfer-Encoding",
                b"Transfer-Encoding\t: chunked",
            ),
            (
                "a NUL before the colon of Transfer-Encoding",
                b"Transfer-Encoding\0: chunked",
            ),
        ],
    );
}

fn folding(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §5.2";
    requests.refused(
        SECTION,
        HeaderField,
        field,
        &[
            ("a value goes on behind a space", b"X: a\r\n b"),
            ("a value goes on behind a tab", b"X: a\r\n\tb"),
            ("a value begins behind a fold", b"X:\r\n a"),
            ("an empty line of white space", b"X: a\r\n \r\nY: b"),
            (
                "what is folded looks like a field",
                b"X: a\r\n Content-Length: 5",
            ),
            (
                "a folded coding",
                b"Transfer-Encoding: chunked\r\n , identity",
            ),
            ("a folded length", b"Content-Length: 1\r\n 0"),
        ],
    );
    requests.refused(
        SECTION,
        TransferEncoding,
        field,
        &[("a coding behind a fold", b"Transfer-Encoding:\r\n chunked")],
    );
    requests.refused(SECTION, HeaderField, host, &[("a folded Host", b"a\r\n b")]);
}

fn names(requests: &mut Requests) {
    const SECTION: &str = "RFC 9110 §5.1";
    requests.served(
        SECTION,
        field,
        &[
            ("the case is no matter", b"x-A: b", &["GET / {x-a: b}"]),
            ("one octet", b"x-: b", &["GET / {x-: b}"]),
            (
                "every octet of a token",
                b"x-!#$%&'*+.^_`|~09: b",
                &["GET / {x-!#$%&'*+.^_`|~09: b}"],
            ),
            (
                "a name that differs from a coding's by an underscore",
                b"Transfer_Encoding: chunked",
                &["GET /"],
            ),
            (
                "a name that differs from a length's by an underscore",
                b"Content_Length: 5",
                &["GET /"],
            ),
            (
                "a name that begins like another",
                b"Content-Lengthy: 5",
                &["GET /"],
            ),
        ],
    );
    requests.refused(
        SECTION,
        HeaderField,
        field,
        &[
            ("no colon", b"X"),
            ("no colon, a value", b"X a"),
            ("no name", b": a"),
            ("a colon alone", b":"),
            ("a space inside", b"X Y: a"),
            ("a parenthesis", b"X(: a"),
            ("an angle bracket", b"<X>: a"),
            ("an at sign", b"X@: a"),
            ("a comma", b"X,: a"),
            ("a semicolon", b"X;: a"),
            ("a backslash", b"X\\: a"),
            ("a quote", b"\"X\": a"),
            ("a slash", b"X/: a"),
            ("a bracket", b"X[]: a"),
            ("a question mark", b"X?: a"),
            ("an equals sign", b"X=a: b"),
            ("a brace", b"{X}: a"),
            ("a NUL", b"X\0: a"),
            ("a NUL before it", b"\0X: a"),
            ("a control", b"X\x01: a"),
            ("a bell", b"X\x07: a"),
            ("DEL", b"X\x7f: a"),
            ("an octet beyond ASCII", b"X\xe4: a"),
            ("UTF-8", b"X-\xc3\xa4: a"),
            ("a no-break space before it", b"\xa0X: a"),
            ("a second request line", b"GET /x HTTP/1.1"),
        ],
    );
}

fn values(requests: &mut Requests) {
    const SECTION: &str = "RFC 9110 §5.5";
    requests.served(
        SECTION,
        field,
        &[
            (
                "visible octets",
                b"X-A: !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
                &["GET / {x-a: !\\\"#$%&\\'()*+,-./:;<=>?@[\\\\]^_`{|}~}"],
            ),
            (
                "octets beyond ASCII",
                b"X-A: \x80\xff",
                &["GET / {x-a: \\x80\\xff}"],
            ),
            ("UTF-8", b"X-A: \xc3\xa4", &["GET / {x-a: \\xc3\\xa4}"]),
            (
                "lines of one name stay in their order",
                b"X-A: b\r\nX-B: c\r\nX-A: d",
                &["GET / {x-a: b} {x-a: d} {x-b: c}"],
            ),
        ],
    );
    let mut controls: Vec<Vec<u8>> = (0..0x20)
        .map(|c| vec![b'X', b':', b' ', b'a', c, b'b'])
        .collect();
    controls.retain(|line| !matches!(line[4], b'\t' | b'\n' | b'\r'));
    for line in &controls {
        requests.refused(SECTION, HeaderField, field, &[("a control", line)]);
    }
    requests.refused(
        SECTION,
        HeaderField,
        field,
        &[
            ("a NUL at the start", b"X: \0a"),
            ("a NUL at the end", b"X: a\0"),
            ("a NUL at once", b"X:\0"),
            ("DEL", b"X: a\x7f"),
        ],
    );
    requests.refused(
        SECTION,
        HeaderField,
        post,
        &[
            (
                "a vertical tab behind a coding",
                b"Transfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n",
            ),
            (
                "a form feed before a coding",
                b"Transfer-Encoding:\x0cchunked\r\n\r\n0\r\n\r\n",
            ),
            ("a NUL behind a length", b"Content-Length: 5\0\r\n\r\nabcde"),
        ],
    );
}

fn limits(requests: &mut Requests) {
    const SECTION: &str = "RFC 9110 §5.4";
    let lines = |n: usize| b"X-Y:\r\n".repeat(n)[..n * 6 - 2].to_vec();
    let long = |n: usize| [b"X: ", &b"a".repeat(n - 3)[..]].concat();
    let heavy = [long(8000), long(8000), long(8000), long(8000), long(8000)].join(&b"\r\n"[..]);
    requests.refused(
        SECTION,
        TooManyHeaders,
        field,
        &[("129 fields", &lines(128))],
    );
    requests.refused(
        SECTION,
        HeaderLineTooLong,
        field,
        &[
            (
                "a value that is longer than the server wishes for",
                &long(9000),
            ),
            ("a name that is longer", &b"X".repeat(9000)),
        ],
    );
    requests.refused(
        SECTION,
        HeadTooLong,
        field,
        &[("a head that is longer", &heavy)],
    );
    requests.refused(
        SECTION,
        HeaderLineTooLong,
        raw,
        &[(
            "a line without end",
            &[b"GET / HTTP/1.1\r\nX: ", &b"a".repeat(9000)[..]].concat(),
        )],
    );
}
