//! The subscribers of one thread, as publishers see them: a queue to its dispatcher.

use std::sync::Arc;

use astatine_reactor::handler::Peer;
use tokio::runtime;

use super::handoff::{Handoff, Refusal};
use super::publication::Publication;
use super::registry::Entry;
use super::subscriber::Subscriber;
use super::tally::Tally;
use crate::proto::log::Replay;
use crate::proto::name::{Channel, Name};

/// A thread's dispatcher, from outside.
pub(crate) struct Shard {
    pub(crate) key: Key,
    pub(crate) handoff: Handoff<Order>,
}

/// Which thread a shard serves: a runtime of one thread; one core's share of a runtime of many; or,
/// for subscriptions from outside of any runtime, a thread of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) runtime: Option<runtime::Id>,
    pub(crate) core: u64,
}

/// What a dispatcher is to do.
pub(crate) enum Order {
    Deliver(Delivery),
    Subscribe(Subscribe),
    Unsubscribe(Name, u64),
    /// A subscription that was read as a stream is a connection's from now on.
    HandOver(Name, u64, Peer),
    /// What an engine has answered about a channel's history to a subscription.
    Fetched(Channel, u64, Option<Replay<Publication>>),
}

/// A message to be delivered.
pub(crate) struct Delivery {
    pub(crate) publication: Publication,
    pub(crate) tally: Option<Arc<Tally>>,
}

/// A subscription to be served.
pub(crate) struct Subscribe {
    pub(crate) name: Name,
    pub(crate) subscriber: Box<Subscriber>,
    /// The id of the one that it takes over from.
    pub(crate) replaced: Option<u64>,
}

impl Shard {
    pub(crate) fn new(key: Key, max_bytes: usize) -> Self {
        Self {
            key,
            handoff: Handoff::new(max_bytes),
        }
    }

    pub(crate) fn deliver(
        &self,
        publication: &Publication,
        tally: Option<&Arc<Tally>>,
    ) -> Result<(), Refusal> {
        let delivery = Delivery {
            publication: publication.clone(),
            tally: tally.map(Arc::clone),
        };
        let n_bytes = publication.n_bytes() + ORDER_BYTES;
        let pushed = self.handoff.push(Order::Deliver(delivery), n_bytes);
        pushed.map_err(|(refusal, _)| refusal)
    }

    pub(crate) fn subscribe(&self, subscribe: Subscribe) -> Result<(), (Refusal, Subscribe)> {
        match self.handoff.push(Order::Subscribe(subscribe), ORDER_BYTES) {
            Err((refusal, Order::Subscribe(subscribe))) => Err((refusal, subscribe)),
            _ => Ok(()),
        }
    }

    pub(crate) fn fetched(&self, channel: Channel, id: u64, replay: Option<Replay<Publication>>) {
        drop(self.handoff.push(Order::Fetched(channel, id, replay), 0));
    }

    pub(crate) fn hand_over(&self, entry: &Entry, peer: &Peer) -> Result<(), Refusal> {
        let order = Order::HandOver(entry.name.clone(), entry.id, peer.clone());
        let pushed = self.handoff.push(order, ORDER_BYTES);
        pushed.map_err(|(refusal, _)| refusal)
    }

    pub(crate) fn unsubscribe(&self, entry: Entry) {
        // It has no bytes, so it is taken; where the thread has ended, so has what it served.
        let order = Order::Unsubscribe(entry.name, entry.id);
        drop(self.handoff.push(order, 0));
    }
}

/// What an order costs beside its payload.
const ORDER_BYTES: usize = 128;
