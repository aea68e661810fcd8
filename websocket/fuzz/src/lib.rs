//! What the fuzz targets share: an end without a socket, a referee that reads whole streams, and a
//! runtime to poll in.

#![forbid(unsafe_code)]

mod end;
mod referee;
mod runtime;

pub use end::{Received, receive};
pub use referee::{Judged, judge};
pub use runtime::{poll_once, with_runtime};
