//! The fields that choose an answer: a line each, `Name: value`, as a head would have them.
//!
//! The coding that is chosen was offered and not refused; a part lies inside; no answer depends
//! on a field that has no say in it.
#![no_main]

use astatine_static_files::plan::{
    AcceptEncoding, Answer, Encoding, ListingFormat, Representation, names_html,
};
use http::header::{ACCEPT_ENCODING, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let headers = read(data);
    if names_html(&headers) {
        assert!(headers.contains_key("accept"));
    }
    if ListingFormat::choose(&headers) == ListingFormat::Json {
        assert!(headers.contains_key("accept"));
    }
    check_encoding(&headers);
    check_answer(&headers);
});

/// Reads lines of fields; what is none is left out.
fn read(data: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

fn check_encoding(headers: &HeaderMap) {
    let accept = AcceptEncoding::parse(headers);
    let text: Vec<u8> = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().to_ascii_lowercase())
        .collect();
    for encoding in Encoding::COMPRESSED {
        if accept.choose([encoding]) == encoding {
            let token = encoding.token().expect("it has a name");
            let names = |name: &[u8]| text.windows(name.len()).any(|part| part == name);
            assert!(names(token.as_bytes()) || names(b"*"), "not asked for");
            let all = accept.choose(Encoding::COMPRESSED);
            assert_ne!(all, Encoding::Identity, "more choice, worse answer");
        }
    }
    assert_eq!(accept.choose([]), Encoding::Identity);
}

fn check_answer(headers: &HeaderMap) {
    let mut representation = Representation {
        len: 1000,
        etag: b"\"tag\"",
        last_modified: "Sun, 06 Nov 1994 08:49:37 GMT".parse().ok(),
        is_date_strong: true,
    };
    let plan = |method: &Method, headers: &HeaderMap, representation: &Representation<'_>| {
        Answer::plan(method, headers, representation, 16)
    };
    let answer = plan(&Method::GET, headers, &representation);
    match &answer {
        Answer::Part(range) => assert!(range.start < range.end && range.end <= 1000),
        Answer::Parts(ranges) => {
            assert!(ranges.len() > 1);
            assert!(ranges.iter().all(|r| r.start < r.end && r.end <= 1000));
        }
        Answer::Whole
        | Answer::NotModified
        | Answer::PreconditionFailed
        | Answer::Unsatisfiable => {}
    }
    // Range is for GET alone: HEAD is answered as without it.
    let mut others = headers.clone();
    others.remove(RANGE);
    let without = plan(&Method::GET, &others, &representation);
    assert_eq!(plan(&Method::HEAD, headers, &representation), without);
    // A weak date supports no range, and nothing else depends on its strength.
    representation.is_date_strong = false;
    let weak = plan(&Method::GET, headers, &representation);
    assert!(weak == answer || weak == Answer::Whole);
}
