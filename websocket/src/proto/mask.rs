//! The masking of a client's payloads (RFC 6455 §5.3), and the keys for it.

use std::fmt;

use sha1::{Digest, Sha1};

/// Masks a piece of a payload, or unmasks it. `offset` is where in the payload it begins.
pub(super) fn apply(piece: &mut [u8], key: [u8; 4], offset: usize) {
    let mut pattern = [0; BLOCK_LEN];
    for (at, octet) in pattern.iter_mut().enumerate() {
        *octet = key[(offset + at) % key.len()];
    }
    // Blocks of a constant length are what the compiler makes vector instructions of.
    let mut blocks = piece.chunks_exact_mut(BLOCK_LEN);
    for block in &mut blocks {
        for (octet, mask) in block.iter_mut().zip(&pattern) {
            *octet ^= mask;
        }
    }
    for (octet, mask) in blocks.into_remainder().iter_mut().zip(&pattern) {
        *octet ^= mask;
    }
}

/// The keys of a client's frames: each is new, and nobody who does not know the secret can tell
/// the next one (RFC 6455 §10.3).
pub struct MaskKeys {
    secret: [u8; 16],
    n_digests: u64,
    /// Five keys, of which some are used up.
    digest: [u8; DIGEST_LEN],
    n_used: usize,
}

impl MaskKeys {
    /// Derives all keys of one connection from its secret, which the system has drawn.
    pub fn new(secret: [u8; 16]) -> Self {
        Self {
            secret,
            n_digests: 0,
            digest: [0; DIGEST_LEN],
            n_used: DIGEST_LEN,
        }
    }

    /// Returns the next key. None is zero, which would send the payload as it is.
    pub(super) fn draw(&mut self) -> [u8; 4] {
        loop {
            if self.n_used == DIGEST_LEN {
                self.refill();
            }
            let (_, unused) = self.digest.split_at(self.n_used);
            let key = *unused.first_chunk().expect("a digest is five keys long");
            self.n_used += key.len();
            if key != [0; 4] {
                return key;
            }
        }
    }

    fn refill(&mut self) {
        let mut hash = Sha1::new();
        hash.update(self.secret);
        hash.update(self.n_digests.to_le_bytes());
        self.digest = hash.finalize().into();
        self.n_digests += 1;
        self.n_used = 0;
    }
}

impl fmt::Debug for MaskKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKeys")
    }
}

const DIGEST_LEN: usize = 20;
const BLOCK_LEN: usize = 64;
