//! Listeners, sockets, and the ways to serve them.

mod accept;
mod address;
mod attach;
mod back_off;
mod bind;
mod config;
mod connect;
mod error;
mod grace;
mod inherited;
mod job_threads;
mod limits;
mod listener;
pub mod proxy_protocol;
mod serve;
mod server;
mod socket;
mod socket_file;
#[expect(
    unsafe_code,
    reason = "reading into memory that is not initialised, inherited descriptors"
)]
mod sys;
mod target;
mod tcp;
mod thread;

pub use attach::{AttachError, attach};
pub use bind::{Bind, BindParseError};
pub use config::Config;
pub use connect::{Connect, ConnectConfig, connect, reconnect};
pub use error::BindError;
pub use inherited::{Inherited, InheritedError};
pub use listener::{IntoListener, Listener};
pub use serve::{Serve, ServeLocal, serve, serve_local};
pub use server::Server;
pub use socket::Socket;
pub use target::Target;
