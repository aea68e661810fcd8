//! RFC 9110 §14: ranges, over files that are held in memory and files that are not.

use std::ops::Range;

use crate::site::{Answer, Site, noise};

const LENGTHS: [usize; 4] = [1_000, 65_536, 65_537, 1_000_000];

async fn site(len: usize) -> (Site, Vec<u8>) {
    let content = noise(len);
    (Site::new(&[("file.bin", &content)]), content)
}

#[tokio::test]
async fn every_form_of_one_range_sends_exactly_its_bytes() {
    for len in LENGTHS {
        let (site, content) = site(len).await;
        let cases: [(String, Range<usize>); 10] = [
            ("bytes=0-0".into(), 0..1),
            ("bytes=0-499".into(), 0..500),
            ("bytes=500-999".into(), 500..1_000),
            ("bytes=1-".into(), 1..len),
            (format!("bytes={}-", len - 1), len - 1..len),
            ("bytes=-1".into(), len - 1..len),
            ("bytes=-700".into(), len - 700..len),
            (format!("bytes=-{}", len * 3), 0..len),
            (format!("bytes=900-{}", len * 2), 900..len),
            ("BYTES=3-4".into(), 3..5),
        ];
        for (header, range) in cases {
            let answer = site.get_with("/file.bin", &[("range", &header)]).await;
            assert_eq!(answer.status, 206, "{header} of {len}");
            assert!(answer.body == content[range.clone()], "{header} of {len}");
            let content_range = format!("bytes {}-{}/{len}", range.start, range.end - 1);
            assert_eq!(answer.header("content-range"), content_range);
            assert_eq!(answer.header("content-length"), range.len().to_string());
        }
    }
}

#[tokio::test]
async fn ranges_behind_the_end_are_416_with_the_length() {
    let (site, _) = site(1_000).await;
    for header in [
        "bytes=1000-",
        "bytes=1000-2000",
        "bytes=-0",
        "bytes=5000-,-0",
        // 2^64, which must not pass for 0.
        "bytes=18446744073709551616-",
    ] {
        let answer = site.get_with("/file.bin", &[("range", header)]).await;
        assert_eq!(answer.status, 416, "{header}");
        assert_eq!(answer.header("content-range"), "bytes */1000");
        assert_eq!(answer.text(), "416 Range Not Satisfiable\n");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }
}

#[tokio::test]
async fn ranges_that_cannot_be_read_are_ignored() {
    let (site, content) = site(1_000).await;
    let many = format!("bytes={}", vec!["0-1"; 17].join(","));
    for header in [
        "bytes=",
        "bytes=x-",
        "bytes=5-2",
        "lines=0-1",
        "bytes=1",
        "0-1",
        &many,
    ] {
        let answer = site.get_with("/file.bin", &[("range", header)]).await;
        assert_eq!(answer.status, 200, "{header}");
        assert_eq!(answer.body, content);
        assert_eq!(answer.header("accept-ranges"), "bytes");
    }
}

#[tokio::test]
async fn several_ranges_come_as_multipart_and_can_be_parsed_back() {
    for len in LENGTHS {
        let (site, content) = site(len).await;
        let header = "bytes=-10,0-9,300-399";
        let answer = site.get_with("/file.bin", &[("range", header)]).await;
        assert_eq!(answer.status, 206);
        assert_eq!(
            answer.header("content-length"),
            answer.body.len().to_string()
        );
        let expected = [len - 10..len, 0..10, 300..400];
        let parts = parse_multipart(&answer);
        assert_eq!(parts.len(), expected.len());
        for ((head, body), range) in parts.iter().zip(expected) {
            let content_range = format!("bytes {}-{}/{len}", range.start, range.end - 1);
            let head = head.to_ascii_lowercase();
            assert!(
                head.contains(&format!("content-range: {content_range}")),
                "{head}"
            );
            assert!(
                head.contains("content-type: application/octet-stream"),
                "{head}"
            );
            assert!(*body == content[range], "{content_range}");
        }
    }
}

#[tokio::test]
async fn ranges_that_overlap_are_joined_to_one() {
    let (site, content) = site(1_000).await;
    let range = [("range", "bytes=100-199,150-299,300-310")];
    let answer = site.get_with("/file.bin", &range).await;
    assert_eq!(answer.status, 206);
    assert_eq!(answer.header("content-range"), "bytes 100-310/1000");
    assert_eq!(answer.body, content[100..311]);
}

#[tokio::test]
async fn if_range_sends_a_part_only_of_the_very_same_version() {
    let (site, content) = site(1_000).await;
    let whole = site.get("/file.bin").await;
    let (etag, date) = (whole.header("etag"), whole.header("last-modified"));
    let weak = format!("W/{etag}");
    let cases = [
        (etag, 206),
        (date, 206),
        (&weak, 200),
        ("\"other\"", 200),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 200),
        ("nonsense", 200),
    ];
    for (validator, status) in cases {
        let headers = [("range", "bytes=0-9"), ("if-range", validator)];
        let answer = site.get_with("/file.bin", &headers).await;
        assert_eq!(answer.status, status, "{validator}");
        let expected = if status == 206 {
            &content[..10]
        } else {
            &content
        };
        assert_eq!(answer.body, expected, "{validator}");
    }
}

#[tokio::test]
async fn an_empty_file_has_no_ranges() {
    let site = Site::new(&[("empty.bin", b"")]);
    assert_eq!(site.get("/empty.bin").await.header("content-length"), "0");
    for (header, status) in [("bytes=0-", 416), ("bytes=-5", 200)] {
        let answer = site.get_with("/empty.bin", &[("range", header)]).await;
        assert_eq!(answer.status, status, "{header}");
    }
}

#[tokio::test]
async fn range_means_nothing_to_head() {
    let (site, _) = site(1_000).await;
    let answer = site
        .send("HEAD", "/file.bin", &[("range", "bytes=0-9")])
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-length"), "1000");
    assert!(answer.body.is_empty());
}

/// Splits a multipart body into heads and contents, by nothing but its boundary.
fn parse_multipart(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    let content_type = answer.header("content-type");
    let boundary = content_type
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = answer.body.as_slice();
    let mut parts = Vec::new();
    loop {
        rest = &rest[find(rest, delimiter.as_bytes()).unwrap() + delimiter.len()..];
        if rest == b"--\r\n" {
            return parts;
        }
        rest = rest.strip_prefix(b"\r\n").unwrap();
        let end = find(rest, delimiter.as_bytes()).unwrap();
        let head = find(rest, b"\r\n\r\n").unwrap();
        let text = String::from_utf8(rest[..head].to_vec()).unwrap();
        parts.push((text, rest[head + 4..end].to_vec()));
        rest = &rest[end..];
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
