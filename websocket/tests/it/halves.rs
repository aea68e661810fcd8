//! The halves of a WebSocket in two tasks: neither does, or waits for, what the other is for.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use astatine_reactor::handler::Message;
use astatine_websocket::proto::{CloseCode, Role};
use astatine_websocket::{Config, Error, Reader, Writer};
use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};

use crate::websocket::open;

/// A stream that counts how it is polled.
struct Counting {
    inner: DuplexStream,
    n_reads: Arc<AtomicUsize>,
    n_writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.n_reads.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.n_writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A task that counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Woken {
    fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

fn halves(room: usize, config: &Config) -> (Reader, Writer, DuplexStream) {
    let (near, far) = duplex(room);
    let (reader, writer) = open(near, Role::Server, None, config).split();
    (reader, writer, far)
}

type Item = Option<Result<Message, Error>>;

fn poll_next(reader: &mut Reader, woken: &Arc<Woken>) -> Poll<Item> {
    let waker = Waker::from(Arc::clone(woken));
    Pin::new(reader).poll_next(&mut Context::from_waker(&waker))
}

fn poll_send(writer: &mut Writer, message: &Message, woken: &Arc<Woken>) -> Poll<()> {
    let waker = Waker::from(Arc::clone(woken));
    let mut send = pin!(writer.send(message.clone()));
    let sent = send.as_mut().poll(&mut Context::from_waker(&waker));
    sent.map(|sent| sent.unwrap())
}

#[tokio::test]
async fn neither_half_polls_the_direction_of_the_other() {
    let (near, mut far) = duplex(1000);
    let counting = Counting {
        inner: near,
        n_reads: Arc::default(),
        n_writes: Arc::default(),
    };
    let (n_reads, n_writes) = (
        Arc::clone(&counting.n_reads),
        Arc::clone(&counting.n_writes),
    );
    let (mut reader, mut writer) = open(counting, Role::Server, None, &Config::default()).split();
    far.write_all(b"\x81\x81\0\0\0\0a").await.unwrap();
    for _ in 0..10 {
        writer.send("b").await.unwrap();
    }
    assert_eq!(n_reads.load(Ordering::Relaxed), 0);
    assert_eq!(n_writes.swap(0, Ordering::Relaxed), 10);
    assert!(reader.next().await.unwrap().is_ok());
    let woken = Arc::<Woken>::default();
    assert!(poll_next(&mut reader, &woken).is_pending());
    assert_eq!(n_writes.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_pong_leaves_while_the_writer_idles() {
    let (mut reader, writer, mut far) = halves(1000, &Config::default());
    let reading = tokio::spawn(async move { reader.next().await.is_none() });
    for _ in 0..3 {
        far.write_all(b"\x89\x81\0\0\0\0a").await.unwrap();
        let mut pong = [0; 3];
        far.read_exact(&mut pong).await.unwrap();
        assert_eq!(&pong, b"\x8a\x01a");
    }
    far.write_all(b"\x88\x80\0\0\0\0").await.unwrap();
    let mut rest = Vec::new();
    far.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"\x88\0", "the answer to the close, too");
    drop(far);
    assert!(reading.await.unwrap());
    drop(writer);
}

#[tokio::test]
async fn a_pong_leaves_behind_what_a_writer_has_given_up_to_wait_for() {
    let (mut reader, mut writer, mut far) = halves(64, &Config::default());
    let (woken, long) = (Arc::default(), Message::binary(vec![1; 10_000]));
    assert!(poll_send(&mut writer, &long, &woken).is_pending());
    far.write_all(b"\x89\x81\0\0\0\0a").await.unwrap();
    let reading = tokio::spawn(async move { reader.next().await.is_some() });
    let mut received = vec![0; 4 + 10_000 + 3];
    far.read_exact(&mut received).await.unwrap();
    assert_eq!(&received[10_004..], b"\x8a\x01a");
    assert_eq!(woken.take(), 1, "the writer, which is not polled again");
    reading.abort();
}

#[tokio::test]
async fn a_writer_that_waits_wakes_no_reader_that_owes_nothing() {
    let (mut reader, mut writer, mut far) = halves(64, &Config::default());
    let (reads, writes) = (Arc::<Woken>::default(), Arc::<Woken>::default());
    let long = Message::binary(vec![1; 1000]);
    assert!(poll_next(&mut reader, &reads).is_pending());
    assert!(poll_send(&mut writer, &long, &writes).is_pending());
    let mut room = [0; 64];
    for _ in 0..10 {
        far.read_exact(&mut room).await.unwrap();
        assert_eq!((reads.take(), writes.take()), (0, 1));
        let waker = Waker::from(Arc::clone(&writes));
        let flushed = Pin::new(&mut writer).poll_flush(&mut Context::from_waker(&waker));
        assert!(flushed.is_pending());
    }
    far.write_all(b"\x81\x81\0\0\0\0a").await.unwrap();
    assert_eq!((reads.take(), writes.take()), (1, 0));
    assert!(poll_next(&mut reader, &reads).is_ready());
    assert_eq!((reads.take(), writes.take()), (0, 0));
}

#[tokio::test]
async fn a_reader_goes_on_while_the_peer_takes_nothing() {
    let (mut reader, mut writer, mut far) = halves(64, &Config::default());
    let (woken, long) = (Arc::default(), Message::binary(vec![1; 1000]));
    assert!(poll_send(&mut writer, &long, &woken).is_pending());
    for _ in 0..100 {
        far.write_all(b"\x81\x81\0\0\0\0a").await.unwrap();
        assert!(reader.next().await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn pings_without_number_cost_a_few_kilobytes_and_the_latest_is_answered() {
    let (mut reader, mut writer, mut far) = halves(1 << 16, &Config::default());
    let woken = Arc::default();
    let long = Message::binary(vec![1; 200_000]);
    assert!(poll_send(&mut writer, &long, &woken).is_pending());
    for n in 0..100_000_u32 {
        let [a, b, c, d] = n.to_be_bytes();
        let ping = [0x89, 0x84, 0, 0, 0, 0, a, b, c, d];
        far.write_all(&ping).await.unwrap();
        if n % 1000 == 0 {
            assert!(poll_next(&mut reader, &woken).is_pending());
        }
    }
    let reading = tokio::spawn(async move { reader.next().await.is_some() });
    let mut received = vec![0; 10 + 200_000];
    far.read_exact(&mut received).await.unwrap();
    let mut n_pongs = 0;
    loop {
        let mut pong = [0; 6];
        far.read_exact(&mut pong).await.unwrap();
        assert_eq!(pong[..2], [0x8a, 4]);
        n_pongs += 1;
        if pong[2..] == 99_999_u32.to_be_bytes() {
            break;
        }
    }
    assert!(n_pongs < 20_000, "{n_pongs}");
    reading.abort();
}

#[tokio::test]
async fn a_sink_takes_no_more_than_the_limit_and_goes_on_with_room() {
    let mut config = Config::default();
    config.outbox_bytes = 10_000;
    let (_reader, mut writer, mut far) = halves(64, &config);
    let mut n_taken = 0_usize;
    let mut fill = async |writer: &mut Writer| {
        loop {
            let ready = poll_fn(|cx| Poll::Ready(Pin::new(&mut *writer).poll_ready(cx))).await;
            if ready.is_pending() {
                return n_taken;
            }
            let message = Message::binary(vec![1; 96]);
            Pin::new(&mut *writer).start_send(message).unwrap();
            n_taken += 98;
        }
    };
    let n_first = fill(&mut writer).await;
    assert!((10_000..10_000 + 64 + 98).contains(&n_first), "{n_first}");
    let mut room = vec![0; 64];
    far.read_exact(&mut room).await.unwrap();
    let n_more = fill(&mut writer).await - n_first;
    assert!(n_more <= 64 + 98, "{n_more}");
    assert!(n_more > 0);
}

#[tokio::test]
async fn a_writer_that_waits_hears_that_the_peer_has_closed() {
    let (mut reader, mut writer, mut far) = halves(64, &Config::default());
    let writing = tokio::spawn(async move {
        loop {
            if let Err(error) = writer.send(vec![1; 100_000]).await {
                return error;
            }
        }
    });
    far.write_all(b"\x88\x80\0\0\0\0").await.unwrap();
    let reading = tokio::spawn(async move { reader.next().await.is_none() });
    let mut received = Vec::new();
    far.read_to_end(&mut received).await.unwrap();
    assert_eq!(received[received.len() - 2..], *b"\x88\0");
    drop(far);
    assert!(matches!(writing.await.unwrap(), Error::Closed));
    assert!(reading.await.unwrap());
}

#[tokio::test]
async fn a_close_of_the_writer_is_known_to_the_reader_that_waits() {
    let (mut reader, mut writer, mut far) = halves(1000, &Config::default());
    let reading = tokio::spawn(async move {
        let item = reader.next().await;
        (item, reader.close_frame().cloned())
    });
    tokio::task::yield_now().await;
    writer.close_with(CloseCode::NORMAL, "bye").await.unwrap();
    writer.close_with(CloseCode::GOING_AWAY, "").await.unwrap();
    // A ping that crossed with it is not answered behind it.
    far.write_all(b"\x89\x80\0\0\0\0\x81\x81\0\0\0\0a\x88\x82\0\0\0\0\x03\xe8")
        .await
        .unwrap();
    let mut received = Vec::new();
    far.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"\x88\x05\x03\xe8bye");
    drop(far);
    let (item, close) = reading.await.unwrap();
    assert!(item.is_none());
    assert_eq!(close.unwrap().code, CloseCode::NORMAL);
}

#[tokio::test]
async fn the_stream_is_closed_once_the_reader_is_done_though_the_writer_lives() {
    let (mut reader, mut writer, mut far) = halves(1000, &Config::default());
    far.write_all(b"\x81\0").await.unwrap();
    far.shutdown().await.unwrap();
    assert!(reader.next().await.unwrap().is_err());
    let mut received = Vec::new();
    far.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, [0x88, 2, 0x03, 0xea]);
    assert!(far.write_all(b"more").await.is_err());
    assert!(matches!(writer.send("late").await, Err(Error::Closed)));
    assert!(writer.close_with(CloseCode::NORMAL, "").await.is_ok());
}

#[tokio::test]
async fn a_sink_that_is_closed_sends_what_waits_before_the_close() {
    let (_reader, mut writer, mut far) = halves(16, &Config::default());
    let reading = tokio::spawn(async move {
        let mut received = vec![0; 4 + 1000 + 4];
        far.read_exact(&mut received).await.unwrap();
        received.split_off(1004)
    });
    Pin::new(&mut writer)
        .start_send(Message::binary(vec![1; 1000]))
        .unwrap();
    poll_fn(|cx| Pin::new(&mut writer).poll_close(cx))
        .await
        .unwrap();
    assert_eq!(reading.await.unwrap(), b"\x88\x02\x03\xe8");
}

#[tokio::test]
async fn a_peer_that_is_gone_fails_the_writer_and_the_reader() {
    let (mut reader, mut writer, far) = halves(16, &Config::default());
    drop(far);
    assert!(matches!(writer.send("x").await, Err(Error::Io(_))));
    assert!(matches!(writer.send("x").await, Err(Error::Io(_))));
    assert!(reader.next().await.unwrap().is_err());
}
