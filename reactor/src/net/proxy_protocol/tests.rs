//! Headers whole, byte by byte, and cut at each point.

use super::HeaderError::{Addresses, Command, Extension, Family, Line, LineTooLong, Signature};
use super::*;

/// Reads as the service does: never more than is said to be missing, and `at_most` at once.
/// Returns the result and how many bytes were taken.
fn take(bytes: &[u8], at_most: usize) -> (Option<Result<Header, HeaderError>>, usize) {
    let mut n_taken = 0;
    loop {
        let n_missing = match read(&bytes[..n_taken]) {
            Ok(Reading::Missing(n_missing)) => n_missing,
            Ok(Reading::Complete(header)) => return (Some(Ok(header)), n_taken),
            Err(error) => return (Some(Err(error)), n_taken),
        };
        assert_ne!(n_missing, 0, "it waits for nothing");
        if n_taken == bytes.len() {
            return (None, n_taken);
        }
        n_taken += n_missing.min(at_most).min(bytes.len() - n_taken);
    }
}

/// Checks a header with and without bytes behind it, in pieces of each size, and cut short.
#[track_caller]
fn check(header: &[u8], expected: Result<Header, HeaderError>) {
    let followed = [header, b"\r\nGET / HTTP/1.1\r\n"].concat();
    for at_most in 1..=header.len() + 1 {
        for bytes in [header, &followed] {
            let (result, n_taken) = take(bytes, at_most);
            assert_eq!(result.as_ref(), Some(&expected), "in pieces of {at_most}");
            if expected.is_ok() {
                assert_eq!(n_taken, header.len(), "in pieces of {at_most}");
            }
        }
    }
    if expected.is_ok() {
        for cut in 0..header.len() {
            assert_eq!(take(&header[..cut], usize::MAX), (None, cut));
        }
    }
}

fn tcp(source: &str, destination: &str) -> Header {
    Header::Proxied {
        source: Address::Tcp(source.parse().unwrap()),
        destination: Address::Tcp(destination.parse().unwrap()),
    }
}

/// Puts a header of version 2 together.
fn binary(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [SIGNATURE_2, &[command, family], &len, payload].concat()
}

const ENDS_4: &[u8] = &[192, 0, 2, 1, 198, 51, 100, 2, 0x12, 0x34, 0, 80];

#[test]
fn a_line_names_both_ends() {
    check(
        b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n",
        Ok(tcp("192.0.2.1:56324", "198.51.100.2:443")),
    );
    check(
        b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n",
        Ok(tcp("0.0.0.0:0", "0.0.0.0:0")),
    );
    check(
        b"PROXY TCP6 2001:db8::1 ::1 1 65535\r\n",
        Ok(tcp("[2001:db8::1]:1", "[::1]:65535")),
    );
    check(
        b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n",
        Ok(tcp("192.0.2.1:1", "[::1]:2")),
    );
}

#[test]
fn a_line_without_addresses_leaves_the_proxy_s_own() {
    check(b"PROXY UNKNOWN\r\n", Ok(Header::Own));
    check(b"PROXY UNKNOWN anything at all\r\n", Ok(Header::Own));
    let full = [b"PROXY UNKNOWN ", [b'f'; 91].as_slice(), b"\r\n"].concat();
    assert_eq!(full.len(), MAX_LINE_BYTES);
    check(&full, Ok(Header::Own));
}

#[test]
fn a_line_longer_than_107_bytes_is_refused() {
    let long = [b"PROXY UNKNOWN ", [b'f'; 92].as_slice(), b"\r\n"].concat();
    check(&long, Err(LineTooLong));
    let long = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
    check(&long, Err(LineTooLong));
}

#[test]
fn a_malformed_line_is_refused() {
    let lines: &[&[u8]] = &[
        b"PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 1\r\n",
        b"PROXY TCP4  192.0.2.1 198.51.100.2 56324 443\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 \r\n",
        b"PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
        b"PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n\r\n",
        b"PROXY TCP4 192.0.2.1\r198.51.100.2 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        b"PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n",
        b"PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n",
        b"PROXY UNKNOWNS 1 2\r\n",
        b"PROXY TCP4 192.0.2.\xff 198.51.100.2 1 2\r\n",
    ];
    for line in lines {
        check(line, Err(Line));
    }
}

#[test]
fn what_begins_as_no_header_is_refused_at_the_first_byte_that_differs() {
    for bytes in [
        "GET / HTTP/1.1\r\n",
        "proxy TCP4 1",
        "\r\n\r\nGET / HTTP",
        "\x16\x03",
    ] {
        check(bytes.as_bytes(), Err(Signature));
    }
    let (_, n_taken) = take(b"PROXIES", 1);
    assert_eq!(n_taken, b"PROXI".len());
}

#[test]
fn the_binary_header_names_both_ends() {
    check(
        &binary(PROXY, TCP4, ENDS_4),
        Ok(tcp("192.0.2.1:4660", "198.51.100.2:80")),
    );
    let mut ends = [0; 36];
    (ends[0], ends[1], ends[15], ends[31]) = (0x20, 0x01, 1, 1);
    (ends[33], ends[35]) = (5, 6);
    check(
        &binary(PROXY, TCP6, &ends),
        Ok(tcp("[2001::1]:5", "[::1]:6")),
    );
    let mut paths = [0; 216];
    paths[..6].copy_from_slice(b"/run/a");
    paths[109..112].copy_from_slice(b"abs");
    check(
        &binary(PROXY, UNIX_STREAM, &paths),
        Ok(Header::Proxied {
            source: Address::Unix(Some("/run/a".into())),
            destination: Address::Unix(None),
        }),
    );
}

#[test]
fn a_local_connection_and_one_of_no_family_keep_their_address() {
    check(&binary(LOCAL, UNSPEC, b""), Ok(Header::Own));
    check(&binary(LOCAL, 0xff, b"whatever it says"), Ok(Header::Own));
    check(&binary(LOCAL, TCP4, ENDS_4), Ok(Header::Own));
    check(&binary(PROXY, UNSPEC, b"whatever"), Ok(Header::Own));
}

#[test]
fn extensions_are_skipped_but_have_to_fit() {
    let with = |extensions: &[u8]| binary(PROXY, TCP4, &[ENDS_4, extensions].concat());
    let good = Ok(tcp("192.0.2.1:4660", "198.51.100.2:80"));
    check(&with(b"\x04\0\0"), good.clone());
    check(&with(b"\x01\0\x02h2\x02\0\x05a.com"), good.clone());
    check(
        &with(&[b"\xea\x10\0".as_slice(), &[7; 4096]].concat()),
        good,
    );
    check(&with(b"\x04"), Err(Extension));
    check(&with(b"\x04\0"), Err(Extension));
    check(&with(b"\x04\0\x01"), Err(Extension));
    check(&with(b"\x01\0\x02h2\x02\xff\xffa.com"), Err(Extension));
}

#[test]
fn a_binary_header_that_does_not_add_up_is_refused() {
    check(&binary(0x11, TCP4, ENDS_4), Err(Command));
    check(&binary(0x22, TCP4, ENDS_4), Err(Command));
    check(&binary(PROXY, 0x12, ENDS_4), Err(Family));
    check(&binary(PROXY, 0x41, ENDS_4), Err(Family));
    check(&binary(PROXY, TCP4, &ENDS_4[..11]), Err(Addresses));
    check(&binary(PROXY, TCP6, ENDS_4), Err(Addresses));
    check(&binary(PROXY, UNIX_STREAM, &[0; 215]), Err(Addresses));
}
