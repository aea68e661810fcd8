//! What the engine needs of a protocol.

use bytes::BytesMut;

use super::{Encoding, Message, Reason};

/// A protocol of messages without I/O: what [`drive`](super::drive()) needs of it.
pub trait Protocol: Send + 'static {
    /// Says how messages are encoded.
    fn encoding(&self) -> Encoding;

    /// Takes the next event off the input; `None` when it needs more. What the protocol answers by
    /// itself is added to `output`.
    fn receive(&mut self, input: &mut BytesMut, output: &mut Vec<u8>) -> Option<Event>;

    /// Takes a message that lies whole in the input and needs no answer; `None` for all else, which
    /// is left to [`Protocol::receive`]. It is a short way for what comes most, and may be missing.
    fn receive_whole(&mut self, _input: &mut BytesMut) -> Option<Message> {
        None
    }

    /// Takes what the end of the stream completes off the input, as a last line without an end, until
    /// nothing is left.
    fn receive_last(&mut self, _input: &mut BytesMut) -> Option<Event> {
        None
    }

    /// Notes that the other end has ended the stream, and says what that means.
    fn receive_eof(&mut self) -> Reason {
        let text = String::new();
        Reason::Remote { code: None, text }
    }

    /// Returns how many bytes are known to be missing of what is being received.
    fn missing_bytes(&self) -> usize {
        0
    }

    /// Tells whether there may be events where no input is left.
    fn keeps_events(&self) -> bool {
        false
    }

    /// Notes that nothing has come in for a while.
    fn ping(&mut self, output: &mut Vec<u8>) -> Answer;

    /// Begins the end, and tells whether the other end's part in it is waited for.
    fn close(&mut self, code: Option<u16>, text: &str, output: &mut Vec<u8>) -> bool;

    /// Encodes a message, where [`Protocol::encoding`] is [`Encoding::Alone`].
    fn encode(&mut self, message: &Message, output: &mut Vec<u8>);

    /// Says why the connection must end, where a message could not be encoded.
    fn take_failure(&mut self) -> Option<Reason> {
        None
    }
}

/// What a protocol finds in its input.
#[derive(Debug)]
pub enum Event {
    /// A message for the handler.
    Message(Message),
    /// The end: nothing more is received. The protocol's answer is in the output.
    Closed(Reason),
}

/// What a protocol's ping leads one to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Something has to come in.
    Awaited,
    /// Nothing: writing it is all there is.
    NotAwaited,
    /// There is no ping: something has to move, in either direction.
    NoPing,
}
