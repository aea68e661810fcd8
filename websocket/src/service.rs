//! The answer to a request that asks for a WebSocket: 101, and the handler behind it.

use std::sync::Arc;

use astatine_reactor::handler::Handler;
use astatine_reactor::{Connection, Handover};
use bytes::Bytes;
use http::{Request, Response};

use crate::config::Config;
use crate::driver;
use crate::error::HandshakeViolation;
use crate::handshake::{self, Accepted, Offer};
use crate::proto::deflate::Terms;
use crate::proto::{Extension, Role};
use crate::socket::WebSocket;

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
    pub fn subprotocols(mut self, subprotocols: impl IntoIterator<Item = String>) -> Self {
        self.subprotocols = subprotocols.into_iter().collect();
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
        self.hand_over(request, |connection, unread, terms, config| {
            driver::serve(connection, unread, Role::Server, terms, handler, config)
        })
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
        self.hand_over(request, |connection, unread, terms, config| {
            let role = Role::Server;
            run(WebSocket::new(connection, unread, role, terms, config))
        })
    }

    /// Judges a request, and returns what was agreed on.
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

    fn hand_over<B, F, Fut>(
        &self,
        request: &Request<B>,
        takeover: F,
    ) -> Result<Response<()>, HandshakeViolation>
    where
        F: FnOnce(Connection, Bytes, Option<Terms>, Arc<Config>) -> Fut + Send + 'static,
        Fut: Future + Send + 'static,
    {
        let accepted = self.accept(request)?;
        let (terms, config) = (accepted.agreed.deflate, Arc::clone(&self.config));
        let handover =
            Handover::new(move |connection, unread| takeover(connection, unread, terms, config));
        let mut response = accepted.response;
        response.extensions_mut().insert(handover);
        Ok(response)
    }
}
