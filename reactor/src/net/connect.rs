//! Connections that this side begins, each with a handler.

use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::num::NonZeroU32;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::handler::{Handler, HandlerConfig, Lent, RawProtocol, Reason, Unconnected, drive};
use crate::net::Target;
use crate::net::back_off::BackOff;
use crate::net::thread::Host;
use crate::{Connection, Phase, Reached, Shutdown};

/// Connects, and serves the connection with a handler until it has ended.
///
/// It runs when it is awaited or spawned, and answers why the connection has ended. The handler is
/// opened and closed as on any connection; where there never is one, it is closed without having
/// been opened, once. The handler sees bytes as they come, unless [`Connect::with_driver`] says
/// otherwise.
///
/// On a thread of a [`Server`](crate::Server) it ends with the server, which waits for it as for
/// its other connections, and counts it among them.
///
/// # Panics
///
/// When awaited outside a tokio runtime with I/O and time enabled.
///
/// # Cancel safety
///
/// Dropping the future closes the connection where it is; the handler is told.
///
/// # Examples
///
/// ```
/// use astatine_reactor::handler::{Handler, Message, Peer, Reason, Turn};
/// use astatine_reactor::{Target, connect};
///
/// struct Greet;
///
/// impl Handler for Greet {
///     fn open(&mut self, peer: &Peer) {
///         peer.write("hello").expect("the connection is new");
///     }
///
///     fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
///         println!("{:?}", message.as_text());
///         peer.close();
///         Turn::Next
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let target: Target = "127.0.0.1:1".parse()?;
/// // Nobody listens there.
/// let reason = connect(target, Greet).await;
/// assert_eq!(reason, Reason::Io(std::io::ErrorKind::ConnectionRefused));
/// # Ok(())
/// # }
/// ```
pub fn connect(target: impl Into<Target>, handler: impl Handler) -> Connect {
    Connect::new(target.into(), Box::new(handler), Again::Never)
}

/// Connects as [`connect`] does, and again with the same handler whenever the connection has ended
/// or could not be made, until the handler itself closes or aborts one, the shutdown begins, or
/// [`ConnectConfig::max_tries`] have failed.
///
/// So the handler is opened and closed by turns. Between two tries passes a time that doubles with
/// each, from [`ConnectConfig::min_wait`] to [`ConnectConfig::max_wait`], less a random half; it
/// begins anew with a connection that has lasted as long as the longest. A handler that another
/// one has replaced (`Peer::set_handler`) has the next connection again.
///
/// # Panics
///
/// As [`connect`].
///
/// # Cancel safety
///
/// As [`connect`].
pub fn reconnect(target: impl Into<Target>, handler: impl Handler) -> Connect {
    Connect::new(target.into(), Box::new(handler), Again::Until)
}

/// Limits and times of [`connect`] and [`reconnect`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectConfig {
    /// How long one try may take, finding the addresses of a name included. Default 10 s.
    pub connect_timeout: Duration,
    /// The wait behind the first try. Default 100 ms.
    pub min_wait: Duration,
    /// The longest wait between two tries. Default 30 s.
    pub max_wait: Duration,
    /// How many tries in a row may fail, or last for less than [`ConnectConfig::max_wait`]. Default
    /// `None`: any number.
    pub max_tries: Option<NonZeroU32>,
}

impl Default for ConnectConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            min_wait: Duration::from_millis(100),
            max_wait: Duration::from_secs(30),
            max_tries: None,
        }
    }
}

/// What [`connect`] and [`reconnect`] return: it connects when it is awaited.
#[must_use = "nothing is connected until this is awaited"]
pub struct Connect {
    target: Target,
    handler: Unconnected,
    again: Again,
    config: ConnectConfig,
    shutdown: Option<Shutdown>,
    driver: Driver,
}

type Driver = Box<dyn FnMut(Connection, Lent) -> Driving + Send>;
type Driving = Pin<Box<dyn Future<Output = Reason> + Send>>;

/// What comes behind the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Never,
    /// The next, until something speaks against it.
    Until,
}

impl Connect {
    fn new(target: Target, handler: Box<dyn Handler>, again: Again) -> Self {
        let raw = |connection, handler: Lent| {
            let (handler, config) = (Box::new(handler), HandlerConfig::default());
            drive(connection, Bytes::new(), RawProtocol, handler, config)
        };
        Self {
            target,
            handler: Unconnected::new(handler),
            again,
            config: ConnectConfig::default(),
            shutdown: None,
            driver: boxed(raw),
        }
    }

    /// Takes other limits and times.
    pub fn with_config(mut self, config: ConnectConfig) -> Self {
        self.config = config;
        self
    }

    /// Ends when the token is advanced, in good order or at once. Without it: with the server on
    /// whose thread this is awaited, elsewhere never.
    pub fn with_shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = Some(shutdown);
        self
    }

    /// Serves each connection by the function, which speaks a protocol of its own, or has other
    /// limits: [`drive`] with a [`Protocol`](crate::handler::Protocol), behind a handshake where
    /// there is one.
    ///
    /// It answers why the connection has ended. Where it fails before it has opened the handler,
    /// the try has failed.
    pub fn with_driver<F, Fut>(mut self, driver: F) -> Self
    where
        F: FnMut(Connection, Lent) -> Fut + Send + 'static,
        Fut: Future<Output = Reason> + Send + 'static,
    {
        self.driver = boxed(driver);
        self
    }

    async fn run(mut self) -> Reason {
        let host = Host::current().filter(|_| self.shutdown.is_none());
        let _place = host.as_ref().map(Host::hold);
        let shutdown = self
            .shutdown
            .take()
            .or_else(|| host.map(|host| host.shutdown));
        let shutdown = shutdown.unwrap_or_default();
        let mut back_off = BackOff::default();
        loop {
            let reason = self.connect_once(&shutdown, &mut back_off).await;
            let is_wanted = match reason {
                // Somebody on this side has ended it.
                Reason::Local | Reason::Aborted | Reason::Shutdown => false,
                _ => self.again == Again::Until,
            };
            let wait = is_wanted.then(|| back_off.next(&self.config)).flatten();
            let Some(wait) = wait else {
                self.handler.close(reason.clone());
                return reason;
            };
            let draining = shutdown.reached(Phase::Draining);
            if unless(draining, sleep(wait)).await.is_none() {
                self.handler.close(Reason::Shutdown);
                return Reason::Shutdown;
            }
        }
    }

    /// Makes one connection, serves it, and says why it has ended.
    async fn connect_once(&mut self, shutdown: &Shutdown, back_off: &mut BackOff) -> Reason {
        let dialling = self.target.dial(self.config.connect_timeout);
        let draining = shutdown.reached(Phase::Draining);
        let (socket, peer) = match unless(draining, dialling).await {
            None => return Reason::Shutdown,
            Some(Err(error)) => return Reason::Io(error.kind()),
            Some(Ok(connected)) => connected,
        };
        let connection = Connection::new(socket, peer, shutdown.clone());
        let Some((lent, loan)) = self.handler.lend() else {
            return Reason::Aborted;
        };
        let begun = Instant::now();
        let driving = (self.driver)(connection, lent);
        let ended = unless(shutdown.reached(Phase::Cut), driving).await;
        if loan.was_opened() {
            back_off.lasted(begun.elapsed(), &self.config);
        }
        ended.unwrap_or(Reason::Aborted)
    }
}

fn boxed<F, Fut>(mut driver: F) -> Driver
where
    F: FnMut(Connection, Lent) -> Fut + Send + 'static,
    Fut: Future<Output = Reason> + Send + 'static,
{
    Box::new(move |connection, handler| Box::pin(driver(connection, handler)))
}

/// Does the work; `None` when the phase has come before.
async fn unless<T>(mut reached: Reached, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if Pin::new(&mut reached).poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

impl IntoFuture for Connect {
    type Output = Reason;
    type IntoFuture = Pin<Box<dyn Future<Output = Reason> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
