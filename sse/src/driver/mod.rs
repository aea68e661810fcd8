//! Event streams over HTTP: the body, the handler and the client around the core, and what they read of
//! a request.

mod accept;
mod body;
mod client;
mod events;
mod handler;
mod last_event_id;
mod queue;
mod response;

pub use accept::accepts_event_stream;
pub use body::EventBody;
pub use client::EventSource;
pub use events::Events;
pub use handler::handled_event_stream;
pub use last_event_id::last_event_id;
pub use response::event_stream;
