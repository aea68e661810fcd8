//! The value of a field without a second look at its octets.
#![expect(
    unsafe_code,
    reason = "the check that it spares is a twelfth of a browser's request"
)]

use bytes::Bytes;
use http::HeaderValue;

use super::octet;

/// Makes a value of octets in which [`octet::find_control`] found nothing.
#[inline]
pub(super) fn of_judged(octets: Bytes) -> HeaderValue {
    debug_assert_eq!(octet::find_control(&octets), None);
    // SAFETY: what a value may not have is the controls but the tab, and the caller has looked for
    // them: the tests of `find_control` hold it to what `HeaderValue::from_bytes` refuses.
    unsafe { HeaderValue::from_maybe_shared_unchecked(octets) }
}
