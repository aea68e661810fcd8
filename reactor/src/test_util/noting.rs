//! A handler that notes how it is called.

use std::sync::{Arc, Mutex, OnceLock};

use crate::handler::{Handler, Message, Peer, Reason, Turn};
use crate::lock::lock;

/// A callback, and what it was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// The connection has begun.
    Open,
    /// A message has come.
    Message(Message),
    /// What waited has left.
    Drained,
    /// The other end was silent.
    Ping,
    /// The server ends.
    Shutdown,
    /// The connection has ended.
    Close(Reason),
}

/// What a handler was called with, in order, and its connection.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    calls: Arc<Mutex<Vec<Call>>>,
    peer: Arc<OnceLock<Peer>>,
}

impl Calls {
    /// Adds a call.
    pub fn note(&self, call: Call) {
        lock(&self.calls).push(call);
    }

    /// Tells whether there was such a call, and it was not taken.
    pub fn has(&self, call: &Call) -> bool {
        lock(&self.calls).contains(call)
    }

    /// Takes all calls out.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut lock(&self.calls))
    }

    /// Returns the connection of the first call that a [`Noting`] handler had.
    ///
    /// # Panics
    ///
    /// When it had none.
    pub fn peer(&self) -> Peer {
        self.peer.get().expect("the handler was called").clone()
    }
}

/// Notes each call, behind doing with it what a test wants; made by [`noting`].
#[derive(Debug)]
pub struct Noting<F> {
    calls: Calls,
    also: F,
}

/// Makes a handler that notes its calls, and what it notes.
pub fn noting<F>(also: F) -> (Noting<F>, Calls)
where
    F: FnMut(&Peer, &Call) + Send + 'static,
{
    let calls = Calls::default();
    let handler = Noting {
        calls: calls.clone(),
        also,
    };
    (handler, calls)
}

impl<F: FnMut(&Peer, &Call)> Noting<F> {
    fn note(&mut self, peer: &Peer, call: Call) {
        self.calls.peer.get_or_init(|| peer.clone());
        (self.also)(peer, &call);
        self.calls.note(call);
    }
}

impl<F> Handler for Noting<F>
where
    F: FnMut(&Peer, &Call) + Send + 'static,
{
    fn open(&mut self, peer: &Peer) {
        self.note(peer, Call::Open);
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        self.note(peer, Call::Message(message));
        Turn::Next
    }

    fn drained(&mut self, peer: &Peer) {
        self.note(peer, Call::Drained);
    }

    fn ping(&mut self, peer: &Peer) {
        self.note(peer, Call::Ping);
    }

    fn shutdown(&mut self, peer: &Peer) {
        self.note(peer, Call::Shutdown);
    }

    fn close(&mut self, peer: &Peer, reason: Reason) {
        self.note(peer, Call::Close(reason));
    }
}
