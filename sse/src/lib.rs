//! Server-sent events: a pure encoder and parser, a body for any server, a client over any service.
//!
//! It knows no channels and no history: what a client missed is the application's to send again.
//! Start from [`Event`], which is encoded; `EventBody`, the body of a response that is fed by
//! `Events`; and `EventSource`, the client.
//!
//! ```
//! # #[cfg(feature = "driver")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use astatine_sse::{
//!     Config, Event, EventBody, Line, accepts_event_stream, event_stream, last_event_id,
//! };
//! use http::{Request, Response};
//!
//! /// A handler, as any framework over `http` has them.
//! fn handle(request: &Request<()>) -> Option<Response<EventBody>> {
//!     if !accepts_event_stream(request.headers()) {
//!         return None;
//!     }
//!     let seen = last_event_id(request.headers(), request.uri());
//!     let seen: u64 = seen.and_then(|id| id.parse().ok()).unwrap_or(0);
//!     let (events, body) = EventBody::new(&Config::default());
//!     // A clone of `events` goes to whoever has news.
//!     let id = (seen + 1).to_string();
//!     let event = Event {
//!         id: Line::new(&id).ok(),
//!         event: Some(Line::from_static("tick")),
//!         ..Event::data("hello")
//!     };
//!     events.try_send(event).ok()?;
//!     Some(event_stream(body))
//! }
//!
//! let request = Request::get("/").header("accept", "text/event-stream").body(())?;
//! assert!(handle(&request).is_some());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "driver"))]
//! # fn main() {}
//! ```
//!
//! # Limits
//!
//! Each is a field of [`Config`], with its default, its unit, and what happens beyond it. What a
//! stream holds at most:
//!
//! | end | memory |
//! |---|---|
//! | server, idle | about half a KiB, the entry for the keep-alive included |
//! | server, with a peer that takes nothing | `max_queue_bytes`, or one event if it is longer; events that are shared count for each stream |
//! | client | `max_event_bytes` and `max_line_bytes`, twice while buffers grow; three times where it is no UTF-8 |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `driver` (default) | `EventBody` and `Events`; `event_stream`, `handled_event_stream`, `accepts_event_stream`, `last_event_id`; `EventSource` |
//! | `codec` | `Codec`, a codec of `tokio_util` for streams without HTTP around them |
//!
//! # Specification
//!
//! WHATWG HTML §9.2 (server-sent events), and of RFC 9110 the Accept header. Left out: redirects and
//! cross-origin requests, which are fetch's and so the service's below the client; and a limit of
//! connections for each origin, which is a pool's.

#![forbid(unsafe_code)]

#[cfg(feature = "codec")]
mod codec;
mod config;
#[cfg(feature = "driver")]
mod driver;
mod error;
pub mod proto;

#[cfg(feature = "codec")]
pub use codec::Codec;
pub use config::Config;
#[cfg(feature = "driver")]
pub use driver::{
    EventBody, EventSource, Events, accepts_event_stream, event_stream, handled_event_stream,
    last_event_id,
};
pub use error::{Error, Misuse, SendError, Violation};
pub use proto::event::{Encoded, Event, Line};
pub use proto::parser::MessageEvent;
