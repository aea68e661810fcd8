//! One end of a connection: bytes in, events out; messages in, bytes out.

use bytes::{Bytes, BytesMut};

use super::close::{self, Body, Close, CloseCode};
use super::frame::{self, Form, Header, MAX_CONTROL_LEN, Opcode, Rules};
use super::mask::{self, MaskKeys};
use super::message::{Assembly, Kind};
use super::state::{Input, Life};
use super::utf8;
use crate::config::Config;
use crate::error::{Misuse, Violation};

/// The machine of one connection, behind the handshake. It owns no buffer but the fragments of a
/// message that is not complete: input is taken off the caller's, output is added to the caller's.
///
/// After each input, take the events until there are none, send the output, and see whether
/// [`Connection::is_closed`].
#[derive(Debug)]
pub struct Connection {
    role: Role,
    rules: Rules,
    life: Life,
    /// The frame whose payload is not all there.
    frame: Option<Frame>,
    message: Assembly,
}

/// Which end of the connection this is.
#[derive(Debug)]
pub enum Role {
    /// The end that was connected to.
    Server,
    /// The end that connected, and masks what it sends.
    Client(MaskKeys),
}

/// What the handshake agreed on beside RFC 6455.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Extension {
    /// Nothing.
    #[default]
    None,
    /// permessage-deflate (RFC 7692).
    Deflate,
}

/// What came in.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// A message. The payload of a text is UTF-8.
    Message {
        /// Text or binary.
        kind: Kind,
        /// All of it. Where the message came as one frame it is a slice of the input, and holds on
        /// to the block that it lies in: copy what is small and kept.
        payload: Bytes,
    },
    /// A compressed message, where the handshake agreed on it. `deflate::Inflater` makes a message
    /// of it; where that fails, [`Connection::fail`] tells the peer.
    Deflated {
        /// Text or binary, once it is inflated.
        kind: Kind,
        /// All of it.
        payload: Bytes,
    },
    /// A ping. The output has the answer.
    Ping(Bytes),
    /// The answer to a ping, or one that nobody asked for.
    Pong(Bytes),
    /// The peer closes; the last event. The output has the answer, if the peer began.
    Close(Option<Close>),
}

/// A frame of which the input holds what has come, without its header.
#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: Opcode,
    is_final: bool,
    mask_key: Option<[u8; 4]>,
    payload_len: usize,
    /// How much of the payload is unmasked and checked.
    n_done: usize,
}

impl Connection {
    /// Begins a connection whose handshake is done.
    pub fn new(role: Role, extension: Extension) -> Self {
        let rules = Rules {
            is_masked: matches!(role, Role::Server),
            has_deflate: extension == Extension::Deflate,
        };
        Self {
            role,
            rules,
            life: Life::Open,
            frame: None,
            message: Assembly::default(),
        }
    }

    /// Takes the next event off the input; `None` when there is too little of it. Pongs, and the
    /// answer to a Close frame, are added to the output.
    ///
    /// What is left in the input was changed in place, and must lie at its front when more has come
    /// in behind it. Behind the last event everything is dropped.
    ///
    /// # Spec
    ///
    /// RFC 6455 §5, §7, §8.1.
    ///
    /// # Errors
    ///
    /// The peer broke a rule. The output has a Close frame that says which kind.
    ///
    /// # Panics
    ///
    /// The front of the input is gone since the last call.
    #[inline]
    pub fn receive(
        &mut self,
        input: &mut BytesMut,
        config: &Config,
        output: &mut Vec<u8>,
    ) -> Result<Option<Event>, Violation> {
        match self.receive_whole(input, config) {
            Some((kind, payload)) => Ok(Some(Event::Message { kind, payload })),
            None => self.receive_frames(input, config, output),
        }
    }

    /// Takes a message that lies in the input as one frame and is plain, as most do; `None` for
    /// anything else, which is left as it is.
    #[inline(always)]
    pub(crate) fn receive_whole(
        &self,
        input: &mut BytesMut,
        config: &Config,
    ) -> Option<(Kind, Bytes)> {
        if !self.life.is_sending() || self.frame.is_some() || !self.message.is_idle() {
            return None;
        }
        let whole = frame::decode_whole(input, self.rules)?;
        let end = whole.header_len + whole.payload_len;
        if whole.payload_len > config.max_message_bytes || config.max_frames == 0 {
            return None;
        }
        let payload = &mut input[whole.header_len..end];
        if let Some(key) = whole.mask_key {
            mask::apply(payload, key, 0);
        }
        if whole.kind == Kind::Text && !utf8::is_utf8(payload) {
            // Masked again, so the long way finds it as it came.
            if let Some(key) = whole.mask_key {
                mask::apply(payload, key, 0);
            }
            return None;
        }
        let mut payload = input.split_to(end).freeze();
        bytes::Buf::advance(&mut payload, whole.header_len);
        Some((whole.kind, payload))
    }

    fn receive_frames(
        &mut self,
        input: &mut BytesMut,
        config: &Config,
        output: &mut Vec<u8>,
    ) -> Result<Option<Event>, Violation> {
        while self.life.is_receiving() {
            let received = match self.receive_frame(input, config) {
                Ok(None) => return Ok(None),
                Ok(Some(frame)) => {
                    let payload = input.split_to(frame.payload_len);
                    self.end_frame(&frame, payload, output)
                }
                Err(violation) => Err(violation),
            };
            match received {
                Ok(Some(event @ Event::Close(_))) => return Ok(Some(event)),
                // Whoever has closed wants to hear of nothing else.
                Ok(Some(event)) if self.life.is_sending() => return Ok(Some(event)),
                Ok(_) => {}
                Err(violation) => {
                    self.fail(violation, output);
                    return Err(violation);
                }
            }
        }
        input.clear();
        Ok(None)
    }

    /// Returns how many bytes are missing of the payload of the frame under way: a caller that
    /// makes so much room behind the input reads a large message to where it stays.
    pub fn payload_missing(&self) -> usize {
        self.frame
            .as_ref()
            .map_or(0, |frame| frame.payload_len - frame.n_done)
    }

    /// Notes that the peer ended the stream.
    ///
    /// # Errors
    ///
    /// It did so without a Close frame.
    pub fn receive_eof(&mut self) -> Result<(), Violation> {
        if self.life.is_receiving() {
            self.life.apply(Input::Break);
            return Err(Violation::UnexpectedEof);
        }
        Ok(())
    }

    /// Sends a message as one frame. A text must be UTF-8, which is not looked at: the peer ends
    /// the connection over one that is not.
    ///
    /// # Errors
    ///
    /// The connection is closing.
    pub fn send(&mut self, kind: Kind, payload: &[u8], output: &mut Vec<u8>) -> Result<(), Misuse> {
        self.send_frame(kind.into(), Form::Plain, payload, output)
    }

    /// Sends a message that `deflate::Deflater` has compressed.
    ///
    /// # Errors
    ///
    /// The connection is closing, or the handshake did not agree on compression.
    pub fn send_deflated(
        &mut self,
        kind: Kind,
        payload: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        if !self.rules.has_deflate {
            return Err(Misuse::NotAgreed);
        }
        self.send_frame(kind.into(), Form::Deflated, payload, output)
    }

    /// Sends a ping.
    ///
    /// # Errors
    ///
    /// The connection is closing, or the payload is longer than 125 bytes.
    pub fn ping(&mut self, payload: &[u8], output: &mut Vec<u8>) -> Result<(), Misuse> {
        if payload.len() > MAX_CONTROL_LEN {
            return Err(Misuse::ControlTooLong);
        }
        self.send_frame(Opcode::Ping, Form::Plain, payload, output)
    }

    /// Begins to close, with a reason of at most 123 bytes. The peer's answer is the last event.
    ///
    /// # Errors
    ///
    /// The connection is closing already, or the reason is too long.
    pub fn close(
        &mut self,
        code: CloseCode,
        reason: &str,
        output: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        let body = Body::new(code, reason)?;
        self.send_frame(Opcode::Close, Form::Plain, body.as_slice(), output)?;
        self.life.apply(Input::SendClose);
        Ok(())
    }

    /// Ends the connection over a violation: a Close frame says so, unless one was sent.
    pub fn fail(&mut self, violation: Violation, output: &mut Vec<u8>) {
        if let Some(code) = violation.close_code() {
            self.answer_close(Some(code), output);
        }
        if self.life.is_receiving() {
            self.life.apply(Input::Break);
        }
    }

    /// Tells whether messages can be sent.
    pub fn is_open(&self) -> bool {
        self.life.is_sending()
    }

    /// Tells whether nothing more will come, in good order or not. A server ends the stream once
    /// the output is sent; a client waits for the server to do it (RFC 6455 §7.1.1).
    pub fn is_closed(&self) -> bool {
        !self.life.is_receiving()
    }

    /// Returns the next frame whose payload is all there, at the front of the input.
    #[inline]
    fn receive_frame(
        &mut self,
        input: &mut BytesMut,
        config: &Config,
    ) -> Result<Option<Frame>, Violation> {
        let mut frame = match self.frame.take() {
            Some(frame) => frame,
            None => match self.receive_header(input, config)? {
                Some(frame) => frame,
                None => return Ok(None),
            },
        };
        let n_arrived = frame.payload_len.min(input.len());
        let fresh = &mut input[frame.n_done..n_arrived];
        if let Some(key) = frame.mask_key {
            mask::apply(fresh, key, frame.n_done);
        }
        if !frame.opcode.is_control() {
            self.message.check(fresh)?;
        }
        if n_arrived < frame.payload_len {
            frame.n_done = n_arrived;
            self.frame = Some(frame);
            return Ok(None);
        }
        Ok(Some(frame))
    }

    #[inline]
    fn receive_header(
        &mut self,
        input: &mut BytesMut,
        config: &Config,
    ) -> Result<Option<Frame>, Violation> {
        let Some((header, len)) = frame::decode(input, self.rules)? else {
            return Ok(None);
        };
        let payload_len = self.judge(&header, config)?;
        bytes::Buf::advance(input, len);
        Ok(Some(Frame {
            opcode: header.opcode,
            is_final: header.is_final,
            mask_key: header.mask_key,
            payload_len,
            n_done: 0,
        }))
    }

    /// Returns the length of a payload that may come.
    fn judge(&mut self, header: &Header, config: &Config) -> Result<usize, Violation> {
        if !header.opcode.is_control() {
            self.message.begin_frame(header, config)?;
        }
        usize::try_from(header.payload_len).map_err(|_| Violation::MessageTooLong)
    }

    /// Says what a whole frame means; `None` when its message goes on.
    #[inline]
    fn end_frame(
        &mut self,
        frame: &Frame,
        payload: BytesMut,
        output: &mut Vec<u8>,
    ) -> Result<Option<Event>, Violation> {
        match frame.opcode {
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                let message = self.message.end_frame(frame.is_final, payload)?;
                Ok(message.map(Event::from))
            }
            Opcode::Ping => {
                if self.life.is_sending() {
                    self.write_frame(Opcode::Pong, Form::Plain, &payload, output);
                }
                Ok(Some(Event::Ping(payload.freeze())))
            }
            Opcode::Pong => Ok(Some(Event::Pong(payload.freeze()))),
            Opcode::Close => {
                let close = close::decode(&payload)?;
                self.answer_close(close.as_ref().map(|close| close.code), output);
                self.life.apply(Input::ReceiveClose);
                Ok(Some(Event::Close(close)))
            }
        }
    }

    /// Writes a Close frame, unless ours was sent.
    fn answer_close(&mut self, code: Option<CloseCode>, output: &mut Vec<u8>) {
        if !self.life.is_sending() {
            return;
        }
        let code = code.map(|code| code.value().to_be_bytes());
        let body = code.as_ref().map_or(&[][..], |code| &code[..]);
        self.write_frame(Opcode::Close, Form::Plain, body, output);
    }

    fn send_frame(
        &mut self,
        opcode: Opcode,
        form: Form,
        payload: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        if !self.life.is_sending() {
            return Err(Misuse::Closing);
        }
        self.write_frame(opcode, form, payload, output);
        Ok(())
    }

    fn write_frame(&mut self, opcode: Opcode, form: Form, payload: &[u8], output: &mut Vec<u8>) {
        match &mut self.role {
            Role::Server => {
                frame::encode_header(opcode, form, payload.len(), None, output);
                output.extend_from_slice(payload);
            }
            Role::Client(keys) => {
                let key = keys.draw();
                frame::encode_header(opcode, form, payload.len(), Some(key), output);
                let begin = output.len();
                output.extend_from_slice(payload);
                mask::apply(&mut output[begin..], key, 0);
            }
        }
    }
}

impl From<super::message::Message> for Event {
    fn from(message: super::message::Message) -> Self {
        let (kind, payload) = (message.kind, message.payload);
        if message.is_deflated {
            Self::Deflated { kind, payload }
        } else {
            Self::Message { kind, payload }
        }
    }
}
