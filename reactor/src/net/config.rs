//! The limits and times of a server.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Limits and times of a [`Server`](crate::Server), of [`serve`](crate::serve()) and of
/// [`serve_local`](crate::serve_local).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How many connections are served at a time, over all threads and listeners. Default `None`:
    /// the process's descriptor limit less [`Config::descriptor_reserve`], or less ten for each
    /// thread of a server where that is more.
    ///
    /// A connection beyond it is handed to the service with
    /// [`PeerInfo::refused`](crate::PeerInfo::refused) set.
    pub max_connections: Option<NonZeroUsize>,
    /// How many descriptors are kept for all but connections: files, pipes, other sockets.
    /// Default 64.
    ///
    /// At most half as many refused connections are open at a time; those beyond are closed
    /// unanswered, so that a flood does not eat the reserve.
    pub descriptor_reserve: usize,
    /// How many connections one address may have at a time. Default `None`: as many as it likes.
    ///
    /// An IPv6 address is counted by its /64 network, which is what one subscriber is given.
    /// Unix sockets have no address, so they are not counted.
    pub max_connections_per_address: Option<NonZeroUsize>,
    /// How long a server goes on accepting once a shutdown has begun, with each answer the last of
    /// its connection, so that a load balancer can notice. Default zero: not at all.
    pub lame_duck: Duration,
    /// How long connections may take to end once nothing more is accepted. Default 8 s.
    pub shutdown_grace: Duration,
    /// How many connections the kernel queues for each listening socket. Default 4096; the kernel
    /// has a limit of its own (net.core.somaxconn).
    pub backlog: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_connections: None,
            descriptor_reserve: 64,
            max_connections_per_address: None,
            lame_duck: Duration::ZERO,
            shutdown_grace: Duration::from_secs(8),
            backlog: 4096,
        }
    }
}
