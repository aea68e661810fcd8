//! A connection in memory, whose messages are lines.

use std::sync::Mutex;

use astatine_reactor::handler::{Handler, HandlerConfig, Message, Peer, Raw, Reason, Turn};
use astatine_reactor::{Connection, Foreign, Io, PeerInfo, Shutdown};
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The far end of a connection, and its peer.
pub(crate) struct Line {
    pub(crate) peer: Peer,
    pub(crate) stream: DuplexStream,
    pub(crate) server: JoinHandle<()>,
}

/// Gives its peer away, and panics when it is told to.
struct Giving(Option<oneshot::Sender<Peer>>);

impl Handler for Giving {
    fn open(&mut self, peer: &Peer) {
        self.0.take().unwrap().send(peer.clone()).unwrap();
    }

    fn message(&mut self, _peer: &Peer, message: Message) -> Turn<'_> {
        assert_ne!(message.as_text(), Some("panic"));
        Turn::Next
    }

    fn close(&mut self, _peer: &Peer, _reason: Reason) {}
}

impl Line {
    pub(crate) async fn connect() -> Self {
        Self::with(64 << 10, HandlerConfig::default()).await
    }

    /// Connects with so many bytes in the pipe.
    pub(crate) async fn with(n_pipe_bytes: usize, config: HandlerConfig) -> Self {
        let (stream, io) = duplex(n_pipe_bytes);
        let (peer, server) = serve(Foreign(io), config).await;
        Self {
            peer,
            stream,
            server,
        }
    }

    /// Reads what comes until a text.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let mut bytes = [0; 1];
            let n = self.stream.read(&mut bytes).await.unwrap();
            assert_eq!(n, 1, "it ended behind {text:?}");
            text.push(char::from(bytes[0]));
        }
        text
    }
}

impl Line {
    /// Reads so many bytes.
    pub(crate) async fn read_bytes(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        self.stream.read_exact(&mut bytes).await.unwrap();
        bytes
    }
}

/// Serves a connection, and returns its peer once it is open.
pub(crate) async fn serve(io: impl Io + 'static, config: HandlerConfig) -> (Peer, JoinHandle<()>) {
    let (give, given) = oneshot::channel();
    let give = Mutex::new(Some(give));
    let raw = Raw::new(move |_| Giving(give.lock().unwrap().take())).config(config);
    let connection = Connection::new(io, PeerInfo::default(), Shutdown::new());
    let server = tokio::spawn(raw.serve(connection));
    (given.await.unwrap(), server)
}
