//! What all handles, dispatchers and subscriptions of one `PubSub` share, and how a message is
//! published.

mod announcing;
mod engines;
mod subscribing;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;

use astatine_reactor::handler::Message;

use crate::driver::config::Config;
use crate::driver::engine::Reply;
use crate::driver::handoff::Refusal;
use crate::driver::history::History;
use crate::driver::mailbox::Job;
use crate::driver::publication::{Publication, n_bytes};
use crate::driver::registry::Registry;
use crate::driver::scope::Scope;
use crate::driver::stats::{Counters, Stats};
use crate::driver::sync::{Mutex, read, write};
use crate::driver::tally::Tally;
use crate::proto::cursor::Cursor;
use crate::proto::name::Channel;

use announcing::Announcements;
pub(crate) use engines::{Fetch, asked};

/// The world of one `PubSub`.
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) history: History,
    pub(crate) counters: Counters,
    registry: RwLock<Registry>,
    announcements: Mutex<Announcements>,
    next_id: AtomicU64,
    has_default_engine: AtomicBool,
    /// How many dispatchers a runtime of many threads gets.
    n_cores: u64,
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
            n_cores: thread::available_parallelism().map_or(1, NonZeroUsize::get) as u64,
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
        let n_bytes = n_bytes(&message);
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

    /// Hands a message to each thread that has subscribers for it.
    fn hand_out(&self, publication: &Publication, tally: Option<&Arc<Tally>>) {
        read(&self.registry).route(publication.channel(), |shard, n_subscriptions| {
            // A thread that has ended has no subscribers any more.
            if shard.deliver(publication, tally) == Err(Refusal::Full) {
                let is_repaired = publication.cursor().is_some();
                self.count(|stats| {
                    stats.n_overflows = 1;
                    if !is_repaired {
                        stats.n_dropped_overflow = n_subscriptions as u64;
                    }
                });
            }
        });
    }

    fn count(&self, change: impl FnOnce(&mut Stats)) {
        let mut stats = Stats::default();
        change(&mut stats);
        self.counters.add(&stats);
    }

    pub(crate) fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
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
