//! Subscriptions: made, replaced, ended, and the thread that serves them.

use std::sync::Arc;

use astatine_reactor::handler::Peer;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::Core;
use crate::driver::config::{Options, Start};
use crate::driver::dispatcher::Dispatcher;
use crate::driver::handoff::Refusal;
use crate::driver::pubsub::Presence;
use crate::driver::registry::{Entry, Owner};
use crate::driver::shard::{Key, Shard, Subscribe};
use crate::driver::subscriber::{Subscriber, Target};
use crate::driver::sync::{read, write};
use crate::error::SubscribeError;
use crate::proto::name::{Channel, Name};

impl Core {
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
            return Err((refusal.into(), order.subscriber));
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
        shard.hand_over(entry, peer).map_err(SubscribeError::from)
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

    pub(crate) fn n_subscribers(&self) -> usize {
        read(&self.registry).n_owners()
    }

    pub(crate) fn presence(&self, channel: &Channel) -> Presence {
        read(&self.registry).presence(channel)
    }

    /// Returns the shard that is to serve an owner: of the runtime of the caller, where there is
    /// one.
    fn shard(self: &Arc<Self>, owner: Owner, id: u64) -> Arc<Shard> {
        let runtime = Handle::try_current().ok();
        let n_cores = match runtime.as_ref().map(Handle::runtime_flavor) {
            Some(RuntimeFlavor::MultiThread) => self.n_cores,
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
}

impl From<Refusal> for SubscribeError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full => Self::Busy,
            Refusal::Closed => Self::Closed,
        }
    }
}
