//! An update: a message with its topics.

use astatine_pubsub::{Channel, Publication};
use astatine_reactor::handler::{Form, Message};
use astatine_sse::{Event, Line};
use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::selector::Selector;

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
        let update = Self {
            topics: vec![channel.as_str().to_owned()],
            is_private: true,
            data: String::from_utf8_lossy(message.payload()).into_owned(),
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

    /// Takes the update that a publication carries.
    pub(super) fn of(publication: &Publication) -> Option<Self> {
        serde_json::from_slice(publication.message().payload()).ok()
    }

    /// Tells whether a topic is selected, and, where the update is private, allowed.
    pub(super) fn is_for(&self, selected: &[Selector], allowed: &[Selector]) -> bool {
        self.matches(selected) && (!self.is_private || self.matches(allowed))
    }

    fn matches(&self, selectors: &[Selector]) -> bool {
        let mut topics = self.topics.iter();
        topics.any(|topic| selectors.iter().any(|selector| selector.matches(topic)))
    }

    /// Returns the message that subscribers get.
    pub(super) fn event(&self, carrier: &Message) -> Message {
        let message = Message::text(self.data.as_str()).shared();
        // Messages know no retry, so the event is encoded here, before anybody asks for it.
        message.encoded(Form::Event, |_, output| {
            let line = |text| Line::new(text).ok();
            let mut event = Event::data(&self.data);
            event.id = carrier.id().and_then(line);
            event.event = carrier.event().and_then(line);
            event.retry = self.retry.map(Duration::from_millis);
            event.encode(output);
        });
        message
    }
}
