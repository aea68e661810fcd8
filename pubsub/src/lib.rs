//! Publish and subscribe: channels, patterns, history and presence, for connections of any protocol.
//!
//! It opens no connection and knows no protocol: it delivers to whatever has a
//! [`Peer`](astatine_reactor::handler::Peer), to callbacks and to streams. Start from `PubSub`, the
//! handle; [`Channel`], the name that is published on; and `Options`, what a subscription chooses.
//!
//! ```
//! # #[cfg(feature = "driver")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use astatine_pubsub::{Channel, Options, PubSub, Scope};
//! use astatine_reactor::handler::{Handler, Message, Peer, Turn};
//!
//! /// Hears what the others say.
//! struct Guest(PubSub, Channel);
//!
//! impl Handler for Guest {
//!     fn open(&mut self, peer: &Peer) {
//!         if self.0.subscribe(peer, &self.1, &Options::default()).is_err() {
//!             peer.close();
//!         }
//!     }
//!
//!     fn message(&mut self, _peer: &Peer, message: Message) -> Turn<'_> {
//!         self.0.publish(&self.1, message, Scope::Cluster);
//!         Turn::Next
//!     }
//! }
//!
//! let guest = Guest(PubSub::default(), Channel::new("chat")?);
//! # drop(guest);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "driver"))]
//! # fn main() {}
//! ```
//!
//! # What is promised
//!
//! - What one thread publishes on one channel arrives in that order. A publisher never waits: it pays
//!   for each thread that has subscribers, not for each of them.
//! - Without a history, a message arrives at most once. With one, a subscriber that says where it has
//!   come to gets everything behind that, once and in order, also while others publish; or it is told
//!   that there is a gap. A pattern has no history.
//! - Whatever is not delivered has a counter in `Stats`.
//! - A subscription of a connection ends with it, however that ends: no ghost is left on a channel.
//!
//! # Limits
//!
//! Each is a field of `Config`, with its default, its unit, and what happens beyond it; a name has at
//! most [`MAX_NAME_BYTES`]. What waits at most:
//!
//! | where | memory |
//! |---|---|
//! | a thread that does not come to deliver | `max_handoff_bytes` |
//! | a connection that takes nothing | its outbox |
//! | a stream that is not read | `max_stream_bytes`; what counts for each stream may be shared |
//! | the histories | `max_history_bytes`, in `max_histories` channels |
//! | an engine that does not come back | `max_handoff_bytes`, and the list of names |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `driver` (default) | all but names, patterns, cursors and a channel's log, which are the pure core |
//!
//! # Specification
//!
//! Patterns are those of Redis (its command PSUBSCRIBE), by characters where Redis goes by bytes. A
//! set or an escape that is not closed is refused, where Redis makes something of it.

#![forbid(unsafe_code)]

#[cfg(feature = "driver")]
mod driver;
mod error;
pub mod proto;

#[cfg(feature = "driver")]
pub use driver::{
    Announce, Change, Config, Engine, EngineError, EngineId, Inlet, Item, Items, Move, Options,
    Presence, PubSub, Publication, Published, Receipt, Reply, Scope, Start, Stats, Subscription,
    View,
};
pub use error::{CursorError, NameError, SubscribeError};
pub use proto::cursor::Cursor;
pub use proto::log::{Replay, Retention};
pub use proto::name::{Channel, MAX_NAME_BYTES, Name};
pub use proto::pattern::Pattern;
