//! A handler that is lent to one connection, and goes back when that has ended.

use std::sync::{Arc, Mutex};

use super::outbox::Outbox;
use super::stage::Stage;
use super::{Encoding, Handler, HandlerConfig, Message, Peer, Reason, Turn};

use crate::lock::lock;

/// A handler without a connection. It is told once, when it will never have one.
pub(crate) struct Unconnected {
    handler: Option<Box<dyn Handler>>,
    was_opened: bool,
}

impl Unconnected {
    pub(crate) fn new(handler: Box<dyn Handler>) -> Self {
        Self {
            handler: Some(handler),
            was_opened: false,
        }
    }

    /// Lends the handler to a connection, until the loan is dropped; `None` where it did not come
    /// back from another.
    pub(crate) fn lend(&mut self) -> Option<(Lent, Loan<'_>)> {
        let (lent, home) = Lent::new(self.handler.take()?);
        let owner = self;
        Some((lent, Loan { owner, home }))
    }

    /// Ends the handler's life: it is closed here if no connection has done so.
    pub(crate) fn close(&mut self, reason: Reason) {
        let handler = self.handler.take();
        if let (Some(handler), false) = (handler, self.was_opened) {
            stage_of(handler).close(reason);
        }
    }
}

impl Drop for Unconnected {
    fn drop(&mut self) {
        let handler = self.handler.take();
        if let (Some(handler), false) = (handler, self.was_opened) {
            // Which closes it, as one whose connection is cut.
            drop(stage_of(handler));
        }
    }
}

/// A handler that is away. It is taken back however the connection ends, so that one which has not
/// been opened is told.
pub(crate) struct Loan<'a> {
    owner: &'a mut Unconnected,
    home: Arc<Mutex<Home>>,
}

impl Loan<'_> {
    /// Tells whether the connection has opened the handler.
    pub(crate) fn was_opened(&self) -> bool {
        lock(&self.home).was_opened
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let mut home = lock(&self.home);
        self.owner.handler = home.handler.take();
        self.owner.was_opened |= home.was_opened;
    }
}

/// Puts a handler that has no connection where it can be closed.
fn stage_of(handler: Box<dyn Handler>) -> Stage {
    let outbox = Outbox::new(None, Encoding::Payload, &HandlerConfig::default());
    let mut stage = Stage::new(outbox.peer());
    stage.handler = Some(handler);
    stage
}

/// The handler of a connection that [`connect`](crate::connect()) has made: it goes back when it is
/// dropped, for the next connection.
pub struct Lent {
    handler: Option<Box<dyn Handler>>,
    home: Arc<Mutex<Home>>,
}

/// Where a handler that was lent goes back to.
#[derive(Default)]
struct Home {
    handler: Option<Box<dyn Handler>>,
    was_opened: bool,
}

impl Lent {
    fn new(handler: Box<dyn Handler>) -> (Self, Arc<Mutex<Home>>) {
        let home = Arc::default();
        let lent = Self {
            handler: Some(handler),
            home: Arc::clone(&home),
        };
        (lent, home)
    }

    fn call(&mut self, callback: impl FnOnce(&mut dyn Handler)) {
        if let Some(handler) = &mut self.handler {
            callback(&mut **handler);
        }
    }
}

impl Handler for Lent {
    fn open(&mut self, peer: &Peer) {
        lock(&self.home).was_opened = true;
        self.call(|handler| handler.open(peer));
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        match &mut self.handler {
            Some(handler) => handler.message(peer, message),
            None => Turn::Next,
        }
    }

    fn drained(&mut self, peer: &Peer) {
        self.call(|handler| handler.drained(peer));
    }

    fn ping(&mut self, peer: &Peer) {
        self.call(|handler| handler.ping(peer));
    }

    fn shutdown(&mut self, peer: &Peer) {
        self.call(|handler| handler.shutdown(peer));
    }

    fn close(&mut self, peer: &Peer, reason: Reason) {
        self.call(|handler| handler.close(peer, reason));
    }

    fn inner(&mut self) -> Option<&mut dyn Handler> {
        self.handler.as_deref_mut()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let handler = self.handler.take();
        lock(&self.home).handler = handler;
    }
}

impl std::fmt::Debug for Lent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lent")
    }
}
