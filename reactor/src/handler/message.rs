//! What handlers are given and peers send: a payload, and its encodings, each made once.

use std::fmt;
use std::str;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};

/// A message between peers of any protocol. Clones share the payload and the encodings.
#[derive(Clone)]
pub struct Message {
    payload: Bytes,
    kind: Kind,
    shared: Option<Arc<Shared>>,
}

/// Whether a payload is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Anything.
    Binary,
}

/// The encodings that are kept with a message, so that many peers cost one encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A text frame of a WebSocket server.
    WebSocketText,
    /// A binary frame of a WebSocket server.
    WebSocketBinary,
    /// A compressed frame of a WebSocket server that keeps no context.
    WebSocketDeflated,
    /// An event of an event stream.
    Event,
}

#[derive(Default)]
struct Shared {
    id: Option<Box<str>>,
    event: Option<Box<str>>,
    forms: [OnceLock<Bytes>; N_FORMS],
}

pub(super) const N_FORMS: usize = 4;

impl Shared {
    fn encoded(&self, form: Form, encode: impl FnOnce() -> Bytes) -> &Bytes {
        self.forms[form as usize].get_or_init(encode)
    }
}

impl Message {
    /// Makes a message of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Kind::Text, Bytes::from(text.into()))
    }

    /// Makes a message of any bytes.
    pub fn binary(payload: impl Into<Bytes>) -> Self {
        Self::new(Kind::Binary, payload.into())
    }

    /// Makes a message of a payload that is known to be of its kind. Text that is no UTF-8 would
    /// make peers close their connections.
    pub fn new(kind: Kind, payload: Bytes) -> Self {
        Self {
            payload,
            kind,
            shared: None,
        }
    }

    /// Gives the message an id, which an event stream sends along.
    ///
    /// # Errors
    ///
    /// The id has a line break or a NUL, which would end its line.
    pub fn with_id(self, id: &str) -> Result<Self, LineBreak> {
        let id = one_line(id)?;
        Ok(self.with_shared(|shared| shared.id = Some(id)))
    }

    /// Gives the message the name of an event, which an event stream sends along.
    ///
    /// # Errors
    ///
    /// As [`Message::with_id`].
    pub fn with_event(self, event: &str) -> Result<Self, LineBreak> {
        let event = one_line(event)?;
        Ok(self.with_shared(|shared| shared.event = Some(event)))
    }

    /// Keeps the encodings with this message and the clones that are made of it from now on: for
    /// a message that goes to many.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.shared.get_or_insert_with(Arc::default);
        self
    }

    /// Returns the payload.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// Returns the payload alone.
    pub fn into_payload(self) -> Bytes {
        self.payload
    }

    /// Returns the payload as text alone; U+FFFD stands for what is no UTF-8.
    pub fn into_text(self) -> String {
        match String::from_utf8(self.payload.into()) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }
    }

    /// Returns whether the payload is text.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the payload where it is UTF-8, whatever its kind.
    pub fn as_text(&self) -> Option<&str> {
        str::from_utf8(&self.payload).ok()
    }

    /// Returns the id.
    pub fn id(&self) -> Option<&str> {
        self.shared.as_ref()?.id.as_deref()
    }

    /// Returns the name of the event.
    pub fn event(&self) -> Option<&str> {
        self.shared.as_ref()?.event.as_deref()
    }

    /// Returns the message in a form, encoded by whoever asks first; every time anew where the
    /// message is not [`Message::shared`].
    pub fn encoded(&self, form: Form, encode: impl FnOnce(&Self, &mut Vec<u8>)) -> Bytes {
        match &self.shared {
            Some(shared) => shared.encoded(form, || self.encode(encode)).clone(),
            None => self.encode(encode),
        }
    }

    /// Returns the encoding that is kept with the message, where it is shared.
    pub(super) fn kept(
        &self,
        form: Form,
        encode: impl FnOnce(&Self, &mut Vec<u8>),
    ) -> Option<&Bytes> {
        let shared = self.shared.as_ref()?;
        Some(shared.encoded(form, || self.encode(encode)))
    }

    fn encode(&self, encode: impl FnOnce(&Self, &mut Vec<u8>)) -> Bytes {
        let mut encoded = Vec::new();
        encode(self, &mut encoded);
        Bytes::from(encoded)
    }

    pub(super) fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Changes what is shared, in a copy where others share it. What was encoded is forgotten.
    fn with_shared(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = Shared {
            id: self.id().map(Box::from),
            event: self.event().map(Box::from),
            forms: Default::default(),
        };
        change(&mut shared);
        self.shared = Some(Arc::new(shared));
        self
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        (&self.payload, self.kind, self.id(), self.event())
            == (&other.payload, other.kind, other.id(), other.event())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("kind", &self.kind)
            .field("payload", &self.payload)
            .field("id", &self.id())
            .field("event", &self.event())
            .finish()
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<Bytes> for Message {
    fn from(payload: Bytes) -> Self {
        Self::binary(payload)
    }
}

impl From<BytesMut> for Message {
    fn from(payload: BytesMut) -> Self {
        Self::binary(payload)
    }
}

impl From<Vec<u8>> for Message {
    fn from(payload: Vec<u8>) -> Self {
        Self::binary(payload)
    }
}

/// A text that has to stand on one line has a line break or a NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineBreak;

impl fmt::Display for LineBreak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line break or a NUL in a text of one line")
    }
}

impl std::error::Error for LineBreak {}

fn one_line(text: &str) -> Result<Box<str>, LineBreak> {
    if text.contains(['\r', '\n', '\0']) {
        Err(LineBreak)
    } else {
        Ok(text.into())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_shared_message_is_encoded_once_for_each_form() {
        let n_encoded = Cell::new(0);
        let encode = |message: &Message, out: &mut Vec<u8>| {
            n_encoded.set(n_encoded.get() + 1);
            out.extend_from_slice(message.payload());
        };
        let message = Message::text("a").shared();
        let clone = message.clone();
        for message in [&message, &clone, &message] {
            assert_eq!(message.encoded(Form::Event, encode), "a");
        }
        assert_eq!(n_encoded.get(), 1);
        clone.encoded(Form::WebSocketText, encode);
        assert_eq!(n_encoded.get(), 2);
    }

    #[test]
    fn a_change_forgets_the_encodings_and_leaves_the_clones_alone() {
        let encode = |message: &Message, out: &mut Vec<u8>| {
            out.extend_from_slice(message.id().unwrap_or("-").as_bytes());
        };
        let message = Message::text("a").shared();
        assert_eq!(message.encoded(Form::Event, encode), "-");
        let named = message.clone().with_id("7").unwrap();
        assert_eq!(named.encoded(Form::Event, encode), "7");
        assert_eq!((message.id(), named.id()), (None, Some("7")));
    }

    #[test]
    fn what_would_break_a_line_is_refused() {
        for text in ["a\n", "\r", "a\0b"] {
            assert_eq!(Message::text("a").with_id(text), Err(LineBreak));
            assert_eq!(Message::text("a").with_event(text), Err(LineBreak));
        }
    }
}
