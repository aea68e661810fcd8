//! RFC 9112 §6: where a body begins and ends.

use astatine_http1::Violation::{
    BareCr, BareLf, BodyTooLong, ContentLength, HeaderField, TransferCoding, TransferEncoding,
};

use super::request::{Requests, coding, length, post, raw};

pub(super) fn add(requests: &mut Requests) {
    transfer_encoding(requests);
    mangled_transfer_encoding(requests);
    both(requests);
    content_length(requests);
    body_length(requests);
}

fn transfer_encoding(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §6.1";
    requests.served(
        SECTION,
        coding,
        &[
            ("chunked", b"chunked", &["POST /"]),
            ("the case is no matter", b"cHuNkEd", &["POST /"]),
            ("white space around it", b"\t chunked \t", &["POST /"]),
            (
                "empty elements of the list (RFC 9110 §5.6.1.2)",
                b", chunked,,",
                &["POST /"],
            ),
        ],
    );
    requests.refused(
        SECTION,
        TransferCoding,
        coding,
        &[
            (
                "a coding before chunked that the server does not know",
                b"gzip, chunked",
            ),
            ("one that nobody knows", b"x-unknown, chunked"),
            (
                "identity, which is no coding any more",
                b"identity, chunked",
            ),
            ("two lines", b"gzip\r\nTransfer-Encoding: chunked"),
        ],
    );
    requests.refused(
        SECTION,
        TransferEncoding,
        coding,
        &[
            ("chunked twice", b"chunked, chunked"),
            (
                "chunked in two lines",
                b"chunked\r\nTransfer-Encoding: chunked",
            ),
            ("chunked is not the last", b"chunked, gzip"),
            (
                "chunked is not the last, in two lines",
                b"chunked\r\nTransfer-Encoding: gzip",
            ),
            ("chunked, and identity behind it", b"chunked, identity"),
            ("chunked on both sides", b"chunked, gzip, chunked"),
            ("no chunked", b"gzip"),
            ("identity alone", b"identity"),
            ("nothing", b""),
            ("an empty list", b","),
            ("a parameter", b"chunked;q=1"),
            (
                "a parameter of chunked behind another",
                b"gzip, chunked;a=b",
            ),
        ],
    );
    requests.refused(SECTION, TransferEncoding, raw, &[
        ("in HTTP/1.0", b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("in HTTP/1.0 with keep-alive", b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("in HTTP/1.0 beside a length", b"POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ]);
}

/// Spellings that one server takes for chunked and another does not.
fn mangled_transfer_encoding(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §6.1";
    requests.refused(
        SECTION,
        TransferEncoding,
        coding,
        &[
            ("a letter before it", b"xchunked"),
            ("a letter behind it", b"chunkedx"),
            ("a letter less", b"chunke"),
            ("quotes", b"\"chunked\""),
            ("single quotes", b"'chunked'"),
            ("a space inside", b"chunk ed"),
            ("a dot", b"chunked."),
            ("a semicolon", b"chunked;"),
            ("a colon", b":chunked"),
            ("an equals sign", b"=chunked"),
            ("two words", b"chunked identity"),
            ("a word before it", b"identity chunked"),
            ("a no-break space before it", b"\xa0chunked"),
            ("a no-break space behind it", b"chunked\xa0"),
            ("a long s for the letter", b"\xc5\xbfchunked"),
            ("a Kelvin sign for the k", b"chun\xe2\x84\xaaed"),
            ("a zero-width space", b"chunked\xe2\x80\x8b"),
            ("an escape", b"%63hunked"),
        ],
    );
    requests.refused(
        SECTION,
        HeaderField,
        post,
        &[
            (
                "a space before the name",
                b" Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "a space inside the name",
                b"Transfer Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "a backslash at the end",
                b"Transfer-Encoding: chunked\x08\r\n\r\n0\r\n\r\n",
            ),
            (
                "a space behind the name, beside a length",
                b"Content-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "a tab behind the name, beside a length",
                b"Content-Length: 5\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "a control behind the name, beside a length",
                b"Content-Length: 5\r\nTransfer-Encoding\x1f: chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "a vertical tab before chunked, beside a length",
                b"Content-Length: 5\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
            ),
        ],
    );
    requests.refused(
        SECTION,
        TransferEncoding,
        post,
        &[(
            "a fold before chunked, beside a length",
            b"Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        )],
    );
    requests.refused(
        SECTION,
        BareLf,
        post,
        &[
            (
                "a line of LF alone before it",
                b"Content-Length: 5\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "LF behind the name",
                b"Content-Length: 5\r\nTransfer-Encoding\n: chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "LF before chunked",
                b"Content-Length: 5\r\nTransfer-Encoding:\n chunked\r\n\r\n0\r\n\r\n",
            ),
        ],
    );
    requests.refused(
        SECTION,
        BareCr,
        post,
        &[
            (
                "a line of CR alone before it",
                b"Content-Length: 5\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "CR behind chunked",
                b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\r\n\r\n0\r\n\r\n",
            ),
        ],
    );
    requests.served(
        SECTION,
        post,
        &[
            (
                "an underscore, beside a length",
                b"Content-Length: 5\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n",
                &["POST / <0\\r\\n\\r\\n"],
            ),
            (
                "a hyphen less, beside a length",
                b"Content-Length: 5\r\nTransferEncoding: chunked\r\n\r\n0\r\n\r\n",
                &["POST / <0\\r\\n\\r\\n"],
            ),
            (
                "a letter more, beside a length",
                b"Content-Length: 5\r\nX-Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                &["POST / {x-transfer-encoding: chunked} <0\\r\\n\\r\\n"],
            ),
        ],
    );
}

fn both(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §6.3";
    requests.refused(
        SECTION,
        TransferEncoding,
        post,
        &[
            (
                "a length behind a coding",
                b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            ),
            (
                "a length before a coding",
                b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "a length of nothing beside a coding",
                b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "a length beside a coding that is not known",
                b"Content-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "a length beside a coding that is none",
                b"Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\nabcde",
            ),
            (
                "a length beside identity",
                b"Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\nabcde",
            ),
            (
                "a length beside an empty coding",
                b"Content-Length: 5\r\nTransfer-Encoding: \r\n\r\nabcde",
            ),
        ],
    );
    requests.refused(SECTION, ContentLength, post, &[
        ("a bad length beside a coding", b"Content-Length: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("two lengths beside a coding", b"Content-Length: 5\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ]);
}

fn content_length(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §6.3";
    requests.served(
        SECTION,
        length,
        &[
            ("a number", b"5", &["POST / <abcde"]),
            (
                "leading zeros",
                b"00000000000000000000000000005",
                &["POST / <abcde"],
            ),
            ("white space around it", b" \t5\t ", &["POST / <abcde"]),
        ],
    );
    requests.refused(
        SECTION,
        ContentLength,
        length,
        &[
            ("nothing", b""),
            ("a plus", b"+5"),
            ("a minus", b"-5"),
            ("minus nothing", b"-0"),
            ("plus nothing", b"+0"),
            ("hexadecimal", b"0x5"),
            ("a hexadecimal digit", b"A"),
            ("octal", b"0o5"),
            ("a fraction", b"5.0"),
            ("an exponent", b"5e0"),
            ("an underscore", b"5_0"),
            ("a thousands separator", b"5,000"),
            ("a space inside", b"5 5"),
            ("a letter behind it", b"5a"),
            ("a semicolon behind it", b"5;"),
            ("a parameter", b"5; a=b"),
            ("quotes", b"\"5\""),
            ("words", b"five"),
            ("infinity", b"inf"),
            ("a digit beyond ASCII", b"\xd9\xa5"),
            ("a full-width digit", b"\xef\xbc\x95"),
            ("a no-break space", b"\xa05"),
            ("a list of one value", b"5, 5"),
            ("a list without a space", b"5,5"),
            ("a list of two values", b"5, 6"),
            ("a list with an empty element", b"5,"),
            ("an empty element and a value", b",5"),
            ("two lines that are the same", b"5\r\nContent-Length: 5"),
            ("two lines that differ", b"5\r\nContent-Length: 6"),
            ("two lines, spelled otherwise", b"5\r\ncontent-length: 5"),
            ("two lines, one empty", b"5\r\nContent-Length: "),
            ("two lines, one bad", b"5\r\nContent-Length: x"),
            ("two lines of nothing", b"0\r\nContent-Length: 0"),
            ("one more than 64 bits hold", b"18446744073709551616"),
            ("what 64 bits would take for 5", b"18446744073709551621"),
            (
                "what 32 bits would take for 5, and more",
                b"99999999999999999999999999999999",
            ),
        ],
    );
    requests.refused(
        SECTION,
        BodyTooLong,
        length,
        &[
            ("what 32 bits would take for 5", b"4294967301"),
            ("the most that 63 bits hold", b"9223372036854775807"),
            ("what a sign would turn", b"9223372036854775808"),
            ("the most that 64 bits hold", b"18446744073709551615"),
            ("more than the server takes", b"52428801"),
        ],
    );
}

fn body_length(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §6.3";
    requests.served(SECTION, raw, &[
        ("no framing is no body", b"POST /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", &["POST /1", "GET /2"]),
        ("a length of nothing", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", &["POST /"]),
        ("a body of GET", b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde", &["GET / <abcde"]),
        ("a body of HEAD", b"HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde", &["HEAD / <abcde"]),
        ("a body of DELETE", b"DELETE / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde", &["DELETE / <abcde"]),
        ("a body of OPTIONS", b"OPTIONS * HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde", &["OPTIONS * <abcde"]),
        ("a chunked body of GET", b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", &["GET / <abcde"]),
        ("a body of every octet that could end a line", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n\r\n\0\n\r\n", &["POST / <\\r\\n\\x00\\n\\r\\n"]),
    ]);
    requests.last(
        SECTION,
        raw,
        &[(
            "a body in HTTP/1.0",
            b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nabcde",
            &["POST / <abcde"],
        )],
    );
}
