//! What a request may do, by its token.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use astatine_pubsub::{Name, Pattern};

use super::claims::{Claims, MercureClaims};
use super::key::Key;

/// Who is let in.
#[derive(Debug)]
pub(super) struct Gate {
    /// What verifies tokens; without it none is good.
    pub(super) key: Option<Key>,
    /// Whether anybody may do everything.
    pub(super) is_open: bool,
}

/// What whoever was let in may do.
#[derive(Clone, Debug)]
pub(super) struct Rights {
    is_open: bool,
    claims: Claims,
    /// When they end.
    pub(super) until: Option<Instant>,
}

/// What may be done by the Mercure protocol.
#[derive(Clone, Copy, Debug)]
pub(super) enum MercureRights<'a> {
    Everything,
    Listed(&'a MercureClaims),
    Nothing,
}

/// Nobody is let in without a token that is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// There is none.
    NoToken,
    /// It is malformed, of another key, or not valid now.
    BadToken,
}

impl Gate {
    /// Returns the rights of a token, or of nobody in particular.
    pub(super) fn admit(&self, token: Option<&str>) -> Result<Rights, Denied> {
        let mut claims = Claims::default();
        match (&self.key, token) {
            (Some(key), Some(token)) => claims = key.verify(token).ok_or(Denied::BadToken)?,
            (None, _) | (_, None) if self.is_open => {}
            (None, Some(_)) => return Err(Denied::BadToken),
            (_, None) => return Err(Denied::NoToken),
        }
        let until = match claims.exp {
            None => None,
            Some(exp) => instant_of(exp).ok_or(Denied::BadToken)?,
        };
        Ok(Rights {
            is_open: self.is_open,
            claims,
            until,
        })
    }
}

impl Rights {
    /// Returns the user that the token names.
    pub(super) fn user(&self) -> Option<&str> {
        self.claims.sub.as_deref()
    }

    /// Tells whether all of it may be read. Two patterns are never compared for what they match:
    /// the claim has the very one, or `*`.
    pub(super) fn may_subscribe(&self, name: &Name) -> bool {
        let listed = &self.claims.subscribe;
        self.is_open
            || match name {
                Name::Channel(channel) => any_matches(listed, channel.as_str()),
                Name::Pattern(pattern) => listed
                    .iter()
                    .any(|own| own == "*" || own == pattern.as_str()),
            }
    }

    /// Tells whether a channel may be written.
    pub(super) fn may_publish(&self, channel: &str) -> bool {
        self.is_open || any_matches(&self.claims.publish, channel)
    }

    /// Returns what the token says for the Mercure protocol.
    pub(super) fn mercure(&self) -> MercureRights<'_> {
        match &self.claims.mercure {
            _ if self.is_open => MercureRights::Everything,
            Some(claims) => MercureRights::Listed(claims),
            None => MercureRights::Nothing,
        }
    }
}

fn any_matches(patterns: &[String], name: &str) -> bool {
    let mut patterns = patterns.iter();
    patterns.any(|pattern| Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name)))
}

/// Returns the instant of a time in seconds since 1970: `None` if it has passed, `Some(None)` if it
/// is too far to be one.
fn instant_of(seconds: f64) -> Option<Option<Instant>> {
    let (now, since_1970) = clock();
    let left = seconds - since_1970.as_secs_f64();
    (left > 0.0).then(|| now.checked_add(Duration::try_from_secs_f64(left).ok()?))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a token tells its end by the clock of the wall"
)]
fn clock() -> (Instant, Duration) {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    (
        tokio::time::Instant::now().into_std(),
        since_1970.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    use astatine_pubsub::Channel;
    use serde_json::{Value, json};

    use crate::hub::key;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn gate() -> Gate {
        Gate {
            key: Some(Key::read(SECRET).unwrap()),
            is_open: false,
        }
    }

    fn rights(claims: &Value) -> Rights {
        gate()
            .admit(Some(&key::sign(SECRET, claims).unwrap()))
            .unwrap()
    }

    fn channel(name: &str) -> Name {
        Channel::new(name).unwrap().into()
    }

    #[test]
    fn a_name_is_matched_and_a_pattern_is_not() {
        let rights = rights(&json!({"subscribe": ["news.*", "a", "[bc]", "x[", ""]}));
        for (name, expected) in [
            ("news.", true),
            ("news.de", true),
            ("news", false),
            ("a", true),
            ("aa", false),
            ("b", true),
            ("[bc]", false),
            ("x[", false),
            ("news.*", true),
        ] {
            assert_eq!(rights.may_subscribe(&channel(name)), expected, "{name}");
            assert!(!rights.may_publish(name), "{name}");
        }
        for (pattern, expected) in [
            ("news.*", true),
            ("news.d*", false),
            ("news.de", false),
            ("n*", false),
            ("*", false),
            ("a", true),
        ] {
            let name = Pattern::new(pattern).unwrap().into();
            assert_eq!(rights.may_subscribe(&name), expected, "{pattern}");
        }
    }

    #[test]
    fn a_star_is_everything() {
        let rights = rights(&json!({"subscribe": ["*"], "publish": ["*"]}));
        assert!(rights.may_subscribe(&channel("a")) && rights.may_publish("a"));
        assert!(rights.may_subscribe(&Pattern::new("n[ab]*").unwrap().into()));
    }

    #[test]
    fn without_a_good_token_there_are_no_rights() {
        assert_eq!(gate().admit(None).unwrap_err(), Denied::NoToken);
        assert_eq!(gate().admit(Some("a.b.c")).unwrap_err(), Denied::BadToken);
        let keyless = Gate {
            key: None,
            is_open: false,
        };
        assert_eq!(keyless.admit(None).unwrap_err(), Denied::NoToken);
        let token = key::sign(SECRET, &json!({"subscribe": ["*"]})).unwrap();
        assert_eq!(keyless.admit(Some(&token)).unwrap_err(), Denied::BadToken);
        let rights = rights(&json!({}));
        assert!(!rights.may_subscribe(&channel("a")) && !rights.may_publish("a"));
        assert!(matches!(rights.mercure(), MercureRights::Nothing));
    }

    #[test]
    fn an_open_hub_has_rights_for_everybody_and_still_knows_its_users() {
        for key in [None, Some(Key::read(SECRET).unwrap())] {
            let gate = Gate { key, is_open: true };
            let rights = gate.admit(None).unwrap();
            assert!(
                rights.may_publish("a") && matches!(rights.mercure(), MercureRights::Everything)
            );
        }
        let open = Gate {
            is_open: true,
            ..gate()
        };
        let token = key::sign(SECRET, &json!({"sub": "ann"})).unwrap();
        assert_eq!(open.admit(Some(&token)).unwrap().user(), Some("ann"));
        assert_eq!(open.admit(Some("a.b.c")).unwrap_err(), Denied::BadToken);
    }

    #[test]
    fn rights_end_with_the_token() {
        let until = |exp: f64| rights(&json!({"exp": exp})).until;
        let (now, since_1970) = clock();
        let left = until(since_1970.as_secs_f64() + 60.0).unwrap() - now;
        assert!((55..=65).contains(&left.as_secs()), "{left:?}");
        assert!(until(1e18).is_none_or(|until| until > now + Duration::from_secs(1 << 32)));
        assert_eq!(rights(&json!({})).until, None);
    }
}
