//! The client's stream ends at every byte, in each direction: nothing stays behind, and a response
//! that did not come whole is never taken for one that did.

use std::sync::Arc;
use std::time::Duration;

use astatine_http1::client::{Config, handshake};
use astatine_reactor::Foreign;
use astatine_reactor::test_util::{Cut, Faults, faulty_io};
use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
use tower::Service;

type Body = BoxBody<Bytes, std::convert::Infallible>;

/// What is asked, and what the server answers behind which end of the request.
struct Exchange {
    body: &'static str,
    /// A body that holds something does not know its length.
    framing: (&'static str, &'static str),
    request_end: &'static [u8],
    answer: &'static str,
    content: &'static str,
}

/// Longer than any time limit that such a connection can meet.
const PATIENCE: Duration = Duration::from_secs(200);

impl Exchange {
    fn request(&self, witness: &Arc<()>) -> Request<Body> {
        let held = Arc::clone(witness);
        let body = Full::from(self.body).map_frame(move |frame| {
            let _held = &held;
            frame
        });
        let mut request = Request::put("http://h/").body(body.boxed()).unwrap();
        let (name, value) = self.framing;
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
        request
    }

    /// Answers, and stays until the client goes.
    async fn serve(&self, mut stream: DuplexStream) -> usize {
        let mut request = Vec::new();
        while !request.ends_with(self.request_end) {
            if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                return request.len();
            }
        }
        // A client that has gone does not take it.
        let answered = stream.write_all(self.answer.as_bytes()).await;
        if answered.is_ok() && !self.answer.contains("ength") && !self.answer.contains("chunked") {
            stream.shutdown().await.unwrap_or_default();
        }
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap_or_default();
        request.len()
    }
}

/// Runs the exchange over a stream with faults, and returns the length of the request, and the
/// response's content if it came whole, once nothing is left of the client.
async fn run(exchange: &'static Exchange, faults: &Faults) -> (usize, Option<String>) {
    let witness = Arc::new(());
    let (near, far) = duplex(1 << 16);
    let io = faulty_io(Box::new(Foreign(near)), faults);
    let (mut client, driver) = handshake(io, Config::default());
    let driver = tokio::spawn(driver);
    let server = tokio::spawn(exchange.serve(far));
    let ask = async {
        let response = client.call(exchange.request(&witness)).await.ok()?;
        let mut content = Vec::new();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            content.extend(frame.ok()?.into_data().unwrap_or_default());
            let so_far = String::from_utf8_lossy(&content);
            assert!(exchange.content.starts_with(&*so_far), "{so_far}");
        }
        String::from_utf8(content).ok()
    };
    let asked = timeout(PATIENCE, ask).await;
    let asked = asked.unwrap_or_else(|_| panic!("the request hangs with {faults:?}"));
    drop(client);
    let ended = timeout(PATIENCE, driver).await;
    ended
        .unwrap_or_else(|_| panic!("the connection stays with {faults:?}"))
        .unwrap();
    let n_requested = timeout(PATIENCE, server).await.unwrap().unwrap();
    sleep(Duration::from_secs(2)).await;
    let n_tasks = Handle::current().metrics().num_alive_tasks();
    assert_eq!(n_tasks, 0, "tasks stay with {faults:?}");
    assert_eq!(
        Arc::strong_count(&witness),
        1,
        "the body is held with {faults:?}"
    );
    (n_requested, asked)
}

/// Cuts the exchange at every byte, over streams of each kind. `n_certain` bytes of the answer are
/// needed to know that it is whole.
async fn check(exchange: &'static Exchange, n_certain: usize) {
    for kind in [Faults::none(), Faults::one_byte(), Faults::random(3)] {
        let (n_requested, whole) = run(exchange, &kind).await;
        assert_eq!(whole.as_deref(), Some(exchange.content), "{kind:?}");
        for at in 0..n_requested as u64 {
            let cut = kind.clone().cut(Cut::ResetBehindWritten(at));
            assert_eq!(run(exchange, &cut).await.1, None, "{cut:?}");
        }
        for at in 0..exchange.answer.len() {
            let cut = kind.clone().cut(Cut::ResetBehindRead(at as u64));
            assert_eq!(run(exchange, &cut).await.1, None, "{cut:?}");
            let cut = kind.clone().cut(Cut::InputEnds(at as u64));
            let got = run(exchange, &cut).await.1;
            assert_eq!(got.is_some(), at >= n_certain, "{cut:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_body_of_known_length() {
    const EXCHANGE: Exchange = Exchange {
        body: "hello",
        framing: ("content-length", "5"),
        request_end: b"\r\n\r\nhello",
        answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nworld",
        content: "world",
    };
    check(&EXCHANGE, EXCHANGE.answer.len()).await;
}

#[tokio::test(start_paused = true)]
async fn of_chunks() {
    const EXCHANGE: Exchange = Exchange {
        body: "hello",
        framing: ("transfer-encoding", "chunked"),
        request_end: b"0\r\n\r\n",
        answer: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                 3\r\nwor\r\n2;x=y\r\nld\r\n0\r\nX-Sum: 1\r\n\r\n",
        content: "world",
    };
    check(&EXCHANGE, EXCHANGE.answer.len()).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_body_that_ends_with_the_stream() {
    const HEAD: &str = "HTTP/1.0 200 OK\r\n\r\n";
    const EXCHANGE: Exchange = Exchange {
        body: "",
        framing: ("content-length", "0"),
        request_end: b"\r\n\r\n",
        answer: "HTTP/1.0 200 OK\r\n\r\nworld",
        content: "world",
    };
    // Nobody can tell that such a body was cut, but for a reset.
    check(&EXCHANGE, HEAD.len()).await;
}
