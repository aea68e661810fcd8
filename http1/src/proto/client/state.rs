//! The life of a client's connection as one table.
//!
//! Two sides run through each exchange: the request goes out, the response comes in.
//!
//! ```text
//! request:   Idle ─┬─► Continue ──► Body ──► Done      response:   Idle ──► Owed ──► Body ──► Done
//!                  ├────────────────▲        ▲                               └────────────────▲
//!                  └─────────────────────────┘
//! ```
//!
//! When both are done, a persistent connection begins again at (`Idle`, `Idle`) and any other is
//! closed. Rules behind the table:
//! - A request is sent only while no response is owed, so there is never a doubt which request a
//!   response answers.
//! - A response may begin, and end, before its request has gone out whole (RFC 9110 §7.5). The
//!   rest of the request is sent while the server still takes it, and left away otherwise; then the
//!   connection is not used again.
//! - Behind a violation nothing more is read.

/// How far the request has gone out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// There is none.
    Idle,
    /// The head is written, the body waits for leave.
    Continue,
    /// The head is written, the body is not complete.
    Body,
    /// Nothing more will be sent.
    Done,
}

/// How far the response has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// Nothing was asked.
    Idle,
    /// The response's head is not there.
    Owed,
    /// The head is there, the body is not complete.
    Body,
    /// Nothing is missing.
    Done,
    /// Nothing more will be read.
    Closed,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// The request's head is written; this is what comes next.
    RequestHead(Request),
    /// The server, or the clock, lets the body be sent.
    Leave,
    RequestEnd,
    /// The rest of the request is left away.
    Stop,
    ResponseHead {
        has_body: bool,
    },
    ResponseEnd,
    /// The server broke a rule.
    Broken,
    /// The next exchange may begin: both sides are done and the connection persists.
    Next,
}

/// Both sides, and whether there may be another exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) request: Request,
    pub(super) response: Response,
    pub(super) is_persistent: bool,
}

impl Life {
    pub(super) fn new() -> Self {
        Self {
            request: Request::Idle,
            response: Response::Idle,
            is_persistent: true,
        }
    }

    /// Moves on. An input that does not fit is a mistake of this crate.
    pub(super) fn apply(&mut self, input: Input) {
        use Input as I;
        use Request as Q;
        use Response as S;
        (self.request, self.response) = match (self.request, self.response, input) {
            (Q::Idle, S::Idle, I::RequestHead(next)) => (next, S::Owed),
            (Q::Continue, response, I::Leave) => (Q::Body, response),
            (Q::Body, response, I::RequestEnd) => (Q::Done, response),
            (Q::Continue | Q::Body, response, I::Stop) => (Q::Done, response),

            (request, S::Owed, I::ResponseHead { has_body: true }) => (request, S::Body),
            (request, S::Owed, I::ResponseHead { has_body: false }) => (request, S::Done),
            (request, S::Body, I::ResponseEnd) => (request, S::Done),

            (request, _, I::Broken) => (request, S::Closed),
            (Q::Done, S::Done, I::Next) => (Q::Idle, S::Idle),
            (request, response, input) => {
                unreachable!("{input:?} at {request:?}, {response:?}")
            }
        };
        if matches!(input, I::Stop | I::Broken) {
            self.is_persistent = false;
        }
    }

    /// Tells whether more of the request is to be sent.
    pub(super) fn is_sending(&self) -> bool {
        matches!(self.request, Request::Continue | Request::Body)
    }

    /// Tells whether both sides are done.
    pub(super) fn is_done(&self) -> bool {
        self.request == Request::Done && self.response == Response::Done
    }
}
