//! The masking of a client's payloads (RFC 6455 §5.3), and the keys for it.

use std::fmt;

use sha1::{Digest, Sha1};

/// Masks a piece of a payload, or unmasks it. `offset` is where in the payload it begins.
#[inline]
pub(super) fn apply(piece: &mut [u8], key: [u8; 4], offset: usize) {
    let at = |place: usize| key[(offset + place) % 4];
    let [a, b, c, d] = [at(0), at(1), at(2), at(3)];
    let pattern = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    // Blocks of a constant length are what the compiler makes vector instructions of.
    let mut blocks = piece.chunks_exact_mut(BLOCK_LEN);
    for block in &mut blocks {
        for word in block.chunks_exact_mut(8) {
            apply_word(word, pattern);
        }
    }
    let mut words = blocks.into_remainder().chunks_exact_mut(8);
    for word in &mut words {
        apply_word(word, pattern);
    }
    let masks = [a, b, c, d, a, b, c];
    for (octet, mask) in words.into_remainder().iter_mut().zip(masks) {
        *octet ^= mask;
    }
}

#[inline]
fn apply_word(word: &mut [u8], pattern: u64) {
    let octets: [u8; 8] = (&*word).try_into().expect("a chunk of eight");
    let masked = u64::from_ne_bytes(octets) ^ pattern;
    word.copy_from_slice(&masked.to_ne_bytes());
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

    /// Derives other keys from the next ones, for an end whose directions are apart.
    #[cfg(feature = "driver")]
    pub(crate) fn fork(&mut self) -> Self {
        let mut secret = [0; 16];
        for part in secret.chunks_exact_mut(4) {
            part.copy_from_slice(&self.draw());
        }
        Self::new(secret)
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
