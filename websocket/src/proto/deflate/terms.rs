//! The terms that both ends agreed on (RFC 7692 §7.1).

/// What each end may assume of the other's compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// What the server compresses with, and the client inflates with.
    pub server: Direction,
    /// What the client compresses with, and the server inflates with.
    pub client: Direction,
}

/// The terms of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Direction {
    /// What is kept between messages.
    pub context: Context,
    /// How far back a message may refer.
    pub window_bits: WindowBits,
}

/// What a compressor keeps from one message to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Context {
    /// Nothing: each message stands alone (`no_context_takeover`).
    #[default]
    PerMessage,
    /// The window, so that messages may refer to earlier ones.
    Kept,
}

/// The size of a window as a power of two, from 9 to 15.
///
/// RFC 7692 has 8 as well, but zlib has no compressor for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowBits(u8);

impl WindowBits {
    /// 15, a window of 32 KiB.
    pub const MAX: Self = Self(15);

    /// Returns the size if there is one of so many bits.
    pub const fn new(bits: u8) -> Option<Self> {
        match bits {
            9..=15 => Some(Self(bits)),
            _ => None,
        }
    }

    /// Returns the number of bits.
    pub const fn value(self) -> u8 {
        self.0
    }
}
