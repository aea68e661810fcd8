//! What the fuzz targets share: an end without a socket, and a referee that reads whole streams.

#![forbid(unsafe_code)]

mod end;
mod referee;

pub use end::{Received, receive};
pub use referee::{Judged, judge};
