//! The key of tokens, and the one algorithm that goes with it.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::Value;

use super::claims::Claims;

/// What verifies tokens: a secret, or a public key.
pub(crate) struct Key {
    decoding: DecodingKey,
    validation: Validation,
}

/// A text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadKey {
    /// A secret that can be guessed.
    ShortSecret,
    /// PEM, but of nothing that is understood.
    Pem,
}

impl Key {
    /// Reads a public key in PEM; any other text is a secret.
    ///
    /// The kind of the key decides the algorithm, whatever a token says: else a public key, which
    /// everybody may have, could be used as a secret.
    pub(crate) fn read(text: &str) -> Result<Self, BadKey> {
        let (algorithm, decoding) = if is_pem(text) {
            public_key(text).ok_or(BadKey::Pem)?
        } else {
            (Algorithm::HS256, DecodingKey::from_secret(secret(text)?))
        };
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims::<&str>(&[]);
        validation.validate_nbf = true;
        // Whom a token is for is not ours to know: the key is the hub's own.
        validation.validate_aud = false;
        validation.leeway = 0;
        Ok(Self {
            decoding,
            validation,
        })
    }

    /// Returns what a token says, if it was signed with this key and is valid now.
    pub(crate) fn verify(&self, token: &str) -> Option<Claims> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let token = jsonwebtoken::decode(token, &self.decoding, &self.validation).ok()?;
        // An extension that must be understood is one that is not known here (RFC 7515 §4.1.11).
        token.header.crit.is_none().then_some(token.claims)
    }
}

/// Signs claims with a secret, or with a private key in PEM.
pub(crate) fn sign(text: &str, claims: &Value) -> Result<String, BadKey> {
    let (algorithm, key) = if is_pem(text) {
        private_key(text).ok_or(BadKey::Pem)?
    } else {
        (Algorithm::HS256, EncodingKey::from_secret(secret(text)?))
    };
    // A key that cannot sign is of another kind than its wrapping says.
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).map_err(|_| BadKey::Pem)
}

fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN ")
}

/// Takes the white space from around a secret: a file ends with a line end.
fn secret(text: &str) -> Result<&[u8], BadKey> {
    let secret = text.trim().as_bytes();
    if secret.len() < MIN_SECRET_BYTES {
        return Err(BadKey::ShortSecret);
    }
    Ok(secret)
}

fn public_key(pem: &str) -> Option<(Algorithm, DecodingKey)> {
    // Some readers would take the public half out of it; a server that verifies has no use for
    // what signs.
    if pem.contains("PRIVATE KEY-----") {
        return None;
    }
    let pem = pem.as_bytes();
    let has_len = |key: &DecodingKey, len| key.try_get_as_bytes().is_ok_and(|key| key.len() == len);
    // A longer one is of a curve that the algorithm does not have.
    if let Ok(key) = DecodingKey::from_ed_pem(pem) {
        return has_len(&key, ED25519_BYTES).then_some((Algorithm::EdDSA, key));
    }
    if let Ok(key) = DecodingKey::from_ec_pem(pem) {
        return has_len(&key, P256_BYTES).then_some((Algorithm::ES256, key));
    }
    let key = DecodingKey::from_rsa_pem(pem).ok()?;
    Some((Algorithm::RS256, key))
}

fn private_key(pem: &str) -> Option<(Algorithm, EncodingKey)> {
    let pem = pem.as_bytes();
    let ed = || Some((Algorithm::EdDSA, EncodingKey::from_ed_pem(pem).ok()?));
    let ec = || Some((Algorithm::ES256, EncodingKey::from_ec_pem(pem).ok()?));
    let rsa = || Some((Algorithm::RS256, EncodingKey::from_rsa_pem(pem).ok()?));
    ed().or_else(ec).or_else(rsa)
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // RFC 7518 §3.2.
            Self::ShortSecret => write!(
                f,
                "a secret has at least {MIN_SECRET_BYTES} bytes: `openssl rand -hex 32` makes one"
            ),
            Self::Pem => f.write_str(
                "PEM of no key that fits: verifying takes the public key, signing the private one as PKCS #8, of RSA, P-256 or Ed25519",
            ),
        }
    }
}

/// No key shows itself.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key")
            .field(&self.validation.algorithms)
            .finish()
    }
}

/// A key as long as the hash (RFC 7518 §3.2).
const MIN_SECRET_BYTES: usize = 32;
const ED25519_BYTES: usize = 32;
/// A point that is not compressed.
const P256_BYTES: usize = 65;
/// Ours are a few hundred.
const MAX_TOKEN_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::json;

    const SECRET: &str = "0123456789abcdef0123456789abcdef\n";
    const OTHER_SECRET: &str = "0123456789abcdef0123456789abcdeF";
    const RSA: [&str; 2] = [
        include_str!("../../tests/keys/rsa.pem"),
        include_str!("../../tests/keys/rsa.pub.pem"),
    ];
    const P256: [&str; 2] = [
        include_str!("../../tests/keys/p256.pem"),
        include_str!("../../tests/keys/p256.pub.pem"),
    ];
    const ED25519: [&str; 2] = [
        include_str!("../../tests/keys/ed25519.pem"),
        include_str!("../../tests/keys/ed25519.pub.pem"),
    ];
    const P384: [&str; 2] = [
        include_str!("../../tests/keys/p384.pem"),
        include_str!("../../tests/keys/p384.pub.pem"),
    ];

    fn claims() -> Value {
        json!({"sub": "ann", "subscribe": ["a*"], "exp": 4_000_000_000_u32, "aud": "any"})
    }

    #[test]
    fn a_token_is_verified_with_the_key_of_its_pair_only() {
        let pairs = [[SECRET, SECRET], RSA, P256, ED25519];
        for [signs, _] in pairs {
            let token = sign(signs, &claims()).unwrap();
            for [other, verifies] in pairs {
                let verified = Key::read(verifies).unwrap().verify(&token);
                let user = verified.and_then(|claims| claims.sub);
                let expected = (signs == other).then_some("ann");
                assert_eq!(user.as_deref(), expected, "{token}");
            }
        }
        let token = sign(OTHER_SECRET, &claims()).unwrap();
        assert!(Key::read(SECRET).unwrap().verify(&token).is_none());
    }

    #[test]
    fn a_public_key_is_no_secret() {
        // What a library that believes the token's header would take.
        for [_, public] in [RSA, P256, ED25519] {
            let key = EncodingKey::from_secret(public.as_bytes());
            let forged = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(), &key);
            assert!(
                Key::read(public)
                    .unwrap()
                    .verify(&forged.unwrap())
                    .is_none()
            );
        }
    }

    #[test]
    fn a_token_without_a_signature_is_none() {
        let part = |text: &str| {
            let key = EncodingKey::from_secret(b"");
            // The first part of any token is base64 of its header, the second of its claims.
            let value: Value = serde_json::from_str(text).unwrap();
            let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &value, &key);
            token.unwrap().split('.').nth(1).unwrap().to_owned()
        };
        let [header, claims] = [r#"{"alg":"none"}"#, r#"{"subscribe":["*"]}"#].map(part);
        let key = Key::read(SECRET).unwrap();
        assert!(key.verify(&format!("{header}.{claims}.")).is_none());
        let signed = sign(SECRET, &json!({})).unwrap();
        let (unsigned, _) = signed.rsplit_once('.').unwrap();
        for token in ["", ".", "..", "a.b.c", unsigned, &format!("{unsigned}.")] {
            assert!(key.verify(token).is_none(), "{token}");
        }
    }

    #[test]
    fn a_token_that_is_not_valid_now_or_says_nonsense_is_none() {
        let key = Key::read(SECRET).unwrap();
        let verified = |claims: &Value| key.verify(&sign(SECRET, claims).unwrap()).is_some();
        assert!(verified(&json!({})));
        assert!(verified(&json!({"exp": 4_000_000_000.5, "nbf": 1})));
        for claims in [
            json!({"exp": 1}),
            json!({"exp": "never"}),
            json!({"nbf": 4_000_000_000_u32}),
            json!({"subscribe": "*"}),
            json!({"publish": [1]}),
            json!({"subscribe": ["*"], "pad": "x".repeat(MAX_TOKEN_BYTES)}),
        ] {
            assert!(!verified(&claims), "{claims}");
        }
    }

    /// RFC 7515 §4.1.11.
    #[test]
    fn a_token_with_an_extension_that_must_be_understood_is_none() {
        let key = Key::read(SECRET).unwrap();
        let verified = |crit: Option<Vec<String>>| {
            let mut header = Header::new(Algorithm::HS256);
            header.crit = crit;
            let signs = EncodingKey::from_secret(SECRET.trim().as_bytes());
            let token = jsonwebtoken::encode(&header, &claims(), &signs).unwrap();
            key.verify(&token).is_some()
        };
        assert!(verified(None));
        for crit in [vec![], vec!["exp".to_owned()], vec!["x".to_owned()]] {
            assert!(!verified(Some(crit)));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "\n", "0123456789abcdef0123456789abcde\n"] {
            assert_eq!(Key::read(text).unwrap_err(), BadKey::ShortSecret);
            assert_eq!(sign(text, &claims()).unwrap_err(), BadKey::ShortSecret);
        }
        let broken = "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n";
        for text in [broken, RSA[0], P256[0], ED25519[0], P384[1]] {
            assert_eq!(Key::read(text).unwrap_err(), BadKey::Pem, "{text}");
        }
        for text in [broken, RSA[1], P256[1], ED25519[1], P384[0]] {
            assert_eq!(sign(text, &claims()), Err(BadKey::Pem), "{text}");
        }
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let shown = format!("{:?}", Key::read(SECRET).unwrap());
        assert_eq!(shown, "Key([HS256])");
    }
}
