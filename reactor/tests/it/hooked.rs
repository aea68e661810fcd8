//! Bytes that are changed on their way, and the example of it.

use std::future::{IntoFuture, poll_fn};
use std::io;
use std::pin::Pin;

use astatine_reactor::handler::Raw;
use astatine_reactor::test_util::{Faults, faulty_io};
use astatine_reactor::{Foreign, Hooked, Hooks, Io, Socket, serve};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tower::Layer;
use tower::util::MapRequestLayer;

#[path = "../../examples/xor.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod xor;

/// Adds to each byte where it stands in its direction, so that each must be seen once, in order.
#[derive(Default)]
struct Shift {
    n_read: u8,
    n_written: u8,
}

impl Hooks for Shift {
    fn read(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = byte.wrapping_sub(self.n_read);
            self.n_read = self.n_read.wrapping_add(1);
        }
    }

    fn write(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = byte.wrapping_add(self.n_written);
            self.n_written = self.n_written.wrapping_add(1);
        }
    }
}

fn content() -> Vec<u8> {
    (0..40_000_u32).map(|n| (n / 300) as u8).collect()
}

async fn send(mut io: impl Io) -> io::Result<()> {
    io.write_all(&content()).await?;
    io.shutdown().await
}

#[tokio::test]
async fn what_is_changed_and_changed_back_arrives_whole_over_bad_streams() {
    let seeds = (0..10).map(Faults::random);
    for faults in seeds.chain([Faults::none(), Faults::one_byte()]) {
        let (near, far) = UnixStream::pair().unwrap();
        let near = faulty_io(Box::new(Socket::try_from(near).unwrap()), &faults);
        let far = faulty_io(Box::new(Socket::try_from(far).unwrap()), &faults);
        let mut far = Hooked::new(far, Shift::default());
        let mut got = vec![0; content().len()];
        let sending = send(Hooked::new(near, Shift::default()));
        // Pieces come into one buffer, of which only what is new may be changed.
        let (sent, read) = tokio::join!(sending, far.read_exact(&mut got));
        sent.unwrap();
        read.unwrap();
        assert!(got == content(), "{faults:?}");
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn what_the_stream_does_not_take_at_once_leaves_with_the_flush_and_the_shutdown() {
    let (near, mut far) = duplex(4);
    let mut near = Hooked::new(Foreign(near), Shift::default());
    assert_eq!(near.write(&[0; 6]).await.unwrap(), 6);
    // Nothing more is taken before that.
    let full = poll_fn(|cx| Pin::new(&mut near).poll_write(cx, &[0]).is_pending().into()).await;
    assert!(full);
    let mut got = [0; 6];
    let (flushed, read) = tokio::join!(near.flush(), far.read_exact(&mut got));
    flushed.unwrap();
    read.unwrap();
    assert_eq!(got, [0, 1, 2, 3, 4, 5]);
    assert_eq!(near.write(&[0; 6]).await.unwrap(), 6);
    let mut rest = Vec::new();
    let (ended, read) = tokio::join!(near.shutdown(), far.read_to_end(&mut rest));
    ended.unwrap();
    read.unwrap();
    assert_eq!(rest, [6, 7, 8, 9, 10, 11]);
}

#[tokio::test]
async fn there_is_no_way_past_the_hooks_and_an_abort_passes_them() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut far = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let socket = Socket::try_from(listener.accept().await.unwrap().0).unwrap();
    assert!(socket.direct().is_some());
    let mut hooked = Hooked::new(socket, Shift::default());
    assert!(hooked.direct().is_none());
    hooked.abort();
    drop(hooked);
    let error = far.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn the_example_speaks_in_cipher() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = MapRequestLayer::new(xor::enciphered).layer(Raw::new(|_| xor::Shout));
    let server = tokio::spawn(serve(listener, service).into_future());
    let mut eavesdropper = TcpStream::connect(address).await.unwrap();
    let mut greeting = [0; 14];
    eavesdropper.read_exact(&mut greeting).await.unwrap();
    assert_ne!(&greeting, b"SAY SOMETHING\n");

    let socket = Socket::try_from(TcpStream::connect(address).await.unwrap()).unwrap();
    let mut client = Hooked::new(socket, xor::Xor::default());
    client.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"SAY SOMETHING\n");
    client.write_all(b"anything").await.unwrap();
    let mut answer = [0; 8];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"ANYTHING");
    server.abort();
}
