//! The server's threads.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io;
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};

use astatine_reactor::{Address, Bind, Config, Connection, Phase, Server};
use tokio::io::AsyncWriteExt;
use tower::Service;

use crate::peers::{Folder, echo, ping};
use crate::running::Running;

fn loopback() -> Bind {
    "127.0.0.1:0".parse().expect("it is an address")
}

async fn name_thread(mut connection: Connection) -> io::Result<()> {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    connection.io.write_all(name.as_bytes()).await
}

#[test]
fn every_thread_accepts() {
    let server = Server::new(Config::default())
        .threads(NonZeroUsize::new(3).unwrap())
        .listen(loopback(), || tower::service_fn(name_thread));
    let running = Running::start(server);
    let mut seen = BTreeSet::new();
    for _ in 0..512 {
        let stream = TcpStream::connect(running.tcp()).unwrap();
        seen.insert(io::read_to_string(stream).unwrap());
        if seen.len() == 3 {
            break;
        }
    }
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        ["astatine-0", "astatine-1", "astatine-2"]
    );
}

#[test]
fn a_service_is_made_once_a_thread_and_listener_and_all_addresses_are_told() {
    let folder = Folder::new();
    let path = folder.join("a.sock");
    let made = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let made = Arc::clone(&made);
        move || {
            made.lock().unwrap().push(name);
            tower::service_fn(echo)
        }
    };
    let server = Server::new(Config::default())
        .threads(NonZeroUsize::new(2).unwrap())
        .listen(loopback(), note("tcp"))
        .listen(Bind::unix(&path), note("unix"));
    let running = Running::start(server);
    made.lock().unwrap().sort_unstable();
    assert_eq!(*made.lock().unwrap(), ["tcp", "tcp", "unix", "unix"]);
    assert_ne!(running.tcp().port(), 0);
    assert_eq!(running.addresses[1], Address::Unix(Some(path)));
    assert_eq!(running.addresses.len(), 2);
}

#[test]
fn services_and_their_futures_need_not_be_send() {
    let server = Server::new(Config::default()).listen(loopback(), || {
        let count = std::rc::Rc::new(());
        tower::service_fn(move |connection| {
            let held = std::rc::Rc::clone(&count);
            async move {
                let result = echo(connection).await;
                drop(held);
                result
            }
        })
    });
    let running = Running::start(server);
    ping(&mut TcpStream::connect(running.tcp()).unwrap());
}

#[test]
fn an_error_or_panic_of_the_service_ends_its_own_connection_only() {
    let server = Server::new(Config::default()).listen(loopback(), || {
        tower::service_fn(|mut connection: Connection| async move {
            let kind = tokio::io::AsyncReadExt::read_u8(&mut connection.io).await?;
            assert_ne!(kind, b'!', "as the test wants it");
            if kind == b'?' {
                return Err(io::Error::other("as the test wants it"));
            }
            connection.io.write_u8(kind).await
        })
    });
    let running = Running::start(server);
    for (kind, expected) in [("?", ""), ("!", ""), ("a", "a")] {
        let mut stream = TcpStream::connect(running.tcp()).unwrap();
        io::Write::write_all(&mut stream, kind.as_bytes()).unwrap();
        assert_eq!(io::read_to_string(&mut stream).unwrap(), expected);
    }
    running.shutdown.advance(Phase::Draining);
    running.join().unwrap();
}

#[test]
fn a_panic_when_the_service_is_called_ends_that_connection_only() {
    let server = Server::new(Config::default()).listen(loopback(), || {
        let mut n_calls = 0;
        tower::service_fn(move |mut connection: Connection| {
            n_calls += 1;
            assert_ne!(n_calls, 1, "as the test wants it");
            async move {
                let byte = tokio::io::AsyncReadExt::read_u8(&mut connection.io).await?;
                connection.io.write_u8(byte).await
            }
        })
    });
    // One thread, so that the second connection meets the service that panicked.
    let running = Running::start(server.threads(NonZeroUsize::MIN));
    let mut first = TcpStream::connect(running.tcp()).unwrap();
    assert_eq!(io::read_to_string(&mut first).unwrap(), "");
    ping(&mut TcpStream::connect(running.tcp()).unwrap());
    running.shutdown.advance(Phase::Draining);
    running.join().unwrap();
}

struct NeverReady;

impl Service<Connection> for NeverReady {
    type Response = ();
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<()>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::other("worn out")))
    }

    fn call(&mut self, _connection: Connection) -> Self::Future {
        unreachable!("it was never ready")
    }
}

#[test]
fn a_service_that_is_worn_out_ends_the_server() {
    for n_threads in [1, 2] {
        let server = Server::new(Config::default()).listen(loopback(), || NeverReady);
        let running = Running::start(server.threads(NonZeroUsize::new(n_threads).unwrap()));
        let address = running.tcp();
        drop(TcpStream::connect(address));
        let error = running.join().unwrap_err();
        assert_eq!(error.to_string(), "worn out");
    }
}

#[test]
fn a_thread_that_cannot_start_ends_the_server_before_it_is_ready() {
    for n_threads in [1, 2] {
        let error = Server::new(Config::default())
            .threads(NonZeroUsize::new(n_threads).unwrap())
            .listen(loopback(), || -> NeverReady {
                panic!("as the test wants it")
            })
            .on_ready(|_| unreachable!("it is not ready"))
            .run()
            .unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
    }
}

#[test]
fn a_thread_that_a_service_blocks_does_not_hold_up_the_end() {
    let (tell_blocked, blocked) = mpsc::sync_channel(1);
    let (release, released) = mpsc::sync_channel::<()>(1);
    let released = Arc::new(Mutex::new(released));
    let server = Server::new(Config::default()).listen(loopback(), move || {
        let (tell_blocked, released) = (tell_blocked.clone(), Arc::clone(&released));
        tower::service_fn(move |_connection| {
            let (tell_blocked, released) = (tell_blocked.clone(), Arc::clone(&released));
            async move {
                tell_blocked.send(()).expect("the test waits");
                let released = released.lock().expect("no panic before").recv();
                assert!(released.is_err(), "the sender is dropped");
                Ok::<_, Infallible>(())
            }
        })
    });
    let running = Running::start(server.threads(NonZeroUsize::new(2).unwrap()));
    let _stream = TcpStream::connect(running.tcp()).unwrap();
    blocked.recv().unwrap();
    running.shutdown.advance(Phase::Cut);
    let error = running.join().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(release);
}
