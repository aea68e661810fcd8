//! The service around a connection's own that notes each request and logs its response.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use astatine_reactor::{Address, FileRegion, PeerInfo};
use bytes::Bytes;
use http::header::{REFERER, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, Uri, Version};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::Lane;
use super::line::{Line, Remote};
use crate::layer::request_id::RequestId;
use crate::layer::trusted_proxy::{Forwarded, NodeName};

/// Logs the responses of one connection's service.
///
/// Inside of [`TrustedProxyLayer`](crate::layer::trusted_proxy::TrustedProxyLayer) it logs the client that
/// trusted proxies name instead of the peer; inside of
/// [`RequestIdLayer`](crate::layer::request_id::RequestIdLayer) the JSON format has the request's name.
#[derive(Clone, Debug)]
pub struct AccessLogLayer {
    lane: Lane,
    remote: Arc<str>,
}

impl AccessLogLayer {
    /// Logs to the thread's lane what the peer asks for.
    pub fn new(lane: &Lane, peer: &PeerInfo) -> Self {
        Self {
            lane: lane.clone(),
            remote: remote_of(peer).into(),
        }
    }
}

/// Names a peer as the log has it.
pub(super) fn remote_of(peer: &PeerInfo) -> String {
    match &peer.remote {
        // A listener for both families sees IPv4 peers in IPv6's clothes.
        Address::Tcp(address) => address.ip().to_canonical().to_string(),
        Address::Unix(_) => "unix".into(),
        _ => "-".into(),
    }
}

impl<S> Layer<S> for AccessLogLayer {
    type Service = Logged<S>;

    fn layer(&self, inner: S) -> Logged<S> {
        Logged {
            inner,
            log: self.clone(),
        }
    }
}

/// The service of [`AccessLogLayer`].
#[derive(Clone, Debug)]
pub struct Logged<S> {
    inner: S,
    log: AccessLogLayer,
}

impl<S, Q, B> Service<Request<Q>> for Logged<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
{
    type Response = Response<LoggedBody<B>>;
    type Error = S::Error;
    type Future = LoggedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let entry = Entry::new(&self.log, &request);
        LoggedFuture {
            inner: self.inner.call(request),
            entry: Some(entry),
        }
    }
}

pin_project! {
    /// The answer of [`Logged`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, it logs the status 499: the client left before it was answered.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct LoggedFuture<F> {
        #[pin]
        inner: F,
        entry: Option<Entry>,
    }
}

impl<F, B, E> Future for LoggedFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<LoggedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = std::task::ready!(this.inner.poll(cx));
        let mut entry = this.entry.take();
        Poll::Ready(match result {
            Ok(response) => {
                if let Some(entry) = &mut entry {
                    entry.status = response.status().as_u16();
                    entry.region = response.extensions().get::<FileRegion>().cloned();
                }
                Ok(response.map(|inner| LoggedBody { inner, entry }))
            }
            Err(error) => {
                if let Some(entry) = &mut entry {
                    entry.status = 500;
                }
                Err(error)
            }
        })
    }
}

pin_project! {
    /// A response's body that counts its bytes. Its frames are the inner body's own, untouched, so
    /// that a [`FileRegion`] still knows the first. The line is written when it is dropped.
    #[derive(Debug)]
    pub struct LoggedBody<B> {
        #[pin]
        inner: B,
        entry: Option<Entry>,
    }
}

impl<B: Body<Data = Bytes>> Body for LoggedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let polled = this.inner.poll_frame(cx);
        if let (Poll::Ready(Some(Ok(frame))), Some(entry)) = (&polled, this.entry) {
            entry.n_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// What is known of a request and its response; the line is written when it is dropped, which is
/// when the server lets the response go.
#[derive(Debug)]
struct Entry {
    lane: Lane,
    remote: Arc<str>,
    client: Option<NodeName>,
    request_id: Option<RequestId>,
    started: Instant,
    method: Method,
    target: Uri,
    version: Version,
    referer: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    status: u16,
    n_bytes: u64,
    region: Option<FileRegion>,
}

impl Entry {
    fn new<Q>(log: &AccessLogLayer, request: &Request<Q>) -> Self {
        let forwarded = request.extensions().get::<Forwarded>();
        Self {
            lane: log.lane.clone(),
            remote: Arc::clone(&log.remote),
            client: forwarded.map(|forwarded| forwarded.for_node.name.clone()),
            request_id: request.extensions().get().cloned(),
            started: clock(),
            method: request.method().clone(),
            target: request.uri().clone(),
            version: request.version(),
            referer: request.headers().get(REFERER).cloned(),
            user_agent: request.headers().get(USER_AGENT).cloned(),
            status: NO_ANSWER,
            n_bytes: 0,
            region: None,
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let n_by_sendfile = self.region.as_ref().map_or(0, FileRegion::sent);
        let line = Line {
            remote: match &self.client {
                Some(name) => Remote::Client(name),
                None => Remote::Peer(&self.remote),
            },
            method: &self.method,
            target: &self.target,
            version: self.version,
            status: self.status,
            n_bytes: self.n_bytes + n_by_sendfile,
            took: clock().saturating_duration_since(self.started),
            referer: self.referer.as_ref(),
            user_agent: self.user_agent.as_ref(),
            request_id: self.request_id.as_ref(),
        };
        self.lane
            .push(|format, time, out| line.write(format, time, out));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the log tells how long a response took"
)]
fn clock() -> Instant {
    Instant::now()
}

/// The status that is logged for a client that left before it was answered, as nginx has it.
const NO_ANSWER: u16 = 499;
