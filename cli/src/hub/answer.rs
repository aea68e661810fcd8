//! What the hub answers by itself: JSON, and why not.

use std::fmt;
use std::time::Duration;

use astatine_pubsub::NameError;
use astatine_websocket::HandshakeViolation;
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, REFERRER_POLICY, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::mercure::RESERVED;
use super::rights::Denied;

/// An answer; that of a live connection has its handover in the extensions.
pub(super) type Answer = Response<Bytes>;

/// Why a request gets nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The name of the host is not one of this machine's own.
    Host,
    /// The origin's pages may not use the hub.
    Origin,
    /// Nobody was let in.
    Denied(Denied),
    /// The token has no right to read this channel, or by this pattern.
    MayNotSubscribe(String),
    /// The token has no right to write this channel.
    MayNotPublish(String),
    /// The name of a channel, or a pattern, cannot be one.
    Name(NameError),
    /// A name is longer than this hub allows.
    NameTooLong(usize),
    /// A name is no UTF-8, or has a control character.
    NameCharacters,
    /// The name is one that Mercure keeps for hubs.
    Reserved,
    /// A pattern cannot be published to, and has no history.
    Pattern,
    /// Another method than those.
    Method(&'static str),
    /// There is no history that is asked for, or its place is none.
    Cursor,
    /// A message of more bytes than this.
    TooLarge(usize),
    /// More of something than this.
    TooMany(usize),
    /// A client publishes too fast, and is to wait so long.
    TooFast(Duration),
    /// A message, or something said of it, is not what it has to be.
    Malformed(String),
    /// A request for a WebSocket breaks its rules.
    Handshake(HandshakeViolation),
    /// The body broke off.
    Body,
    /// Whoever has the history does not answer, or a thread has no room for another subscriber.
    Unavailable,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Denied(_) => StatusCode::UNAUTHORIZED,
            Self::Origin | Self::MayNotSubscribe(_) | Self::MayNotPublish(_) | Self::Reserved => {
                StatusCode::FORBIDDEN
            }
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooFast(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Handshake(violation) => violation.status(),
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Name(_)
            | Self::NameTooLong(_)
            | Self::NameCharacters
            | Self::Pattern
            | Self::Cursor
            | Self::TooMany(_)
            | Self::Malformed(_)
            | Self::Body => StatusCode::BAD_REQUEST,
        }
    }

    /// Returns the field that says more to a program.
    fn field(&self) -> Option<(HeaderName, HeaderValue)> {
        // RFC 6750 §3.
        let bearer = |text| Some((WWW_AUTHENTICATE, HeaderValue::from_static(text)));
        match self {
            Self::Denied(Denied::NoToken) => bearer("Bearer"),
            Self::Denied(Denied::BadToken) => bearer("Bearer error=\"invalid_token\""),
            Self::MayNotSubscribe(_) | Self::MayNotPublish(_) => {
                bearer("Bearer error=\"insufficient_scope\"")
            }
            Self::Method(allowed) => Some((ALLOW, HeaderValue::from_static(allowed))),
            Self::TooFast(wait) => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Some((RETRY_AFTER, seconds.into()))
            }
            _ => None,
        }
    }

    pub(super) fn answer(&self) -> Answer {
        let mut answer = json(self.status(), &json!({ "error": self.to_string() }));
        answer.headers_mut().extend(self.field());
        if let Self::Handshake(violation) = self {
            let told = violation.response().into_parts().0.headers;
            answer.headers_mut().extend(told);
        }
        answer
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("this is for localhost alone"),
            Self::Origin => f.write_str("pages of this origin may not use the hub"),
            Self::Denied(Denied::NoToken) => f.write_str("a token is needed"),
            Self::Denied(Denied::BadToken) => {
                f.write_str("the token is malformed, of another key, or not valid now")
            }
            Self::MayNotSubscribe(name) => {
                write!(f, "the token has no right to subscribe to {name}")
            }
            Self::MayNotPublish(name) => write!(f, "the token has no right to publish to {name}"),
            Self::Name(error) => error.fmt(f),
            Self::NameTooLong(max) => write!(f, "a name has at most {max} bytes"),
            Self::NameCharacters => f.write_str("a name is UTF-8 without control characters"),
            Self::Reserved => write!(f, "names that begin with {RESERVED} are reserved"),
            Self::Pattern => f.write_str("a pattern can be subscribed to, and nothing else"),
            Self::Method(allowed) => write!(f, "the methods are {allowed}"),
            Self::Cursor => f.write_str("not a place in the channel's history"),
            Self::TooLarge(max) => write!(f, "at most {max} bytes can be published"),
            Self::TooMany(max) => write!(f, "at most {max} at once"),
            Self::TooFast(_) => f.write_str("published too fast"),
            Self::Malformed(what) => f.write_str(what),
            Self::Handshake(violation) => violation.fmt(f),
            Self::Body => f.write_str("the body broke off"),
            Self::Unavailable => f.write_str("the channel cannot be served now"),
        }
    }
}

/// Answers with JSON, on a line of its own.
pub(super) fn json(status: StatusCode, value: &Value) -> Answer {
    text(status, "application/json", format!("{value}\n"))
}

/// Answers with a text that nobody may keep.
pub(super) fn text(status: StatusCode, media_type: &'static str, text: String) -> Answer {
    let mut answer = Response::new(Bytes::from(text));
    *answer.status_mut() = status;
    let length = HeaderValue::from(answer.body().len());
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CONTENT_LENGTH, length);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The address may have had a token.
    let policy = HeaderValue::from_static("no-referrer");
    headers.insert(REFERRER_POLICY, policy);
    answer
}
