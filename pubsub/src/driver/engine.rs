//! The seam to what carries messages beyond this process: what an engine is told and asked, and how
//! it delivers.

use std::any::Any;
use std::error;
use std::fmt;
use std::sync::Weak;

use astatine_reactor::handler::Message;

use super::core::Core;
use super::scope::Scope;
use crate::proto::cursor::Cursor;
use crate::proto::log::Replay;
use crate::proto::name::{Channel, Name};

/// Carries messages to other processes, or watches what is subscribed to.
///
/// An engine lives on a thread of its own, where all that happens is told to it in order. So it may
/// block, or panic, without harm to others: what does not fit into its queue meanwhile is dropped
/// and counted, and behind a panic it is called again.
pub trait Engine: Send + 'static {
    /// It is attached; by the inlet it delivers in this process.
    fn attached(&mut self, _inlet: Inlet) {}

    /// A channel or a pattern has its first subscription in this process, or had it when the engine
    /// was attached or reset.
    fn subscribe(&mut self, _name: &Name) {}

    /// A channel or a pattern has lost its last subscription in this process.
    fn unsubscribe(&mut self, _name: &Name) {}

    /// Carries a message to where the scope says. As the default engine it delivers in this process
    /// too, where that is within the scope.
    fn publish(&mut self, channel: &Channel, message: Message, scope: Scope);

    /// Gives a message its place in the channel's history, keeps it, and then carries it to the
    /// whole cluster, with its place. Asked of the default engine, which owns all histories.
    fn append(&mut self, channel: &Channel, message: Message, reply: Reply<Cursor>);

    /// Tells at most `max` messages behind a place in the channel's history, or from the oldest on.
    fn since(
        &mut self,
        channel: &Channel,
        after: Option<Cursor>,
        max: usize,
        reply: Reply<Replay<(Cursor, Message)>>,
    );

    /// Does what a user of this very engine asks it for.
    fn request(&mut self, _command: Box<dyn Any + Send>, _reply: Reply<Box<dyn Any + Send>>) {}
}

/// An engine that was attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EngineId(pub(crate) u64);

/// The way back from an engine into this process. It outlives the channels without harm.
#[derive(Clone)]
pub struct Inlet(pub(crate) Weak<Core>);

/// Where an engine's answer goes, now or later, from any thread. Dropped without an answer, it
/// tells that there is none.
pub struct Reply<T>(Option<Answer<T>>);

/// What is done with an answer.
pub(crate) type Answer<T> = Box<dyn FnOnce(Result<T, EngineError>) + Send>;

/// Why an engine has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EngineError {
    /// There is no such engine any more.
    Detached,
    /// Too much waits for it.
    Busy,
    /// It has dropped the question.
    Unanswered,
}

impl Inlet {
    /// Delivers a message to the subscribers in this process; a message of a history with its place.
    pub fn deliver(&self, channel: &Channel, message: Message, cursor: Option<Cursor>) {
        if let Some(core) = self.0.upgrade() {
            core.deliver(channel, message, cursor);
        }
    }
}

impl<T> Reply<T> {
    pub(crate) fn new(answer: Answer<T>) -> Self {
        Self(Some(answer))
    }

    /// Answers.
    pub fn send(mut self, value: T) {
        self.finish(Ok(value));
    }

    pub(crate) fn fail(mut self, error: EngineError) {
        self.finish(Err(error));
    }

    fn finish(&mut self, result: Result<T, EngineError>) {
        if let Some(answer) = self.0.take() {
            answer(result);
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        self.finish(Err(EngineError::Unanswered));
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Detached => "engine is detached",
            Self::Busy => "too much waits for the engine",
            Self::Unanswered => "engine has no answer",
        })
    }
}

impl error::Error for EngineError {}

impl fmt::Debug for Inlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inlet").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}
