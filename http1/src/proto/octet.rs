//! Finds octets and judges them, eight or sixteen at a time where it pays.

/// Returns where the octet first stands.
// Inlined by force, since every field line is looked for its colon: the calls were 5 % of a head.
#[inline(always)]
pub(super) fn find(octet: u8, octets: &[u8]) -> Option<usize> {
    let pattern = u64::from_ne_bytes([octet; 8]);
    let mut at = 0;
    while let Some(word) = word_at(octets, at) {
        // A zero octet of the difference is where they are equal. The borrow of the subtraction
        // can only mark octets behind the first.
        let difference = word ^ pattern;
        let zeros = difference.wrapping_sub(LOWEST_BITS) & !difference & HIGHEST_BITS;
        if zeros != 0 {
            return Some(at + (zeros.trailing_zeros() >> 3) as usize);
        }
        at += 8;
    }
    let mut rest = octets[at..].iter();
    Some(at + rest.position(|other| *other == octet)?)
}

#[inline(always)]
fn word_at(octets: &[u8], at: usize) -> Option<u64> {
    let word = octets.get(at..at + 8)?.first_chunk()?;
    Some(u64::from_le_bytes(*word))
}

/// Tells whether the octets are a token (RFC 9110 §5.6.2).
pub(super) fn is_token(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().all(|octet| TCHAR[usize::from(*octet)])
}

/// Tells whether an octet may stand in a token.
pub(super) fn is_tchar(octet: u8) -> bool {
    TCHAR[usize::from(octet)]
}

/// Returns where the first control stands that no field's value has (RFC 9110 §5.5): any but the
/// tab.
#[inline(always)]
pub(super) fn find_control(octets: &[u8]) -> Option<usize> {
    let mut rest = octets;
    // Of a long value, sixteen at a time go by in few instructions that tell no places.
    while let Some((sixteen, behind)) = rest.split_first_chunk::<16>() {
        if (sixteen.iter()).fold(false, |any, octet| any | (*octet < b' ') | (*octet == DEL)) {
            break;
        }
        rest = behind;
    }
    while let Some((word, behind)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        // An octet below the space borrows, and DEL carries, into a highest bit that was not set.
        // What goes on into the octet behind may mark one that is no control, never hide one.
        let borrowed = word.wrapping_sub(LOWEST_BITS * 0x20) | word.wrapping_add(LOWEST_BITS);
        let marks = borrowed & !word & HIGHEST_BITS;
        if marks == 0 {
            rest = behind;
            continue;
        }
        let at = (marks.trailing_zeros() >> 3) as usize;
        if is_control(rest[at]) {
            return Some(octets.len() - rest.len() + at);
        }
        rest = &rest[at + 1..];
    }
    let at = rest.iter().position(|octet| is_control(*octet))?;
    Some(octets.len() - rest.len() + at)
}

fn is_control(octet: u8) -> bool {
    octet < b' ' && octet != b'\t' || octet == DEL
}

const DEL: u8 = 0x7f;

/// The octets of a token: letters, digits, and fifteen signs.
static TCHAR: [bool; 256] = alphanumeric_and(b"!#$%&'*+-.^_`|~");

/// Makes a table of letters, digits and others.
pub(super) const fn alphanumeric_and(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = (octet as u8).is_ascii_alphanumeric();
        octet += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}

const LOWEST_BITS: u64 = 0x0101_0101_0101_0101;
const HIGHEST_BITS: u64 = 0x8080_8080_8080_8080;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_control_but_the_tab_at_any_place_among_any_neighbours() {
        for octet in 0..=u8::MAX {
            let is_control = http::HeaderValue::from_bytes(&[octet]).is_err();
            for len in 1..36 {
                for at in 0..len {
                    for neighbour in [b' ', b'\t', b'x', 0x80, 0xff] {
                        let mut octets = vec![neighbour; len];
                        octets[at] = octet;
                        octets.extend([0x00, 0x7f]);
                        let expected = if is_control { at } else { len };
                        assert_eq!(find_control(&octets), Some(expected), "{octets:?}");
                        octets.truncate(len);
                        assert_eq!(find_control(&octets), is_control.then_some(at));
                    }
                }
            }
        }
    }

    #[test]
    fn a_token_is_what_a_method_may_be() {
        assert!(!is_token(b""));
        for octet in 0..=u8::MAX {
            let is_allowed = http::Method::from_bytes(&[b'x', octet]).is_ok();
            assert_eq!(is_token(&[b'x', octet]), is_allowed, "{octet:#x}");
        }
    }

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
