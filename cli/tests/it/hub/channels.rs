//! What is published at a channel's URL, and what is told of it.

use serde_json::{Value, json};

use super::Hub;
use super::clients::{Event, Frame, Socket, Stream};

#[test]
fn a_message_reaches_websockets_and_event_streams() {
    let hub = Hub::open(&[]);
    let mut socket = Socket::open(&hub, "/live/chat", "");
    let mut stream = Stream::open(&hub, "/live/chat", "");
    let mut other = Socket::open(&hub, "/live/other", "");
    let told = hub.publish("/live/chat", "hello");
    let expected = json!({"channel": "chat", "cursor": null, "deliveries": 2});
    assert_eq!(told, expected);
    assert_eq!(socket.text(), "hello");
    let event = Event {
        data: "hello".into(),
        ..Event::default()
    };
    assert_eq!(stream.next(), Some(event));
    socket.send("from a socket");
    assert_eq!(socket.text(), "from a socket");
    assert_eq!(stream.data(), "from a socket");
    assert_eq!(hub.publish("/live/nobody", "x")["deliveries"], 0);
    hub.publish("/live/other", "last");
    assert_eq!(other.text(), "last");
}

#[test]
fn what_is_published_is_text_or_binary_as_it_was_declared() {
    let hub = Hub::open(&[]);
    let mut socket = Socket::open(&hub, "/live/a", "");
    let text = |text: &str| Frame::Text(text.to_owned());
    for (declared, body, expected) in [
        ("", "plain ä", text("plain ä")),
        ("text/plain; charset=utf-8", "text", text("text")),
        ("application/json", "{\"a\": 1}", text("{\"a\": 1}")),
        ("application/ld+json", "{}", text("{}")),
        (
            "application/x-www-form-urlencoded",
            "by=curl",
            text("by=curl"),
        ),
        ("application/octet-stream", "\0", Frame::Binary(vec![0])),
        ("image/png", "x", Frame::Binary(b"x".into())),
    ] {
        let mut fields = String::new();
        if !declared.is_empty() {
            fields = format!("Content-Type: {declared}\r\n");
        }
        assert_eq!(hub.post("/live/a", &fields, body).status, 200);
        assert_eq!(socket.next(), expected, "{declared}");
    }
    assert_eq!(hub.post("/live/a", "", b"\xff").status, 400);
    for declared in ["application/json; charset=utf-8", "application/ld+json"] {
        for (body, place) in [
            ("", "column 0"),
            ("{} x", "column 4"),
            ("{\n\"a\"}", "line 2"),
        ] {
            let fields = format!("Content-Type: {declared}\r\n");
            let answer = hub.post("/live/a", &fields, body);
            let told = answer.json()["error"].to_string();
            assert!(answer.status == 400 && told.contains(place), "{told}");
        }
    }
    socket.send_binary(b"\xff");
    assert_eq!(socket.next(), Frame::Binary(vec![0xff]));
    assert_eq!(hub.post("/live/a", "", "").status, 200);
    assert_eq!(socket.next(), text(""));
}

#[test]
fn an_event_stream_has_binary_that_is_no_text_in_its_envelope() {
    let hub = Hub::open(&[]);
    let mut streams = [
        Stream::open(&hub, "/live/a", ""),
        Stream::open(&hub, "/.well-known/mercure?topic=a", ""),
    ];
    let mut socket = Socket::open(&hub, "/live/a", "");
    let declared = "Content-Type: application/octet-stream\r\n";
    for body in [&b"text"[..], b"\xff"] {
        assert_eq!(hub.post("/live/a", declared, body).status, 200);
        assert_eq!(socket.next(), Frame::Binary(body.into()));
    }
    for stream in &mut streams {
        assert_eq!(stream.data(), "text");
        let envelope: Value = serde_json::from_str(&stream.data()).unwrap();
        assert_eq!(envelope, json!({"channel": "a", "base64": "/w=="}));
    }
}

#[test]
fn an_event_may_have_a_name() {
    let hub = Hub::open(&[]);
    let mut stream = Stream::open(&hub, "/live/a", "");
    hub.publish("/live/a?event=tick", "1\n2");
    let event = stream.next().unwrap();
    assert_eq!(
        (event.event.as_deref(), &*event.data),
        (Some("tick"), "1\n2")
    );
    assert_eq!(hub.post("/live/a?event=a%0Ab", "", "x").status, 400);
}

#[test]
fn a_batch_goes_to_several_channels_in_its_order() {
    let hub = Hub::open(&["--live-history", "5"]);
    let mut socket = Socket::open(&hub, "/live/a", "");
    let mut other = Stream::open(&hub, "/live/b", "");
    let batch = json!([
        {"channel": "a", "data": "one"},
        {"channel": "b", "data": {"json": [1, null]}, "event": "update"},
        {"channel": "a", "base64": "/w=="},
        {"channel": "a", "data": 3},
    ]);
    let answer = hub.post(
        "/live",
        "Content-Type: application/json\r\n",
        batch.to_string(),
    );
    let told = answer.json();
    let deliveries: Vec<&Value> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["deliveries"])
        .collect();
    assert_eq!(deliveries, [1, 1, 1, 1]);
    assert_eq!(told[3]["cursor"], hub.get("/live/a", "").json()["cursor"]);
    assert_eq!(socket.text(), "one");
    assert_eq!(socket.next(), Frame::Binary(vec![0xff]));
    assert_eq!(socket.text(), "3");
    let event = other.next().unwrap();
    assert_eq!(
        (event.event.as_deref(), &*event.data),
        (Some("update"), "{\"json\":[1,null]}")
    );
    for malformed in [
        "",
        "{}",
        "[{}]",
        "[{\"channel\": \"a\"}]",
        "[{\"channel\": \"\", \"data\": \"\"}]",
        "[{\"channel\": \"a\", \"data\": \"\", \"base64\": \"\"}]",
        "[{\"channel\": \"a\", \"base64\": \"*\"}]",
        "[{\"channel\": \"a\", \"data\": \"\", \"chanel\": \"\"}]",
        "[{\"channel\": \"a\\u0000\", \"data\": \"\"}]",
    ] {
        assert_eq!(hub.post("/live", "", malformed).status, 400, "{malformed}");
    }
}

#[test]
fn a_pattern_brings_envelopes_that_name_the_channel() {
    let hub = Hub::open(&["--live-history", "5"]);
    let mut socket = Socket::open(&hub, "/live/news.*?match=1", "");
    let mut stream = Stream::open(&hub, "/live/n*.[ad]e?match=1", "");
    let cursor = hub.publish("/live/news.de", "hallo")["cursor"].clone();
    hub.publish("/live/new", "x");
    let expected = json!({"channel": "news.de", "id": cursor, "data": "hallo"});
    assert_eq!(socket.envelope(), expected);
    let event = stream.next().unwrap();
    assert_eq!(event.id.as_deref(), cursor.as_str());
    assert_eq!(
        serde_json::from_str::<Value>(&event.data).unwrap(),
        expected
    );
    hub.publish("/live/news.ae", "last");
    assert_eq!(socket.envelope()["data"], "last");
}

#[test]
fn a_websocket_may_ask_for_envelopes() {
    let hub = Hub::open(&[]);
    let fields = "Sec-WebSocket-Protocol: other, astatine.json\r\n";
    let (mut socket, head) = Socket::answered(&hub, "/live/a", fields);
    assert_eq!(head.field("sec-websocket-protocol"), Some("astatine.json"));
    let mut other = Socket::open(&hub, "/live/a?envelope=1", "");
    hub.post("/live/a?event=e", "Content-Type: image/png\r\n", b"\xff");
    for socket in [&mut socket, &mut other] {
        let expected = json!({"channel": "a", "event": "e", "base64": "/w=="});
        assert_eq!(socket.envelope(), expected);
    }
}

#[test]
fn names_are_unescaped_and_bounded() {
    let hub = Hub::open(&["--live-max-name", "20"]);
    let mut socket = Socket::open(&hub, "/live/a%2Fb%20c+%C3%A4", "");
    let batch = json!([{"channel": "a/b c+ä", "data": "hi"}]);
    assert_eq!(hub.post("/live", "", batch.to_string()).status, 200);
    assert_eq!(socket.text(), "hi");
    for (path, status) in [
        ("/live/%ff", 400),
        ("/live/a%0a", 400),
        ("/live/aaaaaaaaaaaaaaaaaaaa", 200),
        ("/live/aaaaaaaaaaaaaaaaaaaaa", 400),
        ("/live/aaaaaaaaaaaaaaaaaaaaa?match=1", 400),
    ] {
        assert_eq!(hub.get(path, "").status, status, "{path}");
    }
    let (_, head) = Socket::answered(&hub, "/live/[a?match=1", "");
    assert_eq!(head.status, 400);
}

#[test]
fn limits_are_told() {
    let limits = [
        "--max-message",
        "1",
        "--live-max-channels",
        "2",
        "--live-publish-rate",
        "3",
    ];
    let hub = Hub::open(&limits);
    let long = "x".repeat(1025);
    let answer = hub.post("/live/a", "", &long);
    assert_eq!(answer.status, 413);
    assert_eq!(
        answer.json()["error"],
        "at most 1024 bytes can be published"
    );
    let one = json!({"channel": "a", "data": ""});
    assert_eq!(
        hub.post("/live", "", json!([one, one, one]).to_string())
            .status,
        400
    );
    // In one piece, so that they come within the second on a slow machine too.
    let mut client = hub.server.client();
    client.send(&"POST /live/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx".repeat(5));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let answer = client.response();
        if answer.status == 429 {
            assert_eq!(answer.field("retry-after"), Some("1"));
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses[..3], [200; 3]);
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[test]
fn a_body_that_is_declared_too_long_is_not_waited_for() {
    let hub = Hub::open(&["--max-message", "1"]);
    for path in ["/live/a", "/live", "/.well-known/mercure"] {
        let mut client = hub.server.client();
        client.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\
             Expect: 100-continue\r\n\r\n"
        ));
        assert_eq!(client.response().status, 413, "{path}");
    }
}

#[test]
fn a_websocket_that_sends_too_fast_is_held_back_and_loses_nothing() {
    let hub = Hub::open(&["--live-publish-rate", "20"]);
    let mut socket = Socket::open(&hub, "/live/a", "");
    for n in 0..30 {
        socket.send(&n.to_string());
    }
    for n in 0..30 {
        assert_eq!(socket.text(), n.to_string());
    }
}

#[test]
fn files_are_where_they_were() {
    let hub = Hub::open(&[]);
    hub.folder.write("livestream.html", "file");
    hub.folder.write("a/live/b", "file");
    assert_eq!(hub.get("/", "").body, b"page");
    assert_eq!(hub.get("/livestream.html", "").body, b"file");
    assert_eq!(hub.get("/a/live/b", "").body, b"file");
    assert_eq!(hub.get("/live/a", "").json()["channel"], "a");
    let without = crate::server::Server::start(&hub.folder, &[]);
    assert_eq!(without.client().get("/live/a", "").status, 404);
    assert_eq!(without.client().get("/.well-known/mercure", "").status, 404);
}

#[test]
fn other_methods_are_refused() {
    let hub = Hub::open(&[]);
    for (path, method, allowed) in [
        ("/live/a", "PUT", "GET, HEAD, OPTIONS, POST"),
        ("/live", "GET", "OPTIONS, POST"),
        ("/.well-known/mercure", "DELETE", "GET, OPTIONS, POST"),
    ] {
        for (method, status) in [(method, 405), ("OPTIONS", 204)] {
            let mut client = hub.server.client();
            client.send(&format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
            let answer = client.response();
            let told = (answer.status, answer.field("allow"));
            assert_eq!(told, (status, Some(allowed)), "{method} {path}");
        }
    }
    let mut client = hub.server.client();
    client.send("HEAD /live/a HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.head().status, 200);
}

#[test]
fn a_list_of_protocols_may_name_websocket() {
    let hub = Hub::open(&[]);
    let asks = |fields: &str| {
        let client = hub.server.client();
        client.send(&format!(
            "GET /live/a HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
        ));
        client
    };
    let version = "Sec-WebSocket-Version: 13\r\n";
    for upgrade in [
        "Upgrade: h2c, WebSocket\r\n",
        "Upgrade: h2c\r\nUpgrade: websocket,x/1\r\n",
    ] {
        let mut client = asks(&format!("{version}{upgrade}"));
        assert_eq!(client.head().status, 101, "{upgrade}");
    }
    let other = asks("Upgrade: websockets\r\n").response();
    assert_eq!((other.status, &other.json()["channel"]), (200, &json!("a")));
}

#[test]
fn a_handshake_that_is_wrong_is_refused_as_all_else() {
    let hub = Hub::open(&[]);
    for (fields, status, told) in [
        ("Sec-WebSocket-Version: 12\r\n", 426, "version"),
        (
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n",
            400,
            "key",
        ),
    ] {
        let mut client = hub.server.client();
        client.send(&format!(
            "GET /live/a HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n\
             Upgrade: websocket\r\n{fields}\r\n"
        ));
        let answer = client.response();
        assert_eq!(answer.status, status);
        let error = answer.json()["error"].to_string();
        assert!(error.contains(told), "{error}");
        let version = (status == 426).then_some("13");
        assert_eq!(answer.field("sec-websocket-version"), version);
    }
}

#[test]
fn pages_of_other_origins_must_be_listed() {
    let page = "Origin: https://a.example\r\n";
    let own = Hub::open(&[]);
    let listing = Hub::open(&["--live-origin", "https://a.example"]);
    let any = Hub::open(&["--live-origin", "*"]);
    for (hub, status, told) in [
        (&own, 403, None),
        (&listing, 200, Some("https://a.example")),
        (&any, 200, Some("*")),
    ] {
        let answer = hub.get("/live/a", page);
        assert_eq!(answer.status, status);
        assert_eq!(answer.field("access-control-allow-origin"), told);
        let (_, head) = Stream::answered(hub, "/live/a", page);
        assert_eq!(head.status, status);
        assert_eq!(head.field("access-control-allow-origin"), told);
        assert_eq!(hub.post("/live/a", page, "x").status, status);
        let (_, head) = Socket::answered(hub, "/live/a", page);
        assert_eq!(head.status == 101, status == 200);
        assert_eq!(hub.get("/live/a", "Origin: http://x\r\n").status, 200);
        assert_eq!(hub.get("/live/a", "").status, 200);
    }
    let credentials = listing.get("/live/a", page);
    assert_eq!(
        credentials.field("access-control-allow-credentials"),
        Some("true")
    );
    let none = any.get("/live/a", page);
    assert_eq!(none.field("access-control-allow-credentials"), None);
}

#[test]
fn a_preflight_is_answered_without_a_token() {
    let hub = Hub::start(&["--live-origin", "https://a.example"]);
    let asks = |origin: &str| {
        let mut client = hub.server.client();
        client.send(&format!(
            "OPTIONS /live/a HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\n\
             Access-Control-Request-Method: POST\r\n\r\n"
        ));
        client.response()
    };
    let answer = asks("https://a.example");
    assert_eq!(answer.status, 204);
    assert_eq!(
        answer.field("access-control-allow-origin"),
        Some("https://a.example")
    );
    assert_eq!(
        answer.field("access-control-allow-methods"),
        Some("GET, HEAD, POST")
    );
    let headers = answer.field("access-control-allow-headers").unwrap();
    assert!(headers.contains("authorization"), "{headers}");
    let refused = asks("https://b.example");
    assert_eq!(
        (refused.status, refused.field("access-control-allow-origin")),
        (403, None)
    );
}

#[test]
fn a_cookie_counts_only_for_pages_that_are_known() {
    let any = Hub::start(&["--live-origin", "*,https://a.example"]);
    let token = super::token(&json!({"subscribe": ["*"]}));
    let status = |origin: &str| {
        let fields = format!("Cookie: astatine_token={token}\r\n{origin}");
        any.get("/live/a", &fields).status
    };
    assert_eq!(status(""), 200);
    assert_eq!(status("Origin: http://x\r\n"), 200);
    assert_eq!(status("Origin: https://a.example\r\n"), 200);
    assert_eq!(status("Origin: https://evil.example\r\n"), 401);
}
