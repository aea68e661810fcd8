//! The stream itself, and the way past its owner.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use astatine_reactor::{Direct, FileRegion, Io, Socket};
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use crate::peers::Folder;

fn tcp_pair() -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let far = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
    let (near, _) = listener.accept().expect("one is queued");
    (near.try_into().expect("a runtime is around"), far)
}

fn unix_pair() -> (Socket, UnixStream) {
    let (near, far) = UnixStream::pair().expect("two descriptors");
    (near.try_into().expect("a runtime is around"), far)
}

fn direct(socket: &Socket) -> Direct {
    socket.direct().expect("a plain socket is reached directly")
}

/// Bytes in which a lost or doubled stretch shows.
fn pattern(n_bytes: usize) -> Vec<u8> {
    (0..n_bytes).map(|i| (i * 31 + i / 251) as u8).collect()
}

/// Repeats a call that does not wait, until it gets through.
async fn retry(direct: &Direct, mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll_fn(|cx| direct.poll_write_ready(cx)).await?;
            }
            done => return done,
        }
    }
}

#[tokio::test]
async fn a_read_goes_behind_what_the_buffer_holds_also_where_it_is_full() {
    let (mut near, mut far) = unix_pair();
    far.write_all(&pattern(1000)).expect("there is room");
    drop(far);
    let mut buf = BytesMut::from(&b"before"[..]);
    while poll_fn(|cx| near.poll_receive(&mut buf, cx))
        .await
        .expect("the stream is whole")
        > 0
    {}
    assert_eq!(&buf[..6], b"before");
    assert_eq!(&buf[6..], pattern(1000));
}

async fn head_and_file_arrive_equal(near: Socket, mut far: impl Read + Send + 'static) {
    let folder = Folder::new();
    let path = folder.join("file");
    let content = pattern(3_000_000);
    std::fs::write(&path, &content).expect("the folder is ours");
    let far = thread::spawn(move || {
        let mut got = Vec::new();
        far.read_to_end(&mut got).map(|_| got)
    });
    let (start, len) = (1001, 2_500_000);
    let file = Arc::new(File::open(&path).expect("just written"));
    let region = FileRegion::new(file, start as u64, len as u64);
    let direct = direct(&near);
    let head = [IoSlice::new(b"he"), IoSlice::new(b"ad")];
    assert_eq!(
        retry(&direct, || direct.try_writev_more(&head))
            .await
            .unwrap_or(0),
        4
    );
    let mut offset = 0;
    while offset < len {
        let send = || direct.try_send_file(&region, offset as u64, 700_000);
        let n = retry(&direct, send).await.expect("the peer reads");
        assert!(n > 0 && n <= 700_000);
        offset += n;
    }
    assert_eq!(
        direct.try_send_file(&region, offset as u64, 1).ok(),
        Some(0)
    );
    let tail = [IoSlice::new(b"ta"), IoSlice::new(b"il")];
    assert_eq!(
        retry(&direct, || direct.try_writev(&tail))
            .await
            .unwrap_or(0),
        4
    );
    drop((near, direct));
    let got = far.join().expect("no panic").expect("no reset");
    let expected = [b"head", &content[start..start + len], b"tail"].concat();
    assert!(got == expected, "{} bytes, not equal", got.len());
}

#[tokio::test]
async fn sendfile_and_writev_through_direct_give_equal_bytes() {
    let (near, far) = tcp_pair();
    head_and_file_arrive_equal(near, far).await;
    let (near, far) = unix_pair();
    head_and_file_arrive_equal(near, far).await;
}

#[tokio::test]
async fn a_file_that_ends_early_sends_nothing_more() {
    let folder = Folder::new();
    let path = folder.join("file");
    std::fs::write(&path, b"short").unwrap();
    let region = FileRegion::new(Arc::new(File::open(&path).unwrap()), 0, 100);
    let (near, _far) = tcp_pair();
    let direct = direct(&near);
    let first = retry(&direct, || direct.try_send_file(&region, 0, 100)).await;
    assert_eq!(first.unwrap(), 5);
    assert_eq!(direct.try_send_file(&region, 5, 95).unwrap(), 0);
}

#[tokio::test]
async fn a_short_read_asks_the_kernel_no_second_time_and_leaves_no_stale_readiness() {
    let (mut near, mut far) = tcp_pair();
    far.write_all(b"ab").unwrap();
    let mut buf = [0; 16];
    assert_eq!(near.read(&mut buf).await.unwrap(), 2);
    // The bytes are there, but their event is not: who asked the kernel again would find them.
    far.write_all(b"cd").unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut space = ReadBuf::new(&mut buf);
    assert!(
        Pin::new(&mut near)
            .poll_read(&mut cx, &mut space)
            .is_pending()
    );
    assert_eq!(near.read(&mut buf).await.unwrap(), 2);
    assert_eq!(&buf[..2], b"cd");
}

#[tokio::test]
async fn the_end_of_the_stream_is_seen_behind_a_short_read() {
    let (mut near, mut far) = tcp_pair();
    far.write_all(b"ab").unwrap();
    drop(far);
    let mut got = Vec::new();
    assert_eq!(near.read_to_end(&mut got).await.unwrap(), 2);
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_try_leaves_the_waker_of_the_owner_in_place() {
    let (mut near, mut far) = unix_pair();
    let direct = direct(&near);
    let chunk = pattern(64 * 1024);
    let fill = || {
        let mut sent = 0;
        while let Ok(n) = direct.try_writev(&[IoSlice::new(&chunk)]) {
            sent += n;
        }
        sent
    };
    near.write_all(b"x").await.unwrap();
    let mut sent = 1 + fill();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    let mut write = pin!(near.write(b"y"));
    assert!(write.as_mut().poll(&mut cx).is_pending());
    // Tries of others in between fail, and take nothing away.
    sent += fill();
    assert!(!woken.0.load(Ordering::SeqCst));
    let mut got = vec![0; sent];
    far.read_exact(&mut got).unwrap();
    while !woken.0.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    assert!(matches!(write.as_mut().poll(&mut cx), Poll::Ready(Ok(1))));
}

#[tokio::test]
async fn a_writer_that_filled_the_socket_goes_on_when_the_peer_reads() {
    let (mut near, mut far) = tcp_pair();
    let content = pattern(20_000_000);
    let expected = content.clone();
    let far = thread::spawn(move || {
        let mut got = Vec::new();
        far.read_to_end(&mut got).map(|_| got)
    });
    near.write_all(&content).await.unwrap();
    near.shutdown().await.unwrap();
    assert!(far.join().unwrap().unwrap() == expected);
}

#[tokio::test]
async fn more_buffers_than_one_call_takes_are_sent_by_several() {
    let (mut near, mut far) = tcp_pair();
    let content = pattern(5000);
    let mut bufs: Vec<IoSlice<'_>> = content.chunks(1).map(IoSlice::new).collect();
    let mut left = &mut bufs[..];
    while !left.is_empty() {
        let n = near.write_vectored(left).await.unwrap();
        assert!(n > 0);
        IoSlice::advance_slices(&mut left, n);
    }
    drop(near);
    let mut got = Vec::new();
    far.read_to_end(&mut got).unwrap();
    assert!(got == content);
}

#[tokio::test]
async fn shutting_down_a_stream_that_the_peer_has_reset_is_no_error() {
    let (mut near, far) = tcp_pair();
    near.write_all(b"never read").await.unwrap();
    // Closing with unread bytes resets the connection.
    far.peek(&mut [0]).unwrap();
    drop(far);
    assert!(near.read(&mut [0]).await.is_err());
    near.shutdown().await.unwrap();
}

#[tokio::test]
async fn writing_to_a_closed_stream_is_an_error_and_no_signal() {
    let (mut near, far) = unix_pair();
    drop(far);
    let error = near.write_all(b"x").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let error = direct(&near).try_writev(&[IoSlice::new(b"x")]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn nodelay_is_set_on_a_stream_that_is_taken_over() {
    let (near, far) = tcp_pair();
    assert!(!far.nodelay().unwrap());
    let near = std::os::fd::AsFd::as_fd(&near)
        .try_clone_to_owned()
        .unwrap();
    assert!(TcpStream::from(near).nodelay().unwrap());
}
