//! A client's connection behind its handshake, on which nobody has sent a message.

use std::sync::Arc;

use astatine_reactor::Connection;
use astatine_reactor::handler::{Handler, Reason};
use bytes::Bytes;
use http::Response;

use crate::config::Config;
use crate::driver;
use crate::driver::socket::WebSocket;
use crate::handshake::Established;
use crate::proto::{MaskKeys, Role};

/// A WebSocket that a client has opened. Dropping it closes the connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The server's answer, with its cookies and other fields.
    pub response: Response<()>,
    /// What both ends agreed on.
    pub agreed: Established,
    pub(super) connection: Connection,
    pub(super) unread: Bytes,
    pub(super) keys: MaskKeys,
    pub(super) config: Arc<Config>,
}

impl Opened {
    /// Returns the connection, what was read behind the handshake, and the role, for a driver of
    /// one's own, as `Framed` is one.
    pub fn into_parts(self) -> (Connection, Bytes, Role) {
        (self.connection, self.unread, Role::Client(self.keys))
    }

    /// Returns it as a stream and a sink of messages.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time enabled.
    pub fn into_websocket(self) -> WebSocket {
        let (role, terms) = (Role::Client(self.keys), self.agreed.deflate);
        WebSocket::new(self.connection, self.unread, role, terms, self.config)
    }

    /// Serves it with a handler, until it is closed, and returns why it was.
    ///
    /// # Cancel safety
    ///
    /// As [`serve`](crate::serve).
    ///
    /// # Examples
    ///
    /// A handler whose connection is made again when it breaks:
    ///
    /// ```no_run
    /// use astatine_reactor::handler::{Handler, Reason};
    /// use astatine_reactor::{Target, reconnect};
    /// use astatine_websocket::client::Client;
    /// use http::Request;
    ///
    /// struct Listener;
    ///
    /// impl Handler for Listener {}
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let target: Target = "localhost:9001".parse()?;
    /// let client = Client::default();
    /// let request = Request::get("ws://localhost:9001/").body(())?;
    /// let connections = reconnect(target, Listener).with_driver(move |connection, handler| {
    ///     let (client, request) = (client.clone(), request.clone());
    ///     async move {
    ///         match client.handshake(connection, request).await {
    ///             Ok(opened) => opened.serve(handler).await,
    ///             Err(_) => Reason::Io(std::io::ErrorKind::ConnectionRefused),
    ///         }
    ///     }
    /// });
    /// connections.await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve(self, handler: impl Handler) -> Reason {
        let (connection, unread, config) = (self.connection, self.unread, self.config);
        let (role, terms) = (Role::Client(self.keys), self.agreed.deflate);
        driver::serve(connection, unread, role, terms, handler, config).await
    }
}
