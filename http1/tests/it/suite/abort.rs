//! A response that only the end of the connection would end, and that breaks off: the peer is told.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use astatine_http1::{Http1, Incoming};
use astatine_reactor::{Phase, Shutdown, serve};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{ServiceExt, service_fn};

use super::client::faulty;

/// Gives one frame, then fails or never goes on.
struct Part {
    first: Option<Bytes>,
    fails: bool,
}

impl Body for Part {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match (self.first.take(), self.fails) {
            (Some(first), _) => Poll::Ready(Some(Ok(Frame::data(first)))),
            (None, true) => Poll::Ready(Some(Err(io::Error::other("broken")))),
            (None, false) => Poll::Pending,
        }
    }
}

/// Reads the response to its end, which is a cut once its first part is there.
async fn end_of_response(fails: bool) -> io::Result<usize> {
    let app = service_fn(move |_: Request<Incoming>| async move {
        let first = Some(Bytes::from_static(b"part"));
        Ok::<_, Infallible>(Response::new(Part { first, fails }))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let server =
        serve(listener, Http1::new(app).map_request(faulty)).with_shutdown(shutdown.clone());
    let server = tokio::spawn(server.into_future());
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    if !fails {
        while !answer.ends_with(b"part") {
            client.read_buf(&mut answer).await.unwrap();
        }
        shutdown.advance(Phase::Cut);
    }
    let end = client.read_to_end(&mut answer).await;
    shutdown.advance(Phase::Cut);
    server.await.unwrap().unwrap();
    end
}

#[tokio::test]
async fn a_body_that_fails_ends_by_a_reset() {
    let error = end_of_response(true).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_body_that_is_cut_ends_by_a_reset() {
    let error = end_of_response(false).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}
