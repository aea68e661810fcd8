//! Engines: what they are told, what they carry, and that they hurt nobody.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use astatine_pubsub::{
    Channel, Cursor, Engine, EngineError, Inlet, Name, Options, Pattern, PubSub, Replay, Reply,
    Retention, Scope, Start,
};
use astatine_reactor::handler::Message;

use crate::history::{config, from};
use crate::line::Line;
use crate::subscribe::{channel, next};

/// Tells a test what it is told, and keeps histories as another process would.
struct Remote {
    told: SyncSender<String>,
    inlet: Option<Inlet>,
    logs: BTreeMap<Channel, Vec<(Cursor, Message)>>,
    /// Whether the first answer is sent behind the next message, which it has not seen.
    is_late: bool,
    late: Option<(Reply<Page>, Page)>,
}

type Page = Replay<(Cursor, Message)>;

/// Makes an engine, and what it tells.
fn remote() -> (Remote, Receiver<String>) {
    let (told, tells) = sync_channel(1000);
    let remote = Remote {
        told,
        inlet: None,
        logs: BTreeMap::new(),
        is_late: false,
        late: None,
    };
    (remote, tells)
}

impl Remote {
    fn tell(&self, what: String) {
        self.told.try_send(what).unwrap_or_default();
    }
}

impl Engine for Remote {
    fn attached(&mut self, inlet: Inlet) {
        self.inlet = Some(inlet);
    }

    fn subscribe(&mut self, name: &Name) {
        self.tell(format!("+{name}"));
    }

    fn unsubscribe(&mut self, name: &Name) {
        self.tell(format!("-{name}"));
    }

    fn publish(&mut self, channel: &Channel, message: Message, scope: Scope) {
        let text = message.as_text().unwrap();
        assert_ne!(text, "panic");
        self.tell(format!("{channel}: {text}"));
        let inlet = self.inlet.as_ref().unwrap();
        if scope == Scope::Cluster {
            inlet.deliver(channel, message, None);
        }
    }

    fn append(&mut self, channel: &Channel, message: Message, reply: Reply<Cursor>) {
        let log = self.logs.entry(channel.clone()).or_default();
        let offset = log.len() as u64 + 1;
        let cursor = Cursor { epoch: 9, offset };
        log.push((cursor, message.clone()));
        // Some never arrive.
        if message.as_text() != Some("lost") {
            let inlet = self.inlet.as_ref().unwrap();
            inlet.deliver(channel, message, Some(cursor));
        }
        if let Some((reply, page)) = self.late.take() {
            reply.send(page);
        }
        reply.send(cursor);
    }

    fn since(&mut self, channel: &Channel, after: Option<Cursor>, max: usize, reply: Reply<Page>) {
        let log = self.logs.get(channel).map_or(&[][..], Vec::as_slice);
        let from = after.map_or(0, |cursor| cursor.offset as usize);
        let entries: Vec<_> = log.iter().skip(from).take(max).cloned().collect();
        let offset = (from + entries.len()) as u64;
        let page = Replay {
            entries,
            has_gap: false,
            cursor: Cursor { epoch: 9, offset },
        };
        if std::mem::take(&mut self.is_late) {
            self.late = Some((reply, page));
            self.tell("asked".to_owned());
        } else {
            reply.send(page);
        }
    }

    fn request(&mut self, command: Box<dyn Any + Send>, reply: Reply<Box<dyn Any + Send>>) {
        // What is no text is not answered.
        if let Ok(text) = command.downcast::<String>() {
            reply.send(Box::new(text.to_uppercase()));
        }
    }
}

#[tokio::test]
async fn an_engine_hears_of_each_name_once_however_many_subscribe() {
    let pubsub = PubSub::default();
    let (old, new) = (channel("old"), channel("new"));
    let pattern = Pattern::new("p*").unwrap();
    let options = Options::default();
    let first = pubsub.stream(&old, &options).unwrap();
    let (engine, tells) = remote();
    let engine = pubsub.attach(engine);
    assert_eq!(tells.recv().unwrap(), "+old");
    let line = Line::connect().await;
    let second = pubsub.stream(&old, &options).unwrap();
    pubsub.subscribe(&line.peer, &pattern, &options).unwrap();
    assert_eq!(tells.recv().unwrap(), "+p*");
    pubsub.subscribe(&line.peer, &pattern, &options).unwrap();
    drop(first);
    let third = pubsub.stream(&new, &options).unwrap();
    assert_eq!(tells.recv().unwrap(), "+new");
    drop(second);
    assert_eq!(tells.recv().unwrap(), "-old");
    assert!(pubsub.reset(engine));
    let mut again = [tells.recv().unwrap(), tells.recv().unwrap()];
    again.sort();
    assert_eq!(again, ["+new", "+p*"]);
    assert!(pubsub.detach(engine));
    drop(third);
    // The engine is dropped with its end of the channel.
    assert!(tells.recv().is_err());
    assert!(!pubsub.detach(engine) && !pubsub.reset(engine));
    assert!(!pubsub.set_default_engine(engine));
    pubsub.publish(&new, "a", Scope::Engine(engine));
    assert_eq!(pubsub.stats().n_dropped_engine, 1);
}

#[tokio::test]
async fn scopes_say_who_carries_a_message() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    let mut items = pubsub.stream(&chat, &Options::default()).unwrap();
    let (engine, tells) = remote();
    let engine = pubsub.attach(engine);
    assert_eq!(tells.recv().unwrap(), "+chat");
    // Without a default engine, this process is the cluster.
    for (text, scope) in [
        ("cluster", Scope::Cluster),
        ("siblings", Scope::Siblings),
        ("root", Scope::Root),
        ("engine", Scope::Engine(engine)),
        ("process", Scope::Process),
    ] {
        pubsub.publish(&chat, text, scope);
    }
    for expected in ["cluster", "root", "process"] {
        assert_eq!(next(&mut items).await.as_deref(), Some(expected));
    }
    assert_eq!(tells.recv().unwrap(), "chat: engine");
    assert!(pubsub.set_default_engine(engine));
    for (text, scope) in [
        ("siblings", Scope::Siblings),
        ("root", Scope::Root),
        ("cluster", Scope::Cluster),
    ] {
        pubsub.publish(&chat, text, scope);
        assert_eq!(tells.recv().unwrap(), format!("chat: {text}"));
    }
    assert_eq!(next(&mut items).await.as_deref(), Some("cluster"));
    pubsub.publish(&chat, "process", Scope::Process);
    assert_eq!(next(&mut items).await.as_deref(), Some("process"));
    assert!(pubsub.set_default_engine(None));
    pubsub.publish(&chat, "alone", Scope::Cluster);
    assert_eq!(next(&mut items).await.as_deref(), Some("alone"));
    assert!(tells.try_recv().is_err());
}

/// Makes channels whose histories an engine owns, and one of them.
fn owned_by_engine() -> (PubSub, Channel) {
    let pubsub = PubSub::new(config(Retention::default()));
    let (engine, _tells) = remote();
    let engine = pubsub.attach(engine);
    assert!(pubsub.set_default_engine(engine));
    (pubsub, channel("chat"))
}

#[tokio::test]
async fn an_engine_that_owns_the_histories_repairs_what_was_lost() {
    let (pubsub, chat) = owned_by_engine();
    let mut live = pubsub.stream(&chat, &Options::default()).unwrap();
    let mut cursors = Vec::new();
    for text in ["1", "lost", "3", "lost", "lost", "6"] {
        let receipt = pubsub.publish_counted(&chat, text, Scope::Cluster).await;
        cursors.push(receipt.cursor.unwrap());
    }
    let expected = ["1", "lost", "3", "lost", "lost", "6"];
    for text in expected {
        assert_eq!(next(&mut live).await.as_deref(), Some(text));
    }
    let start = from(Start::After(cursors[1]));
    let mut resumed = pubsub.stream(&chat, &start).unwrap();
    for text in &expected[2..] {
        assert_eq!(next(&mut resumed).await.as_deref(), Some(*text));
    }
    let replay = pubsub.history(&chat, Some(cursors[4]), 9).await;
    let replay = replay.unwrap().unwrap();
    assert_eq!(replay.entries[0].cursor(), Some(cursors[5]));
    assert_eq!(pubsub.stats().n_gaps, 0);
}

#[tokio::test]
async fn who_subscribes_anew_while_an_engine_is_asked_misses_nothing() {
    let (pubsub, chat) = owned_by_engine();
    let published = pubsub.publish_counted(&chat, "before.", Scope::Cluster);
    assert!(published.await.cursor.is_some());
    let mut line = Line::connect().await;
    for start in [Start::Oldest, Start::Now] {
        pubsub.subscribe(&line.peer, &chat, &from(start)).unwrap();
    }
    assert_eq!(line.read_until(".").await, "before.");
}

#[tokio::test]
async fn what_comes_while_an_engine_is_asked_is_neither_missing_nor_twice() {
    const N: usize = 500;
    let (pubsub, chat) = owned_by_engine();
    let first = pubsub.publish_counted(&chat, "0", Scope::Cluster).await;
    let start = from(Start::After(first.cursor.unwrap()));
    let mut streams = Vec::new();
    for n in 1..=N {
        pubsub.publish(&chat, n.to_string(), Scope::Cluster);
        if n % 50 == 0 {
            streams.push(pubsub.stream(&chat, &start).unwrap());
            tokio::task::yield_now().await;
        }
    }
    for items in &mut streams {
        for n in 1..=N {
            assert_eq!(next(items).await, Some(n.to_string()));
        }
    }
}

#[tokio::test]
async fn what_an_answer_has_not_seen_yet_is_asked_for_again() {
    let pubsub = PubSub::new(config(Retention::default()));
    let chat = channel("chat");
    let (mut engine, tells) = remote();
    engine.is_late = true;
    let engine = pubsub.attach(engine);
    assert!(pubsub.set_default_engine(engine));
    let first = pubsub.publish_counted(&chat, "1", Scope::Cluster).await;
    pubsub.publish(&chat, "2", Scope::Cluster);
    let start = from(Start::After(first.cursor.unwrap()));
    let mut items = pubsub.stream(&chat, &start).unwrap();
    tokio::task::yield_now().await;
    while tells.recv().unwrap() != "asked" {}
    pubsub.publish(&chat, "3", Scope::Cluster);
    for text in ["2", "3"] {
        assert_eq!(next(&mut items).await.as_deref(), Some(text));
    }
}

#[tokio::test]
async fn a_request_is_answered_or_fails() {
    let pubsub = PubSub::default();
    let (engine, _tells) = remote();
    let engine = pubsub.attach(engine);
    let answer = pubsub.request(engine, Box::new("a".to_owned())).await;
    assert_eq!(*answer.unwrap().downcast::<String>().unwrap(), "A");
    let unanswered = pubsub.request(engine, Box::new(1)).await.unwrap_err();
    assert_eq!(unanswered, EngineError::Unanswered);
    assert!(pubsub.detach(engine));
    let detached = pubsub.request(engine, Box::new(1)).await.unwrap_err();
    assert_eq!(detached, EngineError::Detached);
}

#[tokio::test]
async fn an_engine_that_panics_is_called_again() {
    let pubsub = PubSub::default();
    let chat = channel("chat");
    let (engine, tells) = remote();
    let engine = pubsub.attach(engine);
    pubsub.publish(&chat, "panic", Scope::Engine(engine));
    pubsub.publish(&chat, "on", Scope::Engine(engine));
    assert_eq!(tells.recv().unwrap(), "chat: on");
    assert_eq!(pubsub.stats().n_panics, 1);
}

/// Tells that it is told of a name, and then does nothing until it is let.
struct Stuck(SyncSender<String>, Receiver<()>);

impl Engine for Stuck {
    fn subscribe(&mut self, name: &Name) {
        self.0.try_send(name.to_string()).unwrap_or_default();
        self.1.recv().unwrap_or_default();
    }

    fn publish(&mut self, _channel: &Channel, _message: Message, _scope: Scope) {}

    fn append(&mut self, _channel: &Channel, _message: Message, _reply: Reply<Cursor>) {}

    fn since(
        &mut self,
        _channel: &Channel,
        _after: Option<Cursor>,
        _max: usize,
        _reply: Reply<Page>,
    ) {
    }
}

#[tokio::test]
async fn an_engine_that_blocks_holds_up_nobody_and_its_queue_is_bounded() {
    let mut config = config(Retention::default());
    config.max_handoff_bytes = 10_000;
    let pubsub = PubSub::new(config);
    let chat = channel("chat");
    let (told, _tells) = sync_channel(1);
    let (let_on, waits) = sync_channel(1);
    let engine = pubsub.attach(Stuck(told, waits));
    let mut items = pubsub.stream(&chat, &Options::default()).unwrap();
    for _ in 0..100 {
        pubsub.publish(&chat, vec![0; 1000], Scope::Engine(engine));
    }
    assert!(pubsub.stats().n_dropped_engine > 80);
    pubsub.publish(&chat, "a", Scope::Cluster);
    assert_eq!(next(&mut items).await.as_deref(), Some("a"));
    // As the default it owns the histories, and tells nothing of them.
    assert!(pubsub.set_default_engine(engine));
    let after = Cursor {
        epoch: 1,
        offset: 2,
    };
    let mut resumed = pubsub.stream(&chat, &from(Start::After(after))).unwrap();
    drop(let_on);
    let gap = next(&mut resumed).await;
    assert_eq!(gap.as_deref(), Some("gap in chat to 2"));
    pubsub.publish(&chat, "b", Scope::Process);
    assert_eq!(next(&mut resumed).await.as_deref(), Some("b"));
}

#[tokio::test]
async fn a_name_that_comes_back_while_the_engine_is_busy_is_not_told_again() {
    let pubsub = PubSub::default();
    let (told, tells) = sync_channel(10);
    let (let_on, waits) = sync_channel(1);
    pubsub.attach(Stuck(told, waits));
    let options = Options::default();
    let first = pubsub.stream(channel("a"), &options).unwrap();
    assert_eq!(tells.recv().unwrap(), "a");
    drop(first);
    let _again = pubsub.stream(channel("a"), &options).unwrap();
    let _other = pubsub.stream(channel("b"), &options).unwrap();
    drop(let_on);
    assert_eq!(tells.recv().unwrap(), "b");
}
