//! A whole connection: a line of answers and cuts, then the client's stream.
//!
//! However the stream is cut, and through either door, the same requests come in and the same bytes
//! go out; the bytes are
//! the answers that were meant. The first line's bytes say how each request is answered and how
//! long each piece is.
#![no_main]

use astatine_http1::{Config, Head};
use astatine_http1_fuzz::{Door, Script, Served, check_output, serve};
use http::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let split = data.iter().position(|byte| *byte == b'\n');
    let (script, stream) = match split {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (&[][..], data),
    };
    for config in [Config::default(), tight()] {
        let whole = run::<Request<()>>(&[stream], script, &config);
        let pieces = pieces(stream, script);
        assert_eq!(whole, run::<Request<()>>(&pieces, script, &config));
        assert_eq!(whole, run::<Head>(&pieces, script, &config), "lower door");
        if stream.len() < 512 {
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            assert_eq!(whole, run::<Request<()>>(&bytes, script, &config), "bytes");
        }
    }
});

fn run<H: Door>(pieces: &[&[u8]], script: &[u8], config: &Config) -> Served {
    let served = serve::<H>(pieces.iter().copied(), Script(script), config);
    check_output(&served);
    served
}

/// Limits that a short stream can reach.
fn tight() -> Config {
    let mut config = Config::default();
    config.max_request_line_bytes = 40;
    config.max_header_line_bytes = 40;
    config.max_headers = 4;
    config.max_head_bytes = 120;
    config.max_body_bytes = 16;
    config.max_requests = std::num::NonZeroU64::new(3);
    config
}

/// Cuts the stream by the script's bytes.
fn pieces<'a>(mut stream: &'a [u8], script: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut lens = script.iter().cycle();
    while !stream.is_empty() {
        let len = lens.next().map_or(7, |byte| usize::from(*byte) % 61 + 1);
        let (piece, rest) = stream.split_at(len.min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}
