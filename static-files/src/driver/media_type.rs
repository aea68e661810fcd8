//! The media type of a file, by the extension of its name.

use std::collections::BTreeMap;

use http::HeaderValue;

/// Returns the value of Content-Type for a file's name.
///
/// `overrides` go first, then our own table, then the one of `mime_guess`, which is older than
/// some registrations. Text is said to be UTF-8. What nobody knows is a stream of octets.
pub(crate) fn of(name: &[u8], overrides: &BTreeMap<String, HeaderValue>) -> HeaderValue {
    known(name, overrides).unwrap_or(UNKNOWN)
}

/// As [`of`], but `None` for what nobody knows.
pub(crate) fn known(name: &[u8], overrides: &BTreeMap<String, HeaderValue>) -> Option<HeaderValue> {
    let extension = extension(name)?;
    if let Some(value) = overrides.get(&extension) {
        return Some(value.clone());
    }
    let essence = current(&extension).or_else(|| mime_guess::from_ext(&extension).first_raw())?;
    if is_text(essence) {
        HeaderValue::try_from(format!("{essence}; charset=utf-8")).ok()
    } else {
        Some(HeaderValue::from_static(essence))
    }
}

/// Tells whether bytes of this type become much shorter by compression.
pub(crate) fn is_compressible(content_type: &HeaderValue) -> bool {
    let value = content_type.as_bytes();
    let end = value.iter().position(|&byte| byte == b';');
    let essence = value[..end.unwrap_or(value.len())].trim_ascii_end();
    let Ok(essence) = std::str::from_utf8(essence) else {
        return false;
    };
    is_text(essence) || BINARY_COMPRESSIBLE.contains(&essence)
}

fn is_text(essence: &str) -> bool {
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || TEXT_APPLICATIONS.contains(&essence)
}

fn extension(name: &[u8]) -> Option<String> {
    let file = name.rsplit(|&byte| byte == b'/').next()?;
    let dot = file.iter().rposition(|&byte| byte == b'.')?;
    // `.profile` is a name, not an extension.
    if dot == 0 {
        return None;
    }
    let extension = std::str::from_utf8(&file[dot + 1..]).ok()?;
    Some(extension.to_ascii_lowercase())
}

/// Types that were registered, or changed, since the table of `mime_guess` was made.
fn current(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "js" | "mjs" | "cjs" => "text/javascript",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "jsonld" => "application/ld+json",
        "geojson" => "application/geo+json",
        "toml" => "application/toml",
        "yaml" | "yml" => "application/yaml",
        "wasm" => "application/wasm",
        "xml" => "text/xml",
        "md" | "markdown" => "text/markdown",
        "vtt" => "text/vtt",
        "ics" => "text/calendar",
        "vcf" => "text/vcard",
        "wgsl" => "text/wgsl",
        "log" | "rs" | "go" | "mts" | "cts" | "tsx" | "jsx" => "text/plain",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "ico" => "image/vnd.microsoft.icon",
        "avif" => "image/avif",
        "jxl" => "image/jxl",
        "webp" => "image/webp",
        "m3u8" => "application/vnd.apple.mpegurl",
        "mpd" => "application/dash+xml",
        // Stream segments are far more common on a server than TypeScript.
        "ts" | "m2ts" => "video/mp2t",
        "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "m4a" => "audio/mp4",
        "glb" => "model/gltf-binary",
        "gltf" => "model/gltf+json",
        "usdz" => "model/vnd.usdz+zip",
        "stl" => "model/stl",
        "gz" => "application/gzip",
        "zst" => "application/zstd",
        "7z" => "application/x-7z-compressed",
        _ => return None,
    })
}

const UNKNOWN: HeaderValue = HeaderValue::from_static("application/octet-stream");

const TEXT_APPLICATIONS: [&str; 7] = [
    "application/javascript",
    "application/json",
    "application/xml",
    "application/toml",
    "application/yaml",
    "application/sql",
    "application/vnd.apple.mpegurl",
];

const BINARY_COMPRESSIBLE: [&str; 6] = [
    "application/wasm",
    "application/vnd.ms-fontobject",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/vnd.microsoft.icon",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_types_that_browsers_expect() {
        let cases = [
            ("a/index.html", "text/html; charset=utf-8"),
            ("app.JS", "text/javascript; charset=utf-8"),
            ("module.mjs", "text/javascript; charset=utf-8"),
            ("old.cjs", "text/javascript; charset=utf-8"),
            ("data.json", "application/json; charset=utf-8"),
            ("app.js.map", "application/json; charset=utf-8"),
            ("logo.svg", "image/svg+xml; charset=utf-8"),
            ("feed.xml", "text/xml; charset=utf-8"),
            ("style.css", "text/css; charset=utf-8"),
            ("photo.png", "image/png"),
            ("font.woff", "font/woff"),
            ("font.otf", "font/otf"),
            ("live.m3u8", "application/vnd.apple.mpegurl; charset=utf-8"),
            ("part.ts", "video/mp2t"),
            ("song.m4a", "audio/mp4"),
            ("part.stl", "model/stl"),
            ("card.vcf", "text/vcard; charset=utf-8"),
            (
                "site.webmanifest",
                "application/manifest+json; charset=utf-8",
            ),
            ("code.wasm", "application/wasm"),
            ("a.zst", "application/zstd"),
            ("a.usdz", "model/vnd.usdz+zip"),
            ("a.tar.gz", "application/gzip"),
            ("no-extension", "application/octet-stream"),
            ("dir.d/file", "application/octet-stream"),
            ("a.unheard-of", "application/octet-stream"),
            (".html", "application/octet-stream"),
        ];
        for (name, expected) in cases {
            assert_eq!(of(name.as_bytes(), &BTreeMap::new()), expected, "{name}");
        }
    }

    #[test]
    fn overrides_go_first() {
        let own = HeaderValue::from_static("text/x-own");
        let overrides = BTreeMap::from([("js".to_owned(), own.clone())]);
        assert_eq!(of(b"a.js", &overrides), own);
    }
}
