//! Which origins' pages may use the hub, and what is told to their browsers (the fetch standard's
//! CORS protocol).

use std::net::IpAddr;
use std::str::FromStr;

use astatine_websocket::handshake::{self, Origin};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HOST,
    ORIGIN, VARY,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue};

/// One value of `--live-origin`: `*`, or an origin as browsers send it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct AllowedOrigin(HeaderValue);

/// What a request may do by where its page comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It comes from no page, or from one of ours: nothing has to be told.
    Own,
    /// The origin is listed by name; its pages may use cookies.
    Listed(HeaderValue),
    /// All origins are allowed, this one not by name: its pages bring their own token.
    Any,
}

/// Judges where a request's page comes from; `None`: it may do nothing.
pub(super) fn standing(allowed: &[AllowedOrigin], headers: &HeaderMap) -> Option<Standing> {
    match handshake::origin(headers) {
        Origin::Absent | Origin::Same => Some(Standing::Own),
        Origin::Other => {
            let mut origins = headers.get_all(ORIGIN).iter();
            let origin = origins.next().filter(|_| origins.next().is_none())?;
            if allowed.iter().any(|allowed| allowed.0 == origin) {
                Some(Standing::Listed(origin.clone()))
            } else {
                let any = allowed.iter().any(|allowed| allowed.0 == "*");
                any.then_some(Standing::Any)
            }
        }
    }
}

/// Tells whether a request was sent to this machine by a name that is always its own. A page of
/// any other name could have that lead here, and then be of the same origin (DNS rebinding).
pub(super) fn is_local(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none());
    let authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    authority.is_some_and(|authority| {
        let name = authority.host();
        match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        }
    })
}

impl Standing {
    /// Tells whether the browser sent cookies with the will of a page that may use them.
    pub(super) fn may_use_cookies(&self) -> bool {
        *self != Self::Any
    }

    /// Adds what the page's browser has to know of an answer.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("origin"));
        match self {
            Self::Own => return,
            Self::Listed(origin) => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                let credentials = HeaderValue::from_static("true");
                headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, credentials);
            }
            Self::Any => {
                let any = HeaderValue::from_static("*");
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, any);
            }
        }
        let exposed = HeaderValue::from_static("last-event-id, link, retry-after");
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }

    /// Adds what answers a preflight.
    pub(super) fn mark_preflight(headers: &mut HeaderMap) {
        const FIELDS: [(http::HeaderName, &str); 3] = [
            (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST"),
            (
                ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, cache-control, content-type, last-event-id",
            ),
            (ACCESS_CONTROL_MAX_AGE, "3600"),
        ];
        headers.extend(FIELDS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    }
}

impl FromStr for AllowedOrigin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "an origin is * or SCHEME://HOST[:PORT], as https://example.org";
        let rest = text.split_once("://").map(|(_, rest)| rest);
        let is_origin =
            rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '?', '#']));
        if text != "*" && !is_origin {
            return Err(WRONG);
        }
        // Browsers write it so.
        let value = HeaderValue::try_from(text.to_ascii_lowercase());
        value.map(Self).map_err(|_| WRONG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(allowed: &[&str], origin: &str) -> Option<Standing> {
        let allowed: Vec<AllowedOrigin> = allowed.iter().map(|o| o.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("own.example:3000"));
        for origin in origin.split(' ').filter(|origin| !origin.is_empty()) {
            headers.append(ORIGIN, origin.parse().unwrap());
        }
        standing(&allowed, &headers)
    }

    #[test]
    fn our_own_pages_and_programs_are_free() {
        for allowed in [&[][..], &["*"], &["https://a.example"]] {
            for origin in ["", "http://own.example:3000"] {
                assert_eq!(judged(allowed, origin), Some(Standing::Own), "{origin}");
            }
        }
    }

    #[test]
    fn other_pages_must_be_allowed() {
        let origin = "https://a.example";
        let listed = Some(Standing::Listed(HeaderValue::from_static(origin)));
        assert_eq!(judged(&[], origin), None);
        assert_eq!(judged(&["https://A.example"], origin), listed);
        assert_eq!(judged(&["*", origin], origin), listed);
        assert_eq!(judged(&["*"], origin), Some(Standing::Any));
        assert_eq!(judged(&["*"], "null"), Some(Standing::Any));
        for other in [
            "http://a.example",
            "https://a.example:8443",
            "https://b.a.example",
            "https://a.example.evil.example",
            "null",
            "https://a.example https://a.example",
        ] {
            assert_eq!(judged(&[origin], other), None, "{other}");
        }
    }

    #[test]
    fn this_machine_has_few_names_of_its_own() {
        for (host, expected) in [
            ("localhost", true),
            ("LocalHost:3000", true),
            ("127.0.0.1:3000", true),
            ("127.1.2.3", true),
            ("[::1]:3000", true),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
            ("own.example:3000", false),
            ("192.168.0.1", false),
            ("[::2]", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(HOST, host.parse().unwrap());
            assert_eq!(is_local(&headers), expected, "{host}");
            headers.append(HOST, HeaderValue::from_static("localhost"));
            assert!(!is_local(&headers), "{host} and another");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "a.example",
            "https://",
            "https://a.example/",
            "https://a b",
        ] {
            let parsed = text.parse::<AllowedOrigin>();
            assert!(parsed.is_err() || text.contains(' '), "{text}");
        }
    }
}
