//! Content codings and the choice among them.

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, HeaderValue};

use super::weight::weighted;

/// A content coding that a file may be stored or sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The bytes as they are.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// RFC 7932.
    Brotli,
}

impl Encoding {
    /// The codings that a file may be stored in beside itself, the one that we like best first.
    pub const COMPRESSED: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// Returns the name in Content-Encoding; `None` for identity, which is not named there.
    pub fn token(self) -> Option<HeaderValue> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
            Self::Zstd => Some(HeaderValue::from_static("zstd")),
            Self::Brotli => Some(HeaderValue::from_static("br")),
        }
    }

    /// Returns the suffix of a file that holds an other one in this coding; empty for identity.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
            Self::Brotli => ".br",
        }
    }
}

/// What a client accepts: a weight for each coding, in thousandths; 0 is a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptEncoding {
    brotli: u16,
    zstd: u16,
    gzip: u16,
    /// 0 also when identity is not spoken of: it is the last choice either way.
    identity: u16,
}

impl AcceptEncoding {
    /// Reads the Accept-Encoding headers.
    ///
    /// Without any, only identity is chosen: a client that can decode says so. What cannot be
    /// read is passed over.
    ///
    /// # Spec
    ///
    /// RFC 9110 §12.5.3; `x-gzip` is an alias (§8.4.1.3).
    pub fn parse(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_ENCODING).iter();
        Self::parse_lines(lines.map(HeaderValue::as_bytes))
    }

    /// Reads the values of the Accept-Encoding field lines, as [`AcceptEncoding::parse`] does.
    pub fn parse_lines<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let [mut brotli, mut zstd, mut gzip, mut identity, mut any] = [None; 5];
        for line in lines {
            for (coding, weight) in weighted(line) {
                let is = |name: &str| coding.eq_ignore_ascii_case(name.as_bytes());
                let slot = if is("br") {
                    &mut brotli
                } else if is("gzip") || is("x-gzip") {
                    &mut gzip
                } else if is("zstd") {
                    &mut zstd
                } else if is("identity") {
                    &mut identity
                } else if is("*") {
                    &mut any
                } else {
                    continue;
                };
                *slot = Some(weight);
            }
        }
        let or_any = |weight: Option<u16>| weight.or(any).unwrap_or(0);
        Self {
            brotli: or_any(brotli),
            zstd: or_any(zstd),
            gzip: or_any(gzip),
            identity: identity.unwrap_or(0),
        }
    }

    /// Chooses among identity and `available`: the greatest weight, then the earlier.
    ///
    /// Identity is chosen when nothing else is accepted, even when it is refused too: bytes that
    /// the client may be able to use serve it better than an error.
    pub fn choose(&self, available: impl IntoIterator<Item = Encoding>) -> Encoding {
        let mut best = Encoding::Identity;
        let mut best_weight = self.weight(Encoding::Identity);
        for encoding in available {
            let weight = self.weight(encoding);
            let is_first_tie = weight == best_weight && best == Encoding::Identity;
            if weight > 0 && (weight > best_weight || is_first_tie) {
                best = encoding;
                best_weight = weight;
            }
        }
        best
    }

    fn weight(&self, encoding: Encoding) -> u16 {
        match encoding {
            Encoding::Identity => self.identity,
            Encoding::Gzip => self.gzip,
            Encoding::Zstd => self.zstd,
            Encoding::Brotli => self.brotli,
        }
    }
}
