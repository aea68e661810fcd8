//! What the fuzz targets share: a server without a socket, and referees that read by other code.

#![forbid(unsafe_code)]

mod answers;
mod chunks;
mod server;

pub use answers::{Answer, check_output};
pub use chunks::decode_chunked;
pub use server::{Door, End, Script, Served, serve};
