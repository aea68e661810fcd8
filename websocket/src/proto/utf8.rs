//! The check of a text that comes in pieces (RFC 6455 §8.1).

use std::str;

/// What is known of a text so far: whether it ends inside a code point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Utf8 {
    /// The beginning of a code point whose rest is not there.
    begun: [u8; 4],
    n_begun: u8,
}

/// The text is no UTF-8, whatever may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Invalid;

impl Utf8 {
    /// Takes the next piece of the text.
    pub(super) fn check(&mut self, piece: &[u8]) -> Result<(), Invalid> {
        let mut rest = piece;
        while self.n_begun > 0 {
            let Some((octet, behind)) = rest.split_first() else {
                return Ok(());
            };
            self.complete(*octet)?;
            rest = behind;
        }
        let Err(error) = str::from_utf8(rest) else {
            return Ok(());
        };
        // Without a length, the text ends inside a code point that is right so far.
        if error.error_len().is_some() {
            return Err(Invalid);
        }
        let tail = &rest[error.valid_up_to()..];
        self.begun[..tail.len()].copy_from_slice(tail);
        self.n_begun = tail.len() as u8;
        Ok(())
    }

    /// Takes one more octet of the code point that has begun.
    fn complete(&mut self, octet: u8) -> Result<(), Invalid> {
        let len = usize::from(self.n_begun) + 1;
        self.begun[len - 1] = octet;
        match str::from_utf8(&self.begun[..len]) {
            Ok(_) => self.n_begun = 0,
            Err(error) if error.error_len().is_none() => self.n_begun += 1,
            Err(_) => return Err(Invalid),
        }
        Ok(())
    }

    /// Tells whether the text may end here.
    pub(super) fn is_complete(self) -> bool {
        self.n_begun == 0
    }
}

/// Tells whether a whole text is UTF-8.
#[inline]
pub(super) fn is_utf8(text: &[u8]) -> bool {
    // Most are ASCII, which takes a fraction of the time to find out.
    is_ascii(text) || str::from_utf8(text).is_ok()
}

/// Tells whether a text is ASCII. That of `std` looks at up to 63 bytes one by one.
#[inline]
fn is_ascii(text: &[u8]) -> bool {
    let words = text.chunks_exact(WORD_LEN);
    let rest = words.remainder().iter().fold(0, |seen, octet| seen | octet);
    let seen = words.fold(0, |seen, word| {
        seen | u64::from_le_bytes(word.try_into().expect("a word is eight bytes long"))
    });
    seen & 0x8080_8080_8080_8080 == 0 && rest & 0x80 == 0
}

const WORD_LEN: usize = 8;
