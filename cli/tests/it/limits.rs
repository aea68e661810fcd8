//! What goes beyond a limit gets its status or is closed, and the next client is served.

use std::fs::File;
use std::process::Stdio;

use crate::client::Client;
use crate::folder::Folder;
use crate::server::{Server, astatine, by_script, wait_until};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    folder
}

#[track_caller]
fn is_served(client: &mut Client) {
    assert_eq!(client.get("/a.txt", "").body, b"content");
}

/// Sends a request and the next one behind it: the first gets the status, and then the
/// connection ends.
#[track_caller]
fn refuses(server: &Server, request: &str, status: u16) {
    let mut client = server.client();
    client.send(&format!("{request}{}", get("")));
    let answer = client.response();
    assert_eq!(answer.status, status);
    assert_eq!(answer.field("connection"), Some("close"));
    client.end();
    assert_eq!(client.rest(), b"");
    is_served(&mut server.client());
}

fn get(fields: &str) -> String {
    format!("GET /a.txt HTTP/1.1\r\nHost: x\r\n{fields}\r\n")
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let folder = folder();
    let server = Server::start(&folder, &[]);
    refuses(&server, &get(&"X: a\r\n".repeat(128)), 431);
    is_served(&mut server.client());
    let line = format!("X: {}\r\n", "x".repeat(8000));
    refuses(&server, &get(&line.repeat(5)), 431);
    refuses(&server, &get(&format!("X: {}\r\n", "x".repeat(9000))), 431);
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(9000));
    refuses(&server, &long, 414);
    refuses(&server, &get("Content-Length: 52428801\r\n"), 413);
}

#[test]
fn a_head_of_exactly_128_fields_is_served() {
    let folder = folder();
    let server = Server::start(&folder, &[]);
    let answer = server.client().get("/a.txt", &"X: a\r\n".repeat(127));
    assert_eq!(answer.body, b"content");
}

#[test]
fn limits_of_the_command_line_hold() {
    let folder = folder();
    let small = [
        "-maxhd",
        "2",
        "--max-header-line",
        "1",
        "--max-request-line",
        "1",
    ];
    let few = ["--max-headers", "3", "--max-body", "1"];
    let server = Server::start(&folder, &[&small[..], &few].concat());
    let line = |n: usize| format!("X: {}\r\n", "x".repeat(n));
    refuses(&server, &get(&line(1100)), 431);
    refuses(&server, &get(&line(1010).repeat(2)), 431);
    refuses(&server, &get(&line(1).repeat(3)), 431);
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(1100));
    refuses(&server, &long, 414);
    refuses(&server, &get("Content-Length: 1048577\r\n"), 413);
    is_served(&mut server.client());
}

#[test]
fn a_slow_head_is_told_and_silence_is_closed() {
    let folder = folder();
    let server = Server::start(&folder, &["--timeout", "1"]);
    let (mut slow, mut silent) = (server.client(), server.client());
    slow.send("GET /a.txt HTT");
    assert_eq!(slow.response().status, 408);
    assert_eq!(silent.rest(), b"");
    is_served(&mut server.client());
}

#[test]
fn a_slow_body_holds_no_connection() {
    let folder = folder();
    let server = Server::start(&folder, &["--body-grace", "1"]);
    let mut slow = server.client();
    slow.send("POST /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\nabc");
    // The files need no body, so the answer does not wait for it.
    assert_eq!(slow.response().status, 405);
    assert_eq!(slow.rest(), b"");
    is_served(&mut server.client());
}

/// More than the buffers of both sockets hold.
const HUGE: usize = 64 << 20;

/// Asks for a huge file, and takes no more than its head until
/// the server has given up.
#[track_caller]
fn a_slow_reader_is_cut(args: &[&str]) {
    let folder = folder();
    let huge = File::create(folder.path().join("huge.bin")).unwrap();
    huge.set_len(HUGE as u64).unwrap();
    let mut server = Server::start(&folder, &[&["-v"], args].concat());
    let mut slow = server.client();
    slow.send("GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(slow.head().status, 200);
    is_served(&mut server.client());
    // The line of a response comes at its end.
    let lines = [server.next_line(), server.next_line()];
    assert!(
        lines.iter().any(|line| line.contains("GET /huge.bin")),
        "{lines:?}"
    );
    assert!(slow.n_readable_bytes() < HUGE);
    is_served(&mut server.client());
}

#[test]
fn a_reader_that_takes_nothing_is_cut_off() {
    a_slow_reader_is_cut(&["--write-stall-timeout", "1"]);
}

#[test]
fn a_reader_that_takes_too_little_is_cut_off() {
    let rate = ["--drain-min-rate", "4000000000", "--drain-grace", "1"];
    a_slow_reader_is_cut(&[&rate[..], &["--write-stall-timeout", "3600"]].concat());
}

#[test]
fn an_idle_connection_is_closed() {
    let folder = folder();
    let server = Server::start(&folder, &["-k", "1"]);
    let mut idle = server.client();
    is_served(&mut idle);
    assert_eq!(idle.rest(), b"");
}

#[test]
fn the_last_request_of_a_connection_is_told() {
    let folder = folder();
    let server = Server::start(&folder, &["--max-requests", "2"]);
    let mut client = server.client();
    is_served(&mut client);
    let last = client.get("/a.txt", "");
    assert_eq!(last.field("connection"), Some("close"));
    assert_eq!(client.rest(), b"");
}

#[test]
fn connections_beyond_the_limit_are_told() {
    let folder = folder();
    let server = Server::start(&folder, &["--max-connections", "1"]);
    let mut first = server.client();
    is_served(&mut first);
    let mut second = server.client();
    assert_eq!(second.head().status, 503);
    is_served(&mut first);
}

#[test]
fn connections_of_one_address_beyond_its_limit_are_told() {
    let folder = folder();
    let server = Server::start(&folder, &["--max-connections-per-address", "1"]);
    let mut first = server.client();
    is_served(&mut first);
    assert_eq!(server.client().head().status, 429);
    is_served(&mut first);
}

#[test]
fn a_small_descriptor_limit_refuses_who_is_too_many_and_recovers() {
    let folder = folder();
    let astatine = astatine(["-b", "127.0.0.1:0", "-t", "1", "-V", "2"]);
    let mut command = by_script("ulimit -n 77; exec \"$@\"", &astatine);
    command.arg(folder.path());
    let server = Server::spawn(command);
    let mut served: Vec<Client> = (0..4).map(|_| server.client()).collect();
    served.iter_mut().for_each(is_served);
    assert_eq!(server.client().head().status, 503);
    served.iter_mut().for_each(is_served);
    drop(served);
    // Who asks in the moment before the places are free is told to come again.
    wait_until(|| server.client().get("/a.txt", "").status == 200);
}

#[test]
fn files_that_stay_open_leave_room_for_connections_and_other_files() {
    const MANY: usize = 120;
    let folder = folder();
    for i in 0..MANY {
        folder.write(&format!("{i}.bin"), vec![7; 70_000]);
    }
    let astatine = astatine(["-b", "127.0.0.1:0", "-t", "1", "-V", "2"]);
    let mut command = by_script("ulimit -n 100; exec \"$@\"", &astatine);
    command.arg(folder.path());
    let server = Server::spawn(command);
    for i in 0..MANY {
        let answer = server.client().get(&format!("/{i}.bin"), "");
        assert_eq!(answer.status, 200, "{i}");
    }
    let mut clients: Vec<Client> = (0..20).map(|_| server.client()).collect();
    clients.iter_mut().for_each(is_served);
}

#[test]
fn clients_wait_while_descriptors_are_short_and_are_served_then() {
    let folder = folder();
    let unlimited = ["--max-connections", "1000"];
    let mut astatine = astatine(["-b", "127.0.0.1:0", "-t", "1", "-V", "3"]);
    astatine.args(unlimited).arg(folder.path());
    let mut command = by_script("ulimit -n 40; exec \"$@\"", &astatine);
    command.stderr(Stdio::piped());
    let mut server = Server::spawn(command);
    let mut clients: Vec<Client> = (0..50).map(|_| server.client()).collect();
    let warning = server.next_diagnostic();
    assert!(warning.contains("cannot accept"), "{warning}");
    // A file cannot be opened now, but whoever was accepted is answered.
    let status = clients[0].get("/a.txt", "").status;
    assert_eq!(status, 503);
    let mut waiting = clients.split_off(40);
    drop(clients);
    waiting.iter_mut().for_each(is_served);
}

#[test]
fn too_few_descriptors_to_start_with_are_a_failure_that_says_so() {
    let folder = folder();
    let astatine = astatine(["-b", "127.0.0.1:0", "-t", "2"]);
    // What we were started with may be open still.
    let close: String = (3..10).map(|n| format!("{n}>&- ")).collect();
    for limit in 4..13 {
        let script = format!("exec {close}; ulimit -n {limit}; exec \"$@\"");
        let mut command = by_script(&script, &astatine);
        let output = command.arg(folder.path()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{limit}: {stderr}");
        assert!(stderr.contains("ulimit -n"), "{limit}: {stderr}");
    }
}
