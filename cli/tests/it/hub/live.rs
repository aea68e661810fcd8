//! Connections that come and go: what they missed, and who is there.

use std::thread;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::clients::{Frame, Socket, Stream};
use super::{Hub, bearer, post};
use crate::server::wait_until;

fn id(value: &Value) -> String {
    value["cursor"].as_str().unwrap().to_owned()
}

fn kept() -> Hub {
    Hub::open(&["--live-history", "10"])
}

#[test]
fn an_event_source_gets_what_it_missed_and_then_what_comes() {
    let hub = kept();
    let mut stream = Stream::open(&hub, "/live/a", "");
    hub.publish("/live/a", "0");
    let first = stream.next().unwrap();
    drop(stream);
    for n in 1..4 {
        hub.publish("/live/a", &n.to_string());
    }
    let last = first.id.unwrap();
    let by_header = format!("Last-Event-ID: {last}\r\n");
    let mut streams = [
        Stream::open(&hub, "/live/a", &by_header),
        Stream::open(&hub, &format!("/live/a?lastEventId={last}"), ""),
    ];
    for stream in &mut streams {
        assert_eq!(
            [stream.data(), stream.data(), stream.data()],
            ["1", "2", "3"]
        );
    }
    let next = hub.publish("/live/a", "4");
    for stream in &mut streams {
        let event = stream.next().unwrap();
        assert_eq!((event.id, &*event.data), (Some(id(&next)), "4"));
    }
}

#[test]
fn a_websocket_goes_on_from_the_cursor_of_an_event_and_an_event_source_from_its() {
    let hub = kept();
    let cursor = id(&hub.publish("/live/a", "0"));
    hub.publish("/live/a", "1");
    let path = format!("/live/a?last-event-id={cursor}");
    let mut plain = Socket::open(&hub, &path, "");
    assert_eq!(plain.text(), "1");
    let mut socket = Socket::open(&hub, &path, "Sec-WebSocket-Protocol: astatine.json\r\n");
    let envelope = socket.envelope();
    assert_eq!(envelope["data"], "1");
    hub.publish("/live/a", "2");
    let path = format!("/live/a?lastEventId={}", envelope["id"].as_str().unwrap());
    assert_eq!(Stream::open(&hub, &path, "").data(), "2");
}

#[test]
fn a_gap_is_told_before_what_is_left() {
    let hub = Hub::open(&["--live-history", "2"]);
    let first = id(&hub.publish("/live/a", "0"));
    for n in 1..5 {
        hub.publish("/live/a", &n.to_string());
    }
    for last in [first.as_str(), "1-1", "other"] {
        let mut stream = Stream::open(&hub, "/live/a", &format!("Last-Event-ID: {last}\r\n"));
        let gap = stream.next().unwrap();
        assert_eq!(gap.event.as_deref(), Some("gap"), "{last}");
        let told: Value = serde_json::from_str(&gap.data).unwrap();
        assert_eq!(told["channel"], "a");
        assert_eq!([stream.data(), stream.data()], ["3", "4"]);
        // Who comes back from there has no gap any more.
        let path = format!("/live/a?lastEventId={}&envelope=1", gap.id.unwrap());
        let mut socket = Socket::open(&hub, &path, "");
        assert_eq!(socket.envelope()["data"], "3");
    }
    let mut socket = Socket::open(&hub, &format!("/live/a?lastEventId={first}"), "");
    assert_eq!(socket.envelope()["event"], "gap");
    assert_eq!(socket.text(), "3");
}

#[test]
fn without_history_who_comes_back_is_told_that_there_is_a_gap() {
    let hub = Hub::open(&[]);
    let mut stream = Stream::open(&hub, "/live/a", "Last-Event-ID: 1-1\r\n");
    assert_eq!(stream.next().unwrap().event.as_deref(), Some("gap"));
    hub.publish("/live/a", "next");
    assert_eq!(stream.data(), "next");
}

#[test]
fn what_is_replayed_needs_the_right_that_subscribing_needs() {
    let hub = Hub::start(&["--live-history", "10"]);
    let writes = bearer(&json!({"publish": ["a"], "subscribe": ["b"]}));
    let answer = hub.post("/live/a", &writes, "secret").json();
    let fields = format!("{writes}Last-Event-ID: {}\r\n", id(&answer));
    assert_eq!(Stream::answered(&hub, "/live/a", &fields).1.status, 403);
    assert_eq!(hub.get("/live/a?lastEventId=earliest", &writes).status, 403);
}

#[test]
fn the_history_can_be_read() {
    let hub = kept();
    let cursors: Vec<String> = ["0", "1", "2"]
        .iter()
        .map(|text| id(&hub.publish("/live/a?event=e", text)))
        .collect();
    let info = hub.get("/live/a", "Accept: application/json\r\n").json();
    assert_eq!(info["cursor"], cursors[2].as_str());
    assert_eq!(info["gap"], false);
    let message = json!({"channel": "a", "id": cursors[0], "event": "e", "data": "0"});
    assert_eq!(info["messages"][0], message);
    assert_eq!(info["messages"].as_array().unwrap().len(), 3);
    let path = format!("/live/a?lastEventId={}&limit=1", cursors[0]);
    let page = hub.get(&path, "").json();
    assert_eq!(page["messages"][0]["data"], "1");
    assert_eq!(page["cursor"], cursors[1].as_str());
    for (query, expected) in [
        ("limit=2", json!(["1", "2"])),
        ("limit=9", json!(["0", "1", "2"])),
        ("limit=0", json!([])),
        ("limit=2&lastEventId=earliest", json!(["0", "1"])),
    ] {
        let told = hub.get(&format!("/live/a?{query}"), "").json();
        let messages = told["messages"].as_array().unwrap().iter();
        let data: Value = messages.map(|message| message["data"].clone()).collect();
        assert_eq!(data, expected, "{query}");
        assert_eq!(told["gap"], false, "{query}");
    }
    assert_eq!(hub.get("/live/a?lastEventId=x", "").status, 400);
    assert_eq!(hub.get("/live/a?limit=x", "").status, 400);
    let never = hub.get("/live/never", "").json();
    let expected = json!({"channel": "never", "subscribers": 0, "users": [], "cursor": null});
    assert_eq!(never, expected);
    let mut all = Stream::open(&hub, "/live/a?lastEventId=earliest", "");
    assert_eq!([all.data(), all.data(), all.data()], ["0", "1", "2"]);
}

/// Publishes far more than kernels keep for a client that reads nothing, and then a last message;
/// returns what the client finds.
fn unread(policy: &str) -> Vec<Frame> {
    let hub = Hub::open(&["--live-slow", policy, "--max-outbox", "100"]);
    let mut slow = Socket::open(&hub, "/live/a", "");
    // Several at once, since who takes nothing for half a minute is cut off by any policy.
    let one = json!({"channel": "a", "data": "x".repeat(60_000)});
    let four = json!([one, one, one, one]).to_string();
    for _ in 0..100 {
        assert_eq!(hub.post("/live", "", &four).status, 200);
    }
    hub.publish("/live/a", "last");
    let mut frames = Vec::new();
    loop {
        let frame = slow.next();
        frames.push(frame.clone());
        if !matches!(&frame, Frame::Text(text) if text != "last") {
            return frames;
        }
    }
}

#[test]
fn a_subscriber_that_is_too_slow_is_treated_as_was_chosen() {
    let last = Frame::Text("last".into());
    assert!(matches!(
        unread("close").pop(),
        Some(Frame::Close(1013) | Frame::End)
    ));
    for policy in ["drop-oldest", "keep-latest"] {
        let mut frames = unread(policy);
        assert_eq!(frames.pop().as_ref(), Some(&last), "{policy}");
        assert!(frames.len() < 400, "{policy}");
    }
}

#[test]
fn presence_counts_connections_and_lists_users() {
    let hub = Hub::start(&[]);
    let fields = |user: &str| bearer(&json!({"sub": user, "subscribe": ["*"]}));
    let ann = Socket::open(&hub, "/live/a", &fields("ann"));
    let _also_ann = Stream::open(&hub, "/live/a", &fields("ann"));
    let _bob = Stream::open(&hub, "/live/a", &fields("bob"));
    let _nobody = Stream::open(&hub, "/live/a", &bearer(&json!({"subscribe": ["*"]})));
    let watcher = fields("watcher");
    let info = hub.get("/live/a", &watcher).json();
    assert_eq!(info["subscribers"], 4);
    let users = json!([{"user": "ann", "subscribers": 2}, {"user": "bob", "subscribers": 1}]);
    assert_eq!(info["users"], users);
    drop(ann);
    wait_until(|| hub.get("/live/a", &watcher).json()["subscribers"] == 3);
}

#[test]
fn who_watches_is_told_of_those_who_come_and_go() {
    let hub = Hub::start(&[]);
    let fields = |user: &str| bearer(&json!({"sub": user, "subscribe": ["*"], "publish": ["*"]}));
    let mut stream = Stream::open(&hub, "/live/a?presence=1", &fields("ann"));
    let mut socket = Socket::open(&hub, "/live/a?presence=1&envelope=1", &fields("bob"));
    let mut told = |what: &str, user: &str, n: usize| {
        let event = stream.next().unwrap();
        assert_eq!(event.event.as_deref(), Some(what));
        let expected = json!({"channel": "a", "event": what, "user": user, "subscribers": n});
        assert_eq!(
            serde_json::from_str::<Value>(&event.data).unwrap(),
            expected
        );
    };
    told("join", "ann", 1);
    told("join", "bob", 2);
    assert_eq!(socket.envelope()["user"], "bob");
    // A pattern matches what is published, and not who is told what.
    let mut all = Socket::open(&hub, "/live/*?match=1", &fields("eve"));
    // Nobody has come who is refused.
    let broken = format!("{}Upgrade: websocket\r\n", fields("nobody"));
    assert_eq!(hub.get("/live/a", &broken).status, 426);
    drop(Stream::open(&hub, "/live/a", &fields("carl")));
    told("join", "carl", 3);
    told("leave", "carl", 2);
    hub.post("/live/a", &fields("dora"), "message");
    assert_eq!(all.envelope()["data"], "message");
}

#[test]
fn a_client_that_is_silent_is_gone_after_two_pings() {
    let hub = Hub::open(&["--ping", "1"]);
    // It answers no ping, as a machine does that lost its power.
    let mut silent = Socket::open(&hub, "/live/a", "");
    assert_eq!(silent.next(), Frame::Ping);
    wait_until(|| hub.get("/live/a", "").json()["subscribers"] == 0);
    assert_eq!(silent.next(), Frame::End);
}

#[test]
fn clients_that_are_killed_and_come_back_are_counted_once() {
    let hub = Hub::open(&["--ping", "1"]);
    for _ in 0..5 {
        let sockets: Vec<Socket> = (0..20).map(|_| Socket::open(&hub, "/live/a", "")).collect();
        let streams: Vec<Stream> = (0..20).map(|_| Stream::open(&hub, "/live/a", "")).collect();
        drop((sockets, streams));
    }
    let _one = Stream::open(&hub, "/live/a", "");
    wait_until(|| hub.get("/live/a", "").json()["subscribers"] == 1);
    assert_eq!(hub.publish("/live/a", "x")["deliveries"], 1);
}

#[test]
fn a_server_that_ends_closes_its_subscribers_in_good_order() {
    let mut hub = kept();
    let mut socket = Socket::open(&hub, "/live/a", "");
    let mut stream = Stream::open(&hub, "/live/a", "");
    hub.publish("/live/a", "last");
    hub.server.signal(Signal::TERM);
    assert_eq!(socket.text(), "last");
    assert_eq!(socket.next(), Frame::Close(1001));
    assert_eq!(
        stream.next().map(|event| event.data),
        Some("last".to_owned())
    );
    assert_eq!(stream.next(), None);
    drop((socket, stream));
    let (status, _) = hub.server.wait();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn one_client_gets_everything_once_over_many_connections_of_both_kinds() {
    const N: usize = 300;
    let hub = Hub::open(&["--live-history", "1000", "-t", "2"]);
    let mut last = id(&hub.publish("/live/a", "begin"));
    let mut client = hub.server.client();
    let publisher = thread::spawn(move || {
        for n in 0..N {
            post(&client, "/live/a", "", n.to_string().as_bytes());
            assert_eq!(client.response().status, 200);
        }
    });
    let mut seen = 0;
    for turn in 0.. {
        let path = format!("/live/a?envelope=1&lastEventId={last}");
        let (mut stream, mut socket) = (None, None);
        match turn % 2 {
            0 => stream = Some(Stream::open(&hub, &path, "")),
            _ => socket = Some(Socket::open(&hub, &path, "")),
        }
        for _ in 0..(turn % 7 + 1).min(N - seen) {
            let envelope: Value = match (&mut stream, &mut socket) {
                (Some(stream), _) => serde_json::from_str(&stream.data()).unwrap(),
                (_, Some(socket)) => socket.envelope(),
                _ => unreachable!("one of both is there"),
            };
            assert_eq!(envelope["data"], seen.to_string());
            envelope["id"].as_str().unwrap().clone_into(&mut last);
            seen += 1;
        }
        if seen == N {
            break;
        }
    }
    publisher.join().unwrap();
}
