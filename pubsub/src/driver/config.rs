//! The limits of channels and their subscribers, and what a subscription may choose.

use std::fmt;
use std::sync::Arc;

use astatine_reactor::handler::{Message, Policy};

use super::publication::Publication;
use crate::proto::cursor::Cursor;
use crate::proto::log::Retention;
use crate::proto::name::Channel;
use crate::proto::pattern::Pattern;

/// What channels may cost. The defaults are safe on the open internet.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Most subscriptions of one connection; beyond it
    /// [`SubscribeError::TooMany`](crate::SubscribeError::TooMany). Default 64.
    pub max_subscriptions: usize,
    /// Most bytes that wait for one thread's dispatcher, each message with a small charge for its
    /// place. Beyond it, what comes is dropped for that thread and counted; where the channel has a
    /// history, it is fetched from there. Default 16 MiB.
    pub max_handoff_bytes: usize,
    /// Most bytes that wait in one [`Subscription`](crate::Subscription) that is read as a stream;
    /// beyond it the subscription's policy. Default 1 MiB.
    pub max_stream_bytes: usize,
    /// Which channels have a history: of the patterns that match, the first says how much. Default
    /// none.
    pub history: Vec<(Pattern, Retention)>,
    /// Most bytes of all histories together; beyond it, those that were longest not published to
    /// are forgotten whole. Default 256 MiB.
    pub max_history_bytes: usize,
    /// Most channels with a history; beyond it as above. Default 10,000.
    pub max_histories: usize,
    /// Makes the messages of subscriptions with [`View::Envelope`]: once for each publication,
    /// however many subscribe. Default none: they get the message as it is.
    pub envelope: Option<fn(&Publication) -> Message>,
    /// Tells of those who join and leave: makes of each change a message, and names the channel
    /// that it is published on in this process. Default none.
    pub announce: Option<Announce>,
}

/// Makes an announcement, or none, of a change.
pub type Announce = Arc<dyn Fn(&Change) -> Option<(Channel, Message)> + Send + Sync>;

/// Somebody has joined a channel, or left it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The channel.
    pub channel: Channel,
    /// Whose first subscription in this process it was, or whose last; without a name, each
    /// subscription is somebody.
    pub user: Option<Arc<str>>,
    /// What has happened.
    pub what: Move,
    /// How many subscriptions the channel has now in this process.
    pub n_subscriptions: usize,
}

/// What has happened to who is on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// Has come.
    Join,
    /// Has gone, or the connection has.
    Leave,
}

/// What a subscription chooses.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// What is done with messages that the other end takes too slowly.
    pub policy: Policy,
    /// The form of the messages.
    pub view: View,
    /// Where in the channel's history it begins.
    pub start: Start,
    /// Makes what a connection is told where messages between the last one and the next are lost:
    /// their history is forgotten. Default none: only the counter tells.
    pub gap: Option<fn(&Channel, Cursor) -> Message>,
    /// Who subscribes, for [`PubSub::presence`](crate::PubSub::presence).
    pub user: Option<Arc<str>>,
}

/// The form in which a subscription gets its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum View {
    /// As they were published.
    #[default]
    Plain,
    /// As text, whatever they were: what is no UTF-8 is in its envelope, or without one has U+FFFD
    /// where it is none.
    Text,
    /// As binary, whatever they were.
    Binary,
    /// As [`Config::envelope`] makes them.
    Envelope,
}

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Start {
    /// With the next message.
    #[default]
    Now,
    /// With the oldest that the history has.
    Oldest,
    /// Behind the last message that the subscriber has.
    After(Cursor),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_subscriptions: 64,
            max_handoff_bytes: 16 << 20,
            max_stream_bytes: 1 << 20,
            history: Vec::new(),
            max_history_bytes: 256 << 20,
            max_histories: 10_000,
            envelope: None,
            announce: None,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("max_subscriptions", &self.max_subscriptions)
            .field("max_handoff_bytes", &self.max_handoff_bytes)
            .field("max_stream_bytes", &self.max_stream_bytes)
            .field("history", &self.history)
            .field("max_history_bytes", &self.max_history_bytes)
            .field("max_histories", &self.max_histories)
            .finish_non_exhaustive()
    }
}
