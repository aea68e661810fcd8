//! The body of a Close frame: a code, and a reason in words (RFC 6455 §5.5.1, §7.4).

use std::fmt;
use std::str;

use super::frame::MAX_CONTROL_LEN;
use crate::error::{Misuse, Violation};

/// A status code that a Close frame may carry (RFC 6455 §7.4.2, and the registry that it opened).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: what the connection was for is done.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server goes down, or the user left the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a message of this kind is not taken.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1007: the payload is not what its kind says, as a text that is no UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: the message breaks a policy.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: the message is too long.
    pub const TOO_LONG: Self = Self(1009);
    /// 1010: the server did not agree on an extension that the client needs.
    pub const EXTENSION_MISSING: Self = Self(1010);
    /// 1011: the server cannot go on.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the server restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the server is overloaded, or the peer too slow.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway had an invalid response from the server behind it.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// Returns the code if it may be sent. 1004 to 1006 and 1015 may not, since they tell what no
    /// frame said; nor what nobody has registered.
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// Returns its number.
    pub const fn value(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a peer closes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The reason as a number.
    pub code: CloseCode,
    /// The reason in words, at most 123 bytes; empty where none was given.
    pub reason: String,
}

/// Reads a body; `None` when there is none.
pub(super) fn decode(body: &[u8]) -> Result<Option<Close>, Violation> {
    let (code, reason) = match body {
        [] => return Ok(None),
        [_] => return Err(Violation::CloseLength),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    let code = CloseCode::new(code).ok_or(Violation::CloseCode(code))?;
    let reason = str::from_utf8(reason).map_err(|_| Violation::CloseReason)?;
    Ok(Some(Close {
        code,
        reason: reason.to_owned(),
    }))
}

/// A body as it is sent.
pub(super) struct Body {
    octets: [u8; MAX_CONTROL_LEN],
    len: usize,
}

impl Body {
    pub(super) fn new(code: CloseCode, reason: &str) -> Result<Self, Misuse> {
        let len = CODE_LEN + reason.len();
        let mut octets = [0; MAX_CONTROL_LEN];
        octets[..CODE_LEN].copy_from_slice(&code.value().to_be_bytes());
        octets
            .get_mut(CODE_LEN..len)
            .ok_or(Misuse::ReasonTooLong)?
            .copy_from_slice(reason.as_bytes());
        Ok(Self { octets, len })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.octets[..self.len]
    }
}

const CODE_LEN: usize = 2;
