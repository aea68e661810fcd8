//! The layer that reads what trusted proxies say, for one connection.

use std::sync::Arc;
use std::task::{Context, Poll};

use astatine_reactor::{Network, PeerInfo};
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::x_forwarded::Beside;
use super::{forwarded, x_forwarded};

/// The field that is believed.
///
/// It must be the one that the proxies write, and not both: a proxy that writes the one lets the
/// other pass as the client sent it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// `X-Forwarded-For`, which most proxies write. What else of its kin they write has to be said:
    /// [`TrustedProxyLayer::x_forwarded_proto`], [`TrustedProxyLayer::x_forwarded_host`].
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
    beside: Beside,
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
            beside: Beside::default(),
            networks: Some(networks).filter(|_| is_trusted),
        }
    }

    /// Believes the last value of `X-Forwarded-Proto` too, with [`Field::XForwarded`].
    ///
    /// Only for proxies that write it in every request, in place of what the client sent or behind
    /// it: where none does, the client's own is believed. Where several do, the nearest has the
    /// word, and may tell how the proxy before it connected.
    #[must_use]
    pub fn x_forwarded_proto(mut self) -> Self {
        self.beside.has_proto = true;
        self
    }

    /// Believes the last value of `X-Forwarded-Host` too, on the terms of
    /// [`TrustedProxyLayer::x_forwarded_proto`].
    #[must_use]
    pub fn x_forwarded_host(mut self) -> Self {
        self.beside.has_host = true;
        self
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
                Field::XForwarded => {
                    x_forwarded::read(request.headers(), networks, self.layer.beside)
                }
                Field::Forwarded => forwarded::read(request.headers(), networks),
            };
            if let Some(forwarded) = forwarded {
                request.extensions_mut().insert(forwarded);
            }
        }
        self.inner.call(request)
    }
}
