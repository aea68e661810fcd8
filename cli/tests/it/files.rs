//! Files arrive as they are on the disk.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::folder::{Folder, LARGE, noise};
use crate::server::Server;

#[test]
fn a_large_file_and_each_form_of_range_are_the_very_bytes() {
    let folder = Folder::new();
    let content = noise(LARGE);
    folder.write("large.bin", &content);
    let server = Server::start(&folder, &[]);
    let mut client = server.client();

    let whole = client.get("/large.bin", "");
    assert_eq!(whole.status, 200);
    assert!(whole.body == content);

    let last = LARGE - 1;
    let ranges = [
        ("0-0", 0..1),
        ("5000-9999999", 5000..10_000_000),
        ("70000-", 70_000..LARGE),
        ("-300000", LARGE - 300_000..LARGE),
        ("-99999999", 0..LARGE),
        ("16384-", 16_384..LARGE),
        ("10485759-99999999", last..LARGE),
    ];
    for (asked, range) in ranges {
        let part = client.get("/large.bin", &format!("Range: bytes={asked}\r\n"));
        assert_eq!(part.status, 206, "{asked}");
        let described = format!("bytes {}-{}/{LARGE}", range.start, range.end - 1);
        assert_eq!(part.field("content-range"), Some(described.as_str()));
        assert!(part.body == content[range], "{asked}");
    }

    let beyond = client.get("/large.bin", &format!("Range: bytes={LARGE}-\r\n"));
    assert_eq!(beyond.status, 416);
    assert_eq!(
        beyond.field("content-range"),
        Some(format!("bytes */{LARGE}").as_str())
    );
}

#[test]
fn several_ranges_come_as_parts() {
    let folder = Folder::new();
    let content = noise(200_000);
    folder.write("a.bin", &content);
    let server = Server::start(&folder, &[]);
    let answer = server
        .client()
        .get("/a.bin", "Range: bytes=10-19,150000-199999\r\n");
    assert_eq!(answer.status, 206);
    let media_type = answer.field("content-type").unwrap();
    let boundary = media_type
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let mut rest = answer.body.as_slice();
    for range in [10..20, 150_000..200_000] {
        let (before, behind) = split_once(rest, delimiter.as_bytes()).unwrap();
        assert!(before.is_empty() || before == b"\r\n");
        let (head, body) = split_once(behind, b"\r\n\r\n").unwrap();
        let described = format!("bytes {}-{}/200000", range.start, range.end - 1);
        assert!(String::from_utf8_lossy(head).contains(&described));
        assert!(body[..range.len()] == content[range.clone()]);
        rest = &body[range.len()..];
    }
    assert_eq!(rest, format!("\r\n{delimiter}--\r\n").as_bytes());
}

#[test]
fn a_compressed_sibling_unpacks_to_the_file() {
    let folder = Folder::new();
    let page = "<p>nothing new</p>\n".repeat(9000);
    folder.write("page.html", &page);
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(page.as_bytes()).unwrap();
    let packed = packer.finish().unwrap();
    folder.write("page.html.gz", &packed);
    let server = Server::start(&folder, &[]);
    let mut client = server.client();

    let answer = client.get("/page.html", "Accept-Encoding: gzip\r\n");
    assert_eq!(answer.field("content-encoding"), Some("gzip"));
    assert!(
        answer
            .field("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(
        answer
            .field("vary")
            .unwrap()
            .eq_ignore_ascii_case("accept-encoding")
    );
    assert!(answer.body == packed);

    let plain = client.get("/page.html", "Accept-Encoding: gzip;q=0\r\n");
    assert_eq!(plain.field("content-encoding"), None);
    assert!(plain.body == page.as_bytes());
}

#[test]
fn text_is_compressed_on_demand() {
    let folder = Folder::new();
    let script = "let nothing = 'new';\n".repeat(5000);
    folder.write("script.js", &script);
    let server = Server::start(&folder, &[]);
    let answer = server
        .client()
        .get("/script.js", "Accept-Encoding: gzip\r\n");
    assert_eq!(answer.field("content-encoding"), Some("gzip"));
    assert!(answer.body.len() < script.len() / 10);
    let mut unpacked = String::new();
    GzDecoder::new(answer.body.as_slice())
        .read_to_string(&mut unpacked)
        .unwrap();
    assert!(unpacked == script);
}

#[test]
fn head_has_the_fields_of_get_and_no_body() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let server = Server::start(&folder, &[]);
    let mut client = server.client();
    client.send("HEAD /a.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    let head = client.head();
    // Were there a body, the next response would begin with it.
    let get = client.get("/a.txt", "");
    for name in ["content-length", "content-type", "etag", "last-modified"] {
        assert!(head.field(name).is_some(), "{name}");
        assert_eq!(head.field(name), get.field(name));
    }
    assert_eq!(get.body, b"content");
}

#[test]
fn a_file_that_did_not_change_is_not_sent_again() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let server = Server::start(&folder, &[]);
    let mut client = server.client();
    let etag = client.get("/a.txt", "").field("etag").unwrap().to_owned();
    let answer = client.get("/a.txt", &format!("If-None-Match: {etag}\r\n"));
    assert_eq!((answer.status, answer.body.len()), (304, 0));
    assert_eq!(
        client.get("/a.txt", "If-None-Match: \"other\"\r\n").status,
        200
    );
}

#[test]
fn what_is_not_found_gets_the_page_of_the_folder() {
    let folder = Folder::new();
    folder.write("404.html", "<p>lost</p>");
    folder.write("index.html", "<p>found</p>");
    let server = Server::start(&folder, &[]);
    let mut client = server.client();
    let lost = client.get("/nothing/here", "");
    assert_eq!(
        (lost.status, lost.body.as_slice()),
        (404, b"<p>lost</p>".as_slice())
    );
    let found = client.get("/", "");
    assert_eq!(
        (found.status, found.body.as_slice()),
        (200, b"<p>found</p>".as_slice())
    );
}

#[test]
fn no_path_leaves_the_folder() {
    let folder = Folder::new();
    folder.write("secret.txt", "secret");
    folder.write("public/a.txt", "content");
    let mut command = crate::server::astatine(["-b", "127.0.0.1:0", "-V", "2"]);
    command.arg(folder.path().join("public"));
    let server = Server::spawn(command);
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/a.txt/../../secret.txt",
    ] {
        let answer = server.client().get(path, "");
        assert!(
            (400..500).contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        assert_ne!(answer.body, b"secret");
    }
}

#[test]
fn options_of_the_folder_reach_it() {
    let folder = Folder::new();
    folder.write("app.html", "<p>app</p>");
    folder.write("assets/a.css", "p {}");
    folder.write("assets/b.txt", "b");
    let args = ["--listing", "--spa", "app.html", "--max-age", "5"];
    let rules = ["--cache-control", "*.css=no-store, private"];
    let server = Server::start(&folder, &[args.as_slice(), &rules].concat());
    let mut client = server.client();
    assert_eq!(client.get("/some/page", "").body, b"<p>app</p>");
    let listing = client.get("/assets/", "Accept: text/html\r\n");
    assert!(String::from_utf8_lossy(&listing.body).contains("a.css"));
    let cache_control = |path: &str| {
        let answer = server.client().get(path, "");
        answer.field("cache-control").unwrap().to_owned()
    };
    assert_eq!(cache_control("/assets/a.css"), "no-store, private");
    assert!(cache_control("/assets/b.txt").contains("max-age=5"));
}

#[test]
fn what_is_on_by_default_can_be_turned_off() {
    let folder = Folder::new();
    folder.write("home.txt", "home");
    folder.write(".hidden", "hidden");
    folder.write("app.3f2a9c1b.js", "text ".repeat(1000));
    let names = ["--index", "none.html,home.txt", "--dotfiles"];
    let without = [
        "--immutable=no",
        "--gzip=no",
        "--cache",
        "0",
        "--max-ranges",
        "1",
    ];
    let server = Server::start(&folder, &[&names[..], &without].concat());
    let mut client = server.client();
    assert_eq!(client.get("/", "").body, b"home");
    assert_eq!(client.get("/.hidden", "").body, b"hidden");
    let script = client.get("/app.3f2a9c1b.js", "Accept-Encoding: gzip\r\n");
    assert_eq!(script.field("content-encoding"), None);
    assert_eq!(script.field("cache-control"), Some("max-age=3600"));
    let ranges = client.get("/app.3f2a9c1b.js", "Range: bytes=0-0,4-4\r\n");
    assert_eq!(ranges.status, 200);
}

fn split_once<'a>(bytes: &'a [u8], delimiter: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes
        .windows(delimiter.len())
        .position(|window| window == delimiter)?;
    Some((&bytes[..at], &bytes[at + delimiter.len()..]))
}
