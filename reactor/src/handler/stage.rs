//! Where a handler stands while it is called: it is closed once, whatever happens.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::ending::Ending;
use super::trigger::Call;
use super::{Handler, Message, Peer, Reason, Turn};

/// The handler, which is closed once, whatever happens.
pub(super) struct Stage {
    pub(super) handler: Option<Box<dyn Handler>>,
    peer: Peer,
}

impl Stage {
    pub(super) fn new(peer: Peer) -> Self {
        Self {
            handler: None,
            peer,
        }
    }

    pub(super) fn open(&mut self, handler: Box<dyn Handler>) {
        self.handler = Some(handler);
        self.call(|handler, peer| handler.open(peer));
    }

    pub(super) fn call(&mut self, callback: impl FnOnce(&mut dyn Handler, &Peer)) {
        if let Some(handler) = &mut self.handler {
            callback(&mut **handler, &self.peer);
        }
    }

    /// Calls the handler for triggers.
    pub(super) fn run(&mut self, calls: Vec<Call>) {
        for triggered in calls {
            self.call(triggered);
        }
    }

    #[inline]
    pub(super) fn message(&mut self, message: Message) -> Turn<'_> {
        match &mut self.handler {
            Some(handler) => handler.message(&self.peer, message),
            None => Turn::Next,
        }
    }

    pub(super) fn shutdown(&mut self) -> Ending {
        self.call(|handler, peer| handler.shutdown(peer));
        Ending::Begin(Reason::Shutdown, GOING_AWAY, String::new())
    }

    pub(super) fn close(&mut self, reason: Reason) {
        if let Some(mut handler) = self.handler.take() {
            handler.close(&self.peer, reason);
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Nothing that is written from now on would leave.
        self.peer.abort();
        let mut close = || self.close(Reason::Aborted);
        if thread::panicking() {
            // A second panic, in a handler that the first has left half done, would end the process.
            drop(catch_unwind(AssertUnwindSafe(close)));
        } else {
            close();
        }
    }
}

/// The code of a WebSocket whose server ends (RFC 6455 §7.4.1).
const GOING_AWAY: Option<u16> = Some(1001);
