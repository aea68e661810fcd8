//! Field values of a handshake: nothing breaks, and whatever a server agrees on, a client of the
//! same offer takes.
//!
//! The first byte picks the settings; of the lines behind it, the first are the extensions, the
//! next the subprotocols, then the key, an origin and a host.
#![no_main]

use astatine_websocket::Config;
use astatine_websocket::handshake::{self, Key, Offer};
use astatine_websocket::proto::Extension;
use astatine_websocket::proto::deflate::{Context, WindowBits};
use http::{HeaderName, HeaderValue, Request, header};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((choice, lines)) = data.split_first() else {
        return;
    };
    let mut config = Config::default();
    if choice & 1 != 0 {
        config.deflate_context = Context::Kept;
    }
    config.deflate_window_bits =
        WindowBits::new(9 + (choice >> 1) % 7).expect("it is from 9 to 15");
    let offer = Offer {
        subprotocols: &["chat", "superchat"],
        extension: Extension::Deflate,
    };
    let key = Key::new([*choice; 16]);
    let uri = "ws://h/".parse().expect("a URI");
    let mut request = handshake::request(uri, &key, offer, &config).expect("a request");
    agree(&request, &key, offer, &config);
    let mut lines = lines.split(|octet| *octet == b'\n');
    for name in [
        header::SEC_WEBSOCKET_EXTENSIONS,
        header::SEC_WEBSOCKET_PROTOCOL,
        header::SEC_WEBSOCKET_KEY,
        header::ORIGIN,
        header::HOST,
    ] {
        insert(&mut request, name, lines.next());
    }
    let _: handshake::Origin = handshake::origin(request.headers());
    let Ok(accepted) = handshake::accept(&request, offer, &config) else {
        return;
    };
    if let Some(terms) = accepted.agreed.deflate {
        assert!(terms.server.window_bits <= config.deflate_window_bits);
    }
    // Whatever else a server answers is judged without a panic.
    let mut answer = accepted.response;
    for name in [
        header::SEC_WEBSOCKET_EXTENSIONS,
        header::SEC_WEBSOCKET_PROTOCOL,
    ] {
        if let Some(value) = request.headers().get(&name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    if let Ok(established) = handshake::check(&answer, &key, offer, &config) {
        if let Some(terms) = established.deflate {
            assert!(terms.server.window_bits <= config.deflate_window_bits);
            assert!(terms.client.window_bits <= config.deflate_window_bits);
        }
    }
});

/// A server of the same settings answers what the client takes.
fn agree(request: &Request<()>, key: &Key, offer: Offer<'_>, config: &Config) {
    let accepted = handshake::accept(request, offer, config).expect("a right request");
    let established = handshake::check(&accepted.response, key, offer, config);
    let established = established.expect("a right answer");
    assert_eq!(
        established.deflate.is_some(),
        accepted.agreed.deflate.is_some()
    );
    assert_eq!(established.subprotocol, accepted.agreed.subprotocol);
}

fn insert(request: &mut Request<()>, name: HeaderName, value: Option<&[u8]>) {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return;
    };
    if let Ok(value) = HeaderValue::from_bytes(value) {
        request.headers_mut().insert(name, value);
    }
}
