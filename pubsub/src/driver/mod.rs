//! Delivery: who subscribes, on which thread, and what carries messages to them.

mod config;
mod core;
mod dispatcher;
mod engine;
mod group;
mod handoff;
mod history;
mod mailbox;
mod publication;
mod pubsub;
mod receipt;
mod registry;
mod scope;
mod shard;
mod stats;
mod stream;
mod subscriber;
mod subscription;
mod sync;
mod tally;

pub use config::{Announce, Change, Config, Move, Options, Start, View};
pub use engine::{Engine, EngineError, EngineId, Inlet, Reply};
pub use publication::{Item, Publication};
pub use pubsub::{Presence, PubSub};
pub use receipt::{Published, Receipt};
pub use scope::Scope;
pub use stats::Stats;
pub use stream::Items;
pub use subscription::Subscription;
