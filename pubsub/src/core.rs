//! What all handles, dispatchers and subscriptions of one `PubSub` share.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock, RwLockWriteGuard};

use astatine_reactor::handler::Message;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::config::{Change, Config, Options, Start};
use crate::dispatcher::Dispatcher;
use crate::error::SubscribeError;
use crate::handoff::Refusal;
use crate::history::History;
use crate::proto::cursor::Cursor;
use crate::proto::name::{Channel, Name};
use crate::publication::Publication;
use crate::registry::{Effects, Entry, Owner, Registry};
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
}

/// Changes that are still to be announced, in their order.
#[derive(Default)]
struct Announcements {
    changes: VecDeque<Change>,
    /// Whether somebody is about to announce them.
    is_taken: bool,
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
        })
    }

    /// Publishes in this process.
    pub(crate) fn publish(
        &self,
        channel: &Channel,
        message: Message,
        tally: Option<&Arc<Tally>>,
    ) -> Option<Cursor> {
        self.counters.add(&Stats {
            n_published: 1,
            ..Stats::default()
        });
        let n_bytes = message.payload().len();
        let mut message = Some(message);
        let mut make = |cursor| {
            let message = message.take().expect("a message is published once");
            Publication::new(channel.clone(), message, cursor, self.config.envelope)
        };
        let send = |publication: &Publication| self.hand_out(publication, tally);
        let cursor = self
            .history
            .append(channel, n_bytes, |cursor| make(Some(cursor)), send);
        if cursor.is_none() {
            self.hand_out(&make(None), tally);
        }
        cursor
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
            Name::Channel(channel) => self.history.begin(channel),
            Name::Pattern(_) if options.start != Start::Now => {
                return Err(SubscribeError::PatternHistory);
            }
            Name::Pattern(_) => None,
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
        let mut effects = Effects::default();
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
        let is_new = registry.add(owner, &shard, entry, &mut effects);
        if let Some(old) = replaced {
            drop(registry.remove(owner, old, &mut effects));
        }
        self.settle(effects, registry);
        Ok(is_new)
    }

    pub(crate) fn unsubscribe(&self, owner: Owner, name: &Name) -> bool {
        let mut effects = Effects::default();
        let mut registry = write(&self.registry);
        let id = registry.id(owner, name);
        let Some((shard, entry)) = id.and_then(|id| registry.remove(owner, id, &mut effects))
        else {
            return false;
        };
        shard.unsubscribe(entry);
        self.settle(effects, registry);
        true
    }

    /// Ends all subscriptions of an owner that is gone.
    pub(crate) fn leave(&self, owner: Owner) {
        let mut effects = Effects::default();
        let mut registry = write(&self.registry);
        if let Some((shard, entries)) = registry.remove_owner(owner, &mut effects) {
            for entry in entries {
                shard.unsubscribe(entry);
            }
        }
        self.settle(effects, registry);
    }

    /// Ends what a thread has served that has ended.
    pub(crate) fn forget_shard(&self, shard: &Arc<Shard>) {
        let mut effects = Effects::default();
        let mut registry = write(&self.registry);
        registry.remove_shard(shard, &mut effects);
        self.settle(effects, registry);
    }

    pub(crate) fn presence(&self, channel: &Channel) -> (usize, Vec<(Arc<str>, usize)>) {
        read(&self.registry).presence(channel)
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
    fn settle(&self, effects: Effects, registry: RwLockWriteGuard<'_, Registry>) {
        let Some(announce) = &self.config.announce else {
            return;
        };
        let mut announcements = lock(&self.announcements);
        announcements.changes.extend(effects.changes);
        drop(registry);
        if std::mem::replace(&mut announcements.is_taken, true) {
            return;
        }
        while let Some(change) = announcements.changes.pop_front() {
            drop(announcements);
            let made = catch_unwind(AssertUnwindSafe(|| announce(&change)));
            match made {
                Ok(Some((channel, message))) => drop(self.publish(&channel, message, None)),
                Ok(None) => {}
                Err(_) => self.counters.add(&Stats {
                    n_panics: 1,
                    ..Stats::default()
                }),
            }
            announcements = lock(&self.announcements);
        }
        announcements.is_taken = false;
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        for shard in &write(&self.registry).shards {
            shard.handoff.close();
        }
    }
}
