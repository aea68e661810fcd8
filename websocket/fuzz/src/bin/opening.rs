//! The answer to a client's opening handshake: it means the same however the stream is cut, and only
//! one with the right proof opens a WebSocket.
//!
//! The first byte is the length of the pieces; in the rest, `@` stands for the right proof.
#![no_main]

use std::pin::pin;

use astatine_reactor::{Connection, Foreign, PeerInfo, Shutdown};
use astatine_websocket::Config;
use astatine_websocket::client::{Client, ConnectError};
use astatine_websocket::handshake::{self, Offer};
use astatine_websocket_fuzz::{poll_once, with_runtime};
use http::{HeaderValue, Request, Response};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

fuzz_target!(|data: &[u8]| {
    let Some((len, answer)) = data.split_first() else {
        return;
    };
    with_runtime(|| {
        let whole = open(answer, usize::MAX);
        assert_eq!(whole, open(answer, usize::from(*len) + 1));
        let is_proved = answer.contains(&b'@');
        assert!(
            is_proved || !whole.starts_with("opened"),
            "no proof: {whole}"
        );
    });
});

/// Opens a WebSocket at a server that answers so, piece by piece, and tells what came of it. What
/// differs by the proof is left out.
fn open(answer: &[u8], piece_len: usize) -> String {
    let (near, mut far) = duplex(1 << 20);
    let request = Request::get("ws://h/").body(()).expect("a request");
    let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
    let client = Client::new(Config::default()).subprotocols([String::from("chat")]);
    let mut opening = pin!(client.handshake(connection, request));
    assert!(poll_once(opening.as_mut()).is_none(), "it has no answer");
    let mut head = vec![0; 4096];
    let len = poll_once(pin!(far.read(&mut head))).expect("a request");
    let proof = proof(&head[..len.expect("a request")]);

    let answer: Vec<u8> = answer
        .iter()
        .flat_map(|octet| match octet {
            b'@' => proof.as_bytes(),
            octet => std::slice::from_ref(octet),
        })
        .copied()
        .collect();
    let mut opened = None;
    for piece in answer.chunks(piece_len) {
        if opened.is_none() {
            let written = poll_once(pin!(far.write_all(piece))).expect("room");
            written.expect("the client reads");
            opened = poll_once(opening.as_mut());
        }
    }
    drop(far);
    let opened = opened.or_else(|| poll_once(opening));
    match opened.expect("nothing more comes") {
        Ok(opened) => {
            let fields = fields(&opened.response);
            format!("opened {:?} {fields}", opened.agreed)
        }
        Err(ConnectError::Refused(response)) => format!("refused {}", fields(&response)),
        Err(error) => format!("failed {error:?}"),
    }
}

/// Returns the proof that the request's key was read.
fn proof(request: &[u8]) -> HeaderValue {
    let request = std::str::from_utf8(request).expect("a head is text");
    let mut parsed = Request::get("/");
    for line in request.lines().skip(1) {
        if let Some((name, value)) = line.split_once(": ") {
            parsed = parsed.header(name, value);
        }
    }
    let parsed = parsed.body(()).expect("its fields are right");
    let accepted = handshake::accept(&parsed, Offer::default(), &Config::default());
    let mut response = accepted.expect("a right request").response;
    let proof = response.headers_mut().remove("sec-websocket-accept");
    proof.expect("each answer has it")
}

fn fields(response: &Response<()>) -> String {
    let names: Vec<_> = response.headers().keys().collect();
    format!("{} {names:?}", response.status())
}
