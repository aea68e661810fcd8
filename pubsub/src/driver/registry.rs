//! Who subscribes to what in this process, and which threads are to be handed a message.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use astatine_reactor::handler::PeerId;
use foldhash::quality::RandomState;

use super::config::{Change, Move};
use super::engine::EngineId;
use super::mailbox::Mailbox;
use super::pubsub::Presence;
use super::shard::{Key, Shard};
use crate::proto::name::{Channel, Name};

/// Everything that is subscribed to.
#[derive(Default)]
pub(crate) struct Registry {
    channels: HashMap<Channel, Topic, RandomState>,
    patterns: BTreeMap<Name, Topic>,
    /// Which threads serve patterns, with the number of subscriptions: a publisher leaves it to
    /// them to see what matches, since it pays for threads alone.
    pattern_shards: Vec<(Arc<Shard>, usize)>,
    owners: HashMap<Owner, Client, RandomState>,
    pub(crate) shards: Vec<Arc<Shard>>,
    pub(crate) engines: Vec<Arc<Mailbox>>,
    /// The engine that owns the histories, and carries what has no other.
    pub(crate) default_engine: Option<Arc<Mailbox>>,
}

/// Who has subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    Peer(PeerId),
    /// A callback or a stream, by the id of its only subscription.
    Own(u64),
}

/// A channel or a pattern with subscriptions.
#[derive(Default)]
struct Topic {
    shards: Vec<(Arc<Shard>, usize)>,
    users: BTreeMap<Arc<str>, usize>,
}

/// The subscriptions of one owner, all served by one thread.
struct Client {
    shard: Arc<Shard>,
    entries: Vec<Entry>,
}

/// One subscription.
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) name: Name,
    pub(crate) user: Option<Arc<str>>,
}

impl Registry {
    pub(crate) fn shard(&self, key: Key) -> Option<&Arc<Shard>> {
        self.shards.iter().find(|shard| shard.key == key)
    }

    pub(crate) fn shard_of(&self, owner: Owner) -> Option<&Arc<Shard>> {
        self.owners.get(&owner).map(|client| &client.shard)
    }

    pub(crate) fn n_owners(&self) -> usize {
        self.owners.len()
    }

    pub(crate) fn n_subscriptions_of(&self, owner: Owner) -> usize {
        self.owners
            .get(&owner)
            .map_or(0, |client| client.entries.len())
    }

    /// Returns the id of an owner's subscription.
    pub(crate) fn id(&self, owner: Owner, name: &Name) -> Option<u64> {
        let entries = &self.owners.get(&owner)?.entries;
        let entry = entries.iter().find(|entry| entry.name == *name)?;
        Some(entry.id)
    }

    /// Returns an owner's first subscription, and the shard that serves it.
    pub(crate) fn first(&self, owner: Owner) -> Option<(&Arc<Shard>, &Entry)> {
        let client = self.owners.get(&owner)?;
        Some((&client.shard, client.entries.first()?))
    }

    /// Notes a subscription; tells whether the owner is a new one.
    pub(crate) fn add(
        &mut self,
        owner: Owner,
        shard: &Arc<Shard>,
        entry: Entry,
        changes: &mut Vec<Change>,
    ) -> bool {
        let topic = match &entry.name {
            Name::Channel(channel) => self.channels.entry(channel.clone()).or_default(),
            Name::Pattern(_) => {
                count_in(&mut self.pattern_shards, shard);
                self.patterns.entry(entry.name.clone()).or_default()
            }
        };
        if topic.shards.is_empty() {
            note(&self.engines, &entry.name, Move::Join);
        }
        topic.add(shard, &entry, changes);
        let mut is_new = false;
        let client = self.owners.entry(owner).or_insert_with(|| {
            is_new = true;
            Client {
                shard: Arc::clone(shard),
                entries: Vec::with_capacity(1),
            }
        });
        client.entries.push(entry);
        is_new
    }

    /// Forgets an owner's subscription, and returns the shard that serves it.
    pub(crate) fn remove(
        &mut self,
        owner: Owner,
        id: u64,
        changes: &mut Vec<Change>,
    ) -> Option<(Arc<Shard>, Entry)> {
        let client = self.owners.get_mut(&owner)?;
        let at = client.entries.iter().position(|entry| entry.id == id)?;
        let entry = client.entries.swap_remove(at);
        let shard = Arc::clone(&client.shard);
        self.leave(&shard, &entry, changes);
        Some((shard, entry))
    }

    /// Forgets an owner with all its subscriptions.
    pub(crate) fn remove_owner(
        &mut self,
        owner: Owner,
        changes: &mut Vec<Change>,
    ) -> Option<(Arc<Shard>, Vec<Entry>)> {
        let client = self.owners.remove(&owner)?;
        for entry in &client.entries {
            self.leave(&client.shard, entry, changes);
        }
        Some((client.shard, client.entries))
    }

    /// Forgets a thread with all that it serves.
    pub(crate) fn remove_shard(&mut self, shard: &Arc<Shard>, changes: &mut Vec<Change>) {
        self.shards.retain(|other| !Arc::ptr_eq(other, shard));
        let mut entries = Vec::new();
        self.owners.retain(|_, client| {
            let is_here = Arc::ptr_eq(&client.shard, shard);
            if is_here {
                entries.append(&mut client.entries);
            }
            !is_here
        });
        for entry in &entries {
            self.leave(shard, entry, changes);
        }
    }

    /// Calls with each thread that is to have a message on a channel, and how many subscriptions to
    /// that very channel it serves.
    pub(crate) fn route(&self, channel: &Channel, mut f: impl FnMut(&Arc<Shard>, usize)) {
        let topic = self.channels.get(channel);
        let direct = topic.map_or(&[][..], |topic| &topic.shards);
        for (shard, n) in direct {
            f(shard, *n);
        }
        for (shard, _) in &self.pattern_shards {
            if !direct.iter().any(|(other, _)| Arc::ptr_eq(other, shard)) {
                f(shard, 0);
            }
        }
    }

    pub(crate) fn presence(&self, channel: &Channel) -> Presence {
        let Some(topic) = self.channels.get(channel) else {
            return Presence::default();
        };
        let users = topic.users.iter();
        Presence {
            n_subscriptions: topic.n_subscriptions(),
            users: users.map(|(user, n)| (Arc::clone(user), *n)).collect(),
        }
    }

    /// Lists all names that are subscribed to.
    pub(crate) fn names(&self) -> Vec<Name> {
        let patterns = self.patterns.keys().cloned();
        #[expect(
            clippy::disallowed_methods,
            reason = "engines are told them in another order"
        )]
        let channels = self.channels.keys().map(Name::from);
        patterns.chain(channels).collect()
    }

    pub(crate) fn engine(&self, id: EngineId) -> Option<&Arc<Mailbox>> {
        self.engines.iter().find(|engine| engine.id == id)
    }

    fn leave(&mut self, shard: &Arc<Shard>, entry: &Entry, changes: &mut Vec<Change>) {
        let topic = match &entry.name {
            Name::Channel(channel) => self.channels.get_mut(channel),
            Name::Pattern(_) => {
                count_out(&mut self.pattern_shards, shard);
                self.patterns.get_mut(&entry.name)
            }
        };
        let Some(topic) = topic else {
            return;
        };
        topic.leave(shard, entry, changes);
        if topic.shards.is_empty() {
            note(&self.engines, &entry.name, Move::Leave);
            match &entry.name {
                Name::Channel(channel) => drop(self.channels.remove(channel)),
                Name::Pattern(_) => drop(self.patterns.remove(&entry.name)),
            }
        }
    }
}

impl Topic {
    fn n_subscriptions(&self) -> usize {
        self.shards.iter().map(|(_, n)| n).sum()
    }

    fn add(&mut self, shard: &Arc<Shard>, entry: &Entry, changes: &mut Vec<Change>) {
        count_in(&mut self.shards, shard);
        let is_first = entry.user.as_ref().is_none_or(|user| {
            let n = self.users.entry(Arc::clone(user)).or_default();
            *n += 1;
            *n == 1
        });
        self.note(entry, Move::Join, is_first, changes);
    }

    fn leave(&mut self, shard: &Arc<Shard>, entry: &Entry, changes: &mut Vec<Change>) {
        count_out(&mut self.shards, shard);
        let is_last = entry.user.as_ref().is_none_or(|user| {
            let n = self.users.get(user).copied().unwrap_or_default();
            if n > 1 {
                self.users.insert(Arc::clone(user), n - 1);
            } else {
                self.users.remove(user);
            }
            n <= 1
        });
        self.note(entry, Move::Leave, is_last, changes);
    }

    fn note(&self, entry: &Entry, what: Move, is_change: bool, changes: &mut Vec<Change>) {
        if let (Name::Channel(channel), true) = (&entry.name, is_change) {
            changes.push(Change {
                channel: channel.clone(),
                user: entry.user.clone(),
                what,
                n_subscriptions: self.n_subscriptions(),
            });
        }
    }
}

fn note(engines: &[Arc<Mailbox>], name: &Name, what: Move) {
    engines.iter().for_each(|engine| engine.note(name, what));
}

/// Counts one more subscription of a thread.
fn count_in(shards: &mut Vec<(Arc<Shard>, usize)>, shard: &Arc<Shard>) {
    match place(shards, shard) {
        Some(at) => shards[at].1 += 1,
        None => shards.push((Arc::clone(shard), 1)),
    }
}

/// Counts one less; a thread without is left out.
fn count_out(shards: &mut Vec<(Arc<Shard>, usize)>, shard: &Arc<Shard>) {
    if let Some(at) = place(shards, shard) {
        shards[at].1 -= 1;
        if shards[at].1 == 0 {
            shards.swap_remove(at);
        }
    }
}

fn place(shards: &[(Arc<Shard>, usize)], shard: &Arc<Shard>) -> Option<usize> {
    shards
        .iter()
        .position(|(other, _)| Arc::ptr_eq(other, shard))
}
