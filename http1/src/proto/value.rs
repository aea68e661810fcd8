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
    octets: &'a [u8],
}

impl<'a> Value<'a> {
    /// What the empty line has.
    pub(super) const EMPTY: Self = Self { octets: &[] };

    /// Reads to the first control but the tab, and leaves out the white space before it; returns
    /// what begins with the control too. `None` where there is none.
    #[inline]
    pub(super) fn read(octets: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (mut octets, behind) = octets.split_at(octet::find_control(octets)?);
        // Only white space is as low as a space.
        if let [.., ..=b' '] = octets {
            octets = octets.trim_ascii_end();
        }
        Some((Self { octets }, behind))
    }

    /// Returns the octets.
    #[inline]
    pub(super) fn octets(self) -> &'a [u8] {
        self.octets
    }

    /// Makes a header's value, which shares the block.
    ///
    /// # Panics
    ///
    /// The value was not read from the block.
    #[inline]
    pub(super) fn share(self, block: &Bytes) -> HeaderValue {
        let octets = block.slice_ref(self.octets);
        debug_assert_eq!(octet::find_control(&octets), None);
        // SAFETY: what a value may not have is the controls but the tab, and `read` has looked for
        // them: the tests of `find_control` hold it to what `HeaderValue::from_bytes` refuses. The
        // fields are private, and a block of `Bytes` does not change.
        unsafe { HeaderValue::from_maybe_shared_unchecked(octets) }
    }
}
