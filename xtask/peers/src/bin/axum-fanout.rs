//! axum with tokio's broadcast channel, as its users write a hub, on one thread of tokio: each
//! connection subscribes, by WebSocket or as an event stream, and what a WebSocket sends goes to
//! all. Reading and writing are tasks of their own.
#![forbid(unsafe_code)]

use std::convert::Infallible;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use futures_util::{SinkExt, StreamExt, stream};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

const MAX_WAITING: usize = 1024;

type Hub = broadcast::Sender<Utf8Bytes>;

async fn subscribe(
    State(hub): State<Hub>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if let Ok(upgrade) = upgrade {
        return upgrade.on_upgrade(|socket| talk(socket, hub));
    }
    let events = stream::unfold(hub.subscribe(), |mut messages| async {
        let text = messages.recv().await.ok()?;
        let event = Event::default().data(text.as_str());
        Some((Ok::<_, Infallible>(event), messages))
    });
    Sse::new(events).into_response()
}

async fn talk(socket: WebSocket, hub: Hub) {
    let (mut sink, mut stream) = socket.split();
    let mut messages = hub.subscribe();
    let writer = tokio::spawn(async move {
        while let Ok(text) = messages.recv().await {
            if sink.send(Message::Text(text)).await.is_err() {
                break;
            }
        }
    });
    while let Some(Ok(message)) = stream.next().await {
        if let Message::Text(text) = message {
            // Its own subscription hears it, so there is one.
            let _ = hub.send(text);
        }
    }
    writer.abort();
}

async fn serve(address: String) -> std::io::Result<()> {
    let (hub, _) = broadcast::channel(MAX_WAITING);
    let router = Router::new()
        .route("/live/bench", get(subscribe))
        .with_state(hub);
    let listener = TcpListener::bind(&address).await?.tap_io(|stream| {
        stream
            .set_nodelay(true)
            .expect("a live socket takes NODELAY");
    });
    println!("ready {address}");
    axum::serve(listener, router).await
}

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: axum-fanout ADDRESS");
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(address))
}
