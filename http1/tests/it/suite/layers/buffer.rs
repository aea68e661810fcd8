//! Bodies that are whole before the service is called.

use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use astatine_http1::Config;
use astatine_http1::layer::buffer::{BufferLayer, Buffered};
use astatine_reactor::PeerInfo;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, Service, service_fn};

use super::super::client::Client;

/// Checks that a body is [`content`] of its length, twice, and answers the length and the names of
/// the trailers.
async fn check(request: Request<Buffered>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body();
    let n_bytes = body.size_hint().exact().unwrap();
    let again = body.from_start();
    let read = body.collect().await.unwrap();
    let trailers = read.trailers().cloned().unwrap_or_default();
    let names: Vec<_> = trailers.keys().map(http::HeaderName::as_str).collect();
    let answer = format!("{n_bytes} {}", names.join(","));
    let bytes = read.to_bytes();
    assert_eq!(bytes.len() as u64, n_bytes);
    assert!(bytes == content(bytes.len()));
    let again = again.collect().await.unwrap();
    assert_eq!(again.trailers().cloned().unwrap_or_default(), trailers);
    assert!(again.to_bytes() == bytes);
    Ok(Response::new(Full::from(answer)))
}

/// Bytes in which a piece at the wrong place shows.
fn content(n_bytes: usize) -> Vec<u8> {
    let numbers = (0_u32..).flat_map(|n| format!("{n},").into_bytes());
    numbers.take(n_bytes).collect()
}

/// An empty folder of one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("astatine-buffer-{}-{n}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It fails where a file was left behind, and so does the test.
        fs::remove_dir(&self.0).unwrap();
    }
}

const MEMORY: usize = 64 << 10;

#[tokio::test]
async fn bodies_of_every_length_come_whole() {
    let folder = Folder::new();
    let app = BufferLayer::in_folder(&folder.0).layer(service_fn(check));
    for n_bytes in [0, 1, MEMORY, MEMORY + 1, 3 * MEMORY + 7] {
        let content = content(n_bytes);
        let mut client = Client::connect(app.clone());
        let head = format!("POST / HTTP/1.0\r\nContent-Length: {n_bytes}\r\n\r\n");
        client.send(head).await;
        client.send(&content).await;
        let answer = client.read_all().await;
        let expected = format!("\r\n\r\n{n_bytes} ");
        assert!(answer.ends_with(&expected), "{answer}");
    }
}

#[tokio::test]
async fn trailers_come_behind_the_body_each_time() {
    let app = BufferLayer::new().layer(service_fn(check));
    for n_bytes in [0, 3, MEMORY + 3] {
        let content = content(n_bytes);
        let mut client = Client::connect(app.clone());
        let head = "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
        client
            .send(format!("{head}Transfer-Encoding: chunked\r\n\r\n"))
            .await;
        for chunk in content.chunks(1000) {
            client.send(format!("{:x}\r\n", chunk.len())).await;
            client.send(chunk).await;
            client.send("\r\n").await;
        }
        client.send("0\r\nX-Sum: 1\r\n\r\n").await;
        let answer = client.read_all().await;
        let expected = format!("\r\n\r\n{n_bytes} x-sum");
        assert!(answer.ends_with(&expected), "{answer}");
    }
}

#[tokio::test]
async fn a_file_has_no_name_while_it_is_read() {
    let folder = Folder::new();
    let path = folder.0.clone();
    let app = service_fn(move |request: Request<Buffered>| {
        let n_files = fs::read_dir(&path).unwrap().count();
        let len = request.body().size_hint().exact().unwrap();
        async move {
            drop(request);
            let text = format!("{len} bytes in {n_files} names");
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(text)))
        }
    });
    let app = BufferLayer::in_folder(&folder.0).layer(app);
    let mut client = Client::connect(app);
    client
        .send("POST / HTTP/1.0\r\nContent-Length: 70000\r\n\r\n")
        .await;
    client.send(content(70_000)).await;
    let answer = client.read_all().await;
    assert!(
        answer.ends_with("\r\n\r\n70000 bytes in 0 names"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_that_cannot_be_kept_is_answered_for_and_a_short_one_needs_no_folder() {
    let layer = BufferLayer::in_folder("/no/such/folder");
    let app = layer.layer(service_fn(check));
    for (n_bytes, status) in [(MEMORY, "200 "), (MEMORY + 1, "500 ")] {
        let mut client = Client::connect(app.clone());
        let head = format!("POST / HTTP/1.0\r\nContent-Length: {n_bytes}\r\n\r\n");
        client.send(head).await;
        client.send(content(n_bytes)).await;
        let answer = client.read_all().await;
        assert_eq!(answer.get(9..13), Some(status));
    }
}

#[tokio::test]
async fn a_body_beyond_the_server_s_limit_is_refused_by_the_server() {
    let mut config = Config::default();
    config.max_body_bytes = 2 * MEMORY as u64;
    let app = BufferLayer::new().layer(service_fn(check));
    let mut client = Client::over(1 << 20, PeerInfo::default(), app, config);
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(head).await;
    let chunk = format!("{MEMORY:x}\r\n{}\r\n", "x".repeat(MEMORY));
    client.send(chunk.repeat(3)).await;
    client.end().await;
    let answer = client.read_all().await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

/// Gives frames of 64 KiB, and fails behind them unless it is whole.
struct Frames {
    n_left: usize,
    is_whole: bool,
    n_alive: Arc<AtomicUsize>,
}

/// A frame that counts itself.
struct Alive(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Alive {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        let n_alive = self.n_alive.load(Ordering::Relaxed);
        assert!(n_alive <= 1, "{n_alive} frames are kept");
        if self.n_left == 0 {
            return Poll::Ready((!self.is_whole).then_some(Err("broken off")));
        }
        self.n_left -= 1;
        self.n_alive.fetch_add(1, Ordering::Relaxed);
        let frame = Alive(vec![b'x'; MEMORY], Arc::clone(&self.n_alive));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(frame)))))
    }
}

fn upload(n_frames: usize, is_whole: bool) -> Request<Frames> {
    Request::new(Frames {
        n_left: n_frames,
        is_whole,
        n_alive: Arc::default(),
    })
}

#[tokio::test]
async fn forty_megabytes_pass_without_two_frames_in_memory() {
    let app = service_fn(|request: Request<Buffered>| async {
        let mut body = request.into_body();
        let mut n_bytes = 0;
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            assert!(data.len() <= MEMORY && data.iter().all(|byte| *byte == b'x'));
            n_bytes += data.len();
        }
        assert_eq!(n_bytes, 640 * MEMORY);
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let mut app = BufferLayer::new().layer(app);
    let answer = app.call(upload(640, true)).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_body_that_breaks_off_never_reaches_the_service() {
    let n_calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_calls);
    let app = service_fn(move |_: Request<Buffered>| {
        counter.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    });
    let mut app = BufferLayer::new().layer(app);
    for n_frames in [0, 1, 3] {
        let answer = app.call(upload(n_frames, false)).await.unwrap();
        assert_eq!(answer.status(), 400);
    }
    assert_eq!(n_calls.load(Ordering::Relaxed), 0);
}
