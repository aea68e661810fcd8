//! One event stream, from bytes to events.

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;

use crate::config::Config;
use crate::error::Violation;

/// An event as a client sees it.
///
/// # Spec
///
/// WHATWG HTML §9.2.6, "dispatch the event".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageEvent {
    /// `message`, unless the stream names another.
    pub event_type: Cow<'static, str>,
    /// The lines of data, joined by LF.
    pub data: String,
    /// The id of this event or, where it had none, of the last one that had.
    pub last_event_id: Arc<str>,
}

/// Reads one event stream, in pieces of any size.
///
/// Bytes that are no UTF-8 become U+FFFD. Lines end by CR, LF or CRLF; an event is given at the
/// end of the empty line behind it, and one without that line is never given.
///
/// # Spec
///
/// WHATWG HTML §9.2.6. One rule is read as browsers do: the last id outlives the connection, until
/// a server sends another. By the letter, the first empty line of the next stream would clear it.
#[derive(Debug)]
pub struct Parser {
    max_line_bytes: usize,
    max_event_bytes: usize,
    /// The stream is past its byte order mark. Before, all that came is in `line`.
    is_begun: bool,
    /// The last line ended by CR: an LF that follows belongs to it.
    is_after_cr: bool,
    /// The begin of a line whose end has not come.
    line: Vec<u8>,
    /// Each line of data, and an LF behind it.
    data: Vec<u8>,
    event_type: Vec<u8>,
    /// The id that counts from the next empty line on, where one was sent.
    id: Option<Arc<str>>,
    last_event_id: Arc<str>,
    retry: Option<Duration>,
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl Parser {
    /// Begins a stream.
    pub fn new(config: &Config) -> Self {
        Self {
            max_line_bytes: config.max_line_bytes,
            max_event_bytes: config.max_event_bytes,
            is_begun: false,
            is_after_cr: false,
            line: Vec::new(),
            data: Vec::new(),
            event_type: Vec::new(),
            id: None,
            last_event_id: Arc::from(""),
            retry: None,
        }
    }

    /// Takes the id of the last event that was seen, as for the request that opens the stream.
    #[must_use]
    pub fn with_last_event_id(mut self, id: &str) -> Self {
        self.last_event_id = Arc::from(id);
        self
    }

    /// Begins the next stream of the same source: what was not complete is forgotten, the last id
    /// and the retry time stay.
    pub fn restart(&mut self) {
        self.is_begun = false;
        self.is_after_cr = false;
        self.id = None;
        self.line.clear();
        self.data.clear();
        self.event_type.clear();
    }

    /// Reads up to the end of the next event; the rest of the input stays. `None` says that the
    /// input is used up.
    ///
    /// # Errors
    ///
    /// A limit was passed. The stream is to be given up.
    pub fn receive(&mut self, input: &mut impl Buf) -> Result<Option<MessageEvent>, Violation> {
        while input.has_remaining() {
            let (n_read, event) = self.read(input.chunk())?;
            input.advance(n_read);
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// Returns the id that the next request is to carry; empty where there is none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// Returns the time that the server has asked clients to wait before they come back.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Reads until an event is complete or the chunk ends; returns how much was read.
    fn read(&mut self, chunk: &[u8]) -> Result<(usize, Option<MessageEvent>), Violation> {
        let mut at = self.skip_mark(chunk);
        while at < chunk.len() {
            let rest = &chunk[at..];
            if mem::take(&mut self.is_after_cr) && rest[0] == b'\n' {
                at += 1;
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let Some(end) = end else {
                self.keep(rest)?;
                break;
            };
            at += end + 1;
            self.is_after_cr = rest[end] == b'\r';
            if let Some(event) = self.end_line(&rest[..end])? {
                return Ok((at, Some(event)));
            }
        }
        Ok((chunk.len(), None))
    }

    /// Passes over a byte order mark where the stream begins; returns how much of the chunk it
    /// took. What only begins like one is left as the begin of the first line.
    fn skip_mark(&mut self, chunk: &[u8]) -> usize {
        for (at, byte) in chunk.iter().enumerate() {
            if self.is_begun || BYTE_ORDER_MARK[self.line.len()] != *byte {
                self.is_begun = true;
                return at;
            }
            self.line.push(*byte);
            if self.line == BYTE_ORDER_MARK {
                self.line.clear();
                self.is_begun = true;
            }
        }
        chunk.len()
    }

    /// Keeps bytes of a line that is not whole.
    fn keep(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        self.check_line(bytes)?;
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn check_line(&self, bytes: &[u8]) -> Result<(), Violation> {
        if bytes.len() > self.max_line_bytes.saturating_sub(self.line.len()) {
            return Err(Violation::LineTooLong);
        }
        Ok(())
    }

    /// Takes the rest of a line. One that lies whole in the input is not copied to be read.
    fn end_line(&mut self, rest: &[u8]) -> Result<Option<MessageEvent>, Violation> {
        if self.line.is_empty() {
            self.check_line(rest)?;
            return self.interpret(rest);
        }
        self.keep(rest)?;
        let mut line = mem::take(&mut self.line);
        let event = self.interpret(&line);
        line.clear();
        self.line = line;
        event
    }

    /// Does what a line says.
    fn interpret(&mut self, line: &[u8]) -> Result<Option<MessageEvent>, Violation> {
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                self.check_event(value.len() + 1)?;
                self.data.reserve(value.len() + 1);
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => {
                self.event_type.clear();
                self.check_event(value.len())?;
                self.event_type.extend_from_slice(value);
            }
            b"id" if !value.contains(&0) => {
                self.id = None;
                self.check_event(value.len())?;
                self.id = Some(String::from_utf8_lossy(value).into());
            }
            b"retry" => self.retry = milliseconds(value).or(self.retry),
            // A comment, which has no name, or a field that is not known.
            _ => {}
        }
        Ok(None)
    }

    /// Tells whether the event under way has room for more.
    fn check_event(&self, n_more: usize) -> Result<(), Violation> {
        let id = self.id.as_ref().map_or(0, |id| id.len());
        if self.data.len() + self.event_type.len() + id + n_more > self.max_event_bytes {
            return Err(Violation::EventTooLong);
        }
        Ok(())
    }

    /// Ends an event. One without data is none, but its id counts.
    fn dispatch(&mut self) -> Option<MessageEvent> {
        if let Some(id) = self.id.take() {
            self.last_event_id = id;
        }
        let event_type = mem::take(&mut self.event_type);
        // The LF behind the last line.
        self.data.pop()?;
        Some(MessageEvent {
            event_type: if event_type.is_empty() {
                Cow::Borrowed("message")
            } else {
                Cow::Owned(text(event_type))
            },
            data: text(mem::take(&mut self.data)),
            last_event_id: Arc::clone(&self.last_event_id),
        })
    }
}

/// Decodes UTF-8. No sequence reaches over an ASCII octet, so a line decoded by itself is what the
/// stream decoded as a whole would have there.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Reads decimal digits, nothing else; more than fit are as many as fit.
fn milliseconds(digits: &[u8]) -> Option<Duration> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let millis = digits.iter().fold(0_u64, |millis, digit| {
        millis
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    });
    Some(Duration::from_millis(millis))
}
