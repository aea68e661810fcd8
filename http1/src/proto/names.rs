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
    ends: Ends,
    /// The bits of the ends that may not be of either case.
    fixed: (u64, u64),
}

/// The first and the last octets of a name, eight of each where there are as many, and its length:
/// all there is of a name of up to sixteen octets.
#[derive(Clone, Copy, Debug)]
struct Ends {
    first: u64,
    last: u64,
    len: usize,
}

impl Ends {
    #[inline]
    const fn of(name: &[u8]) -> Self {
        let len = name.len();
        let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
                (Some(first), Some(last)) => (
                    u32::from_le_bytes(*first) as u64,
                    u32::from_le_bytes(*last) as u64,
                ),
                _ => match *name {
                    [] => (0, 0),
                    [a] => (a as u64, 0),
                    [a, b] => (a as u64, b as u64),
                    [a, b, c, ..] => (a as u64 | (b as u64) << 8, c as u64),
                },
            },
        };
        Self { first, last, len }
    }

    #[inline]
    const fn slot(self) -> usize {
        let mixed = (self.first | FOLD).wrapping_add((self.last | FOLD).wrapping_mul(FACTOR));
        (mixed.wrapping_mul(FACTOR) >> (u64::BITS - SLOT_BITS)) as usize
    }
}

/// Finds the name of a field in the table.
///
/// What is not found may still be a name, or no token at all (RFC 9110 §5.1).
#[inline(always)]
pub(super) fn find(name: &[u8]) -> Option<&'static Known> {
    // Every request has it, and nearly every client spells it so.
    if name == b"Host" {
        return Some(&KNOWN[HOST]);
    }
    let ends = Ends::of(name);
    let mut slot = ends.slot();
    loop {
        let known = KNOWN.get(usize::from(SLOTS[slot]))?;
        let first = (known.ends.first ^ ends.first) & known.fixed.0;
        let last = (known.ends.last ^ ends.last) & known.fixed.1;
        if known.ends.len == ends.len
            && first | last == 0
            && (ends.len <= 16 || has_middle(known.text.as_bytes(), name))
        {
            return Some(known);
        }
        slot = (slot + 1) % N_SLOTS;
    }
}

/// Returns the bits of a known name's octets that tell the cases of a letter apart. Known names are
/// of lower case, and their letters have bit 6, which `-` and digits have not.
const fn case_bits(known: u64) -> u64 {
    (known >> 1) & FOLD
}

/// Compares what lies between the ends of two names of the same length.
#[inline(always)]
fn has_middle(known: &[u8], name: &[u8]) -> bool {
    let (mut known, mut name) = (&known[8..], &name[8..]);
    while let (Some((eight, known_behind)), Some((other, behind))) =
        (known.split_first_chunk(), name.split_first_chunk())
    {
        let eight = u64::from_le_bytes(*eight);
        if (eight ^ u64::from_le_bytes(*other)) & !case_bits(eight) != 0 {
            return false;
        }
        (known, name) = (known_behind, behind);
    }
    true
}

const FOLD: u64 = 0x2020_2020_2020_2020;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Where each name stands in [`KNOWN`], by its ends; a slot beyond the names is empty.
static SLOTS: [u8; N_SLOTS] = {
    let mut slots = [u8::MAX; N_SLOTS];
    let mut index = 0;
    while index < TEXTS.len() {
        let mut slot = Ends::of(TEXTS[index].as_bytes()).slot();
        while slots[slot] != u8::MAX {
            slot = (slot + 1) % N_SLOTS;
        }
        slots[slot] = index as u8;
        index += 1;
    }
    slots
};

/// Where the name stands in [`KNOWN`] that every request has.
const HOST: usize = {
    let mut index = 0;
    while !matches!(TEXTS[index].as_bytes(), b"host") {
        index += 1;
    }
    index
};

const SLOT_BITS: u32 = 9;
const N_SLOTS: usize = 1 << SLOT_BITS;

macro_rules! names {
    ($($name:literal $role:ident,)*) => {
        const TEXTS: &[&str] = &[$($name),*];
        static KNOWN: [Known; TEXTS.len()] = [$(Known {
            name: HeaderName::from_static($name),
            role: Role::$role,
            text: $name,
            ends: Ends::of($name.as_bytes()),
            fixed: {
                let ends = Ends::of($name.as_bytes());
                (!case_bits(ends.first), !case_bits(ends.last))
            },
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
                for octet in 0..=u8::MAX {
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
