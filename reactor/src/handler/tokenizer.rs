//! Lines, or tokens before any other delimiter, of bytes that come in pieces.

use std::{fmt, mem};

use bytes::Bytes;

/// Cuts a stream of bytes at its delimiters, for handlers of raw streams.
///
/// It keeps the beginning of a token whose end has not come, and no more of that than the limit.
/// A token that lies in one piece of input shares its memory with it, and so keeps all of that
/// piece: copy what you keep for long.
///
/// ```
/// use astatine_reactor::handler::{Handler, Message, Peer, Tokenizer, Turn};
///
/// struct Greeter {
///     lines: Tokenizer,
/// }
///
/// impl Handler for Greeter {
///     fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
///         let mut input = message.into_payload();
///         loop {
///             match self.lines.next_token(&mut input) {
///                 Ok(Some(name)) => {
///                     let name = String::from_utf8_lossy(&name);
///                     if peer.write(format!("Hello, {name}\r\n")).is_err() {
///                         peer.close();
///                     }
///                 }
///                 Ok(None) => return Turn::Next,
///                 Err(_) => {
///                     peer.close();
///                     return Turn::Next;
///                 }
///             }
///         }
///     }
/// }
///
/// let greeter = Greeter { lines: Tokenizer::lines(256) };
/// # drop(greeter);
/// ```
#[derive(Clone, Debug)]
pub struct Tokenizer {
    delimiter: Box<[u8]>,
    is_line: bool,
    max_bytes: usize,
    /// The beginning of a token, of pieces before.
    kept: Vec<u8>,
    is_lost: bool,
}

/// A line or token is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenTooLong;

impl fmt::Display for TokenTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line or token is longer than the limit")
    }
}

impl std::error::Error for TokenTooLong {}

impl Tokenizer {
    /// Cuts at each LF; a CR before it is part of the line's end.
    ///
    /// # Units
    ///
    /// `max_bytes` counts a line without its end.
    pub fn lines(max_bytes: usize) -> Self {
        Self {
            is_line: true,
            ..Self::delimited(b"\n", max_bytes)
        }
    }

    /// Cuts at each occurrence of the delimiter, the first one first.
    ///
    /// # Units
    ///
    /// `max_bytes` counts a token without its delimiter.
    ///
    /// # Panics
    ///
    /// The delimiter is empty.
    pub fn delimited(delimiter: &[u8], max_bytes: usize) -> Self {
        assert!(!delimiter.is_empty(), "a delimiter has at least one byte");
        Self {
            delimiter: delimiter.into(),
            is_line: false,
            max_bytes,
            kept: Vec::new(),
            is_lost: false,
        }
    }

    /// Takes the next token off the input, without its delimiter; `None` when the input is used
    /// up.
    ///
    /// # Errors
    ///
    /// A token is longer than the limit. From then on every call says so: where the next one would
    /// begin is not looked for.
    pub fn next_token(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, TokenTooLong> {
        let n_end = self.find_end(input);
        // What may yet turn out to be an end does not count: a part of it, or the CR of a line.
        let n_open = if self.is_line {
            1
        } else {
            self.delimiter.len() - 1
        };
        let n_token = match n_end {
            Some(n_end) => self.token_len(input, n_end),
            None => (self.kept.len() + input.len()).saturating_sub(n_open),
        };
        self.is_lost |= n_token > self.max_bytes;
        if self.is_lost {
            return Err(TokenTooLong);
        }
        let Some(n_end) = n_end else {
            self.kept.extend_from_slice(&mem::take(input));
            return Ok(None);
        };
        let mut token = input.split_to(n_end);
        if !self.kept.is_empty() {
            self.kept.extend_from_slice(&token);
            token = mem::take(&mut self.kept).into();
        }
        token.truncate(n_token);
        Ok(Some(token))
    }

    /// Takes what has come behind the last delimiter: when the stream ends, a line without its end.
    pub fn take_rest(&mut self) -> Bytes {
        mem::take(&mut self.kept).into()
    }

    /// Returns where in the input the first delimiter ends, which may have begun in what is kept.
    fn find_end(&self, input: &[u8]) -> Option<usize> {
        let (n_kept, n) = (self.kept.len(), self.delimiter.len());
        let begun = (1..n.min(n_kept + 1)).rev().find(|n_begun| {
            let (begin, end) = self.delimiter.split_at(*n_begun);
            self.kept.ends_with(begin) && input.starts_with(end)
        });
        match begun {
            Some(n_begun) => Some(n - n_begun),
            None if n == 1 => Some(1 + input.iter().position(|byte| *byte == self.delimiter[0])?),
            None => Some(
                n + input
                    .windows(n)
                    .position(|bytes| bytes == &*self.delimiter)?,
            ),
        }
    }

    /// Returns the length of a token whose delimiter ends at `n_end` of the input.
    fn token_len(&self, input: &[u8], n_end: usize) -> usize {
        let n_token = self.kept.len() + n_end - self.delimiter.len();
        let last = match n_end.checked_sub(2) {
            Some(before_end) => input.get(before_end),
            None => self.kept.last(),
        };
        n_token - usize::from(self.is_line && last == Some(&b'\r'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds pieces, and returns the tokens, whether one was too long, and the rest.
    fn cut<'a>(
        tokenizer: &Tokenizer,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Vec<Bytes>, bool, Bytes) {
        let mut tokenizer = tokenizer.clone();
        let (mut tokens, mut is_lost) = (Vec::new(), false);
        for piece in pieces {
            let mut input = Bytes::copy_from_slice(piece);
            loop {
                match tokenizer.next_token(&mut input) {
                    Ok(Some(token)) => tokens.push(token),
                    Ok(None) => break,
                    Err(TokenTooLong) => {
                        is_lost = true;
                        break;
                    }
                }
            }
            assert!(is_lost || input.is_empty());
        }
        (tokens, is_lost, tokenizer.take_rest())
    }

    #[test]
    fn tokens_are_the_same_wherever_the_stream_is_cut() {
        let lines = Tokenizer::lines(3);
        let pairs = Tokenizer::delimited(b"\r\n", 3);
        let overlaps = Tokenizer::delimited(b"aab", 2);
        let repeats = Tokenizer::delimited(b"aaa", 2);
        for (tokenizer, stream, tokens, is_lost, rest) in [
            (
                &lines,
                "a\nbc\r\n\n\r\nd",
                &["a", "bc", "", ""][..],
                false,
                "d",
            ),
            (&lines, "a\rb\n\r\r\n", &["a\rb", "\r"], false, ""),
            (&lines, "abc\r\nabc\nabcd\nx\n", &["abc", "abc"], true, ""),
            (&lines, "abc\r\r\n", &[], true, ""),
            (
                &pairs,
                "abc\r\n\n\r\na\nb\r\n",
                &["abc", "\n", "a\nb"],
                false,
                "",
            ),
            (&pairs, "\r\r\nabc\r\r\n", &["\r"], true, ""),
            (&overlaps, "aaab-aabaab", &["a", "-", ""], false, ""),
            (&overlaps, "xaxaabcc", &[], true, ""),
            (&repeats, "xaaaay", &["x"], false, "ay"),
        ] {
            let whole = cut(tokenizer, [stream.as_bytes()]);
            assert_eq!(whole.0, tokens, "{stream:?}");
            assert_eq!(whole.1, is_lost, "{stream:?}");
            if !is_lost {
                assert_eq!(whole.2, rest, "{stream:?}");
            }
            let bytes = cut(tokenizer, stream.as_bytes().chunks(1));
            assert_eq!((&bytes.0, bytes.1), (&whole.0, whole.1), "{stream:?}");
            for at in 0..=stream.len() {
                let (one, two) = stream.as_bytes().split_at(at);
                let halves = cut(tokenizer, [one, two]);
                assert_eq!(
                    (&halves.0, halves.1),
                    (&whole.0, whole.1),
                    "{stream:?} {at}"
                );
            }
        }
    }

    #[test]
    fn a_token_within_one_piece_is_not_copied() {
        let mut input = Bytes::from("one\ntwo\n");
        let begin = input.as_ptr();
        let mut lines = Tokenizer::lines(10);
        assert_eq!(
            lines.next_token(&mut input).unwrap().unwrap().as_ptr(),
            begin
        );
        let two = lines.next_token(&mut input).unwrap().unwrap();
        assert_eq!(two.as_ptr(), begin.wrapping_add(4));
    }

    #[test]
    fn a_token_beyond_the_limit_is_refused_before_it_is_kept() {
        let mut lines = Tokenizer::lines(10);
        let mut input = Bytes::from(vec![b'x'; 1000]);
        assert_eq!(lines.next_token(&mut input), Err(TokenTooLong));
        assert_eq!(lines.take_rest(), "");
        let mut later = Bytes::from("a\n");
        assert_eq!(lines.next_token(&mut later), Err(TokenTooLong));
    }

    #[test]
    fn an_end_that_may_have_begun_is_all_that_is_kept_beyond_the_limit() {
        for (mut tokenizer, n_kept) in [
            (Tokenizer::lines(10), 11),
            (Tokenizer::delimited(b";", 10), 10),
            (Tokenizer::delimited(b"1234", 10), 13),
        ] {
            let drip = |_: &_| tokenizer.next_token(&mut Bytes::from("x")).is_ok();
            assert_eq!((0..20).take_while(drip).count(), n_kept);
        }
    }

    proptest! {
        #[test]
        fn random_pieces_make_the_tokens_that_a_split_makes(
            stream in "[ab]{0,60}",
            delimiter in "[ab]{1,4}",
            cuts in prop::collection::vec(0..60_usize, 0..8),
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().map(|at| at.min(stream.len())).collect();
            cuts.sort_unstable();
            let ends = cuts.iter().copied().chain([stream.len()]);
            let begins = [0].into_iter().chain(cuts.iter().copied());
            let pieces = begins.zip(ends).map(|(begin, end)| &stream.as_bytes()[begin..end]);
            let tokenizer = Tokenizer::delimited(delimiter.as_bytes(), usize::MAX);
            let (mut seen, _, rest) = cut(&tokenizer, pieces);
            seen.push(rest);
            let expected: Vec<_> = stream.split(&*delimiter).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
