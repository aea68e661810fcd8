//! Numbers and bytes without a pattern, the same in each run.

/// A xorshift generator.
#[derive(Debug)]
pub(crate) struct Noise(u64);

impl Noise {
    /// Begins a sequence.
    pub(crate) fn new(seed: u64) -> Self {
        // A state of 0 would stay so.
        Self(0x9E37_79B9_7F4A_7C15 ^ seed.wrapping_mul(0xD134_2543_DE82_EF95) | 1 << 63)
    }

    /// Returns a number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap_or_default()
    }

    /// Returns bytes that no compression makes smaller.
    pub(crate) fn bytes(&mut self, n_bytes: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(n_bytes + 8);
        while bytes.len() < n_bytes {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(n_bytes);
        bytes
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
