//! Streams that hold on to what they are given, and peers that are gone or end half a response.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use astatine_http1::{Config, Http1, Incoming};
use astatine_reactor::{Connection, Direct, Foreign, Handover, Io, PeerInfo, Shutdown, Socket};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::Full;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream, ReadBuf, duplex};
use tokio::net::{TcpListener, TcpStream};
use tower::service_fn;
use tower_service::Service;

fn connection(io: impl Io + 'static) -> Connection {
    Connection::new(io, PeerInfo::default(), Shutdown::new())
}

#[tokio::test]
async fn a_stream_that_buffers_is_flushed() {
    let (near, mut far) = duplex(1 << 16);
    let app = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("a")))
    });
    let server = tokio::spawn(Http1::new(app).call(connection(Foreign(BufStream::new(near)))));
    far.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\na") {
        assert_ne!(far.read_buf(&mut answer).await.unwrap(), 0);
    }
    drop(far);
    server.await.unwrap().unwrap();
}

/// A stream that notes how it was ended.
struct Noting<T>(T, Arc<Mutex<Vec<&'static str>>>);

impl<T: AsyncRead + Unpin> AsyncRead for Noting<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Noting<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.1.lock().unwrap().push("shutdown");
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for Noting<T> {
    fn direct(&self) -> Option<Direct> {
        None
    }

    fn abort(&mut self) {
        self.1.lock().unwrap().push("abort");
    }
}

/// A body that gives one frame and no end.
struct Half(Option<Bytes>);

impl Body for Half {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
            None => Poll::Pending,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_response_without_framing_never_ends_in_good_order() {
    let (near, mut far) = duplex(1 << 16);
    let calls = Arc::default();
    let kept: Arc<Mutex<Vec<Incoming>>> = Arc::default();
    let app = service_fn(move |request: Request<Incoming>| {
        kept.lock().unwrap().push(request.into_body());
        async { Ok::<_, Infallible>(Response::new(Half(Some(Bytes::from_static(b"half"))))) }
    });
    let io = Noting(near, Arc::clone(&calls));
    let server = tokio::spawn(Http1::new(app).call(connection(io)));
    // The body comes too slowly, while the response is under way.
    far.write_all(b"POST / HTTP/1.0\r\nContent-Length: 100\r\n\r\nabc")
        .await
        .unwrap();
    let mut answer = String::new();
    far.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\nhalf"), "{answer}");
    assert!(server.await.unwrap().is_err());
    assert_eq!(*calls.lock().unwrap(), ["abort"]);
}

#[tokio::test(start_paused = true)]
async fn a_takeover_that_keeps_a_long_body_ends_its_connection() {
    let (near, mut far) = duplex(1 << 20);
    let app = service_fn(|request: Request<Incoming>| async {
        let body = request.into_body();
        let handover = Handover::new(move |_connection, _unread| async move { drop(body) });
        let response = Response::builder().status(101).extension(handover);
        response.body(Full::<Bytes>::default())
    });
    let server = tokio::spawn(Http1::new(app).call(connection(Foreign(near))));
    far.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n")
        .await
        .unwrap();
    far.write_all(&[b'x'; 200_000]).await.unwrap();
    server.await.unwrap().unwrap();
}

/// Counts requests that are being worked on.
struct Working(#[expect(dead_code, reason = "its life is what counts")] Arc<()>);

#[tokio::test]
async fn a_peer_that_is_gone_behind_unread_bytes_is_noticed() {
    let witness = Arc::new(());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    let working = Arc::clone(&witness);
    let app = service_fn(move |request: Request<Incoming>| {
        let working = Working(Arc::clone(&working));
        async move {
            let _kept = (request, working);
            pending::<Result<Response<Full<Bytes>>, Infallible>>().await
        }
    });
    let mut config = Config::default();
    config.write_stall_timeout = Duration::from_millis(1);
    let mut http = Http1::new(app).config(config);
    let io = Socket::try_from(accepted).unwrap();
    let server = tokio::spawn(http.call(connection(io)));
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .unwrap();
    client.write_all(&[b'x'; 40_000]).await.unwrap();
    client.shutdown().await.unwrap();
    server.await.unwrap().unwrap();
    drop(http);
    assert_eq!(Arc::strong_count(&witness), 1);
}
