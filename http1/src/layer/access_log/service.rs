//! The service around a connection's own that notes each request and logs its response.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use astatine_reactor::{Address, FileRegion, PeerInfo};
use http::header::{REFERER, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, Uri, Version};
use tower_layer::Layer;
use tower_service::Service;

use super::Lane;
use super::line::{Line, Remote};
use crate::layer::observed::{ObservedBody, ObservedFuture, Observer, clock};
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
    type Response = Response<ObservedBody<B, Entry>>;
    type Error = S::Error;
    type Future = ObservedFuture<S::Future, Entry>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let entry = Entry::new(&self.log, &request);
        ObservedFuture::new(self.inner.call(request), entry)
    }
}

/// What is known of a request and its response; the line is written when it is dropped. Where the
/// client left before it was answered, it has the status 499.
#[derive(Debug)]
pub struct Entry {
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

impl Observer for Entry {
    fn answered<B>(&mut self, response: Option<&mut Response<B>>) {
        let Some(response) = response else {
            self.status = 500;
            return;
        };
        self.status = response.status().as_u16();
        let region = response.extensions_mut().get_mut();
        self.region = region.map(FileRegion::counted);
    }

    fn sent(&mut self, n_bytes: usize) {
        self.n_bytes += n_bytes as u64;
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

/// The status that is logged for a client that left before it was answered, as nginx has it.
const NO_ANSWER: u16 = 499;
