//! The handle to a live connection.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use super::output::{COPY_MAX_BYTES, PIECE_BYTES};
use super::queue::{Encoding, End, Shared, State};
use super::trigger::{Call, Trigger, TriggerError};
use super::turn::{self, lend};
use super::{Bundle, Handler, Message};

/// A handle to one connection, for any thread. Clones are the same connection; those that outlive
/// it are harmless.
#[derive(Clone)]
pub struct Peer(Arc<Shared>);

/// What tells connections of this process apart; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(u64);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// As many bytes wait as may; [`Handler::drained`] tells when to go on.
    Full,
    /// The connection is closed, or closes.
    Closed,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the connection's outbox is full",
            Self::Closed => "the connection is closed",
        })
    }
}

impl std::error::Error for WriteError {}

/// What happens to a subscription's messages when the other end takes them too slowly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// The connection closes; in WebSocket with 1013.
    #[default]
    Close,
    /// The oldest that wait are dropped.
    DropOldest,
    /// What does not fit is dropped.
    DropNewest,
    /// Only the latest waits, also where there is room.
    KeepLatest,
}

impl Policy {
    fn may_drop_older(self) -> bool {
        matches!(self, Self::DropOldest | Self::KeepLatest)
    }
}

/// What became of a subscription's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// Whether it is on its way.
    pub is_taken: bool,
    /// How many were dropped: older ones for it, or itself.
    pub n_dropped: usize,
}

impl Peer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Returns the connection's id.
    pub fn id(&self) -> PeerId {
        PeerId(self.0.id)
    }

    /// Tells whether messages are taken. It may be over by the time that one is written.
    pub fn is_open(&self) -> bool {
        self.0.is_open.load(Ordering::Acquire)
    }

    /// Returns how many bytes wait to be written.
    pub fn pending(&self) -> usize {
        self.0.n_pending.load(Ordering::Relaxed) + turn::n_written(self.0.id)
    }

    /// Writes a message, at once where nothing waits before it, and never blocks.
    ///
    /// A message is taken while less than the limit waits, so one that is larger than the limit is
    /// taken too where nothing waits.
    ///
    /// # Errors
    ///
    /// Nothing of it is written then.
    pub fn write(&self, message: impl Into<Message>) -> Result<(), WriteError> {
        let message = message.into();
        if self.write_in_turn(&message) {
            return Ok(());
        }
        let mut state = self.lock_open()?;
        if state.output.cost() >= self.0.max_bytes {
            state.has_waited = true;
            return Err(WriteError::Full);
        }
        self.add(&mut state, &message);
        self.0.release(state);
        Ok(())
    }

    /// Writes a message before all that waits and has not begun to leave, beyond the limit too.
    /// Small messages that wait leave together: once the first has begun, so have all.
    ///
    /// # Errors
    ///
    /// As [`Peer::write`], but it is never full.
    pub fn write_urgent(&self, message: impl Into<Message>) -> Result<(), WriteError> {
        let message = message.into();
        let mut state = self.lock_open()?;
        match self.encoded(&message) {
            Some(bytes) => state.output.push_urgent(bytes),
            None => state.output.push_urgent_message(message),
        }
        self.0.release(state);
        Ok(())
    }

    /// Adds a subscription's message to what waits, by its policy; [`Peer::flush`] writes it. The
    /// subscription is any number that tells those of one connection apart.
    ///
    /// # Errors
    ///
    /// As [`Peer::write`]; [`WriteError::Full`] means that the connection closes for it.
    pub fn deliver(
        &self,
        message: &Message,
        subscription: u64,
        policy: Policy,
    ) -> Result<Delivered, WriteError> {
        // Declared before the lock, so dropped behind it: it is foreign code.
        let mut dropped = Vec::new();
        let mut state = self.lock_open()?;
        let cost = message.payload().len() + PIECE_BYTES;
        let excess = (state.output.cost() + cost).saturating_sub(self.0.max_bytes);
        match policy {
            Policy::KeepLatest => dropped = state.output.drop_oldest(subscription, None),
            Policy::DropOldest if excess > 0 => {
                dropped = state.output.drop_oldest(subscription, Some(excess));
            }
            Policy::Close | Policy::DropOldest | Policy::DropNewest => {}
        }
        let waiting = state.output.cost();
        if waiting > 0 && waiting + message.payload().len() > self.0.max_bytes {
            if policy == Policy::Close {
                self.0.end(state, End::Slow);
                return Err(WriteError::Full);
            }
            return Ok(Delivered {
                is_taken: false,
                n_dropped: dropped.len() + 1,
            });
        }
        let subscription = policy.may_drop_older().then_some(subscription);
        match self.encoded(message) {
            Some(bytes) => {
                lend(&mut state.output);
                state.output.push(bytes, subscription);
            }
            None => state.output.push_message(message.clone(), subscription),
        }
        let n_pending = state.output.len();
        self.0.n_pending.store(n_pending, Ordering::Relaxed);
        Ok(Delivered {
            is_taken: true,
            n_dropped: dropped.len(),
        })
    }

    /// Delivers as [`Peer::deliver`] does, and writes at once: so a message that meets an idle
    /// connection goes from where it lies to the socket, and through no queue.
    ///
    /// # Errors
    ///
    /// As [`Peer::deliver`].
    pub fn deliver_now(
        &self,
        message: &Message,
        subscription: u64,
        policy: Policy,
    ) -> Result<Delivered, WriteError> {
        let encoded = match self.0.encoding {
            Encoding::Payload => Some(message.payload()),
            Encoding::Shared { form, encode, .. } => message.kept(form(message), encode),
            Encoding::Alone => None,
        };
        if let Some(encoded) = encoded {
            let state = self.lock_open()?;
            let subscription = policy.may_drop_older().then_some(subscription);
            if self.0.write_now(state, encoded, subscription) {
                return Ok(Delivered {
                    is_taken: true,
                    n_dropped: 0,
                });
            }
        }
        let delivered = self.deliver(message, subscription, policy);
        self.flush();
        delivered
    }

    /// Delivers messages together in one write, where the connection is idle and may have them as
    /// all have them; tells whether it has. Else each is delivered by itself, by its policy.
    pub fn deliver_bundle(&self, bundle: &Bundle<'_>, policy: Policy) -> bool {
        // What waits of a bundle could not give way message by message.
        if policy.may_drop_older() {
            return false;
        }
        let Some(encoded) = bundle.encoded(self.0.encoding) else {
            return false;
        };
        let Ok(state) = self.lock_open() else {
            return false;
        };
        encoded.len() <= self.0.max_bytes && self.0.write_now(state, encoded, None)
    }

    /// Writes what waits, where nobody else does.
    pub fn flush(&self) {
        if self.pending() == 0 {
            return;
        }
        let state = self.0.lock();
        if !state.output.is_empty() {
            self.0.release(state);
        }
    }

    /// Closes the connection when what waits has left. Nothing more is taken.
    pub fn close(&self) {
        self.close_with(None, "");
    }

    /// Closes as [`Peer::close`] does; a protocol that can, says why: WebSocket by a code and at
    /// most 123 bytes of text (RFC 6455 §5.5.1).
    pub fn close_with(&self, code: impl Into<Option<u16>>, text: &str) {
        let (code, text) = (code.into(), text.to_owned());
        self.0.end(self.0.lock(), End::Close { code, text });
    }

    /// Closes the connection at once; what waits is lost.
    pub fn abort(&self) {
        self.0.end(self.0.lock(), End::Abort);
    }

    /// Sets how long, from now on, nothing may come in before [`Handler::ping`]; `None`: for ever.
    pub fn set_timeout(&self, timeout: Option<Duration>) {
        let mut state = self.0.lock();
        state.new_timeout = Some(timeout);
        self.0.wake(state);
    }

    /// Gives the connection to another handler: the old one is closed, the new one opened, where
    /// the connection is served. Of several that are set meanwhile, the last one is. On a
    /// connection that is closed, it is dropped unopened.
    ///
    /// What the old one keeps of the input, as the beginning of a line or the lines behind the one
    /// that it acted on, it has to give to the new one itself; timeouts stay as they were set.
    pub fn set_handler(&self, handler: impl Handler) {
        let mut state = self.0.lock();
        let unused = match state.end {
            Some(End::Abort) => Some(Box::new(handler) as Box<dyn Handler>),
            _ => state.next_handler.replace(Box::new(handler)),
        };
        self.0.wake(state);
        // Dropped outside the lock: it is foreign code.
        drop(unused);
    }

    /// Keeps a value until the connection is closed, however that comes about; on one that is, it
    /// is dropped at once.
    pub fn keep(&self, value: impl Send + 'static) {
        let value = Box::new(value);
        let mut state = self.0.lock();
        if state.is_closed {
            // Dropped outside the lock: it is foreign code.
            drop(state);
        } else {
            state.kept.push(value);
        }
    }

    /// Makes a trigger, by which any thread has this connection's handler called with a payload:
    /// by the function, if the handler that has the connection then is an `H`.
    pub fn trigger<H: Handler, T: Send + 'static>(
        &self,
        function: impl Fn(&mut H, &Self, T) + Send + Sync + 'static,
    ) -> Trigger<T> {
        Trigger::new(self.clone(), function)
    }

    /// Has the handler called behind what it was called for before.
    pub(super) fn call(&self, call: Call) -> Result<(), TriggerError> {
        let mut state = self.0.lock();
        let refused = if state.end.is_some() {
            TriggerError::Closed
        } else if state.calls.len() >= self.0.max_calls {
            TriggerError::Full
        } else {
            state.calls.push(call);
            self.0.has_calls.store(true, Ordering::Relaxed);
            self.0.wake(state);
            return Ok(());
        };
        // The call is dropped outside the lock: it is foreign code.
        drop(state);
        Err(refused)
    }

    fn lock_open(&self) -> Result<std::sync::MutexGuard<'_, State>, WriteError> {
        let state = self.0.lock();
        if state.end.is_some() {
            return Err(WriteError::Closed);
        }
        Ok(state)
    }

    /// Encodes a message behind what the handler writes in the connection's turn; tells whether
    /// it could.
    #[inline]
    fn write_in_turn(&self, message: &Message) -> bool {
        let payload = message.payload();
        if message.is_shared() || !self.is_open() {
            return false;
        }
        let (shared, max_bytes) = (&self.0, self.0.max_bytes);
        match shared.encoding {
            Encoding::Payload if payload.len() <= COPY_MAX_BYTES => {
                shared.write_in_turn(max_bytes, |output| output.extend_from_slice(payload))
            }
            Encoding::Shared { encode, .. } if payload.len() < WHOLE_MIN_BYTES => {
                shared.write_in_turn(max_bytes, |output| encode(message, output))
            }
            Encoding::Payload | Encoding::Shared { .. } | Encoding::Alone => false,
        }
    }

    /// Encodes a message to the end of the output.
    fn add(&self, state: &mut State, message: &Message) {
        lend(&mut state.output);
        let payload = message.payload();
        match self.0.encoding {
            Encoding::Payload if message.is_shared() => state.output.push(payload.clone(), None),
            Encoding::Payload => state.output.push_lent(payload.clone()),
            Encoding::Shared { form, encode, .. } if message.is_shared() => {
                let encoded = message.encoded(form(message), encode);
                state.output.push(encoded, None);
            }
            Encoding::Shared {
                head: Some(head), ..
            } if payload.len() >= WHOLE_MIN_BYTES => {
                head(message, state.output.tail());
                state.output.push_lent(payload.clone());
            }
            Encoding::Shared { encode, .. } => encode(message, state.output.tail()),
            Encoding::Alone => state.output.push_message(message.clone(), None),
        }
    }

    /// Returns a message as it is written, where that is the same for everybody.
    fn encoded(&self, message: &Message) -> Option<Bytes> {
        match self.0.encoding {
            Encoding::Payload => Some(message.payload().clone()),
            Encoding::Shared { form, encode, .. } => Some(message.encoded(form(message), encode)),
            Encoding::Alone => None,
        }
    }
}

/// A payload from this size on is written from where it lies, and copied where it has to wait.
const WHOLE_MIN_BYTES: usize = 32 << 10;

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Peer {}

impl std::hash::Hash for Peer {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Peer").field(&self.0.id).finish()
    }
}
