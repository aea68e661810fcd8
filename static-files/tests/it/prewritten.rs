//! Answers whose fields lie beside them, compared with those of the ordinary service.

use std::time::Duration;

use astatine_static_files::PrewrittenResponse;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Body;
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::site::{Answer, Site, noise, request};

/// Asks the service that writes before.
async fn prewritten(
    site: &Site,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (Answer, usize) {
    let service = site.service.clone().prewritten();
    let answered = service.oneshot(request(method, path, headers)).await;
    read(answered.unwrap()).await
}

/// Asks for what it answers from octets.
async fn whole(site: &Site, target: &str, fields: &[(&str, &str)]) -> Option<(Answer, usize)> {
    let service = site.service.clone().prewritten();
    let fields = fields.iter();
    let fields = fields.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let answered = service.whole(target.as_bytes(), fields)?.await;
    Some(read(answered.unwrap()).await)
}

/// Puts the lines back into the map, and tells how many fields were there before.
async fn read(answered: PrewrittenResponse) -> (Answer, usize) {
    let (mut response, lines, region) = answered;
    let n_in_map = response.headers().len();
    if n_in_map == 0 {
        let len = response.body().size_hint().exact().unwrap();
        let len = HeaderValue::from(len);
        response.headers_mut().insert(CONTENT_LENGTH, len);
    }
    let lines = std::str::from_utf8(lines.as_bytes()).unwrap();
    for line in lines.split_terminator("\r\n") {
        let (name, value) = line.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        response.headers_mut().append(name, value.parse().unwrap());
    }
    (Answer::read_beside(region, response).await, n_in_map)
}

#[tokio::test]
async fn an_answer_is_the_same_and_that_of_a_whole_file_has_no_map() {
    let large = noise(100_000);
    let site = Site::with(
        &[
            ("a.bin", b"hello"),
            ("empty", b""),
            ("page.html", b"<p>"),
            ("page.html.gz", b"packed"),
            ("text.txt", &b"again and ".repeat(1_000)),
            ("large.bin", &large),
            ("folder/index.html", b"index"),
            ("404.html", b"no"),
        ],
        |config| config.precompressed = vec![astatine_static_files::plan::Encoding::Gzip],
    );
    let etag = site.get("/a.bin").await.header("etag").to_owned();
    let gzip = &[("accept-encoding", "gzip")][..];
    let cases = [
        ("GET", "/a.bin", &[][..], true),
        ("GET", "/a.bin", &[("if-none-match", "\"other\"")], true),
        ("GET", "/empty", &[], true),
        ("GET", "/page", &[], true),
        ("GET", "/page", gzip, true),
        ("GET", "/text.txt", gzip, true),
        ("GET", "/large.bin", &[], true),
        ("GET", "/folder/", &[], true),
        ("HEAD", "/a.bin", &[], false),
        ("GET", "/a.bin", &[("range", "bytes=1-2")], false),
        ("GET", "/a.bin", &[("range", "bytes=9-")], false),
        ("GET", "/a.bin", &[("if-none-match", &etag)], false),
        ("GET", "/a.bin", &[("if-match", "\"other\"")], false),
        ("GET", "/folder", &[], false),
        ("GET", "/nothing", &[], false),
        ("GET", "/a%2Fb", &[], false),
        ("OPTIONS", "/a.bin", &[], false),
        ("POST", "/a.bin", &[], false),
    ];
    for (method, path, headers, is_whole) in cases {
        let expected = site.send(method, path, headers).await;
        let (answer, n_in_map) = prewritten(&site, method, path, headers).await;
        let case = format!("{method} {path} {headers:?}");
        assert_eq!(answer.status, expected.status, "{case}");
        assert_eq!(sorted(&answer.headers), sorted(&expected.headers), "{case}");
        assert!(answer.body == expected.body, "{case}");
        assert_eq!(n_in_map == 0, is_whole, "{case}");
    }
}

#[tokio::test]
async fn a_whole_file_in_memory_is_answered_from_octets_as_by_the_service() {
    let large = noise(100_000);
    let site = Site::with(
        &[
            ("a.bin", b"hello"),
            ("a b.bin", b"space"),
            ("page.html", b"<p>"),
            ("page.html.gz", b"packed"),
            ("text.txt", &b"again and ".repeat(1_000)),
            ("large.bin", &large),
            ("folder/index.html", b"index"),
        ],
        |config| config.precompressed = vec![astatine_static_files::plan::Encoding::Gzip],
    );
    let cases = [
        ("/a.bin", &[][..]),
        ("/a.bin?x=1?", &[("Host", "a"), ("accept", "*/*")]),
        ("/a.bin", &[("Accept-Encoding", "gzip, br")]),
        ("/a%20b.bin", &[("ranges", "1"), ("i", ""), ("if", "")]),
        ("/page", &[("accept-encoding", "gzip")]),
        ("/page", &[("ACCEPT-ENCODING", "gzip;q=0")]),
        ("/text.txt", &[("accept-encoding", "gzip")]),
        ("/text.txt", &[]),
        ("/large.bin", &[]),
        ("/folder/", &[]),
    ];
    for (target, fields) in cases {
        let case = format!("{target} {fields:?}");
        let expected = site.send("GET", target, fields).await;
        let (answer, n_in_map) = whole(&site, target, fields).await.expect(&case);
        assert_eq!(n_in_map, 0, "{case}");
        assert_eq!(answer.status, expected.status, "{case}");
        assert_eq!(sorted(&answer.headers), sorted(&expected.headers), "{case}");
        assert!(answer.body == expected.body, "{case}");
    }
}

#[tokio::test]
async fn what_is_not_all_of_a_file_in_memory_is_left_to_the_service() {
    let site = Site::new(&[
        ("a.bin", b"hello"),
        ("text.txt", &b"again and ".repeat(1_000)),
        ("folder/index.html", b"index"),
        ("404.html", b"no"),
    ]);
    assert!(whole(&site, "/a.bin", &[]).await.is_none(), "not yet read");
    for path in ["/a.bin", "/text.txt", "/folder/", "/nothing"] {
        site.get(path).await;
    }
    let cases = [
        ("/a.bin", &[("Range", "bytes=0-1")][..]),
        ("/a.bin", &[("rANGE", "")]),
        ("/a.bin", &[("if-none-match", "*")]),
        ("/a.bin", &[("If-Modified-Since", "")]),
        ("/a.bin", &[("IF-MATCH", "\"\"")]),
        (
            "/a.bin",
            &[("accept-encoding", "gzip"), ("Accept-Encoding", "br")],
        ),
        ("/text.txt", &[("accept-encoding", "gzip")]),
        ("/nothing", &[]),
        ("/folder", &[]),
        ("/other", &[]),
        ("404.html", &[]),
        ("a.bin", &[]),
        ("http://x/a.bin", &[]),
        ("*", &[]),
        ("", &[]),
        ("?", &[]),
    ];
    for (target, fields) in cases {
        let answer = whole(&site, target, fields).await;
        assert!(answer.is_none(), "{target} {fields:?}");
    }
    assert!(whole(&site, "/a.bin", &[]).await.is_some());
    site.folder.write("a.bin", "other");
    site.advance(Duration::from_secs(1));
    assert!(whole(&site, "/a.bin", &[]).await.is_none(), "changed");
    let (answer, _) = prewritten(&site, "GET", "/a.bin", &[]).await;
    assert_eq!(answer.body, b"other");
}

#[tokio::test]
async fn the_map_beside_the_lines_has_the_room_of_the_requests() {
    let site = Site::new(&[("a.bin", b"hello")]);
    site.get("/a.bin").await;
    let request = request("GET", "/a.bin", &[("accept", "*/*")]);
    let room = request.headers().capacity();
    let service = site.service.clone().prewritten();
    let (response, ..) = service.oneshot(request).await.unwrap();
    assert!(response.headers().is_empty());
    assert_eq!(response.headers().capacity(), room);
}

#[tokio::test]
async fn each_answer_with_a_large_file_has_the_region_beside_that_knows_its_first_frame() {
    let content = noise(100_000);
    let site = Site::new(&[("large.bin", &content), ("small.bin", b"small")]);
    for _ in 0..2 {
        let request = request("GET", "/large.bin", &[]);
        let service = site.service.clone().prewritten();
        let (mut response, _, region) = service.oneshot(request).await.unwrap();
        assert!(response.extensions().is_empty());
        let region = region.unwrap();
        assert_eq!((region.start(), region.len()), (0, 100_000));
        let first = response.body_mut().frame().await.unwrap().unwrap();
        let first = first.into_data().unwrap();
        assert!(region.is_first_frame(&first));
        assert_eq!(first, content[..first.len()]);
    }
    for (method, path) in [("GET", "/small.bin"), ("HEAD", "/large.bin")] {
        let service = site.service.clone().prewritten();
        let (.., region) = service.oneshot(request(method, path, &[])).await.unwrap();
        assert!(region.is_none(), "{method} {path}");
    }
}

fn sorted(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    let fields = headers.iter();
    let mut fields: Vec<_> = fields
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    fields.sort_unstable();
    fields
}
