//! Publishers and subscribers on runtimes of every kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use astatine_pubsub::{Item, Options, Pattern, PubSub, Scope};
use astatine_reactor::handler::Policy;
use tokio::runtime::{Builder, LocalOptions, Runtime};
use tokio::task::yield_now;

use crate::line::Line;
use crate::subscribe::{channel, next};

#[test]
fn a_callback_outside_of_any_runtime_is_called_and_ends_with_its_subscription() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    let (hears, heard) = sync_channel(10);
    let subscription = pubsub.on(&chat, &Options::default(), move |item| {
        if let Item::Publication(publication) = item {
            hears
                .send(publication.message().as_text().unwrap().to_owned())
                .unwrap();
        }
    });
    thread::scope(|scope| {
        scope.spawn(|| pubsub.publish(&chat, "a", Scope::Process));
    });
    assert_eq!(heard.recv().unwrap(), "a");
    drop(subscription);
    // The callback is dropped, and with it what it would tell.
    assert!(heard.recv().is_err());
}

#[test]
fn a_callback_that_is_kept_ends_with_the_last_handle() {
    let pubsub = PubSub::default();
    let (hears, heard) = sync_channel::<()>(1);
    let subscription = pubsub.on(channel("chat"), &Options::default(), move |_| {
        hears.send(()).unwrap();
    });
    subscription.unwrap().forget();
    let other = pubsub.clone();
    drop(pubsub);
    other.publish(&channel("chat"), "a", Scope::Process);
    assert_eq!(heard.recv(), Ok(()));
    drop(other);
    assert!(heard.recv().is_err());
}

#[test]
fn a_callback_that_panics_is_called_again_and_takes_nobody_with_it() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    let (hears, heard) = sync_channel(1);
    let mut n_calls = 0;
    let _subscription = pubsub.on(&chat, &Options::default(), move |_| {
        n_calls += 1;
        assert_ne!(n_calls, 1, "a fault of the application");
        hears.send(n_calls).unwrap();
    });
    pubsub.publish(&chat, "a", Scope::Process);
    let second = pubsub.publish_counted(&chat, "b", Scope::Process);
    Runtime::new().unwrap().block_on(second);
    assert_eq!(heard.try_recv(), Ok(2));
    assert_eq!(pubsub.stats().n_panics, 1);
}

#[test]
fn a_thread_of_a_server_and_a_runtime_of_many_hear_each_other() {
    let pubsub = PubSub::default();
    let (there, here) = (channel("there"), channel("here"));
    let (subscribed, is_subscribed) = sync_channel(1);
    thread::scope(|scope| {
        scope.spawn(|| {
            // As the threads of a server have them.
            let mut builder = Builder::new_current_thread();
            let local = builder.enable_all().build_local(LocalOptions::default());
            local.unwrap().block_on(async {
                let mut line = Line::connect().await;
                pubsub
                    .subscribe(&line.peer, &there, &Options::default())
                    .unwrap();
                subscribed.send(()).unwrap();
                assert_eq!(line.read_until(".").await, "hello.");
                pubsub.publish(&here, "hello back", Scope::Process);
            });
        });
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            let mut items = Vec::new();
            for _ in 0..5 {
                items.push(pubsub.stream(&here, &Options::default()).unwrap());
            }
            is_subscribed.recv().unwrap();
            pubsub.publish(&there, "hello.", Scope::Process);
            for items in &mut items {
                assert_eq!(next(items).await.as_deref(), Some("hello back"));
            }
        });
    });
}

#[tokio::test]
async fn a_publisher_that_never_pauses_leaves_others_their_turn() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    // It publishes the next message whenever it has one.
    let (own, next) = (pubsub.clone(), chat.clone());
    let again = move |_| own.publish(&next, "again", Scope::Process);
    let subscription = pubsub.on(&chat, &Options::default(), again);
    pubsub.publish(&chat, "first", Scope::Process);
    for _ in 0..10 {
        yield_now().await;
    }
    drop(subscription);
}

/// Counts the turns that others have while so many messages are dealt with.
async fn n_turns(pubsub: &PubSub, names: impl Iterator<Item = String>) -> usize {
    let n_turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&n_turns);
    let other = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
        }
    });
    names.for_each(|name| pubsub.publish(&channel(&name), "x", Scope::Process));
    let last = pubsub.publish_counted(&channel("last"), "x", Scope::Process);
    last.await;
    other.abort();
    n_turns.load(Ordering::Relaxed)
}

#[tokio::test]
async fn others_have_their_turn_while_much_is_published() {
    let pubsub = PubSub::default();
    let pattern = Pattern::new("other*").unwrap();
    let _none = pubsub.stream(pattern, &Options::default()).unwrap();
    let different = (0..10_000).map(|n| n.to_string());
    assert!(n_turns(&pubsub, different).await > 20);
    let mut config = Options::default();
    config.policy = Policy::DropOldest;
    let _many: Vec<_> = (0..100)
        .map(|_| pubsub.stream(channel("chat"), &config).unwrap())
        .collect();
    let same = (0..1000).map(|_| "chat".to_owned());
    assert!(n_turns(&pubsub, same).await > 20);
}
