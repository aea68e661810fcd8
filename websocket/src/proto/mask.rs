//! The masking of a client's payloads (RFC 6455 §5.3), and the keys for it.

use std::fmt;

use sha1::{Digest, Sha1};

/// Masks a piece of a payload, or unmasks it. `offset` is where in the payload it begins.
#[inline]
pub(super) fn apply(piece: &mut [u8], key: [u8; 4], offset: usize) {
    // Read before anything is written: a read across fresh writes has to wait for them.
    let last: Option<[u8; WORD_LEN]> = piece.last_chunk().copied();
    let (last_mask, mask) = (word_of(key, offset + piece.len()), word_of(key, offset));
    let mut blocks = piece.chunks_exact_mut(BLOCK_LEN);
    for block in &mut blocks {
        for word in block.chunks_exact_mut(WORD_LEN) {
            apply_word(word, mask);
        }
    }
    let mut words = blocks.into_remainder().chunks_exact_mut(WORD_LEN);
    for word in &mut words {
        apply_word(word, mask);
    }
    let rest = words.into_remainder();
    if rest.is_empty() {
        return;
    }
    match (last, piece.last_chunk_mut::<WORD_LEN>()) {
        (Some(last), Some(place)) => *place = (u64::from_le_bytes(last) ^ last_mask).to_le_bytes(),
        _ => {
            for (octet, mask) in piece.iter_mut().zip(mask.to_le_bytes()) {
                *octet ^= mask;
            }
        }
    }
}

/// Repeats the key from a place in the payload on.
#[inline(always)]
fn word_of(key: [u8; 4], offset: usize) -> u64 {
    let key = u32::from_le_bytes(key).rotate_right(8 * (offset % 4) as u32);
    u64::from(key) << 32 | u64::from(key)
}

#[inline(always)]
fn apply_word(word: &mut [u8], mask: u64) {
    let octets = (&*word).try_into().expect("a word is eight bytes long");
    word.copy_from_slice(&(u64::from_le_bytes(octets) ^ mask).to_le_bytes());
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
const WORD_LEN: usize = 8;
/// What the compiler makes vector instructions of.
const BLOCK_LEN: usize = 64;
