//! The server's life: threads, limits, drain.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::TcpStream;

use astatine_reactor::{Config, Connection, Phase, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::running::Running;

/// Sends back what comes, until the other end closes.
async fn echo(mut connection: Connection) -> Result<(), Infallible> {
    let mut buf = [0; 1024];
    while let Ok(n @ 1..) = connection.io.read(&mut buf).await {
        if connection.io.write_all(&buf[..n]).await.is_err() {
            break;
        }
    }
    Ok(())
}

#[test]
fn a_connection_is_served_and_the_server_ends_in_good_order() {
    let server = Server::new(Config::default())
        .listen("127.0.0.1:0".parse().unwrap(), || tower::service_fn(echo));
    let running = Running::start(server);
    let mut stream = TcpStream::connect(running.tcp()).unwrap();
    stream.write_all(b"hello").unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"hello");
    running.shutdown.advance(Phase::Draining);
    drop(stream);
    running.join().unwrap();
}
