//! Sends every message back, compressed where the client takes that, behind axum on hyper:
//! `cargo run --release -p astatine-websocket --example hyper_upgrade -- 127.0.0.1:9001`, then open
//! `ws://127.0.0.1:9001/echo`.

use std::error::Error;
use std::sync::Arc;

use astatine_reactor::{Connection, Foreign, PeerInfo, Shutdown};
use astatine_websocket::proto::Role;
use astatine_websocket::{Config, Upgrade, WebSocket};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = address.ok_or("usage: hyper_upgrade ADDRESS, as 127.0.0.1:9001")?;
    let listener = TcpListener::bind(address).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    axum::serve(listener, router()).await?;
    Ok(())
}

pub(crate) fn router() -> Router {
    Router::new().route("/echo", get(answer))
}

async fn answer(mut request: Request) -> Response {
    let accepted = match Upgrade::default().accept(&request) {
        Ok(accepted) => accepted,
        Err(violation) => return violation.response().map(|()| Body::empty()),
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let terms = accepted.agreed.deflate;
    drop(tokio::spawn(async move {
        // A client that goes before it has its answer gets no WebSocket.
        let Ok(upgraded) = upgrade.await else { return };
        let stream = Foreign(TokioIo::new(upgraded));
        let connection = Connection::new(stream, PeerInfo::default(), Shutdown::new());
        let config = Arc::new(Config::default());
        let websocket = WebSocket::new(connection, Bytes::new(), Role::Server, terms, config);
        if let Err(error) = echo(websocket).await {
            eprintln!("a connection broke: {error}");
        }
    }));
    accepted.response.map(|()| Body::empty())
}

async fn echo(mut websocket: WebSocket) -> Result<(), astatine_websocket::Error> {
    while let Some(message) = websocket.next().await {
        websocket.send(message?).await?;
    }
    Ok(())
}
