//! The stream of a connection behind a switch of protocols.

use std::fmt;
use std::sync::{Arc, Mutex};

use astatine_reactor::Io;
use bytes::Bytes;

use crate::lock::lock;

/// The stream, and the bytes that were read behind the response's head; an extension of a response
/// that switches protocols: 101, or a success of CONNECT.
///
/// The cell gives its content out once; clones share it. Dropping the last of them, or the
/// response, before that closes the connection.
///
/// # Spec
///
/// RFC 9110 §7.8, §9.3.6. The request has been sent whole, its body included.
#[derive(Clone)]
pub struct Upgraded(Arc<Mutex<Option<Parts>>>);

type Parts = (Box<dyn Io>, Bytes);

impl Upgraded {
    pub(super) fn new(io: Box<dyn Io>, unread: Bytes) -> Self {
        Self(Arc::new(Mutex::new(Some((io, unread)))))
    }

    /// Takes the stream and the unread bytes; `None` when they were taken before.
    pub fn take(&self) -> Option<(Box<dyn Io>, Bytes)> {
        lock(&self.0).take()
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upgraded")
    }
}
