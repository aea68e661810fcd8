//! Triggers: how any thread calls the handler of a connection, with a payload.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Handler, Peer};

/// Calls a function of a connection's handler with a payload, from any thread.
///
/// [`Peer::trigger`] makes it. The call comes in its turn, on the thread of the connection: never
/// beside another callback, in the order in which payloads were given, behind `open` and before
/// `close`. Payloads wait while the handler waits ([`Turn::Wait`](super::Turn::Wait)), as many as
/// [`HandlerConfig::max_triggered`](super::HandlerConfig::max_triggered). Clones are the same
/// trigger; those that outlive their connection are harmless.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc::SyncSender;
///
/// use astatine_reactor::handler::{Handler, Peer, Trigger};
///
/// /// Sends what another thread has computed.
/// struct Teller {
///     jobs: SyncSender<Trigger<u64>>,
/// }
///
/// impl Handler for Teller {
///     fn open(&mut self, peer: &Peer) {
///         if self.jobs.try_send(peer.trigger(Self::computed)).is_err() {
///             peer.close();
///         }
///     }
/// }
///
/// impl Teller {
///     fn computed(&mut self, peer: &Peer, answer: u64) {
///         if peer.write(answer.to_string()).is_err() {
///             peer.abort();
///         }
///     }
/// }
///
/// fn work(trigger: &Trigger<u64>) {
///     // It fails where the client has gone, and then nobody wants to know.
///     trigger.fire(42).unwrap_or_default();
/// }
/// ```
pub struct Trigger<T> {
    peer: Peer,
    told: Arc<Told<Function<T>>>,
}

type Function<T> = dyn Fn(&mut dyn Handler, &Peer, T) -> bool + Send + Sync;

/// What the clones of a trigger share.
struct Told<F: ?Sized> {
    n_lost: AtomicU64,
    /// False where the handler is of another type.
    function: F,
}

/// A payload was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TriggerError {
    /// As many payloads wait as may.
    Full,
    /// The connection is closed, or closes.
    Closed,
}

impl<T: Send + 'static> Trigger<T> {
    pub(super) fn new<H: Handler>(
        peer: Peer,
        told: impl Fn(&mut H, &Peer, T) + Send + Sync + 'static,
    ) -> Self {
        let function = move |handler: &mut dyn Handler, peer: &Peer, payload| {
            let handler = find(handler);
            handler
                .map(|handler| told(handler, peer, payload))
                .is_some()
        };
        let n_lost = AtomicU64::new(0);
        Self {
            peer,
            told: Arc::new(Told { n_lost, function }),
        }
    }

    /// Has the handler called with the payload; it returns at once.
    ///
    /// # Errors
    ///
    /// The payload is dropped, and counted as lost.
    pub fn fire(&self, payload: T) -> Result<(), TriggerError> {
        let told = Arc::clone(&self.told);
        let waiting = Waiting {
            told,
            payload: Some(payload),
        };
        let call = |handler: &mut dyn Handler, peer: &Peer| waiting.call(handler, peer);
        self.peer.call(Box::new(call))
    }

    /// Returns how many payloads the handler was not called with: those that were refused, those
    /// that still waited when the connection failed, was aborted or cut, and those that met a
    /// handler of another type.
    pub fn n_lost(&self) -> u64 {
        self.told.n_lost.load(Ordering::Relaxed)
    }

    /// Returns the connection.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }
}

/// Finds the handler of the type, be it wrapped or not.
fn find<H: Handler>(handler: &mut dyn Handler) -> Option<&mut H> {
    if handler.as_any_mut().is::<H>() {
        return handler.as_any_mut().downcast_mut();
    }
    find(handler.inner()?)
}

/// What calls a handler, once.
pub(super) type Call = Box<dyn FnOnce(&mut dyn Handler, &Peer) + Send>;

/// A payload before its call.
struct Waiting<T> {
    told: Arc<Told<Function<T>>>,
    payload: Option<T>,
}

impl<T> Waiting<T> {
    fn call(mut self, handler: &mut dyn Handler, peer: &Peer) {
        if let Some(payload) = self.payload.take() {
            if !(self.told.function)(handler, peer, payload) {
                self.told.n_lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        if self.payload.is_some() {
            self.told.n_lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What every handler is: a value whose type a [`Trigger`] knows again. All types have it.
pub trait Typed: Any {
    /// Returns the value as one of any type.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Any> Typed for T {
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl<T> Clone for Trigger<T> {
    fn clone(&self) -> Self {
        Self {
            peer: self.peer.clone(),
            told: Arc::clone(&self.told),
        }
    }
}

impl<T> fmt::Debug for Trigger<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trigger").field(&self.peer).finish()
    }
}

impl fmt::Display for TriggerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "too many payloads wait for the handler",
            Self::Closed => "the connection is closed",
        })
    }
}

impl std::error::Error for TriggerError {}
