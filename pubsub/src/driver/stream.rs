//! A subscription that is read as a stream: a queue bounded in bytes, by the same policies as a
//! connection's.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use astatine_reactor::handler::{Peer, Policy};
use futures_core::Stream;

use super::publication::{Item, Publication};
use super::stats::Stats;
use super::subscriber::Fate;
use super::subscription::Subscription;
use super::sync::{Mutex, lock};
use crate::error::SubscribeError;
use crate::proto::cursor::Cursor;
use crate::proto::name::Channel;

/// What a subscription brings, as a stream. It ends where the reader is too slow and the policy is
/// [`Policy::Close`], and with the runtime that serves it. Dropped, it unsubscribes.
#[derive(Debug)]
pub struct Items {
    queue: Arc<Queue>,
    subscription: Subscription,
}

impl Items {
    /// Gives the subscription to a connection, which gets what has not been read here, and then what
    /// comes, as by [`PubSub::subscribe`](crate::PubSub::subscribe), until it closes.
    ///
    /// It is for a connection that is about to open: who is told that it will, misses nothing that is
    /// published from then on. The connection is to be of the thread on which the stream was made.
    /// It cannot unsubscribe, and its other subscriptions are counted without this one.
    ///
    /// # Errors
    ///
    /// The thread is overloaded, or has ended.
    pub fn hand_over(self, peer: &Peer) -> Result<(), SubscribeError> {
        self.subscription.hand_over(peer)?;
        peer.keep(self.subscription);
        Ok(())
    }
}

/// The reader's side, before there is a subscription.
pub(crate) struct Reader(Arc<Queue>);

impl Reader {
    pub(crate) fn with(self, subscription: Subscription) -> Items {
        Items {
            queue: self.0,
            subscription,
        }
    }
}

/// The dispatcher's side; dropped, it ends the stream.
pub(crate) struct Feed(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    n_bytes: usize,
    is_ended: bool,
    waker: Option<Waker>,
}

/// What an item costs beside its payload.
const ITEM_BYTES: usize = 64;

impl Feed {
    pub(crate) fn new(max_bytes: usize) -> (Self, Reader) {
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            max_bytes,
        });
        (Self(Arc::clone(&queue)), Reader(queue))
    }

    pub(crate) fn n_bytes(&self) -> usize {
        lock(&self.0.state).n_bytes
    }

    pub(crate) fn push(
        &self,
        publication: &Publication,
        policy: Policy,
        stats: &mut Stats,
    ) -> Fate {
        let n_bytes = publication.n_bytes() + ITEM_BYTES;
        let mut dropped = Vec::new();
        let mut state = lock(&self.0.state);
        if state.is_ended {
            stats.n_dropped_closed += 1;
            return Fate::Lost;
        }
        let room = self.0.max_bytes.saturating_sub(n_bytes);
        let keep = match policy {
            Policy::KeepLatest => 0,
            Policy::DropOldest => room,
            _ => usize::MAX,
        };
        while state.n_bytes > keep {
            let Some(oldest) = state.items.pop_front() else {
                break;
            };
            state.n_bytes -= cost(&oldest);
            stats.n_evicted += u64::from(matches!(oldest, Item::Publication(_)));
            dropped.push(oldest);
        }
        let fate = if state.n_bytes == 0 || state.n_bytes <= room {
            state.n_bytes += n_bytes;
            state
                .items
                .push_back(Item::Publication(publication.clone()));
            Fate::Taken
        } else if policy == Policy::Close {
            state.is_ended = true;
            stats.n_closed_slow += 1;
            stats.n_dropped_slow += 1;
            Fate::Lost
        } else {
            Fate::NoRoom
        };
        drop(state);
        drop(dropped);
        fate
    }

    pub(crate) fn push_gap(&self, channel: &Channel, cursor: Cursor) {
        let mut state = lock(&self.0.state);
        state.n_bytes += ITEM_BYTES;
        state.items.push_back(Item::Gap(channel.clone(), cursor));
    }

    /// Takes what was not read; `None` where the reader was too slow.
    pub(crate) fn take_rest(&self) -> Option<VecDeque<Item>> {
        let mut state = lock(&self.0.state);
        state.n_bytes = 0;
        (!state.is_ended).then(|| std::mem::take(&mut state.items))
    }

    pub(crate) fn wake(&self) {
        let waker = lock(&self.0.state).waker.take();
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        lock(&self.0.state).is_ended = true;
        self.wake();
    }
}

fn cost(item: &Item) -> usize {
    match item {
        Item::Publication(publication) => publication.n_bytes() + ITEM_BYTES,
        Item::Gap(..) => ITEM_BYTES,
    }
}

impl Stream for Items {
    type Item = Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let mut state = lock(&self.queue.state);
        if let Some(item) = state.items.pop_front() {
            state.n_bytes -= cost(&item);
            return Poll::Ready(Some(item));
        }
        if state.is_ended {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}
