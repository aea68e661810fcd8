//! The masking of a client's payloads (RFC 6455 §5.3), and the keys for it.

use std::fmt;

use sha1::{Digest, Sha1};

/// Masks a piece of a payload, or unmasks it. `offset` is where in the payload it begins.
#[inline]
pub(super) fn apply(piece: &mut [u8], key: [u8; 4], offset: usize) {
    let at = |place: usize| key[(offset + place) % 4];
    let key = u32::from_le_bytes([at(0), at(1), at(2), at(3)]);
    let pattern = u128::from(key) * (1 | 1 << 32 | 1 << 64 | 1 << 96);
    let n_rest = piece.len() % BLOCK_LEN;
    for block in piece.chunks_exact_mut(BLOCK_LEN) {
        apply_block(block, pattern);
    }
    if n_rest == 0 {
        return;
    }
    if let Some(last) = piece.last_chunk_mut::<BLOCK_LEN>() {
        // What of the last block is done already meets zeros.
        apply_block(last, pattern << (8 * (BLOCK_LEN - n_rest)));
    } else {
        for (octet, mask) in piece.iter_mut().zip(pattern.to_le_bytes()) {
            *octet ^= mask;
        }
    }
}

#[inline(always)]
fn apply_block(block: &mut [u8], pattern: u128) {
    let octets = (&*block).try_into().expect("a block is sixteen bytes long");
    let masked = u128::from_le_bytes(octets) ^ pattern;
    block.copy_from_slice(&masked.to_le_bytes());
}

/// The keys of a client's frames: each is new, and nobody who does not know the secret can tell
/// the next one (RFC 6455 §10.3).
///
/// They lie apart from the connection, since a server's has none.
pub struct MaskKeys(Box<Keys>);

struct Keys {
    secret: [u8; 16],
    n_digests: u64,
    /// Five keys, of which some are used up.
    digest: [u8; DIGEST_LEN],
    n_used: usize,
}

impl MaskKeys {
    /// Derives all keys of one connection from its secret, which the system has drawn.
    pub fn new(secret: [u8; 16]) -> Self {
        Self(Box::new(Keys {
            secret,
            n_digests: 0,
            digest: [0; DIGEST_LEN],
            n_used: DIGEST_LEN,
        }))
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
        let keys = &mut *self.0;
        loop {
            if keys.n_used == DIGEST_LEN {
                keys.refill();
            }
            let (_, unused) = keys.digest.split_at(keys.n_used);
            let key = *unused.first_chunk().expect("a digest is five keys long");
            keys.n_used += key.len();
            if key != [0; 4] {
                return key;
            }
        }
    }
}

impl Keys {
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
/// What one vector instruction takes.
const BLOCK_LEN: usize = 16;
