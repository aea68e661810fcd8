//! Cases of the plan by section of the standard.

use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use httpdate::HttpDate;

use super::*;

const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let line = |(name, value): &(&str, &str)| {
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    };
    let mut map = HeaderMap::new();
    for (name, value) in lines.iter().map(line) {
        map.append(name, value);
    }
    map
}

fn representation() -> Representation<'static> {
    Representation {
        len: 1_000,
        etag: b"\"a\"",
        last_modified: Some(MODIFIED.parse::<HttpDate>().unwrap()),
        is_date_strong: true,
    }
}

mod rfc3986_3_3 {
    use super::*;

    #[test]
    fn paths_are_decoded_once_and_refused_when_they_could_lead_elsewhere() {
        let cases: [(&str, Result<&str, Refusal>); 30] = [
            ("/", Ok("")),
            ("/a", Ok("a")),
            ("/a/", Ok("a")),
            ("/a/b.txt", Ok("a/b.txt")),
            ("/a+b", Ok("a+b")),
            ("/a%20b%2B", Ok("a b+")),
            ("/%61%2e", Ok("a.")),
            ("/%252e%252e", Ok("%2e%2e")),
            ("/...", Ok("...")),
            ("/..a", Ok("..a")),
            ("/a..", Ok("a..")),
            ("/a?", Ok("a?")),
            ("", Err(Refusal::NotAbsolute)),
            ("a", Err(Refusal::NotAbsolute)),
            ("*", Err(Refusal::NotAbsolute)),
            ("//", Err(Refusal::EmptySegment)),
            ("//a", Err(Refusal::EmptySegment)),
            ("/a//b", Err(Refusal::EmptySegment)),
            ("/a//", Err(Refusal::EmptySegment)),
            ("/.", Err(Refusal::DotSegment)),
            ("/..", Err(Refusal::DotSegment)),
            ("/a/../b", Err(Refusal::DotSegment)),
            ("/a/%2e%2E/b", Err(Refusal::DotSegment)),
            ("/a/.%2e", Err(Refusal::DotSegment)),
            ("/a%2fb", Err(Refusal::EncodedSlash)),
            ("/a%5Cb", Err(Refusal::Backslash)),
            ("/a\\b", Err(Refusal::Backslash)),
            ("/a%00", Err(Refusal::Nul)),
            ("/a%", Err(Refusal::BadEscape)),
            ("/a%+1", Err(Refusal::BadEscape)),
        ];
        for (path, expected) in cases {
            let decoded = FilePath::decode(path);
            let name = decoded.as_ref().map(FilePath::as_bytes);
            assert_eq!(
                name,
                expected.as_ref().map(|name| name.as_bytes()),
                "{path}"
            );
        }
    }

    /// Every path of up to six of the bytes that matter most.
    #[test]
    fn no_path_decodes_to_a_name_that_leaves_the_root() {
        const BYTES: &[u8] = b"/.%25efac\\0";
        let mut decoded = 0;
        for n in 0..BYTES.len().pow(6) {
            let mut rest = n;
            let mut path = String::from("/");
            while rest > 0 {
                path.push(char::from(BYTES[rest % BYTES.len()]));
                rest /= BYTES.len();
            }
            let Ok(name) = FilePath::decode(&path) else {
                continue;
            };
            decoded += 1;
            let name = name.as_bytes();
            assert!(!name.contains(&0) && !name.contains(&b'\\'), "{path}");
            let mut segments = name.split(|&byte| byte == b'/');
            let is_harmless = |segment: &[u8]| !matches!(segment, b"" | b"." | b"..");
            assert!(name.is_empty() || segments.all(is_harmless), "{path}");
        }
        assert!(decoded > 100_000);
    }

    #[test]
    fn all_spellings_of_a_path_come_down_to_one_that_means_the_same() {
        let cases = [
            ("/", "/"),
            ("/a/b.txt", "/a/b.txt"),
            ("/a/", "/a/"),
            ("/%61/%62/", "/a/b/"),
            ("/a%20b", "/a%20b"),
            ("/a b\"<>", "/a%20b%22%3C%3E"),
            ("/%c3%BC", "/%C3%BC"),
            ("/%252e", "/%252e"),
            ("/100%25", "/100%25"),
            ("/%7e%21%28x%29%3a%40%2b", "/~!(x):@+"),
            ("/a%3fb%23c", "/a%3Fb%23c"),
        ];
        for (path, expected) in cases {
            let decoded = FilePath::decode(path).unwrap();
            let spelling = decoded.to_request_path();
            assert_eq!(spelling, expected, "{path}");
            assert_eq!(FilePath::decode(&spelling), Ok(decoded), "{path}");
        }
    }

    #[test]
    fn a_trailing_slash_means_a_folder_and_a_dot_in_the_last_segment_a_file() {
        let cases = [
            ("/", true, false),
            ("/a", false, false),
            ("/a/", true, false),
            ("/a.b/c", false, false),
            ("/a/b.c", false, true),
        ];
        for (path, is_folder, has_extension) in cases {
            let path = FilePath::decode(path).unwrap();
            assert_eq!(path.is_folder(), is_folder, "{path:?}");
            assert_eq!(path.has_extension(), has_extension, "{path:?}");
        }
    }

    #[test]
    fn hidden_is_any_dotted_segment_but_well_known_at_the_root() {
        let cases = [
            ("/a", false),
            ("/", false),
            ("/.a", true),
            ("/a/.b/c", true),
            ("/.well-known/a", false),
            ("/a/.well-known/a", true),
            ("/.well-known/.a", true),
            ("/.well-known-not/a", true),
        ];
        for (path, is_hidden) in cases {
            assert_eq!(
                FilePath::decode(path).unwrap().is_hidden(),
                is_hidden,
                "{path}"
            );
        }
    }
}

mod rfc9110_13_2_2 {
    use super::*;

    #[test]
    fn preconditions_come_in_their_order() {
        use Precondition::{Failed, Holds, NotModified};
        let later = "Sun, 06 Nov 1994 08:49:38 GMT";
        let earlier = "Sun, 06 Nov 1994 08:49:36 GMT";
        let cases: Vec<(Vec<(&str, &str)>, Precondition)> = vec![
            (vec![], Holds),
            (vec![("if-match", "\"a\"")], Holds),
            (vec![("if-match", "W/\"a\"")], Failed),
            (vec![("if-match", "\"b\", \"a\"")], Holds),
            (vec![("if-match", "\"b\""), ("if-match", "\"a\"")], Holds),
            (vec![("if-match", " * ")], Holds),
            (vec![("if-match", "")], Failed),
            (vec![("if-match", "\"b,\"a\"")], Failed),
            (vec![("if-unmodified-since", earlier)], Failed),
            (vec![("if-unmodified-since", MODIFIED)], Holds),
            (vec![("if-unmodified-since", later)], Holds),
            (
                vec![("if-match", "\"a\""), ("if-unmodified-since", earlier)],
                Holds,
            ),
            (vec![("if-none-match", "\"a\"")], NotModified),
            (vec![("if-none-match", "W/\"a\"")], NotModified),
            (vec![("if-none-match", "*")], NotModified),
            (vec![("if-none-match", "\"b\" , ,, \"a\"")], NotModified),
            (vec![("if-none-match", "\"b\"")], Holds),
            (vec![("if-none-match", "w/\"a\"")], Holds),
            (vec![("if-none-match", "a")], Holds),
            (vec![("if-modified-since", earlier)], Holds),
            (vec![("if-modified-since", MODIFIED)], NotModified),
            (vec![("if-modified-since", later)], NotModified),
            (
                vec![("if-modified-since", "Sunday, 06-Nov-94 08:49:37 GMT")],
                NotModified,
            ),
            (
                vec![("if-modified-since", "Sun Nov  6 08:49:37 1994")],
                NotModified,
            ),
            (vec![("if-modified-since", "06 Nov 1994")], Holds),
            (
                vec![
                    ("if-modified-since", MODIFIED),
                    ("if-modified-since", later),
                ],
                Holds,
            ),
            (
                vec![
                    ("if-unmodified-since", earlier),
                    ("if-unmodified-since", MODIFIED),
                ],
                Holds,
            ),
            (
                vec![("if-none-match", "\"b\""), ("if-modified-since", later)],
                Holds,
            ),
            (
                vec![("if-match", "\"b\""), ("if-none-match", "\"a\"")],
                Failed,
            ),
        ];
        for (lines, expected) in cases {
            let outcome = Precondition::evaluate(&headers(&lines), &representation());
            assert_eq!(outcome, expected, "{lines:?}");
        }
    }

    #[test]
    fn without_a_date_the_dates_of_the_client_are_ignored() {
        let undated = Representation {
            last_modified: None,
            ..representation()
        };
        for name in ["if-modified-since", "if-unmodified-since"] {
            let outcome = Precondition::evaluate(&headers(&[(name, MODIFIED)]), &undated);
            assert_eq!(outcome, Precondition::Holds, "{name}");
        }
    }
}

mod rfc9110_13_1_5 {
    use super::*;

    #[test]
    fn if_range_asks_for_a_strong_validator_that_is_the_same() {
        let cases = [
            ("\"a\"", true, true),
            ("W/\"a\"", true, false),
            ("\"b\"", true, false),
            ("*", true, false),
            (MODIFIED, true, true),
            (MODIFIED, false, false),
            ("Sun, 06 Nov 1994 08:49:38 GMT", true, false),
            ("", true, false),
        ];
        for (validator, is_date_strong, is_part) in cases {
            let representation = Representation {
                is_date_strong,
                ..representation()
            };
            let headers = headers(&[("range", "bytes=1-2"), ("if-range", validator)]);
            let answer = Answer::plan(&Method::GET, &headers, &representation, 8);
            let expected = if is_part {
                Answer::Part(1..3)
            } else {
                Answer::Whole
            };
            assert_eq!(answer, expected, "{validator}");
        }
    }

    #[test]
    fn several_lines_of_if_range_name_nothing() {
        let range = ("range", "bytes=1-2");
        for second in ["\"a\"", "\"b\"", MODIFIED] {
            let headers = headers(&[range, ("if-range", "\"a\""), ("if-range", second)]);
            let answer = Answer::plan(&Method::GET, &headers, &representation(), 8);
            assert_eq!(answer, Answer::Whole, "{second}");
        }
    }
}

mod rfc9110_14 {
    use super::*;

    fn satisfiable(ranges: &[Range<u64>]) -> Ranges {
        Ranges::Satisfiable(ranges.to_vec())
    }

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "lists of ranges")]
    fn each_form_of_a_range_is_resolved() {
        use Ranges::{Ignored, Unsatisfiable};
        let max = u64::MAX;
        let cases: Vec<(&str, u64, Ranges)> = vec![
            ("bytes=0-0", 1_000, satisfiable(&[0..1])),
            ("bytes=0-499", 1_000, satisfiable(&[0..500])),
            ("bytes=500-", 1_000, satisfiable(&[500..1_000])),
            ("bytes=-500", 1_000, satisfiable(&[500..1_000])),
            ("bytes=-2000", 1_000, satisfiable(&[0..1_000])),
            ("bytes=900-5000", 1_000, satisfiable(&[900..1_000])),
            ("Bytes= 1-2 ,\t5-6 ", 1_000, satisfiable(&[1..3, 5..7])),
            ("bytes=,,1-2,", 1_000, satisfiable(&[1..3])),
            ("bytes=999-", 1_000, satisfiable(&[999..1_000])),
            ("bytes=1000-", 1_000, Unsatisfiable),
            ("bytes=1000-1001,-0", 1_000, Unsatisfiable),
            ("bytes=1000-,0-1", 1_000, satisfiable(&[0..2])),
            ("bytes=99999999999999999999999-", 1_000, Unsatisfiable),
            (
                "bytes=0-99999999999999999999999",
                1_000,
                satisfiable(&[0..1_000]),
            ),
            (
                "bytes=-99999999999999999999999",
                1_000,
                satisfiable(&[0..1_000]),
            ),
            ("bytes=18446744073709551615-", max, Unsatisfiable),
            (
                "bytes=18446744073709551614-",
                max,
                satisfiable(&[max - 1..max]),
            ),
            ("bytes=0-", 0, Unsatisfiable),
            ("bytes=-0", 0, Unsatisfiable),
            ("bytes=-1", 0, Ignored),
            ("bytes=2-1", 1_000, Ignored),
            ("bytes=0-1,2-1", 1_000, Ignored),
            ("bytes=-", 1_000, Ignored),
            ("bytes=--1", 1_000, Ignored),
            ("bytes=1-2-3", 1_000, Ignored),
            ("bytes=+1-2", 1_000, Ignored),
            ("bytes=0x1-2", 1_000, Ignored),
            ("bytes=1 - 2", 1_000, Ignored),
            ("bytes=", 1_000, Ignored),
            ("bytes=,", 1_000, Ignored),
            ("bytes", 1_000, Ignored),
            ("byte=0-1", 1_000, Ignored),
            ("items=0-1", 1_000, Ignored),
            ("", 1_000, Ignored),
        ];
        for (value, len, expected) in cases {
            assert_eq!(
                Ranges::parse(value.as_bytes(), len, 8),
                expected,
                "{value} of {len}"
            );
        }
    }

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "lists of ranges")]
    fn ranges_that_touch_are_joined_and_others_keep_their_order() {
        let cases = [
            ("bytes=500-599,0-9", satisfiable(&[500..600, 0..10])),
            ("bytes=0-9,10-19", satisfiable(&[0..20])),
            ("bytes=0-9,11-19", satisfiable(&[0..10, 11..20])),
            ("bytes=500-599,0-9,550-700", satisfiable(&[0..10, 500..701])),
            ("bytes=0-,0-,0-", satisfiable(&[0..1_000])),
            ("bytes=0-900,100-200", satisfiable(&[0..901])),
        ];
        for (value, expected) in cases {
            assert_eq!(
                Ranges::parse(value.as_bytes(), 1_000, 8),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn too_many_ranges_are_ignored_whatever_they_hold() {
        let list = |element: &str, n: usize| format!("bytes={}", vec![element; n].join(","));
        assert_ne!(
            Ranges::parse(list("0-1", 8).as_bytes(), 9, 8),
            Ranges::Ignored
        );
        for element in ["0-1", "100-", "-0"] {
            let value = list(element, 9);
            assert_eq!(
                Ranges::parse(value.as_bytes(), 9, 8),
                Ranges::Ignored,
                "{element}"
            );
        }
        assert_eq!(Ranges::parse(b"bytes=0-1", 9, 0), Ranges::Ignored);
    }

    /// Every header of up to six of the bytes that ranges are made of.
    #[test]
    fn whatever_is_satisfiable_lies_inside_and_does_not_overlap() {
        const BYTES: &[u8] = b"019-, ";
        for n in 0..BYTES.len().pow(6) {
            let mut rest = n;
            let mut value = b"bytes=".to_vec();
            for _ in 0..6 {
                value.push(BYTES[rest % BYTES.len()]);
                rest /= BYTES.len();
            }
            for len in [0, 1, 10, 500] {
                let Ranges::Satisfiable(mut ranges) = Ranges::parse(&value, len, 3) else {
                    continue;
                };
                assert!((1..=3).contains(&ranges.len()), "{value:?}");
                ranges.sort_by_key(|range| range.start);
                let mut end = 0;
                for range in ranges {
                    assert!(end <= range.start && range.start < range.end, "{value:?}");
                    end = range.end;
                }
                assert!(end <= len, "{value:?}");
            }
        }
    }

    #[test]
    fn range_is_for_get_and_for_one_line() {
        let one = headers(&[("range", "bytes=0-1")]);
        let two = headers(&[("range", "bytes=0-1"), ("range", "bytes=5-6")]);
        let plan = |method, headers| Answer::plan(&method, headers, &representation(), 8);
        assert_eq!(plan(Method::GET, &one), Answer::Part(0..2));
        assert_eq!(plan(Method::HEAD, &one), Answer::Whole);
        assert_eq!(plan(Method::GET, &two), Answer::Whole);
    }

    #[test]
    fn a_multipart_body_is_as_long_as_it_says() {
        let multipart = Multipart::new("b", b"text/plain", &[0..10, 90..100], 100);
        let heads: usize = multipart.heads.iter().map(Vec::len).sum();
        assert_eq!(multipart.len, (heads + 20 + multipart.end.len()) as u64);
        let first = "\r\n--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-9/100\r\n\r\n";
        assert_eq!(multipart.heads[0], first.as_bytes());
        assert_eq!(multipart.end, b"\r\n--b--\r\n");
    }
}

mod rfc9110_12_5_3 {
    use super::*;

    #[test]
    fn the_greatest_weight_wins_then_our_order() {
        use Encoding::{Brotli, Gzip, Identity, Zstd};
        let cases = [
            ("br, zstd, gzip", Brotli),
            ("gzip, zstd", Zstd),
            ("gzip;q=0.9, br;q=0.8", Gzip),
            ("gzip;q=0.001", Gzip),
            ("gzip;q=0.000", Identity),
            ("gzip;q=1.000", Gzip),
            ("gzip;q=1.001", Identity),
            ("gzip;q=0.1234", Identity),
            ("gzip;q=-1", Identity),
            ("gzip;q=.5", Identity),
            ("gzip;Q=0", Identity),
            ("gzip;x=1;q=0", Identity),
            ("*;q=0.5, br;q=0.4", Zstd),
            ("*;q=0, gzip", Gzip),
            ("identity;q=0.5, br;q=0.4", Identity),
            ("identity;q=0.5, br;q=0.5", Brotli),
            ("identity, *;q=0.1", Identity),
            ("identity;q=0, br;q=0", Identity),
            ("compress, deflate", Identity),
            ("", Identity),
        ];
        for (value, expected) in cases {
            let accept = AcceptEncoding::parse(&headers(&[("accept-encoding", value)]));
            assert_eq!(accept.choose(Encoding::COMPRESSED), expected, "{value}");
        }
        let none = AcceptEncoding::parse(&HeaderMap::new());
        assert_eq!(none.choose(Encoding::COMPRESSED), Identity);
        let two = headers(&[("accept-encoding", "br;q=0.5"), ("accept-encoding", "gzip")]);
        assert_eq!(
            AcceptEncoding::parse(&two).choose(Encoding::COMPRESSED),
            Gzip
        );
    }

    #[test]
    fn only_what_is_available_is_chosen() {
        let accept = AcceptEncoding::parse(&headers(&[("accept-encoding", "br, gzip;q=0.5")]));
        assert_eq!(accept.choose([Encoding::Gzip]), Encoding::Gzip);
        assert_eq!(accept.choose([Encoding::Zstd]), Encoding::Identity);
        assert_eq!(accept.choose([]), Encoding::Identity);
    }
}

mod rfc9110_12_5_1 {
    use super::*;

    #[test]
    fn the_most_specific_media_range_gives_the_weight() {
        use ListingFormat::{Html, Json};
        let cases = [
            ("application/json", Json),
            ("APPLICATION/JSON", Json),
            ("application/*;q=0.5", Json),
            ("text/html, application/json", Html),
            ("text/*;q=0.9, application/json", Json),
            ("*/*, application/json;q=0.5", Html),
            ("*/*;q=0.5, application/json", Json),
            ("json", Html),
            ("", Html),
        ];
        for (value, expected) in cases {
            assert_eq!(
                ListingFormat::choose(&headers(&[("accept", value)])),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn html_is_named_only_by_its_name() {
        let cases = [
            ("text/html", true),
            ("application/json, Text/HTML;q=0.1", true),
            ("text/html;q=0", false),
            ("text/*", false),
            ("*/*", false),
        ];
        for (value, expected) in cases {
            assert_eq!(
                names_html(&headers(&[("accept", value)])),
                expected,
                "{value}"
            );
        }
    }
}
