//! axum with tokio's broadcast channel, as its users write a hub, on one thread of tokio: each
//! connection subscribes, by WebSocket or as an event stream, and what a WebSocket sends goes to
//! all. Reading and writing are tasks of their own; with `select` as second argument, one task does
//! both.
#![forbid(unsafe_code)]

use std::convert::Infallible;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{SinkExt, StreamExt, stream};
use tokio::sync::broadcast;

const MAX_WAITING: usize = 1024;

#[derive(Clone)]
struct Hub {
    messages: broadcast::Sender<Utf8Bytes>,
    has_one_task: bool,
}

async fn subscribe(
    State(hub): State<Hub>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if let Ok(upgrade) = upgrade {
        return upgrade.on_upgrade(move |socket| async move {
            if hub.has_one_task {
                talk_in_one_task(socket, hub.messages).await;
            } else {
                talk(socket, hub.messages).await;
            }
        });
    }
    let events = stream::unfold(hub.messages.subscribe(), |mut messages| async {
        let text = messages.recv().await.ok()?;
        let event = Event::default().data(text.as_str());
        Some((Ok::<_, Infallible>(event), messages))
    });
    Sse::new(events).into_response()
}

async fn talk(socket: WebSocket, hub: broadcast::Sender<Utf8Bytes>) {
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

async fn talk_in_one_task(mut socket: WebSocket, hub: broadcast::Sender<Utf8Bytes>) {
    let mut messages = hub.subscribe();
    loop {
        tokio::select! {
            message = messages.recv() => {
                let Ok(text) = message else { return };
                if socket.send(Message::Text(text)).await.is_err() {
                    return;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    // Its own subscription hears it, so there is one.
                    let _ = hub.send(text);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
        }
    }
}

fn main() -> std::io::Result<()> {
    let (messages, _) = broadcast::channel(MAX_WAITING);
    let hub = Hub {
        messages,
        has_one_task: std::env::args().nth(2).is_some_and(|arg| arg == "select"),
    };
    let router = Router::new()
        .route("/live/bench", get(subscribe))
        .with_state(hub);
    astatine_peers::serve_axum(router)
}
