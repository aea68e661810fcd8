//! Who gets what: channels, patterns, callbacks, streams, and the end of each.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use astatine_pubsub::{
    Channel, Item, Items, Name, Options, Pattern, PubSub, Scope, SubscribeError,
};
use futures_core::Stream;

use crate::line::Line;

pub(crate) fn channel(name: &str) -> Channel {
    Channel::new(name).unwrap()
}

pub(crate) async fn next(items: &mut Items) -> Option<String> {
    let item = poll_fn(|cx| Pin::new(&mut *items).poll_next(cx)).await?;
    Some(match item {
        Item::Publication(publication) => publication.message().as_text().unwrap().to_owned(),
        Item::Gap(channel, cursor) => format!("gap in {channel} to {}", cursor.offset),
    })
}

#[tokio::test]
async fn a_connection_gets_what_is_published_until_it_unsubscribes() {
    let pubsub = PubSub::default();
    let (chat, other) = (channel("chat"), channel("other"));
    let mut line = Line::connect().await;
    let options = Options::default();
    pubsub.publish(&chat, "before.", Scope::Process);
    pubsub.subscribe(&line.peer, &chat, &options).unwrap();
    pubsub.publish(&chat, "a", Scope::Process);
    pubsub.publish(&other, "x", Scope::Process);
    pubsub.publish(&chat, "b.", Scope::Process);
    assert_eq!(line.read_until(".").await, "ab.");
    assert!(pubsub.unsubscribe(&line.peer, &chat));
    assert!(!pubsub.unsubscribe(&line.peer, &chat));
    pubsub.publish(&chat, "late", Scope::Process);
    pubsub.subscribe(&line.peer, &chat, &options).unwrap();
    pubsub.publish(&chat, "c.", Scope::Process);
    assert_eq!(line.read_until(".").await, "c.");
}

#[tokio::test]
async fn a_pattern_gets_what_is_published_on_all_channels_that_match() {
    let pubsub = PubSub::default();
    let mut line = Line::connect().await;
    let news = Pattern::new("news.*").unwrap();
    let options = Options::default();
    pubsub.subscribe(&line.peer, &news, &options).unwrap();
    for name in ["news.a", "new.a", "news.b", "news.c"] {
        pubsub.publish(&channel(name), format!("{name} "), Scope::Process);
    }
    assert_eq!(line.read_until("c ").await, "news.a news.b news.c ");
    assert!(pubsub.unsubscribe(&line.peer, &news));
}

#[tokio::test]
async fn a_callback_and_a_stream_get_the_same() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    let heard = Arc::new(Mutex::new(String::new()));
    let hears = Arc::clone(&heard);
    let options = Options::default();
    let _subscription = pubsub.on(&chat, &options, move |item| {
        if let Item::Publication(publication) = item {
            let text = publication.message().as_text().unwrap().to_owned();
            hears.lock().unwrap().push_str(&text);
        }
    });
    let mut items = pubsub.stream(Name::from(&chat), &options).unwrap();
    let receipt = pubsub.publish_counted(&chat, "a", Scope::Process).await;
    assert_eq!((receipt.n_delivered, receipt.cursor), (2, None));
    assert_eq!(next(&mut items).await.as_deref(), Some("a"));
    assert_eq!(*heard.lock().unwrap(), "a");
    drop(items);
    let receipt = pubsub.publish_counted(&chat, "b", Scope::Process).await;
    assert_eq!(receipt.n_delivered, 1);
}

#[tokio::test]
async fn nobody_is_left_on_a_channel_whichever_way_connections_end() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    type End = fn(&mut Line);
    let ends: [End; 3] = [
        |line| line.peer.close(),
        |line| line.peer.abort(),
        |line| line.server.abort(),
    ];
    for end in ends {
        let mut line = Line::connect().await;
        let options = Options::default();
        pubsub.subscribe(&line.peer, &chat, &options).unwrap();
        assert_eq!(pubsub.presence(&chat).n_subscriptions, 1);
        end(&mut line);
        drop(line.stream);
        line.server.await.unwrap_or_default();
        assert_eq!(pubsub.presence(&chat).n_subscriptions, 0);
        let stale = pubsub.subscribe(&line.peer, &chat, &options);
        assert_eq!(stale, Err(SubscribeError::Closed));
        let receipt = pubsub.publish_counted(&chat, "a", Scope::Process).await;
        assert_eq!(receipt.n_delivered, 0);
    }
}
