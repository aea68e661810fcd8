//! The value of a field without a second look at its octets.
#![expect(
    unsafe_code,
    reason = "the check that it spares is a twelfth of a browser's request"
)]

use bytes::Bytes;
use http::HeaderValue;

use super::octet;

/// Octets of a block of memory that were looked at and have no controls but the tab. Only
/// [`Value::read`] makes one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    block: &'a Bytes,
    start: usize,
    end: usize,
}

impl<'a> Value<'a> {
    /// Reads from `start` to the first control but the tab, which stands at the place returned, and
    /// leaves out the white space before it. `None` where there is none.
    #[inline]
    pub(super) fn read(block: &'a Bytes, start: usize) -> Option<(Self, usize)> {
        let octets = &block[start..];
        let control = octet::find_control(octets)?;
        let mut end = start + control;
        // Only white space is as low as a space.
        if let [.., ..=b' '] = octets[..control] {
            end = start + octets[..control].trim_ascii_end().len();
        }
        Some((Self { block, start, end }, start + control))
    }

    /// Makes an empty one.
    #[inline]
    pub(super) fn empty(block: &'a Bytes) -> Self {
        Self {
            block,
            start: 0,
            end: 0,
        }
    }

    /// Returns the octets.
    #[inline]
    pub(super) fn octets(self) -> &'a [u8] {
        &self.block[self.start..self.end]
    }

    /// Makes a header's value, which shares the block.
    #[inline]
    pub(super) fn share(self) -> HeaderValue {
        let octets = self.block.slice(self.start..self.end);
        debug_assert_eq!(octet::find_control(&octets), None);
        // SAFETY: what a value may not have is the controls but the tab, and `read` has looked for
        // them: the tests of `find_control` hold it to what `HeaderValue::from_bytes` refuses. The
        // fields are private, and a block of `Bytes` does not change.
        unsafe { HeaderValue::from_maybe_shared_unchecked(octets) }
    }
}
