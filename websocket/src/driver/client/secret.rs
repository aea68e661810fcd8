//! What nobody should be able to tell beforehand, drawn from the system.

use std::fs::File;
use std::io::{self, Read};

/// The nonce of a handshake's key, and the secret of a connection's masks.
pub(super) struct Secrets {
    pub(super) nonce: [u8; 16],
    pub(super) masks: [u8; 16],
}

impl Secrets {
    /// Draws new ones.
    ///
    /// # Spec
    ///
    /// RFC 6455 §4.1 and §10.3: both from a strong source of entropy.
    pub(super) fn draw() -> io::Result<Self> {
        let (mut nonce, mut masks) = ([0; 16], [0; 16]);
        let mut source = File::open("/dev/urandom")?;
        source.read_exact(&mut nonce)?;
        source.read_exact(&mut masks)?;
        Ok(Self { nonce, masks })
    }
}
