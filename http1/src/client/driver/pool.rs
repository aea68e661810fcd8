//! A small pool of connections that are kept alive, by origin.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use astatine_reactor::Io;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::BoxError;
use super::connection::{Answer, handshake};
use super::connector::TcpConnector;
use super::home::{Home, Homes, Visit};
use super::origin::Origin;
use super::slot::{Job, Unanswered};
use crate::body::Incoming;
use crate::client::Config;
use crate::error::{Error, Misuse};

/// Sends requests on connections that are kept alive between them, a bounded number to each origin.
///
/// Clones share the connections. The request's URI must be absolute. A request beyond
/// [`Config::max_connections_per_origin`] waits until a connection is free, which is when a response
/// has been read to its end or dropped.
///
/// A connection that was kept may turn out to have been closed by the server. Then the request is
/// sent once more, on a new connection, if nothing of it was sent; or if its method is idempotent,
/// its body was not begun, and nothing came back.
///
/// Each connection's driver is spawned onto the runtime of the request that opened it.
///
/// # Spec
///
/// RFC 9112 §9.3.1, RFC 9110 §9.2.2 (retries). A retry is not retried.
///
/// # Cancel safety
///
/// Dropping a response's future closes the connection that it waits for, and no other.
pub struct Pool<B, C = TcpConnector> {
    connector: C,
    homes: Arc<Homes<B>>,
}

impl<B> Pool<B> {
    /// Makes a pool of TCP connections.
    pub fn new(config: Config) -> Self {
        Self::with_connector(TcpConnector, config)
    }
}

impl<B, C> Pool<B, C> {
    /// Makes a pool of what the connector connects: a `Service<Origin>` whose response is a
    /// `Box<dyn Io>`.
    pub fn with_connector(connector: C, config: Config) -> Self {
        Self {
            connector,
            homes: Homes::new(config),
        }
    }
}

impl<B, C> Service<Request<B>> for Pool<B, C>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    C: Service<Origin, Response = Box<dyn Io>> + Clone + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send,
{
    type Response = Response<Incoming>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(send(
            Arc::clone(&self.homes),
            self.connector.clone(),
            request,
        ))
    }
}

/// Sends a request on a connection that is idle, or on a new one.
async fn send<B, C>(
    homes: Arc<Homes<B>>,
    connector: C,
    request: Request<B>,
) -> Result<Response<Incoming>, Error>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    C: Service<Origin, Response = Box<dyn Io>> + Send,
    C::Error: Into<BoxError>,
    C::Future: Send,
{
    let origin = Origin::new(request.uri()).ok_or(Misuse::Target)?;
    let is_idempotent = request.method().is_idempotent();
    let (visit, home) = homes.visit(origin.clone());
    let mut job = Some(Job {
        lease: Some(Home::lease(&home).await),
        request,
    });
    if let Some(answer) = home.send(&mut job) {
        match answered(answer).await {
            Ok(response) => return Ok(response),
            Err(unanswered) => {
                let request = retry(unanswered, is_idempotent)?;
                tracing::debug!(%origin, "the connection was closed meanwhile: trying a new one");
                job = Some(Job {
                    lease: Some(Home::lease(&home).await),
                    request,
                });
            }
        }
    }
    let io = connect(connector, origin, homes.config()).await?;
    let answer = open(io, homes.config(), visit, &home, job);
    drop(home);
    answer.await
}

/// Sends a request as the first on a new connection.
fn open<B>(
    io: Box<dyn Io>,
    config: &Config,
    visit: Visit<B>,
    home: &Home<B>,
    mut job: Option<Job<B>>,
) -> Answer<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (connection, driver) = handshake(io, config.clone());
    let answer = connection.send(&mut job).expect("a new connection is free");
    home.keep(connection);
    drop(tokio::spawn(async move {
        driver.await;
        drop(visit);
    }));
    answer
}

async fn connect<C>(mut connector: C, origin: Origin, config: &Config) -> io::Result<Box<dyn Io>>
where
    C: Service<Origin, Response = Box<dyn Io>>,
    C::Error: Into<BoxError>,
{
    let connected = async {
        poll_fn(|cx| connector.poll_ready(cx).map_err(not_connected)).await?;
        connector.call(origin).await.map_err(not_connected)
    };
    tokio::time::timeout(config.connect_timeout, connected)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn not_connected(error: impl Into<BoxError>) -> io::Error {
    match error.into().downcast::<io::Error>() {
        Ok(error) => *error,
        Err(error) => io::Error::other(error),
    }
}

async fn answered<B>(mut answer: Answer<B>) -> Result<Response<Incoming>, Unanswered<B>> {
    poll_fn(|cx| answer.poll_answer(cx)).await
}

/// Returns the request, where it may be sent once more.
fn retry<B>(unanswered: Unanswered<B>, is_idempotent: bool) -> Result<Request<B>, Error> {
    let may_repeat = is_idempotent || !unanswered.is_sent;
    let request = unanswered.request.filter(|_| may_repeat);
    request.ok_or(unanswered.error)
}

impl<B, C: Clone> Clone for Pool<B, C> {
    fn clone(&self) -> Self {
        Self {
            connector: self.connector.clone(),
            homes: Arc::clone(&self.homes),
        }
    }
}

impl<B, C> fmt::Debug for Pool<B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("n_origins", &self.homes.n_origins())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use astatine_reactor::Foreign;
    use http_body_util::{BodyExt, Full};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::sync::mpsc;
    use tokio::task::{JoinHandle, yield_now};
    use tower::service_fn;

    use super::*;

    type Asking = JoinHandle<Result<Response<Incoming>, Error>>;

    /// A pool whose connections lead into this test, until it refuses them.
    struct Site {
        ask: Box<dyn FnMut(&'static str) -> Asking>,
        homes: Arc<Homes<Full<Bytes>>>,
        streams: mpsc::Receiver<DuplexStream>,
    }

    impl Site {
        fn new() -> Self {
            let (sender, streams) = mpsc::channel(4);
            let connector = service_fn(move |_: Origin| {
                let (far, near) = duplex(1 << 10);
                let sent = sender.try_send(far).map_err(io::Error::other);
                async move { sent.map(|()| Box::new(Foreign(near)) as Box<dyn Io>) }
            });
            let mut pool = Pool::with_connector(connector, Config::default());
            Self {
                homes: Arc::clone(&pool.homes),
                ask: Box::new(move |uri| {
                    let request = Request::post(uri).body(Full::from("x"));
                    tokio::spawn(pool.call(request.expect("valid")))
                }),
                streams,
            }
        }

        /// Has one exchange on a new connection, and returns the server's end of it.
        async fn begin(&mut self, uri: &'static str) -> DuplexStream {
            let asking = (self.ask)(uri);
            let mut stream = self.streams.recv().await.expect("a connection");
            hear(&mut stream).await;
            let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(ok).await.expect("room");
            let response = asking.await.expect("no panic").expect("a response");
            response.into_body().collect().await.expect("no body");
            stream
        }

        /// Counts the origins once nothing moves any more.
        async fn n_origins(&self) -> usize {
            for _ in 0..100 {
                yield_now().await;
            }
            self.homes.n_origins()
        }
    }

    async fn hear(stream: &mut DuplexStream) {
        let mut request = Vec::new();
        while !request.ends_with(b"x") {
            stream.read_buf(&mut request).await.expect("a whole pipe");
        }
    }

    #[tokio::test]
    async fn an_origin_is_remembered_while_it_has_a_connection() {
        let mut site = Site::new();
        let streams = [site.begin("http://a/").await, site.begin("http://b/").await];
        assert_eq!(site.n_origins().await, 2);
        drop(streams);
        assert_eq!(site.n_origins().await, 0, "they died idle");
    }

    #[tokio::test]
    async fn an_origin_that_nobody_reaches_is_forgotten() {
        let mut site = Site::new();
        site.streams.close();
        let unreachable = [(site.ask)("http://a/"), (site.ask)("http://b/")];
        for asking in unreachable {
            assert!(asking.await.expect("no panic").is_err());
        }
        assert_eq!(site.n_origins().await, 0);
    }

    #[tokio::test]
    async fn an_origin_that_closes_under_a_request_is_forgotten() {
        let mut site = Site::new();
        let mut stream = site.begin("http://a/").await;
        let asking = (site.ask)("http://a/");
        hear(&mut stream).await;
        drop(stream);
        assert!(asking.await.expect("no panic").is_err());
        assert_eq!(site.n_origins().await, 0);
    }

    #[tokio::test]
    async fn an_origin_is_forgotten_with_the_last_who_waits_for_it() {
        let mut site = Site::new();
        let asking = (site.ask)("http://a/");
        let mut stream = site.streams.recv().await.expect("a connection");
        hear(&mut stream).await;
        assert_eq!(site.n_origins().await, 1);
        asking.abort();
        assert_eq!(site.n_origins().await, 0);
    }
}
