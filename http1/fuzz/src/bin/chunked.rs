//! One chunked body, against another reader.
//!
//! What is whole and well-formed by the grammar is decoded to the same content, anything else is
//! not taken for whole; and it is the same however it was cut.
#![no_main]

use astatine_http1::{Config, Violation};
use astatine_http1_fuzz::{End, Script, Served, decode_chunked, serve};
use http::Request;
use libfuzzer_sys::fuzz_target;

/// The response closes, so that what lies behind the body is left.
const LAST_ANSWER: Script<'static> = Script(b"\x07");

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

fuzz_target!(|data: &[u8]| {
    let whole = decode([HEAD, data]);
    let middle = data.len() / 2;
    assert_eq!(whole, decode([HEAD, &data[..middle], &data[middle..]]));
    if data.len() < 512 {
        assert_eq!(whole, decode([HEAD].into_iter().chain(data.chunks(1))));
    }
    let (_, content, trailers) = &whole.requests[0];
    match (whole.end, decode_chunked(data)) {
        (End::Closed(n_left), Some((expected, names, len))) => {
            assert_eq!((content, data.len() - n_left), (&expected, len));
            assert!(
                trailers
                    .keys()
                    .all(|name| names.iter().any(|n| n == name.as_str()))
            );
        }
        (End::Violation(violation), Some((content, names, _))) => {
            let is_limit = match violation {
                // Too many digits, or too many bytes of extensions.
                Violation::Chunk => data.len() - content.len() > 16,
                Violation::HeadTooLong => data.len() > 8 << 10 || names.len() > 128,
                _ => false,
            };
            assert!(is_limit, "{violation:?} in what is well-formed");
        }
        (End::Violation(_), None) => {}
        (end, other) => panic!("{end:?} where another reader finds {other:?}"),
    }
});

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Served {
    serve::<Request<()>>(pieces, LAST_ANSWER, &Config::default())
}
