//! The layer that reads what trusted proxies say, for one connection.

use std::sync::Arc;
use std::task::{Context, Poll};

use astatine_reactor::{Network, PeerInfo};
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::{forwarded, x_forwarded};

/// The fields that are believed.
///
/// It must be those that the proxies write, and not both kinds: a proxy that writes the one lets
/// the other pass as the client sent it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`, which most proxies write.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Puts what trusted proxies say of a request into its extensions, as
/// [`Forwarded`](super::Forwarded), for the requests of one connection.
///
/// A connection whose peer is in none of the networks pays nothing for a request.
#[derive(Clone, Debug)]
pub struct TrustedProxyLayer {
    field: Field,
    /// `None` where the peer is not trusted.
    networks: Option<Arc<[Network]>>,
}

impl TrustedProxyLayer {
    /// Believes the fields where the peer is in one of the networks, and walks over the hops that
    /// are.
    pub fn new(field: Field, networks: impl Into<Arc<[Network]>>, peer: &PeerInfo) -> Self {
        let networks = networks.into();
        let is_trusted = networks.iter().any(|n| n.contains(&peer.remote));
        Self {
            field,
            networks: Some(networks).filter(|_| is_trusted),
        }
    }
}

impl<S> Layer<S> for TrustedProxyLayer {
    type Service = TrustedProxy<S>;

    fn layer(&self, inner: S) -> TrustedProxy<S> {
        TrustedProxy {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service of [`TrustedProxyLayer`].
#[derive(Clone, Debug)]
pub struct TrustedProxy<S> {
    inner: S,
    layer: TrustedProxyLayer,
}

impl<S, Q> Service<Request<Q>> for TrustedProxy<S>
where
    S: Service<Request<Q>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> S::Future {
        if let Some(networks) = &self.layer.networks {
            let forwarded = match self.layer.field {
                Field::XForwarded => x_forwarded::read(request.headers(), networks),
                Field::Forwarded => forwarded::read(request.headers(), networks),
            };
            if let Some(forwarded) = forwarded {
                request.extensions_mut().insert(forwarded);
            }
        }
        self.inner.call(request)
    }
}
