//! The ground that Astatine's protocols stand on: connections, threads, deadlines, shutdown.
//!
//! This crate is no protocol. It accepts connections and says what a protocol is given: a
//! [`Connection`] with its [`Io`]; and what protocols hand to each other: a [`Handover`] of the
//! stream after an upgrade, a [`FileRegion`] for sendfile(2), [`FieldLines`] that are sent as they are.
//!
//! Start from [`Connection`], [`Shutdown`] and [`Deadline`]; for long-lived connections from
//! [`handler::Handler`] and [`handler::Peer`]; with the feature `net`, from `Server` and `serve`.
//! [`Hooked`] changes the bytes of a connection below any protocol, and [`timer`] has what runs
//! later. With the feature `net`, `connect` and `reconnect` begin connections on this side, and
//! `attach` makes one of a pipe or a terminal.
//!
//! ```
//! use astatine_reactor::{Connection, Foreign, PeerInfo, Shutdown};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! /// A protocol is a function of a connection.
//! async fn greet(mut connection: Connection) -> std::io::Result<()> {
//!     connection.io.write_all(b"hello").await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let (near, mut far) = tokio::io::duplex(64);
//! greet(Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new())).await?;
//! let mut greeting = String::new();
//! far.read_to_string(&mut greeting).await?;
//! assert_eq!(greeting, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! The fields of `Config`, feature `net`:
//!
//! | limit | default | beyond it |
//! |---|---|---|
//! | `max_connections` | descriptor limit less the reserve | `PeerInfo::refused` is set |
//! | `descriptor_reserve` | 64 descriptors | half of it for refused connections, others are closed |
//! | `max_connections_per_address` | off | `PeerInfo::refused` is set |
//! | `shutdown_grace` | 8 s | connections are cut |
//! | `backlog` | 4096 connections a socket | the kernel lets clients try again |
//!
//! The fields of [`handler::HandlerConfig`]; the others are times:
//!
//! | limit | default | beyond it |
//! |---|---|---|
//! | `outbox_bytes` | 1 MiB wait | a write is refused; a subscription's policy |
//! | `budget` | a quarter of memory waits on all connections | the largest are closed |
//! | `max_triggered` | 256 payloads wait | they are refused, and counted |
//!
//! A try of `connect` may take `ConnectConfig::connect_timeout`, 10 s.
//!
//! A header of the PROXY protocol may take 5 s and 64 KiB, from listed proxies only.
//!
//! An idle connection costs about 0.9 KiB here, the runtime's share included, and what its
//! protocol keeps.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `codec` | `handler::Coded`: a codec of tokio-util as the protocol of connections with handlers |
//! | `net` | listeners, sockets, `Server`, `serve`, `connect`, `attach`, `proxy_protocol`; Unix systems only, tested on Linux |
//! | `test-util` | badly behaved streams for the tests of protocols |

mod connection;
mod deadline;
mod field_lines;
mod file_region;
mod give_way;
pub mod handler;
mod handover;
mod hooked;
mod io;
mod lock;
#[cfg(feature = "net")]
mod net;
mod network;
mod shutdown;
#[cfg(feature = "test-util")]
pub mod test_util;
pub mod timer;

pub use connection::{Address, Connection, PeerInfo, Refused};
pub use deadline::Deadline;
pub use field_lines::FieldLines;
pub use file_region::{FileRegion, Readahead, Reading};
pub use give_way::give_way;
pub use handover::{Handover, Takeover};
pub use hooked::{Hooked, Hooks};
pub use io::{Direct, DirectSocket, Foreign, Io};
#[cfg(feature = "net")]
pub use net::{
    AttachError, Bind, BindError, BindParseError, Config, Connect, ConnectConfig, Inherited,
    InheritedError, IntoListener, Listener, Serve, ServeLocal, Server, Socket, Target, attach,
    connect, proxy_protocol, reconnect, serve, serve_local,
};
pub use network::{Network, NetworkParseError};
pub use shutdown::{Phase, Reached, Shutdown};
