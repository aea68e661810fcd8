//! Answers whose fields lie beside them, compared with those of the ordinary service.

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Body;
use tower::ServiceExt;

use crate::site::{Answer, Site, noise, request};

/// Asks the service that writes before, and puts the lines back into the map.
async fn prewritten(
    site: &Site,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (Answer, usize) {
    let service = site.service.clone().prewritten();
    let request = request(method, path, headers);
    let (mut response, lines) = service.oneshot(request).await.unwrap();
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
    (Answer::read(response).await, n_in_map)
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
async fn the_map_beside_the_lines_has_the_room_of_the_requests() {
    let site = Site::new(&[("a.bin", b"hello")]);
    site.get("/a.bin").await;
    let request = request("GET", "/a.bin", &[("accept", "*/*")]);
    let room = request.headers().capacity();
    let service = site.service.clone().prewritten();
    let (response, _) = service.oneshot(request).await.unwrap();
    assert!(response.headers().is_empty());
    assert_eq!(response.headers().capacity(), room);
}

fn sorted(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    let fields = headers.iter();
    let mut fields: Vec<_> = fields
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    fields.sort_unstable();
    fields
}
