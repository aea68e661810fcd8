//! The handle: subscribe, publish, and look.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use astatine_reactor::handler::{Message, Peer};

use super::config::{Config, Options};
use super::core::{Core, asked};
use super::engine::{Engine, EngineError, EngineId, Reply};
use super::publication::{Item, Publication};
use super::receipt::{Place, Published};
use super::registry::Owner;
use super::scope::Scope;
use super::stats::Stats;
use super::stream::{Feed, Items};
use super::subscriber::Target;
use super::subscription::Subscription;
use super::tally::Tally;
use crate::error::SubscribeError;
use crate::proto::cursor::Cursor;
use crate::proto::log::Replay;
use crate::proto::name::{Channel, Name};

/// Channels, and who subscribes to them. Clones are the same channels; with the last one, all
/// subscriptions end.
#[derive(Clone)]
pub struct PubSub(Arc<Core>);

/// Who is on a channel, in this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Presence {
    /// How many subscriptions to the channel there are; patterns do not count.
    pub n_subscriptions: usize,
    /// The users that those were made for, in the order of their names, each with the number of its
    /// subscriptions.
    pub users: Vec<(Arc<str>, usize)>,
}

impl PubSub {
    /// Makes channels of their own.
    pub fn new(config: Config) -> Self {
        Self(Core::new(config))
    }

    /// Sends what is published to a connection, until that closes or unsubscribes; no code of the
    /// application is on the way.
    ///
    /// The subscription is served by the runtime on which this is called: by its thread, or, where
    /// it has several, by one task for each core. Such a runtime needs timers. A connection that
    /// subscribes to the same name again replaces its subscription.
    ///
    /// # Errors
    ///
    /// The connection has too many subscriptions, or is closed; the start is none that a pattern
    /// has; or the thread is overloaded.
    pub fn subscribe(
        &self,
        peer: &Peer,
        name: impl Into<Name>,
        options: &Options,
    ) -> Result<(), SubscribeError> {
        if !peer.is_open() {
            return Err(SubscribeError::Closed);
        }
        let owner = Owner::Peer(peer.id());
        let (id, target) = (self.0.new_id(), Target::Peer(peer.clone()));
        if self.0.subscribe(owner, id, target, name.into(), options)? {
            // With the connection all goes, however it ends; at once, if it has ended meanwhile.
            peer.keep(Subscription::new(Arc::downgrade(&self.0), owner));
        }
        Ok(())
    }

    /// Ends a connection's subscription; tells whether there was one.
    ///
    /// What was published before may still arrive.
    pub fn unsubscribe(&self, peer: &Peer, name: impl Into<Name>) -> bool {
        self.0.unsubscribe(Owner::Peer(peer.id()), &name.into())
    }

    /// Calls with what is published, until the subscription is dropped.
    ///
    /// The callback runs as [`PubSub::subscribe`] says, and must not block; outside of any runtime,
    /// on a thread that serves all such callbacks. One that panics is called again.
    ///
    /// # Errors
    ///
    /// As [`PubSub::subscribe`].
    pub fn on(
        &self,
        name: impl Into<Name>,
        options: &Options,
        callback: impl FnMut(Item) + Send + 'static,
    ) -> Result<Subscription, SubscribeError> {
        self.subscribe_own(name.into(), options, Target::Callback(Box::new(callback)))
    }

    /// Returns what is published as a stream, until that is dropped.
    ///
    /// # Errors
    ///
    /// As [`PubSub::subscribe`].
    pub fn stream(
        &self,
        name: impl Into<Name>,
        options: &Options,
    ) -> Result<Items, SubscribeError> {
        let (feed, items) = Feed::new(self.0.config.max_stream_bytes);
        let subscription = self.subscribe_own(name.into(), options, Target::Stream(feed))?;
        Ok(items.with(subscription))
    }

    fn subscribe_own(
        &self,
        name: Name,
        options: &Options,
        target: Target,
    ) -> Result<Subscription, SubscribeError> {
        let id = self.0.new_id();
        let owner = Owner::Own(id);
        self.0.subscribe(owner, id, target, name, options)?;
        Ok(Subscription::new(Arc::downgrade(&self.0), owner))
    }

    /// Publishes a message, from any thread, and never waits: each thread that has subscribers is
    /// handed it, and delivers it to them.
    ///
    /// What one thread publishes on one channel arrives in that order.
    pub fn publish(&self, channel: &Channel, message: impl Into<Message>, scope: Scope) {
        let unread = || Reply::new(Box::new(drop));
        self.0.publish(channel, message.into(), scope, None, unread);
    }

    /// Publishes a message, and tells its place, and how many subscriptions it was delivered to in
    /// this process, when that has been done.
    pub fn publish_counted(
        &self,
        channel: &Channel,
        message: impl Into<Message>,
        scope: Scope,
    ) -> Published {
        let (tally, n_delivered) = Tally::new();
        let tally = Arc::new(tally);
        let mut place = Place::Known(None);
        let reply = || {
            let (reply, answer) = asked();
            place = Place::Asked(answer);
            reply
        };
        let message = message.into();
        let cursor = self.0.publish(channel, message, scope, Some(&tally), reply);
        if cursor.is_some() {
            place = Place::Known(cursor);
        }
        Published { place, n_delivered }
    }

    /// Returns at most `max` messages of a channel's history, behind a place or from the oldest on;
    /// `None` where it has no history.
    ///
    /// # Errors
    ///
    /// The default engine, which has the histories, does not tell.
    pub async fn history(
        &self,
        channel: &Channel,
        after: Option<Cursor>,
        max: usize,
    ) -> Result<Option<Replay<Publication>>, EngineError> {
        self.0.history(channel, after, max).await
    }

    /// Returns the end of a channel's history, if that has begun, and is this process's.
    pub fn cursor(&self, channel: &Channel) -> Option<Cursor> {
        self.0.history.cursor(channel)
    }

    /// Returns who is on a channel.
    pub fn presence(&self, channel: &Channel) -> Presence {
        self.0.presence(channel)
    }

    /// Attaches an engine: it is told all names that are subscribed to, now and later, each once,
    /// however many subscribe. It lives on a thread that this starts.
    pub fn attach(&self, engine: impl Engine) -> EngineId {
        self.0.attach(Box::new(engine))
    }

    /// Detaches an engine, which is dropped when it comes back from what it is doing; tells whether
    /// it was attached. What waits for it is not done.
    pub fn detach(&self, engine: EngineId) -> bool {
        self.0.detach(engine)
    }

    /// Has an engine told all names anew, as after the loss of a connection; tells whether it is
    /// attached.
    pub fn reset(&self, engine: EngineId) -> bool {
        self.0.reset(engine)
    }

    /// Makes an engine the one that carries [`Scope::Cluster`], [`Scope::Siblings`] and
    /// [`Scope::Root`], and owns the histories of those channels that are to have one; or, with
    /// `None`, this process alone. Tells whether it is attached.
    pub fn set_default_engine(&self, engine: impl Into<Option<EngineId>>) -> bool {
        self.0.set_default_engine(engine.into())
    }

    /// Asks an engine for something that only it, and its users, know.
    ///
    /// # Errors
    ///
    /// The engine does not answer.
    pub async fn request(
        &self,
        engine: EngineId,
        command: Box<dyn Any + Send>,
    ) -> Result<Box<dyn Any + Send>, EngineError> {
        self.0.request(engine, command).await
    }

    /// Returns how many connections, callbacks and streams there are that subscribe to something. A
    /// connection counts from its first subscription until it closes.
    pub fn n_subscribers(&self) -> usize {
        self.0.n_subscribers()
    }

    /// Returns the counters.
    pub fn stats(&self) -> Stats {
        self.0.counters.snapshot()
    }
}

impl Default for PubSub {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl fmt::Debug for PubSub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSub").finish_non_exhaustive()
    }
}
