//! The server that a client under test talks to, in bytes, and the bodies that it sends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use astatine_http1::client::{Config, Connection, handshake};
use astatine_http1::{Error, Incoming};
use astatine_reactor::test_util::faulty_io;
use astatine_reactor::{Foreign, Io};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use tokio::io::{
    AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, WriteHalf, duplex, join, split,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tower::Service;

use super::super::faults;

pub(crate) type Body = BoxBody<Bytes, io::Error>;

/// A server that speaks bytes, and the client that is connected to it.
pub(crate) struct Peer {
    pub(crate) stream: DuplexStream,
    pub(crate) client: Connection<Body>,
    pub(crate) driver: JoinHandle<()>,
}

/// What a pipe in memory holds in each direction.
pub(crate) const PIPE_BYTES: usize = 1 << 20;

impl Peer {
    /// Connects a client that nothing but its server can end.
    pub(crate) fn connect() -> Self {
        Self::with(PIPE_BYTES, patient())
    }

    pub(crate) fn with(n_pipe_bytes: usize, config: Config) -> Self {
        let (stream, io) = pipe(n_pipe_bytes);
        Self::over(stream, io, config)
    }

    /// Connects a client over a stream that leads to this one.
    pub(crate) fn over(stream: DuplexStream, io: Box<dyn Io>, config: Config) -> Self {
        let (client, driver) = handshake(io, config);
        Self {
            stream,
            client,
            driver: tokio::spawn(driver),
        }
    }

    /// Sends a request, once the client is ready.
    pub(crate) fn ask(
        &mut self,
        request: Request<Body>,
    ) -> JoinHandle<Result<Response<Incoming>, Error>> {
        tokio::spawn(self.client.call(request))
    }

    pub(crate) async fn ready(&mut self) -> Result<(), Error> {
        std::future::poll_fn(|cx| self.client.poll_ready(cx)).await
    }

    /// Sends a request, answers it when its head is there, and returns that and the response.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Body>,
        answer: &str,
    ) -> (String, Result<Response<Incoming>, Error>) {
        self.ready().await.expect("the connection lives");
        let response = self.ask(request);
        let head = self.stream.read_until("\r\n\r\n").await;
        self.stream.send(answer).await;
        (head, response.await.expect("no panic"))
    }
}

/// Makes timeouts that never end: what should come at once must not come by them.
pub(crate) fn patient() -> Config {
    let mut config = Config::default();
    config.head_timeout = Duration::MAX;
    config.body_timeout = Duration::MAX;
    config.write_stall_timeout = Duration::MAX;
    config.keep_alive_timeout = Duration::MAX;
    config
}

/// Makes a pipe with the faults that this run of the tests is about.
pub(crate) fn pipe(n_bytes: usize) -> (DuplexStream, Box<dyn Io>) {
    let (stream, io) = duplex(n_bytes);
    (stream, faulty_io(Box::new(Foreign(io)), &faults()))
}

/// Makes a stream that takes so many bytes, then nothing more; what its server says still comes.
pub(crate) fn deaf(stream: DuplexStream, n_bytes: usize) -> Box<dyn Io> {
    let (reader, writer) = split(stream);
    Box::new(Foreign(join(reader, Deaf(writer, n_bytes))))
}

struct Deaf(WriteHalf<DuplexStream>, usize);

impl AsyncWrite for Deaf {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let n = buf.len().min(self.1);
        if n == 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.1 -= n;
        Pin::new(&mut self.0).poll_write(cx, &buf[..n])
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What a server does with its end.
pub(crate) trait Speak {
    /// Reads until what came ends with the text.
    async fn read_until(&mut self, end: &str) -> String;
    /// Reads to the end of the stream.
    async fn read_all(&mut self) -> String;
    async fn send(&mut self, text: &str);
}

impl Speak for DuplexStream {
    async fn read_until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            let byte = self.read_u8().await;
            let so_far = bytes.escape_ascii();
            bytes.push(byte.unwrap_or_else(|_| panic!("the stream ended behind {so_far}")));
        }
        String::from_utf8(bytes).expect("the tests send text")
    }

    async fn read_all(&mut self) -> String {
        let mut text = String::new();
        self.read_to_string(&mut text).await.expect("a whole pipe");
        text
    }

    async fn send(&mut self, text: &str) {
        self.write_all(text.as_bytes()).await.expect("a whole pipe");
    }
}

pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

pub(crate) fn full(text: &'static str) -> Body {
    Full::from(text).map_err(|never| match never {}).boxed()
}

/// A body that is given frame by frame; its end is the end of the sender.
pub(crate) fn frames() -> (mpsc::Sender<io::Result<Frame<Bytes>>>, Body) {
    struct Frames(mpsc::Receiver<io::Result<Frame<Bytes>>>);

    impl http_body::Body for Frames {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
            self.0.poll_recv(cx)
        }
    }

    let (sender, receiver) = mpsc::channel(1);
    (sender, Frames(receiver).boxed())
}

pub(crate) fn data(text: &'static str) -> io::Result<Frame<Bytes>> {
    Ok(Frame::data(Bytes::from(text)))
}

pub(crate) fn get() -> Request<Body> {
    Request::get("http://h/").body(empty()).expect("valid")
}

pub(crate) fn post(body: Body) -> Request<Body> {
    Request::post("http://h/").body(body).expect("valid")
}

/// Reads a response's body: its content, trailers behind it.
pub(crate) async fn text(response: Response<Incoming>) -> Result<String, Error> {
    let body = response.into_body().collect().await?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    let mut text = String::from_utf8(body.to_bytes().to_vec()).expect("the tests send text");
    for (name, value) in &trailers {
        text.push_str(&format!(" {name}={}", value.to_str().unwrap_or("?")));
    }
    Ok(text)
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
