//! The tower service that serves connections: a protocol for the reactor's listeners.

use std::error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use astatine_reactor::{Connection, PeerInfo};
use http::Request;
use http_body::Body;
use tower_service::Service;

use crate::body::Incoming;
use crate::config::Config;
use crate::door::{AppRequest, AppResponse};
use crate::driver::Serve;
use crate::error::Error;
use crate::proto::zero_copy::Head;
use crate::refusal::Refusal;

/// Serves HTTP/1.0 and HTTP/1.1 on connections, answering from a tower service.
///
/// The service, here called the app, takes `http::Request<Incoming>` and answers
/// `http::Response<B>` with any [`http_body::Body`] of `Bytes`, and beside it, if it wants, what it
/// has ready for many of them ([`AppResponse`]). It need not be `Send`; its futures
/// and bodies are `'static`, since they live in places that the thread keeps. An error of the app is
/// answered with 500 and ends its connection. Trailers of its bodies are sent to clients that ask for
/// them by `TE: trailers`, and kept from others (RFC 9110 §6.5.1). They need a chunked body, which is
/// one whose [`size_hint`](http_body::Body::size_hint) is not exact: behind a Content-Length there is
/// no place for them.
pub struct Http1<M, R = Request<Incoming>> {
    make: M,
    setup: Arc<Setup>,
    request: PhantomData<fn(R)>,
}

/// What all connections of one server share.
#[derive(Clone, Default)]
pub(crate) struct Setup {
    pub(crate) config: Config,
    pub(crate) on_refusal: Option<Arc<Hook>>,
}

type Hook = dyn Fn(&Refusal<'_>) + Send + Sync;

/// Makes the app of one connection.
pub trait MakeApp {
    /// The app.
    type App;

    /// Makes the app for the connection of a peer.
    fn make_app(&self, peer: &PeerInfo) -> Self::App;
}

/// Gives each connection a clone of one app.
#[derive(Clone, Debug)]
pub struct Shared<S>(S);

/// Makes each connection's app by a function of its peer.
#[derive(Clone, Debug)]
pub struct PerConnection<F>(F);

impl<S: Clone> Http1<Shared<S>> {
    /// Serves each connection with a clone of the app, with the default [`Config`].
    pub fn new(app: S) -> Self {
        Self {
            make: Shared(app),
            setup: Arc::default(),
            request: PhantomData,
        }
    }
}

impl<S, F: Fn(&PeerInfo) -> S> Http1<PerConnection<F>> {
    /// Serves each connection with an app that the function makes for its peer: a place to add
    /// the peer's address to the requests.
    pub fn per_connection(make_app: F) -> Self {
        Self {
            make: PerConnection(make_app),
            setup: Arc::default(),
            request: PhantomData,
        }
    }
}

impl<M> Http1<M> {
    /// Calls the app with `(Head, Incoming)`: the head as it came, for an app that looks at little
    /// of it, at less than half the price. An app that fails with a [`Violation`](crate::Violation), as
    /// [`Head::into_request`] does, leaves the client to be answered with its status.
    #[must_use]
    pub fn with_heads(self) -> Http1<M, (Head, Incoming)> {
        Http1 {
            make: self.make,
            setup: self.setup,
            request: PhantomData,
        }
    }
}

impl<M, R> Http1<M, R> {
    /// Takes other limits and timeouts.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        Arc::make_mut(&mut self.setup).config = config;
        self
    }

    /// Calls the function for each request, or connection, that is refused before the app or in
    /// its stead. It runs where the connection is served, so it should not block.
    #[must_use]
    pub fn on_refusal(mut self, hook: impl Fn(&Refusal<'_>) + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.setup).on_refusal = Some(Arc::new(hook));
        self
    }
}

impl<S: Clone> MakeApp for Shared<S> {
    type App = S;

    fn make_app(&self, _peer: &PeerInfo) -> S {
        self.0.clone()
    }
}

impl<S, F: Fn(&PeerInfo) -> S> MakeApp for PerConnection<F> {
    type App = S;

    fn make_app(&self, peer: &PeerInfo) -> S {
        (self.0)(peer)
    }
}

impl<M: Clone, R> Clone for Http1<M, R> {
    fn clone(&self) -> Self {
        Self {
            make: self.make.clone(),
            setup: Arc::clone(&self.setup),
            request: PhantomData,
        }
    }
}

impl<M: fmt::Debug, R> fmt::Debug for Http1<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http1")
            .field("make", &self.make)
            .field("config", &self.setup.config)
            .finish_non_exhaustive()
    }
}

impl<M, R, S> Service<Connection> for Http1<M, R>
where
    M: MakeApp<App = S>,
    R: AppRequest,
    S: Service<R>,
    S::Response: AppResponse,
    S::Future: 'static,
    S::Error: Into<Box<dyn error::Error + Send + Sync>>,
    <S::Response as AppResponse>::Body: 'static,
    <<S::Response as AppResponse>::Body as Body>::Error: Into<Box<dyn error::Error + Send + Sync>>,
{
    type Response = ();
    type Error = Error;
    type Future = Serve<S, R, S::Future, <S::Response as AppResponse>::Body>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, connection: Connection) -> Self::Future {
        let app = self.make.make_app(&connection.peer);
        Serve::new(connection, app, Arc::clone(&self.setup))
    }
}
