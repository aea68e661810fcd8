//! What the options put around the files.

use std::net::TcpStream;
use std::process::Stdio;

use crate::client::Client;
use crate::folder::{Folder, LARGE, noise};
use crate::server::{Server, astatine};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    folder
}

fn json(server: &mut Server) -> serde_json::Value {
    serde_json::from_str(&server.next_line()).unwrap()
}

const LOG: [&str; 4] = ["-v", "--log-format", "json", "--request-id"];

#[test]
fn trusted_proxies_are_believed() {
    let trust = ["--trusted-proxy", "10.0.0.0/8,127.0.0.1"];
    let folder = folder();
    let mut server = Server::start(&folder, &[&LOG[..], &trust].concat());
    let fields = "X-Forwarded-For: 1.1.1.1, 192.0.2.60, 10.1.1.1\r\nX-Request-Id: abc\r\n";
    let answer = server.client().get("/a.txt", fields);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("x-request-id"), Some("abc"));
    let line = json(&mut server);
    assert_eq!(line["remote"], "192.0.2.60");
    assert_eq!(line["request_id"], "abc");
}

#[test]
fn the_field_of_proxies_can_be_chosen() {
    let trust = ["--trusted-proxy", "127.0.0.1", "--forwarded-field"];
    let folder = folder();
    let mut server = Server::start(&folder, &[&LOG[..], &trust, &["forwarded"]].concat());
    let fields = "X-Forwarded-For: 1.1.1.1\r\nForwarded: for=\"[2001:db8::1]:80\"\r\n";
    assert_eq!(server.client().get("/a.txt", fields).status, 200);
    assert_eq!(json(&mut server)["remote"], "2001:db8::1");
}

#[test]
fn nobody_is_believed_by_default() {
    let folder = folder();
    let mut server = Server::start(&folder, &LOG);
    let fields = "X-Forwarded-For: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\nX-Request-Id: abc\r\n";
    let answer = server.client().get("/a.txt", fields);
    let id = answer.field("x-request-id").unwrap();
    assert_eq!(id.len(), 32);
    let line = json(&mut server);
    assert_eq!(line["remote"], "127.0.0.1");
    assert_eq!(line["request_id"], id);
}

#[test]
fn the_proxy_protocol_names_the_client_where_it_is_expected() {
    let expect = ["--proxy-protocol", "127.0.0.0/8"];
    let folder = folder();
    let mut server = Server::start(&folder, &[&LOG[..], &expect].concat());
    let mut client = server.client();
    client.send("PROXY TCP4 192.0.2.60 192.0.2.1 5000 80\r\n");
    assert_eq!(client.get("/a.txt", "").body, b"content");
    assert_eq!(client.get("/a.txt", "").body, b"content");
    for _ in 0..2 {
        assert_eq!(json(&mut server)["remote"], "192.0.2.60");
    }
    let mut without = server.client();
    without.send("GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(without.n_readable_bytes(), 0);
}

#[test]
fn the_first_bad_header_of_the_proxy_protocol_is_told() {
    let folder = folder();
    let mut command = astatine(["-b", "127.0.0.1:0", "-V", "3"]);
    command.args(["--proxy-protocol", "127.0.0.0/8"]);
    command.arg(folder.path()).stderr(Stdio::piped());
    let mut server = Server::spawn(command);
    for _ in 0..2 {
        let mut without = server.client();
        without.send("GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(without.n_readable_bytes(), 0);
    }
    server.stop();
    let line = server.next_diagnostic();
    assert!(line.contains("WARN bad PROXY header"), "{line}");
    assert!(line.contains("no header at the start"), "{line}");
    assert_eq!(server.next_diagnostic(), "");
}

#[test]
fn a_header_of_the_proxy_protocol_must_come_in_time() {
    let expect = [
        "--proxy-protocol",
        "127.0.0.1",
        "--proxy-protocol-timeout",
        "1",
    ];
    let folder = folder();
    let server = Server::start(&folder, &expect);
    let mut client = server.client();
    client.send("PROXY TCP4 192.0.2.60");
    assert_eq!(client.n_readable_bytes(), 0);
}

#[test]
fn a_header_of_the_proxy_protocol_is_no_request_where_none_is_expected() {
    let folder = folder();
    let server = Server::start(&folder, &[]);
    let mut client = server.client();
    client.send("PROXY TCP4 192.0.2.60 192.0.2.1 5000 80\r\n");
    assert_eq!(client.get("/a.txt", "").status, 400);
}

/// Asks for a large file without reading it: a request that is worked on until it is read.
fn occupy(server: &Server) -> Client<TcpStream> {
    let mut client = server.client();
    client.send("GET /large.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(client.head().status, 200);
    client
}

#[test]
fn a_request_too_many_is_refused_until_there_is_a_place() {
    let folder = folder();
    folder.write("large.bin", noise(LARGE));
    let server = Server::start(&folder, &["--max-concurrent", "1"]);
    let mut busy = occupy(&server);
    let mut other = server.client();
    let refused = other.get("/a.txt", "");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.field("retry-after"), Some("1"));
    assert_eq!(busy.n_readable_bytes(), LARGE);
    assert_eq!(other.get("/a.txt", "").body, b"content");
}

#[test]
fn a_request_that_may_wait_is_served_when_there_is_a_place() {
    let folder = folder();
    folder.write("large.bin", noise(LARGE));
    let limits = ["--max-concurrent", "1", "--max-queued", "1"];
    let server = Server::start(&folder, &limits);
    let mut busy = occupy(&server);
    let mut waiting = server.client();
    waiting.send("GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(busy.n_readable_bytes(), LARGE);
    assert_eq!(waiting.response().body, b"content");
}
