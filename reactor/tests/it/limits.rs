//! The limits of connections. One thread runs server and clients, so that a client that has seen
//! its connection's end also knows that the place is free again.

use std::net::SocketAddr;
use std::num::NonZeroUsize;

use astatine_reactor::{Config, serve};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::peers::{echo, ping_async};

/// Serves echo under the limits, on the runtime of the test.
async fn start(config: Config) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let server = serve(listener, tower::service_fn(echo)).with_config(config);
    drop(tokio::spawn(server.into_future()));
    address
}

/// Connects, and is answered.
async fn served(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    assert_eq!(ping_async(&mut stream).await, b'p');
    stream
}

/// Returns what is sent to a client that says nothing, up to the end of the stream.
async fn refusal(address: SocketAddr) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let mut got = Vec::new();
    stream.read_to_end(&mut got).await.expect("it ends well");
    got
}

async fn close(mut stream: TcpStream) {
    tokio::io::AsyncWriteExt::shutdown(&mut stream)
        .await
        .expect("it is open");
    assert_eq!(stream.read(&mut [0]).await.expect("it ends well"), 0);
}

#[tokio::test]
async fn the_connection_limit_refuses_as_full_and_recovers() {
    let mut config = Config::default();
    config.max_connections = NonZeroUsize::new(1);
    let address = start(config).await;
    let first = served(address).await;
    for _ in 0..3 {
        assert_eq!(refusal(address).await, b"F");
    }
    close(first).await;
    served(address).await;
}

#[tokio::test]
async fn an_address_has_its_own_limit_and_does_not_take_that_of_others() {
    let mut config = Config::default();
    config.max_connections_per_address = NonZeroUsize::new(1);
    let address = start(config).await;
    let first = served(address).await;
    assert_eq!(refusal(address).await, b"A");
    let other = TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = other.connect(address).await.unwrap();
    assert_eq!(ping_async(&mut other).await, b'p');
    close(first).await;
    served(address).await;
}

#[tokio::test]
async fn a_place_of_an_address_is_given_back_when_the_server_is_full() {
    let mut config = Config::default();
    config.max_connections = NonZeroUsize::new(1);
    config.max_connections_per_address = NonZeroUsize::new(2);
    let address = start(config).await;
    let _first = served(address).await;
    for _ in 0..3 {
        assert_eq!(refusal(address).await, b"F");
    }
}

/// Holds every connection until the other end closes, and says first whether it is refused.
async fn hold(mut connection: astatine_reactor::Connection) -> std::io::Result<()> {
    let is_refused = connection.peer.refused.is_some();
    let byte = if is_refused { b'F' } else { b'p' };
    tokio::io::AsyncWriteExt::write_u8(&mut connection.io, byte).await?;
    connection.io.read_to_end(&mut Vec::new()).await.map(drop)
}

#[tokio::test]
async fn a_flood_beyond_the_limit_is_closed_unanswered_and_cannot_eat_the_reserve() {
    let mut config = Config::default();
    config.max_connections = NonZeroUsize::new(1);
    config.descriptor_reserve = 4;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = serve(listener, tower::service_fn(hold)).with_config(config);
    drop(tokio::spawn(server.into_future()));
    let mut held = Vec::new();
    for expected in [b'p', b'F', b'F'] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), expected);
        held.push(stream);
    }
    for _ in 0..8 {
        assert_eq!(refusal(address).await, b"");
    }
    close(held.pop().unwrap()).await;
    let mut next = TcpStream::connect(address).await.unwrap();
    assert_eq!(next.read_u8().await.unwrap(), b'F');
}
