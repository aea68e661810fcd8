//! The protocol as the reactor's engine runs it, behind a handshake.

pub mod client;
mod compression;
mod service;
mod socket;

use std::sync::Arc;

use astatine_reactor::handler::{self, Answer, Encoding, Handler, HandlerConfig, Protocol, Reason};
use astatine_reactor::{Connection, handler::drive};
use bytes::{Bytes, BytesMut};

use self::compression::Compression;
use crate::config::Config;
use crate::proto::deflate::Terms;
use crate::proto::{self, CloseCode, Event, Extension, Kind, Role};

pub use service::Upgrade;
pub use socket::{Reader, WebSocket, Writer};

/// Serves a WebSocket whose handshake is done with a handler, until it is closed, and returns why it
/// was.
///
/// `unread` is what was read behind the handshake; `terms` are those of permessage-deflate, where it
/// was agreed on.
///
/// # Cancel safety
///
/// Dropping the future closes the connection where it is; the handler is told.
///
/// # Panics
///
/// Outside a tokio runtime with time enabled.
pub fn serve(
    connection: Connection,
    unread: Bytes,
    role: Role,
    terms: Option<Terms>,
    handler: impl Handler,
    config: Arc<Config>,
) -> impl Future<Output = Reason> + Send {
    let mut pace = HandlerConfig::default();
    pace.timeout = Some(config.ping_interval);
    pace.close_timeout = config.close_timeout;
    pace.outbox_bytes = config.outbox_bytes;
    pace.write_stall_timeout = config.write_stall_timeout;
    pace.drain_min_rate = config.drain_min_rate;
    pace.drain_grace = config.drain_grace;
    let protocol = Frames::new(role, terms, config);
    drive(connection, unread, protocol, Box::new(handler), pace)
}

/// Messages as frames.
struct Frames {
    core: proto::Connection,
    is_client: bool,
    compression: Compression,
    config: Arc<Config>,
}

impl Frames {
    fn new(role: Role, terms: Option<Terms>, config: Arc<Config>) -> Self {
        let is_client = matches!(role, Role::Client(_));
        let extension = terms.map_or(Extension::None, |_| Extension::Deflate);
        Self {
            core: proto::Connection::new(role, extension),
            is_client,
            compression: Compression::new(terms, is_client, &config),
            config,
        }
    }

    fn event_of(&mut self, event: Event, output: &mut Vec<u8>) -> Option<handler::Event> {
        let message = |kind, payload| handler::Event::Message(message_of(kind, payload));
        match event {
            Event::Message { kind, payload } => Some(message(kind, payload)),
            Event::Deflated { kind, payload } => {
                match self
                    .compression
                    .inflating
                    .inflate(kind, &payload, &self.config)
                {
                    Ok(payload) => Some(message(kind, payload)),
                    Err(violation) => {
                        self.core.fail(violation, output);
                        Some(closed(violation))
                    }
                }
            }
            Event::Ping(_) | Event::Pong(_) => None,
            Event::Close(close) => {
                let (code, text) = match close {
                    Some(close) => (Some(close.code.value()), close.reason),
                    None => (None, String::new()),
                };
                Some(handler::Event::Closed(Reason::Remote { code, text }))
            }
        }
    }
}

#[inline]
fn message_of(kind: Kind, payload: Bytes) -> handler::Message {
    let kind = match kind {
        Kind::Text => handler::Kind::Text,
        Kind::Binary => handler::Kind::Binary,
    };
    handler::Message::new(kind, payload)
}

fn closed(violation: crate::error::Violation) -> handler::Event {
    let code = violation.close_code().map_or(ABNORMAL, CloseCode::value);
    handler::Event::Closed(Reason::Violation(code))
}

/// What stands for an end without a Close frame (RFC 6455 §7.1.5).
const ABNORMAL: u16 = 1006;

impl Protocol for Frames {
    fn encoding(&self) -> Encoding {
        if self.is_client {
            // Each client draws mask keys of its own.
            return Encoding::Alone;
        }
        self.compression.encoding()
    }

    #[inline(always)]
    fn receive_whole(&mut self, input: &mut BytesMut) -> Option<handler::Message> {
        let (kind, payload) = self.core.receive_whole(input, &self.config)?;
        Some(message_of(kind, payload))
    }

    fn receive(&mut self, input: &mut BytesMut, output: &mut Vec<u8>) -> Option<handler::Event> {
        loop {
            match self.core.receive(input, &self.config, output) {
                Ok(None) => return None,
                Ok(Some(event)) => {
                    if let Some(event) = self.event_of(event, output) {
                        return Some(event);
                    }
                }
                Err(violation) => return Some(closed(violation)),
            }
        }
    }

    fn receive_eof(&mut self) -> Reason {
        let code = self.core.receive_eof().is_err().then_some(ABNORMAL);
        let text = String::new();
        Reason::Remote { code, text }
    }

    fn missing_bytes(&self) -> usize {
        self.core.payload_missing()
    }

    fn ping(&mut self, output: &mut Vec<u8>) -> Answer {
        match self.core.ping(b"", output) {
            Ok(()) => Answer::Awaited,
            // It is closing, and the end has a time of its own.
            Err(_) => Answer::NotAwaited,
        }
    }

    fn close(&mut self, code: Option<u16>, text: &str, output: &mut Vec<u8>) -> bool {
        let code = code.and_then(CloseCode::new).unwrap_or(CloseCode::NORMAL);
        let fitting = (0..=text.len().min(MAX_REASON_LEN)).rev();
        let end = fitting.into_iter().find(|end| text.is_char_boundary(*end));
        let text = &text[..end.unwrap_or_default()];
        self.core.close(code, text, output).is_ok()
    }

    fn encode(&mut self, message: &handler::Message, output: &mut Vec<u8>) {
        let kind = match message.kind() {
            handler::Kind::Text => Kind::Text,
            handler::Kind::Binary => Kind::Binary,
        };
        let payload = message.payload();
        let core = &mut self.core;
        let sent = self
            .compression
            .deflating
            .deflate(payload, |deflated| match deflated {
                Some(deflated) => core.send_deflated(kind, deflated, output),
                None => core.send(kind, payload, output),
            });
        // Behind a Close frame nothing may be sent, and what waited is lost with the connection.
        sent.unwrap_or_default();
    }
}

/// What a Close frame has room for behind its code (RFC 6455 §5.5).
const MAX_REASON_LEN: usize = 123;
