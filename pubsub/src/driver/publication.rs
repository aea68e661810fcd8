//! What was published: a message on a channel, with its place in the history and the forms that
//! subscriptions ask for, each made once.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use astatine_reactor::handler::{Kind, Message};
use bytes::Bytes;

use super::config::View;
use super::stats::Stats;
use crate::proto::cursor::Cursor;
use crate::proto::name::Channel;

/// A message that was published; clones are the same.
#[derive(Clone)]
pub struct Publication(Arc<Inner>);

struct Inner {
    channel: Channel,
    message: Message,
    cursor: Option<Cursor>,
    n_bytes: usize,
    /// The message as text, as binary and in its envelope, where that is something else.
    views: [OnceLock<Option<Message>>; 3],
    envelope: Option<fn(&Publication) -> Message>,
}

/// What a subscriber is told.
#[derive(Clone, Debug)]
pub enum Item {
    /// A message.
    Publication(Publication),
    /// What was published between the last message and this place is lost: its history is
    /// forgotten.
    Gap(Channel, Cursor),
}

impl Publication {
    pub(crate) fn new(
        channel: Channel,
        message: Message,
        cursor: Option<Cursor>,
        envelope: Option<fn(&Self) -> Message>,
    ) -> Self {
        // What a client goes on from is the cursor, unless the publisher has ids of its own.
        let message = match (cursor, message.id()) {
            (Some(cursor), None) => with_id(message, &cursor.to_string()),
            _ => message,
        };
        Self(Arc::new(Inner {
            channel,
            n_bytes: n_bytes(&message),
            message: message.shared(),
            cursor,
            views: Default::default(),
            envelope,
        }))
    }

    /// Returns the channel.
    pub fn channel(&self) -> &Channel {
        &self.0.channel
    }

    /// Returns the message. On a channel with a history it has its cursor as id, unless it was
    /// published with one.
    pub fn message(&self) -> &Message {
        &self.0.message
    }

    /// Returns its place, where the channel has a history.
    pub fn cursor(&self) -> Option<Cursor> {
        self.0.cursor
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.0.n_bytes
    }

    /// Returns the message in a form; all who ask for one get the same. A panic is counted for the
    /// first.
    pub(crate) fn view(&self, view: View, stats: &mut Stats) -> &Message {
        let message = &self.0.message;
        let other = match view {
            View::Plain => return message,
            View::Text if message.kind() == Kind::Text => return message,
            View::Binary if message.kind() == Kind::Binary => return message,
            View::Text => self.0.views[0].get_or_init(|| match message.as_text() {
                Some(_) => Some(alike(message, Kind::Text, message.payload().clone())),
                None => Some(
                    self.envelope(stats)
                        .cloned()
                        .unwrap_or_else(|| lossy(message)),
                ),
            }),
            View::Binary => self.0.views[1]
                .get_or_init(|| Some(alike(message, Kind::Binary, message.payload().clone()))),
            View::Envelope => return self.envelope(stats).unwrap_or(message),
        };
        other.as_ref().unwrap_or(message)
    }

    fn envelope(&self, stats: &mut Stats) -> Option<&Message> {
        let envelope = self.0.envelope?;
        let made = self.0.views[2].get_or_init(|| {
            // Foreign code must not take a dispatcher with it.
            let made = catch_unwind(AssertUnwindSafe(|| envelope(self)));
            stats.n_panics += u64::from(made.is_err());
            made.ok().map(Message::shared)
        });
        made.as_ref()
    }
}

/// Returns what a message holds: an id and an event's name may be as long as a payload.
pub(crate) fn n_bytes(message: &Message) -> usize {
    let texts = [message.id(), message.event()].into_iter().flatten();
    message.payload().len() + texts.map(str::len).sum::<usize>()
}

fn lossy(message: &Message) -> Message {
    let text = String::from_utf8_lossy(message.payload()).into_owned();
    alike(message, Kind::Text, text.into())
}

/// Makes a message with the same id and event.
fn alike(message: &Message, kind: Kind, payload: Bytes) -> Message {
    let mut made = Message::new(kind, payload);
    if let Some(id) = message.id() {
        made = with_id(made, id);
    }
    match message.event() {
        Some(event) => made
            .with_event(event)
            .expect("it was an event's name before"),
        None => made,
    }
    .shared()
}

fn with_id(message: Message, id: &str) -> Message {
    message
        .with_id(id)
        .expect("a cursor, and what was an id before, have no line break")
}

impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publication")
            .field("channel", &self.0.channel)
            .field("message", &self.0.message)
            .field("cursor", &self.0.cursor)
            .finish_non_exhaustive()
    }
}
