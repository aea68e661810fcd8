//! Requests that this server and a proxy before it could frame differently: each is refused, what
//! stands behind it is never served, and the next client is.

use crate::folder::Folder;
use crate::server::Server;

/// Sends each request to one server, with a second request behind it.
fn check(cases: &[(&str, u16)]) {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    folder.write("hidden.txt", "smuggled");
    let server = Server::start(&folder, &[]);
    for (request, status) in cases {
        let mut client = server.client();
        client.send(&format!(
            "{request}GET /hidden.txt HTTP/1.1\r\nHost: x\r\n\r\n"
        ));
        client.end();
        let answer = String::from_utf8(client.rest()).unwrap();
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{request:?}: {answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{request:?}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{request:?}");
        assert_eq!(server.client().get("/a.txt", "").body, b"content");
    }
}

/// Sends the fields in requests that are complete otherwise.
fn check_fields(cases: &[(&str, u16)]) {
    let head = |fields| format!("GET /a.txt HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n");
    let requests: Vec<(String, u16)> = cases
        .iter()
        .map(|(fields, status)| (head(fields), *status))
        .collect();
    let requests: Vec<(&str, u16)> = requests
        .iter()
        .map(|(request, status)| (request.as_str(), *status))
        .collect();
    check(&requests);
}

#[test]
fn ambiguous_lengths_are_refused() {
    check_fields(&[
        ("Content-Length: 3\r\nContent-Length: 4", 400),
        ("Content-Length: 3\r\nContent-Length: 3", 400),
        ("Content-Length: 3, 3", 400),
        ("Content-Length: +3", 400),
        ("Content-Length: 0x3", 400),
        ("Content-Length:", 400),
        ("Content-Length: 18446744073709551616", 400),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3", 400),
    ]);
}

#[test]
fn transfer_codings_other_than_chunked_alone_are_refused() {
    check_fields(&[
        ("Transfer-Encoding: chunked, identity", 400),
        ("Transfer-Encoding: chunked, chunked", 400),
        ("Transfer-Encoding: identity", 400),
        ("Transfer-Encoding: xchunked", 400),
        ("Transfer-Encoding: \x0bchunked", 400),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            400,
        ),
        ("Transfer-Encoding: gzip, chunked", 501),
    ]);
    check(&[(
        "GET /a.txt HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    )]);
}

#[test]
fn odd_lines_are_refused() {
    check_fields(&[
        ("Content-Length : 3", 400),
        ("X: a\r\n folded", 400),
        (" X: a", 400),
        ("X: a\rb", 400),
        ("X: a\nContent-Length: 3", 400),
        ("X: a\0b", 400),
        ("X", 400),
        (": a", 400),
        ("X Y: a", 400),
        ("Host: y", 400),
    ]);
    check(&[
        ("GET /a.txt HTTP/1.1\nHost: x\r\n\r\n", 400),
        ("GET /a.txt HTTP/1.1\r\nHost: x\n\r\n", 400),
        ("GET /a.txt HTTP/1.1\r\nHost: x\r\n\n", 400),
        ("GET /a.txt HTTP/1.1\rHost: x\r\n\r\n", 400),
        ("GET  /a.txt HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /a.txt HTTP/1.1\r\n\r\n", 400),
        ("GET /a.txt HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    ]);
}

#[test]
fn malformed_chunks_are_refused() {
    let chunks = [
        "x\r\n",
        "\r\n",
        "-1\r\n",
        "0x1\r\na\r\n",
        "1 \r\na\r\n",
        "1\na\r\n",
        "1\r\nab\r\n",
        "1\r\na\n",
        "10000000000000000\r\n",
        "1;a\nb\r\na\r\n",
        "0\r\nX: a\nb\r\n\r\n",
        "0\r\n\n",
    ];
    let head = "GET /a.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let requests = chunks.map(|chunk| format!("{head}{chunk}"));
    check(&requests.each_ref().map(|request| (request.as_str(), 400)));
}
