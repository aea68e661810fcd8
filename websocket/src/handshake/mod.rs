//! The opening handshake (RFC 6455 §4) as functions over `http` values.
//!
//! A server calls [`accept`] and sends the response that it returns, with whatever cookies and
//! fields it adds. A client sends what [`request`] returns and judges the answer by [`check`].

mod client;
mod deflate;
mod extension;
mod key;
mod list;
mod origin;
mod server;

pub use client::{check, request};
pub use key::Key;
pub use origin::{Origin, origin};
pub use server::{Accepted, accept};

use crate::proto::Extension;
use crate::proto::deflate::Terms;

/// What an end is ready for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offer<'a> {
    /// The subprotocols that it speaks; a client's in order of preference, which decides.
    pub subprotocols: &'a [&'a str],
    /// The extension that it has.
    pub extension: Extension,
}

/// What a client and a server agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Established {
    /// The subprotocol that both speak.
    pub subprotocol: Option<String>,
    /// The terms of permessage-deflate, if both have it.
    pub deflate: Option<Terms>,
}

impl Established {
    /// Returns the extension for [`Connection::new`](crate::proto::Connection::new).
    pub fn extension(&self) -> Extension {
        self.deflate.map_or(Extension::None, |_| Extension::Deflate)
    }
}
