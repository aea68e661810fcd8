//! Header names from a table: a known name costs a hash and a few word compares, no allocation.
//!
//! [`HeaderName::from_bytes`] costs twice as much for standard names, and allocates for the
//! others that every browser and proxy sends.

use http::HeaderName;

/// What a field means to the framing of a message and to the life of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    Other,
    Connection,
    ContentLength,
    Expect,
    Host,
    Te,
    TransferEncoding,
}

/// A name of the table.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: HeaderName,
    pub(super) role: Role,
    text: &'static str,
}

/// Finds the name of a field in the table. No octet may be CR, which a line has none of.
///
/// What is not found may still be a name, or no token at all (RFC 9110 §5.1).
pub(super) fn find(name: &[u8]) -> Option<&'static Known> {
    let mut slot = hash(name);
    loop {
        let known = KNOWN.get(usize::from(SLOTS[slot]))?;
        if equals(known.text.as_bytes(), name) {
            return Some(known);
        }
        slot = (slot + 1) % N_SLOTS;
    }
}

/// Compares without case. Setting bit 5 folds the letters; of the other octets, only CR folds onto
/// one of the table's names, which are letters and `-`.
fn equals(known: &[u8], name: &[u8]) -> bool {
    if known.len() != name.len() {
        return false;
    }
    let (mut a, mut b) = (known, name);
    while let (Some((a_word, a_rest)), Some((b_word, b_rest))) =
        (a.split_first_chunk::<8>(), b.split_first_chunk::<8>())
    {
        if u64::from_ne_bytes(*a_word) != u64::from_ne_bytes(*b_word) | FOLD {
            return false;
        }
        (a, b) = (a_rest, b_rest);
    }
    // What is left is compared with what was, where the name is long enough: one word more.
    if let (Some(a), Some(b)) = (known.last_chunk::<8>(), name.last_chunk::<8>()) {
        return u64::from_ne_bytes(*a) == u64::from_ne_bytes(*b) | FOLD;
    }
    if let (Some(a_start), Some(b_start), Some(a_end), Some(b_end)) = (
        known.first_chunk::<4>(),
        name.first_chunk::<4>(),
        known.last_chunk::<4>(),
        name.last_chunk::<4>(),
    ) {
        let fold = |chunk: &[u8; 4]| u32::from_ne_bytes(*chunk) | FOLD as u32;
        return fold(a_start) == fold(b_start) && fold(a_end) == fold(b_end);
    }
    a.iter().zip(b).all(|(a, b)| *a == *b | 0x20)
}

const FOLD: u64 = 0x2020_2020_2020_2020;

const fn hash(name: &[u8]) -> usize {
    let len = name.len();
    if len == 0 {
        return 0;
    }
    let (first, middle, last) = (name[0] | 0x20, name[len / 2] | 0x20, name[len - 1] | 0x20);
    (first as usize * 7 + middle as usize * 31 + last as usize * 3 + len * 53) % N_SLOTS
}

/// Where each name stands in [`KNOWN`], by its hash; a slot beyond the names is empty.
static SLOTS: [u8; N_SLOTS] = {
    let mut slots = [u8::MAX; N_SLOTS];
    let mut index = 0;
    while index < TEXTS.len() {
        let mut slot = hash(TEXTS[index].as_bytes());
        while slots[slot] != u8::MAX {
            slot = (slot + 1) % N_SLOTS;
        }
        slots[slot] = index as u8;
        index += 1;
    }
    slots
};

const N_SLOTS: usize = 512;

macro_rules! names {
    ($($name:literal $role:ident,)*) => {
        const TEXTS: &[&str] = &[$($name),*];
        static KNOWN: [Known; TEXTS.len()] = [$(Known {
            name: HeaderName::from_static($name),
            role: Role::$role,
            text: $name,
        }),*];
    };
}

names! {
    "accept" Other,
    "accept-charset" Other,
    "accept-encoding" Other,
    "accept-language" Other,
    "access-control-request-headers" Other,
    "access-control-request-method" Other,
    "authorization" Other,
    "cache-control" Other,
    "connection" Connection,
    "content-disposition" Other,
    "content-encoding" Other,
    "content-language" Other,
    "content-length" ContentLength,
    "content-location" Other,
    "content-range" Other,
    "content-type" Other,
    "cookie" Other,
    "date" Other,
    "dnt" Other,
    "expect" Expect,
    "forwarded" Other,
    "from" Other,
    "host" Host,
    "if-match" Other,
    "if-modified-since" Other,
    "if-none-match" Other,
    "if-range" Other,
    "if-unmodified-since" Other,
    "keep-alive" Other,
    "last-event-id" Other,
    "last-modified" Other,
    "link" Other,
    "max-forwards" Other,
    "origin" Other,
    "pragma" Other,
    "priority" Other,
    "proxy-authorization" Other,
    "proxy-connection" Other,
    "purpose" Other,
    "range" Other,
    "referer" Other,
    "sec-ch-ua" Other,
    "sec-ch-ua-arch" Other,
    "sec-ch-ua-bitness" Other,
    "sec-ch-ua-full-version-list" Other,
    "sec-ch-ua-mobile" Other,
    "sec-ch-ua-model" Other,
    "sec-ch-ua-platform" Other,
    "sec-ch-ua-platform-version" Other,
    "sec-fetch-dest" Other,
    "sec-fetch-mode" Other,
    "sec-fetch-site" Other,
    "sec-fetch-storage-access" Other,
    "sec-fetch-user" Other,
    "sec-gpc" Other,
    "sec-purpose" Other,
    "sec-websocket-accept" Other,
    "sec-websocket-extensions" Other,
    "sec-websocket-key" Other,
    "sec-websocket-protocol" Other,
    "sec-websocket-version" Other,
    "server-timing" Other,
    "te" Te,
    "traceparent" Other,
    "tracestate" Other,
    "trailer" Other,
    "transfer-encoding" TransferEncoding,
    "upgrade" Other,
    "upgrade-insecure-requests" Other,
    "user-agent" Other,
    "via" Other,
    "warning" Other,
    "x-correlation-id" Other,
    "x-csrf-token" Other,
    "x-forwarded-for" Other,
    "x-forwarded-host" Other,
    "x-forwarded-port" Other,
    "x-forwarded-proto" Other,
    "x-real-ip" Other,
    "x-request-id" Other,
    "x-requested-with" Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_table_is_found_in_any_case() {
        for name in TEXTS {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
            let upper = name.to_ascii_uppercase();
            assert_eq!(
                find(name.as_bytes()).map(|known| known.name.as_str()),
                Some(*name)
            );
            assert_eq!(
                find(upper.as_bytes()).map(|known| known.name.as_str()),
                Some(*name)
            );
        }
    }

    #[test]
    fn nothing_else_is_taken_for_a_name_of_the_table() {
        for name in TEXTS {
            for at in 0..name.len() {
                for octet in (0..=u8::MAX).filter(|b| *b != b'\r') {
                    let mut other = name.as_bytes().to_vec();
                    other[at] = octet;
                    let expected = HeaderName::from_bytes(&other).ok();
                    if let Some(known) = find(&other) {
                        assert_eq!(Some(&known.name), expected.as_ref());
                    }
                }
            }
        }
    }

    #[test]
    fn an_unknown_name_is_not_found() {
        for name in [&b""[..], b"x", b"x-unheard-of", b"hosts", b"hos"] {
            assert!(find(name).is_none());
        }
    }
}
