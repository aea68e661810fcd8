//! What holds a subscription that is no connection's.

use std::fmt;
use std::sync::Weak;

use astatine_reactor::handler::Peer;

use super::core::Core;
use super::registry::Owner;
use crate::error::SubscribeError;

/// A subscription that lasts until this is dropped.
///
/// To have it last as long as a connection, give it to
/// [`Peer::keep`](astatine_reactor::handler::Peer::keep); to have it last as long as the channels
/// do, [`forget`](Self::forget) it.
#[must_use = "dropped, it unsubscribes"]
pub struct Subscription {
    core: Weak<Core>,
    owner: Owner,
}

impl Subscription {
    pub(crate) fn new(core: Weak<Core>, owner: Owner) -> Self {
        Self { core, owner }
    }

    pub(crate) fn hand_over(&self, peer: &Peer) -> Result<(), SubscribeError> {
        let core = self.core.upgrade().ok_or(SubscribeError::Closed)?;
        core.hand_over(self.owner, peer)
    }

    /// Lets the subscription last as long as the last handle to its channels.
    pub fn forget(mut self) {
        self.core = Weak::new();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            core.leave(self.owner);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscription").field(&self.owner).finish()
    }
}
