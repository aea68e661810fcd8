//! Random subscribers, closes and slow readers, on one thread and on four: each gets what it should,
//! in its order, and everything is accounted for.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Barrier};
use std::thread;

use astatine_pubsub::{Channel, Config, Item, Options, Pattern, PubSub, Retention, Scope, Start};
use astatine_reactor::handler::{HandlerConfig, Policy};
use futures_core::Stream;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use tokio::io::AsyncReadExt;
use tokio::runtime::Builder;

use crate::history::{config, from};
use crate::line::Line;
use crate::subscribe::channel;

/// What one subscriber does.
#[derive(Clone, Debug)]
struct Reader {
    policy: Policy,
    /// Without, it is connected by a socket.
    n_pipe_bytes: Option<usize>,
    n_outbox_bytes: usize,
    /// How many lines it reads before it goes; without, it stays.
    goes_after: Option<usize>,
}

#[derive(Clone, Debug)]
struct Scene {
    /// The readers of each thread.
    threads: Vec<Vec<Reader>>,
    n_publishers: usize,
    n_messages: usize,
    has_history: bool,
    max_handoff_bytes: usize,
}

fn policy() -> impl Strategy<Value = Policy> {
    prop::sample::select(vec![
        Policy::Close,
        Policy::DropOldest,
        Policy::DropNewest,
        Policy::KeepLatest,
    ])
}

fn reader() -> impl Strategy<Value = Reader> {
    (
        policy(),
        prop::option::of(1..300usize),
        prop::sample::select(&[500usize, 5000, 1 << 20][..]),
        prop::option::of(0..60usize),
    )
        .prop_map(
            |(policy, n_pipe_bytes, n_outbox_bytes, goes_after)| Reader {
                policy,
                n_pipe_bytes,
                n_outbox_bytes,
                goes_after,
            },
        )
}

fn scene(n_threads: usize) -> impl Strategy<Value = Scene> {
    (
        prop::collection::vec(prop::collection::vec(reader(), 1..6), n_threads),
        1..4usize,
        1..120usize,
        any::<bool>(),
        prop::sample::select(&[600usize, 1 << 20][..]),
    )
        .prop_map(
            |(threads, n_publishers, n_messages, has_history, max_handoff_bytes)| Scene {
                threads,
                n_publishers,
                n_messages,
                has_history,
                max_handoff_bytes,
            },
        )
}

/// Reads lines until the end, or until it has enough.
async fn read(mut line: Line, goes_after: Option<usize>) -> Vec<String> {
    let mut text = Vec::new();
    let mut bytes = [0; 64];
    loop {
        let n = line.stream.read(&mut bytes).await.unwrap();
        text.extend_from_slice(&bytes[..n]);
        let n_lines = text.iter().filter(|byte| **byte == b'\n').count();
        if n == 0 || goes_after.is_some_and(|max| n_lines >= max) {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(line);
    let text = String::from_utf8(text).unwrap();
    let is_whole = |line: &&str| line.ends_with('\n');
    let lines = text.split_inclusive('\n').filter(is_whole);
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// Checks that the numbers of each publisher go up; with `is_whole`, by one.
fn check_order(lines: &[String], is_whole: bool) {
    let mut last: HashMap<&str, i64> = HashMap::new();
    for line in lines {
        let (publisher, n) = line.split_once(' ').unwrap();
        let n: i64 = n.parse().unwrap();
        let last = last.entry(publisher).or_insert(-1);
        assert!(n > *last, "{publisher}: {n} behind {last}");
        assert!(
            !is_whole || n == *last + 1,
            "{publisher}: {n} behind {last}"
        );
        *last = n;
    }
}

/// Runs the readers of one thread on a runtime of its own.
fn run_thread(pubsub: &PubSub, chat: &Channel, readers: &[Reader], barriers: &[Arc<Barrier>; 2]) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for reader in readers {
            let mut config = HandlerConfig::default();
            config.outbox_bytes = reader.n_outbox_bytes;
            let line = match reader.n_pipe_bytes {
                Some(n_bytes) => Line::with(n_bytes, config).await,
                None => Line::over_socket(config).await,
            };
            let mut options = Options::default();
            options.policy = reader.policy;
            pubsub.subscribe(&line.peer, chat, &options).unwrap();
            let peer = line.peer.clone();
            tasks.push((tokio::spawn(read(line, reader.goes_after)), peer, reader));
        }
        let [all_subscribed, all_published] = barriers.clone();
        all_subscribed.wait();
        // The connections are served while the publishers are at it.
        let waits = tokio::task::spawn_blocking(move || all_published.wait());
        waits.await.unwrap();
        pubsub.publish_counted(chat, "", Scope::Cluster).await;
        for (task, peer, reader) in tasks {
            peer.close();
            let lines = task.await.unwrap();
            check_order(&lines, false);
            assert!(reader.goes_after.is_none_or(|max| lines.len() <= max + 64));
        }
    });
}

fn play(scene: &Scene) {
    let mut config = if scene.has_history {
        config(Retention::default())
    } else {
        Config::default()
    };
    config.max_handoff_bytes = scene.max_handoff_bytes;
    let pubsub = PubSub::new(config);
    let chat = channel("chat");
    let n_all = scene.threads.len() + scene.n_publishers;
    let barriers = [n_all, n_all].map(|n| Arc::new(Barrier::new(n)));
    thread::scope(|scope| {
        for readers in &scene.threads {
            scope.spawn(|| run_thread(&pubsub, &chat, readers, &barriers));
        }
        for publisher in 0..scene.n_publishers {
            let (pubsub, chat, barriers) = (&pubsub, &chat, &barriers);
            scope.spawn(move || {
                barriers[0].wait();
                for n in 0..scene.n_messages {
                    pubsub.publish(chat, format!("{publisher} {n}\n"), Scope::Cluster);
                }
                barriers[1].wait();
            });
        }
    });
    let stats = pubsub.stats();
    let n_end = scene.threads.len() as u64;
    let n_published = (scene.n_publishers * scene.n_messages) as u64 + n_end;
    assert_eq!(stats.n_published, n_published);
    assert_eq!(pubsub.presence(&chat).n_subscriptions, 0);
    assert_eq!(stats.n_panics, 0);
}

/// Takes all that a history brings, by streams of at most so many messages, each of which begins where
/// the last one was left.
async fn collect(pubsub: &PubSub, chat: &Channel, n_all: usize, n_piece: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut start = Start::Oldest;
    while lines.len() < n_all {
        // A thread that has no room for a subscription says so.
        let Ok(mut items) = pubsub.stream(chat, &from(start)) else {
            tokio::task::yield_now().await;
            continue;
        };
        for _ in 0..n_piece.min(n_all - lines.len()) {
            let item = poll_fn(|cx| Pin::new(&mut items).poll_next(cx)).await;
            let Some(Item::Publication(publication)) = item else {
                panic!("{item:?} behind {lines:?}");
            };
            start = Start::After(publication.cursor().unwrap());
            lines.push(publication.message().as_text().unwrap().to_owned());
        }
    }
    lines
}

/// What comes and goes on a channel with a history.
#[derive(Clone, Debug)]
struct Whole {
    n_threads: usize,
    n_publishers: usize,
    n_messages: usize,
    n_piece: usize,
    max_handoff_bytes: usize,
}

fn whole() -> impl Strategy<Value = Whole> {
    (
        prop::sample::select(&[1usize, 4][..]),
        1..4usize,
        1..300usize,
        1..200usize,
        prop::sample::select(&[300usize, 2000, 1 << 20][..]),
    )
        .prop_map(
            |(n_threads, n_publishers, n_messages, n_piece, max_handoff_bytes)| Whole {
                n_threads,
                n_publishers,
                n_messages,
                n_piece,
                max_handoff_bytes,
            },
        )
}

/// Readers that leave and come back, on several threads, while others publish: each gets every
/// message once, whatever found no room on its way.
fn play_whole(whole: &Whole) {
    let mut retention = Retention::default();
    retention.max_messages = usize::MAX;
    let mut config = config(retention);
    config.max_handoff_bytes = whole.max_handoff_bytes;
    let pubsub = PubSub::new(config);
    let chat = channel("chat");
    thread::scope(|scope| {
        for publisher in 0..whole.n_publishers {
            let (pubsub, chat) = (&pubsub, &chat);
            scope.spawn(move || {
                for n in 0..whole.n_messages {
                    pubsub.publish(chat, format!("{publisher} {n}"), Scope::Cluster);
                }
            });
        }
        for _ in 0..whole.n_threads {
            let (pubsub, chat) = (&pubsub, &chat);
            scope.spawn(move || {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                let n_all = whole.n_publishers * whole.n_messages;
                let collected = collect(pubsub, chat, n_all, whole.n_piece);
                let lines = runtime.block_on(collected);
                check_order(&lines, true);
            });
        }
    });
    let stats = pubsub.stats();
    assert_eq!((stats.n_gaps, stats.n_dropped_overflow), (0, 0));
}

/// Streams without a history that nobody reads: what was published, times the subscriptions, is
/// what was delivered and dropped.
fn play_counted(n_threads: usize, n_messages: usize, max_handoff_bytes: usize, policy: Policy) {
    let mut config = Config::default();
    config.max_handoff_bytes = max_handoff_bytes;
    config.max_stream_bytes = 1000;
    let pubsub = PubSub::new(config);
    let chat = channel("chat");
    let n_expected = 3 * (n_threads * n_threads * n_messages) as u64;
    let barrier = Barrier::new(n_threads);
    let n_accounted = || {
        let stats = pubsub.stats();
        let n_dropped = stats.n_dropped_slow + stats.n_dropped_closed + stats.n_dropped_overflow;
        stats.n_delivered + n_dropped
    };
    thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut options = Options::default();
                    options.policy = policy;
                    let streams = [(); 3].map(|()| pubsub.stream(&chat, &options));
                    barrier.wait();
                    for n in 0..n_messages {
                        pubsub.publish(&chat, n.to_string(), Scope::Cluster);
                    }
                    while n_accounted() < n_expected {
                        tokio::task::yield_now().await;
                    }
                    drop(streams);
                });
            });
        }
    });
    assert_eq!(n_accounted(), n_expected, "{:?}", pubsub.stats());
}

/// Parts of patterns, each with the rule that it stands for below.
const PARTS: [&str; 8] = ["*", "?", "a", "b", "[a-b]", "[^a]", "\\^", "[-c]"];

/// Says by trying everything whether a name follows the parts of a pattern.
fn follows(parts: &[&str], name: &str) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return name.is_empty();
    };
    if *part == "*" {
        return (0..=name.len()).any(|at| follows(rest, &name[at..]));
    }
    let is_one = |c: char| match *part {
        "?" => true,
        "[a-b]" => c == 'a' || c == 'b',
        "[^a]" => c != 'a',
        "\\^" => c == '^',
        "[-c]" => c == '-' || c == 'c',
        letter => letter.starts_with(c),
    };
    name.starts_with(is_one) && follows(rest, &name[1..])
}

fn config_of_tests(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config_of_tests(24))]

    #[test]
    fn each_publisher_is_heard_in_its_order_on_one_thread(scene in scene(1)) {
        play(&scene);
    }

    #[test]
    fn each_publisher_is_heard_in_its_order_on_four_threads(scene in scene(4)) {
        play(&scene);
    }

    #[test]
    fn who_leaves_and_comes_back_misses_nothing_and_hears_nothing_twice(whole in whole()) {
        play_whole(&whole);
    }

    #[test]
    fn every_message_is_delivered_or_counted_as_dropped(
        n_threads in prop::sample::select(&[1usize, 4][..]),
        n_messages in 1..300usize,
        max_handoff_bytes in prop::sample::select(&[600usize, 5000, 1 << 20][..]),
        policy in policy(),
    ) {
        play_counted(n_threads, n_messages, max_handoff_bytes, policy);
    }
}

proptest! {
    #![proptest_config(config_of_tests(500))]

    #[test]
    fn a_pattern_matches_what_its_rules_say(
        parts in prop::collection::vec(prop::sample::select(&PARTS[..]), 1..8),
        name in "[abc^-]{0,8}",
    ) {
        let pattern = Pattern::new(&parts.concat()).unwrap();
        prop_assert_eq!(pattern.matches(&name), follows(&parts, &name), "{}", pattern);
    }
}
