//! The connections of a pool, by origin, and who may use how many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::{Answer, Connection};
use super::origin::Origin;
use super::slot::Job;
use crate::client::Config;

use crate::lock::lock;

/// Every origin that has a connection, or waits for one.
pub(super) struct Homes<B> {
    places: Mutex<HashMap<Origin, Place<B>>>,
    config: Config,
}

/// A home, as long as it has visits.
struct Place<B> {
    home: Arc<Home<B>>,
    n_visits: usize,
}

/// The connections to one origin.
pub(super) struct Home<B> {
    /// Those used last stand last.
    connections: Mutex<Vec<Connection<B>>>,
    permits: Arc<Semaphore>,
    max_idle: usize,
}

/// The right to use one connection of a home. It is given back when the connection is idle again,
/// or has ended; then idle connections beyond the limit are closed.
pub(super) struct Lease<B> {
    home: Arc<Home<B>>,
    _permit: OwnedSemaphorePermit,
}

/// A request on its way to an origin, or a connection to it. The last to leave an origin takes its
/// home down.
///
/// It does not keep the home, which has the handles of the connections: these end with the pool.
pub(super) struct Visit<B> {
    homes: Weak<Homes<B>>,
    origin: Origin,
}

impl<B> Homes<B> {
    pub(super) fn new(config: Config) -> Arc<Self> {
        Arc::new(Self {
            places: Mutex::default(),
            config,
        })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Comes to an origin; who comes first builds its home.
    pub(super) fn visit(self: &Arc<Self>, origin: Origin) -> (Visit<B>, Arc<Home<B>>) {
        let mut places = lock(&self.places);
        let place = places.entry(origin.clone()).or_insert_with(|| Place {
            home: Home::new(&self.config),
            n_visits: 0,
        });
        place.n_visits += 1;
        let home = Arc::clone(&place.home);
        drop(places);
        let homes = Arc::downgrade(self);
        (Visit { homes, origin }, home)
    }

    /// Counts the origins that have a home.
    pub(super) fn n_origins(&self) -> usize {
        lock(&self.places).len()
    }

    fn leave(&self, origin: &Origin) {
        let mut places = lock(&self.places);
        let Some(place) = places.get_mut(origin) else {
            return;
        };
        place.n_visits -= 1;
        if place.n_visits > 0 {
            return;
        }
        let last = places.remove(origin);
        drop(places);
        drop(last);
    }
}

impl<B> Home<B> {
    fn new(config: &Config) -> Arc<Self> {
        let max_connections = config.max_connections_per_origin.get();
        Arc::new(Self {
            connections: Mutex::default(),
            permits: Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))),
            max_idle: config.max_idle_per_origin,
        })
    }

    /// Waits for the right to use a connection; who came first is first.
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives the place in the queue up.
    pub(super) async fn lease(home: &Arc<Self>) -> Lease<B> {
        let permits = Arc::clone(&home.permits);
        let permit = permits.acquire_owned().await;
        Lease {
            home: Arc::clone(home),
            _permit: permit.expect("nobody closes the semaphore"),
        }
    }

    /// Sends a request on the idle connection that was used last, or leaves it in its place.
    pub(super) fn send(&self, job: &mut Option<Job<B>>) -> Option<Answer<B>> {
        let mut connections = lock(&self.connections);
        let (at, answer) = (0..connections.len())
            .rev()
            .find_map(|at| connections[at].send(job).map(|answer| (at, answer)))?;
        let used = connections.remove(at);
        connections.push(used);
        Some(answer)
    }

    pub(super) fn keep(&self, connection: Connection<B>) {
        lock(&self.connections).push(connection);
    }

    /// Forgets connections that have ended, and closes idle ones beyond the limit, those used longest
    /// ago first.
    fn trim(&self) {
        let mut connections = lock(&self.connections);
        connections.retain(|connection| !connection.is_closed());
        let n_idle = connections.iter().filter(|c| c.is_ready()).count();
        let mut n_surplus = n_idle.saturating_sub(self.max_idle);
        let mut surplus = Vec::new();
        while n_surplus > 0 {
            let Some(at) = connections.iter().position(Connection::is_ready) else {
                break;
            };
            surplus.push(connections.remove(at));
            n_surplus -= 1;
        }
        drop(connections);
        drop(surplus);
    }
}

impl<B> Drop for Lease<B> {
    fn drop(&mut self) {
        self.home.trim();
    }
}

impl<B> Drop for Visit<B> {
    fn drop(&mut self) {
        if let Some(homes) = self.homes.upgrade() {
            homes.leave(&self.origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use astatine_reactor::Foreign;
    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;
    use crate::client::handshake;

    #[tokio::test]
    async fn a_connection_that_has_ended_is_forgotten_with_the_next_use_of_another() {
        let home = Home::<Full<Bytes>>::new(&Config::default());
        let mut drivers = Vec::new();
        for _ in 0..3 {
            let (near, _far) = tokio::io::duplex(64);
            let (connection, driver) = handshake(Box::new(Foreign(near)), Config::default());
            home.keep(connection);
            drivers.push(driver);
        }
        drivers.truncate(1);
        drop(Home::lease(&home).await);
        assert_eq!(lock(&home.connections).len(), 1);
    }
}
