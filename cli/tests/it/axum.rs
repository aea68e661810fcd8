//! The example: an unchanged axum router, with compression over static files, on our server.

use std::io::Read;
use std::net::SocketAddr;

use astatine_reactor::FileRegion;
use astatine_static_files::{Config, StaticFiles};
use axum::body::Body;
use axum::http::{Request, Response};
use flate2::read::GzDecoder;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::client::Client;
use crate::folder::Folder;

#[path = "../../examples/axum.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod example;

/// The example on a runtime of its own, which ends with it.
struct Running {
    runtime: Runtime,
    address: SocketAddr,
    files: StaticFiles,
    _folder: Folder,
}

impl Running {
    fn start() -> Self {
        let folder = Folder::new();
        folder.write("large.txt", large());
        folder.write("small.txt", "small ".repeat(100));
        let mut config = Config::default();
        config.is_gzip_on_demand = false;
        let files = StaticFiles::new(folder.path(), config).unwrap();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let app = example::router(files.clone());
        drop(runtime.spawn(example::serve(listener, app)));
        Self {
            runtime,
            address,
            files,
            _folder: folder,
        }
    }

    fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// Asks the router itself, past the server.
    fn response(&self, path: &str, accepted: &str) -> Response<Body> {
        let request = Request::get(path).header("accept-encoding", accepted);
        let answer =
            example::router(self.files.clone()).oneshot(request.body(Body::empty()).unwrap());
        self.runtime.block_on(answer).unwrap()
    }
}

/// Returns a text that is sent by sendfile(2) as it is, and compressible.
fn large() -> String {
    (0..20_000).map(|n| format!("line {n}\n")).collect()
}

#[test]
fn files_below_a_compression_layer_are_whole() {
    let server = Running::start();
    for path in ["/large.txt", "/files/large.txt"] {
        let answer = server.client().get(path, "");
        assert_eq!(answer.field("content-encoding"), None);
        assert!(answer.body == large().as_bytes(), "{path}");
    }
}

#[test]
fn a_compressed_file_inflates_to_the_file() {
    let server = Running::start();
    for (path, content) in [
        ("/large.txt", large()),
        ("/files/large.txt", large()),
        ("/small.txt", "small ".repeat(100)),
    ] {
        let mut client = server.client();
        // A body without a length ends with the connection here.
        client.send(&format!(
            "GET {path} HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n"
        ));
        let head = client.head();
        assert_eq!(head.field("content-encoding"), Some("gzip"), "{path}");
        let body = client.rest();
        assert!(body.len() < content.len() / 2, "{} bytes", body.len());
        let mut inflated = String::new();
        GzDecoder::new(&*body)
            .read_to_string(&mut inflated)
            .unwrap();
        assert!(inflated == content, "{path}");
    }
}

#[test]
fn the_layer_leaves_the_region_of_the_file_that_it_replaces() {
    // So it is the server that must see that the region does not stand for the body.
    let server = Running::start();
    let compressed = server.response("/large.txt", "gzip");
    assert_eq!(compressed.headers()["content-encoding"], "gzip");
    assert!(compressed.extensions().get::<FileRegion>().is_some());
    let plain = server.response("/large.txt", "identity");
    assert!(plain.extensions().get::<FileRegion>().is_some());
}

#[test]
fn routes_and_layers_answer_on_one_connection() {
    let server = Running::start();
    let mut client = server.client();
    let answer = client.get("/hello", "");
    assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.body, b"hello");
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(client.response().body, b"abc");
    assert_eq!(client.get("/nothing.txt", "").status, 404);
    let range = client.get(
        "/large.txt",
        "Range: bytes=7-12\r\nAccept-Encoding: gzip\r\n",
    );
    assert_eq!((range.status, &*range.body), (206, &b"line 1"[..]));
}

#[test]
fn connect_info_is_the_client() {
    let server = Running::start();
    let mut client = server.client();
    let answer = client.get("/peer", "");
    assert_eq!(answer.body, client.local_address().to_string().as_bytes());
}
