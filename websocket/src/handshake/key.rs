//! The key of a handshake, and the proof that it was read (RFC 6455 §1.3).

use http::HeaderValue;
use sha1::{Digest, Sha1};

use crate::error::HandshakeViolation;

/// The key that a client draws anew for each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u8; KEY_LEN]);

impl Key {
    /// Makes the key of a nonce, which nobody should be able to tell beforehand.
    pub fn new(nonce: [u8; 16]) -> Self {
        Self(encode_base64(&nonce))
    }

    /// Takes the key that a client sent: 16 bytes in base64. What they are is not looked at.
    pub(super) fn parse(value: &[u8]) -> Result<Self, HandshakeViolation> {
        let key: [u8; KEY_LEN] = value.try_into().map_err(|_| HandshakeViolation::Key)?;
        let is_key = key.ends_with(b"==") && key[..22].iter().all(|digit| ALPHABET.contains(digit));
        if is_key {
            Ok(Self(key))
        } else {
            Err(HandshakeViolation::Key)
        }
    }

    /// Returns the key as it is sent.
    pub(super) fn value(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).expect("base64 is visible ASCII")
    }

    /// Returns what proves that a server has read the key (RFC 6455 §4.2.2).
    pub(super) fn accept_value(&self) -> HeaderValue {
        let mut hash = Sha1::new();
        hash.update(self.0);
        hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        let accept: [u8; ACCEPT_LEN] = encode_base64(&hash.finalize());
        HeaderValue::from_bytes(&accept).expect("base64 is visible ASCII")
    }
}

/// Encodes by RFC 4648 §4. The output must have the length that the input makes.
fn encode_base64<const LEN: usize>(input: &[u8]) -> [u8; LEN] {
    let mut output = [b'='; LEN];
    for (group, digits) in input.chunks(3).zip(output.chunks_mut(4)) {
        let octet = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        // A group of n octets has n + 1 digits; the rest is filled up.
        for (at, digit) in digits.iter_mut().enumerate().take(group.len() + 1) {
            *digit = ALPHABET[(bits >> (18 - 6 * at) & 0x3f) as usize];
        }
    }
    output
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const KEY_LEN: usize = 24;
const ACCEPT_LEN: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc4648_10_vectors_are_encoded() {
        assert_eq!(&encode_base64::<0>(b""), b"");
        assert_eq!(&encode_base64::<4>(b"f"), b"Zg==");
        assert_eq!(&encode_base64::<4>(b"fo"), b"Zm8=");
        assert_eq!(&encode_base64::<4>(b"foo"), b"Zm9v");
        assert_eq!(&encode_base64::<8>(b"foob"), b"Zm9vYg==");
        assert_eq!(&encode_base64::<8>(b"fooba"), b"Zm9vYmE=");
        assert_eq!(&encode_base64::<8>(b"foobar"), b"Zm9vYmFy");
        assert_eq!(&encode_base64::<4>(&[0xfb, 0xff, 0xbf]), b"+/+/");
    }

    #[test]
    fn rfc6455_1_3_example_has_its_proof() {
        let key = Key::parse(b"dGhlIHNhbXBsZSBub25jZQ==").expect("a key");
        assert_eq!(key, Key::new(*b"the sample nonce"));
        assert_eq!(key.accept_value(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_is_not_sixteen_bytes_in_base64_is_no_key() {
        for value in [
            &b""[..],
            b"dGhlIHNhbXBsZSBub25jZQ",
            b"dGhlIHNhbXBsZSBub25jZQ=A",
            b"dGhlIHNhbXBsZSBub25jZQA=",
            b"dGhlIHNhbXBsZSBub25jZ===",
            b"dGhlIHNhbXBsZSBub25jZQ===",
            b"dGhlIHNhbXBsZSBub25j-Q==",
            b"dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==",
        ] {
            assert_eq!(Key::parse(value), Err(HandshakeViolation::Key));
        }
    }
}
