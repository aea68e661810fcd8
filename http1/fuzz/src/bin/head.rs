//! One head, against another reader.
//!
//! What we take, httparse takes too and reads alike; written down again, it is read alike again;
//! and it is the same however it was cut, and through either door.
#![no_main]

use astatine_http1::proto::{Connection, HeadFacts};
use astatine_http1::{Config, Head, Violation};
use astatine_http1_fuzz::Door;
use bytes::Bytes;
use http::header::HOST;
use http::{Method, Request, Version};
use libfuzzer_sys::fuzz_target;

type Received = Result<Option<(HeadFacts, Request<()>, Bytes)>, Violation>;

fuzz_target!(|data: &[u8]| {
    let whole = receive::<Request<()>>([data]);
    check_alike(&whole, &receive::<Head>([data]));
    if data.len() < 512 {
        check_alike(&whole, &receive::<Request<()>>(data.chunks(1)));
    }
    let middle = data.len() / 2;
    check_alike(&whole, &receive::<Head>([&data[..middle], &data[middle..]]));
    let Ok(Some((facts, request, rest))) = whole else {
        return;
    };
    check_by_other_reader(&data[..data.len() - rest.len()], &request);
    let written = write(&request);
    let Ok(Some((facts_again, again, nothing))) = receive::<Request<()>>([&written[..]]) else {
        panic!("refused when written again: {}", written.escape_ascii());
    };
    assert!(nothing.is_empty());
    assert_eq!(facts, facts_again);
    check_same(&request, &again);
});

fn receive<'a, H: Door>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Received {
    // The body is not received, so its length is no matter.
    let mut config = Config::default();
    config.max_body_bytes = u64::MAX;
    let mut core = Connection::new();
    let mut input = Bytes::new();
    let mut received = Ok(None);
    for piece in pieces {
        input = Bytes::from([&input[..], piece].concat());
        if matches!(received, Ok(None)) {
            let mut head = H::empty();
            received = core
                .receive_head(&mut input, &config, &mut head)
                .map(|facts| facts.map(|facts| (facts, head.into_request())));
        }
    }
    received.map(|received| received.map(|(facts, request)| (facts, request, input)))
}

fn check_alike(a: &Received, b: &Received) {
    match (a, b) {
        (Ok(Some((a_facts, a_request, a_rest))), Ok(Some((b_facts, b_request, b_rest)))) => {
            assert_eq!((a_facts, a_rest), (b_facts, b_rest));
            check_same(a_request, b_request);
        }
        (Ok(None), Ok(None)) => {}
        (Err(a), Err(b)) => assert_eq!(a, b),
        _ => panic!("cut otherwise: {a:?} and {b:?}"),
    }
}

fn check_same(a: &Request<()>, b: &Request<()>) {
    assert_eq!(a.method(), b.method());
    assert_eq!(a.uri(), b.uri());
    assert_eq!(a.version(), b.version());
    assert_eq!(a.headers(), b.headers());
}

fn check_by_other_reader(head: &[u8], request: &Request<()>) {
    let mut head = head.to_vec();
    if request.version() == Version::HTTP_11 {
        // It refuses a later minor version, which we take for this one (RFC 9110 §2.5).
        let begin = head.iter().position(|octet| !b"\r\n".contains(octet));
        let line = &mut head[begin.expect("a request has a line")..];
        let end = line.iter().position(|octet| *octet == b'\r');
        line[end.expect("a line has an end") - 1] = b'1';
    }
    let mut fields = [httparse::EMPTY_HEADER; 200];
    let mut other = httparse::Request::new(&mut fields);
    let read = other.parse(&head).expect("we are the stricter reader");
    assert_eq!(read, httparse::Status::Complete(head.len()));
    assert_eq!(other.method, Some(request.method().as_str()));
    let minor = u8::from(request.version() == Version::HTTP_11);
    assert_eq!(other.version, Some(minor));
    let target = other.path.expect("a whole request has a target");
    let has_authority = request.uri().authority().is_some();
    let is_connect = *request.method() == Method::CONNECT;
    for (name, values) in request
        .headers()
        .keys()
        .map(|name| (name, request.headers().get_all(name)))
    {
        if *name == HOST && has_authority && !is_connect {
            // The target's authority stands in its place.
            let authority = values.iter().next().expect("a name has a value");
            assert!(
                target
                    .as_bytes()
                    .windows(authority.len())
                    .any(|part| part == authority.as_bytes())
            );
            continue;
        }
        let others = other.headers.iter();
        let others = others.filter(|field| field.name.eq_ignore_ascii_case(name.as_str()));
        assert!(
            values
                .iter()
                .map(|value| value.as_bytes())
                .eq(others.map(|field| field.value))
        );
    }
}

fn write(request: &Request<()>) -> Vec<u8> {
    let line = format!(
        "{} {} {:?}\r\n",
        request.method(),
        request.uri(),
        request.version()
    );
    let mut head = line.into_bytes();
    for (name, value) in request.headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}
