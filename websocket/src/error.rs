//! Who is to blame: the peer ([`Violation`], [`HandshakeViolation`]), our caller ([`Misuse`]), or
//! neither.

use std::error;
use std::fmt;
use std::io;

use http::{HeaderValue, Response, StatusCode, header};

use crate::proto::CloseCode;

/// The peer broke a rule of WebSocket, or went past a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit is set that no extension gives a meaning (RFC 6455 §5.2).
    ReservedBits,
    /// The opcode is one that nobody knows (RFC 6455 §5.2).
    ReservedOpcode(u8),
    /// The length of a payload takes more bytes than it needs, or more than 63 bits (RFC 6455
    /// §5.2).
    PayloadLength,
    /// A client's frame is not masked (RFC 6455 §5.1).
    UnmaskedFrame,
    /// A server's frame is masked (RFC 6455 §5.1).
    MaskedFrame,
    /// A control frame is fragmented (RFC 6455 §5.5).
    FragmentedControl,
    /// The payload of a control frame is longer than 125 bytes (RFC 6455 §5.5).
    ControlTooLong,
    /// A fragment goes on with no message (RFC 6455 §5.4).
    UnexpectedContinuation,
    /// A message begins inside another one (RFC 6455 §5.4).
    UnfinishedMessage,
    /// A Close frame has a body of one byte (RFC 6455 §5.5.1).
    CloseLength,
    /// A Close frame has a code that may not be sent (RFC 6455 §7.4).
    CloseCode(u16),
    /// The reason of a Close frame is no UTF-8 (RFC 6455 §5.5.1).
    CloseReason,
    /// A text is no UTF-8 (RFC 6455 §8.1).
    Text,
    /// A compressed message cannot be inflated (RFC 7692 §7.2.2).
    Deflate,
    /// The message is longer than the limit.
    MessageTooLong,
    /// The message has more frames than the limit.
    TooManyFrames,
    /// The peer ended the stream without a Close frame (RFC 6455 §7.1.5: 1006).
    UnexpectedEof,
}

impl Violation {
    /// Returns the code that the peer is told; `None` when there is nobody to tell.
    pub fn close_code(self) -> Option<CloseCode> {
        match self {
            Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::PayloadLength
            | Self::UnmaskedFrame
            | Self::MaskedFrame
            | Self::FragmentedControl
            | Self::ControlTooLong
            | Self::UnexpectedContinuation
            | Self::UnfinishedMessage
            | Self::CloseLength
            | Self::CloseCode(_) => Some(CloseCode::PROTOCOL_ERROR),
            Self::CloseReason | Self::Text | Self::Deflate => Some(CloseCode::INVALID_PAYLOAD),
            Self::MessageTooLong => Some(CloseCode::TOO_LONG),
            Self::TooManyFrames => Some(CloseCode::POLICY_VIOLATION),
            Self::UnexpectedEof => None,
        }
    }

    /// Returns a name for counters and logs, of small letters and underscores.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReservedBits => "reserved_bits",
            Self::ReservedOpcode(_) => "reserved_opcode",
            Self::PayloadLength => "payload_length",
            Self::UnmaskedFrame => "unmasked_frame",
            Self::MaskedFrame => "masked_frame",
            Self::FragmentedControl => "fragmented_control",
            Self::ControlTooLong => "control_too_long",
            Self::UnexpectedContinuation => "unexpected_continuation",
            Self::UnfinishedMessage => "unfinished_message",
            Self::CloseLength => "close_length",
            Self::CloseCode(_) => "close_code",
            Self::CloseReason => "close_reason",
            Self::Text => "text",
            Self::Deflate => "deflate",
            Self::MessageTooLong => "message_too_long",
            Self::TooManyFrames => "too_many_frames",
            Self::UnexpectedEof => "unexpected_eof",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBits => "reserved bit set",
            Self::ReservedOpcode(opcode) => return write!(f, "reserved opcode {opcode:#x}"),
            Self::PayloadLength => "malformed payload length",
            Self::UnmaskedFrame => "client's frame without mask",
            Self::MaskedFrame => "server's frame with mask",
            Self::FragmentedControl => "fragmented control frame",
            Self::ControlTooLong => "control frame too long",
            Self::UnexpectedContinuation => "continuation of no message",
            Self::UnfinishedMessage => "message inside another one",
            Self::CloseLength => "close frame of one byte",
            Self::CloseCode(code) => return write!(f, "close code {code} may not be sent"),
            Self::CloseReason => "close reason is not UTF-8",
            Self::Text => "text is not UTF-8",
            Self::Deflate => "malformed compressed message",
            Self::MessageTooLong => "message too long",
            Self::TooManyFrames => "message of too many frames",
            Self::UnexpectedEof => "stream ended without close frame",
        })
    }
}

impl error::Error for Violation {}

/// The peer broke a rule of the opening handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeViolation {
    /// A request does not ask for WebSocket: another method or version of HTTP, or no upgrade to
    /// it (RFC 6455 §4.2.1).
    NoUpgrade,
    /// Sec-WebSocket-Version is not 13 (RFC 6455 §4.4).
    Version,
    /// Sec-WebSocket-Key is not the base64 of 16 bytes, or stands not once (RFC 6455 §4.2.1).
    Key,
    /// Sec-WebSocket-Protocol is no list of different tokens; or a server's answer has one that
    /// was not offered (RFC 6455 §4.1, §4.2.1).
    Subprotocol,
    /// Sec-WebSocket-Extensions is malformed; or a server's answer has what was not offered (RFC
    /// 6455 §9.1, RFC 7692 §7.1).
    Extensions,
    /// A server's answer has another status than 101 (RFC 6455 §4.1).
    Status(u16),
    /// A server's answer does not switch to WebSocket (RFC 6455 §4.1).
    NotSwitched,
    /// A server's answer does not prove that the key was read (RFC 6455 §4.1).
    Accept,
    /// A server's answer is no response of HTTP/1.1, or its head is longer than 32 KiB.
    Response,
}

impl HandshakeViolation {
    /// Returns the status that a client is answered with. What only a server can break is what a
    /// gateway before it would answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoUpgrade | Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Key | Self::Subprotocol | Self::Extensions => StatusCode::BAD_REQUEST,
            Self::Status(_) | Self::NotSwitched | Self::Accept | Self::Response => {
                StatusCode::BAD_GATEWAY
            }
        }
    }

    /// Returns the answer of a server, with the version that it knows.
    ///
    /// # Spec
    ///
    /// RFC 6455 §4.4; RFC 9110 §15.5.22.
    pub fn response(self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = self.status();
        if self.status() == StatusCode::UPGRADE_REQUIRED {
            let websocket = HeaderValue::from_static("websocket");
            let headers = response.headers_mut();
            headers.insert(header::UPGRADE, websocket);
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(
                header::SEC_WEBSOCKET_VERSION,
                HeaderValue::from_static("13"),
            );
        }
        response
    }
}

impl fmt::Display for HandshakeViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoUpgrade => "request is no upgrade to WebSocket",
            Self::Version => "version of WebSocket not supported",
            Self::Key => "missing, repeated or malformed key",
            Self::Subprotocol => "malformed subprotocols, or one that was not offered",
            Self::Extensions => "malformed extensions, or one that was not offered",
            Self::Status(status) => return write!(f, "answered with status {status}"),
            Self::NotSwitched => "answered without a switch to WebSocket",
            Self::Accept => "answered with a wrong proof",
            Self::Response => "answered with no response of HTTP/1.1",
        })
    }
}

impl error::Error for HandshakeViolation {}

/// Our caller asked for what cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// Something was sent behind a Close frame.
    Closing,
    /// The payload of a ping is longer than 125 bytes.
    ControlTooLong,
    /// The reason of a Close frame is longer than 123 bytes.
    ReasonTooLong,
    /// A compressed message where the handshake agreed on none.
    NotAgreed,
    /// A subprotocol's name is no token.
    Subprotocol,
    /// A client's URI has no host.
    Uri,
    /// A client is to connect by another scheme than `ws`: it speaks no TLS.
    Scheme,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closing => "message behind the close frame",
            Self::ControlTooLong => "payload of a ping too long",
            Self::ReasonTooLong => "close reason too long",
            Self::NotAgreed => "compression that was not agreed on",
            Self::Subprotocol => "subprotocol is no token",
            Self::Uri => "URI without host",
            Self::Scheme => "URI of another scheme than ws",
        })
    }
}

impl error::Error for Misuse {}

/// Why a connection broke off. A close in good order is none.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke a rule.
    Violation(Violation),
    /// Our caller broke a rule; the connection goes on.
    Misuse(Misuse),
    /// The peer was silent for too long: it answered neither a ping nor our Close frame.
    TimedOut,
    /// The connection is closed, or closes, be it by the peer: nothing more can be sent.
    Closed,
    /// The transport failed.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Violation(_) => "peer broke the protocol",
            Self::Misuse(_) => "our side broke the protocol",
            Self::TimedOut => "peer was silent for too long",
            Self::Closed => "connection is closed",
            Self::Io(_) => "transport failed",
        })
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Violation(violation) => Some(violation),
            Self::Misuse(misuse) => Some(misuse),
            Self::Io(error) => Some(error),
            Self::TimedOut | Self::Closed => None,
        }
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_small_enough_to_return_everywhere() {
        assert!(size_of::<Error>() <= 32);
    }
}
