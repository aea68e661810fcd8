//! The client: the opening handshake over any stream, or over TCP.
//!
//! It speaks the few lines of HTTP/1.1 that a handshake is, follows no redirect and speaks no TLS;
//! where a client of HTTP does that, [`handshake`](crate::handshake) has its part as functions over
//! `http` values.
//!
//! ```no_run
//! use astatine_websocket::client::Client;
//! use astatine_websocket::proto::CloseCode;
//! use http::Request;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let request = Request::get("ws://localhost:9001/chat").body(())?;
//! let mut websocket = Client::default().connect(request).await?.into_websocket();
//! websocket.send("hello").await?;
//! if let Some(message) = websocket.next().await {
//!     assert_eq!(message?.as_text(), Some("hello"));
//! }
//! websocket.close_with(CloseCode::NORMAL, "").await?;
//! # Ok(())
//! # }
//! ```

mod connect;
mod error;
mod head;
mod opened;
mod secret;

pub use connect::Client;
pub use error::ConnectError;
pub use opened::Opened;
