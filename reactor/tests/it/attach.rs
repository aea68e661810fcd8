//! Descriptors that are open already, as connections.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::sync::mpsc::sync_channel;

use astatine_reactor::handler::{HandlerConfig, Peer, RawProtocol, Reason, drive};
use astatine_reactor::test_util::{Call, Calls, noting};
use astatine_reactor::{AttachError, Config, Phase, Server, attach};
use bytes::Bytes;
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::pipe::pipe;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::task::{JoinHandle, yield_now};

use crate::handler::{message, remote};
use crate::peers::{Folder, echo};
use crate::running::Running;

/// Serves a descriptor with a handler that notes its calls.
fn served(
    descriptor: impl Into<OwnedFd>,
    also: impl FnMut(&Peer, &Call) + Send + 'static,
) -> (JoinHandle<Reason>, Calls) {
    let (handler, calls) = noting(also);
    let (connection, handler) = (attach(descriptor).unwrap(), Box::new(handler));
    let config = HandlerConfig::default();
    let served = drive(connection, Bytes::new(), RawProtocol, handler, config);
    (tokio::spawn(served), calls)
}

async fn until(calls: &Calls, call: &Call) {
    while !calls.has(call) {
        yield_now().await;
    }
}

fn is_blocking(descriptor: impl AsFd) -> bool {
    !fcntl_getfl(descriptor).unwrap().contains(OFlags::NONBLOCK)
}

#[tokio::test]
async fn the_reading_end_of_a_pipe_gives_what_is_written_and_then_its_end() {
    let (read, write) = pipe().unwrap();
    let mut write = File::from(write);
    let (server, calls) = served(read, |_, _| {});
    for text in ["a", "b"] {
        write.write_all(text.as_bytes()).unwrap();
        until(&calls, &message(text)).await;
    }
    drop(write);
    server.await.unwrap();
    let expected = [Call::Open, message("a"), message("b"), remote()];
    assert_eq!(calls.take(), expected);
}

#[tokio::test]
async fn what_can_only_be_read_fails_when_it_is_written_to() {
    let (read, _write) = pipe().unwrap();
    let (server, calls) = served(read, |peer, call| {
        if *call == Call::Open {
            peer.write("a").unwrap();
        }
    });
    server.await.unwrap();
    let unsupported = Call::Close(Reason::Io(io::ErrorKind::Unsupported));
    assert_eq!(calls.take(), [Call::Open, unsupported]);
}

#[tokio::test]
async fn the_writing_end_of_a_pipe_takes_all_and_closes_at_once() {
    let (read, write) = pipe().unwrap();
    let mut read = File::from(read);
    let (server, calls) = served(write, |peer, call| {
        if *call == Call::Open {
            peer.write(vec![b'x'; 1 << 20]).unwrap();
            peer.close();
        }
    });
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        read.read_to_end(&mut bytes).map(|_| bytes)
    });
    server.await.unwrap();
    assert_eq!(reader.join().unwrap().unwrap(), vec![b'x'; 1 << 20]);
    assert_eq!(calls.take().last(), Some(&Call::Close(Reason::Local)));
}

#[tokio::test]
async fn a_pipe_that_nobody_reads_any_more_closes() {
    let (read, write) = pipe().unwrap();
    let (server, calls) = served(write, |_, _| {});
    until(&calls, &Call::Open).await;
    drop(read);
    server.await.unwrap();
    assert_eq!(calls.take(), [Call::Open, remote()]);
}

#[tokio::test]
async fn a_pair_of_sockets_is_attached_for_both_directions() {
    let (near, mut far) = UnixStream::pair().unwrap();
    let (server, calls) = served(near, |peer, call| {
        if let Call::Message(message) = call {
            peer.write(message.payload().to_ascii_uppercase()).unwrap();
        }
    });
    far.write_all(b"a").unwrap();
    far.shutdown(std::net::Shutdown::Write).unwrap();
    until(&calls, &remote()).await;
    assert_eq!(io::read_to_string(far).unwrap(), "A");
    server.await.unwrap();
}

#[tokio::test]
async fn a_terminal_gives_lines_takes_output_and_blocks_again_behind_it() {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let name = std::path::Path::new(name.to_str().unwrap());
    let terminal = File::options().read(true).write(true).open(name).unwrap();
    let shared = terminal.try_clone().unwrap();
    let (server, calls) = served(terminal, |peer, call| {
        if *call == message("two\n") {
            peer.write("done").unwrap();
            peer.close();
        }
    });
    assert!(!is_blocking(&shared));
    let mut master = File::from(master);
    master.write_all(b"one\ntwo\n").unwrap();
    server.await.unwrap();
    let messages: Vec<Call> = calls.take();
    let lines = ["one\n", "two\n"].map(message);
    assert_eq!(messages[1..3], lines);
    assert!(is_blocking(&shared));
    let mut output = vec![0; "one\r\ntwo\r\ndone".len()];
    master.read_exact(&mut output).unwrap();
    assert_eq!(output, b"one\r\ntwo\r\ndone");
}

#[tokio::test]
async fn a_terminal_whose_other_end_is_gone_has_ended() {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = File::open(name.to_str().unwrap()).unwrap();
    let (server, calls) = served(master, |_, _| {});
    until(&calls, &Call::Open).await;
    drop(terminal);
    server.await.unwrap();
    assert_eq!(calls.take(), [Call::Open, remote()]);
}

#[tokio::test]
async fn what_is_no_stream_is_refused_with_its_reason() {
    let folder = Folder::new();
    let path = folder.join("file");
    let file = File::create(&path).unwrap();
    assert!(matches!(attach(file), Err(AttachError::NotWaitable)));
    let folder_itself = File::open(folder.join(".")).unwrap();
    assert!(matches!(
        attach(folder_itself),
        Err(AttachError::NotWaitable)
    ));
    let listener = UnixListener::bind(folder.join("a.sock")).unwrap();
    assert!(matches!(attach(listener), Err(AttachError::NoStream)));
    let datagrams = UnixDatagram::unbound().unwrap();
    assert!(matches!(attach(datagrams), Err(AttachError::NoStream)));
}

#[test]
fn what_a_server_s_thread_attaches_hears_of_its_shutdown() {
    let (tell, told) = sync_channel(1);
    let server = Server::new(Config::default()).threads(NonZeroUsize::MIN);
    let server = server.listen("127.0.0.1:0".parse().unwrap(), move || {
        let (near, _far) = UnixStream::pair().unwrap();
        tell.send(attach(near).unwrap().shutdown).unwrap();
        tower::service_fn(echo)
    });
    let running = Running::start(server);
    let heard = told.recv().unwrap();
    assert_eq!(heard.phase(), Phase::Running);
    running.shutdown.advance(Phase::Draining);
    assert_eq!(heard.phase(), Phase::Draining);
    running.join().unwrap();
}
