//! The end of a connection with its token.

use std::time::Instant;

use astatine_reactor::handler::Peer;
use tokio::task::JoinHandle;

/// Closes a connection when its rights end, unless this is dropped before. A client that comes back
/// with the same token gets 401, at which an event source gives up.
pub(super) struct Expiry(JoinHandle<()>);

impl Expiry {
    pub(super) fn new(until: Instant, peer: &Peer) -> Self {
        let peer = peer.clone();
        Self(tokio::spawn(async move {
            tokio::time::sleep_until(until.into()).await;
            peer.close_with(EXPIRED, "the token has expired");
        }))
    }
}

impl Drop for Expiry {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An application's own (RFC 6455 §7.4.2), by HTTP's status.
const EXPIRED: u16 = 4401;
