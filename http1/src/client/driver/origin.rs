//! What a pool keeps connections to.

use std::fmt;

use http::Uri;
use http::uri::Scheme;

/// A scheme, a host and a port (RFC 9110 §4.3.1): requests that share them may share connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    /// In lower case, an IPv6 address without its brackets.
    host: Box<str>,
    port: u16,
}

impl Origin {
    /// Reads the origin of an absolute URI; `None` where it has no scheme or no host, or no port
    /// and a scheme other than http and https.
    pub fn new(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme()?.clone();
        let default_port = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        let port = uri.port_u16().or(default_port)?;
        let host = uri.host().filter(|host| !host.is_empty())?;
        let inside = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host = inside.unwrap_or(host).to_ascii_lowercase().into();
        Some(Self { scheme, host, port })
    }

    /// Returns the scheme.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Returns the host in lower case, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port, the scheme's own where the URI names none.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "{}://[{}]:{}", self.scheme, self.host, self.port)
        } else {
            write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &'static str, expected: Option<&str>) {
        let origin = Origin::new(&Uri::from_static(uri));
        let shown = origin.map(|origin| origin.to_string());
        assert_eq!(shown.as_deref(), expected, "{uri}");
    }

    #[test]
    fn uris_of_one_server_have_one_origin() {
        check("http://h/a", Some("http://h:80"));
        check("http://u:p@H:80?b", Some("http://h:80"));
        check("https://h", Some("https://h:443"));
        check("http://[::1]:8080/", Some("http://[::1]:8080"));
        check("other://h:1/", Some("other://h:1"));
    }

    #[test]
    fn a_uri_that_names_no_server_has_none() {
        for uri in ["/a", "*", "h:443", "other://h/"] {
            check(uri, None);
        }
    }
}
