//! The connections of a pool, by origin, and who may use how many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::config::Config;
use super::connection::{Answer, Connection};
use super::origin::Origin;
use super::slot::Job;

/// Every origin that has a connection, or waits for one.
pub(super) struct Homes<B> {
    homes: Mutex<HashMap<Origin, Arc<Home<B>>>>,
    config: Config,
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

/// Somebody's connection to an origin, or the attempt to get one. The last to leave an origin takes
/// its home down.
pub(super) struct Visit<B> {
    homes: Weak<Homes<B>>,
    origin: Origin,
}

impl<B> Homes<B> {
    pub(super) fn new(config: Config) -> Arc<Self> {
        Arc::new(Self {
            homes: Mutex::default(),
            config,
        })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn home(&self, origin: &Origin) -> Arc<Home<B>> {
        let mut homes = lock(&self.homes);
        if let Some(home) = homes.get(origin) {
            return Arc::clone(home);
        }
        let max_connections = self.config.max_connections_per_origin.get();
        let home = Arc::new(Home {
            connections: Mutex::default(),
            permits: Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))),
            max_idle: self.config.max_idle_per_origin,
        });
        homes.insert(origin.clone(), Arc::clone(&home));
        home
    }

    pub(super) fn visit(self: &Arc<Self>, origin: Origin) -> Visit<B> {
        Visit {
            homes: Arc::downgrade(self),
            origin,
        }
    }

    fn leave(&self, origin: &Origin) {
        let mut homes = lock(&self.homes);
        let Some(home) = homes.get(origin) else {
            return;
        };
        let mut connections = lock(&home.connections);
        connections.retain(|connection| !connection.is_closed());
        let is_empty = connections.is_empty();
        drop(connections);
        // Whoever else holds it waits for a connection, or is opening one.
        if is_empty && Arc::strong_count(home) == 1 {
            homes.remove(origin);
        }
    }
}

impl<B> Home<B> {
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

    /// Closes idle connections beyond the limit, those used longest ago first.
    fn trim(&self) {
        let mut connections = lock(&self.connections);
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use astatine_reactor::Foreign;
    use bytes::Bytes;
    use http::Uri;
    use http_body_util::Full;

    use super::*;
    use crate::client::handshake;

    #[tokio::test]
    async fn an_origin_is_forgotten_with_its_last_connection_and_its_last_visitor() {
        let homes = Homes::<Full<Bytes>>::new(Config::default());
        let origin = Origin::new(&Uri::from_static("http://h/")).expect("it names a server");
        let n_origins = || lock(&homes.homes).len();

        let home = homes.home(&origin);
        let (near, _far) = tokio::io::duplex(64);
        let (connection, driver) = handshake(Box::new(Foreign(near)), Config::default());
        home.keep(connection);
        drop(home);
        drop(homes.visit(origin.clone()));
        assert_eq!(n_origins(), 1, "there is a connection");

        let waiting = homes.home(&origin);
        drop(driver);
        drop(homes.visit(origin.clone()));
        assert_eq!(n_origins(), 1, "somebody waits for a connection");

        drop(waiting);
        drop(homes.visit(origin));
        assert_eq!(n_origins(), 0);
    }
}
