//! Serving on a runtime that is there already.

use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;

use tower_service::Service;

use crate::net::accept::{Acceptor, BoxError, Served};
use crate::net::grace::{advance_after, beside};
use crate::net::limits::Limits;
use crate::net::{Config, IntoListener, Listener};
use crate::{Connection, Shutdown};

/// Serves connections from `listener` on the current runtime, one task for each.
///
/// It runs when it is awaited, until its [`Shutdown`] says otherwise. A service whose futures are
/// not `Send` is served by [`serve_local`], or by a [`Server`](crate::Server).
///
/// # Panics
///
/// When awaited outside a tokio runtime with I/O and time enabled.
///
/// # Cancel safety
///
/// Dropping the future closes the listener; connections that are open go on.
///
/// # Examples
///
/// It takes no signals. Control-C ends this one in good order:
///
/// ```no_run
/// use astatine_reactor::handler::{Handler, Raw};
/// use astatine_reactor::{Phase, Shutdown, serve};
///
/// struct Quiet;
///
/// impl Handler for Quiet {}
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let shutdown = Shutdown::new();
/// let token = shutdown.clone();
/// tokio::spawn(async move {
///     if tokio::signal::ctrl_c().await.is_ok() {
///         token.advance(Phase::Draining);
///     }
/// });
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// serve(listener, Raw::new(|_peer| Quiet)).with_shutdown(shutdown).await
/// # }
/// ```
pub fn serve<L, S>(listener: L, service: S) -> Serve<S>
where
    L: IntoListener,
    S: Service<Connection, Response = ()> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    Serve(Setup::new(listener, service))
}

/// Serves as [`serve()`] does, with tasks that stay on this thread: services and their futures
/// need not be `Send`.
///
/// # Panics
///
/// When awaited outside a `LocalRuntime` or `LocalSet` of tokio with I/O and time enabled.
///
/// # Cancel safety
///
/// Dropping the future closes the listener; connections that are open go on.
pub fn serve_local<L, S>(listener: L, service: S) -> ServeLocal<S>
where
    L: IntoListener,
    S: Service<Connection, Response = ()> + 'static,
    S::Error: Into<BoxError>,
    S::Future: 'static,
{
    ServeLocal(Setup::new(listener, service))
}

/// What [`serve()`] returns: it serves when it is awaited.
#[must_use = "nothing is served until this is awaited"]
pub struct Serve<S>(Setup<S>);

/// What [`serve_local`] returns: it serves when it is awaited.
#[must_use = "nothing is served until this is awaited"]
pub struct ServeLocal<S>(Setup<S>);

struct Setup<S> {
    listener: io::Result<Listener>,
    service: S,
    config: Config,
    shutdown: Shutdown,
}

impl<S> Serve<S> {
    /// Ends when the token is advanced, in good order or at once.
    pub fn with_shutdown(mut self, shutdown: Shutdown) -> Self {
        self.0.shutdown = shutdown;
        self
    }

    /// Takes the limits and times from `config`. [`Config::backlog`] has no effect: the listener
    /// listens already.
    pub fn with_config(mut self, config: Config) -> Self {
        self.0.config = config;
        self
    }
}

impl<S> ServeLocal<S> {
    /// As [`Serve::with_shutdown`].
    pub fn with_shutdown(mut self, shutdown: Shutdown) -> Self {
        self.0.shutdown = shutdown;
        self
    }

    /// As [`Serve::with_config`].
    pub fn with_config(mut self, config: Config) -> Self {
        self.0.config = config;
        self
    }
}

impl<S> IntoFuture for Serve<S>
where
    S: Service<Connection, Response = ()> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.run(|served, shutdown| {
            drop(tokio::spawn(served.until_cut(shutdown)));
        }))
    }
}

impl<S> IntoFuture for ServeLocal<S>
where
    S: Service<Connection, Response = ()> + 'static,
    S::Error: Into<BoxError>,
    S::Future: 'static,
{
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.run(|served, shutdown| {
            drop(tokio::task::spawn_local(served.until_cut(shutdown)));
        }))
    }
}

impl<S> Setup<S> {
    fn new(listener: impl IntoListener, service: S) -> Self {
        Self {
            listener: listener.into_listener(),
            service,
            config: Config::default(),
            shutdown: Shutdown::new(),
        }
    }

    async fn run<P>(self, spawn: P) -> io::Result<()>
    where
        S: Service<Connection, Response = ()>,
        S::Error: Into<BoxError>,
        P: Fn(Served<S::Future>, &Shutdown),
    {
        let shutdown = self.shutdown;
        let limits = Limits::new(&self.config, 0);
        let accept_loop = Acceptor::new(
            self.listener?,
            self.service,
            spawn,
            std::sync::Arc::clone(&limits),
            shutdown.clone(),
        )?;
        let work = async {
            accept_loop.run().await?;
            limits.empty().await;
            Ok(())
        };
        beside(work, advance_after(&self.config, &shutdown)).await
    }
}
