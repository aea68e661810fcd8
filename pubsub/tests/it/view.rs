//! The forms in which messages are delivered.

use std::sync::atomic::{AtomicUsize, Ordering};

use astatine_pubsub::{Config, Item, Options, PubSub, Publication, Scope, View};
use astatine_reactor::handler::{Kind, Message};
use futures_core::Stream;

use crate::line::Line;
use crate::subscribe::channel;

static N_ENVELOPES: AtomicUsize = AtomicUsize::new(0);

fn envelope(publication: &Publication) -> Message {
    N_ENVELOPES.fetch_add(1, Ordering::Relaxed);
    let text = publication.message().as_text().unwrap();
    assert_ne!(text, "panic.");
    Message::text(format!("<{} {text}>", publication.channel()))
}

fn options(view: View) -> Options {
    let mut options = Options::default();
    options.view = view;
    options
}

#[tokio::test]
async fn an_envelope_is_made_once_for_all_and_one_that_panics_is_left_out() {
    let mut config = Config::default();
    config.envelope = Some(envelope);
    let pubsub = PubSub::new(config);
    let chat = channel("chat");
    let mut lines = Vec::new();
    for _ in 0..3 {
        let line = Line::connect().await;
        let options = options(View::Envelope);
        pubsub.subscribe(&line.peer, &chat, &options).unwrap();
        lines.push(line);
    }
    pubsub.publish(&chat, "a", Scope::Process);
    pubsub.publish(&chat, "panic.", Scope::Process);
    for line in &mut lines {
        assert_eq!(line.read_until(".").await, "<chat a>panic.");
    }
    assert_eq!(N_ENVELOPES.load(Ordering::Relaxed), 2);
    assert_eq!(pubsub.stats().n_panics, 1);
}

#[tokio::test]
async fn text_that_is_none_is_in_the_envelope_that_others_get_too() {
    static N_MADE: AtomicUsize = AtomicUsize::new(0);
    let mut config = Config::default();
    config.envelope = Some(|publication| {
        let n_made = N_MADE.fetch_add(1, Ordering::Relaxed);
        let n_bytes = publication.message().payload().len();
        Message::text(format!("<{n_made}:{n_bytes}>"))
    });
    let pubsub = PubSub::new(config);
    let chat = channel("chat");
    let (mut text, mut enveloped) = (Line::connect().await, Line::connect().await);
    for (line, view) in [(&text, View::Text), (&enveloped, View::Envelope)] {
        pubsub.subscribe(&line.peer, &chat, &options(view)).unwrap();
    }
    for payload in [&b"\xff\xff"[..], b"a."] {
        pubsub.publish(&chat, Message::binary(payload), Scope::Process);
    }
    assert_eq!(text.read_until(".").await, "<0:2>a.");
    assert_eq!(enveloped.read_until("1:2>").await, "<0:2><1:2>");
}

#[tokio::test]
async fn a_message_is_text_or_binary_as_the_subscription_wants_it() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    // A handler sees the kind; a raw connection does not tell it, so the peers here are streams of
    // what the views make: the publication's own message is untouched by them.
    let mut plain = pubsub.stream(&chat, &options(View::Plain)).unwrap();
    let mut line = Line::connect().await;
    pubsub
        .subscribe(&line.peer, &chat, &options(View::Text))
        .unwrap();
    let binary = Message::binary(&b"\xffa."[..]).with_event("e").unwrap();
    pubsub.publish(&chat, binary.clone(), Scope::Process);
    assert_eq!(line.read_bytes(5).await, "\u{fffd}a.".as_bytes());
    let item = std::future::poll_fn(|cx| std::pin::Pin::new(&mut plain).poll_next(cx)).await;
    let Some(Item::Publication(publication)) = item else {
        panic!("there is a message");
    };
    assert_eq!(*publication.message(), binary);
    assert_eq!(publication.message().kind(), Kind::Binary);
}
