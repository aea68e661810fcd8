//! The subscribers of one channel or pattern on one thread, and the fan-out to them.

use std::sync::Arc;

use astatine_reactor::handler::Bundle;

use super::core::Core;
use super::publication::Publication;
use super::shard::{Delivery, Shard};
use super::stats::Stats;
use super::subscriber::{Leave, Subscriber};
use crate::proto::cursor::Cursor;
use crate::proto::name::Channel;

/// Subscribers in the order of their ids.
#[derive(Default)]
pub(crate) struct Group {
    subscribers: Vec<Subscriber>,
    /// How many of them are gone; they are taken out when they are half of all.
    n_gone: usize,
}

/// How far a fan-out has come.
pub(crate) struct FanOut<'a> {
    /// What is delivered, all of one channel, in order.
    pub(crate) deliveries: &'a [&'a Delivery],
    /// The same for those who get all in one write.
    pub(crate) bundled: Option<Bundled<'a>>,
    pub(crate) channel: &'a Channel,
    pub(crate) core: &'a Core,
    pub(crate) shard: &'a Arc<Shard>,
    pub(crate) next: usize,
    /// The ids of those that have to be looked at again, because there was no room for what they
    /// have missed.
    pub(crate) behind: &'a mut Vec<(Channel, u64)>,
}

impl Group {
    pub(crate) fn is_empty(&self) -> bool {
        self.subscribers.len() == self.n_gone
    }

    pub(crate) fn add(&mut self, subscriber: Subscriber) -> &mut Subscriber {
        // Orders of two threads may come in another order than their ids were given in.
        let at = self
            .subscribers
            .partition_point(|other| other.id < subscriber.id);
        self.subscribers.insert(at, subscriber);
        &mut self.subscribers[at]
    }

    pub(crate) fn get(&mut self, id: u64) -> Option<&mut Subscriber> {
        let found = self.subscribers.binary_search_by_key(&id, |other| other.id);
        let subscriber = &mut self.subscribers[found.ok()?];
        (!subscriber.is_gone()).then_some(subscriber)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Subscriber> {
        self.subscribers.iter_mut()
    }

    /// Takes a subscriber out.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Subscriber> {
        let removed = self.get(id)?.end();
        self.n_gone += 1;
        if self.n_gone * 2 > self.subscribers.len() {
            self.subscribers.retain(|subscriber| !subscriber.is_gone());
            self.n_gone = 0;
        }
        Some(removed)
    }

    /// Goes on with a fan-out to at most `max` subscribers; each gets all messages, in one write
    /// if they are small. Tells how many there were: less than `max` when all have had their turn.
    pub(crate) fn fan_out(
        &mut self,
        fan_out: &mut FanOut<'_>,
        max: usize,
        stats: &mut Stats,
    ) -> usize {
        let end = self.subscribers.len().min(fan_out.next + max);
        let turn = &mut self.subscribers[fan_out.next..end];
        let leave = match fan_out.deliveries {
            [_] => Leave::Now,
            _ => Leave::Together,
        };
        for subscriber in turn.iter_mut().filter(|subscriber| !subscriber.is_gone()) {
            if fan_out
                .bundled
                .as_ref()
                .is_some_and(|bundled| subscriber.take_bundle(bundled, stats))
            {
                let tallies = fan_out.deliveries.iter().filter_map(|d| d.tally.as_ref());
                tallies.for_each(|tally| tally.add(1));
                continue;
            }
            // Who was behind before is on the list.
            let was_behind = subscriber.is_behind();
            let mut n_bytes = 0;
            for delivery in fan_out.deliveries {
                let before = stats.n_delivered;
                subscriber.take(&delivery.publication, leave, stats);
                if let Some(tally) = &delivery.tally {
                    tally.add(stats.n_delivered - before);
                }
                // A burst is not held against who would take it.
                n_bytes += delivery.publication.n_bytes();
                if n_bytes >= FLUSH_BYTES {
                    n_bytes = 0;
                    subscriber.flush();
                }
            }
            if subscriber.is_behind() && !was_behind {
                subscriber.catch_up(fan_out.channel, fan_out.core, fan_out.shard, stats);
                if subscriber.is_behind() {
                    let channel = fan_out.channel.clone();
                    fan_out.behind.push((channel, subscriber.id));
                }
            }
            subscriber.flush();
        }
        let n = end - fan_out.next;
        fan_out.next = end;
        n
    }
}

/// Several publications that may leave in one write.
pub(crate) struct Bundled<'a> {
    pub(crate) bundle: Bundle<'a>,
    pub(crate) n_messages: u64,
    /// The places of the first and the last, where they have places in one row.
    pub(crate) span: Option<(Cursor, Cursor)>,
}

impl<'a> Bundled<'a> {
    /// Puts publications together; `None` where that is nothing to gain, or too large, or where
    /// something is missing between them.
    pub(crate) fn new(deliveries: &'a [&'a Delivery]) -> Option<Self> {
        let publications = || deliveries.iter().map(|delivery| &delivery.publication);
        let n_bytes: usize = publications().map(Publication::n_bytes).sum();
        if deliveries.len() < 2 || n_bytes >= FLUSH_BYTES {
            return None;
        }
        let follows = |one: &Publication, next: &Publication| match (one.cursor(), next.cursor()) {
            (Some(one), Some(next)) => one.epoch == next.epoch && one.offset + 1 == next.offset,
            (None, None) => true,
            _ => false,
        };
        if !publications()
            .zip(publications().skip(1))
            .all(|(one, next)| follows(one, next))
        {
            return None;
        }
        let place = |delivery: Option<&&Delivery>| delivery?.publication.cursor();
        Some(Self {
            bundle: Bundle::new(publications().map(Publication::message)),
            n_messages: deliveries.len() as u64,
            span: place(deliveries.first()).zip(place(deliveries.last())),
        })
    }
}

/// What one subscriber gets in one write, and the rest of a message.
const FLUSH_BYTES: usize = 16 << 10;
