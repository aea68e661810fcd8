//! A layer of tower-http that answers by itself, which takes a body that can be made of nothing.

use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use astatine_http1::layer::access_log::{AccessLog, AccessLogLayer, Format};
use astatine_http1::layer::concurrency::ConcurrencyLimitLayer;
use astatine_http1::layer::optional::Optional;
use astatine_http1::layer::timeout::TimeoutLayer;
use astatine_reactor::PeerInfo;
use astatine_static_files::{Config, StaticFiles, StaticFilesLayer};
use http::Request;
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt};
use tower_http::cors::CorsLayer;

use crate::folder::Folder;

#[tokio::test]
async fn cors_goes_around_files_and_around_our_layers() {
    let folder = Folder::new();
    folder.write("a.txt", "hello");
    let files = StaticFiles::new(folder.path(), Config::default()).unwrap();
    let log = AccessLog::start(Format::Common, io::sink()).unwrap();
    let app = StaticFilesLayer::new(files.clone()).layer(CorsLayer::permissive().layer(files));
    let app =
        ConcurrencyLimitLayer::new(NonZeroUsize::MIN).layer(CorsLayer::permissive().layer(app));
    let timeout = Optional(Some(TimeoutLayer::new(Duration::MAX)));
    let app = timeout.layer(CorsLayer::permissive().layer(app));
    let app = AccessLogLayer::new(&log.lane(), &PeerInfo::default()).layer(app);
    let app = CorsLayer::permissive().layer(app);
    for (method, body) in [("OPTIONS", ""), ("GET", "hello")] {
        let request = Request::builder()
            .method(method)
            .uri("/a.txt")
            .header("origin", "https://example.org")
            .header("access-control-request-method", "GET")
            .body(())
            .unwrap();
        let answer = app.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), body);
    }
    log.close();
}
