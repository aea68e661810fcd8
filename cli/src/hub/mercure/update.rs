//! An update: a message with its topics.

use std::time::Duration;

use astatine_pubsub::{Channel, Cursor, Publication};
use astatine_reactor::handler::{Form, Message};
use astatine_sse::{Event, Line};
use serde::{Deserialize, Serialize};

use super::selector::Selector;
use crate::hub::envelope;

/// What an update has beside its id and its type, which are those of the message that carries it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Update {
    pub(super) topics: Vec<String>,
    pub(super) is_private: bool,
    pub(super) data: String,
    /// In milliseconds.
    pub(super) retry: Option<u64>,
}

impl Update {
    /// Makes an update of a message on a channel, for those who may read that.
    pub(super) fn private(channel: &Channel, message: &Message) -> Message {
        let data = match message.as_text() {
            Some(text) => text.to_owned(),
            None => envelope::fields(channel, message).to_string(),
        };
        let update = Self {
            topics: vec![channel.as_str().to_owned()],
            is_private: true,
            data,
            retry: None,
        };
        let carrier = update.carrier();
        match message.event() {
            Some(event) => carrier
                .with_event(event)
                .expect("it was an event's name before"),
            None => carrier,
        }
    }

    /// Returns the message that carries it.
    pub(super) fn carrier(&self) -> Message {
        Message::text(serde_json::to_string(self).expect("texts and numbers are JSON"))
    }
}

/// Makes an id of a place: a fragment, which no publisher's own id is.
pub(super) fn id_of(place: Cursor) -> String {
    format!("#{place}")
}

/// Returns the id of an update: its publisher's, or else its place.
pub(super) fn id(publication: &Publication) -> Option<String> {
    let id = publication.message().id()?;
    let place = publication.cursor().filter(|place| place.to_string() == id);
    Some(place.map_or_else(|| id.to_owned(), id_of))
}

/// Encodes the event of an update, once for all who get it.
pub(super) fn event(publication: &Publication) -> Option<Message> {
    let carrier = publication.message();
    // Messages know no retry, so the event is encoded here, before anybody asks for it.
    let event = carrier.encoded(Form::Event, |carrier, output| {
        let Ok(update) = serde_json::from_slice::<Update>(carrier.payload()) else {
            return;
        };
        let line = |text| Line::new(text).ok();
        let mut event = Event::data(&update.data);
        let id = id(publication);
        event.id = id.as_deref().and_then(line);
        event.event = carrier.event().and_then(line);
        event.retry = update.retry.map(Duration::from_millis);
        event.encode(output);
    });
    (!event.is_empty()).then(|| carrier.clone())
}

/// What decides who gets an update.
#[derive(Debug, Deserialize)]
pub(super) struct Address {
    topics: Vec<String>,
    is_private: bool,
}

impl Address {
    /// Reads the address of the update that a message carries.
    pub(super) fn of(carrier: &Message) -> Option<Self> {
        serde_json::from_slice(carrier.payload()).ok()
    }

    /// Tells whether a topic is selected, and, where the update is private, allowed.
    pub(super) fn is_for(&self, selected: &[Selector], allowed: &[Selector]) -> bool {
        self.matches(selected) && (!self.is_private || self.matches(allowed))
    }

    fn matches(&self, selectors: &[Selector]) -> bool {
        let mut topics = self.topics.iter();
        topics.any(|topic| selectors.iter().any(|selector| selector.matches(topic)))
    }
}
