//! What the server refuses by itself, for whoever counts or logs it.

use astatine_reactor::{PeerInfo, Refused};
use http::StatusCode;

use crate::error::Violation;

/// A request that was answered, or a connection that was ended, without the app having its say;
/// what [`Http1::on_refusal`](crate::Http1::on_refusal) is told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Refusal<'a> {
    /// Why.
    pub reason: Reason,
    /// Who is at the other end.
    pub peer: &'a PeerInfo,
}

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The peer broke a rule, or went past a limit.
    Violation(Violation),
    /// There are as many connections as there may be.
    Connections(Refused),
    /// The app answered with an error in a response's stead.
    ServiceFailed,
}

impl Reason {
    /// Returns the status that stands for it. Where a response has begun already, it is not sent.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Violation(violation) => violation.status(),
            Self::Connections(Refused::PerAddress) => StatusCode::TOO_MANY_REQUESTS,
            Self::Connections(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::ServiceFailed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns a name for counters and logs, of small letters and underscores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Violation(violation) => violation.name(),
            Self::Connections(Refused::PerAddress) => "connections_per_address",
            Self::Connections(_) => "connections",
            Self::ServiceFailed => "service_failed",
        }
    }
}
