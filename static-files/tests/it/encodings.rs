//! RFC 9110 §12.5.3: the choice of an encoding.

use std::fs::File;
use std::io::Read;
use std::time::{Duration, SystemTime};

use astatine_static_files::plan::Encoding;
use flate2::read::GzDecoder;

use crate::site::{Site, age};

fn text() -> Vec<u8> {
    b"let me be compressed, for I am long and dull; ".repeat(500)
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut decoded).unwrap();
    decoded
}

#[tokio::test]
async fn a_sibling_is_chosen_by_weight() {
    let text = text();
    let site = Site::new(&[
        ("a.js", &text),
        ("a.js.br", b"brotli bytes"),
        ("a.js.zst", b"zstd bytes"),
        ("a.js.gz", b"gzip bytes"),
    ]);
    let cases = [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, zstd", "zstd"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0, gzip;q=0.1", "gzip"),
        ("br;q=0", ""),
        ("*", "br"),
        ("*;q=0.3, br;q=0", "zstd"),
        ("*;q=0", ""),
        ("identity, gzip;q=0.9", ""),
        ("identity;q=0.9, gzip", "gzip"),
        ("identity;q=0", ""),
        ("", ""),
        ("deflate", ""),
        ("gzip;q=2", ""),
        ("gzip;q=", ""),
        (";;,,=,q=1, gzip", "gzip"),
        ("gzip ; q=0.7", "gzip"),
    ];
    for (accept, encoding) in cases {
        let answer = site.get_with("/a.js", &[("accept-encoding", accept)]).await;
        assert_eq!(answer.header("content-encoding"), encoding, "{accept:?}");
        assert_eq!(answer.header("vary"), "accept-encoding");
        assert_eq!(
            answer.header("content-type"),
            "text/javascript; charset=utf-8"
        );
        let body: &[u8] = match encoding {
            "br" => b"brotli bytes",
            "zstd" => b"zstd bytes",
            "gzip" => b"gzip bytes",
            _ => &text,
        };
        assert!(answer.body == body, "{accept:?}");
    }
}

#[tokio::test]
async fn among_equal_weights_the_configured_order_decides() {
    let files: [(&str, &[u8]); 3] = [("a.png", b"plain"), ("a.png.br", b"b"), ("a.png.gz", b"g")];
    let any = [("accept-encoding", "br, gzip")];
    let site = Site::with(&files, |config| {
        config.precompressed = vec![Encoding::Gzip, Encoding::Brotli];
    });
    assert_eq!(site.get_with("/a.png", &any).await.text(), "g");
    for none in [Vec::new(), vec![Encoding::Identity]] {
        let site = Site::with(&files, |config| config.precompressed = none);
        let plain = site.get_with("/a.png", &any).await;
        assert_eq!((plain.text(), plain.header("vary")), ("plain", ""));
    }
}

#[tokio::test]
async fn each_encoding_has_an_entity_tag_of_its_own() {
    let site = Site::new(&[("a.js", &text()), ("a.js.br", b"x"), ("a.js.gz", b"x")]);
    let mut tags = Vec::new();
    for accept in ["br", "gzip", ""] {
        let answer = site.get_with("/a.js", &[("accept-encoding", accept)]).await;
        tags.push(answer.header("etag").to_owned());
        let headers = [("accept-encoding", accept), ("if-none-match", &tags[0])];
        let is_first = tags.len() == 1;
        let again = site.get_with("/a.js", &headers).await;
        assert_eq!(again.status == 304, is_first, "{accept:?}");
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 3);
}

#[tokio::test]
async fn a_sibling_older_than_its_file_is_ignored() {
    let site = Site::with(&[("a.js", b"new"), ("a.js.br", b"old")], |config| {
        config.is_gzip_on_demand = false;
    });
    age(
        &site.folder.path().join("a.js.br"),
        Duration::from_secs(9_000),
    );
    let answer = site.get_with("/a.js", &[("accept-encoding", "br")]).await;
    assert_eq!(answer.header("content-encoding"), "");
    assert_eq!(answer.body, b"new");
    assert_eq!(answer.header("vary"), "");
}

#[tokio::test]
async fn a_sibling_with_the_time_of_its_file_in_whole_seconds_is_chosen() {
    let file = Duration::new(1_600_000_000, 500_000_000);
    let cases = [
        (file, "br"),
        (Duration::from_secs(1_600_000_000), "br"),
        (Duration::from_secs(1_599_999_999), ""),
        (Duration::new(1_600_000_000, 400_000_000), ""),
    ];
    for (sibling, encoding) in cases {
        let site = Site::new(&[("a.js", b"new"), ("a.js.br", b"brotli bytes")]);
        for (name, time) in [("a.js", file), ("a.js.br", sibling)] {
            let path = site.folder.path().join(name);
            let file = File::options().append(true).open(path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + time).unwrap();
        }
        let answer = site.get_with("/a.js", &[("accept-encoding", "br")]).await;
        assert_eq!(answer.header("content-encoding"), encoding, "{sibling:?}");
    }
}

#[tokio::test]
async fn an_empty_sibling_is_ignored() {
    let site = Site::new(&[("a.js", b"new"), ("a.js.br", b"")]);
    let answer = site.get_with("/a.js", &[("accept-encoding", "br")]).await;
    assert_eq!(answer.header("content-encoding"), "");
    assert_eq!(answer.body, b"new");
}

#[tokio::test]
async fn a_range_of_a_sibling_is_a_range_of_its_bytes() {
    let site = Site::new(&[("a.js", &text()), ("a.js.br", b"brotli bytes")]);
    let headers = [("accept-encoding", "br"), ("range", "bytes=7-")];
    let answer = site.get_with("/a.js", &headers).await;
    assert_eq!(answer.status, 206);
    assert_eq!(answer.header("content-encoding"), "br");
    assert_eq!(answer.header("content-range"), "bytes 7-11/12");
    assert_eq!(answer.body, b"bytes");
}

#[tokio::test]
async fn several_ranges_of_a_sibling_are_all_of_it() {
    let site = Site::new(&[("a.js", &text()), ("a.js.br", &[b'b'; 500])]);
    let several = ("range", "bytes=0-0,-1");
    let answer = site
        .get_with("/a.js", &[("accept-encoding", "br"), several])
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-encoding"), "br");
    assert_eq!(answer.body, [b'b'; 500]);
    let plain = site.get_with("/a.js", &[several]).await;
    assert_eq!(plain.status, 206);
}

#[tokio::test]
async fn text_is_compressed_on_demand_and_kept() {
    for n_repeats in [50, 100, 10_000] {
        let text = b"abc def ghi jkl mno pqr stu vwx yz".repeat(n_repeats);
        let site = Site::new(&[("a.txt", &text)]);
        let mut bodies = Vec::new();
        for _ in 0..2 {
            let answer = site
                .get_with("/a.txt", &[("accept-encoding", "gzip")])
                .await;
            assert_eq!(answer.header("content-encoding"), "gzip");
            assert_eq!(answer.header("vary"), "accept-encoding");
            assert_eq!(
                answer.header("content-length"),
                answer.body.len().to_string()
            );
            assert!(gunzip(&answer.body) == text);
            bodies.push(answer);
        }
        assert_eq!(bodies[0].header("etag"), bodies[1].header("etag"));
        let plain = site.get("/a.txt").await;
        assert!(plain.body == text);
        assert_eq!(plain.header("vary"), "accept-encoding");
        assert_ne!(plain.header("etag"), bodies[0].header("etag"));
    }
}

#[tokio::test]
async fn what_is_compressed_on_demand_is_never_sent_in_parts() {
    let text = text();
    let site = Site::new(&[("a.txt", &text)]);
    for _ in 0..2 {
        let headers = [("accept-encoding", "gzip"), ("range", "bytes=0-9")];
        let answer = site.get_with("/a.txt", &headers).await;
        assert_eq!(answer.status, 206);
        assert_eq!(answer.header("content-encoding"), "");
        assert_eq!(answer.body, text[..10]);
        let whole = site.get_with("/a.txt", &headers[..1]).await;
        assert_eq!(whole.header("content-encoding"), "gzip");
        // RFC 9110 §14.2: Range means nothing to HEAD.
        let head = site.send("HEAD", "/a.txt", &headers).await;
        assert_eq!(head.headers, whole.headers);
    }
}

#[tokio::test]
async fn what_may_be_compressed_is_as_long_as_the_cache_has_room() {
    let text = text().repeat(300);
    for (cache_bytes, encoding) in [(64 << 20, "gzip"), (4 << 20, "")] {
        let site = Site::with(&[("a.txt", &text)], |config| {
            config.gzip_max_bytes = 10 << 20;
            config.cache_bytes = cache_bytes;
        });
        let gzip = [("accept-encoding", "gzip")];
        let answer = site.get_with("/a.txt", &gzip).await;
        assert_eq!(answer.header("content-encoding"), encoding, "{cache_bytes}");
    }
}

#[tokio::test]
async fn much_text_is_compressed_where_it_holds_nobody_up() {
    let site = Site::new(&[("a.txt", &text()), ("b.txt", &text()[..2_000])]);
    for (path, expected) in [
        ("/a.txt", "FileFuture(Disk)"),
        ("/b.txt", "FileFuture(Ready)"),
    ] {
        site.get(path).await;
        let request = crate::site::request("GET", path, &[("accept-encoding", "gzip")]);
        let future = tower::Service::call(&mut site.service.clone(), request);
        assert_eq!(format!("{future:?}"), expected, "{path}");
    }
}

#[tokio::test]
async fn what_does_not_pay_is_not_compressed() {
    let noise = crate::site::noise(5_000);
    let text = text();
    let site = Site::with(
        &[
            ("noise.txt", &noise),
            ("photo.png", &text),
            ("tiny.txt", b"tiny"),
            ("huge.txt", &text),
        ],
        |config| config.gzip_max_bytes = 20_000,
    );
    for path in ["/noise.txt", "/photo.png", "/tiny.txt", "/huge.txt"] {
        for _ in 0..2 {
            let answer = site.get_with(path, &[("accept-encoding", "gzip")]).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-encoding"), "", "{path}");
        }
    }
}

#[tokio::test]
async fn without_a_cache_nothing_is_compressed() {
    let site = Site::with(&[("a.txt", &text())], |config| config.cache_bytes = 0);
    let answer = site
        .get_with("/a.txt", &[("accept-encoding", "gzip")])
        .await;
    assert_eq!(answer.header("content-encoding"), "");
    assert_eq!(answer.body, text());
}
