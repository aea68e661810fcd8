//! The access log says what happened.

use crate::folder::{Folder, LARGE, noise};
use crate::server::Server;

/// Downloads a file of 10 MiB, its first 20,000 bytes and a page that is not there; returns the
/// lines.
fn lines(format: &str) -> Vec<String> {
    let folder = Folder::new();
    folder.write("large.bin", noise(LARGE));
    let mut server = Server::start(&folder, &["-v", "--log-format", format]);
    let mut client = server.client();
    assert_eq!(
        client
            .get("/large.bin?x=1", "User-Agent: \"it\"\r\n")
            .status,
        200
    );
    assert_eq!(
        client.get("/large.bin", "Range: bytes=0-19999\r\n").status,
        206
    );
    client.send("HEAD /none HTTP/1.1\r\nHost: x\r\nReferer: http://x/\r\n\r\n");
    assert_eq!(client.head().status, 404);
    drop(client);
    server.stop().lines().map(str::to_owned).collect()
}

#[test]
fn common_lines_have_the_bytes_that_left_by_sendfile() {
    let lines = lines("common");
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("127.0.0.1 - - ["), "{}", lines[0]);
    assert!(lines[0].contains("] \"GET /large.bin?x=1 HTTP/1.1\" 200 10485760 "));
    assert!(lines[0].ends_with("ms"));
    assert!(
        lines[1].contains("\"GET /large.bin HTTP/1.1\" 206 20000 "),
        "{}",
        lines[1]
    );
    assert!(
        lines[2].contains("\"HEAD /none HTTP/1.1\" 404 0 "),
        "{}",
        lines[2]
    );
}

#[test]
fn combined_lines_have_referer_and_user_agent() {
    let lines = lines("combined");
    assert!(
        lines[0].contains(" 200 10485760 \"-\" \"\\\"it\\\"\" "),
        "{}",
        lines[0]
    );
    assert!(
        lines[2].contains(" 404 0 \"http://x/\" \"-\" "),
        "{}",
        lines[2]
    );
}

#[test]
fn json_lines_are_objects() {
    let lines = lines("json");
    let objects: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(objects[0]["bytes"], LARGE);
    assert_eq!(objects[0]["target"], "/large.bin?x=1");
    assert_eq!(objects[0]["user_agent"], "\"it\"");
    assert_eq!(objects[1]["status"], 206);
    assert_eq!(objects[2]["method"], "HEAD");
    assert!(objects.iter().all(|object| object["ms"].is_f64()));
}

#[test]
fn lines_come_while_the_server_runs() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let mut server = Server::start(&folder, &["-v"]);
    assert_eq!(server.client().get("/a.txt", "").status, 200);
    assert!(
        server
            .next_line()
            .contains("\"GET /a.txt HTTP/1.1\" 200 7 ")
    );
}

#[test]
fn nothing_is_logged_unless_asked() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let mut server = Server::start(&folder, &[]);
    assert_eq!(server.client().get("/a.txt", "").status, 200);
    assert_eq!(server.stop(), "");
}

#[test]
fn what_never_came_as_far_as_the_files_is_logged_as_well() {
    let folder = Folder::new();
    for (format, expected) in [
        ("common", "] \"-\" 400 0 0.000ms\n"),
        ("combined", "] \"-\" 400 0 \"-\" \"-\" 0.000ms\n"),
        (
            "json",
            "\",\"remote\":\"127.0.0.1\",\"status\":400,\"refused\":\"host\"}\n",
        ),
    ] {
        let mut server = Server::start(&folder, &["-v", "--log-format", format]);
        let mut client = server.client();
        client.send("GET /\"forged\" HTTP/1.1\r\n\r\n");
        assert_eq!(client.response().status, 400);
        let line = server.next_line();
        assert!(line.ends_with(expected), "{line}");
    }
}
