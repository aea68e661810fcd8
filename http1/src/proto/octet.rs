//! Finds an octet, eight at a time.

/// Returns where the octet first stands.
pub(super) fn find(octet: u8, octets: &[u8]) -> Option<usize> {
    let pattern = u64::from_ne_bytes([octet; 8]);
    let mut at = 0;
    while let Some(word) = octets.get(at..at + 8).and_then(<[u8]>::first_chunk) {
        // A zero octet of the difference is where they are equal. The borrow of the subtraction
        // can only mark octets behind the first.
        let difference = u64::from_le_bytes(*word) ^ pattern;
        let zeros = difference.wrapping_sub(LOWEST_BITS) & !difference & HIGHEST_BITS;
        if zeros != 0 {
            return Some(at + (zeros.trailing_zeros() >> 3) as usize);
        }
        at += 8;
    }
    while let Some(other) = octets.get(at) {
        if *other == octet {
            return Some(at);
        }
        at += 1;
    }
    None
}

const LOWEST_BITS: u64 = 0x0101_0101_0101_0101;
const HIGHEST_BITS: u64 = 0x8080_8080_8080_8080;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_at_any_place_among_any_neighbours() {
        for neighbour in [0, b'\r' - 1, b'\r' + 1, b'\r' | 0x80, 0xff] {
            for len in 0..40 {
                let mut octets = vec![neighbour; len];
                assert_eq!(find(b'\r', &octets), None);
                for at in (0..len).rev() {
                    octets[at] = b'\r';
                    assert_eq!(find(b'\r', &octets), Some(at));
                }
            }
        }
    }
}
