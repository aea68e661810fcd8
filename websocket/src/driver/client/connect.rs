//! What a client asks for, and its way to a WebSocket.

use std::mem;
use std::sync::Arc;

use astatine_reactor::{Connection, Foreign, PeerInfo, Shutdown};
use http::{Request, StatusCode, Uri, header};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::ConnectError;
use super::head;
use super::opened::Opened;
use super::secret::Secrets;
use crate::config::Config;
use crate::error::Misuse;
use crate::handshake::{self, Key, Offer};
use crate::proto::{Extension, MaskKeys};

/// Opens WebSockets.
#[derive(Clone, Debug)]
pub struct Client {
    config: Arc<Config>,
    subprotocols: Arc<[String]>,
    extension: Extension,
}

impl Default for Client {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Client {
    /// Takes the limits and times. permessage-deflate is offered.
    pub fn new(config: Config) -> Self {
        Self {
            config: Arc::new(config),
            subprotocols: Arc::new([]),
            extension: Extension::Deflate,
        }
    }

    /// Offers these subprotocols, in order of preference.
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

    /// Connects by TCP to the host of a URI `ws://`, and opens a WebSocket there.
    ///
    /// The request gives the URI, and whatever fields and cookies the server is to see; what the
    /// handshake itself says is not taken from it.
    ///
    /// # Errors
    ///
    /// The URI is none of `ws`, the server cannot be reached, or as [`Client::handshake`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O and time enabled.
    pub async fn connect(&self, request: Request<()>) -> Result<Opened, ConnectError> {
        self.in_time(async {
            let stream = dial(request.uri()).await?;
            // Neither end may wait for the other's acknowledgement to send the next message.
            stream.set_nodelay(true)?;
            let shutdown = Shutdown::new();
            let connection = Connection::new(Foreign(stream), PeerInfo::default(), shutdown);
            self.open(connection, request).await
        })
        .await
    }

    /// Opens a WebSocket over a stream that somebody has connected: TLS, a Unix socket, a proxy.
    ///
    /// The request is as in [`Client::connect`], its URI of any scheme; it gives Host where no field
    /// does.
    ///
    /// # Errors
    ///
    /// The server refuses or breaks a rule, the stream fails, or it takes longer than
    /// [`Config::handshake_timeout`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time enabled.
    pub async fn handshake(
        &self,
        connection: Connection,
        request: Request<()>,
    ) -> Result<Opened, ConnectError> {
        self.in_time(self.open(connection, request)).await
    }

    async fn in_time(
        &self,
        opening: impl Future<Output = Result<Opened, ConnectError>>,
    ) -> Result<Opened, ConnectError> {
        let opened = timeout(self.config.handshake_timeout, opening).await;
        opened.unwrap_or(Err(ConnectError::TimedOut))
    }

    async fn open(
        &self,
        mut connection: Connection,
        request: Request<()>,
    ) -> Result<Opened, ConnectError> {
        let subprotocols: Vec<&str> = self.subprotocols.iter().map(String::as_str).collect();
        let offer = Offer {
            subprotocols: &subprotocols,
            extension: self.extension,
        };
        let secrets = Secrets::draw()?;
        let key = Key::new(secrets.nonce);
        let request = self.request(request, &key, offer)?;
        head::write(&mut *connection.io, &request).await?;
        let (response, unread) = head::read(&mut *connection.io).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(ConnectError::Refused(Box::new(response)));
        }
        let agreed = handshake::check(&response, &key, offer, &self.config)?;
        Ok(Opened {
            response,
            agreed,
            connection,
            unread,
            keys: MaskKeys::new(secrets.masks),
            config: Arc::clone(&self.config),
        })
    }

    /// Returns the request that is sent, with the caller's fields.
    fn request(
        &self,
        request: Request<()>,
        key: &Key,
        offer: Offer<'_>,
    ) -> Result<Request<()>, Misuse> {
        let (theirs, ()) = request.into_parts();
        let mut request = handshake::request(theirs.uri, key, offer, &self.config)?;
        let mut ours = mem::replace(request.headers_mut(), theirs.headers);
        let headers = request.headers_mut();
        for name in [
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::SEC_WEBSOCKET_EXTENSIONS,
            header::SEC_WEBSOCKET_PROTOCOL,
        ] {
            headers.remove(name);
        }
        if headers.contains_key(header::HOST) {
            ours.remove(header::HOST);
        }
        headers.extend(ours);
        Ok(request)
    }
}

async fn dial(uri: &Uri) -> Result<TcpStream, ConnectError> {
    if uri.scheme_str() != Some("ws") {
        return Err(Misuse::Scheme.into());
    }
    let host = uri.host().ok_or(Misuse::Uri)?;
    // An IPv6 address has brackets in a URI, and nowhere else.
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(80);
    Ok(TcpStream::connect((address, port)).await?)
}
