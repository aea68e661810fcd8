//! A chat over WebSocket and event streams, with its page, on one port:
//! `cargo run --release -p astatine-cli --example chat -- 127.0.0.1:3000`.
//!
//! Try it with two browsers at <http://127.0.0.1:3000/>, or without one:
//!
//! ```text
//! $ curl -N -H 'Accept: text/event-stream' http://127.0.0.1:3000/chat &
//! $ curl -d hello http://127.0.0.1:3000/chat
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use astatine_http1::Http1;
use astatine_reactor::handler::{Handler, Message, Peer, PeerId, Reason, Turn};
use astatine_reactor::{Bind, Config, Server};
use astatine_sse::{accepts_event_stream, handled_event_stream};
use astatine_websocket::Upgrade;
use astatine_websocket::handshake::{Origin, origin};
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

/// What somebody may say at once.
const MAX_BYTES: usize = 4096;

const PAGE: &str = "<!doctype html><title>chat</title>
<form><input autofocus maxlength=1000> <a href='?sse'>by event stream</a></form><ul></ul>
<script>
const hear = event => {
  const line = document.createElement('li');
  line.textContent = event.data;
  document.querySelector('ul').prepend(line);
};
let say;
if (location.search === '?sse') {
  new EventSource('/chat').onmessage = hear;
  say = text => fetch('/chat', { method: 'POST', body: text });
} else {
  const socket = new WebSocket(`ws://${location.host}/chat`);
  socket.onmessage = hear;
  say = text => socket.send(text);
}
document.querySelector('form').onsubmit = event => {
  event.preventDefault();
  const input = document.querySelector('input');
  say(input.value);
  input.value = '';
};
</script>";

/// Those who hear what is said, on whichever thread and by whichever protocol.
#[derive(Clone, Default)]
struct Room(Arc<Mutex<BTreeMap<PeerId, Peer>>>);

impl Room {
    fn enter(&self, peer: &Peer) {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        peers.insert(peer.id(), peer.clone());
    }

    fn leave(&self, peer: &Peer) {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        peers.remove(&peer.id());
    }

    fn say(&self, text: String) {
        // Encoded once for all WebSockets, and once for all event streams.
        let message = Message::text(text).shared();
        let peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for peer in peers.values() {
            if peer.write(message.clone()).is_err() {
                // It takes less than the others say, or is gone.
                peer.close();
            }
        }
    }
}

/// One who listens; by WebSocket, one who talks too.
struct Guest {
    room: Room,
}

impl Handler for Guest {
    fn open(&mut self, peer: &Peer) {
        self.room.enter(peer);
        self.room.say(format!("* guest {} comes", peer.id()));
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        let text = message.into_text();
        self.room.say(format!("guest {}: {text}", peer.id()));
        Turn::Next
    }

    fn close(&mut self, peer: &Peer, _reason: Reason) {
        self.room.leave(peer);
        self.room.say(format!("* guest {} goes", peer.id()));
    }
}

/// Gives the connection to a guest, by the protocol that the request asks for.
async fn listen(State((room, upgrade)): State<(Room, Upgrade)>, request: Request) -> Response {
    let guest = Guest { room };
    let response = if accepts_event_stream(request.headers()) {
        handled_event_stream(guest, &astatine_sse::Config::default())
    } else if origin(request.headers()) == Origin::Other {
        // A page of another site would talk in its reader's name.
        return StatusCode::FORBIDDEN.into_response();
    } else {
        match upgrade.answer(&request, guest) {
            Ok(response) => response,
            Err(violation) => violation.response(),
        }
    };
    response.map(|()| Body::empty())
}

/// Says what somebody has sent without listening.
async fn say(State((room, _)): State<(Room, Upgrade)>, text: String) -> StatusCode {
    room.say(format!("somebody: {text}"));
    StatusCode::NO_CONTENT
}

pub(crate) fn router() -> Router {
    let mut config = astatine_websocket::Config::default();
    config.max_message_bytes = MAX_BYTES;
    Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/chat", get(listen).post(say))
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .with_state((Room::default(), Upgrade::new(config)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: chat ADDRESS, as 127.0.0.1:3000";
    let bind: Bind = std::env::args().nth(1).ok_or(usage)?.parse()?;
    let router = router();
    Server::new(Config::default())
        .listen(bind, move || Http1::new(router.clone()))
        .on_ready(|addresses| {
            for address in addresses {
                eprintln!("listening on {address}");
            }
        })
        .run()?;
    Ok(())
}
