//! What all handles, dispatchers and subscriptions of one `PubSub` share.

use std::any::Any;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock, RwLockWriteGuard};

use astatine_reactor::handler::{Message, Peer};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use crate::config::{Change, Config, Options, Start};
use crate::dispatcher::Dispatcher;
use crate::engine::{Engine, EngineError, EngineId, Inlet, Reply};
use crate::error::SubscribeError;
use crate::handoff::Refusal;
use crate::history::History;
use crate::mailbox::{Job, Mailbox};
use crate::proto::cursor::Cursor;
use crate::proto::log::Replay;
use crate::proto::name::{Channel, Name};
use crate::publication::Publication;
use crate::pubsub::Scope;
use crate::registry::{Entry, Owner, Registry};
use crate::shard::{Key, Shard, Subscribe};
use crate::stats::{Counters, Stats};
use crate::subscriber::{Subscriber, Target};
use crate::sync::{Mutex, lock, read, write};
use crate::tally::Tally;

pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) history: History,
    pub(crate) counters: Counters,
    registry: RwLock<Registry>,
    announcements: Mutex<Announcements>,
    next_id: AtomicU64,
    has_default_engine: AtomicBool,
}

/// Changes that are still to be announced, in their order.
#[derive(Default)]
struct Announcements {
    changes: VecDeque<Change>,
    /// Whether somebody is about to announce them.
    is_taken: bool,
}

/// What is known of a part of a history.
pub(crate) enum Fetch {
    /// This; nothing where there is no history.
    Now(Option<Replay<Publication>>),
    /// An engine answers to the subscription.
    Asked,
}

impl Core {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        Arc::new(Self {
            history: History::new(&config),
            config,
            counters: Counters::default(),
            registry: RwLock::default(),
            announcements: Mutex::default(),
            next_id: AtomicU64::new(1),
            has_default_engine: AtomicBool::new(false),
        })
    }

    /// Publishes a message as far as the scope says. `reply` is answered by the default engine where
    /// that gives the message its place.
    pub(crate) fn publish(
        &self,
        channel: &Channel,
        message: Message,
        scope: Scope,
        tally: Option<&Arc<Tally>>,
        reply: impl FnOnce() -> Reply<Cursor>,
    ) -> Option<Cursor> {
        self.count(|stats| stats.n_published = 1);
        let engine = match scope {
            Scope::Process => None,
            Scope::Cluster | Scope::Siblings | Scope::Root => self.default_engine(),
            Scope::Engine(id) => read(&self.registry).engine(id).map(Arc::clone),
        };
        let job = match (scope, &engine) {
            (Scope::Process, _) | (Scope::Cluster | Scope::Root, None) => {
                return self.publish_here(channel, message, tally);
            }
            (Scope::Siblings, None) => return None,
            (Scope::Cluster, Some(_)) if self.history.is_kept(channel) => {
                Job::Append(channel.clone(), message, reply())
            }
            _ => Job::Publish(channel.clone(), message, scope),
        };
        if !engine.is_some_and(|engine| engine.push(job)) {
            self.count(|stats| stats.n_dropped_engine = 1);
        }
        None
    }

    /// Publishes in this process, which keeps the history unless an engine does.
    fn publish_here(
        &self,
        channel: &Channel,
        message: Message,
        tally: Option<&Arc<Tally>>,
    ) -> Option<Cursor> {
        let n_bytes = message.payload().len();
        let mut message = Some(message);
        let mut make = |cursor| {
            let message = message.take().expect("a message is published once");
            Publication::new(channel.clone(), message, cursor, self.config.envelope)
        };
        let cursor = if self.owns_history() {
            let send = |publication: &Publication| self.hand_out(publication, tally);
            self.history
                .append(channel, n_bytes, |cursor| make(Some(cursor)), send)
        } else {
            None
        };
        if cursor.is_none() {
            self.hand_out(&make(None), tally);
        }
        cursor
    }

    /// Delivers what an engine brings.
    pub(crate) fn deliver(&self, channel: &Channel, message: Message, cursor: Option<Cursor>) {
        self.count(|stats| stats.n_published = 1);
        let envelope = self.config.envelope;
        let publication = Publication::new(channel.clone(), message, cursor, envelope);
        self.hand_out(&publication, None);
    }

    /// Returns what lies behind a place of a channel's history, or has the default engine asked,
    /// which answers to the subscription.
    pub(crate) fn since(
        &self,
        shard: &Arc<Shard>,
        channel: &Channel,
        after: Option<Cursor>,
        max: usize,
        subscription: u64,
    ) -> Fetch {
        let Some(engine) = self.default_engine() else {
            return Fetch::Now(self.history.since(channel, after, max));
        };
        if !self.history.is_kept(channel) {
            return Fetch::Now(None);
        }
        let (own, shard, envelope) = (channel.clone(), Arc::clone(shard), self.config.envelope);
        let reply = Reply::new(Box::new(move |replay: Result<Replay<_>, _>| {
            let replay = replay
                .ok()
                .map(|replay| publications(&own, replay, envelope));
            shard.fetched(own, subscription, replay);
        }));
        // Where there is no room, the reply says so.
        engine.push(Job::Since(channel.clone(), after, max, reply));
        Fetch::Asked
    }

    /// As [`Core::since`], for whoever is no subscription.
    pub(crate) async fn history(
        &self,
        channel: &Channel,
        after: Option<Cursor>,
        max: usize,
    ) -> Result<Option<Replay<Publication>>, EngineError> {
        let Some(engine) = self.default_engine() else {
            return Ok(self.history.since(channel, after, max));
        };
        if !self.history.is_kept(channel) {
            return Ok(None);
        }
        let (reply, answer) = asked();
        engine.push(Job::Since(channel.clone(), after, max, reply));
        let replay = answer.await.unwrap_or(Err(EngineError::Unanswered))?;
        let envelope = self.config.envelope;
        Ok(Some(publications(channel, replay, envelope)))
    }

    /// Has an engine do what only it knows.
    pub(crate) async fn request(
        &self,
        id: EngineId,
        command: Box<dyn Any + Send>,
    ) -> Result<Box<dyn Any + Send>, EngineError> {
        let engine = read(&self.registry).engine(id).map(Arc::clone);
        let engine = engine.ok_or(EngineError::Detached)?;
        let (reply, answer) = asked();
        engine.push(Job::Request(command, reply));
        answer.await.unwrap_or(Err(EngineError::Unanswered))
    }

    pub(crate) fn attach(self: &Arc<Self>, engine: Box<dyn Engine>) -> EngineId {
        let id = EngineId(self.new_id());
        let inlet = Inlet(Arc::downgrade(self));
        let mailbox = Mailbox::start(id, engine, inlet, self.config.max_handoff_bytes);
        let mut registry = write(&self.registry);
        mailbox.reset(registry.names());
        registry.engines.push(mailbox);
        id
    }

    pub(crate) fn detach(&self, id: EngineId) -> bool {
        let mut registry = write(&self.registry);
        let mut engines = registry.engines.iter();
        let Some(at) = engines.position(|engine| engine.id == id) else {
            return false;
        };
        let engine = registry.engines.swap_remove(at);
        let default_engine = &mut registry.default_engine;
        if default_engine.as_ref().is_some_and(|other| other.id == id) {
            *default_engine = None;
            self.has_default_engine.store(false, Ordering::Release);
        }
        drop(registry);
        engine.close();
        true
    }

    pub(crate) fn reset(&self, id: EngineId) -> bool {
        let registry = read(&self.registry);
        let engine = registry.engine(id);
        engine
            .map(|engine| engine.reset(registry.names()))
            .is_some()
    }

    pub(crate) fn set_default_engine(&self, id: Option<EngineId>) -> bool {
        let mut registry = write(&self.registry);
        let engine = id.and_then(|id| registry.engine(id).map(Arc::clone));
        if engine.is_none() && id.is_some() {
            return false;
        }
        self.has_default_engine
            .store(engine.is_some(), Ordering::Release);
        registry.default_engine = engine;
        true
    }

    /// Returns the default engine; without a lock where there is none.
    fn default_engine(&self) -> Option<Arc<Mailbox>> {
        if self.owns_history() {
            return None;
        }
        read(&self.registry).default_engine.as_ref().map(Arc::clone)
    }

    pub(crate) fn owns_history(&self) -> bool {
        !self.has_default_engine.load(Ordering::Acquire)
    }

    /// Hands a message to each thread that has subscribers for it.
    fn hand_out(&self, publication: &Publication, tally: Option<&Arc<Tally>>) {
        read(&self.registry).route(publication.channel(), |shard, n_subscriptions| {
            // A thread that has ended has no subscribers any more.
            if shard.deliver(publication, tally) == Err(Refusal::Full) {
                let is_repaired = publication.cursor().is_some();
                self.counters.add(&Stats {
                    n_overflows: 1,
                    n_dropped_overflow: if is_repaired {
                        0
                    } else {
                        n_subscriptions as u64
                    },
                    ..Stats::default()
                });
            }
        });
    }

    /// Adds a subscription; tells its id, and whether the owner is a new one. An owner's
    /// subscription to the same name is replaced.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        owner: Owner,
        id: u64,
        target: Target,
        name: Name,
        options: &Options,
    ) -> Result<bool, SubscribeError> {
        let head = match &name {
            Name::Channel(channel) if self.owns_history() => self.history.begin(channel),
            Name::Pattern(_) if options.start != Start::Now => {
                return Err(SubscribeError::PatternHistory);
            }
            _ => None,
        };
        let shard = self.shard(owner, id);
        let subscriber = Box::new(Subscriber::new(id, target, &name, options, head));
        let entry = Entry {
            id,
            name,
            user: options.user.clone(),
        };
        // What was refused is dropped here, outside the lock: it is foreign code.
        self.add(owner, shard, entry, subscriber)
            .map_err(|(error, _refused)| error)
    }

    fn add(
        &self,
        owner: Owner,
        shard: Arc<Shard>,
        entry: Entry,
        subscriber: Box<Subscriber>,
    ) -> Result<bool, (SubscribeError, Box<Subscriber>)> {
        let mut changes = Vec::new();
        let mut registry = write(&self.registry);
        // Another thread may have been faster in choosing the owner's.
        let shard = registry.shard_of(owner).map_or(shard, Arc::clone);
        let replaced = registry.id(owner, &entry.name);
        let max = self.config.max_subscriptions;
        if replaced.is_none() && registry.n_subscriptions_of(owner) >= max {
            return Err((SubscribeError::TooMany(max), subscriber));
        }
        let order = Subscribe {
            name: entry.name.clone(),
            subscriber,
            replaced,
        };
        if let Err((refusal, order)) = shard.subscribe(order) {
            let error = match refusal {
                Refusal::Full => SubscribeError::Busy,
                Refusal::Closed => SubscribeError::Closed,
            };
            return Err((error, order.subscriber));
        }
        let is_new = registry.add(owner, &shard, entry, &mut changes);
        if let Some(old) = replaced {
            drop(registry.remove(owner, old, &mut changes));
        }
        self.settle(changes, registry);
        Ok(is_new)
    }

    /// Makes a stream's subscription a connection's.
    pub(crate) fn hand_over(&self, owner: Owner, peer: &Peer) -> Result<(), SubscribeError> {
        let registry = read(&self.registry);
        let (shard, entry) = registry.first(owner).ok_or(SubscribeError::Closed)?;
        shard
            .hand_over(entry, peer)
            .map_err(|refusal| match refusal {
                Refusal::Full => SubscribeError::Busy,
                Refusal::Closed => SubscribeError::Closed,
            })
    }

    pub(crate) fn unsubscribe(&self, owner: Owner, name: &Name) -> bool {
        let mut changes = Vec::new();
        let mut registry = write(&self.registry);
        let id = registry.id(owner, name);
        let Some((shard, entry)) = id.and_then(|id| registry.remove(owner, id, &mut changes))
        else {
            return false;
        };
        shard.unsubscribe(entry);
        self.settle(changes, registry);
        true
    }

    /// Ends all subscriptions of an owner that is gone.
    pub(crate) fn leave(&self, owner: Owner) {
        let mut changes = Vec::new();
        let mut registry = write(&self.registry);
        if let Some((shard, entries)) = registry.remove_owner(owner, &mut changes) {
            for entry in entries {
                shard.unsubscribe(entry);
            }
        }
        self.settle(changes, registry);
    }

    /// Ends what a thread has served that has ended.
    pub(crate) fn forget_shard(&self, shard: &Arc<Shard>) {
        let mut changes = Vec::new();
        let mut registry = write(&self.registry);
        registry.remove_shard(shard, &mut changes);
        self.settle(changes, registry);
    }

    pub(crate) fn presence(&self, channel: &Channel) -> (usize, Vec<(Arc<str>, usize)>) {
        read(&self.registry).presence(channel)
    }

    fn count(&self, change: impl FnOnce(&mut Stats)) {
        let mut stats = Stats::default();
        change(&mut stats);
        self.counters.add(&stats);
    }

    pub(crate) fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the shard that is to serve an owner: of the runtime of the caller, where there is
    /// one.
    fn shard(self: &Arc<Self>, owner: Owner, id: u64) -> Arc<Shard> {
        let runtime = Handle::try_current().ok();
        let n_cores = match runtime.as_ref().map(Handle::runtime_flavor) {
            Some(RuntimeFlavor::MultiThread) => {
                std::thread::available_parallelism().map_or(1, NonZeroUsize::get) as u64
            }
            _ => 1,
        };
        let key = Key {
            runtime: runtime.as_ref().map(Handle::id),
            core: id % n_cores,
        };
        {
            let registry = read(&self.registry);
            if let Some(shard) = registry.shard_of(owner).or_else(|| registry.shard(key)) {
                return Arc::clone(shard);
            }
        }
        let mut registry = write(&self.registry);
        if let Some(shard) = registry.shard(key) {
            return Arc::clone(shard);
        }
        let shard = Arc::new(Shard::new(key, self.config.max_handoff_bytes));
        registry.shards.push(Arc::clone(&shard));
        drop(registry);
        // Outside the lock: a runtime that has ended drops it at once.
        let dispatcher = Dispatcher::new(self, Arc::clone(&shard));
        match runtime {
            Some(runtime) => drop(runtime.spawn(dispatcher.run())),
            None => dispatcher.run_on_own_thread(),
        }
        shard
    }

    /// Tells others of a change of the registry, in the order of the changes.
    fn settle(&self, changes: Vec<Change>, registry: RwLockWriteGuard<'_, Registry>) {
        let Some(announce) = &self.config.announce else {
            return;
        };
        let mut announcements = lock(&self.announcements);
        announcements.changes.extend(changes);
        drop(registry);
        if std::mem::replace(&mut announcements.is_taken, true) {
            return;
        }
        while let Some(change) = announcements.changes.pop_front() {
            drop(announcements);
            let made = catch_unwind(AssertUnwindSafe(|| announce(&change)));
            match made {
                Ok(Some((channel, message))) => {
                    self.count(|stats| stats.n_published = 1);
                    self.publish_here(&channel, message, None);
                }
                Ok(None) => {}
                Err(_) => self.count(|stats| stats.n_panics = 1),
            }
            announcements = lock(&self.announcements);
        }
        announcements.is_taken = false;
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let registry = write(&self.registry);
        registry
            .shards
            .iter()
            .for_each(|shard| shard.handoff.close());
        registry.engines.iter().for_each(|engine| engine.close());
    }
}

/// Makes a reply that can be waited for.
pub(crate) fn asked<T: Send + 'static>() -> (Reply<T>, oneshot::Receiver<Result<T, EngineError>>) {
    let (answer, answered) = oneshot::channel();
    let reply = Reply::new(Box::new(|result| {
        // Whoever has asked may have stopped waiting.
        drop(answer.send(result));
    }));
    (reply, answered)
}

fn publications(
    channel: &Channel,
    replay: Replay<(Cursor, Message)>,
    envelope: Option<fn(&Publication) -> Message>,
) -> Replay<Publication> {
    let entries = replay.entries.into_iter().map(|(cursor, message)| {
        Publication::new(channel.clone(), message, Some(cursor), envelope)
    });
    Replay {
        entries: entries.collect(),
        has_gap: replay.has_gap,
        cursor: replay.cursor,
    }
}
