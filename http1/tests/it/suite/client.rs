//! The other end of a connection under test, and the faults of the stream between.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use astatine_http1::{Config, Error, Http1, Incoming};
use astatine_reactor::test_util::faulty_io;
use astatine_reactor::{Connection, Foreign, PeerInfo, Shutdown};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower_service::Service;

use super::super::faults;

/// A client that speaks bytes.
pub(crate) struct Client {
    pub(crate) stream: DuplexStream,
    pub(crate) server: JoinHandle<Result<(), Error>>,
    pub(crate) shutdown: Shutdown,
    /// Counts how often the server has had its turn.
    n_turns: Arc<AtomicUsize>,
}

/// What a pipe in memory holds in each direction.
const PIPE_BYTES: usize = 1 << 20;

impl Client {
    /// Connects to a server with the default limits.
    pub(crate) fn connect<S, B>(app: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::over(PIPE_BYTES, PeerInfo::default(), app, Config::default())
    }

    /// Connects to a server that is made already.
    pub(crate) fn to<H>(http: H) -> Self
    where
        H: Service<Connection, Response = (), Error = Error> + Send + 'static,
        H::Future: Send,
    {
        Self::with(PIPE_BYTES, PeerInfo::default(), http)
    }

    /// Connects over a pipe that holds so many bytes in each direction.
    pub(crate) fn over<S, B>(n_pipe_bytes: usize, peer: PeerInfo, app: S, config: Config) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::with(n_pipe_bytes, peer, Http1::new(app).config(config))
    }

    fn with<H>(n_pipe_bytes: usize, peer: PeerInfo, mut http: H) -> Self
    where
        H: Service<Connection, Response = (), Error = Error> + Send + 'static,
        H::Future: Send,
    {
        let (stream, io) = duplex(n_pipe_bytes);
        let shutdown = Shutdown::new();
        let connection = faulty(Connection::new(Foreign(io), peer, shutdown.clone()));
        let n_turns = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&n_turns);
        let server = tokio::spawn(async move {
            let mut serve = pin!(http.call(connection));
            std::future::poll_fn(|cx| {
                counter.fetch_add(1, Ordering::Relaxed);
                serve.as_mut().poll(cx)
            })
            .await
        });
        Self {
            stream,
            server,
            shutdown,
            n_turns,
        }
    }

    /// Lets the server go on until it waits for somebody else.
    pub(crate) async fn settle(&self) {
        let mut n_before = 0;
        loop {
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            let n_turns = self.n_turns.load(Ordering::Relaxed);
            if n_turns == std::mem::replace(&mut n_before, n_turns) {
                return;
            }
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .write_all(bytes.as_ref())
            .await
            .expect("the server reads");
    }

    /// Ends the client's side.
    pub(crate) async fn end(&mut self) {
        self.stream.shutdown().await.expect("the pipe is whole");
    }

    /// Reads to the end of the stream; the date is cut out.
    pub(crate) async fn read_all(&mut self) -> String {
        let mut bytes = Vec::new();
        self.stream
            .read_to_end(&mut bytes)
            .await
            .expect("the pipe is whole");
        without_dates(&bytes)
    }

    /// Reads until what came ends with the text; the date is cut out.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        loop {
            let text = without_dates(&bytes);
            if text.ends_with(end) {
                return text;
            }
            let n = self
                .stream
                .read_buf(&mut bytes)
                .await
                .expect("the pipe is whole");
            assert_ne!(n, 0, "the stream ended behind {text:?}");
        }
    }

    /// Sends and reads to the end.
    pub(crate) async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.send(bytes).await;
        self.read_all().await
    }
}

/// Gives a connection the faults that this run of the tests is about.
pub(crate) fn faulty(mut connection: Connection) -> Connection {
    connection.io = faulty_io(connection.io, &faults());
    connection
}

fn without_dates(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.split_inclusive("\r\n")
        .filter(|line| !line.starts_with("date: "))
        .collect()
}

/// Answers `METHOD target body`, trailers behind it.
pub(crate) fn echo() -> impl Service<
    Request<Incoming>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send,
> + Clone
+ Send {
    tower::service_fn(|request: Request<Incoming>| async move {
        let (head, body) = request.into_parts();
        let mut text = format!("{} {} ", head.method, head.uri);
        match body.collect().await {
            Ok(body) => {
                let trailers = body.trailers().cloned().unwrap_or_default();
                text.push_str(&String::from_utf8_lossy(&body.to_bytes()));
                for (name, value) in &trailers {
                    text.push_str(&format!(" {name}={}", value.to_str().unwrap_or("?")));
                }
            }
            Err(error) => text.push_str(&format!("[{error}]")),
        }
        Ok(Response::new(Full::from(text)))
    })
}

/// Lets virtual time pass, in steps that leave every timer its turn.
pub(crate) async fn pass(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        tokio::time::advance(Duration::from_millis(100)).await;
    }
}

/// Checks that something took its time, and no more than deadlines are late.
pub(crate) fn check_elapsed(begun: Instant, seconds: u64) {
    let (elapsed, expected) = (begun.elapsed(), Duration::from_secs(seconds));
    let late = expected + Duration::from_millis(1500);
    assert!((expected..=late).contains(&elapsed), "{elapsed:?}");
}

/// A 200 with this body, as the server writes it.
pub(crate) fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A 200 with this body that is the last on its connection.
pub(crate) fn last(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
