//! What both ends agree on (RFC 7692 §5, §7.1).

use astatine_websocket::handshake::{self, Key, Offer};
use astatine_websocket::proto::Extension;
use astatine_websocket::proto::deflate::{Context, Terms, WindowBits};
use astatine_websocket::{Config, HandshakeViolation};
use http::{HeaderValue, Request};

const OFFER: Offer<'static> = Offer {
    subprotocols: &[],
    extension: Extension::Deflate,
};

fn config(context: Context, bits: u8) -> Config {
    let mut config = Config::default();
    config.deflate_context = context;
    config.deflate_window_bits = WindowBits::new(bits).unwrap();
    config
}

fn request(config: &Config) -> Request<()> {
    let uri = "ws://h/".parse().unwrap();
    handshake::request(uri, &Key::new([0; 16]), OFFER, config).unwrap()
}

/// Returns what a server answers to the fields, and what it agreed on.
fn answer(config: &Config, fields: &[&str]) -> (Option<String>, Option<Terms>) {
    let mut request = request(config);
    let headers = request.headers_mut();
    headers.remove("sec-websocket-extensions");
    for field in fields {
        let value = HeaderValue::from_str(field).unwrap();
        headers.append("sec-websocket-extensions", value);
    }
    let accepted = handshake::accept(&request, OFFER, config).unwrap();
    let value = accepted.response.headers().get("sec-websocket-extensions");
    let value = value.map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(value.is_some(), accepted.agreed.deflate.is_some());
    (value, accepted.agreed.deflate)
}

const FORGETFUL: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

#[test]
fn offers_are_answered_without_context_by_default() {
    let config = Config::default();
    for fields in [
        &["permessage-deflate"][..],
        &["permessage-deflate; client_max_window_bits"],
        &["permessage-deflate; client_max_window_bits=8"],
        &["permessage-deflate; client_max_window_bits=15; server_no_context_takeover"],
        &["permessage-deflate; client_no_context_takeover; server_no_context_takeover"],
        &["x-webkit-deflate-frame", "permessage-deflate"],
        &["unknown; a=b, permessage-deflate"],
        // The first that can be met.
        &["permessage-deflate; server_max_window_bits=8, permessage-deflate"],
        &["permessage-deflate; mode=fast", "permessage-deflate"],
    ] {
        assert_eq!(
            answer(&config, fields).0.as_deref(),
            Some(FORGETFUL),
            "{fields:?}"
        );
    }
}

#[test]
fn a_limit_of_our_window_is_kept_and_answered() {
    for (value, bits) in [("9", 9), ("10", 10), ("\"12\"", 12), ("15", 15)] {
        let offer = format!("permessage-deflate; server_max_window_bits={value}");
        let (answer, terms) = answer(&Config::default(), &[&offer]);
        let expected = format!("{FORGETFUL}; server_max_window_bits={bits}");
        assert_eq!(answer, Some(expected));
        assert_eq!(terms.unwrap().server.window_bits.value(), bits);
    }
}

#[test]
fn offers_that_cannot_be_met_or_understood_are_declined() {
    for parameters in [
        "server_max_window_bits=8",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=09",
        "server_max_window_bits=1",
        "server_max_window_bits=100",
        "server_max_window_bits=x",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits; client_max_window_bits=10",
        "client_max_window_bits; client_max_window_bits",
        "server_no_context_takeover=1",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover=true",
        "client_no_context_takeover; client_no_context_takeover",
        "Server_no_context_takeover",
        "unknown",
        "unknown=1",
    ] {
        let offer = format!("permessage-deflate; {parameters}");
        assert_eq!(
            answer(&Config::default(), &[&offer]),
            (None, None),
            "{parameters}"
        );
    }
}

#[test]
fn a_server_that_keeps_contexts_forgets_where_the_client_asks() {
    let config = config(Context::Kept, 15);
    for (parameters, server, client) in [
        ("", Context::Kept, Context::Kept),
        (
            "; server_no_context_takeover",
            Context::PerMessage,
            Context::Kept,
        ),
        (
            "; client_no_context_takeover",
            Context::Kept,
            Context::PerMessage,
        ),
    ] {
        let offer = format!("permessage-deflate{parameters}");
        let (answer, terms) = answer(&config, &[&offer]);
        assert_eq!(answer.as_deref(), Some(&offer[..]));
        let terms = terms.unwrap();
        assert_eq!(
            (terms.server.context, terms.client.context),
            (server, client)
        );
    }
}

#[test]
fn a_server_limits_windows_as_far_as_a_client_lets_it() {
    let config = config(Context::Kept, 10);
    for (offered, answered, server_bits, client_bits) in [
        ("", "; server_max_window_bits=10", 10, 15),
        (
            "; client_max_window_bits",
            "; server_max_window_bits=10; client_max_window_bits=10",
            10,
            10,
        ),
        (
            "; client_max_window_bits=12; server_max_window_bits=9",
            "; server_max_window_bits=9; client_max_window_bits=10",
            9,
            10,
        ),
        (
            "; client_max_window_bits=9",
            "; server_max_window_bits=10",
            10,
            15,
        ),
    ] {
        let (answer, terms) = answer(&config, &[&format!("permessage-deflate{offered}")]);
        assert_eq!(answer, Some(format!("permessage-deflate{answered}")));
        let terms = terms.unwrap();
        assert_eq!(terms.server.window_bits.value(), server_bits);
        assert_eq!(terms.client.window_bits.value(), client_bits);
    }
}

/// Returns what a client makes of an answer.
fn agree(config: &Config, value: &'static str) -> Result<Option<Terms>, HandshakeViolation> {
    let mut accepted = handshake::accept(&request(config), OFFER, config).unwrap();
    let headers = accepted.response.headers_mut();
    headers.insert("sec-websocket-extensions", HeaderValue::from_static(value));
    handshake::check(&accepted.response, &Key::new([0; 16]), OFFER, config)
        .map(|established| established.deflate)
}

#[test]
fn both_ends_agree_on_the_same_whatever_they_are_set_to() {
    for context in [Context::PerMessage, Context::Kept] {
        for client_bits in 9..=15 {
            for server_bits in 9..=15 {
                let client = config(context, client_bits);
                let server = config(context, server_bits);
                let request = request(&client);
                let accepted = handshake::accept(&request, OFFER, &server).unwrap();
                let key = Key::new([0; 16]);
                let established = handshake::check(&accepted.response, &key, OFFER, &client);
                let (ours, theirs) = (
                    accepted.agreed.deflate.unwrap(),
                    established.unwrap().deflate,
                );
                let theirs = theirs.unwrap();
                assert_eq!(ours.server, theirs.server);
                assert_eq!(ours.client.context, theirs.client.context);
                // What a client uses must fit into what the server expects.
                assert!(theirs.client.window_bits <= ours.client.window_bits);
                assert!(ours.server.window_bits.value() <= client_bits.min(server_bits));
            }
        }
    }
}

#[test]
fn a_client_takes_answers_that_keep_to_its_offer() {
    let kept = config(Context::Kept, 15);
    for value in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9",
    ] {
        assert!(agree(&kept, value).unwrap().is_some(), "{value}");
    }
    let terms = agree(
        &Config::default(),
        "permessage-deflate; server_no_context_takeover",
    );
    assert_eq!(terms.unwrap().unwrap().client.context, Context::PerMessage);
    assert_eq!(agree(&kept, ""), Ok(None));
}

#[test]
fn a_client_refuses_answers_beyond_its_offer() {
    let kept = config(Context::Kept, 15);
    for value in [
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=8",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; unknown",
        "permessage-deflate, permessage-deflate",
        "permessage-bzip2",
    ] {
        let refused = agree(&kept, value);
        assert_eq!(refused, Err(HandshakeViolation::Extensions), "{value}");
    }
    let small = config(Context::Kept, 10);
    for value in [
        "permessage-deflate",
        "permessage-deflate; server_max_window_bits=11",
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11",
    ] {
        let refused = agree(&small, value);
        assert_eq!(refused, Err(HandshakeViolation::Extensions), "{value}");
    }
    // A context that was declined must not be kept.
    let refused = agree(
        &Config::default(),
        "permessage-deflate; client_no_context_takeover",
    );
    assert_eq!(refused, Err(HandshakeViolation::Extensions));
}
