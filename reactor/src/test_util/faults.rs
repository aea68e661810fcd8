//! What is to go wrong on a stream.

/// A choice of faults. The same choice makes the same faults at the same calls.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub(super) pieces: Pieces,
    pub(super) cut: Option<Cut>,
}

/// How much goes through at once, and what comes between.
#[derive(Clone, Debug, Default)]
pub(super) enum Pieces {
    #[default]
    Whole,
    OneByte,
    Random(u64),
}

/// Where a stream ends before its time, counted in bytes since its begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The peer ends its side in good order behind so many bytes read.
    InputEnds(u64),
    /// The connection is reset behind so many bytes read.
    ResetBehindRead(u64),
    /// The connection is reset behind so many bytes written.
    ResetBehindWritten(u64),
}

impl Faults {
    /// Lets everything through as it is.
    pub fn none() -> Self {
        Self::default()
    }

    /// Gives one byte a read and takes one byte a write, is not ready before each of them, and now
    /// and then interrupted. Behind 64 KiB in a direction the pieces grow to 1 KiB, so that a test
    /// with a long body ends.
    pub fn one_byte() -> Self {
        Self {
            pieces: Pieces::OneByte,
            cut: None,
        }
    }

    /// Gives and takes pieces of random size, small ones more often; one call in four is not
    /// ready, one in eight interrupted.
    pub fn random(seed: u64) -> Self {
        Self {
            pieces: Pieces::Random(seed),
            cut: None,
        }
    }

    /// Ends the stream before its time.
    #[must_use]
    pub fn cut(mut self, cut: Cut) -> Self {
        self.cut = Some(cut);
        self
    }
}
