//! A message with what is known of it, as one line of JSON: for clients to whom the payload alone
//! says too little.

use astatine_pubsub::{Change, Channel, Cursor, Move, Publication};
use astatine_reactor::handler::{Kind, Message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Returns a publication as it is told to those who ask for envelopes.
pub(super) fn of(publication: &Publication) -> Message {
    let message = publication.message();
    let fields = fields(publication.channel(), message);
    let mut text = Message::text(fields.to_string());
    if let Some(id) = message.id() {
        text = text.with_id(id).expect("it was an id before");
    }
    match message.event() {
        Some(event) => text
            .with_event(event)
            .expect("it was an event's name before"),
        None => text,
    }
}

/// Returns what is known of a message.
pub(super) fn fields(channel: &Channel, message: &Message) -> Value {
    let mut fields = Map::new();
    fields.insert("channel".into(), channel.as_str().into());
    fields.extend(message.id().map(|id| ("id".into(), id.into())));
    fields.extend(message.event().map(|event| ("event".into(), event.into())));
    let (name, data) = match (message.kind(), message.as_text()) {
        (Kind::Text, Some(text)) => ("data", text.to_owned()),
        _ => ("base64", STANDARD.encode(message.payload())),
    };
    fields.insert(name.into(), data.into());
    fields.into()
}

/// Returns what a subscriber is told that has missed messages which are not kept any more. Its id is
/// where the subscription goes on.
pub(super) fn gap(channel: &Channel, cursor: Cursor) -> Message {
    let id = cursor.to_string();
    let text = json!({"channel": channel.as_str(), "event": GAP, "id": id});
    event(&text, GAP)
        .with_id(&id)
        .expect("a cursor has no line break")
}

/// Returns what those who watch a channel are told of one who came or went.
pub(super) fn change(change: &Change) -> Message {
    let what = match change.what {
        Move::Join => "join",
        Move::Leave => "leave",
    };
    let text = json!({
        "channel": change.channel.as_str(),
        "event": what,
        "user": change.user.as_deref(),
        "subscribers": change.n_subscriptions,
    });
    event(&text, what)
}

fn event(text: &Value, name: &str) -> Message {
    let message = Message::text(text.to_string()).with_event(name);
    message.expect("the name is ours")
}

const GAP: &str = "gap";
