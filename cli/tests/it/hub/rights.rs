//! Nothing can be read or written without a right: each token, action and channel with its status.

use serde_json::{Value, json};

use super::clients::{Socket, Stream};
use super::{Hub, bearer};

/// What is tried on a channel.
#[derive(Clone, Copy, Debug)]
enum Action {
    WebSocket,
    Stream,
    Info,
    Publish,
    Batch,
}

use Action::{Batch, Info, Publish, Stream as Events, WebSocket};

const ALL: [Action; 5] = [WebSocket, Events, Info, Publish, Batch];

impl Action {
    fn status(self, hub: &Hub, channel: &str, fields: &str) -> u16 {
        let path = format!("/live/{channel}");
        match self {
            WebSocket => Socket::answered(hub, &path, fields).1.status,
            Events => Stream::answered(hub, &path, fields).1.status,
            Info => hub.get(&path, fields).status,
            Publish => hub.post(&path, fields, "text").status,
            Batch => {
                let channel = channel.split('?').next().unwrap();
                let batch = json!([{"channel": channel, "data": "text"}]);
                hub.post("/live", fields, batch.to_string()).status
            }
        }
    }
}

/// Tries all actions, in their order.
#[track_caller]
fn check(hub: &Hub, fields: &str, channel: &str, expected: [u16; 5]) {
    let statuses = ALL.map(|action| action.status(hub, channel, fields));
    assert_eq!(statuses, expected, "{channel} {fields}");
}

#[test]
fn each_token_has_its_rights_and_no_others() {
    let hub = Hub::start(&[]);
    let both = json!({"subscribe": ["chat.*"], "publish": ["chat.*"]});
    let reads = json!({"subscribe": ["chat.?", "news"]});
    let writes = json!({"publish": ["chat.[ab]"]});
    let all = json!({"subscribe": ["*"], "publish": ["*"]});
    let nothing = json!({"sub": "ann"});
    let null = json!({"subscribe": ["*"], "publish": null, "mercure": {"subscribe": null}});
    let table: [(&Value, &str, [u16; 5]); 14] = [
        (&both, "chat.a", [101, 200, 200, 200, 200]),
        (&both, "chat", [403; 5]),
        (&both, "news", [403; 5]),
        (&reads, "chat.a", [101, 200, 200, 403, 403]),
        (&reads, "chat.ab", [403; 5]),
        (&reads, "news", [101, 200, 200, 403, 403]),
        (&writes, "chat.a", [403, 403, 403, 200, 200]),
        (&writes, "chat.b", [403, 403, 403, 200, 200]),
        (&writes, "chat.c", [403; 5]),
        (&all, "chat.a", [101, 200, 200, 200, 200]),
        (&all, "any/thing", [101, 200, 200, 200, 200]),
        (&nothing, "chat.a", [403; 5]),
        (&nothing, "*", [403; 5]),
        (&null, "chat.a", [101, 200, 200, 403, 403]),
    ];
    for (claims, channel, expected) in table {
        check(&hub, &bearer(claims), channel, expected);
    }
}

#[test]
fn without_a_good_token_nobody_is_let_in() {
    let hub = Hub::start(&[]);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let expired = bearer(&json!({"subscribe": ["*"], "publish": ["*"], "exp": now - 1}));
    let not_yet = bearer(&json!({"subscribe": ["*"], "publish": ["*"], "nbf": now + 600}));
    let good = bearer(&json!({"subscribe": ["*"], "publish": ["*"]}));
    let unsigned = format!("{}\r\n", good.trim_end().rsplit_once('.').unwrap().0);
    for fields in [
        "",
        "Authorization: Bearer x\r\n",
        "Authorization: Basic YTpi\r\n",
        "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWJzY3JpYmUiOlsiKiJdfQ.\r\n",
        &expired,
        &not_yet,
        &unsigned,
    ] {
        check(&hub, fields, "a", [401; 5]);
    }
}

#[test]
fn a_hub_without_a_key_lets_nobody_in() {
    let hub = Hub::with_secret(None, &[]);
    let all = bearer(&json!({"subscribe": ["*"], "publish": ["*"]}));
    for fields in ["", &all] {
        check(&hub, fields, "a", [401; 5]);
    }
}

#[test]
fn an_open_hub_lets_everybody_in() {
    let hub = Hub::open(&[]);
    check(&hub, "", "a", [101, 200, 200, 200, 200]);
    check(&hub, "Authorization: Bearer x\r\n", "a", [401; 5]);
}

#[test]
fn a_pattern_needs_the_very_claim_and_can_only_be_subscribed_to() {
    let hub = Hub::start(&[]);
    let claims = json!({"subscribe": ["chat.*", "a"], "publish": ["*"]});
    let fields = bearer(&claims);
    for (pattern, status) in [
        ("chat.*", [101, 200]),
        ("chat.a*", [403, 403]),
        ("chat.a", [403, 403]),
        ("*", [403, 403]),
        ("a", [101, 200]),
    ] {
        let path = format!("{pattern}?match=1");
        let statuses = [WebSocket, Events].map(|action| action.status(&hub, &path, &fields));
        assert_eq!(statuses, status, "{pattern}");
        let statuses = [Info, Publish].map(|action| action.status(&hub, &path, &fields));
        assert_eq!(statuses, [400, 400], "{pattern}");
    }
    let all = bearer(&json!({"subscribe": ["*"]}));
    for pattern in ["*?match=1", "chat.a*?match=1"] {
        assert_eq!(WebSocket.status(&hub, pattern, &all), 101, "{pattern}");
    }
}

#[test]
fn a_batch_is_published_whole_or_not_at_all() {
    let hub = Hub::start(&["--live-history", "9"]);
    let fields = bearer(&json!({"subscribe": ["*"], "publish": ["a"]}));
    let batch = json!([{"channel": "a", "data": "1"}, {"channel": "b", "data": "2"}]);
    assert_eq!(hub.post("/live", &fields, batch.to_string()).status, 403);
    assert_eq!(hub.get("/live/a", &fields).json()["cursor"], Value::Null);
}

#[test]
fn a_websocket_without_the_right_to_publish_is_closed_when_it_does() {
    let hub = Hub::start(&[]);
    let fields = bearer(&json!({"subscribe": ["a"]}));
    let mut other = Socket::open(&hub, "/live/a", &fields);
    let mut socket = Socket::open(&hub, "/live/a", &fields);
    socket.send("hello");
    assert_eq!(socket.next(), super::clients::Frame::Close(4403));
    let publisher = bearer(&json!({"publish": ["a"]}));
    assert_eq!(hub.post("/live/a", &publisher, "next").status, 200);
    assert_eq!(other.text(), "next");
}
