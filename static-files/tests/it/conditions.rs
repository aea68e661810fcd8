//! RFC 9110 §13: preconditions.

use crate::site::Site;

const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const LATER: &str = "Fri, 06 Nov 2099 08:49:37 GMT";

#[tokio::test]
async fn preconditions_are_evaluated_in_the_prescribed_order() {
    let site = Site::new(&[("a.txt", b"hello")]);
    let whole = site.get("/a.txt").await;
    let etag = whole.header("etag");
    let date = whole.header("last-modified");
    let weak = format!("W/{etag}");
    let list = format!("\"x\", {weak}, \"y,z\"");
    let strong_list = format!("\"x,y\",\t{etag}");
    let cases: Vec<(Vec<(&str, &str)>, u16)> = vec![
        (vec![("if-none-match", etag)], 304),
        (vec![("if-none-match", &weak)], 304),
        (vec![("if-none-match", &list)], 304),
        (vec![("if-none-match", "*")], 304),
        (vec![("if-none-match", "\"other\"")], 200),
        (vec![("if-none-match", "other")], 200),
        (
            vec![("if-none-match", "\"other\""), ("if-none-match", etag)],
            304,
        ),
        (vec![("if-match", etag)], 200),
        (vec![("if-match", &strong_list)], 200),
        (vec![("if-match", "*")], 200),
        (vec![("if-match", &weak)], 412),
        (vec![("if-match", "\"other\"")], 412),
        (vec![("if-modified-since", date)], 304),
        (vec![("if-modified-since", LATER)], 304),
        (vec![("if-modified-since", OLD)], 200),
        (vec![("if-modified-since", "yesterday")], 200),
        (
            vec![("if-modified-since", "Sunday, 06-Nov-94 08:49:37 GMT")],
            200,
        ),
        (vec![("if-modified-since", "Fri Nov  6 08:49:37 2099")], 304),
        (vec![("if-unmodified-since", date)], 200),
        (vec![("if-unmodified-since", OLD)], 412),
        (vec![("if-unmodified-since", "never")], 200),
        // The entity tag goes before the date.
        (
            vec![("if-none-match", "\"other\""), ("if-modified-since", date)],
            200,
        ),
        (vec![("if-match", etag), ("if-unmodified-since", OLD)], 200),
        // If-Match goes before If-None-Match.
        (
            vec![("if-match", "\"other\""), ("if-none-match", etag)],
            412,
        ),
        // A range comes last.
        (vec![("if-none-match", etag), ("range", "bytes=0-1")], 304),
        (vec![("if-match", etag), ("range", "bytes=0-1")], 206),
    ];
    for method in ["GET", "HEAD"] {
        for (headers, status) in &cases {
            let status = match (method, *status) {
                ("HEAD", 206) => 200,
                (_, status) => status,
            };
            let answer = site.send(method, "/a.txt", headers).await;
            assert_eq!(answer.status, status, "{method} {headers:?}");
        }
    }
}

#[tokio::test]
async fn not_modified_keeps_the_validators_and_has_no_content() {
    let site = Site::new(&[("a.css", &b"a{}".repeat(2_000))]);
    let whole = site.get("/a.css").await;
    let headers = [("if-none-match", whole.header("etag"))];
    let answer = site.get_with("/a.css", &headers).await;
    assert_eq!(answer.status, 304);
    assert!(answer.body.is_empty());
    for name in ["etag", "last-modified", "cache-control", "vary"] {
        assert_eq!(answer.header(name), whole.header(name), "{name}");
    }
    for name in ["content-length", "content-type", "content-encoding"] {
        assert_eq!(answer.header(name), "", "{name}");
    }
}

#[tokio::test]
async fn validators_are_strong_and_quoted() {
    let site = Site::new(&[("a.txt", b"hello")]);
    let answer = site.get("/a.txt").await;
    let etag = answer.header("etag");
    assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2);
    assert!(answer.header("last-modified").ends_with(" GMT"));
}
