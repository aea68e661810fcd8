//! Sends the time each second to every browser that looks, on axum and hyper:
//! `cargo run --release -p astatine-sse --example clock -- 127.0.0.1:3000`.
//!
//! The id of a tick is its second, so a client that comes back is sent what it missed.

use std::env;
use std::io;
use std::time::{Duration, SystemTime};

use astatine_sse::{
    Config, Event, EventBody, Events, Line, accepts_event_stream, event_stream, last_event_id,
};
use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

/// Ticks that a client is sent at most of those that it missed.
const MAX_MISSED: u64 = 60;

const PAGE: &str = "<!doctype html><title>clock</title><h1></h1><script>
const source = new EventSource('/ticks');
source.addEventListener('tick', event => {
  document.querySelector('h1').textContent = new Date(event.data * 1000).toLocaleTimeString();
});
</script>";

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args()
        .nth(1)
        .unwrap_or_else(|| String::from("127.0.0.1:3000"));
    let listener = TcpListener::bind(address).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    axum::serve(listener, router()).await
}

/// Returns a page and the stream that it shows.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/ticks", get(ticks))
}

async fn ticks(headers: HeaderMap, uri: Uri) -> Response {
    if !accepts_event_stream(&headers) {
        return (StatusCode::NOT_ACCEPTABLE, "ask for text/event-stream\n").into_response();
    }
    let seen = last_event_id(&headers, &uri).and_then(|id| id.parse().ok());
    let (events, body) = EventBody::new(&Config::default());
    tokio::spawn(send_ticks(events, seen));
    event_stream(body).into_response()
}

/// Sends until the client is gone.
async fn send_ticks(events: Events, seen: Option<u64>) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut next = seen.map_or(u64::MAX, |seen| seen.saturating_add(1));
    loop {
        tokio::select! {
            _ = seconds.tick() => {}
            () = events.closed() => return,
        }
        let now = unix_seconds();
        for second in next.clamp(now.saturating_sub(MAX_MISSED), now)..=now {
            let text = second.to_string();
            let tick = Event {
                id: Some(Line::new(&text).expect("digits are one line")),
                event: Some(Line::from_static("tick")),
                ..Event::data(&text)
            };
            if events.send(tick).await.is_err() {
                return;
            }
        }
        next = now + 1;
    }
}

#[expect(clippy::disallowed_methods, reason = "a clock reads the clock")]
fn unix_seconds() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}
