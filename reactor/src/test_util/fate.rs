//! What becomes of each call on a faulty stream.

use std::task::Waker;

use super::faults::{Cut, Faults, Pieces};

/// The faults of one stream, and how far it has come.
#[derive(Debug)]
pub(super) struct Fate {
    read: Lane,
    write: Lane,
    cut: Option<Cut>,
    is_reset: bool,
    /// Who waits for input, and has to hear of a reset.
    reader: Option<Waker>,
}

/// The answer to one call.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing yet; the caller is woken at once.
    NotReady,
    Interrupted,
    /// At most so many bytes.
    Piece(usize),
    /// The end of the input.
    End,
    Reset,
}

/// One direction.
#[derive(Debug)]
struct Lane {
    pieces: Pieces,
    random: u64,
    n_bytes: u64,
    n_calls: u64,
    /// What was granted and is not used yet: the stream below had nothing to give.
    granted: Option<usize>,
}

/// So many bytes of a direction go one by one.
const ALONE_BYTES: u64 = 64 << 10;
const LARGER_PIECE_BYTES: usize = 1 << 10;

impl Fate {
    pub(super) fn new(faults: &Faults) -> Self {
        Self {
            read: Lane::new(&faults.pieces, 0x5EAD),
            write: Lane::new(&faults.pieces, 0x3717),
            cut: faults.cut,
            is_reset: false,
            reader: None,
        }
    }

    /// Tells whether a read finds the end or a reset.
    pub(super) fn has_no_input_left(&self) -> bool {
        let end = match self.cut {
            Some(Cut::InputEnds(end) | Cut::ResetBehindRead(end)) => end,
            Some(Cut::ResetBehindWritten(_)) | None => u64::MAX,
        };
        self.is_reset || self.read.n_bytes == end
    }

    /// Decides about a read of at most `wanted` bytes.
    pub(super) fn of_read(&mut self, wanted: usize) -> Verdict {
        if self.is_reset {
            return Verdict::Reset;
        }
        let (end, at_end) = match self.cut {
            Some(Cut::InputEnds(end)) => (end, Verdict::End),
            Some(Cut::ResetBehindRead(end)) => (end, Verdict::Reset),
            Some(Cut::ResetBehindWritten(_)) | None => (u64::MAX, Verdict::End),
        };
        let left = end - self.read.n_bytes;
        if left == 0 {
            self.is_reset = matches!(at_end, Verdict::Reset);
            return at_end;
        }
        self.read.next(cap(wanted, left))
    }

    /// Decides about a write of `wanted` bytes.
    pub(super) fn of_write(&mut self, wanted: usize) -> Verdict {
        let left = match self.cut {
            Some(Cut::ResetBehindWritten(end)) => end - self.write.n_bytes,
            _ => u64::MAX,
        };
        self.is_reset |= left == 0;
        if self.is_reset {
            return Verdict::Reset;
        }
        self.write.next(cap(wanted, left))
    }

    /// Decides about a call that moves no bytes.
    pub(super) fn of_end(&mut self) -> Verdict {
        if self.is_reset {
            return Verdict::Reset;
        }
        self.write.next(1)
    }

    pub(super) fn waits_for_input(&mut self, reader: &Waker) {
        self.reader = Some(reader.clone());
    }

    pub(super) fn has_read(&mut self, n_bytes: usize) {
        self.read.done(n_bytes);
    }

    pub(super) fn has_written(&mut self, n_bytes: usize) {
        self.write.done(n_bytes);
        if self.cut == Some(Cut::ResetBehindWritten(self.write.n_bytes)) {
            self.is_reset = true;
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
        }
    }
}

fn cap(wanted: usize, left: u64) -> usize {
    usize::try_from(left).map_or(wanted, |left| wanted.min(left))
}

impl Lane {
    fn new(pieces: &Pieces, salt: u64) -> Self {
        let seed = match pieces {
            Pieces::Random(seed) => *seed,
            Pieces::Whole | Pieces::OneByte => 0,
        };
        Self {
            pieces: pieces.clone(),
            random: seed ^ salt,
            n_bytes: 0,
            n_calls: 0,
            granted: None,
        }
    }

    fn next(&mut self, wanted: usize) -> Verdict {
        if let Some(granted) = self.granted {
            return Verdict::Piece(granted.min(wanted));
        }
        self.n_calls += 1;
        let piece = match self.pieces {
            Pieces::Whole => return Verdict::Piece(wanted),
            Pieces::OneByte if self.n_calls % 2 == 1 => return Verdict::NotReady,
            Pieces::OneByte if self.n_calls % 16 == 0 => return Verdict::Interrupted,
            Pieces::OneByte if self.n_bytes < ALONE_BYTES => 1,
            Pieces::OneByte => LARGER_PIECE_BYTES,
            Pieces::Random(_) => match self.roll(8) {
                0 | 1 => return Verdict::NotReady,
                2 => return Verdict::Interrupted,
                3 | 4 => 1,
                5 | 6 => 1 + self.roll(64),
                _ => 1 + self.roll(16 << 10),
            },
        };
        self.granted = Some(piece);
        Verdict::Piece(piece.min(wanted))
    }

    fn done(&mut self, n_bytes: usize) {
        self.n_bytes += n_bytes as u64;
        self.granted = None;
    }

    /// Returns a number below `n`, by splitmix64.
    fn roll(&mut self, n: usize) -> usize {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) as usize % n
    }
}
