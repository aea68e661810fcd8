//! Connections that this side begins: what their handlers see, and when there is no other try.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::IntoFuture;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use astatine_reactor::handler::{Handler, Message, Peer, RawProtocol, Reason, Turn, drive};
use astatine_reactor::test_util::{Call, noting};
use astatine_reactor::{
    Bind, Config, ConnectConfig, Phase, Server, Shutdown, Target, connect, reconnect,
};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener};
use tokio::task::yield_now;

use crate::handler::{message, opened, remote};
use crate::peers::{Folder, echo};
use crate::running::Running;

/// Says hello and bye.
fn polite(peer: &Peer, call: &Call) {
    match call {
        Call::Open => peer.write("hello").unwrap(),
        Call::Shutdown => peer.write("bye").unwrap(),
        _ => {}
    }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Tries again at once.
fn quick() -> ConnectConfig {
    let mut config = ConnectConfig::default();
    (config.min_wait, config.max_wait) = (Duration::from_millis(1), Duration::from_millis(1));
    config
}

/// Waits for an hour before the second try.
fn slow() -> ConnectConfig {
    let mut config = ConnectConfig::default();
    (config.min_wait, config.max_wait) = (Duration::from_secs(3600), Duration::from_secs(3600));
    config
}

fn refused() -> Reason {
    Reason::Io(io::ErrorKind::ConnectionRefused)
}

/// An address on which nobody listens: the system gives its port to nobody.
fn nobody() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

#[tokio::test]
async fn a_connection_is_opened_served_and_closed() {
    let (listener, address) = listener().await;
    let (handler, calls) = noting(|peer, call| {
        if *call == Call::Open {
            peer.write("ping").unwrap();
        }
    });
    let client = tokio::spawn(connect(address, handler).into_future());
    let (mut far, _) = listener.accept().await.unwrap();
    far.read_exact(&mut [0; 4]).await.unwrap();
    far.write_all(b"pong").await.unwrap();
    drop(far);
    let reason = client.await.unwrap();
    // The first write may have had to wait.
    let mut calls = calls.take();
    calls.retain(|call| *call != Call::Drained);
    let expected = [Call::Open, message("pong"), remote()];
    assert_eq!(calls, expected);
    assert_eq!(Call::Close(reason), remote());
}

#[tokio::test]
async fn a_name_and_a_unix_socket_are_reached_too() {
    let (_listener, address) = listener().await;
    let folder = Folder::new();
    let path = folder.join("a.sock");
    let _unix = UnixListener::bind(&path).unwrap();
    let name = format!("localhost:{}", address.port());
    for target in [name, format!("unix:{}", path.display())] {
        let (handler, calls) = noting(|peer, _| peer.close());
        let target: Target = target.parse().unwrap();
        let mut config = ConnectConfig::default();
        config.connect_timeout = Duration::from_secs(3600);
        let connected = tokio::spawn(connect(target, handler).with_config(config).into_future());
        opened(&calls).await;
        connected.abort();
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_closes_the_handler_once_unopened() {
    let (handler, calls) = noting(|_, _| {});
    assert_eq!(connect(nobody(), handler).await, refused());
    assert_eq!(calls.take(), [Call::Close(refused())]);

    let (handler, calls) = noting(|peer, _| assert!(!peer.is_open() && peer.write("a").is_err()));
    let missing = Target::Unix("/nowhere/at/all".into());
    let reason = Reason::Io(io::ErrorKind::NotFound);
    assert_eq!(connect(missing, handler).await, reason);
    assert_eq!(calls.take(), [Call::Close(reason)]);
}

#[tokio::test]
async fn a_connection_that_takes_too_long_to_be_made_is_given_up() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Those who fill the queue; one that finds it full waits.
    let mut queued = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(50), TcpStream::connect(address)).await
    {
        queued.push(stream);
    }
    let (handler, calls) = noting(|_, _| {});
    let mut config = ConnectConfig::default();
    config.connect_timeout = Duration::from_millis(1);
    let reason = connect(address, handler).with_config(config).await;
    assert_eq!(reason, Reason::Io(io::ErrorKind::TimedOut));
    assert_eq!(calls.take(), [Call::Close(reason)]);
}

#[tokio::test]
async fn one_handler_sees_its_connections_one_after_the_other() {
    let (listener, address) = listener().await;
    let mut n_opened = 0;
    let (handler, calls) = noting(move |peer, call| {
        n_opened += u32::from(*call == Call::Open);
        if n_opened == 3 {
            peer.close();
        }
    });
    let client = reconnect(address, handler).with_config(quick());
    let client = tokio::spawn(client.into_future());
    for _ in 0..3 {
        drop(listener.accept().await.unwrap());
    }
    assert_eq!(client.await.unwrap(), Reason::Local);
    let local = Call::Close(Reason::Local);
    let expected = [
        Call::Open,
        remote(),
        Call::Open,
        remote(),
        Call::Open,
        local,
    ];
    assert_eq!(calls.take(), expected);
}

#[tokio::test]
async fn a_server_that_comes_later_is_found() {
    let folder = Folder::new();
    let path = folder.join("late.sock");
    let (handler, calls) = noting(|peer, _| peer.abort());
    let client = reconnect(Target::Unix(path.clone()), handler).with_config(quick());
    let client = tokio::spawn(client.into_future());
    for _ in 0..100 {
        yield_now().await;
    }
    let _listener = UnixListener::bind(path).unwrap();
    assert_eq!(client.await.unwrap(), Reason::Aborted);
    assert_eq!(calls.take(), [Call::Open, Call::Close(Reason::Aborted)]);
}

#[tokio::test]
async fn tries_end_with_their_number_and_the_handler_is_closed_once() {
    let mut config = quick();
    config.max_tries = NonZeroU32::new(3);
    let (handler, calls) = noting(|_, _| {});
    let client = reconnect(nobody(), handler).with_config(config.clone());
    assert_eq!(client.await, refused());
    assert_eq!(calls.take(), [Call::Close(refused())]);

    // A connection that ends at once counts among them.
    config.max_wait = Duration::from_secs(3600);
    let (listener, address) = listener().await;
    let (handler, calls) = noting(|_, _| {});
    let client = reconnect(address, handler).with_config(config);
    let client = tokio::spawn(client.into_future());
    for _ in 0..3 {
        drop(listener.accept().await.unwrap());
    }
    client.await.unwrap();
    let pairs = vec![[Call::Open, remote()]; 3];
    assert_eq!(calls.take(), pairs.concat());
}

#[tokio::test]
async fn a_shutdown_ends_a_connection_a_wait_and_all_tries() {
    // While there is a connection.
    let (listener, address) = listener().await;
    let shutdown = Shutdown::new();
    let (handler, calls) = noting(polite);
    let client = reconnect(address, handler).with_shutdown(shutdown.clone());
    let client = tokio::spawn(client.into_future());
    let (mut far, _) = listener.accept().await.unwrap();
    far.read_exact(&mut [0; 5]).await.unwrap();
    shutdown.advance(Phase::Draining);
    let mut text = String::new();
    far.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "bye");
    drop(far);
    assert_eq!(client.await.unwrap(), Reason::Shutdown);
    let closed = Call::Close(Reason::Shutdown);
    let mut calls = calls.take();
    calls.retain(|call| *call != Call::Drained);
    assert_eq!(calls, [Call::Open, Call::Shutdown, closed.clone()]);

    // While the next try is waited for.
    let shutdown = Shutdown::new();
    let (handler, calls) = noting(|_, _| {});
    let client = reconnect(nobody(), handler)
        .with_config(slow())
        .with_shutdown(shutdown.clone());
    let client = tokio::spawn(client.into_future());
    yield_now().await;
    shutdown.advance(Phase::Draining);
    assert_eq!(client.await.unwrap(), Reason::Shutdown);
    assert_eq!(calls.take(), std::slice::from_ref(&closed));

    // From the beginning.
    let (handler, calls) = noting(|_, _| {});
    assert_eq!(
        connect(address, handler).with_shutdown(shutdown).await,
        Reason::Shutdown
    );
    assert_eq!(calls.take(), [closed]);
}

#[tokio::test]
async fn a_connection_that_is_cut_closes_its_handler_once() {
    let (listener, address) = listener().await;
    let shutdown = Shutdown::new();
    let (handler, calls) = noting(|_, _| {});
    let client = reconnect(address, handler).with_shutdown(shutdown.clone());
    let client = tokio::spawn(client.into_future());
    let _far = listener.accept().await.unwrap();
    opened(&calls).await;
    shutdown.advance(Phase::Cut);
    client.await.unwrap();
    let calls = calls.take();
    let n_closed = calls.iter().filter(|call| matches!(call, Call::Close(_)));
    assert_eq!((&calls[0], n_closed.count()), (&Call::Open, 1));
}

#[tokio::test]
async fn a_future_that_is_dropped_closes_its_handler_once_and_drops_it() {
    let held = Arc::new(());
    // Before the first poll, between two tries, and with a connection.
    let (listener, address) = listener().await;
    for (n_steps, target) in [(0, address), (100, nobody()), (100, address)] {
        let value = Arc::clone(&held);
        let (handler, calls) = noting(move |_, _| assert!(Arc::strong_count(&value) > 1));
        let client = reconnect(target, handler).with_config(slow());
        let client = tokio::spawn(client.into_future());
        for _ in 0..n_steps {
            yield_now().await;
        }
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
        assert_eq!(calls.take().last(), Some(&Call::Close(Reason::Aborted)));
        assert_eq!(Arc::strong_count(&held), 1);
    }
    drop(listener);
}

#[tokio::test]
async fn a_driver_of_one_s_own_may_fail_before_it_opens_the_handler() {
    let (_listener, address) = listener().await;
    let (handler, calls) = noting(|_, _| {});
    let failing = |_connection, _handler| async { Reason::Violation(1002) };
    let reason = connect(address, handler).with_driver(failing).await;
    assert_eq!(reason, Reason::Violation(1002));
    assert_eq!(calls.take(), [Call::Close(reason)]);
}

#[tokio::test]
async fn a_driver_of_one_s_own_may_begin_with_a_handshake() {
    let (listener, address) = listener().await;
    let (handler, calls) = noting(|peer, call| {
        if *call == message("b") {
            peer.close();
        }
    });
    let client = connect(address, handler).with_driver(|mut connection, handler| async move {
        let Ok(first) = connection.io.read_u8().await else {
            return Reason::Violation(0);
        };
        assert_eq!(first, b'a');
        let (handler, unread) = (Box::new(handler), Bytes::from_static(b"b"));
        drive(connection, unread, RawProtocol, handler, Default::default()).await
    });
    let client = tokio::spawn(client.into_future());
    let (mut far, _) = listener.accept().await.unwrap();
    far.write_all(b"a").await.unwrap();
    drop(far);
    assert_eq!(client.await.unwrap(), Reason::Local);
    let expected = [Call::Open, message("b"), Call::Close(Reason::Local)];
    assert_eq!(calls.take(), expected);
}

/// Gives its connection away, or ends all when told so by its trigger.
struct Restless {
    next: Arc<Mutex<u32>>,
}

impl Restless {
    fn stop(&mut self, peer: &Peer, n: u32) {
        *self.next.lock().unwrap() = n;
        peer.close();
    }
}

impl Handler for Restless {
    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        match message.payload()[..] {
            [b'r'] => peer.set_handler(Quiet),
            _ => peer.trigger(Self::stop).fire(7).unwrap(),
        }
        Turn::Next
    }
}

struct Quiet;

impl Handler for Quiet {
    fn open(&mut self, peer: &Peer) {
        peer.write("quiet").unwrap();
    }
}

#[tokio::test]
async fn the_handler_is_itself_again_behind_another_and_has_its_triggers() {
    let (listener, address) = listener().await;
    let next = Arc::new(Mutex::new(0));
    let handler = Restless {
        next: Arc::clone(&next),
    };
    let client = reconnect(address, handler).with_config(quick());
    let client = tokio::spawn(client.into_future());
    let (mut far, _) = listener.accept().await.unwrap();
    far.write_all(b"r").await.unwrap();
    far.read_exact(&mut [0; 5]).await.unwrap();
    drop(far);
    let (mut far, _) = listener.accept().await.unwrap();
    far.write_all(b"t").await.unwrap();
    assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
    drop(far);
    assert_eq!(client.await.unwrap(), Reason::Local);
    assert_eq!(*next.lock().unwrap(), 7);
}

/// A server whose threads each have a client of their own.
#[test]
fn a_server_that_ends_waits_for_the_connections_that_it_has_made() {
    let upstream = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = upstream.local_addr().unwrap();
    let server = Server::new(Config::default())
        .threads(NonZeroUsize::new(2).unwrap())
        .listen(Bind::Tcp("127.0.0.1:0".parse().unwrap()), move || {
            let (handler, _calls) = noting(polite);
            tokio::spawn(reconnect(address, handler).into_future());
            tower::service_fn(echo)
        });
    let running = Running::start(server);
    let mut streams = [upstream.accept().unwrap().0, upstream.accept().unwrap().0];
    for stream in &mut streams {
        stream.read_exact(&mut [0; 5]).unwrap();
    }
    running.shutdown.advance(Phase::Draining);
    for stream in &mut streams {
        assert_eq!(io::read_to_string(stream).unwrap(), "bye");
    }
    drop(streams);
    running.join().unwrap();
}

#[tokio::test]
async fn a_handler_is_told_of_a_drop_in_the_midst_of_a_handshake() {
    let (_listener, address) = listener().await;
    for has_failed in [false, true] {
        let (handler, calls) = noting(|_, _| {});
        let (tell, told) = tokio::sync::oneshot::channel();
        let mut tell = Some(tell);
        let connecting = connect(address, handler).with_driver(move |connection, handler| {
            tell.take().unwrap().send(()).unwrap();
            async move {
                assert!(!has_failed, "the driver fails");
                std::future::pending::<()>().await;
                drop((connection, handler));
                Reason::Local
            }
        });
        let connecting = tokio::spawn(connecting.into_future());
        told.await.unwrap();
        connecting.abort();
        connecting.await.unwrap_err();
        assert_eq!(calls.take(), [Call::Close(Reason::Aborted)]);
    }
}
