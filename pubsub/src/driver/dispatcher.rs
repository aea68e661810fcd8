//! The task that serves the subscribers of one thread.

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::time::Duration;

use astatine_reactor::handler::Peer;
use foldhash::quality::RandomState;
use tokio::time::Instant;

use super::core::Core;
use super::group::{Bundled, FanOut, Group};
use super::handoff::Taken;
use super::publication::Publication;
use super::shard::{Delivery, Order, Shard, Subscribe};
use super::stats::Stats;
use super::subscriber::Subscriber;
use crate::proto::log::Replay;
use crate::proto::name::{Channel, Name};
use crate::proto::pattern::Pattern;

/// The subscribers of one thread. Nobody else touches them, so orders take effect in the order in
/// which they were given.
pub(crate) struct Dispatcher {
    core: Weak<Core>,
    shard: Arc<Shard>,
    channels: HashMap<Channel, Group, RandomState>,
    patterns: BTreeMap<Pattern, Group>,
    /// Subscribers that had no room for what they have missed.
    behind: Vec<(Channel, u64)>,
    /// What this turn may still do before others have theirs.
    n_left: usize,
}

impl Dispatcher {
    pub(crate) fn new(core: &Arc<Core>, shard: Arc<Shard>) -> Self {
        Self {
            core: Arc::downgrade(core),
            shard,
            channels: HashMap::default(),
            patterns: BTreeMap::new(),
            behind: Vec::new(),
            n_left: TURN,
        }
    }

    /// Serves until the last handle is dropped.
    pub(crate) async fn run(mut self) {
        let mut orders = Vec::new();
        let mut retry_at = None;
        loop {
            if !self.behind.is_empty() && retry_at.is_none() {
                retry_at = Some(Instant::now() + RETRY);
            }
            let taken = take(&self.shard, retry_at, &mut orders).await;
            let Some(core) = self.core.upgrade() else {
                return;
            };
            // Publishers that never pause must not keep others from their turn.
            self.spend(1).await;
            match taken {
                Some(Taken::Closed) => return,
                Some(Taken::All) => self.obey(&mut orders, &core).await,
                Some(Taken::SomeRefused) => {
                    self.obey(&mut orders, &core).await;
                    self.suspect_all(&core);
                }
                None => {}
            }
            if retry_at.is_some_and(|at| at <= Instant::now()) {
                retry_at = None;
                self.catch_up(&core);
            }
        }
    }

    /// Serves as [`Dispatcher::run`] does, on a thread that ends with it.
    pub(crate) fn run_on_own_thread(self) {
        let body = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build();
            // Without a runtime it is dropped, and with it its subscriptions.
            if let Ok(runtime) = runtime {
                runtime.block_on(self.run());
            }
        };
        let thread = std::thread::Builder::new().name("astatine-pubsub".into());
        drop(thread.spawn(body));
    }

    async fn obey(&mut self, orders: &mut Vec<Order>, core: &Core) {
        let mut deliveries = Vec::new();
        for order in orders.drain(..) {
            if let Order::Deliver(delivery) = order {
                deliveries.push(delivery);
                continue;
            }
            self.deliver(&mut deliveries, core).await;
            match order {
                Order::Subscribe(subscribe) => self.subscribe(subscribe, core),
                Order::Unsubscribe(name, id) => self.unsubscribe(&name, id),
                Order::HandOver(name, id, peer) => self.hand_over(&name, id, peer, core),
                Order::Fetched(channel, id, replay) => self.fetched(channel, id, replay, core),
                Order::Deliver(_) => {}
            }
            self.spend(1).await;
        }
        self.deliver(&mut deliveries, core).await;
    }

    /// Delivers what was published, by channels: so that all which one subscriber gets leaves in
    /// one write.
    async fn deliver(&mut self, deliveries: &mut Vec<Delivery>, core: &Core) {
        let mut places: HashMap<&Channel, usize, RandomState> = HashMap::default();
        let mut by_channel: Vec<(&Channel, Vec<&Delivery>)> = Vec::new();
        for delivery in &*deliveries {
            let channel = delivery.publication.channel();
            let place = *places.entry(channel).or_insert_with(|| {
                by_channel.push((channel, Vec::new()));
                by_channel.len() - 1
            });
            by_channel[place].1.push(delivery);
        }
        for (channel, deliveries) in by_channel {
            // Who has patterns is handed what none of them matches, too.
            self.spend(self.patterns.len().div_ceil(MATCHES)).await;
            self.fan_out(&Name::from(channel), channel, &deliveries, core)
                .await;
            let matching: Vec<Pattern> = self
                .patterns
                .keys()
                .filter(|pattern| pattern.matches(channel.as_str()))
                .cloned()
                .collect();
            for pattern in matching {
                self.fan_out(&Name::from(pattern), channel, &deliveries, core)
                    .await;
            }
        }
        deliveries.clear();
    }

    async fn fan_out(
        &mut self,
        name: &Name,
        channel: &Channel,
        deliveries: &[&Delivery],
        core: &Core,
    ) {
        let (mut behind, shard) = (Vec::new(), Arc::clone(&self.shard));
        let mut fan_out = FanOut {
            deliveries,
            bundled: Bundled::new(deliveries),
            channel,
            core,
            shard: &shard,
            next: 0,
            behind: &mut behind,
        };
        let cost = deliveries.len().div_ceil(TOGETHER);
        loop {
            let max = self.n_left.div_ceil(cost);
            let Some(group) = self.group(name) else {
                return;
            };
            let mut stats = Stats::default();
            let n = group.fan_out(&mut fan_out, max, &mut stats);
            core.counters.add(&stats);
            self.spend(n * cost).await;
            if n < max {
                break;
            }
        }
        self.behind.append(&mut behind);
    }

    fn subscribe(&mut self, subscribe: Subscribe, core: &Core) {
        let group = match &subscribe.name {
            Name::Channel(channel) => self.channels.entry(channel.clone()).or_default(),
            Name::Pattern(pattern) => self.patterns.entry(pattern.clone()).or_default(),
        };
        let id = subscribe.subscriber.id;
        let replaced = subscribe.replaced.and_then(|old| group.remove(old));
        let subscriber = group.add(*subscribe.subscriber);
        if let Some(old) = &replaced {
            subscriber.take_over(old);
        }
        if let Name::Channel(channel) = subscribe.name {
            if catch_up_one(subscriber, &channel, core, &self.shard) {
                self.behind.push((channel, id));
            }
        }
    }

    fn unsubscribe(&mut self, name: &Name, id: u64) {
        let Some(group) = self.group(name) else {
            return;
        };
        drop(group.remove(id));
        if group.is_empty() {
            match name {
                Name::Channel(channel) => drop(self.channels.remove(channel)),
                Name::Pattern(pattern) => drop(self.patterns.remove(pattern)),
            }
        }
    }

    fn hand_over(&mut self, name: &Name, id: u64, peer: Peer, core: &Core) {
        let group = self.group(name);
        if let Some(subscriber) = group.and_then(|group| group.get(id)) {
            let mut stats = Stats::default();
            subscriber.hand_over(peer, &mut stats);
            subscriber.flush();
            core.counters.add(&stats);
        }
    }

    fn fetched(
        &mut self,
        channel: Channel,
        id: u64,
        replay: Option<Replay<Publication>>,
        core: &Core,
    ) {
        let group = self.channels.get_mut(&channel);
        let Some(subscriber) = group.and_then(|group| group.get(id)) else {
            return;
        };
        let mut stats = Stats::default();
        let has_room = subscriber.answered(&channel, replay, &mut stats);
        subscriber.flush();
        core.counters.add(&stats);
        if !has_room || catch_up_one(subscriber, &channel, core, &self.shard) {
            self.behind.push((channel, id));
        }
    }

    /// Goes on with those who had no room.
    fn catch_up(&mut self, core: &Core) {
        for (channel, id) in std::mem::take(&mut self.behind) {
            let group = self.channels.get_mut(&channel);
            let Some(subscriber) = group.and_then(|group| group.get(id)) else {
                continue;
            };
            if catch_up_one(subscriber, &channel, core, &self.shard) {
                self.behind.push((channel, id));
            }
        }
    }

    /// Has everybody fall behind who may have missed something.
    fn suspect_all(&mut self, core: &Core) {
        for (channel, group) in &mut self.channels {
            if let Some(head) = core.history.cursor(channel) {
                for subscriber in group.iter_mut() {
                    if subscriber.suspect(head) {
                        self.behind.push((channel.clone(), subscriber.id));
                    }
                }
            }
        }
    }

    fn group(&mut self, name: &Name) -> Option<&mut Group> {
        match name {
            Name::Channel(channel) => self.channels.get_mut(channel),
            Name::Pattern(pattern) => self.patterns.get_mut(pattern),
        }
    }

    /// Counts what was done, and lets others have their turn when it was enough.
    async fn spend(&mut self, n: usize) {
        self.n_left -= n.min(self.n_left);
        if self.n_left == 0 {
            self.n_left = TURN;
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.shard.handoff.close();
        if let Some(core) = self.core.upgrade() {
            core.forget_shard(&self.shard);
        }
    }
}

/// Waits for orders; where somebody is behind, until it is time to try again.
async fn take(shard: &Shard, retry_at: Option<Instant>, orders: &mut Vec<Order>) -> Option<Taken> {
    let taken = poll_fn(|cx| shard.handoff.poll_take(orders, cx));
    match retry_at {
        Some(at) => tokio::time::timeout_at(at, taken).await.ok(),
        None => Some(taken.await),
    }
}

/// Gives a subscriber what it has missed; tells whether there was no room for all.
fn catch_up_one(
    subscriber: &mut Subscriber,
    channel: &Channel,
    core: &Core,
    shard: &Arc<Shard>,
) -> bool {
    if !subscriber.is_behind() {
        return false;
    }
    let mut stats = Stats::default();
    subscriber.catch_up(channel, core, shard, &mut stats);
    subscriber.flush();
    core.counters.add(&stats);
    subscriber.is_behind()
}

/// Writes of one turn: beyond it the thread's connections have theirs.
const TURN: usize = 256;
/// Messages that one subscriber gets in the time of one write.
const TOGETHER: usize = 16;
/// Patterns that are looked at in the time of one write.
const MATCHES: usize = 16;
/// How long those wait who had no room for what they have missed.
const RETRY: Duration = Duration::from_millis(10);
