//! Publish and subscribe: channels, patterns, history and presence, for connections of any protocol.

#![forbid(unsafe_code)]

mod error;
pub mod proto;

#[cfg(feature = "driver")]
mod config;
#[cfg(feature = "driver")]
mod core;
#[cfg(feature = "driver")]
mod dispatcher;
#[cfg(feature = "driver")]
mod engine;
#[cfg(feature = "driver")]
mod group;
#[cfg(feature = "driver")]
mod handoff;
#[cfg(feature = "driver")]
mod history;
#[cfg(feature = "driver")]
mod mailbox;
#[cfg(feature = "driver")]
mod publication;
#[cfg(feature = "driver")]
mod pubsub;
#[cfg(feature = "driver")]
mod registry;
#[cfg(feature = "driver")]
mod shard;
#[cfg(feature = "driver")]
mod stats;
#[cfg(feature = "driver")]
mod stream;
#[cfg(feature = "driver")]
mod subscriber;
#[cfg(feature = "driver")]
mod subscription;
#[cfg(feature = "driver")]
mod sync;
#[cfg(feature = "driver")]
mod tally;

#[cfg(feature = "driver")]
pub use config::{Announce, Change, Config, Move, Options, Start, View};
#[cfg(feature = "driver")]
pub use engine::{Engine, EngineError, EngineId, Inlet, Reply};
pub use error::{CursorError, NameError, SubscribeError};
pub use proto::cursor::Cursor;
pub use proto::log::{Replay, Retention};
pub use proto::name::{Channel, MAX_NAME_BYTES, Name};
pub use proto::pattern::Pattern;
#[cfg(feature = "driver")]
pub use publication::{Item, Publication};
#[cfg(feature = "driver")]
pub use pubsub::{Presence, PubSub, Published, Receipt, Scope};
#[cfg(feature = "driver")]
pub use stats::Stats;
#[cfg(feature = "driver")]
pub use stream::Items;
#[cfg(feature = "driver")]
pub use subscription::Subscription;
