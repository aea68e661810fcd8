//! Long-lived connections with one set of callbacks, whatever the protocol: the contract, the
//! handle, the queue between them, and the engine that runs a protocol.

mod budget;
mod bundle;
#[cfg(feature = "codec")]
mod codec;
mod drive;
mod ending;
#[cfg(feature = "net")]
mod lent;
mod message;
mod outbox;
mod output;
mod pace;
mod peer;
mod protocol;
mod queue;
mod raw;
mod stage;
mod tokenizer;
mod trigger;
mod turn;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

pub use budget::Budget;
pub use bundle::Bundle;
#[cfg(feature = "codec")]
pub use codec::Coded;
pub use drive::drive;
#[cfg(feature = "net")]
pub use lent::Lent;
#[cfg(feature = "net")]
pub(crate) use lent::Unconnected;
pub use message::{Form, Kind, LineBreak, Message};
pub use pace::HandlerConfig;
pub use peer::{Delivered, Peer, PeerId, Policy, WriteError};
pub use protocol::{Answer, Event, Protocol};
pub use queue::Encoding;
pub use raw::{Raw, RawProtocol};
pub use tokenizer::{TokenTooLong, Tokenizer};
pub use trigger::{Trigger, TriggerError, Typed};

/// The application's side of one long-lived connection.
///
/// No two callbacks of one connection run at once. `open` comes first; `close` comes last, exactly
/// once. A callback must not block: it runs on the thread that serves the connection.
pub trait Handler: Typed + Send {
    /// The connection is open, or this handler has taken it over.
    fn open(&mut self, _peer: &Peer) {}

    /// A message came in; of a protocol without messages, some bytes of the stream.
    fn message(&mut self, _peer: &Peer, _message: Message) -> Turn<'_> {
        Turn::Next
    }

    /// Everything that had to wait was written.
    fn drained(&mut self, _peer: &Peer) {}

    /// Nothing came in for the connection's timeout. A protocol that has a ping sends it by itself.
    /// With any other, nothing was written either, and a connection on which still nothing moves
    /// for as long again closes.
    fn ping(&mut self, _peer: &Peer) {}

    /// The server ends; the connection closes when what was written until now has left.
    fn shutdown(&mut self, _peer: &Peer) {}

    /// The connection is closed, or another handler takes it over.
    fn close(&mut self, _peer: &Peer, _reason: Reason) {}

    /// Returns the handler that this one wraps, for [`Trigger`]s that are meant for it.
    fn inner(&mut self) -> Option<&mut dyn Handler> {
        None
    }
}

/// What a handler wants behind a message.
#[must_use]
pub enum Turn<'a> {
    /// The next message.
    Next,
    /// This first: nothing more is read until then, which holds the other end back. Meanwhile what
    /// is written leaves. Where the connection or the server ends, the future is dropped.
    Wait(Pin<Box<dyn Future<Output = ()> + Send + 'a>>),
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Next => "Next",
            Self::Wait(_) => "Wait",
        })
    }
}

/// Why a handler's time has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The other end closed; in WebSocket with a code and a text.
    Remote {
        /// The code (RFC 6455 §7.4), where there is one.
        code: Option<u16>,
        /// What the other end says of it.
        text: String,
    },
    /// [`Peer::close`], or the like.
    Local,
    /// [`Peer::abort`], or a server that ends has cut the connection.
    Aborted,
    /// The server ends.
    Shutdown,
    /// Nothing came in for too long.
    TimedOut,
    /// The other end takes too little of what is written, or nothing; or too much waits in all.
    SlowConsumer,
    /// The other end broke a rule of the protocol; in WebSocket, the code that says so.
    Violation(u16),
    /// The codec of the protocol failed: the other end sent what it cannot decode, or we wrote what
    /// it cannot encode.
    Codec(CodecError),
    /// The stream failed.
    Io(io::ErrorKind),
    /// Another handler takes over.
    Replaced,
}

/// What the codec of a protocol failed with. Clones are equal, and nothing else is.
#[derive(Clone, Debug)]
pub struct CodecError(Arc<dyn Error + Send + Sync>);

impl CodecError {
    /// Wraps an error.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into().into())
    }

    /// Returns the error, to look at or to downcast.
    pub fn get(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl PartialEq for CodecError {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for CodecError {}
