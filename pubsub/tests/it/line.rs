//! A connection in memory or over a socket, whose messages are lines.

use std::sync::Mutex;

use astatine_reactor::handler::{Handler, HandlerConfig, Message, Peer, Raw, Reason, Turn};
use astatine_reactor::{Connection, Foreign, Io, PeerInfo, Shutdown, Socket};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, duplex};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The far end of a connection, and its peer.
pub(crate) struct Line {
    pub(crate) peer: Peer,
    pub(crate) stream: Box<dyn Both>,
    pub(crate) server: JoinHandle<()>,
}

/// A stream in both directions.
pub(crate) trait Both: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Both for T {}

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
            stream: Box::new(stream),
            server,
        }
    }

    /// Connects over a socket, past whose driver others may write.
    pub(crate) async fn over_socket(config: HandlerConfig) -> Self {
        let (near, stream) = UnixStream::pair().unwrap();
        let (peer, server) = serve(Socket::try_from(near).unwrap(), config).await;
        // The driver waits from now on.
        tokio::task::yield_now().await;
        Self {
            peer,
            stream: Box::new(stream),
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
