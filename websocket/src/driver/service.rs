//! The answer to a request that asks for a WebSocket: 101, and the handler behind it.

use std::sync::Arc;

use astatine_reactor::handler::Handler;
use astatine_reactor::{Connection, Handover};
use bytes::Bytes;
use http::{Request, Response};

use crate::config::Config;
use crate::driver;
use crate::driver::socket::WebSocket;
use crate::error::HandshakeViolation;
use crate::handshake::{self, Accepted, Offer};
use crate::proto::deflate::Terms;
use crate::proto::{Extension, Role};

/// Answers requests for WebSockets.
#[derive(Clone, Debug)]
pub struct Upgrade {
    config: Arc<Config>,
    subprotocols: Arc<[String]>,
    extension: Extension,
}

impl Default for Upgrade {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Upgrade {
    /// Takes the limits and times. permessage-deflate is offered.
    pub fn new(config: Config) -> Self {
        Self {
            config: Arc::new(config),
            subprotocols: Arc::new([]),
            extension: Extension::Deflate,
        }
    }

    /// Speaks these subprotocols; of those that a client asks for, its first is chosen.
    #[must_use]
    pub fn subprotocols<T: Into<String>>(
        mut self,
        subprotocols: impl IntoIterator<Item = T>,
    ) -> Self {
        self.subprotocols = subprotocols.into_iter().map(Into::into).collect();
        self
    }

    /// Compresses nothing.
    #[must_use]
    pub fn without_deflate(mut self) -> Self {
        self.extension = Extension::None;
        self
    }

    /// Answers a request: with 101, and a [`Handover`] by which the server gives the connection to
    /// the handler. More fields and cookies may be added to it.
    ///
    /// Whether the request's origin may have a WebSocket is the caller's to decide before, see
    /// [`handshake::origin`](crate::handshake::origin()).
    ///
    /// # Errors
    ///
    /// The request is none, or malformed: answer with [`HandshakeViolation::response`].
    pub fn answer<B>(
        &self,
        request: &Request<B>,
        handler: impl Handler,
    ) -> Result<Response<()>, HandshakeViolation> {
        Ok(self.hand_over(self.accept(request)?, handler))
    }

    /// Answers a request as [`Upgrade::answer`] does, with a function that is given the WebSocket as
    /// a stream and a sink. The connection ends with its future.
    ///
    /// # Errors
    ///
    /// As [`Upgrade::answer`].
    pub fn answer_with<B, F, Fut>(
        &self,
        request: &Request<B>,
        run: F,
    ) -> Result<Response<()>, HandshakeViolation>
    where
        F: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Ok(self.hand_over_with(self.accept(request)?, run))
    }

    /// Judges a request, and returns what was agreed on: the first half of [`Upgrade::answer`], where
    /// the handler depends on the subprotocol, or is another server's.
    ///
    /// # Errors
    ///
    /// As [`Upgrade::answer`].
    pub fn accept<B>(&self, request: &Request<B>) -> Result<Accepted, HandshakeViolation> {
        let subprotocols: Vec<&str> = self.subprotocols.iter().map(String::as_str).collect();
        let offer = Offer {
            subprotocols: &subprotocols,
            extension: self.extension,
        };
        handshake::accept(request, offer, &self.config)
    }

    /// Gives the connection to the handler by a [`Handover`] in the response that was accepted: the
    /// second half of [`Upgrade::answer`].
    pub fn hand_over(&self, accepted: Accepted, handler: impl Handler) -> Response<()> {
        self.insert(accepted, |connection, unread, terms, config| {
            driver::serve(connection, unread, Role::Server, terms, handler, config)
        })
    }

    /// Gives the connection to a function, as a WebSocket: the second half of
    /// [`Upgrade::answer_with`].
    pub fn hand_over_with<F, Fut>(&self, accepted: Accepted, run: F) -> Response<()>
    where
        F: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.insert(accepted, |connection, unread, terms, config| {
            let role = Role::Server;
            run(WebSocket::new(connection, unread, role, terms, config))
        })
    }

    fn insert<F, Fut>(&self, accepted: Accepted, takeover: F) -> Response<()>
    where
        F: FnOnce(Connection, Bytes, Option<Terms>, Arc<Config>) -> Fut + Send + 'static,
        Fut: Future + Send + 'static,
    {
        let (terms, config) = (accepted.agreed.deflate, Arc::clone(&self.config));
        let handover =
            Handover::new(move |connection, unread| takeover(connection, unread, terms, config));
        let mut response = accepted.response;
        response.extensions_mut().insert(handover);
        response
    }
}
