//! A rule for the Cache-Control field: `GLOB=VALUE`.

use std::str::FromStr;

use astatine_static_files::Glob;
use http::HeaderValue;

/// Files whose path matches the glob get the value.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct CacheRule {
    pub(crate) glob: Glob,
    pub(crate) value: HeaderValue,
}

impl FromStr for CacheRule {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (glob, value) = text
            .split_once('=')
            .map(|(glob, value)| (glob.trim(), value.trim()))
            .filter(|(glob, value)| !glob.is_empty() && !value.is_empty())
            .ok_or("a rule is GLOB=VALUE, as in '*.css=max-age=60'")?;
        let value = value
            .parse()
            .map_err(|_| "the value cannot stand in a header")?;
        Ok(Self {
            glob: Glob::new(glob),
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_equals_sign_ends_the_glob() {
        let rule: CacheRule = "/img/** = public, max-age=60".parse().unwrap();
        assert_eq!(rule.glob, Glob::new("/img/**"));
        assert_eq!(rule.value, "public, max-age=60");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "*.css", "*.css=", "=no-store", "*.css=a\nb"] {
            assert!(text.parse::<CacheRule>().is_err(), "{text:?}");
        }
    }
}
