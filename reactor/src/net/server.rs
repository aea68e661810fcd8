//! The server that owns its threads.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::runtime::Builder;
use tower_service::Service;

use crate::net::accept::{Acceptor, BoxError};
use crate::net::grace::oversee;
use crate::net::job_threads::JobThreads;
use crate::net::limits::{Limits, raise_descriptor_limit};
use crate::net::thread::{Share, Start, Thread};
use crate::net::{Bind, Config, Inherited, Listener};
use crate::{Address, Connection, Shutdown};

/// Serves connections on threads with a runtime each, until a signal ends it.
///
/// A connection stays on the thread that accepted it, so services and their futures need not be
/// `Send`.
///
/// # Examples
///
/// ```no_run
/// use std::convert::Infallible;
///
/// use astatine_reactor::{Config, Connection, Server};
/// use tokio::io::AsyncWriteExt;
///
/// #[derive(Clone)]
/// struct Greet;
///
/// impl tower_service::Service<Connection> for Greet {
///     type Response = ();
///     type Error = std::io::Error;
///     type Future = std::pin::Pin<Box<dyn Future<Output = Result<(), Self::Error>>>>;
///
///     fn poll_ready(
///         &mut self,
///         _cx: &mut std::task::Context<'_>,
///     ) -> std::task::Poll<Result<(), Self::Error>> {
///         std::task::Poll::Ready(Ok(()))
///     }
///
///     fn call(&mut self, mut connection: Connection) -> Self::Future {
///         Box::pin(async move { connection.io.write_all(b"hello\n").await })
///     }
/// }
///
/// Server::new(Config::default())
///     .listen("127.0.0.1:3000".parse()?, || Greet)
///     .on_ready(|addresses| eprintln!("listening on {}", addresses[0]))
///     .run()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a server does nothing until it runs"]
pub struct Server {
    config: Config,
    n_threads: Option<NonZeroUsize>,
    inherited: Inherited,
    sites: Vec<Site>,
    on_ready: Option<OnReady>,
    shutdown: Shutdown,
}

type OnReady = Box<dyn FnOnce(&[Address]) + Send>;

/// What to listen on, and how a thread begins to serve it.
struct Site {
    bind: Bind,
    start: Start,
}

impl Server {
    /// Makes a server that listens nowhere yet.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            n_threads: None,
            inherited: Inherited::default(),
            sites: Vec::new(),
            on_ready: None,
            shutdown: Shutdown::new(),
        }
    }

    /// Sets how many threads serve. Without it: one for each core.
    ///
    /// One is the thread that calls [`Server::run`]. While a process has no other, the kernel and
    /// libc ask less for each system call.
    pub fn threads(mut self, n_threads: NonZeroUsize) -> Self {
        self.n_threads = Some(n_threads);
        self
    }

    /// Makes the sockets known that the process was started with, for [`Bind::InheritedName`].
    pub fn inherit(mut self, inherited: Inherited) -> Self {
        self.inherited = inherited;
        self
    }

    /// Listens on `bind`; may be called many times.
    ///
    /// `make_service` runs once on each thread. An error of the service is logged, and closes
    /// that connection only; an error of its `poll_ready` ends the server.
    pub fn listen<M, S>(mut self, bind: Bind, make_service: M) -> Self
    where
        M: Fn() -> S + Send + Sync + 'static,
        S: Service<Connection, Response = ()> + 'static,
        S::Error: Into<BoxError>,
        S::Future: 'static,
    {
        let start: Start = Arc::new(move |listener, limits, shutdown| {
            let spawn = |served, _: &Shutdown| drop(tokio::task::spawn_local(served));
            let acceptor = Acceptor::new(listener, make_service(), spawn, limits, shutdown)?;
            Ok(Box::pin(acceptor.run()))
        });
        self.sites.push(Site { bind, start });
        self
    }

    /// Calls `on_ready` once, when all threads accept, with the addresses that are listened on:
    /// those of each [`Server::listen`] in order, with the ports that the system chose.
    ///
    /// It must not wait for an answer of the server, whose thread may be its own.
    pub fn on_ready(mut self, on_ready: impl FnOnce(&[Address]) + Send + 'static) -> Self {
        self.on_ready = Some(Box::new(on_ready));
        self
    }

    /// Returns the token that ends this server from elsewhere:
    /// [`Phase::LameDuck`](crate::Phase::LameDuck) as the signal TERM does,
    /// [`Phase::Cut`](crate::Phase::Cut) at once.
    pub fn shutdown_token(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Serves until the shutdown is complete, blocking the calling thread.
    ///
    /// It raises the process's limit of open descriptors, and takes signals for the rest of the
    /// process's life: USR1 and USR2, which do nothing, INT, TERM, and HUP unless it is ignored as
    /// below nohup. Each of these begins a shutdown: after [`Config::lame_duck`],
    /// what the kernel has queued is still accepted, the listeners close, and connections have [`Config::shutdown_grace`] to
    /// end before they are cut. INT during a shutdown cuts at once. A client whose connection
    /// reaches a TCP socket in the moment between the last look at its queue and its end is reset.
    ///
    /// Jobs on blocking threads that outlive their connections are waited for, on the only thread of
    /// a server for as long again. A service that blocks one of several threads is left behind; where
    /// it blocks the only one, nobody sees signals or the token until it comes back.
    ///
    /// # Errors
    ///
    /// Something cannot be listened on ([`BindError`](crate::BindError) inside), a thread cannot
    /// start, a listener fails for good, or a service, or a job that it began, blocks a thread for
    /// too long.
    ///
    /// # Panics
    ///
    /// When called from within a tokio runtime.
    pub fn run(self) -> io::Result<()> {
        raise_descriptor_limit();
        let (addresses, shares) = self.bind()?;
        let (config, shutdown) = (self.config.clone(), self.shutdown.clone());
        let (runtime, job_threads) = JobThreads::of_runtime()?;
        let work = self.serve(&addresses, shares);
        let result = runtime.block_on(oversee(work, &config, &shutdown));
        // Connections end with it, jobs go on.
        runtime.shutdown_background();
        if job_threads.is_empty() {
            return result;
        }
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let ended = runtime.block_on(oversee(job_threads.end(), &config, &shutdown));
        result.and(ended)
    }

    async fn serve(mut self, addresses: &[Address], shares: Vec<Share>) -> io::Result<()> {
        let mut threads = self.start(shares)?;
        let mut are_ready = true;
        for thread in &mut threads {
            are_ready &= (&mut thread.ready).await.is_ok();
        }
        if let (true, Some(on_ready)) = (are_ready, self.on_ready.take()) {
            on_ready(addresses);
        }
        let mut result = Ok(());
        for thread in threads {
            result = result.and(thread.end().await);
        }
        result
    }

    /// Binds all sockets, and deals them out to the threads.
    fn bind(&self) -> io::Result<(Vec<Address>, Vec<Share>)> {
        let n_threads = match self.n_threads {
            Some(n) => n.get(),
            None => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        };
        let mut addresses = Vec::new();
        let mut shares: Vec<Share> = Vec::new();
        shares.resize_with(n_threads, Vec::new);
        for site in &self.sites {
            let backlog = self.config.backlog;
            for set in Listener::bind_sets(&site.bind, &self.inherited, backlog, n_threads)? {
                addresses.extend(set.first().map(|listener| listener.address().clone()));
                for (share, listener) in shares.iter_mut().zip(set) {
                    share.push((listener, Arc::clone(&site.start)));
                }
            }
        }
        Ok((addresses, shares))
    }

    fn start(&self, shares: Vec<Share>) -> io::Result<Vec<Thread>> {
        let limits = Limits::new(&self.config, shares.len());
        let is_alone = shares.len() == 1;
        let mut threads = Vec::with_capacity(shares.len());
        for (index, share) in shares.into_iter().enumerate() {
            let (limits, shutdown) = (Arc::clone(&limits), self.shutdown.clone());
            threads.push(if is_alone {
                Thread::here(share, limits, shutdown)
            } else {
                Thread::beside(index, share, limits, shutdown)?
            });
        }
        Ok(threads)
    }
}
