//! Connections that are served by handlers from their first byte: by default each message is what
//! one read has brought.

use std::future::Future;

use bytes::{Bytes, BytesMut};

use super::{Answer, Encoding, Event, Handler, HandlerConfig, Message, Protocol, drive};
use crate::{Connection, PeerInfo};

/// Serves connections with handlers that see the bytes as they come, or what another [`Protocol`]
/// makes of them.
///
/// It is a function of a connection: give it to `Server::listen`, or call it with one.
#[derive(Clone, Debug)]
pub struct Raw<F, M = fn() -> RawProtocol> {
    make_handler: F,
    make_protocol: M,
    config: HandlerConfig,
}

/// Makes messages of whatever has come in.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawProtocol;

impl<F, H> Raw<F>
where
    F: Fn(&PeerInfo) -> H,
    H: Handler,
{
    /// Serves each connection with the handler that the function makes for its peer.
    pub fn new(make_handler: F) -> Self {
        Self {
            make_handler,
            make_protocol: RawProtocol::default,
            config: HandlerConfig::default(),
        }
    }
}

impl<F, H, M, P> Raw<F, M>
where
    F: Fn(&PeerInfo) -> H,
    H: Handler,
    M: Fn() -> P,
    P: Protocol,
{
    /// Speaks the protocol that the function makes for each connection.
    #[must_use]
    pub fn protocol<N, Q>(self, make_protocol: N) -> Raw<F, N>
    where
        N: Fn() -> Q,
        Q: Protocol,
    {
        Raw {
            make_handler: self.make_handler,
            make_protocol,
            config: self.config,
        }
    }

    /// Takes other limits and times.
    #[must_use]
    pub fn config(mut self, config: HandlerConfig) -> Self {
        self.config = config;
        self
    }

    /// Serves a connection; one that was refused is just closed.
    pub fn serve(
        &self,
        connection: Connection,
    ) -> impl Future<Output = ()> + Send + use<F, H, M, P> {
        let handler = (self.make_handler)(&connection.peer);
        let protocol = (self.make_protocol)();
        let config = self.config.clone();
        async move {
            if connection.peer.refused.is_none() {
                let handler = Box::new(handler);
                drive(connection, Bytes::new(), protocol, handler, config).await;
            }
        }
    }
}

impl Protocol for RawProtocol {
    fn encoding(&self) -> Encoding {
        Encoding::Payload
    }

    fn receive(&mut self, input: &mut BytesMut, _output: &mut Vec<u8>) -> Option<Event> {
        let bytes = input.split().freeze();
        (!bytes.is_empty()).then(|| Event::Message(Message::binary(bytes)))
    }

    fn ping(&mut self, _output: &mut Vec<u8>) -> Answer {
        Answer::NoPing
    }

    fn close(&mut self, _code: Option<u16>, _text: &str, _output: &mut Vec<u8>) -> bool {
        false
    }

    fn encode(&mut self, message: &Message, output: &mut Vec<u8>) {
        output.extend_from_slice(message.payload());
    }
}

#[cfg(feature = "net")]
impl<F, H, M, P> tower_service::Service<Connection> for Raw<F, M>
where
    F: Fn(&PeerInfo) -> H + 'static,
    H: Handler,
    M: Fn() -> P + 'static,
    P: Protocol,
{
    type Response = ();
    type Error = std::convert::Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<(), Self::Error>> + Send>>;

    fn poll_ready(
        &mut self,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, connection: Connection) -> Self::Future {
        let served = self.serve(connection);
        Box::pin(async move {
            served.await;
            Ok(())
        })
    }
}
