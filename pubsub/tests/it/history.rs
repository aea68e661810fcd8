//! Histories: what was missed arrives once, in its place, or the gap is told.

use std::future::poll_fn;
use std::pin::Pin;
use std::thread;
use std::time::Duration;

use astatine_pubsub::{
    Channel, Config, Cursor, Item, Items, Options, Pattern, PubSub, Publication, Retention, Scope,
    Start, SubscribeError,
};
use astatine_reactor::handler::{HandlerConfig, Message};
use futures_core::Stream;

use crate::line::Line;
use crate::subscribe::{channel, next};

pub(crate) fn config(retention: Retention) -> Config {
    let mut config = Config::default();
    config.history = vec![(Pattern::new("*").unwrap(), retention)];
    config
}

fn kept(max_messages: usize) -> PubSub {
    let mut retention = Retention::default();
    retention.max_messages = max_messages;
    PubSub::new(config(retention))
}

pub(crate) fn from(start: Start) -> Options {
    let mut options = Options::default();
    options.start = start;
    options.gap =
        Some(|channel, cursor| Message::text(format!("gap {channel} {}. ", cursor.offset)));
    options
}

async fn publish(pubsub: &PubSub, channel: &Channel, text: &str) -> Cursor {
    let receipt = pubsub.publish_counted(channel, text, Scope::Cluster).await;
    receipt.cursor.unwrap()
}

#[tokio::test]
async fn a_subscription_begins_where_it_is_told_and_goes_on_with_what_comes() {
    let pubsub = kept(3);
    let chat = channel("chat");
    let mut cursors = Vec::new();
    for text in ["1 ", "2 ", "3 ", "4 ", "5 "] {
        cursors.push(publish(&pubsub, &chat, text).await);
    }
    let ago = |n| Start::After(cursors[n]);
    let other = Start::After(Cursor {
        epoch: 0,
        offset: 5,
    });
    let cases = [
        (Start::Now, "6."),
        (Start::Oldest, "3 4 5 6."),
        (ago(4), "6."),
        (ago(3), "5 6."),
        (ago(1), "3 4 5 6."),
        (ago(0), "gap chat 2. 3 4 5 6."),
        (other, "gap chat 2. 3 4 5 6."),
    ];
    let mut lines = Vec::new();
    for (start, expected) in cases {
        let line = Line::connect().await;
        pubsub.subscribe(&line.peer, &chat, &from(start)).unwrap();
        lines.push((line, expected));
    }
    // They are served before the next message takes the place of the oldest.
    tokio::task::yield_now().await;
    publish(&pubsub, &chat, "6.").await;
    for (line, expected) in &mut lines {
        assert_eq!(line.read_until("6.").await, *expected);
    }
    assert_eq!(pubsub.stats().n_gaps, 2);
}

#[tokio::test]
async fn a_message_has_its_cursor_as_id_unless_it_has_one() {
    let pubsub = kept(3);
    let chat = channel("chat");
    let cursor = publish(&pubsub, &chat, "1").await;
    let own = Message::text("2").with_id("own").unwrap();
    pubsub.publish(&chat, own, Scope::Cluster);
    let replay = pubsub.history(&chat, None, 9).await.unwrap().unwrap();
    let ids: Vec<_> = replay.entries.iter().map(|p| p.message().id()).collect();
    assert_eq!(ids, [Some(&*cursor.to_string()), Some("own")]);
    assert_eq!(pubsub.cursor(&chat), Some(replay.cursor));
    assert_eq!(pubsub.cursor(&channel("other")), None);
}

#[tokio::test]
async fn without_a_history_a_cursor_is_told_a_gap_and_a_pattern_has_none() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    let after = from(Start::After(Cursor {
        epoch: 1,
        offset: 2,
    }));
    let mut line = Line::connect().await;
    pubsub.subscribe(&line.peer, &chat, &after).unwrap();
    pubsub.publish(&chat, "a.", Scope::Cluster);
    assert_eq!(line.read_until("a.").await, "gap chat 2. a.");
    assert!(pubsub.history(&chat, None, 9).await.unwrap().is_none());
    let pattern = Pattern::new("*").unwrap();
    for options in [after, from(Start::Oldest)] {
        let refused = pubsub.subscribe(&line.peer, &pattern, &options);
        assert_eq!(refused, Err(SubscribeError::PatternHistory));
    }
}

/// Takes publications, and checks that each is the next.
async fn follow(items: &mut Items, mut last: Cursor, n: u64) {
    for _ in 0..n {
        match poll_fn(|cx| Pin::new(&mut *items).poll_next(cx)).await {
            Some(Item::Publication(publication)) => {
                let cursor = publication.cursor().unwrap();
                assert_eq!((cursor.epoch, cursor.offset), (last.epoch, last.offset + 1));
                last = cursor;
            }
            other => panic!("{other:?} behind {last}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missing_or_twice_at_the_seam_while_others_publish() {
    const N: u64 = 3000;
    let pubsub = kept(usize::MAX);
    let chat = channel("chat");
    let first = publish(&pubsub, &chat, "first").await;
    let publishers: Vec<_> = (0..2)
        .map(|_| {
            let (pubsub, chat) = (pubsub.clone(), chat.clone());
            thread::spawn(move || {
                for n in 0..N {
                    pubsub.publish(&chat, n.to_string(), Scope::Cluster);
                }
            })
        })
        .collect();
    let mut readers = Vec::new();
    // Each begins while the publishers are somewhere on their way, behind a place of its own.
    for n in 0..50 {
        let now = pubsub.cursor(&chat).unwrap().offset;
        let cursor = Cursor {
            epoch: first.epoch,
            offset: now - now * n / 50,
        };
        let mut items = pubsub.stream(&chat, &from(Start::After(cursor))).unwrap();
        readers.push(tokio::spawn(async move {
            follow(&mut items, cursor, 1 + 2 * N - cursor.offset).await;
        }));
    }
    for publisher in publishers {
        publisher.join().unwrap();
    }
    for reader in readers {
        reader.await.unwrap();
    }
    assert_eq!(pubsub.stats().n_gaps, 0);
}

#[tokio::test]
async fn what_found_no_room_on_the_way_is_fetched_from_the_history() {
    const N: u64 = 1000;
    let mut retention = Retention::default();
    retention.max_messages = usize::MAX;
    let mut config = config(retention);
    config.max_handoff_bytes = 1000;
    let pubsub = PubSub::new(config);
    let (chat, bare) = (channel("chat"), channel("bare"));
    let first = publish(&pubsub, &chat, "first").await;
    let mut items = pubsub.stream(&chat, &Options::default()).unwrap();
    pubsub.publish(&bare, "a", Scope::Cluster);
    // The dispatcher has no turn meanwhile.
    for n in 0..N {
        pubsub.publish(&chat, n.to_string(), Scope::Cluster);
    }
    follow(&mut items, first, N).await;
    let stats = pubsub.stats();
    assert!(stats.n_overflows > N / 2, "{stats:?}");
    assert_eq!((stats.n_dropped_overflow, stats.n_delivered), (0, N));
}

#[tokio::test]
async fn what_finds_no_room_and_has_no_history_is_counted() {
    let mut config = Config::default();
    config.max_handoff_bytes = 2000;
    let pubsub = PubSub::new(config);
    let chat = channel("chat");
    let mut items: Vec<Items> = (0..3)
        .map(|_| pubsub.stream(&chat, &Options::default()).unwrap())
        .collect();
    for _ in 0..100 {
        pubsub.publish(&chat, "a", Scope::Cluster);
    }
    for items in &mut items {
        assert_eq!(next(items).await.as_deref(), Some("a"));
    }
    let stats = pubsub.stats();
    assert!(stats.n_delivered >= 3, "{stats:?}");
    assert_eq!(stats.n_delivered + stats.n_dropped_overflow, 300);
}

#[tokio::test(start_paused = true)]
async fn a_long_replay_leaves_room_for_what_comes_and_closes_nobody() {
    let pubsub = kept(usize::MAX);
    let chat = channel("chat");
    let mut config = HandlerConfig::default();
    config.outbox_bytes = 100_000;
    for n in 0..900 {
        pubsub.publish(&chat, format!("{n:0>999}\n"), Scope::Cluster);
    }
    let mut line = Line::with(1000, config).await;
    pubsub
        .subscribe(&line.peer, &chat, &from(Start::Oldest))
        .unwrap();
    for n in 0..1000 {
        if n % 9 == 0 {
            let late = 900 + n / 9;
            if late < 1000 {
                pubsub.publish(&chat, format!("{late:0>999}\n"), Scope::Cluster);
            }
        }
        assert_eq!(
            line.read_bytes(1000).await,
            format!("{n:0>999}\n").as_bytes()
        );
    }
    assert!(line.peer.is_open());
    assert_eq!(pubsub.stats().n_delivered, 1000);
}

#[tokio::test]
async fn who_has_just_caught_up_is_not_closed_by_what_comes_next() {
    let pubsub = kept(usize::MAX);
    let chat = channel("chat");
    let mut config = HandlerConfig::default();
    config.outbox_bytes = 100_000;
    let mut line = Line::with(1000, config).await;
    let text = "x".repeat(999) + "\n";
    for n in 0..105 {
        if n == 95 {
            let start = from(Start::Oldest);
            pubsub.subscribe(&line.peer, &chat, &start).unwrap();
        }
        pubsub.publish(&chat, text.as_str(), Scope::Cluster);
        tokio::task::yield_now().await;
    }
    assert!(line.peer.is_open());
    assert_eq!(line.read_bytes(105_000).await, text.repeat(105).as_bytes());
}

#[tokio::test(start_paused = true)]
async fn who_subscribes_again_while_it_catches_up_goes_on_from_there() {
    let pubsub = kept(usize::MAX);
    let chat = channel("chat");
    for n in 0..200 {
        pubsub.publish(&chat, format!("{n:0>999}\n"), Scope::Cluster);
    }
    let mut line = Line::with(1000, HandlerConfig::default()).await;
    for start in [Start::Oldest, Start::Now] {
        pubsub.subscribe(&line.peer, &chat, &from(start)).unwrap();
        tokio::task::yield_now().await;
    }
    for n in 0..200 {
        let expected = format!("{n:0>999}\n");
        assert_eq!(line.read_bytes(1000).await, expected.as_bytes());
    }
    assert_eq!(pubsub.presence(&chat).n_subscriptions, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_forgotten() {
    let mut retention = Retention::default();
    retention.max_age = Duration::from_secs(60);
    let pubsub = PubSub::new(config(retention));
    let chat = channel("chat");
    let cursor = publish(&pubsub, &chat, "old").await;
    tokio::time::advance(Duration::from_secs(59)).await;
    publish(&pubsub, &chat, "young").await;
    tokio::time::advance(Duration::from_secs(1)).await;
    let replay = pubsub.history(&chat, None, 9).await.unwrap().unwrap();
    let text = |publication: &Publication| publication.message().as_text().unwrap().to_owned();
    assert_eq!(
        replay.entries.iter().map(text).collect::<Vec<_>>(),
        ["young"]
    );
    let replay = pubsub
        .history(&chat, Some(cursor), 9)
        .await
        .unwrap()
        .unwrap();
    assert!(!replay.has_gap);
}

#[tokio::test]
async fn histories_that_were_longest_not_used_are_forgotten_and_their_cursors_are_gaps() {
    let mut config = config(Retention::default());
    config.max_histories = 8;
    let pubsub = PubSub::new(config);
    let mut cursors = Vec::new();
    for n in 0..9 {
        cursors.push(publish(&pubsub, &channel(&n.to_string()), "a").await);
    }
    let mut has_gap = Vec::new();
    for n in (0..9).rev() {
        let replay = pubsub
            .history(&channel(&n.to_string()), Some(cursors[n]), 9)
            .await;
        has_gap.push(replay.unwrap().unwrap().has_gap);
    }
    let mut expected = [false; 9];
    expected[8] = true;
    assert_eq!(has_gap, expected);
}

#[tokio::test]
async fn a_history_is_bounded_in_bytes_of_ids_and_events_too() {
    let mut retention = Retention::default();
    retention.max_bytes = 4 * 1000;
    let pubsub = PubSub::new(config(retention));
    let (ids, events) = (channel("ids"), channel("events"));
    let long = "x".repeat(1000);
    for _ in 0..10 {
        let message = Message::text("");
        pubsub.publish(&ids, message.with_id(&long).unwrap(), Scope::Process);
        let message = Message::text("");
        pubsub.publish(&events, message.with_event(&long).unwrap(), Scope::Process);
    }
    for channel in [ids, events] {
        let replay = pubsub.history(&channel, None, 100).await.unwrap().unwrap();
        assert_eq!(replay.entries.len(), 3);
    }
}

#[tokio::test]
async fn all_histories_together_are_bounded_in_bytes() {
    let mut config = config(Retention::default());
    config.max_history_bytes = 100_000;
    let pubsub = PubSub::new(config);
    for n in 0..100 {
        let text = "x".repeat(10_000);
        pubsub.publish(&channel(&n.to_string()), text, Scope::Cluster);
    }
    let mut n_left = 0;
    for n in 0..100 {
        if pubsub.cursor(&channel(&n.to_string())).is_some() {
            assert!(n > 85, "{n} is older than others that were forgotten");
            n_left += 1;
        }
    }
    assert!((5..10).contains(&n_left), "{n_left}");
}

#[tokio::test(start_paused = true)]
async fn a_callback_gets_a_history_that_takes_several_turns() {
    const N: usize = 5000;
    let mut retention = Retention::default();
    (retention.max_messages, retention.max_bytes) = (N, usize::MAX);
    let pubsub = PubSub::new(config(retention));
    let chat = channel("chat");
    for n in 0..N {
        pubsub.publish(&chat, n.to_string(), Scope::Cluster);
    }
    let (hears, mut heard) = tokio::sync::mpsc::channel(2 * N);
    let subscription = pubsub.on(&chat, &from(Start::Oldest), move |item| {
        if let Item::Publication(publication) = item {
            let text = publication.message().as_text().unwrap().to_owned();
            hears.try_send(text).unwrap();
        }
    });
    let _subscription = subscription.unwrap();
    tokio::task::yield_now().await;
    pubsub.publish(&chat, N.to_string(), Scope::Cluster);
    for n in 0..=N {
        assert_eq!(heard.recv().await, Some(n.to_string()));
    }
}

#[tokio::test]
async fn what_is_published_together_leaves_together_and_each_message_has_its_place() {
    for start in [Start::Now, Start::Oldest] {
        let pubsub = PubSub::new(config(Retention::default()));
        let chat = channel("chat");
        let mut line = Line::over_socket(HandlerConfig::default()).await;
        pubsub.subscribe(&line.peer, &chat, &from(start)).unwrap();
        let mut expected = String::new();
        for batch in [0..3, 3..4, 4..10] {
            for n in batch {
                pubsub.publish(&chat, format!("{n}\n"), Scope::Cluster);
                expected += &format!("{n}\n");
            }
            pubsub.publish_counted(&chat, "-", Scope::Cluster).await;
            expected.push('-');
        }
        let received = line.read_bytes(expected.len()).await;
        assert_eq!(String::from_utf8(received).unwrap(), expected);
        let stats = pubsub.stats();
        assert_eq!((stats.n_delivered, stats.n_gaps), (13, 0));
        assert_eq!(stats.n_repaired > 0, start == Start::Oldest);
    }
}
