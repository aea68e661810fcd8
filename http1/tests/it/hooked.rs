//! HTTP over bytes that are changed on their way.

use std::convert::Infallible;

use astatine_http1::{Http1, Incoming, client};
use astatine_reactor::test_util::{Faults, faulty_io};
use astatine_reactor::{Connection, Foreign, Hooked, Hooks, Io, PeerInfo, Shutdown};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{DuplexStream, duplex};
use tower::service_fn;
use tower_service::Service;

/// A cipher that is its own inverse.
#[derive(Default)]
struct Xor {
    n_read: usize,
    n_written: usize,
}

impl Hooks for Xor {
    fn read(&mut self, bytes: &mut [u8]) {
        xor(bytes, &mut self.n_read);
    }

    fn write(&mut self, bytes: &mut [u8]) {
        xor(bytes, &mut self.n_written);
    }
}

fn xor(bytes: &mut [u8], n_before: &mut usize) {
    for byte in bytes {
        *byte ^= *n_before as u8;
        *n_before += 1;
    }
}

fn hooked(stream: DuplexStream, faults: &Faults) -> Box<dyn Io> {
    let stream = faulty_io(Box::new(Foreign(stream)), faults);
    Box::new(Hooked::new(stream, Xor::default()))
}

#[tokio::test]
async fn requests_and_bodies_pass_a_cipher() {
    for faults in [Faults::none(), Faults::one_byte(), Faults::random(1)] {
        let (near, far) = duplex(1000);
        let echo = |request: Request<Incoming>| async {
            Ok::<_, Infallible>(Response::new(request.into_body()))
        };
        let connection =
            Connection::new(hooked(near, &faults), PeerInfo::default(), Shutdown::new());
        let server = tokio::spawn(Http1::new(service_fn(echo)).call(connection));
        let (mut sender, driver) = client::handshake(hooked(far, &faults), Default::default());
        let driver = tokio::spawn(driver);
        for n_bytes in [0, 1, 17_000] {
            let body = Bytes::from(vec![b'x'; n_bytes]);
            let request = Request::post("/").header("host", "h");
            let request = request.body(Full::new(body.clone())).unwrap();
            let answer = sender.call(request).await.unwrap();
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), body);
        }
        drop(sender);
        driver.await.unwrap();
        server.await.unwrap().unwrap();
    }
}
