//! A file behind a body: sent from the file where the witness holds, from the body where not.

use std::convert::Infallible;
use std::fs::File;
use std::future::{Future, poll_fn, ready};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::FileExt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use astatine_http1::{AppResponse, Error, Http1, Incoming};
use astatine_reactor::test_util::Flood;
use astatine_reactor::{
    Connection, Direct, DirectSocket, FieldLines, FileRegion, Io, PeerInfo, Phase, Shutdown, serve,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower::{Service, ServiceExt, service_fn};

use super::client::faulty;

const FILE_BYTES: usize = 1 << 20;

/// A file that is gone when it is closed, with known content.
fn file(n_bytes: usize) -> Arc<File> {
    let path = std::env::temp_dir().join(format!(
        "astatine-file-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)
        .unwrap();
    std::fs::remove_file(&path).unwrap();
    file.write_all(&content()[..n_bytes]).unwrap();
    Arc::new(file)
}

fn content() -> Vec<u8> {
    (0..FILE_BYTES).map(|at| (at % 251) as u8).collect()
}

type FileResponse = Response<BoxBody<Bytes, std::io::Error>>;

/// A response, and its region; only the first frame of the body is real, so that a server which
/// reads on from the body is found out.
fn response(file: Arc<File>, note: bool) -> (FileResponse, FileRegion) {
    let region = FileRegion::new(Arc::clone(&file), 0, FILE_BYTES as u64);
    let mut first = vec![0; 1000];
    file.read_exact_at(&mut first, 0).unwrap();
    let first = Bytes::from(first);
    if note {
        region.note_first_frame(&first);
    }
    let rest = Bytes::from(vec![b'?'; FILE_BYTES - 1000]);
    let frames = [first, rest].map(|data| Ok(http_body::Frame::data(data)));
    let body = StreamBody::new(stream(frames.into_iter()));
    let response = Response::builder().header("content-length", FILE_BYTES);
    (response.body(BodyExt::boxed(body)).unwrap(), region)
}

/// Puts the region where layers find it.
fn extended((mut response, region): (FileResponse, FileRegion)) -> FileResponse {
    response.extensions_mut().insert(region);
    response
}

fn stream<T>(items: impl Iterator<Item = T> + Unpin) -> impl futures_core::Stream<Item = T> {
    struct Items<I>(I);
    impl<I: Iterator + Unpin> futures_core::Stream for Items<I> {
        type Item = I::Item;
        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<I::Item>> {
            std::task::Poll::Ready(self.0.next())
        }
    }
    Items(items)
}

/// Returns the body of the answer, which is the same wherever the region is.
async fn get(file: Arc<File>, note: bool) -> Vec<u8> {
    let answer = move || response(Arc::clone(&file), note);
    let answer_beside = answer.clone();
    let in_extensions = body_of(move || extended(answer())).await;
    let beside = body_of(move || {
        let (response, region) = answer_beside();
        (response, FieldLines::default(), Some(region))
    });
    assert!(beside.await == in_extensions);
    in_extensions
}

async fn body_of<R>(answer: impl Fn() -> R + Clone + Send + 'static) -> Vec<u8>
where
    R: AppResponse<Body = BoxBody<Bytes, io::Error>> + Send + 'static,
{
    let app = service_fn(move |_: Request<Incoming>| ready(Ok::<_, Infallible>(answer())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let server = tokio::spawn(
        serve(listener, Http1::new(app).map_request(faulty))
            .with_shutdown(shutdown.clone())
            .into_future(),
    );
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // An abort of the connection may show as an error, behind the bytes before it.
    if let Err(error) = client.read_to_end(&mut answer).await {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    drop(client);
    shutdown.advance(Phase::Cut);
    server.await.unwrap().unwrap();
    let head = answer
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .expect("a head")
        + 4;
    answer.split_off(head)
}

#[tokio::test]
async fn a_body_that_the_region_witnesses_is_sent_from_the_file() {
    assert_eq!(get(file(FILE_BYTES), true).await, content());
}

#[tokio::test]
async fn a_body_that_the_region_does_not_know_is_sent_as_it_is() {
    let expected = [&content()[..1000], &vec![b'?'; FILE_BYTES - 1000]].concat();
    assert_eq!(get(file(FILE_BYTES), false).await, expected);
}

#[tokio::test]
async fn a_file_that_ends_early_aborts_the_connection() {
    let body = get(file(FILE_BYTES / 2), true).await;
    assert_eq!(body, content()[..FILE_BYTES / 2]);
}

/// A stream with a socket of its own below, and whether it was aborted.
struct Beside<T> {
    stream: T,
    socket: OddSocket,
    is_aborted: Arc<AtomicBool>,
}

/// A socket that takes all, or nothing.
#[derive(Clone, Copy)]
enum OddSocket {
    Open,
    Full,
}

impl OddSocket {
    fn take(self, n_bytes: usize) -> io::Result<usize> {
        match self {
            Self::Open => Ok(n_bytes),
            Self::Full => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl DirectSocket for OddSocket {
    fn try_writev(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.take(bufs.iter().map(|buf| buf.len()).sum())
    }

    fn try_writev_more(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_writev(bufs)
    }

    fn try_send_file(&self, _: &FileRegion, _offset: u64, max: usize) -> io::Result<usize> {
        self.take(max)
    }

    fn poll_write_ready(&self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl<T: AsyncRead + Send + Unpin> Io for Beside<T> {
    fn direct(&self) -> Option<Direct> {
        Some(Direct::new(Arc::new(self.socket)))
    }

    fn abort(&mut self) {
        self.is_aborted.store(true, Ordering::Relaxed);
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Beside<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<T: Unpin> AsyncWrite for Beside<T> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn files_that_leave_at_once_leave_turns_to_others() {
    let file = Arc::new(File::open("/dev/null").unwrap());
    let first = Bytes::from_static(b"first");
    let region = FileRegion::new(file, 0, 200_000);
    region.note_first_frame(&first);
    let n_asked = Arc::new(AtomicUsize::new(0));
    let n_seen = Arc::clone(&n_asked);
    let app = service_fn(move |_: Request<Incoming>| {
        n_asked.fetch_add(1, Ordering::Relaxed);
        let frames = [Ok::<_, Infallible>(http_body::Frame::data(first.clone()))];
        let body = StreamBody::new(stream(frames.into_iter()));
        let response = Response::builder().header("content-length", 200_000);
        let answer = (
            response.body(body).unwrap(),
            FieldLines::default(),
            Some(region.clone()),
        );
        ready(Ok::<_, Infallible>(answer))
    });
    let flood = Beside {
        stream: Flood::of("GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        socket: OddSocket::Open,
        is_aborted: Arc::default(),
    };
    let connection = Connection::new(flood, PeerInfo::default(), Shutdown::new());
    let mut served = pin!(Http1::new(app).call(connection));
    for _ in 0..3 {
        let turn = poll_fn(|cx| Poll::Ready(served.as_mut().poll(cx))).await;
        assert!(turn.is_pending());
        let n_files = n_seen.swap(0, Ordering::Relaxed);
        assert!((1..=16).contains(&n_files), "{n_files} files in one turn");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_even_take_a_files_head_is_cut_off() {
    let file = file(FILE_BYTES);
    let app = service_fn(move |_: Request<Incoming>| {
        let file = Arc::clone(&file);
        async move { Ok::<_, Infallible>(extended(response(file, true))) }
    });
    let (mut client, server) = duplex(1024);
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let is_aborted = Arc::new(AtomicBool::new(false));
    let stuck = Beside {
        stream: server,
        socket: OddSocket::Full,
        is_aborted: Arc::clone(&is_aborted),
    };
    let connection = Connection::new(stuck, PeerInfo::default(), Shutdown::new());
    let ended = Http1::new(app).call(faulty(connection));
    let ended = timeout(Duration::from_secs(32), ended).await;
    assert!(matches!(ended, Ok(Err(Error::WriteStalled))), "{ended:?}");
    // Otherwise the kernel would keep what is written, and try for minutes.
    assert!(is_aborted.load(Ordering::Relaxed));
}
