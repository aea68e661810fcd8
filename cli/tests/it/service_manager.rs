//! A service manager hears of the server's state.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::folder::Folder;
use crate::server::{Server, astatine};

/// A manager that does not wait for ever.
fn bind(path: &Path) -> UnixDatagram {
    let manager = UnixDatagram::bind(path).unwrap();
    let limit = Duration::from_secs(60);
    manager.set_read_timeout(Some(limit)).unwrap();
    manager
}

#[track_caller]
fn hears(manager: &UnixDatagram, state: &str) {
    let mut buf = [0; 64];
    let n = manager.recv(&mut buf).unwrap();
    assert_eq!(String::from_utf8_lossy(&buf[..n]), state);
}

#[test]
fn the_manager_hears_when_the_server_is_reached_and_when_its_end_begins() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let path = folder.path().join("notify");
    let manager = bind(&path);
    for n_threads in ["1", "2"] {
        let mut command = astatine(["-b", "127.0.0.1:0", "--lame-duck", "600", "-t", n_threads]);
        command.arg(folder.path()).env("NOTIFY_SOCKET", &path);
        let mut server = Server::spawn(command);
        hears(&manager, "READY=1");
        assert_eq!(server.client().get("/a.txt", "").status, 200);
        server.signal(Signal::TERM);
        hears(&manager, "STOPPING=1");
        assert_eq!(server.client().get("/a.txt", "").status, 200);
        server.signal(Signal::INT);
        assert_eq!(server.wait().0.code(), Some(0));
    }
}

#[test]
fn a_manager_that_does_not_read_holds_nobody_up() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let path = folder.path().join("notify");
    let _manager = bind(&path);
    let filler = UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    while filler.send_to(b"x", &path).is_ok() {}
    let mut command = astatine(["-b", "127.0.0.1:0", "-t", "1"]);
    command.arg(folder.path()).env("NOTIFY_SOCKET", &path);
    let mut server = Server::spawn(command);
    assert_eq!(server.client().get("/a.txt", "").status, 200);
    server.stop();
}

#[cfg(target_os = "linux")]
#[test]
fn a_manager_may_have_an_abstract_socket() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    let folder = Folder::new();
    let name = format!("astatine-manager-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let manager = UnixDatagram::bind_addr(&address).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut command = astatine(["-b", "127.0.0.1:0"]);
    command.arg(folder.path());
    command.env("NOTIFY_SOCKET", format!("@{name}"));
    let server = Server::spawn(command);
    hears(&manager, "READY=1");
    drop(server);
}

#[test]
fn a_manager_that_is_not_there_is_a_warning() {
    let folder = Folder::new();
    let mut command = astatine(["-b", "127.0.0.1:0", "-V", "3"]);
    command.arg(folder.path()).env("NOTIFY_SOCKET", "/no/such");
    command.stderr(Stdio::piped());
    let mut server = Server::spawn(command);
    let line = server.next_diagnostic();
    assert!(
        line.contains("NOTIFY_SOCKET=/no/such is told nothing"),
        "{line}"
    );
    server.stop();
}
