//! The Mercure protocol, as its clients speak it.

use serde_json::{Value, json};

use super::clients::{Socket, Stream};
use super::{Hub, bearer, token};
use crate::client::Response;

const URL: &str = "/.well-known/mercure";

fn subscriber(selectors: &Value) -> String {
    bearer(&json!({"mercure": {"subscribe": selectors}}))
}

fn publisher() -> String {
    bearer(&json!({"mercure": {"publish": ["*"]}}))
}

fn publish(hub: &Hub, form: &str) -> Response {
    publish_as(hub, &publisher(), form)
}

fn publish_as(hub: &Hub, fields: &str, form: &str) -> Response {
    let fields = format!("{fields}Content-Type: application/x-www-form-urlencoded\r\n");
    hub.post(URL, &fields, form)
}

fn text(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    String::from_utf8(answer.body.clone()).unwrap()
}

#[test]
fn a_topic_is_subscribed_to_exactly() {
    let hub = Hub::start(&[]);
    let path = format!("{URL}?topic=https%3A%2F%2Fexample.com%2Fa&topic=b");
    let mut stream = Stream::open(&hub, &path, &subscriber(&json!([])));
    for (topic, data) in [
        ("https://example.com/a", "1"),
        ("https://example.com/a/", "other"),
        ("b", "2"),
        ("c&topic=b", "3"),
    ] {
        assert_eq!(
            publish(&hub, &format!("topic={topic}&data={data}")).status,
            200
        );
    }
    assert_eq!(
        [stream.data(), stream.data(), stream.data()],
        ["1", "2", "3"]
    );
}

#[test]
fn a_star_is_all_topics() {
    let hub = Hub::start(&[]);
    let mut stream = Stream::open(&hub, &format!("{URL}?topic=*"), &subscriber(&json!([])));
    publish(&hub, "topic=a&data=1");
    publish(&hub, "topic=https://example.com/b&data=2");
    assert_eq!([stream.data(), stream.data()], ["1", "2"]);
}

#[test]
fn a_uri_template_is_the_topics_that_it_expands_to() {
    let hub = Hub::start(&[]);
    let path = format!("{URL}?topic=https%3A%2F%2Fexample.com%2Fbooks%2F%7Bid%7D");
    let mut stream = Stream::open(&hub, &path, &subscriber(&json!([])));
    publish(&hub, "topic=https://example.com/books/1&data=1");
    publish(&hub, "topic=https://example.com/books/1/pages&data=other");
    publish(&hub, "topic=https://example.com/books/x-y&data=2");
    assert_eq!([stream.data(), stream.data()], ["1", "2"]);
}

#[test]
fn a_form_is_published_with_all_its_fields() {
    let hub = Hub::start(&[]);
    let mut stream = Stream::open(&hub, &format!("{URL}?topic=a"), &subscriber(&json!([])));
    let form = "topic=a&data=one%0Atwo+three&id=urn%3Auuid%3A1&type=note&retry=500&extension=x";
    let answer = publish(&hub, form);
    assert_eq!(text(&answer), "urn:uuid:1");
    let event = stream.next().unwrap();
    assert_eq!(event.id.as_deref(), Some("urn:uuid:1"));
    assert_eq!(event.event.as_deref(), Some("note"));
    assert_eq!(event.retry.as_deref(), Some("500"));
    assert_eq!(event.data, "one\ntwo three");
    let id = text(&publish(&hub, "topic=a&data=x&id=&type=&retry="));
    assert!(id.starts_with('#'), "{id}");
    assert_eq!(stream.next().unwrap().id, Some(id));
    for form in [
        "",
        "data=x",
        "topic=&data=x",
        "topic=a%0A&data=x",
        "topic=a&retry=soon",
        "topic=a&id=a%0Ab",
        "topic=a&id=%23a",
        "topic=a&id=earliest",
        "topic=a&type=a%0Db",
    ] {
        assert_eq!(publish(&hub, form).status, 400, "{form}");
    }
}

#[test]
fn an_update_is_posted_as_a_form() {
    let hub = Hub::start(&[]);
    for (declared, status) in [
        ("", 200),
        (
            "Content-Type: Application/X-WWW-Form-URLencoded; charset=utf-8\r\n",
            200,
        ),
        ("Content-Type: text/plain\r\n", 400),
        ("Content-Type: application/json\r\n", 400),
        ("Content-Type: multipart/form-data; boundary=a\r\n", 400),
    ] {
        let fields = format!("{}{declared}", publisher());
        let answer = hub.post(URL, &fields, "topic=a&data=x");
        assert_eq!(answer.status, status, "{declared}");
    }
}

#[test]
fn a_private_update_reaches_those_who_may_read_it_only() {
    let hub = Hub::start(&[]);
    let path = format!("{URL}?topic=*");
    let mut none = Stream::open(&hub, &path, &subscriber(&json!([])));
    let mut one = Stream::open(
        &hub,
        &path,
        &subscriber(&json!(["https://example.com/{user}"])),
    );
    let mut all = Stream::open(&hub, &path, &subscriber(&json!(["*"])));
    publish(&hub, "topic=https://example.com/ann&data=1&private=on");
    publish(&hub, "topic=other&data=2&private=on");
    publish(
        &hub,
        "topic=other&topic=https://example.com/bob&data=3&private=on",
    );
    publish(&hub, "topic=other&data=4");
    assert_eq!(none.data(), "4");
    assert_eq!([one.data(), one.data(), one.data()], ["1", "3", "4"]);
    assert_eq!([all.data(), all.data(), all.data()], ["1", "2", "3"]);
}

#[test]
fn publishing_needs_the_claim_and_all_topics_in_it() {
    let hub = Hub::start(&[]);
    let status = |claims: &Value, form: &str| publish_as(&hub, &bearer(claims), form).status;
    let (public, private) = ("topic=a&data=x", "topic=a&data=x&private=on");
    for (claims, expected) in [
        (json!({}), [403, 403]),
        (json!({"publish": ["*"]}), [403, 403]),
        (json!({"mercure": {}}), [403, 403]),
        (json!({"mercure": {"subscribe": ["*"]}}), [403, 403]),
        (json!({"mercure": {"publish": []}}), [403, 403]),
        (json!({"mercure": {"publish": ["b"]}}), [403, 403]),
        (json!({"mercure": {"publish": ["a"]}}), [200, 200]),
        (json!({"mercure": {"publish": ["{x}"]}}), [200, 200]),
    ] {
        let statuses = [public, private].map(|form| status(&claims, form));
        assert_eq!(statuses, expected, "{claims}");
    }
    let one_of_two = json!({"mercure": {"publish": ["a"]}});
    let refused = publish_as(&hub, &bearer(&one_of_two), "topic=a&topic=b&data=x");
    let told = "the token has no right to publish to b";
    assert_eq!(
        (refused.status, refused.json()["error"].as_str()),
        (403, Some(told))
    );
    assert_eq!(publish_as(&hub, "", public).status, 401);
    for fields in ["", "Authorization: Bearer x\r\n"] {
        let (_, head) = Stream::answered(&hub, &format!("{URL}?topic=*"), fields);
        assert_eq!(head.status, 401);
    }
    let native = bearer(&json!({"subscribe": ["*"]}));
    let (_, head) = Stream::answered(&hub, &format!("{URL}?topic=*"), &native);
    assert_eq!(head.status, 403);
}

#[test]
fn what_mercure_keeps_for_hubs_is_published_by_nobody() {
    let hub = Hub::open(&[]);
    let reserved = "/.well-known/mercure/subscriptions/a";
    let form = format!("topic=a&topic={reserved}&data=x");
    let batch = json!([{"channel": reserved, "data": "x"}]);
    for answer in [
        publish_as(&hub, "", &form),
        hub.post("/live", "", batch.to_string()),
        hub.post(&format!("/live/{reserved}"), "", "x"),
    ] {
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    // Who asks for it gets nothing, which is what there is.
    Stream::open(&hub, &format!("{URL}?topic={reserved}"), "");
}

#[test]
fn a_token_is_taken_from_cookie_header_or_query() {
    let hub = Hub::start(&[]);
    let subscribes = token(&json!({"mercure": {"subscribe": ["*"], "publish": ["*"]}}));
    let path = format!("{URL}?topic=a");
    let with_query = format!("{path}&authorization={subscribes}");
    for (path, fields) in [
        (
            &path,
            format!("Cookie: mercureAuthorization={subscribes}\r\n"),
        ),
        (&path, format!("Authorization: Bearer {subscribes}\r\n")),
        (&with_query, String::new()),
    ] {
        let mut stream = Stream::open(&hub, path, &fields);
        let form = "topic=a&data=x&private=on";
        let answer = match fields.as_str() {
            "" => publish(&hub, form),
            fields => publish_as(&hub, fields, form),
        };
        assert_eq!(answer.status, 200);
        assert_eq!(stream.data(), "x");
    }
}

#[test]
fn who_comes_back_gets_what_was_missed_by_header_or_query() {
    let hub = Hub::start(&["--live-history", "10"]);
    let first = text(&publish(&hub, "topic=a&data=0"));
    publish(&hub, "topic=b&data=1&id=urn:own");
    publish(&hub, "topic=a&data=2");
    publish(&hub, "topic=c&data=other");
    let fields = subscriber(&json!([]));
    let path = format!("{URL}?topic=a&topic=b");
    let escaped = first.replace('#', "%23");
    for (path, fields) in [
        (path.clone(), format!("{fields}Last-Event-ID: {first}\r\n")),
        (format!("{path}&lastEventID={escaped}"), fields.clone()),
        (format!("{path}&Last-Event-ID={escaped}"), fields.clone()),
    ] {
        let (mut stream, head) = Stream::answered(&hub, &path, &fields);
        assert_eq!(head.field("last-event-id"), Some(first.as_str()));
        assert_eq!([stream.data(), stream.data()], ["1", "2"]);
    }
    let by_own_id = format!("{fields}Last-Event-ID: urn:own\r\n");
    assert_eq!(Stream::open(&hub, &path, &by_own_id).data(), "2");
    for lost in ["earliest", "urn:unknown", "1-1", "#1-1", "#x", &first[1..]] {
        let fields = format!("{fields}Last-Event-ID: {lost}\r\n");
        let (mut stream, head) = Stream::answered(&hub, &path, &fields);
        assert_eq!(head.field("last-event-id"), Some("earliest"), "{lost}");
        assert_eq!(
            [stream.data(), stream.data(), stream.data()],
            ["0", "1", "2"]
        );
    }
}

#[test]
fn an_id_of_the_publisher_may_look_like_a_place() {
    let hub = Hub::open(&["--live-history", "10"]);
    for form in ["topic=a&data=1&id=12-34", "topic=a&data=2"] {
        assert_eq!(publish_as(&hub, "", form).status, 200);
    }
    let (mut stream, head) =
        Stream::answered(&hub, &format!("{URL}?topic=a&lastEventID=12-34"), "");
    assert_eq!(head.field("last-event-id"), Some("12-34"));
    assert_eq!(stream.data(), "2");
}

#[test]
fn who_missed_more_than_there_is_room_for_gets_it_in_several_streams() {
    let hub = Hub::open(&["--live-history", "100", "--max-outbox", "8"]);
    let text = "x".repeat(1000);
    for n in 0..20 {
        publish_as(&hub, "", &format!("topic=a&data={n}{text}"));
    }
    let (mut seen, mut last) = (0, "earliest".to_owned());
    while seen < 20 {
        let mut stream = Stream::open(&hub, &format!("{URL}?topic=a&lastEventID={last}"), "");
        for _ in 0..20 - seen {
            let Some(event) = stream.next() else {
                break;
            };
            assert_eq!(event.data, format!("{seen}{text}"));
            (seen, last) = (seen + 1, event.id.unwrap().replace('#', "%23"));
        }
    }
}

#[test]
fn it_is_the_same_hub_and_rights_hold_on_both_sides() {
    let hub = Hub::start(&[]);
    let all = bearer(&json!({"subscribe": ["*"], "publish": ["*"]}));
    let mut native = Socket::open(&hub, "/live/a", &all);
    let mut allowed = Stream::open(&hub, &format!("{URL}?topic=*"), &subscriber(&json!(["a"])));
    let mut none = Stream::open(&hub, &format!("{URL}?topic=*"), &subscriber(&json!([])));
    publish(&hub, "topic=a&data=1");
    assert_eq!(hub.post("/live/a?event=e", &all, "2").status, 200);
    native.send("3");
    publish(&hub, "topic=a&data=4");
    assert_eq!(
        [native.text(), native.text(), native.text(), native.text()],
        ["1", "2", "3", "4"]
    );
    let data: Vec<String> = (0..4).map(|_| allowed.data()).collect();
    assert_eq!(data, ["1", "2", "3", "4"]);
    assert_eq!([none.data(), none.data()], ["1", "4"]);
}

#[test]
fn a_stream_of_updates_ends_with_its_token() {
    let hub = Hub::start(&[]);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let fields = bearer(&json!({"mercure": {"subscribe": []}, "exp": now + 2}));
    let mut stream = Stream::open(&hub, &format!("{URL}?topic=a"), &fields);
    assert_eq!(stream.next(), None);
}

#[test]
fn topics_are_bounded() {
    let hub = Hub::open(&["--live-max-channels", "2", "--max-message", "1"]);
    let status = |query: &str| hub.get(&format!("{URL}?{query}"), "").status;
    assert_eq!(status(""), 400);
    assert_eq!(status("topic=a&topic=b&topic=c"), 400);
    assert_eq!(status("topic=%7Ba,b%7D%7Bc%7D"), 400);
    assert_eq!(status(&format!("topic={}", "a".repeat(1025))), 400);
    assert_eq!(publish_as(&hub, "", "topic=a&topic=b&topic=c").status, 400);
    let many: String = (0..5)
        .map(|n| format!("topic={n}{}&", "a".repeat(1000)))
        .collect();
    assert_eq!(publish_as(&Hub::open(&[]), "", &many).status, 400);
    let named_twice = publish_as(&hub, "", "topic=a&topic=b&topic=a");
    assert_eq!(named_twice.status, 200);
    let long = format!("topic=a&data={}", "%41".repeat(1025));
    assert_eq!(publish_as(&hub, "", &long).status, 413);
}
