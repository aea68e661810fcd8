//! The end in good order, and the cut.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use astatine_reactor::{Config, Phase, Shutdown, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::peers::{echo, ping_async};

fn with_grace(grace: Duration) -> Config {
    let mut config = Config::default();
    config.shutdown_grace = grace;
    config
}

/// Begins to serve an echo.
async fn start(config: Config) -> (SocketAddr, Shutdown, JoinHandle<io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let shutdown = Shutdown::new();
    let server = serve(listener, tower::service_fn(echo))
        .with_config(config)
        .with_shutdown(shutdown.clone());
    (address, shutdown, tokio::spawn(server.into_future()))
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn drain_waits_for_a_busy_connection_and_closes_the_listener() {
    let (address, shutdown, server) = start(with_grace(DAY)).await;
    let mut busy = TcpStream::connect(address).await.unwrap();
    ping_async(&mut busy).await;
    shutdown.advance(Phase::Draining);
    // One round on the one thread of this runtime: the listener is gone.
    ping_async(&mut busy).await;
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    ping_async(&mut busy).await;
    assert!(!server.is_finished());
    drop(busy);
    server.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_end_is_cut_after_the_grace() {
    let grace = Duration::from_secs(8);
    let (address, shutdown, server) = start(with_grace(grace)).await;
    let mut busy = TcpStream::connect(address).await.unwrap();
    ping_async(&mut busy).await;
    let begun = Instant::now();
    shutdown.advance(Phase::Draining);
    server.await.unwrap().unwrap();
    assert!(begun.elapsed() >= grace);
    assert_eq!(shutdown.phase(), Phase::Cut);
    assert_eq!(busy.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_cut_ends_at_once_without_a_drain() {
    let (address, shutdown, server) = start(with_grace(DAY)).await;
    let mut busy = TcpStream::connect(address).await.unwrap();
    ping_async(&mut busy).await;
    shutdown.advance(Phase::Cut);
    server.await.unwrap().unwrap();
    assert_eq!(busy.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn connections_that_the_kernel_has_queued_are_served_when_the_drain_begins() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    for _ in 0..100 {
        queued.push(TcpStream::connect(address).await.unwrap());
    }
    let shutdown = Shutdown::new();
    shutdown.advance(Phase::Draining);
    let server = serve(listener, tower::service_fn(echo))
        .with_config(with_grace(DAY))
        .with_shutdown(shutdown);
    let server = tokio::spawn(server.into_future());
    for mut stream in queued {
        assert_eq!(ping_async(&mut stream).await, b'p');
        stream.shutdown().await.unwrap();
    }
    server.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lame_duck_accepts_until_its_time_is_over() {
    let mut config = with_grace(DAY);
    config.lame_duck = Duration::from_secs(5);
    let (address, shutdown, server) = start(config).await;
    let begun = Instant::now();
    shutdown.advance(Phase::LameDuck);
    let mut late = TcpStream::connect(address).await.unwrap();
    ping_async(&mut late).await;
    drop(late);
    server.await.unwrap().unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(5));
    assert_eq!(shutdown.phase(), Phase::Draining);
}
