//! The engines, and the histories wherever they are.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use astatine_reactor::handler::Message;
use tokio::sync::oneshot;

use super::Core;
use crate::driver::engine::{Engine, EngineError, EngineId, Inlet, Reply};
use crate::driver::mailbox::{Job, Mailbox};
use crate::driver::publication::Publication;
use crate::driver::shard::Shard;
use crate::driver::sync::{read, write};
use crate::proto::cursor::Cursor;
use crate::proto::log::Replay;
use crate::proto::name::Channel;

/// What is known of a part of a history.
pub(crate) enum Fetch {
    /// This; nothing where there is no history.
    Now(Option<Replay<Publication>>),
    /// An engine answers to the subscription.
    Asked,
}

impl Core {
    /// Returns what lies behind a place of a channel's history, or has the default engine asked,
    /// which answers to the subscription.
    pub(crate) fn since(
        &self,
        shard: &Arc<Shard>,
        channel: &Channel,
        after: Option<Cursor>,
        max: usize,
        subscription: u64,
    ) -> Fetch {
        let Some(engine) = self.default_engine() else {
            return Fetch::Now(self.history.since(channel, after, max));
        };
        if !self.history.is_kept(channel) {
            return Fetch::Now(None);
        }
        let (own, shard, envelope) = (channel.clone(), Arc::clone(shard), self.config.envelope);
        let reply = Reply::new(Box::new(move |replay: Result<Replay<_>, _>| {
            let replay = replay
                .ok()
                .map(|replay| publications(&own, replay, envelope));
            shard.fetched(own, subscription, replay);
        }));
        // Where there is no room, the reply says so.
        engine.push(Job::Since(channel.clone(), after, max, reply));
        Fetch::Asked
    }

    /// As [`Core::since`], for whoever is no subscription.
    pub(crate) async fn history(
        &self,
        channel: &Channel,
        after: Option<Cursor>,
        max: usize,
    ) -> Result<Option<Replay<Publication>>, EngineError> {
        let Some(engine) = self.default_engine() else {
            return Ok(self.history.since(channel, after, max));
        };
        if !self.history.is_kept(channel) {
            return Ok(None);
        }
        let (reply, answer) = asked();
        engine.push(Job::Since(channel.clone(), after, max, reply));
        let replay = answer.await.unwrap_or(Err(EngineError::Unanswered))?;
        let envelope = self.config.envelope;
        Ok(Some(publications(channel, replay, envelope)))
    }

    /// Has an engine do what only it knows.
    pub(crate) async fn request(
        &self,
        id: EngineId,
        command: Box<dyn Any + Send>,
    ) -> Result<Box<dyn Any + Send>, EngineError> {
        let engine = read(&self.registry).engine(id).map(Arc::clone);
        let engine = engine.ok_or(EngineError::Detached)?;
        let (reply, answer) = asked();
        engine.push(Job::Request(command, reply));
        answer.await.unwrap_or(Err(EngineError::Unanswered))
    }

    pub(crate) fn attach(self: &Arc<Self>, engine: Box<dyn Engine>) -> EngineId {
        let id = EngineId(self.new_id());
        let inlet = Inlet(Arc::downgrade(self));
        let mailbox = Mailbox::start(id, engine, inlet, self.config.max_handoff_bytes);
        let mut registry = write(&self.registry);
        mailbox.reset(registry.names());
        registry.engines.push(mailbox);
        id
    }

    pub(crate) fn detach(&self, id: EngineId) -> bool {
        let mut registry = write(&self.registry);
        let mut engines = registry.engines.iter();
        let Some(at) = engines.position(|engine| engine.id == id) else {
            return false;
        };
        let engine = registry.engines.swap_remove(at);
        let default_engine = &mut registry.default_engine;
        if default_engine.as_ref().is_some_and(|other| other.id == id) {
            *default_engine = None;
            self.has_default_engine.store(false, Ordering::Release);
        }
        drop(registry);
        engine.close();
        true
    }

    pub(crate) fn reset(&self, id: EngineId) -> bool {
        let registry = read(&self.registry);
        let engine = registry.engine(id);
        engine
            .map(|engine| engine.reset(registry.names()))
            .is_some()
    }

    pub(crate) fn set_default_engine(&self, id: Option<EngineId>) -> bool {
        let mut registry = write(&self.registry);
        let engine = id.and_then(|id| registry.engine(id).map(Arc::clone));
        if engine.is_none() && id.is_some() {
            return false;
        }
        self.has_default_engine
            .store(engine.is_some(), Ordering::Release);
        registry.default_engine = engine;
        true
    }

    /// Returns the default engine; without a lock where there is none.
    pub(super) fn default_engine(&self) -> Option<Arc<Mailbox>> {
        if self.owns_history() {
            return None;
        }
        read(&self.registry).default_engine.as_ref().map(Arc::clone)
    }

    pub(crate) fn owns_history(&self) -> bool {
        !self.has_default_engine.load(Ordering::Acquire)
    }
}

/// Makes a reply that can be waited for.
pub(crate) fn asked<T: Send + 'static>() -> (Reply<T>, oneshot::Receiver<Result<T, EngineError>>) {
    let (answer, answered) = oneshot::channel();
    let reply = Reply::new(Box::new(|result| {
        // Whoever has asked may have stopped waiting.
        drop(answer.send(result));
    }));
    (reply, answered)
}

fn publications(
    channel: &Channel,
    replay: Replay<(Cursor, Message)>,
    envelope: Option<fn(&Publication) -> Message>,
) -> Replay<Publication> {
    let entries = replay.entries.into_iter().map(|(cursor, message)| {
        Publication::new(channel.clone(), message, Some(cursor), envelope)
    });
    Replay {
        entries: entries.collect(),
        has_gap: replay.has_gap,
        cursor: replay.cursor,
    }
}
