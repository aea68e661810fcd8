//! Serving on a runtime that is there already.

use std::convert::Infallible;
use std::rc::Rc;

use astatine_reactor::{Address, Bind, Connection, Inherited, Listener, Phase, Shutdown};
use astatine_reactor::{serve, serve_local};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::LocalSet;

use crate::peers::{Folder, echo, ping_async};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tokio_listener_is_served_on_a_runtime_of_many_threads() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let server = serve(listener, tower::service_fn(echo)).with_shutdown(shutdown.clone());
    let server = tokio::spawn(server.into_future());
    for _ in 0..8 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(ping_async(&mut stream).await, b'p');
    }
    shutdown.advance(Phase::Draining);
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_unix_listener_is_served_and_its_client_has_no_name() {
    let folder = Folder::new();
    let path = folder.join("a.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let local = Address::Unix(Some(path.clone()));
    let service = tower::service_fn(move |connection: Connection| {
        assert_eq!(connection.peer.remote, Address::Unix(None));
        assert_eq!(connection.peer.local, local);
        echo(connection)
    });
    drop(tokio::spawn(serve(listener, service).into_future()));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    assert_eq!(ping_async(&mut stream).await, b'p');
}

#[tokio::test]
async fn our_listener_is_served_and_its_file_goes_with_it() {
    let folder = Folder::new();
    let path = folder.join("a.sock");
    let mut listeners = Listener::bind(&Bind::unix(&path), &Inherited::default(), 16).unwrap();
    let shutdown = Shutdown::new();
    let server = serve(listeners.remove(0), tower::service_fn(echo));
    let server = tokio::spawn(server.with_shutdown(shutdown.clone()).into_future());
    let mut stream = UnixStream::connect(&path).await.unwrap();
    assert_eq!(ping_async(&mut stream).await, b'p');
    drop(stream);
    shutdown.advance(Phase::Draining);
    server.await.unwrap().unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn serve_local_serves_what_is_not_send() {
    let tasks = LocalSet::new();
    let work = tasks.run_until(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let held = Rc::new(());
        let service = tower::service_fn(move |connection| {
            let held = Rc::clone(&held);
            async move {
                let result = echo(connection).await;
                drop(held);
                result
            }
        });
        let shutdown = Shutdown::new();
        let server = serve_local(listener, service).with_shutdown(shutdown.clone());
        let server = tokio::task::spawn_local(server.into_future());
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(ping_async(&mut stream).await, b'p');
        drop(stream);
        shutdown.advance(Phase::Draining);
        server.await.unwrap().unwrap();
    });
    work.await;
}

#[tokio::test]
async fn a_socket_that_does_not_listen_is_an_error_when_awaited() {
    let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let listener = std::os::unix::net::UnixListener::from(std::os::fd::OwnedFd::from(one));
    let nothing = tower::service_fn(|_| async { Ok::<_, Infallible>(()) });
    let error = serve(listener, nothing).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
