//! Requests and answers of the opening handshake (RFC 6455 §4).

use astatine_websocket::handshake::{self, Key, Offer, Origin};
use astatine_websocket::proto::Extension;
use astatine_websocket::{Config, HandshakeViolation, Misuse};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};

const NONCE: [u8; 16] = *b"the sample nonce";
const SUBPROTOCOLS: Offer<'static> = Offer {
    subprotocols: &["chat", "superchat"],
    extension: Extension::None,
};

/// The request of RFC 6455 §1.2.
fn sample() -> Request<()> {
    Request::builder()
        .uri("/chat")
        .header("host", "server.example.com")
        .header("upgrade", "websocket")
        .header("connection", "Upgrade")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-version", "13")
        .body(())
        .unwrap()
}

fn set(headers: &mut HeaderMap, name: &'static str, values: &[&'static str]) {
    let name = HeaderName::from_static(name);
    headers.remove(&name);
    for value in values {
        headers.append(&name, HeaderValue::from_static(value));
    }
}

fn accept(request: &Request<()>) -> Result<handshake::Accepted, HandshakeViolation> {
    handshake::accept(request, SUBPROTOCOLS, &Config::default())
}

/// The violation of the sample with other fields.
fn refused_with(name: &'static str, values: &[&'static str]) -> Option<HandshakeViolation> {
    let mut request = sample();
    set(request.headers_mut(), name, values);
    accept(&request).err()
}

mod rfc6455_4_2 {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_answered_as_there() {
        let accepted = accept(&sample()).unwrap();
        let headers = accepted.response.headers();
        assert_eq!(accepted.response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(headers["upgrade"], "websocket");
        assert_eq!(headers["connection"], "upgrade");
        assert_eq!(
            headers["sec-websocket-accept"],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(headers.len(), 3);
        assert_eq!(
            (accepted.agreed.subprotocol, accepted.agreed.deflate),
            (None, None)
        );
    }

    #[test]
    fn lists_have_their_token_anywhere_and_in_letters_of_any_case() {
        for (name, values) in [
            ("connection", &["keep-alive, Upgrade"][..]),
            ("connection", &["keep-alive", "UPGRADE"]),
            ("connection", &["upgrade,", "close"]),
            ("upgrade", &["WebSocket"]),
            ("upgrade", &["h2c, websocket"]),
            ("sec-websocket-key", &[" dGhlIHNhbXBsZSBub25jZQ=="]),
        ] {
            assert_eq!(refused_with(name, values), None, "{name}: {values:?}");
        }
    }

    #[test]
    fn what_is_no_upgrade_is_answered_with_426() {
        for (name, values) in [
            ("connection", &[][..]),
            ("connection", &["keep-alive"]),
            ("connection", &["upgraded"]),
            ("upgrade", &[]),
            ("upgrade", &["h2c"]),
            ("upgrade", &["websocket/13"]),
        ] {
            let violation = refused_with(name, values);
            assert_eq!(
                violation,
                Some(HandshakeViolation::NoUpgrade),
                "{name}: {values:?}"
            );
        }
        let mut post = sample();
        *post.method_mut() = Method::POST;
        let mut old = sample();
        *old.version_mut() = Version::HTTP_10;
        for request in [post, old] {
            let violation = accept(&request).unwrap_err();
            assert_eq!(violation, HandshakeViolation::NoUpgrade);
            let response = violation.response();
            assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
            assert_eq!(response.headers()["upgrade"], "websocket");
        }
    }

    #[test]
    fn another_version_is_told_which_one_there_is() {
        for values in [
            &[][..],
            &["8"],
            &["14"],
            &["013"],
            &["13, 8"],
            &["13", "13"],
        ] {
            let violation = refused_with("sec-websocket-version", values).unwrap();
            assert_eq!(violation, HandshakeViolation::Version, "{values:?}");
            let response = violation.response();
            assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
            assert_eq!(response.headers()["sec-websocket-version"], "13");
        }
    }

    #[test]
    fn a_key_that_is_none_is_answered_with_400() {
        const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
        for values in [&[][..], &[""], &["c2hvcnQ="], &[KEY, KEY]] {
            let violation = refused_with("sec-websocket-key", values).unwrap();
            assert_eq!(violation, HandshakeViolation::Key, "{values:?}");
            assert_eq!(violation.response().status(), StatusCode::BAD_REQUEST);
        }
    }

    #[test]
    fn the_first_subprotocol_of_the_client_that_is_spoken_is_chosen() {
        for (values, chosen) in [
            (&["superchat, chat"][..], Some("superchat")),
            (&["other", "chat"], Some("chat")),
            (&["other"], None),
            (&["CHAT"], None),
            (&[""], None),
        ] {
            let mut request = sample();
            set(request.headers_mut(), "sec-websocket-protocol", values);
            let accepted = accept(&request).unwrap();
            assert_eq!(accepted.agreed.subprotocol.as_deref(), chosen, "{values:?}");
            let field = accepted.response.headers().get("sec-websocket-protocol");
            assert_eq!(field.map(HeaderValue::as_bytes), chosen.map(str::as_bytes));
        }
    }

    #[test]
    fn malformed_subprotocols_and_extensions_are_refused() {
        for values in [&["a b"][..], &["chat, chat"], &["chat", "chat"], &["a/b"]] {
            let violation = refused_with("sec-websocket-protocol", values);
            assert_eq!(
                violation,
                Some(HandshakeViolation::Subprotocol),
                "{values:?}"
            );
        }
        for values in [&["a;"][..], &["b", "a;b=\"c"]] {
            let violation = refused_with("sec-websocket-extensions", values);
            assert_eq!(
                violation,
                Some(HandshakeViolation::Extensions),
                "{values:?}"
            );
        }
    }

    #[test]
    fn extensions_that_nobody_is_ready_for_are_left_out_of_the_answer() {
        let mut request = sample();
        set(
            request.headers_mut(),
            "sec-websocket-extensions",
            &["permessage-deflate", "x-other; y=1"],
        );
        let response = accept(&request).unwrap().response;
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
    }
}

mod rfc6455_4_1 {
    use super::*;

    fn key() -> Key {
        Key::new(NONCE)
    }

    fn check(response: &Response<()>) -> Result<Option<String>, HandshakeViolation> {
        handshake::check(response, &key(), SUBPROTOCOLS, &Config::default())
            .map(|established| established.subprotocol)
    }

    /// The violation of a right answer with other fields.
    fn refused_with(name: &'static str, values: &[&'static str]) -> Option<HandshakeViolation> {
        let mut response = accept(&sample()).unwrap().response;
        set(response.headers_mut(), name, values);
        check(&response).err()
    }

    #[test]
    fn a_request_has_what_a_server_asks_for() {
        let uri = "ws://user:secret@server.example.com:8080/chat?x=1"
            .parse()
            .unwrap();
        let request = handshake::request(uri, &key(), SUBPROTOCOLS, &Config::default()).unwrap();
        assert_eq!(request.headers()["host"], "server.example.com:8080");
        assert_eq!(
            request.headers()["sec-websocket-protocol"],
            "chat, superchat"
        );
        let accepted = accept(&request).unwrap();
        assert_eq!(check(&accepted.response), Ok(Some(String::from("chat"))));
    }

    #[test]
    fn what_cannot_be_asked_is_a_misuse() {
        let request = |uri: &str, subprotocols| {
            let offer = Offer {
                subprotocols,
                extension: Extension::None,
            };
            handshake::request(uri.parse().unwrap(), &key(), offer, &Config::default()).err()
        };
        assert_eq!(request("/chat", &[]), Some(Misuse::Uri));
        assert_eq!(request("ws://h/", &["a b"]), Some(Misuse::Subprotocol));
        assert_eq!(request("ws://h/", &["chat"]), None);
    }

    #[test]
    fn an_answer_that_does_not_switch_is_refused() {
        let mut response = Response::new(());
        assert_eq!(check(&response), Err(HandshakeViolation::Status(200)));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        assert_eq!(check(&response), Err(HandshakeViolation::NotSwitched));
        for (name, values, violation) in [
            ("upgrade", &[][..], HandshakeViolation::NotSwitched),
            ("upgrade", &["h2c"], HandshakeViolation::NotSwitched),
            (
                "upgrade",
                &["websocket", "h2c"],
                HandshakeViolation::NotSwitched,
            ),
            ("connection", &["close"], HandshakeViolation::NotSwitched),
            ("sec-websocket-accept", &[], HandshakeViolation::Accept),
            (
                "sec-websocket-accept",
                &["s3pPLMBiTxaQ9kYGzzhZRbK+xOO="],
                HandshakeViolation::Accept,
            ),
            (
                "sec-websocket-accept",
                &["S3PPLMBITXAQ9KYGZZHZRBK+XOO="],
                HandshakeViolation::Accept,
            ),
        ] {
            assert_eq!(
                refused_with(name, values),
                Some(violation),
                "{name}: {values:?}"
            );
        }
        assert_eq!(refused_with("upgrade", &["WebSocket"]), None);
    }

    #[test]
    fn an_answer_with_what_was_not_offered_is_refused() {
        for values in [
            &["other"][..],
            &["chat", "superchat"],
            &["chat, superchat"],
            &[""],
        ] {
            let violation = refused_with("sec-websocket-protocol", values);
            assert_eq!(
                violation,
                Some(HandshakeViolation::Subprotocol),
                "{values:?}"
            );
        }
        assert_eq!(refused_with("sec-websocket-protocol", &["superchat"]), None);
        for values in [&["permessage-deflate"][..], &["x"], &["a;"]] {
            let violation = refused_with("sec-websocket-extensions", values);
            assert_eq!(
                violation,
                Some(HandshakeViolation::Extensions),
                "{values:?}"
            );
        }
    }
}

mod rfc6455_10_2 {
    use super::*;

    #[test]
    fn origins_are_compared_with_the_host_and_its_port() {
        for (origin, host, expected) in [
            (None, Some("h"), Origin::Absent),
            (Some("http://h"), Some("h"), Origin::Same),
            (Some("https://H.example"), Some("h.EXAMPLE"), Origin::Same),
            (Some("http://h:80"), Some("h"), Origin::Same),
            (Some("https://h"), Some("h:443"), Origin::Same),
            (Some("http://h:8080"), Some("h:8080"), Origin::Same),
            (Some("http://[::1]:3000"), Some("[::1]:3000"), Origin::Same),
            (Some("http://h"), Some("h:8080"), Origin::Other),
            (Some("http://h:8080"), Some("h"), Origin::Other),
            (Some("http://other"), Some("h"), Origin::Other),
            (Some("http://h.other"), Some("h"), Origin::Other),
            (Some("http://h"), None, Origin::Other),
            (Some("null"), Some("h"), Origin::Other),
            (Some("null"), Some("null"), Origin::Other),
            (Some("file://h"), Some("h"), Origin::Other),
            (Some("h"), Some("h"), Origin::Other),
            (Some(""), Some("h"), Origin::Other),
        ] {
            let mut headers = HeaderMap::new();
            set(&mut headers, "origin", origin.as_slice());
            set(&mut headers, "host", host.as_slice());
            assert_eq!(
                handshake::origin(&headers),
                expected,
                "{origin:?} at {host:?}"
            );
        }
    }
}
