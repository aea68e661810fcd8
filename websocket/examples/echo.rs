//! Sends every message back:
//! `cargo run --release -p astatine-websocket --example echo -- 127.0.0.1:9001`.
//!
//! It speaks WebSocket and nothing else, so it needs no HTTP server; behind one, `Upgrade::answer` is
//! all there is to it.

use std::io;
use std::sync::Arc;

use astatine_reactor::handler::{Handler, Message, Peer, Turn};
use astatine_reactor::{Bind, Config, Connection, Server};
use astatine_websocket::handshake::{self, Offer};
use astatine_websocket::proto::{Extension, Role};
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Echo;

impl Handler for Echo {
    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        if peer.write(message).is_err() {
            // It sends faster than it takes.
            peer.close_with(1013, "too slow");
        }
        Turn::Next
    }
}

/// Reads a request's head, and returns what was read behind it.
async fn read_head(connection: &mut Connection) -> io::Result<(Request<()>, Bytes)> {
    let mut input = BytesMut::with_capacity(4096);
    loop {
        if input.len() > 32 << 10 || connection.io.read_buf(&mut input).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut headers = [httparse::EMPTY_HEADER; 128];
        let mut head = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(len) = head.parse(&input).map_err(io::Error::other)? {
            let mut request = Request::builder()
                .method(head.method.unwrap_or_default())
                .uri(head.path.unwrap_or_default());
            for field in head.headers {
                request = request.header(field.name, field.value);
            }
            let request = request.body(()).map_err(io::Error::other)?;
            return Ok((request, input.split_off(len).freeze()));
        }
    }
}

async fn write_head(connection: &mut Connection, response: &Response<()>) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    connection.io.write_all(&head).await
}

/// Does the handshake, then echoes until the end.
pub(crate) async fn serve(
    mut connection: Connection,
    config: Arc<astatine_websocket::Config>,
) -> io::Result<()> {
    let (request, unread) = read_head(&mut connection).await?;
    let offer = Offer {
        subprotocols: &[],
        extension: Extension::Deflate,
    };
    let accepted = match handshake::accept(&request, offer, &config) {
        Ok(accepted) => accepted,
        Err(violation) => return write_head(&mut connection, &violation.response()).await,
    };
    write_head(&mut connection, &accepted.response).await?;
    let terms = accepted.agreed.deflate;
    astatine_websocket::serve(connection, unread, Role::Server, terms, Echo, config).await;
    Ok(())
}

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).ok_or_else(|| {
        let usage = "usage: echo ADDRESS, as 127.0.0.1:9001";
        io::Error::new(io::ErrorKind::InvalidInput, usage)
    })?;
    let bind: Bind = address.parse().map_err(io::Error::other)?;
    let mut config = astatine_websocket::Config::default();
    config.max_message_bytes = 16 << 20;
    config.max_frames = 131_072;
    config.outbox_bytes = 32 << 20;
    let config = Arc::new(config);
    Server::new(Config::default())
        .listen(bind, move || {
            let config = Arc::clone(&config);
            tower::service_fn(move |connection| serve(connection, Arc::clone(&config)))
        })
        .on_ready(|addresses| {
            for address in addresses {
                eprintln!("listening on {address}");
            }
        })
        .run()
}
