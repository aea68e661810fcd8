//! What holds for any message: written, cut anywhere and read, it is what it was.

use astatine_http1::proto::{BodyEvent, Chunk, Connection, DateField, Transfer, client};
use astatine_http1::{Config, Violation, client::Config as ClientConfig};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;

/// A message's content: what it is, and how it is sent.
#[derive(Clone, Debug, PartialEq)]
enum Content {
    None,
    Length(Vec<u8>),
    /// Chunks, with what stands behind each size, and trailers.
    Chunked(Vec<(Vec<u8>, String)>, Vec<Field>),
}

type Field = (String, String);

/// A request as a client may write it.
#[derive(Clone, Debug)]
struct Written {
    method: String,
    target: String,
    fields: Vec<Field>,
    content: Content,
}

/// A message as it was read: what begins it, the fields that begin with `x-`, the content, the
/// trailers.
type Read = (String, Vec<Field>, Vec<u8>, Vec<Field>);

const DATE: DateField = *b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

fn fields() -> impl Strategy<Value = Vec<Field>> {
    let value = "|[!-~]([ -~\t]{0,20}[!-~])?";
    vec(("x-[a-z0-9!#$%&'*+.^_`|~-]{0,12}", value), 0..6).prop_map(|mut fields| {
        // A map keeps the values of one name together, in their order.
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        fields
    })
}

fn content() -> impl Strategy<Value = Content> {
    let extension = "( ?; ?[a-z]{1,5}(=[a-z]{1,5}|=\"[a-z \t]{0,5}\")?){0,3}";
    let chunk = (vec(any::<u8>(), 1..40), extension);
    prop_oneof![
        Just(Content::None),
        vec(any::<u8>(), 0..60).prop_map(Content::Length),
        (vec(chunk, 0..5), fields())
            .prop_map(|(chunks, trailers)| Content::Chunked(chunks, trailers)),
    ]
}

fn written() -> impl Strategy<Value = Written> {
    let method = "GET|POST|HEAD|PUT|[A-Za-z!#$%&'*+.^_`|~-]{1,10}";
    let target =
        "/[a-zA-Z0-9%._~!$&'()*+,;=:@/-]{0,20}([?][a-z0-9{}|^`/?=&]{0,10})?|http://h/[a-z]{0,5}";
    // CONNECT has a form of target, and a life, of its own; TRACE has no content.
    let method = method.prop_filter("another life", |m| m != "CONNECT" && m != "TRACE");
    (method, target, fields(), content()).prop_map(|(method, target, fields, content)| Written {
        method,
        target,
        fields,
        content,
    })
}

impl Written {
    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhOst: h\r\n", self.method, self.target);
        head.push_str(&lines(&self.fields));
        let mut bytes = head.into_bytes();
        match &self.content {
            Content::None => bytes.extend_from_slice(b"\r\n"),
            Content::Length(content) => {
                bytes.extend_from_slice(
                    format!("content-length:{}\r\n\r\n", content.len()).as_bytes(),
                );
                bytes.extend_from_slice(content);
            }
            Content::Chunked(chunks, trailers) => {
                bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                for (chunk, extension) in chunks {
                    let size = format!("{:X}{extension}\r\n", chunk.len());
                    bytes.extend_from_slice(size.as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(format!("0\r\n{}\r\n", lines(trailers)).as_bytes());
            }
        }
        bytes
    }

    fn expected(&self) -> Read {
        let (content, trailers) = self.content.parts();
        (
            format!("{} {}", self.method, self.target),
            self.fields.clone(),
            content,
            trailers,
        )
    }
}

impl Content {
    fn parts(&self) -> (Vec<u8>, Vec<Field>) {
        match self {
            Self::None => (Vec::new(), Vec::new()),
            Self::Length(content) => (content.clone(), Vec::new()),
            Self::Chunked(chunks, trailers) => {
                let chunks = chunks.iter().flat_map(|(chunk, _)| chunk.iter().copied());
                (chunks.collect(), trailers.clone())
            }
        }
    }
}

fn lines(fields: &[Field]) -> String {
    fields
        .iter()
        .map(|(name, value)| format!("{name}:\t{value} \r\n"))
        .collect()
}

fn told(headers: &HeaderMap) -> Vec<Field> {
    let mut fields: Vec<Field> = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-"))
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.into_owned())
        })
        .collect();
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    fields
}

fn map(fields: &[Field]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name: HeaderName = name.parse().expect("it is a name");
        headers.append(name, HeaderValue::from_str(value).expect("it is a value"));
    }
    headers
}

/// Cuts bytes into pieces of these lengths, by turns.
fn cut<'a>(mut bytes: &'a [u8], lens: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut lens = lens.iter().copied().cycle();
    while !bytes.is_empty() {
        let len = lens.next().unwrap_or(bytes.len()).min(bytes.len());
        let (piece, rest) = bytes.split_at(len);
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// Takes what a server would: every request, each answered with nothing.
fn read_requests(pieces: &[&[u8]]) -> (Vec<Read>, Option<Violation>) {
    let (mut core, config) = (Connection::new(), Config::default());
    let mut input = Bytes::new();
    let mut requests: Vec<Read> = Vec::new();
    let mut step = |core: &mut Connection, input: &mut Bytes| {
        let mut request = Request::new(());
        if core.receive_head(input, &config, &mut request)?.is_some() {
            let line = format!("{} {}", request.method(), request.uri());
            requests.push((line, told(request.headers()), Vec::new(), Vec::new()));
            core.send_head(
                (StatusCode::OK, &HeaderMap::new()),
                Some(0),
                &DATE,
                &mut Vec::new(),
            );
        } else if let Some(event) = core.receive_body(input, &config)? {
            let last = requests.last_mut().expect("a body has a head");
            match event {
                BodyEvent::Data(data) => last.2.extend_from_slice(&data),
                BodyEvent::End(trailers) => last.3 = told(&trailers),
            }
        } else {
            return Ok(core.next_exchange());
        }
        Ok(true)
    };
    for piece in pieces {
        input = Bytes::from([&input[..], piece].concat());
        loop {
            match step(&mut core, &mut input) {
                Ok(true) => {}
                Ok(false) => break,
                Err(violation) => return (requests, Some(violation)),
            }
        }
    }
    (requests, core.receive_eof(&input).err())
}

/// Writes a request as our client does.
fn send_request(written: &Written) -> Vec<u8> {
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(written.method.as_bytes()).expect("it is a token");
    *request.uri_mut() = format!("http://h{}", written.target)
        .parse()
        .expect("it is a target");
    *request.headers_mut() = map(&written.fields);
    let (content, trailers) = written.content.parts();
    let exact_len = match written.content {
        Content::Chunked(..) => None,
        Content::None | Content::Length(_) => Some(content.len() as u64),
    };
    let (mut core, mut output) = (client::Connection::new(), Vec::new());
    core.send_head(&request, exact_len, &mut output)
        .expect("it can be sent");
    if core.is_sending_body() {
        for piece in pieces_of(&written.content) {
            let chunk = core.send_data(piece.len(), &mut output).expect("it fits");
            push(&piece, chunk, &mut output);
        }
        core.send_end(Some(&map(&trailers)), &mut output)
            .expect("it is whole");
    }
    output
}

fn pieces_of(content: &Content) -> Vec<Vec<u8>> {
    match content {
        Content::None => Vec::new(),
        Content::Length(content) if content.is_empty() => Vec::new(),
        Content::Length(content) => vec![content.clone()],
        Content::Chunked(chunks, _) => chunks.iter().map(|(chunk, _)| chunk.clone()).collect(),
    }
}

fn push(piece: &[u8], chunk: Chunk, output: &mut Vec<u8>) {
    output.extend_from_slice(piece);
    if chunk == Chunk::Chunked {
        output.extend_from_slice(b"\r\n");
    }
}

/// Writes an answer as our server does.
fn send_answer(request: &'static str, status: u16, fields: &[Field], content: &Content) -> Vec<u8> {
    let (mut core, mut output) = (Connection::new(), Vec::new());
    let mut input = Bytes::from_static(request.as_bytes());
    core.receive_head(&mut input, &Config::default(), &mut Request::new(()))
        .expect("it is allowed");
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).expect("it has three digits");
    *response.headers_mut() = map(fields);
    let (whole, trailers) = content.parts();
    let exact_len = match content {
        Content::Chunked(..) => None,
        Content::None | Content::Length(_) => Some(whole.len() as u64),
    };
    let transfer = core.send_head(
        (response.status(), response.headers()),
        exact_len,
        &DATE,
        &mut output,
    );
    if !matches!(transfer, Transfer::None | Transfer::Length(0)) {
        for piece in pieces_of(content) {
            let chunk = core.send_data(piece.len(), &mut output).expect("it fits");
            push(&piece, chunk, &mut output);
        }
        core.send_end(Some(&map(&trailers)), &mut output)
            .expect("it is whole");
    }
    output
}

/// Takes what a client would that asked by this method; `None` where it is not a whole response.
fn read_answer(method: &str, pieces: &[&[u8]]) -> Option<Read> {
    let request = Request::builder().method(method).uri("http://h/").body(());
    let mut core = client::Connection::new();
    core.send_head(&request.ok()?, Some(0), &mut Vec::new())
        .ok()?;
    let config = ClientConfig::default();
    let mut input = Bytes::new();
    let mut answer = None;
    let mut drain = |core: &mut client::Connection, input: &mut Bytes| -> Result<(), Violation> {
        let mut response = Response::new(());
        if core.receive_head(input, &config, &mut response)?.is_some() {
            let status = response.status().as_str().to_owned();
            answer = Some((status, told(response.headers()), Vec::new(), Vec::new()));
        }
        while let Some(event) = core.receive_body(input, &config)? {
            let answer = answer.as_mut().expect("a body has a head");
            match event {
                BodyEvent::Data(data) => answer.2.extend_from_slice(&data),
                BodyEvent::End(trailers) => answer.3 = told(&trailers),
            }
        }
        Ok(())
    };
    for piece in pieces {
        input = Bytes::from([&input[..], piece].concat());
        drain(&mut core, &mut input).ok()?;
    }
    if !core.is_done() {
        core.receive_eof().ok()?;
        drain(&mut core, &mut input).ok()?;
    }
    assert!(
        input.is_empty(),
        "bytes behind an answer: {}",
        input.escape_ascii()
    );
    answer.filter(|_| core.is_done())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pipeline_is_read_as_it_was_written(
        pipeline in vec(written(), 1..5),
        lens in vec(1_usize..80, 1..6),
    ) {
        let bytes: Vec<u8> = pipeline.iter().flat_map(Written::bytes).collect();
        let expected: Vec<Read> = pipeline.iter().map(Written::expected).collect();
        prop_assert_eq!(&read_requests(&[&bytes]), &(expected.clone(), None));
        prop_assert_eq!(&read_requests(&cut(&bytes, &lens)), &(expected, None));
    }

    #[test]
    fn bytes_mean_the_same_however_they_are_cut(
        pipeline in vec(written(), 1..4),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        lens in vec(1_usize..80, 1..6),
    ) {
        let mut bytes: Vec<u8> = pipeline.iter().flat_map(Written::bytes).collect();
        for (index, octet) in changes {
            let len = bytes.len();
            bytes[index.index(len)] = octet;
        }
        prop_assert_eq!(read_requests(&[&bytes]), read_requests(&cut(&bytes, &lens)));
    }

    #[test]
    fn an_address_in_brackets_is_what_the_standard_library_takes_for_one(
        address in "[0-9a-f:.]{0,20}|([0-9a-f]{0,4}:){1,8}[0-9a-f]{0,4}|[0-9a-f:]{2,9}:([0-9]{1,3}[.]){3}[0-9]{1,3}",
    ) {
        let request = format!("GET / HTTP/1.1\r\nHost: [{address}]\r\n\r\n");
        let (requests, _) = read_requests(&[request.as_bytes()]);
        let is_address = address.parse::<std::net::Ipv6Addr>().is_ok();
        prop_assert_eq!(requests.len(), usize::from(is_address));
    }

    #[test]
    fn what_our_client_asks_our_server_reads(mut written in written(), lens in vec(1_usize..80, 1..6)) {
        // A client asks for the path alone.
        if let Some(path) = written.target.strip_prefix("http://h") {
            written.target = path.to_owned();
        }
        let bytes = send_request(&written);
        let (requests, violation) = read_requests(&cut(&bytes, &lens));
        prop_assert_eq!(violation, None);
        prop_assert_eq!(requests, vec![written.expected()]);
    }

    #[test]
    fn what_our_server_answers_our_client_reads(
        status in 200_u16..600,
        fields in fields(),
        content in content(),
        lens in vec(1_usize..80, 1..6),
    ) {
        let (whole, trailers) = content.parts();
        let is_bare = [204, 205, 304].contains(&status);
        let whole = if is_bare { Vec::new() } else { whole };
        let trailers = if is_bare { Vec::new() } else { trailers };
        for (request, method, expected) in [
            ("GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n", "GET", (&whole, trailers)),
            ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET", (&whole, Vec::new())),
            ("GET / HTTP/1.0\r\n\r\n", "GET", (&whole, Vec::new())),
            ("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD", (&Vec::new(), Vec::new())),
        ] {
            let bytes = send_answer(request, status, &fields, &content);
            let expected = (status.to_string(), fields.clone(), expected.0.clone(), expected.1);
            prop_assert_eq!(read_answer(method, &cut(&bytes, &lens)), Some(expected));
        }
    }

    #[test]
    fn an_answer_that_is_cut_short_is_no_answer(
        content in content(),
        at in any::<prop::sample::Index>(),
    ) {
        let bytes = send_answer("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 200, &[], &content);
        let short = &bytes[..at.index(bytes.len())];
        prop_assert_eq!(read_answer("GET", &[short]), None);
    }
}
