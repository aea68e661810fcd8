//! What a request costs in allocations, counted for the server alone.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use allocation_counter::measure;
use astatine_http1::layer::access_log::{AccessLog, AccessLogLayer, Format};
use astatine_http1::layer::buffer::{BufferLayer, Buffered};
use astatine_http1::layer::concurrency::ConcurrencyLimitLayer;
use astatine_http1::layer::optional::Optional;
use astatine_http1::layer::request_id::RequestIdLayer;
use astatine_http1::layer::timeout::TimeoutLayer;
use astatine_http1::layer::trusted_proxy::{Field, TrustedProxyLayer};
use astatine_http1::{Error, Head, Http1, Incoming};
use astatine_reactor::{Connection, FieldLines, Foreign, Network, PeerInfo, Shutdown};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::{Layer, service_fn};
use tower_service::Service;

/// A peer that sends one request at each turn of the server, and takes every answer.
struct Asking {
    request: &'static [u8],
    is_asked: bool,
}

impl AsyncRead for Asking {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_asked = !self.is_asked;
        if !self.is_asked {
            return Poll::Pending;
        }
        buf.put_slice(self.request);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Asking {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        assert!(buf.starts_with(b"HTTP/1.1 200 OK\r\n"));
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

const PLAIN: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
const BROWSER: &[u8] = b"GET /some/path?x=1 HTTP/1.1\r\nHost: www.example.org\r\n\
    Connection: keep-alive\r\nsec-ch-ua: \"Chromium\";v=\"128\", \"Not;A=Brand\";v=\"24\"\r\n\
    sec-ch-ua-mobile: ?0\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9\r\nSec-Fetch-Site: none\r\n\
    Sec-Fetch-Mode: navigate\r\nAccept-Encoding: gzip, deflate, br\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\r\n";
const N_REQUESTS: u64 = 1000;

/// Returns the allocations of many requests, behind some that warm up.
async fn count<H>(mut http: H, request: &'static [u8]) -> u64
where
    H: Service<Connection, Response = (), Error = Error>,
{
    let asking = Asking {
        request,
        is_asked: false,
    };
    let connection = Connection::new(Foreign(asking), PeerInfo::default(), Shutdown::new());
    let mut serve = pin!(http.call(connection));
    poll_fn(|cx| {
        let mut turns = |n_turns| {
            for _ in 0..n_turns {
                assert!(serve.as_mut().poll(cx).is_pending());
            }
        };
        turns(10);
        Poll::Ready(measure(|| turns(N_REQUESTS)).count_total)
    })
    .await
}

fn hello() -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"Hello, World!")));
    let plain = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    Ok(response)
}

/// A block is shared by the requests that fit into it: so many bytes of requests, one block and
/// what counts its holders.
fn blocks(request: &[u8]) -> u64 {
    2 * (N_REQUESTS * request.len() as u64).div_ceil((16 << 10) / 4 * 3)
}

#[tokio::test]
async fn a_request_costs_its_two_maps_of_fields_or_one_where_the_answers_room_is_enough() {
    for (request, n_maps) in [(PLAIN, 1), (BROWSER, 2)] {
        let app = service_fn(|_: Request<Incoming>| async { hello() });
        let n = count(Http1::new(app), request).await;
        // Each map is two allocations.
        let maps = 2 * n_maps * N_REQUESTS;
        let allowed = maps..=maps + blocks(request);
        assert!(allowed.contains(&n), "{n} for {N_REQUESTS} requests");
    }
}

#[tokio::test]
async fn a_head_that_stays_as_it_came_costs_nothing_beside_the_answer() {
    for request in [PLAIN, BROWSER] {
        let app = service_fn(|_: (Head, Incoming)| async { hello() });
        let n = count(Http1::new(app).with_heads(), request).await;
        let map = 2 * N_REQUESTS;
        let allowed = map..=map + blocks(request);
        assert!(allowed.contains(&n), "{n} for {N_REQUESTS} requests");
    }
}

#[tokio::test]
async fn a_head_that_stays_as_it_came_and_fields_that_were_written_before_cost_nothing() {
    let plain = FieldLines::new([("content-type", &b"text/plain"[..])]).unwrap();
    for request in [PLAIN, BROWSER] {
        let lines = plain.clone();
        let app = service_fn(move |_: (Head, Incoming)| {
            let body = Full::new(Bytes::from_static(b"Hello, World!"));
            let answer = (Response::new(body), lines.clone(), None);
            async { Ok::<_, Infallible>(answer) }
        });
        let n = count(Http1::new(app).with_heads(), request).await;
        assert!(n <= blocks(request), "{n} for {N_REQUESTS} requests");
    }
}

#[tokio::test]
async fn layers_that_need_not_wait_allocate_nothing_for_a_request() {
    let log = AccessLog::start(Format::Combined, io::sink()).unwrap();
    let peer = PeerInfo::default();
    let app = service_fn(|_: Request<Buffered>| async { hello() });
    let app = BufferLayer::new().layer(app);
    let app = Optional(Some(ConcurrencyLimitLayer::new(NonZeroUsize::MIN))).layer(app);
    let app = Optional(Some(TimeoutLayer::new(Duration::MAX))).layer(app);
    let app = AccessLogLayer::new(&log.lane(), &peer).layer(app);
    let app = TrustedProxyLayer::new(Field::Forwarded, [Network::UNIX], &peer).layer(app);
    let n = count(Http1::new(app), BROWSER).await;
    log.close();
    let maps = 4 * N_REQUESTS;
    // The buffer of the log grows as the writer empties it.
    let allowed = maps..=maps + blocks(BROWSER) + N_REQUESTS / 10;
    assert!(allowed.contains(&n), "{n} for {N_REQUESTS} requests");
}

#[tokio::test]
async fn a_name_for_a_request_costs_one_allocation_and_its_place_three() {
    let app = service_fn(|_: Request<Incoming>| async { hello() });
    let n = count(Http1::new(RequestIdLayer::default().layer(app)), BROWSER).await;
    let (maps, names) = (4 * N_REQUESTS, 4 * N_REQUESTS);
    let allowed = maps + names..=maps + names + blocks(BROWSER);
    assert!(allowed.contains(&n), "{n} for {N_REQUESTS} requests");
}
