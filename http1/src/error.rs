//! Who is to blame: the peer ([`Violation`]), our caller ([`Misuse`]), or neither.

use std::error;
use std::fmt;
use std::io;

use http::StatusCode;

/// The peer broke a rule of HTTP/1, or went past a limit.
///
/// [`Violation::status`] is what it is answered with before the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A line ended by LF without CR (RFC 9112 §2.2).
    BareLf,
    /// A line has a CR that no LF follows (RFC 9112 §2.2).
    BareCr,
    /// The request line is not `method SP request-target SP HTTP-version` (RFC 9112 §3).
    RequestLine,
    /// The request-target has a form or an octet that its method does not allow (RFC 9112 §3.2).
    RequestTarget,
    /// The version is not HTTP/1.0 or HTTP/1.1 (RFC 9110 §15.6.6).
    Version,
    /// A header field line is malformed: white space before the colon, line folding, an octet
    /// that may not stand there (RFC 9112 §5).
    HeaderField,
    /// A request of HTTP/1.1 has no Host, several, or one that is no host (RFC 9112 §3.2).
    Host,
    /// Content-Length is not one decimal number (RFC 9112 §6.3).
    ContentLength,
    /// Transfer-Encoding does not end in chunked, names it twice, stands beside Content-Length, or
    /// stands in a request of HTTP/1.0 (RFC 9112 §6.1).
    TransferEncoding,
    /// Transfer-Encoding names a coding besides chunked (RFC 9112 §6.1).
    TransferCoding,
    /// The chunked coding is malformed (RFC 9112 §7.1).
    Chunk,
    /// The expectation is not 100-continue (RFC 9110 §10.1.1).
    Expectation,
    /// The request line is longer than the limit.
    RequestLineTooLong,
    /// A header line is longer than the limit.
    HeaderLineTooLong,
    /// There are more header fields than the limit.
    TooManyHeaders,
    /// The head, or the trailer section, is longer than the limit.
    HeadTooLong,
    /// The body is longer than the limit.
    BodyTooLong,
    /// The head did not arrive in time.
    HeadTimeout,
    /// The body arrives more slowly than the limit.
    BodyTooSlow,
    /// The peer ended the stream inside a message.
    UnexpectedEof,
    /// A status line is not `HTTP-version SP status-code SP [ reason-phrase ]` (RFC 9112 §4).
    StatusLine,
    /// A server switched protocols without having been asked to (RFC 9110 §15.2.2).
    Switch,
    /// There are more interim responses than the limit.
    TooManyInterim,
}

impl Violation {
    /// Returns the status that the peer is answered with. What only a server can break is what a
    /// gateway before it would answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BareLf
            | Self::BareCr
            | Self::RequestLine
            | Self::RequestTarget
            | Self::HeaderField
            | Self::Host
            | Self::ContentLength
            | Self::TransferEncoding
            | Self::Chunk
            | Self::UnexpectedEof => StatusCode::BAD_REQUEST,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::RequestLineTooLong => StatusCode::URI_TOO_LONG,
            Self::HeaderLineTooLong | Self::TooManyHeaders | Self::HeadTooLong => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::HeadTimeout | Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::StatusLine | Self::Switch | Self::TooManyInterim => StatusCode::BAD_GATEWAY,
        }
    }

    /// Returns a name for counters and logs, of small letters and underscores.
    pub fn name(self) -> &'static str {
        match self {
            Self::BareLf => "bare_lf",
            Self::BareCr => "bare_cr",
            Self::RequestLine => "request_line",
            Self::RequestTarget => "request_target",
            Self::Version => "version",
            Self::HeaderField => "header_field",
            Self::Host => "host",
            Self::ContentLength => "content_length",
            Self::TransferEncoding => "transfer_encoding",
            Self::TransferCoding => "transfer_coding",
            Self::Chunk => "chunk",
            Self::Expectation => "expectation",
            Self::RequestLineTooLong => "request_line_too_long",
            Self::HeaderLineTooLong => "header_line_too_long",
            Self::TooManyHeaders => "too_many_headers",
            Self::HeadTooLong => "head_too_long",
            Self::BodyTooLong => "body_too_long",
            Self::HeadTimeout => "head_timeout",
            Self::BodyTooSlow => "body_too_slow",
            Self::UnexpectedEof => "unexpected_eof",
            Self::StatusLine => "status_line",
            Self::Switch => "switch",
            Self::TooManyInterim => "too_many_interim",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareLf => "line ended by LF without CR",
            Self::BareCr => "CR without LF in a line",
            Self::RequestLine => "malformed request line",
            Self::RequestTarget => "malformed request target",
            Self::Version => "HTTP version not supported",
            Self::HeaderField => "malformed header field",
            Self::Host => "missing, repeated or malformed Host",
            Self::ContentLength => "malformed or repeated Content-Length",
            Self::TransferEncoding => "ambiguous Transfer-Encoding",
            Self::TransferCoding => "transfer coding not supported",
            Self::Chunk => "malformed chunk",
            Self::Expectation => "expectation not supported",
            Self::RequestLineTooLong => "request line too long",
            Self::HeaderLineTooLong => "header line too long",
            Self::TooManyHeaders => "too many header fields",
            Self::HeadTooLong => "head too long",
            Self::BodyTooLong => "body too long",
            Self::HeadTimeout => "head took too long",
            Self::BodyTooSlow => "body arrives too slowly",
            Self::UnexpectedEof => "stream ended inside a message",
            Self::StatusLine => "malformed status line",
            Self::Switch => "switch of protocols that was not asked for",
            Self::TooManyInterim => "too many interim responses",
        })
    }
}

impl error::Error for Violation {}

/// The service answered, or the client's caller asked, in a way that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// The body gave more bytes than its Content-Length.
    BodyLongerThanDeclared,
    /// The body, or the file behind it, ended before its Content-Length.
    BodyShorterThanDeclared,
    /// The body failed while it was sent.
    BodyFailed,
    /// A client was called before it was ready.
    NotReady,
    /// A request's URI has no form that its method allows, or an octet that may not be sent.
    Target,
    /// A request has no host in its URI nor in Host, several in Host, or one that is no host.
    Host,
    /// A request's Content-Length is no number, stands twice, or is not the length of its body.
    ContentLength,
    /// A request's Transfer-Encoding is not `chunked`, or stands where no such coding may.
    TransferEncoding,
    /// A request has a body that its method does not allow.
    BodyNotAllowed,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BodyLongerThanDeclared => "body longer than its Content-Length",
            Self::BodyShorterThanDeclared => "body shorter than its Content-Length",
            Self::BodyFailed => "body failed",
            Self::NotReady => "client called before it was ready",
            Self::Target => "URI that cannot be sent",
            Self::Host => "missing, repeated or malformed Host",
            Self::ContentLength => "Content-Length that is not the body's length",
            Self::TransferEncoding => "Transfer-Encoding other than chunked",
            Self::BodyNotAllowed => "body where the method allows none",
        })
    }
}

impl error::Error for Misuse {}

/// Why a connection broke off, or a request body could not be read to its end.
///
/// A peer that broke a rule outside a body was answered, and its connection ended in good order:
/// that is no error of the connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke a rule: a client inside a request's body, and it was answered with the
    /// violation's status; a server anywhere in its response.
    Violation(Violation),
    /// The service or the caller broke a rule. Where the message had begun, the connection was
    /// aborted.
    Misuse(Misuse),
    /// The peer took what was written too slowly, or not at all.
    WriteStalled,
    /// The connection went away while it was needed.
    Disconnected,
    /// The transport failed.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(_) => f.write_str("peer broke the protocol"),
            Self::Misuse(_) => f.write_str("our side broke the protocol"),
            Self::WriteStalled => f.write_str("peer takes what is written too slowly"),
            Self::Disconnected => f.write_str("peer went away"),
            Self::Io(_) => f.write_str("transport failed"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Violation(violation) => Some(violation),
            Self::Misuse(misuse) => Some(misuse),
            Self::Io(error) => Some(error),
            Self::WriteStalled | Self::Disconnected => None,
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
