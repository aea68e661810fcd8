//! The life of a connection as one table.
//!
//! Two sides run through each exchange: the request comes in, the response goes out.
//!
//! ```text
//! request:   Head ──► Body ──► Done          response:   Idle ──► Owed ──► Body ──► Done
//!              └────────────────▲                                  └────────────────▲
//! ```
//!
//! When both are done, a persistent connection begins again at (`Head`, `Idle`) and any other is
//! closed. Rules behind the table:
//! - A request is read only while no response is owed, so answers leave in the order of requests
//!   (RFC 9112 §9.3.2).
//! - A response may begin, and end, before its request has come in whole.
//! - A violation leaves one thing to do: answer it, if no answer has begun, and close.

/// How far the request has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// No head yet.
    Head,
    /// The head is there, the body is not complete.
    Body,
    /// Nothing is missing.
    Done,
    /// Nothing more will be read.
    Closed,
}

/// How far the response has gone out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// There is no request to answer.
    Idle,
    /// The request's head is there, the response's head is not.
    Owed,
    /// The response's head is written, its body is not complete.
    Body,
    /// Nothing is missing.
    Done,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    RequestHead {
        has_body: bool,
    },
    RequestEnd,
    ResponseHead {
        has_body: bool,
    },
    ResponseEnd,
    /// The peer broke a rule, or ended its side.
    Broken,
    /// The next exchange begins: both sides are done and the connection persists.
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
            request: Request::Head,
            response: Response::Idle,
            is_persistent: true,
        }
    }

    /// Moves on. An input that does not fit is a mistake of this crate.
    // Inlined by force: each input is known where it is applied, and leaves little of the table.
    #[inline(always)]
    pub(super) fn apply(&mut self, input: Input) {
        use Input as I;
        use Request as Q;
        use Response as S;
        (self.request, self.response) = match (self.request, self.response, input) {
            (Q::Head, S::Idle, I::RequestHead { has_body: true }) => (Q::Body, S::Owed),
            (Q::Head, S::Idle, I::RequestHead { has_body: false }) => (Q::Done, S::Owed),
            (Q::Body, response, I::RequestEnd) => (Q::Done, response),

            (request, S::Owed, I::ResponseHead { has_body: true }) => (request, S::Body),
            (request, S::Owed, I::ResponseHead { has_body: false }) => (request, S::Done),
            (request, S::Body, I::ResponseEnd) => (request, S::Done),

            // The answer to a violation is owed unless one is under way.
            (Q::Head, S::Idle, I::Broken) => (Q::Closed, S::Owed),
            (_, response, I::Broken) => (Q::Closed, response),

            (Q::Done, S::Done, I::Next) => (Q::Head, S::Idle),
            (request, response, input) => {
                unreachable!("{input:?} at {request:?}, {response:?}")
            }
        };
        if input == I::Broken {
            self.is_persistent = false;
        }
    }

    /// Tells whether both sides are done.
    pub(super) fn is_done(&self) -> bool {
        self.request == Request::Done && self.response == Response::Done
    }
}
