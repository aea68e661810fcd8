//! The Mercure protocol, beside the hub's own URLs.
//!
//! Mercure has one history for all topics, so that one id is a place in all of them. Updates are
//! therefore published on one channel, from which each subscriber takes what is for it; and on the
//! channels of their topics, for those who read these by the hub's own URLs. What is published
//! there comes here as a private update: whoever has a token could read any other.
//!
//! # Spec
//!
//! draft-dunglas-mercure-07, without the subscriptions API.

mod publish;
mod selector;
mod subscribe;
mod update;

use astatine_pubsub::{self as pubsub, Channel, Pattern, PubSub, Retention, Scope};
use astatine_reactor::handler::Message;

use self::update::Update;
use super::answer::Refusal;

/// The cookie that has the token.
pub(super) const COOKIE: &str = "mercureAuthorization";

/// How topics begin that the hub itself would publish on.
pub(super) const RESERVED: &str = "/.well-known/mercure/";

/// The updates of all topics.
pub(super) struct Mercure {
    updates: PubSub,
    log: Channel,
    /// Whether updates are kept for those who come back.
    has_history: bool,
}

impl Mercure {
    /// Keeps for each topic that a subscriber may have as much as the hub does for a channel.
    pub(super) fn new(channels: &pubsub::Config) -> Self {
        let mut config = pubsub::Config::default();
        config.max_handoff_bytes = channels.max_handoff_bytes;
        let mut retention = Retention::default();
        let kept = channels.history.first().map(|(_, kept)| *kept);
        let has_history = kept.is_some();
        // With nothing kept, updates still have places, and these are ids.
        retention.max_messages = 0;
        if let Some(kept) = kept {
            let n = channels.max_subscriptions;
            retention = kept;
            retention.max_messages = kept.max_messages.saturating_mul(n);
            retention.max_bytes = kept.max_bytes.saturating_mul(n);
        }
        let all = Pattern::new("*").expect("it is a pattern");
        config.history = vec![(all, retention)];
        Self {
            updates: PubSub::new(config),
            log: Channel::new("updates").expect("it is a name"),
            has_history,
        }
    }

    /// Shows what is published on a channel to those who may read it by this protocol.
    pub(super) fn copy(&self, channel: &Channel, message: &Message) {
        let is_read = self.has_history || self.updates.presence(&self.log).n_subscriptions > 0;
        if is_read {
            let update = Update::private(channel, message);
            self.updates.publish(&self.log, update, Scope::Cluster);
        }
    }
}

/// Judges a topic, or a selector of topics.
fn checked(text: &str) -> Result<(), Refusal> {
    if text.len() > MAX_TOPIC_BYTES {
        Err(Refusal::NameTooLong(MAX_TOPIC_BYTES))
    } else if text.contains(char::is_control) {
        Err(Refusal::NameCharacters)
    } else if text.is_empty() {
        Err(Refusal::Malformed("a topic is missing".into()))
    } else {
        Ok(())
    }
}

/// Topics are URLs more often than not.
const MAX_TOPIC_BYTES: usize = 1024;
/// All topics of an update, each of which every subscriber's selectors are compared with.
const MAX_TOPICS_BYTES: usize = 4096;
