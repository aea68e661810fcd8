//! The ground that Astatine's protocols stand on: connections, threads, deadlines, shutdown.
//!
//! This crate is no protocol. It accepts connections and says what a protocol is given: a
//! [`Connection`] with its [`Io`]; and what protocols hand to each other: a [`Handover`] of the
//! stream after an upgrade, a [`FileRegion`] for sendfile(2).
//!
//! Start from [`Connection`], [`Shutdown`] and [`Deadline`]; with the feature `net`, from
//! `Server` and `serve`.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `net` | listeners, sockets, `Server`, `serve` |
//! | `test-util` | scripted streams for the tests of protocols |

mod connection;
mod deadline;
mod file_region;
mod handover;
mod io;
#[cfg(feature = "net")]
mod net;
mod shutdown;
#[cfg(feature = "test-util")]
pub mod test_util;

pub use connection::{Address, Connection, PeerInfo, Refused};
pub use deadline::Deadline;
pub use file_region::{FileRegion, Readahead};
pub use handover::{Handover, Takeover};
pub use io::{Direct, DirectSocket, Foreign, Io};
#[cfg(feature = "net")]
pub use net::{
    Bind, BindError, BindParseError, Config, Inherited, InheritedError, IntoListener, Listener,
    Serve, ServeLocal, Server, Socket, serve, serve_local,
};
pub use shutdown::{Phase, Reached, Shutdown};
