//! Files that an inner service names.

use std::convert::Infallible;

use astatine_reactor::FileRegion;
use astatine_static_files::SendfileLayer;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};

use crate::site::{Answer, Folder, Site, noise, request};

/// Answers with a header that names a file, and with headers of its own.
async fn through_sendfile(
    layer: &SendfileLayer,
    request: Request<()>,
    inner: Response<Full<Bytes>>,
) -> Answer {
    let service = service_fn(move |_: Request<()>| {
        let inner = inner.clone();
        async move { Ok::<_, Infallible>(inner) }
    });
    Answer::read(layer.layer(service).oneshot(request).await.unwrap()).await
}

fn naming(header: &str, value: &str) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .header(header, value)
        .header("content-length", "7")
        .header("etag", "\"app\"")
        .header("set-cookie", "a=1")
        .header("set-cookie", "b=2")
        .header("cache-control", "private");
    response.body(Full::from("ignored")).unwrap()
}

#[tokio::test]
async fn a_named_file_is_sent_in_place_of_the_body() {
    let content = noise(200_000);
    let site = Site::new(&[("private/file.bin", &content)]);
    let layer = SendfileLayer::new().allow_at("/internal/", site.service.clone());
    let path = site.folder.path().join("private/file.bin");
    let cases = [
        ("x-sendfile", path.to_str().unwrap().to_owned()),
        ("x-accel-redirect", "/internal/private/file.bin".to_owned()),
        (
            "x-accel-redirect",
            "/internal/private/%66ile.bin?x".to_owned(),
        ),
    ];
    for (header, value) in cases {
        for method in ["GET", "POST"] {
            let inner = naming(header, &value);
            let answer = through_sendfile(&layer, request(method, "/", &[]), inner).await;
            assert_eq!(answer.status, 200);
            assert!(answer.body == content);
            assert_eq!(answer.header("content-length"), "200000");
            assert_eq!(answer.header(header), "");
            assert_eq!(answer.header("cache-control"), "private");
            assert_ne!(answer.header("etag"), "\"app\"");
            assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
        }
        let inner = naming(header, &value);
        let range = request("GET", "/", &[("range", "bytes=100000-100009")]);
        let answer = through_sendfile(&layer, range, inner.clone()).await;
        assert_eq!(answer.status, 206);
        assert!(answer.body == content[100_000..100_010]);
        let etag = answer.header("etag").to_owned();
        let known = request("GET", "/", &[("if-none-match", &etag)]);
        let answer = through_sendfile(&layer, known, inner.clone()).await;
        assert_eq!(answer.status, 304);
        let head = through_sendfile(&layer, request("HEAD", "/", &[]), inner).await;
        assert_eq!(head.header("content-length"), "200000");
        assert!(head.body.is_empty());
    }
}

#[tokio::test]
async fn only_files_below_an_allowed_folder_are_sent() {
    let outside = Folder::new();
    let secret = outside.write("secret.txt", "secret");
    let site = Site::new(&[("a.txt", b"hello"), ("docs/index.html", b"docs")]);
    let root = site.folder.path().to_str().unwrap();
    let name = outside.path().file_name().unwrap().to_str().unwrap();
    let layer = SendfileLayer::new().allow(site.service.clone());
    let prefixed = SendfileLayer::new().allow_at("internal", site.service.clone());
    let cases = [
        (&layer, "x-sendfile", secret.to_str().unwrap().to_owned()),
        (&layer, "x-sendfile", format!("{root}/../{name}/secret.txt")),
        (&layer, "x-sendfile", format!("{root}/missing.txt")),
        (&layer, "x-sendfile", format!("{root}/docs/")),
        (&layer, "x-sendfile", format!("{root}/a.txt/")),
        (&prefixed, "x-accel-redirect", "/internal/a.txt/".to_owned()),
        (&layer, "x-sendfile", root.to_owned()),
        (&layer, "x-sendfile", "a.txt".to_owned()),
        (&layer, "x-sendfile", String::new()),
        (&layer, "x-accel-redirect", "/a.txt".to_owned()),
        (&prefixed, "x-accel-redirect", "/a.txt".to_owned()),
        (&prefixed, "x-accel-redirect", "/internala.txt".to_owned()),
        (
            &prefixed,
            "x-accel-redirect",
            format!("/internal/../../{name}/secret.txt"),
        ),
        (
            &prefixed,
            "x-accel-redirect",
            format!("/internal/..%2f..%2f{name}/secret.txt"),
        ),
    ];
    for (layer, header, value) in cases {
        let inner = naming(header, &value);
        let answer = through_sendfile(layer, request("GET", "/", &[]), inner).await;
        assert_eq!(answer.status, 404, "{header}: {value}");
        assert_eq!(answer.text(), "404 Not Found\n");
        assert_eq!(answer.header(header), "");
    }
}

#[tokio::test]
async fn the_inner_service_decides_type_and_status() {
    let site = Site::new(&[("a.txt", b"hello")]);
    let layer = SendfileLayer::new().allow_at("", site.service.clone());
    let mut inner = naming("x-accel-redirect", "/a.txt");
    *inner.status_mut() = StatusCode::PAYMENT_REQUIRED;
    let headers = inner.headers_mut();
    headers.insert("content-type", "text/x-own".parse().unwrap());
    let range = request("GET", "/", &[("range", "bytes=0-1")]);
    let answer = through_sendfile(&layer, range, inner).await;
    assert_eq!(answer.status, 402);
    assert_eq!(answer.text(), "hello");
    assert_eq!(answer.header("content-type"), "text/x-own");
}

#[tokio::test]
async fn the_inner_service_may_vary_and_encode_as_well() {
    let site = Site::new(&[("a.txt", &b"hello ".repeat(1_000))]);
    let layer = SendfileLayer::new().allow_at("", site.service.clone());
    let ask = || request("GET", "/", &[("accept-encoding", "gzip")]);
    let mut inner = naming("x-accel-redirect", "/a.txt");
    let cookie = "cookie".parse().unwrap();
    inner.headers_mut().insert("vary", cookie);
    let answer = through_sendfile(&layer, ask(), inner.clone()).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
    assert_eq!(vary, ["accept-encoding", "cookie"]);
    // The file holds what the inner service says that it holds.
    let encoding = "br".parse().unwrap();
    inner.headers_mut().insert("content-encoding", encoding);
    let answer = through_sendfile(&layer, ask(), inner).await;
    assert_eq!(answer.header("content-encoding"), "br");
    assert_eq!(answer.body.len(), 6_000);
}

#[tokio::test]
async fn a_file_without_a_type_has_the_one_of_the_requested_path() {
    let site = Site::new(&[("uploads/4711", b"%PDF"), ("uploads/a.txt", b"text")]);
    let layer = SendfileLayer::new().allow_at("", site.service.clone());
    let cases = [
        ("/uploads/4711", "/report.pdf", "application/pdf"),
        ("/uploads/4711", "/report", "application/octet-stream"),
        ("/uploads/a.txt", "/report.pdf", "text/plain; charset=utf-8"),
    ];
    for (file, path, expected) in cases {
        let inner = naming("x-accel-redirect", file);
        let answer = through_sendfile(&layer, request("GET", path, &[]), inner).await;
        assert_eq!(answer.header("content-type"), expected, "{file} for {path}");
    }
}

#[tokio::test]
async fn a_response_that_names_nothing_passes_untouched() {
    let site = Site::new(&[]);
    let layer = SendfileLayer::new().allow(site.service.clone());
    let answer = through_sendfile(&layer, request("GET", "/", &[]), naming("x-other", "1")).await;
    assert_eq!(answer.text(), "ignored");
    assert_eq!(answer.header("content-length"), "7");
}

#[tokio::test]
async fn a_region_of_a_body_that_is_not_sent_does_not_stay() {
    let site = Site::new(&[("small.txt", b"small"), ("large.bin", &noise(100_000))]);
    let large = site.service.clone();
    let inner = service_fn(move |_: Request<()>| {
        let large = large.clone();
        async move {
            let mut response = large.oneshot(request("GET", "/large.bin", &[])).await?;
            assert!(response.extensions().get::<FileRegion>().is_some());
            let headers = response.headers_mut();
            headers.insert("x-accel-redirect", "/small.txt".parse().unwrap());
            Ok::<_, Infallible>(response)
        }
    });
    let layer = SendfileLayer::new().allow_at("/", site.service.clone());
    let service = layer.layer(inner);
    let get = Request::builder().method(Method::GET).body(()).unwrap();
    let response = service.oneshot(get).await.unwrap();
    assert!(response.extensions().get::<FileRegion>().is_none());
    assert_eq!(Answer::read(response).await.text(), "small");
}
