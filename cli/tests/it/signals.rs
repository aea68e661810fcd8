//! Signals end the server: in good order, or at once.

use std::fs;
use std::net::TcpStream;

use rustix::process::Signal;

use crate::folder::{Folder, noise};
use crate::server::{Server, astatine, by_script, wait_until};

/// More than the buffers of both sockets hold, so that a download is under way until it is read.
const HUGE: usize = 64 << 20;

#[test]
fn a_download_under_way_is_finished_after_term() {
    let folder = Folder::new();
    let content = noise(HUGE);
    folder.write("huge.bin", &content);
    for n_threads in ["1", "2"] {
        let mut server = Server::start(&folder, &["-t", n_threads, "--shutdown-timeout", "60"]);
        let mut client = server.client();
        client.send("GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n");
        let head = client.head();
        assert_eq!(head.status, 200);
        server.signal(Signal::TERM);
        // New connections are refused once the listeners are closed.
        wait_until(|| TcpStream::connect(server.address()).is_err());
        assert!(client.rest() == content);
        let (status, _) = server.wait();
        assert_eq!(status.code(), Some(0));
    }
}

#[test]
fn an_idle_connection_does_not_hold_the_end_up() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let mut server = Server::start(&folder, &["--shutdown-timeout", "600"]);
    let mut client = server.client();
    assert_eq!(client.get("/a.txt", "").status, 200);
    server.signal(Signal::INT);
    assert_eq!(client.rest(), b"");
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn a_second_int_does_not_wait_for_the_download() {
    let folder = Folder::new();
    folder.write("huge.bin", noise(HUGE));
    for n_threads in ["1", "2"] {
        let mut server = Server::start(&folder, &["-t", n_threads, "--shutdown-timeout", "600"]);
        let mut client = server.client();
        client.send("GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(client.head().status, 200);
        server.signal(Signal::INT);
        wait_until(|| TcpStream::connect(server.address()).is_err());
        server.signal(Signal::INT);
        // The client has read nothing of the body: only a cut can end this.
        assert_eq!(server.wait().0.code(), Some(0));
    }
}

#[test]
fn a_lame_duck_still_accepts_and_says_goodbye_with_each_answer() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let mut server = Server::start(&folder, &["--lame-duck", "600"]);
    let answer = server.client().get("/a.txt", "");
    assert_eq!(answer.field("connection"), None);
    server.signal(Signal::TERM);
    wait_until(|| {
        let answer = server.client().get("/a.txt", "");
        assert_eq!(answer.body, b"content");
        answer.field("connection") == Some("close")
    });
    server.signal(Signal::INT);
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn the_pid_file_is_there_while_the_server_is() {
    let folder = Folder::new();
    folder.write("public/a.txt", "content");
    let mut command = astatine(["-b", "127.0.0.1:0", "-pid"]);
    command.arg(folder.path()).arg(folder.path().join("public"));
    let mut server = Server::spawn(command);
    let path = folder.path().join("astatine.pid");
    let written = fs::read_to_string(&path).unwrap();
    let pid: i32 = written.trim_end().parse().unwrap();
    assert_eq!(pid, server.pid().as_raw_pid());

    // A second server that cannot begin leaves the file alone.
    let mut second = astatine(["-pid"]);
    second
        .arg(folder.path())
        .arg("-b")
        .arg(server.address().to_string());
    let output = second.arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&path).unwrap(), written);

    server.stop();
    assert!(!path.exists());
}

#[test]
fn hup_ends_in_good_order_too() {
    let folder = Folder::new();
    folder.write("public/a.txt", "content");
    let mut command = astatine(["-b", "127.0.0.1:0", "-V", "2", "-pid"]);
    command.arg(folder.path()).arg(folder.path().join("public"));
    let mut server = Server::spawn(command);
    let mut client = server.client();
    assert_eq!(client.get("/a.txt", "").status, 200);
    server.signal(Signal::HUP);
    assert_eq!(client.rest(), b"");
    assert_eq!(server.wait().0.code(), Some(0));
    assert!(!folder.path().join("astatine.pid").exists());
}

#[test]
fn hup_stays_ignored_where_it_was() {
    let folder = Folder::new();
    let mut command = astatine(["-b", "127.0.0.1:0", "-V", "2"]);
    command.arg(folder.path());
    let server = Server::spawn(by_script("trap '' HUP; exec \"$@\"", &command));
    let status = format!("/proc/{}/status", server.pid().as_raw_pid());
    let status = fs::read_to_string(status).unwrap();
    let (_, mask) = status.split_once("SigIgn:").unwrap();
    let mask = mask.lines().next().unwrap().trim();
    let mask = u64::from_str_radix(mask, 16).unwrap();
    assert_eq!(mask & 1, 1, "{mask:x}");
}

#[test]
fn usr1_and_usr2_end_nothing() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let mut server = Server::start(&folder, &[]);
    server.signal(Signal::USR1);
    server.signal(Signal::USR2);
    assert_eq!(server.client().get("/a.txt", "").status, 200);
    server.stop();
}

#[test]
fn a_pid_file_that_cannot_be_written_is_a_failure_that_names_it() {
    let folder = Folder::new();
    let mut command = astatine(["-b", "127.0.0.1:0", "--pid", "no/such/file.pid"]);
    let output = command.arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("no/such/file.pid"), "{stderr}");
    assert_eq!(output.stdout, b"");
}

#[test]
fn standard_output_that_nobody_reads_ends_nothing() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let mut server = Server::start(&folder, &["-v", "-V", "0"]);
    server.close_stdout();
    assert_eq!(server.client().get("/a.txt", "").status, 200);
    assert_eq!(server.client().get("/a.txt", "").status, 200);
    server.signal(Signal::TERM);
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn standard_error_on_a_full_disk_ends_nothing() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    // Without a key for the hub it warns.
    let mut command = astatine(["-b", "127.0.0.1:0", "--live", "/live"]);
    command.arg(folder.path());
    let mut server = Server::spawn(by_script("exec \"$@\" 2>/dev/full", &command));
    assert_eq!(server.client().get("/a.txt", "").status, 200);
    server.stop();
}
