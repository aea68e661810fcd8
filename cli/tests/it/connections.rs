//! Connections: kept, pipelined, limited, and of every family.

use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::{fs, thread};

use crate::client::Client;
use crate::folder::{Folder, LARGE, noise};
use crate::server::{Server, astatine, by_script};

#[test]
fn a_connection_is_kept_and_pipelined_requests_are_answered_in_order() {
    let folder = Folder::new();
    for name in ["a", "b", "c"] {
        folder.write(&format!("{name}.txt"), name);
    }
    let server = Server::start(&folder, &[]);
    let mut client = server.client();
    let request = |name| format!("GET /{name}.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    client.send(&["a", "b", "c"].map(request).concat());
    for name in ["a", "b", "c"] {
        assert_eq!(client.response().body, name.as_bytes());
    }
    assert_eq!(client.get("/a.txt", "").body, b"a");
}

#[test]
fn close_is_obeyed_and_http_1_0_closes_by_itself() {
    let folder = Folder::new();
    folder.write("a.txt", "a");
    let server = Server::start(&folder, &[]);
    let mut client = server.client();
    assert_eq!(client.get("/a.txt", "Connection: close\r\n").status, 200);
    assert_eq!(client.rest(), b"");
    let mut client = server.client();
    client.send("GET /a.txt HTTP/1.0\r\n\r\n");
    assert_eq!(client.response().body, b"a");
    assert_eq!(client.rest(), b"");
}

#[test]
fn a_unix_socket_serves_with_its_mode_and_is_removed() {
    let folder = Folder::new();
    folder.write("public/a.txt", "content");
    let socket = folder.path().join("a.sock");
    let mut command = astatine(["--unix-mode", "600", "-b"]);
    command.arg(&socket).arg(folder.path().join("public"));
    let mut server = Server::spawn(command);
    assert!(
        server
            .ready_line()
            .contains(&format!("unix:{}", socket.display()))
    );
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut client = Client::new(UnixStream::connect(&socket).unwrap());
    assert_eq!(client.get("/a.txt", "").body, b"content");
    server.stop();
    assert!(!socket.exists());
}

#[test]
fn several_addresses_are_served_at_once() {
    let folder = Folder::new();
    folder.write("public/a.txt", "content");
    let socket = folder.path().join("b.sock");
    let unix = format!("unix:{}", socket.display());
    let mut command = astatine(["-b", "127.0.0.1:0", "-b", &unix]);
    command.arg(folder.path().join("public"));
    let server = Server::spawn(command);
    assert_eq!(server.client().get("/a.txt", "").status, 200);
    let mut client = Client::new(UnixStream::connect(&socket).unwrap());
    assert_eq!(client.get("/a.txt", "").status, 200);
}

#[test]
fn every_client_of_a_crowd_gets_the_whole_file() {
    let folder = Folder::new();
    let content = noise(LARGE);
    folder.write("large.bin", &content);
    let server = Server::start(&folder, &["-t", "2"]);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let answer = server.client().get("/large.bin", "");
                assert!(answer.body == content);
            });
        }
    });
}

#[test]
fn a_socket_that_the_process_is_started_with_is_served() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let script = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"";
    let mut command = by_script(script, &astatine([folder.path()]));
    command.stdin(OwnedFd::from(socket));
    let mut server = Server::spawn(command);
    assert_eq!(server.address(), address);
    assert_eq!(server.client().get("/a.txt", "").body, b"content");
    server.stop();
    // It was ours alone in the end.
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_socket_that_is_handed_over_for_nothing_is_told() {
    let folder = Folder::new();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let script = "exec 3<&0 4<&0 0</dev/null
        LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:old exec \"$@\"";
    let mut command = astatine(["-V", "3", "-b", "fd:web"]);
    let mut command = by_script(script, command.arg(folder.path()));
    command.stdin(OwnedFd::from(socket)).stderr(Stdio::piped());
    let mut server = Server::spawn(command);
    server.stop();
    let line = server.next_diagnostic();
    assert!(
        line.contains("WARN fd:4 was handed over and is not served"),
        "{line}"
    );
    assert_eq!(server.next_diagnostic(), "");
}
