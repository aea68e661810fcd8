//! Which paths are the hub's.

use std::str::FromStr;

use crate::form;

/// The value of `--live`: the path below which channels are.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Paths {
    live: String,
}

/// What a path of the hub's is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint<'a> {
    /// `PATH`: messages to several channels.
    Batch,
    /// `PATH/CHANNEL`, which is still escaped.
    Channel(&'a str),
    /// The Mercure protocol, at the path that it has.
    Mercure,
}

impl Endpoint<'_> {
    /// Returns the methods that it has, as `Allow` lists them.
    pub(super) fn methods(self) -> &'static str {
        match self {
            Self::Batch => "OPTIONS, POST",
            Self::Channel(_) => "GET, HEAD, OPTIONS, POST",
            Self::Mercure => "GET, OPTIONS, POST",
        }
    }
}

impl Paths {
    /// Returns what a path is for; `None`: it is not the hub's. `/livestream` is none of `/live`.
    pub(super) fn endpoint<'a>(&self, path: &'a str) -> Option<Endpoint<'a>> {
        if path == MERCURE {
            return Some(Endpoint::Mercure);
        }
        match path.strip_prefix(&self.live)? {
            "" | "/" => Some(Endpoint::Batch),
            rest => rest.strip_prefix('/').map(Endpoint::Channel),
        }
    }

    /// Returns the path of channels.
    pub(crate) fn live(&self) -> &str {
        &self.live
    }
}

/// Decodes the name of a channel, or a pattern, in a path; `None` if it is no text, or has a
/// control character, which no log could show.
pub(super) fn name(escaped: &str) -> Option<String> {
    let name = String::from_utf8(form::decoded(escaped, b'+')).ok()?;
    (!name.contains(char::is_control)).then_some(name)
}

impl FromStr for Paths {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let live = text.strip_suffix('/').unwrap_or(text);
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        let parts_are_named = live.split('/').skip(1).all(|part| !part.is_empty());
        let is_path = live.starts_with('/') && parts_are_named && live.chars().all(is_part);
        if !is_path || live.split('/').any(|part| part == "." || part == "..") {
            return Err("a path begins with / and has letters, digits, - . _ ~, as /live");
        }
        Ok(Self { live: live.into() })
    }
}

/// Where Mercure clients look for a hub.
const MERCURE: &str = "/.well-known/mercure";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_parts_of_a_path_count() {
        let paths: Paths = "/live/".parse().unwrap();
        for (path, endpoint) in [
            ("/live", Some(Endpoint::Batch)),
            ("/live/", Some(Endpoint::Batch)),
            ("/live/a", Some(Endpoint::Channel("a"))),
            ("/live/a/b%2F", Some(Endpoint::Channel("a/b%2F"))),
            ("/live//", Some(Endpoint::Channel("/"))),
            ("/livestream", None),
            ("/live.html", None),
            ("/", None),
            ("/a/live/b", None),
            ("/.well-known/mercure", Some(Endpoint::Mercure)),
            ("/.well-known/mercure/a", None),
            ("/.well-known/a", None),
        ] {
            assert_eq!(paths.endpoint(path), endpoint, "{path}");
        }
        let deep: Paths = "/api/live".parse().unwrap();
        assert_eq!(deep.endpoint("/api/live/a"), Some(Endpoint::Channel("a")));
        assert_eq!(deep.endpoint("/api"), None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "", "/", "//", "live", "/live//a", "/a b", "/a?b", "/%61", "/..",
        ] {
            assert!(text.parse::<Paths>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_unescaped() {
        assert_eq!(name("a%2Fb+c%20%c3%a4").as_deref(), Some("a/b+c ä"));
        for escaped in ["%ff", "a%0ab", "%00", "%C2%85"] {
            assert_eq!(name(escaped), None, "{escaped}");
        }
    }
}
