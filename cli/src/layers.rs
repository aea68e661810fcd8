//! The layers that the options put around the files.

use std::convert::Infallible;
use std::sync::Arc;

use astatine_http1::Incoming;
use astatine_http1::layer::access_log::{AccessLog, AccessLogLayer, Lane};
use astatine_http1::layer::concurrency::ConcurrencyLimitLayer;
use astatine_http1::layer::optional::Optional;
use astatine_http1::layer::request_id::{Given, RequestIdLayer};
use astatine_http1::layer::timeout::TimeoutLayer;
use astatine_http1::layer::trusted_proxy::{Field, TrustedProxyLayer};
use astatine_reactor::{Network, PeerInfo};
use astatine_static_files::FileBody;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::hub::{Hub, HubLayer};
use crate::pages::{PagesLayer, ReloadLayer};
use crate::site::Site;

/// What stands around the files, for all connections.
#[derive(Clone)]
pub(crate) struct Layers {
    pub(crate) hub: Option<Arc<Hub>>,
    pub(crate) pages: Option<PagesLayer>,
    pub(crate) reload: Option<ReloadLayer>,
    pub(crate) log: Option<AccessLog>,
    pub(crate) proxies: Arc<[Network]>,
    pub(crate) field: Field,
    pub(crate) has_request_ids: bool,
    pub(crate) timeout: Option<TimeoutLayer>,
    pub(crate) concurrency: Option<ConcurrencyLimitLayer>,
}

impl Layers {
    /// Tells whether there is anything that would do something.
    pub(crate) fn is_empty(&self) -> bool {
        // Whom a request is for, only the log would tell.
        self.hub.is_none()
            && self.pages.is_none()
            && self.reload.is_none()
            && self.log.is_none()
            && !self.has_request_ids
            && self.timeout.is_none()
            && self.concurrency.is_none()
    }

    /// Makes the log's buffer of one thread.
    pub(crate) fn lane(&self) -> Option<Lane> {
        self.log.as_ref().map(AccessLog::lane)
    }

    /// Puts the layers around the files for the connection of one peer.
    pub(crate) fn around(
        &self,
        site: Site,
        lane: Option<&Lane>,
        peer: &PeerInfo,
    ) -> impl Service<
        Request<Incoming>,
        Response = Response<impl Body<Data = Bytes, Error = <FileBody as Body>::Error> + use<>>,
        Error = Infallible,
        Future: 'static,
    > + use<> {
        let log = lane.map(|lane| AccessLogLayer::new(lane, peer));
        let is_trusted = self.proxies.iter().any(|n| n.contains(&peer.remote));
        let given = if is_trusted {
            Given::Kept
        } else {
            Given::Replaced
        };
        let ids = self.has_request_ids.then(|| RequestIdLayer::new(given));
        let hub = self.hub.as_ref();
        let tokens = hub.map(|hub| hub.query_token_layer());
        let hub = hub.map(|hub| HubLayer::new(hub, peer));
        let app = Optional(self.pages.clone()).layer(site);
        let app = Optional(hub).layer(app);
        let app = Optional(self.concurrency.clone()).layer(app);
        let app = Optional(self.timeout).layer(app);
        let app = Optional(self.reload.clone()).layer(app);
        let app = Optional(log).layer(app);
        let proxies = Arc::clone(&self.proxies);
        let app = TrustedProxyLayer::new(self.field, proxies, peer).layer(app);
        let app = Optional(ids).layer(app);
        // Outside of all, so that none of them sees a token.
        Optional(tokens).layer(app)
    }
}
