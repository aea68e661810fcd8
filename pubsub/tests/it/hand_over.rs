//! Streams that become a connection's subscription.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use astatine_pubsub::{Config, Options, Pattern, PubSub, Retention, Scope, Start};

use crate::line::Line;
use crate::subscribe::{channel, next};

#[tokio::test]
async fn a_connection_gets_what_was_not_read_and_then_what_comes() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    let mut items = pubsub.stream(&chat, &Options::default()).unwrap();
    for text in ["read", "a", "b"] {
        pubsub.publish(&chat, text, Scope::Process);
    }
    assert_eq!(next(&mut items).await.as_deref(), Some("read"));
    let mut line = Line::connect().await;
    items.hand_over(&line.peer).unwrap();
    pubsub.publish(&chat, "c.", Scope::Process);
    assert_eq!(line.read_until(".").await, "abc.");
    assert_eq!(pubsub.presence(&chat).n_subscriptions, 1);
    line.server.abort();
    line.server.await.unwrap_err();
    assert_eq!(pubsub.presence(&chat).n_subscriptions, 0);
    assert_eq!(pubsub.stats().n_delivered, 4);
}

#[tokio::test]
async fn a_stream_that_goes_back_further_than_it_may_hold_is_sent_the_rest() {
    let mut config = Config::default();
    let mut retention = Retention::default();
    retention.max_messages = 1000;
    config.history = vec![(Pattern::new("*").unwrap(), retention)];
    let pubsub = PubSub::new(config);
    let chat = channel("chat");
    let text = "x".repeat(1000);
    for _ in 0..500 {
        pubsub.publish(&chat, text.as_str(), Scope::Process);
    }
    let mut options = Options::default();
    options.start = Start::Oldest;
    let items = pubsub.stream(&chat, &options).unwrap();
    tokio::task::yield_now().await;
    let mut line = Line::connect().await;
    items.hand_over(&line.peer).unwrap();
    pubsub.publish(&chat, ".", Scope::Process);
    assert_eq!(line.read_until(".").await, text.repeat(500) + ".");
}

#[tokio::test]
async fn nothing_is_lost_or_told_twice_while_others_publish() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    let has_ended = Arc::new(AtomicBool::new(false));
    let publisher = std::thread::spawn({
        let (pubsub, chat, has_ended) = (pubsub.clone(), chat.clone(), Arc::clone(&has_ended));
        move || {
            let mut n = 0_u64;
            while !has_ended.load(Ordering::Relaxed) {
                n += 1;
                pubsub.publish(&chat, format!("{n} "), Scope::Process);
                std::thread::yield_now();
            }
        }
    });
    for _ in 0..50 {
        let mut items = pubsub.stream(&chat, &Options::default()).unwrap();
        let first: u64 = next(&mut items).await.unwrap().trim().parse().unwrap();
        let mut line = Line::connect().await;
        items.hand_over(&line.peer).unwrap();
        for n in first + 1..first + 50 {
            assert_eq!(line.read_until(" ").await, format!("{n} "));
        }
    }
    has_ended.store(true, Ordering::Relaxed);
    publisher.join().unwrap();
}
