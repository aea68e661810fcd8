//! The layer that believes the headers of listed proxies.

use std::convert::Infallible;
use std::time::Duration;

use astatine_reactor::proxy_protocol::{Error, HeaderError, ProxyProtocolLayer};
use astatine_reactor::test_util::{Faults, faulty_io};
use astatine_reactor::{
    Address, Connection, Foreign, Io, Network, PeerInfo, Refused, Shutdown, serve,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::{Layer, Service};

const HEADER: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";

fn layer() -> ProxyProtocolLayer {
    let loopback: Network = "127.0.0.0/8".parse().expect("a network");
    ProxyProtocolLayer::new([loopback, Network::UNIX])
}

fn listed() -> PeerInfo {
    PeerInfo::new(Address::Unix(None), Address::Unix(None))
}

/// A connection under test: our end, what becomes of it, and whom the service has met.
struct Case {
    stream: DuplexStream,
    served: JoinHandle<Result<(), Error>>,
    met: mpsc::Receiver<(PeerInfo, Vec<u8>)>,
}

/// Serves the other end of a pipe by a service that notes its peer and all that it reads.
fn connect(peer: PeerInfo, io: impl FnOnce(DuplexStream) -> Box<dyn Io>) -> Case {
    let (stream, near) = duplex(1 << 16);
    let (sender, met) = mpsc::channel(1);
    let note = tower::service_fn(move |mut connection: Connection| {
        let sender = sender.clone();
        async move {
            let mut read = Vec::new();
            connection.io.read_to_end(&mut read).await?;
            drop(sender.send((connection.peer, read)).await);
            Ok::<_, std::io::Error>(())
        }
    });
    let mut connection = Connection::new(Foreign(tokio::io::empty()), peer, Shutdown::new());
    connection.io = io(near);
    let served = tokio::spawn(layer().layer(note).call(connection));
    Case {
        stream,
        served,
        met,
    }
}

fn plain(stream: DuplexStream) -> Box<dyn Io> {
    Box::new(Foreign(stream))
}

#[tokio::test]
async fn the_service_is_told_the_header_s_addresses_and_gets_every_byte_behind_it() {
    for faults in [Faults::none(), Faults::one_byte(), Faults::random(7)] {
        let mut case = connect(listed(), |stream| faulty_io(plain(stream), &faults));
        let sent = [HEADER, b"hello"].concat();
        case.stream.write_all(&sent).await.unwrap();
        case.stream.shutdown().await.unwrap();
        let (peer, read) = case.met.recv().await.unwrap();
        assert_eq!(peer.remote.to_string(), "192.0.2.1:56324");
        assert_eq!(peer.local.to_string(), "198.51.100.2:443");
        assert_eq!(read, b"hello");
        case.served.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_local_header_leaves_the_proxy_s_own_address() {
    let mut case = connect(listed(), plain);
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0rest";
    case.stream.write_all(local).await.unwrap();
    case.stream.shutdown().await.unwrap();
    assert_eq!(case.met.recv().await, Some((listed(), b"rest".to_vec())));
}

#[tokio::test]
async fn who_is_not_listed_is_not_believed() {
    let peer = PeerInfo::new(Address::Tcp(([192, 0, 2, 9], 1).into()), Address::Unnamed);
    let mut case = connect(peer.clone(), plain);
    case.stream.write_all(HEADER).await.unwrap();
    case.stream.shutdown().await.unwrap();
    assert_eq!(case.met.recv().await, Some((peer, HEADER.to_vec())));
}

#[tokio::test]
async fn a_listed_proxy_without_a_header_is_closed_and_never_served() {
    let mut case = connect(listed(), plain);
    case.stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let error = case.served.await.unwrap().unwrap_err();
    assert!(
        matches!(error, Error::Header(HeaderError::Signature)),
        "{error:?}"
    );
    assert_eq!(case.met.recv().await, None);
    assert_eq!(case.stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn the_end_of_the_stream_is_an_error_inside_a_header_only() {
    for n_sent in [0, 1, HEADER.len() - 1] {
        let mut case = connect(listed(), plain);
        case.stream.write_all(&HEADER[..n_sent]).await.unwrap();
        case.stream.shutdown().await.unwrap();
        let served = case.served.await.unwrap();
        assert_eq!(served.is_ok(), n_sent == 0, "{served:?}");
        assert!(case.met.recv().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_that_does_not_come_in_time_ends_the_connection() {
    for sent in [&b""[..], b"PROXY TCP4 192."] {
        let begun = Instant::now();
        let mut case = connect(listed(), plain);
        case.stream.write_all(sent).await.unwrap();
        let error = case.served.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Timeout), "{error:?}");
        let waited = begun.elapsed();
        assert!(waited >= ProxyProtocolLayer::DEFAULT_TIMEOUT, "{waited:?}");
        let late = ProxyProtocolLayer::DEFAULT_TIMEOUT + Duration::from_secs(1);
        assert!(waited <= late, "{waited:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_told_so_without_a_header() {
    let mut peer = listed();
    peer.refused = Some(Refused::Full);
    let mut case = connect(peer.clone(), plain);
    case.stream.shutdown().await.unwrap();
    assert_eq!(case.met.recv().await, Some((peer, Vec::new())));
}

#[tokio::test]
async fn a_listener_s_sockets_keep_their_direct_handle() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let name = tower::service_fn(|mut connection: Connection| async move {
        let remote = connection.peer.remote.to_string();
        assert!(connection.io.direct().is_some());
        connection.io.write_all(remote.as_bytes()).await.unwrap();
        Ok::<_, Infallible>(())
    });
    drop(tokio::spawn(
        serve(listener, layer().layer(name)).into_future(),
    ));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(HEADER).await.unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).await.unwrap();
    assert_eq!(told, "192.0.2.1:56324");
}
