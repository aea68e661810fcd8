//! An event on its way out, and how it is written.

use std::time::Duration;

use bytes::Bytes;

use crate::error::Misuse;

/// Text that fits on one line: it has no CR, LF or NUL, so no field can break out of its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Line<'a>(&'a str);

impl<'a> Line<'a> {
    /// Takes text that is one line.
    ///
    /// # Errors
    ///
    /// [`Misuse`] says which byte cannot stand on a line.
    pub const fn new(text: &'a str) -> Result<Self, Misuse> {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'\r' | b'\n' => return Err(Misuse::LineBreak(at)),
                0 => return Err(Misuse::Nul(at)),
                _ => at += 1,
            }
        }
        Ok(Self(text))
    }

    /// Takes text of the program itself, for constants.
    ///
    /// # Panics
    ///
    /// The text has a CR, LF or NUL; a constant then does not compile.
    pub const fn from_static(text: &'static str) -> Line<'static> {
        match Line::new(text) {
            Ok(line) => line,
            Err(_) => panic!("a line has no CR, LF or NUL"),
        }
    }

    /// Returns the text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

/// An event to be sent. What is not set is not written.
///
/// # Spec
///
/// WHATWG HTML §9.2.5, the fields of an event stream.
///
/// # Examples
///
/// ```
/// use astatine_sse::{Event, Line};
///
/// let mut output = Vec::new();
/// let event = Event {
///     id: Some(Line::new("7")?),
///     data: Some("two\nlines"),
///     ..Event::default()
/// };
/// event.encode(&mut output);
/// assert_eq!(output, b"id: 7\ndata: two\ndata: lines\n\n");
/// # Ok::<(), astatine_sse::Misuse>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event<'a> {
    /// What a client sends as Last-Event-ID when it comes back. Empty text makes it forget.
    pub id: Option<Line<'a>>,
    /// The type that a client listens for; `message` where it is not set.
    pub event: Option<Line<'a>>,
    /// The content. CR, LF and CRLF each begin a line; a client joins lines by LF. Without it
    /// nothing is dispatched at the client, though id and retry count.
    pub data: Option<&'a str>,
    /// Time after which a client comes back, in whole milliseconds.
    pub retry: Option<Duration>,
    /// Text that clients pass over; it may have several lines.
    pub comment: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// Makes an event of content alone.
    pub const fn data(data: &'a str) -> Self {
        Self {
            id: None,
            event: None,
            data: Some(data),
            retry: None,
            comment: None,
        }
    }

    /// Appends the event's lines and the empty line that ends it.
    pub fn encode(&self, output: &mut Vec<u8>) {
        if let Some(comment) = self.comment {
            push_lines(b": ", comment, output);
        }
        if let Some(id) = self.id {
            push_line(b"id: ", id.0.as_bytes(), output);
        }
        if let Some(event) = self.event {
            push_line(b"event: ", event.0.as_bytes(), output);
        }
        if let Some(retry) = self.retry {
            push_line(b"retry: ", retry.as_millis().to_string().as_bytes(), output);
        }
        if let Some(data) = self.data {
            push_lines(b"data: ", data, output);
        }
        output.push(b'\n');
    }
}

/// An event as bytes: encoded once, cloned for each of its receivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded(Bytes);

impl Encoded {
    /// Returns a comment, which keeps a connection alive and is no event.
    pub const fn keep_alive() -> Self {
        Self(Bytes::from_static(b": ping\n\n"))
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Event<'_>> for Encoded {
    fn from(event: Event<'_>) -> Self {
        // Names, line ends, and a few digits.
        const OVERHEAD: usize = 48;
        let texts = [event.data, event.comment].into_iter();
        let lines = [event.id, event.event]
            .into_iter()
            .map(|line| line.map(Line::as_str));
        let len: usize = texts.chain(lines).flatten().map(str::len).sum();
        let mut output = Vec::with_capacity(len + OVERHEAD);
        event.encode(&mut output);
        Self(output.into())
    }
}

impl From<Encoded> for Bytes {
    fn from(event: Encoded) -> Self {
        event.0
    }
}

fn push_lines(name: &[u8], text: &str, output: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    loop {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let Some(end) = end else {
            return push_line(name, rest, output);
        };
        push_line(name, &rest[..end], output);
        let is_pair = rest[end..].starts_with(b"\r\n");
        rest = &rest[end + 1 + usize::from(is_pair)..];
    }
}

/// A space always follows the colon, so that one which begins the value is not taken for it.
fn push_line(name: &[u8], value: &[u8], output: &mut Vec<u8>) {
    output.extend_from_slice(name);
    output.extend_from_slice(value);
    output.push(b'\n');
}
