//! A folder before an inner service.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::os::unix::fs::symlink;
use std::task::{Context, Poll};

use astatine_static_files::StaticFilesLayer;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::site::{Answer, Site, request};

async fn echo(request: Request<String>) -> Result<Response<Full<Bytes>>, Infallible> {
    let line = format!("{} {} {}", request.method(), request.uri(), request.body());
    Ok(Response::new(Full::from(line)))
}

async fn through_layer(site: &Site, method: &str, path: &str) -> Answer {
    let request = request(method, path, &[]).map(|()| "body".to_owned());
    let service = StaticFilesLayer::new(site.service.clone()).layer(service_fn(echo));
    Answer::read(service.oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn what_is_no_file_goes_to_the_inner_service_whole() {
    let site = Site::with(
        &[
            ("a.txt", b"hello"),
            ("index.html", b"home"),
            ("404.html", b"no"),
            (".env", b"x"),
        ],
        |config| config.spa_fallback = Some("index.html".to_owned()),
    );
    assert_eq!(through_layer(&site, "GET", "/a.txt").await.text(), "hello");
    assert_eq!(through_layer(&site, "GET", "/").await.text(), "home");
    let passed = [
        ("GET", "/api/users?x=1"),
        ("GET", "/repos/a%2Fb"),
        ("GET", "/.env"),
        ("GET", "/a/../a.txt"),
        ("HEAD", "/api"),
        ("POST", "/a.txt"),
        ("OPTIONS", "/a.txt"),
        ("DELETE", "/"),
    ];
    for (method, path) in passed {
        let answer = through_layer(&site, method, path).await;
        assert_eq!(answer.text(), format!("{method} {path} body"));
    }
}

#[tokio::test]
async fn a_file_that_is_there_may_be_refused_with_a_page() {
    let site = Site::new(&[("a.txt", b"hello"), ("412.html", b"<h1>changed</h1>")]);
    let other = [("if-match", "\"other\"")];
    let request = request("GET", "/a.txt", &other).map(|()| String::new());
    let service = StaticFilesLayer::new(site.service.clone()).layer(service_fn(echo));
    let answer = Answer::read(service.oneshot(request).await.unwrap()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (412, "<h1>changed</h1>")
    );
}

#[tokio::test]
async fn a_body_tells_its_length_whoever_made_it() {
    let site = Site::new(&[("a.txt", b"hello"), ("empty.txt", b"")]);
    let service = StaticFilesLayer::new(site.service.clone()).layer(service_fn(echo));
    for (path, len) in [("/a.txt", 5), ("/empty.txt", 0), ("/inner", 16)] {
        let request = request("GET", path, &[]).map(|()| "body!".to_owned());
        let response = service.clone().oneshot(request).await.unwrap();
        let body = response.body();
        assert_eq!(body.size_hint().exact(), Some(len), "{path}");
        assert_eq!(body.is_end_stream(), len == 0, "{path}");
    }
}

/// Is ready once for each call, and its clones are not.
#[derive(Default)]
struct Reserved {
    is_ready: bool,
}

impl Clone for Reserved {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request<()>> for Reserved {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(self.is_ready, "it is called without having been asked");
        self.is_ready = false;
        ready(Ok(Response::new(Full::from("inner"))))
    }
}

#[tokio::test]
async fn the_inner_service_that_is_called_is_the_one_that_was_ready() {
    let site = Site::new(&[("real/a.txt", b"hello")]);
    // A link from the root of the file system is followed on a thread that may wait.
    symlink(
        site.folder.path().join("real"),
        site.folder.path().join("link"),
    )
    .unwrap();
    let service = StaticFilesLayer::new(site.service.clone()).layer(Reserved::default());
    for path in ["/link/missing", "/missing"] {
        let response = service.clone().oneshot(request("GET", path, &[])).await;
        assert_eq!(
            Answer::read(response.unwrap()).await.text(),
            "inner",
            "{path}"
        );
    }
}
