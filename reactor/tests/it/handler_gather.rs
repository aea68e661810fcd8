//! Connections whose stream gathers what is written and sends it at a flush, as TLS does, and
//! protocols that encode in the driver.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use astatine_reactor::handler::{
    Answer, Encoding, Event, Handler, HandlerConfig, Message, Peer, Protocol, Turn, drive,
};
use astatine_reactor::{Connection, Foreign, PeerInfo, Shutdown};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, duplex};
use tokio::sync::oneshot;

/// What a gathering stream has, and who waits for more.
#[derive(Default)]
struct Far {
    input: Vec<u8>,
    reader: Option<Waker>,
    is_open: bool,
    sent: Vec<u8>,
}

/// Takes all that is written, and sends it once it is open.
struct Gathering(Arc<Mutex<Far>>, Vec<u8>);

impl AsyncRead for Gathering {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut far = self.0.lock().expect("nobody panics with it");
        if far.input.is_empty() {
            far.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        buffer.put_slice(&std::mem::take(&mut far.input));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gathering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.1.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gathered = std::mem::take(&mut self.1);
        let mut far = self.0.lock().expect("nobody panics with it");
        if far.is_open {
            far.sent.extend_from_slice(&gathered);
            return Poll::Ready(Ok(()));
        }
        drop(far);
        self.1 = gathered;
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Each octet is a message.
struct Octets(Encoding);

impl Protocol for Octets {
    fn encoding(&self) -> Encoding {
        self.0
    }

    fn receive(&mut self, input: &mut BytesMut, _: &mut Vec<u8>) -> Option<Event> {
        let octet = input.first().copied()?;
        input.advance(1);
        Some(Event::Message(Message::binary(vec![octet])))
    }

    fn ping(&mut self, _: &mut Vec<u8>) -> Answer {
        Answer::NotAwaited
    }

    fn close(&mut self, _: Option<u16>, _: &str, _: &mut Vec<u8>) -> bool {
        false
    }

    fn encode(&mut self, message: &Message, output: &mut Vec<u8>) {
        output.extend_from_slice(message.payload());
    }
}

/// Sends back, and waits once before the next message.
struct Echo {
    wait: Option<oneshot::Receiver<()>>,
    peer: Option<oneshot::Sender<Peer>>,
}

impl Handler for Echo {
    fn open(&mut self, peer: &Peer) {
        drop(self.peer.take().expect("it opens once").send(peer.clone()));
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        peer.write(message).expect("there is room");
        match self.wait.take() {
            Some(wait) => Turn::Wait(Box::pin(async move { drop(wait.await) })),
            None => Turn::Next,
        }
    }
}

async fn pass() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_written_later_leaves_although_a_flush_had_to_wait_before() {
    let far = Arc::new(Mutex::new(Far::default()));
    let (go_on, wait) = oneshot::channel();
    let (tell, told) = oneshot::channel();
    let echo = Echo {
        wait: Some(wait),
        peer: Some(tell),
    };
    let io = Foreign(Gathering(Arc::clone(&far), Vec::new()));
    let connection = Connection::new(io, PeerInfo::default(), Shutdown::new());
    let protocol = Octets(Encoding::Payload);
    let config = HandlerConfig::default();
    let driven = drive(connection, Bytes::new(), protocol, Box::new(echo), config);
    let driver = tokio::spawn(driven);
    let peer = told.await.unwrap();
    pass().await;
    let reader = {
        let mut far = far.lock().unwrap();
        far.input = b"ab".to_vec();
        far.reader.take().unwrap()
    };
    reader.wake();
    pass().await;
    far.lock().unwrap().is_open = true;
    go_on.send(()).unwrap();
    pass().await;
    assert_eq!(far.lock().unwrap().sent, b"ab");
    peer.write("push").unwrap();
    pass().await;
    assert_eq!(far.lock().unwrap().sent, b"abpush");
    driver.abort();
}

/// Closes its peer when it is dropped.
struct Closing(Peer);

impl AsRef<[u8]> for Closing {
    fn as_ref(&self) -> &[u8] {
        b"payload"
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Farewell;

impl Handler for Farewell {
    fn open(&mut self, peer: &Peer) {
        let payload = Bytes::from_owner(Closing(peer.clone()));
        peer.write(payload).expect("there is room");
        peer.close();
    }

    fn message(&mut self, _: &Peer, _: Message) -> Turn<'_> {
        Turn::Next
    }
}

#[tokio::test]
async fn a_payload_that_is_encoded_at_the_end_may_use_its_peer_when_it_is_dropped() {
    let (far, near) = duplex(1024);
    let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
    let protocol = Octets(Encoding::Alone);
    let config = HandlerConfig::default();
    let farewell = Box::new(Farewell);
    let driver = tokio::spawn(drive(connection, Bytes::new(), protocol, farewell, config));
    pass().await;
    drop(far);
    driver.await.unwrap();
}
