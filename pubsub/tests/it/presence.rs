//! Who is on a channel, and who hears of it.

use std::sync::{Arc, Mutex};

use astatine_pubsub::{Channel, Config, Move, Options, Pattern, PubSub, Scope, SubscribeError};
use astatine_reactor::handler::Message;
use tokio::io::AsyncWriteExt;

use crate::line::Line;
use crate::subscribe::{channel, next};

fn user(name: &str) -> Options {
    let mut options = Options::default();
    options.user = Some(name.into());
    options
}

fn users(pubsub: &PubSub, channel: &Channel) -> Vec<(String, usize)> {
    let users = pubsub.presence(channel).users.into_iter();
    users.map(|(name, n)| (name.to_string(), n)).collect()
}

#[tokio::test]
async fn users_are_listed_with_their_subscriptions_until_their_connections_end() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    let (one, two, three) = (
        Line::connect().await,
        Line::connect().await,
        Line::connect().await,
    );
    pubsub.subscribe(&one.peer, &chat, &user("bob")).unwrap();
    pubsub.subscribe(&two.peer, &chat, &user("bob")).unwrap();
    pubsub.subscribe(&three.peer, &chat, &user("ann")).unwrap();
    let everything = Pattern::new("*").unwrap();
    pubsub
        .subscribe(&three.peer, &everything, &user("ann"))
        .unwrap();
    assert_eq!(
        users(&pubsub, &chat),
        [("ann".into(), 1), ("bob".into(), 2)]
    );
    assert_eq!(pubsub.presence(&chat).n_subscriptions, 3);
    one.server.abort();
    one.server.await.unwrap_err();
    assert_eq!(
        users(&pubsub, &chat),
        [("ann".into(), 1), ("bob".into(), 1)]
    );
    // One who subscribes again, by another name, is still one.
    pubsub.subscribe(&two.peer, &chat, &user("eve")).unwrap();
    assert_eq!(
        users(&pubsub, &chat),
        [("ann".into(), 1), ("eve".into(), 1)]
    );
    assert!(pubsub.unsubscribe(&two.peer, &chat));
    assert!(pubsub.unsubscribe(&three.peer, &chat));
    assert_eq!(pubsub.presence(&chat).n_subscriptions, 0);
    assert!(users(&pubsub, &chat).is_empty());
}

fn announcing() -> PubSub {
    let mut config = Config::default();
    config.announce = Some(Arc::new(|change| {
        let user = change.user.as_deref().unwrap_or("somebody");
        let what = match change.what {
            Move::Join => "joins",
            Move::Leave => "leaves",
        };
        let text = format!("{user} {what}, {}", change.n_subscriptions);
        let channel = Channel::new(&format!("presence/{}", change.channel)).ok()?;
        let is_own = change.channel.as_str().starts_with("presence/");
        (!is_own).then(|| (channel, Message::text(text)))
    }));
    PubSub::new(config)
}

#[tokio::test]
async fn the_first_and_the_last_subscription_of_a_user_are_announced() {
    let pubsub = announcing();
    let chat = channel("chat");
    let announced = channel("presence/chat");
    let mut items = pubsub.stream(&announced, &Options::default()).unwrap();
    let (mut one, two) = (Line::connect().await, Line::connect().await);
    pubsub.subscribe(&one.peer, &chat, &user("bob")).unwrap();
    pubsub.subscribe(&two.peer, &chat, &user("bob")).unwrap();
    let nameless = pubsub.stream(&chat, &Options::default()).unwrap();
    drop(nameless);
    assert!(pubsub.unsubscribe(&two.peer, &chat));
    // A handler that panics takes nobody with it but itself.
    one.stream.write_all(b"panic").await.unwrap();
    assert!(one.server.await.unwrap_err().is_panic());
    for expected in [
        "bob joins, 1",
        "somebody joins, 3",
        "somebody leaves, 2",
        "bob leaves, 0",
    ] {
        assert_eq!(next(&mut items).await.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn a_thread_that_ends_takes_its_subscribers_with_it() {
    let pubsub = announcing();
    let chat = channel("chat");
    let mut items = pubsub
        .stream(channel("presence/chat"), &Options::default())
        .unwrap();
    let elsewhere = pubsub.clone();
    let stale = Arc::new(Mutex::new(None));
    let given = Arc::clone(&stale);
    let thread = std::thread::spawn(move || {
        let chat = channel("chat");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let line = Line::connect().await;
            elsewhere
                .subscribe(&line.peer, &chat, &user("bob"))
                .unwrap();
            let own = elsewhere.on(&chat, &Options::default(), |_| {}).unwrap();
            own.forget();
            *given.lock().unwrap() = Some(line);
        });
    });
    tokio::task::spawn_blocking(|| thread.join().unwrap())
        .await
        .unwrap();
    assert_eq!(pubsub.presence(&chat).n_subscriptions, 0);
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(next(&mut items).await.unwrap());
    }
    assert_eq!(heard[..2], ["bob joins, 1", "somebody joins, 2"]);
    heard[2..].sort();
    assert!(heard[2].starts_with("bob leaves") && heard[3].starts_with("somebody leaves"));
    let line = stale.lock().unwrap().take().unwrap();
    assert!(!pubsub.unsubscribe(&line.peer, &chat));
    let refused = pubsub.subscribe(&line.peer, &chat, &Options::default());
    assert_eq!(refused, Err(SubscribeError::Closed));
    let receipt = pubsub.publish_counted(&chat, "a", Scope::Cluster).await;
    assert_eq!(receipt.n_delivered, 0);
}

#[tokio::test]
async fn a_connection_has_so_many_subscriptions_and_no_more() {
    let pubsub = PubSub::default();
    let line = Line::connect().await;
    let options = Options::default();
    for n in 0..64 {
        let name = channel(&n.to_string());
        pubsub.subscribe(&line.peer, &name, &options).unwrap();
    }
    let refused = pubsub.subscribe(&line.peer, channel("x"), &options);
    assert_eq!(refused, Err(SubscribeError::TooMany(64)));
    // The same again replaces.
    pubsub
        .subscribe(&line.peer, channel("0"), &options)
        .unwrap();
    assert!(pubsub.unsubscribe(&line.peer, channel("0")));
    pubsub
        .subscribe(&line.peer, channel("x"), &options)
        .unwrap();
}
