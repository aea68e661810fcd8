//! A response, as a client reads it: a byte that chooses the request and when its body is sent, then
//! the server's stream.
//!
//! It is read alike however it was cut; a head that we take, httparse takes too; a body of a stated
//! length has that length; and what is refused, or breaks off, leaves a connection that is of no
//! more use.
#![no_main]

use astatine_http1::Violation;
use astatine_http1::client::Config;
use astatine_http1::proto::client::Connection;
use astatine_http1::proto::{BodyEvent, Transfer};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use libfuzzer_sys::fuzz_target;

/// What a client made of a stream that ended.
#[derive(Debug, Default, PartialEq)]
struct Read {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: HeaderMap,
    violation: Option<Violation>,
    n_interim: u32,
    may_go_on: bool,
    n_left: usize,
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, stream)) = data.split_first() else {
        return;
    };
    let whole = read(*choice, [stream]);
    let middle = stream.len() / 2;
    assert_eq!(whole, read(*choice, [&stream[..middle], &stream[middle..]]));
    if stream.len() < 512 {
        assert_eq!(whole, read(*choice, stream.chunks(1)));
    }
    if whole.status != 0 && whole.n_interim == 0 {
        let mut fields = [httparse::EMPTY_HEADER; 200];
        let mut other = httparse::Response::new(&mut fields);
        let parsed = other.parse(stream).expect("we are the stricter reader");
        assert!(parsed.is_complete());
        assert_eq!(other.code, Some(whole.status));
        assert_eq!(other.headers.len(), whole.headers.len());
    }
});

/// The bits of the choice that give the request a body, of [`CONTENT`] in chunks, and let it wait
/// for leave.
const BODY: u8 = 0x40;
const WAITS: u8 = 0x80;
const CONTENT: &[u8] = b"0123456789";

fn request(choice: u8) -> Request<()> {
    let (method, uri) = match choice % 4 {
        0 if choice & BODY != 0 => ("PUT", "http://h/"),
        0 => ("GET", "http://h/"),
        1 => ("HEAD", "http://h/"),
        2 => ("CONNECT", "h:443"),
        _ => ("OPTIONS", "*"),
    };
    let mut request = Request::builder().method(method).uri(uri);
    request = request.header("host", "h");
    if choice & WAITS != 0 {
        request = request.header("expect", "100-continue");
    }
    if choice & 0x10 != 0 {
        request = request.header("upgrade", "x");
    }
    if choice & 0x20 != 0 {
        request = request.header("connection", "close");
    }
    request.body(()).expect("it is a request")
}

fn read<'a>(choice: u8, pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let (mut core, mut input, mut read) = (Connection::new(), Bytes::new(), Read::default());
    let request = request(choice);
    let exact_len = (request.method() != "PUT").then_some(0);
    core.send_head(&request, exact_len, &mut Vec::new())
        .expect("it can be sent");
    let waits = request.method() == "PUT" && choice & WAITS != 0;
    assert_eq!(core.awaits_leave(), waits);
    for piece in pieces {
        send_body(&mut core);
        input = Bytes::from([&input[..], piece].concat());
        read.drain(&mut core, &mut input);
    }
    send_body(&mut core);
    read.n_interim = core.n_interim();
    if read.violation.is_none() {
        read.may_go_on = core.next_exchange();
        if !read.may_go_on && !core.is_done() {
            read.violation = core.receive_eof().err();
            read.drain(&mut core, &mut input);
        }
    }
    if read.violation.is_some() {
        assert!(!core.next_exchange() && !core.is_idle());
    }
    // Where two limits are passed at once, the pieces decide which is seen first.
    if let Some(Violation::HeaderLineTooLong | Violation::TooManyHeaders) = read.violation {
        read.violation = Some(Violation::HeadTooLong);
    }
    read.n_left = input.len();
    if read.violation.is_some() {
        read.n_left = 0;
    }
    read
}

/// Sends the request's body if it is its time.
fn send_body(core: &mut Connection) {
    if core.is_sending_body() {
        let mut output = Vec::new();
        core.send_data(CONTENT.len(), &mut output)
            .expect("it is chunked");
        core.send_end(None, &mut output).expect("it is chunked");
        assert!(core.is_request_sent() && !core.is_sending_body());
        assert_eq!(output, b"a\r\n0\r\n\r\n");
    }
}

impl Read {
    fn drain(&mut self, core: &mut Connection, input: &mut Bytes) {
        while self.violation.is_none() {
            match self.step(core, input) {
                Ok(true) => {}
                Ok(false) => return,
                Err(violation) => self.violation = Some(violation),
            }
        }
    }

    fn step(&mut self, core: &mut Connection, input: &mut Bytes) -> Result<bool, Violation> {
        let mut config = Config::default();
        config.max_head_bytes = 1 << 10;
        config.max_header_line_bytes = 256;
        config.max_headers = 16;
        config.max_interim_responses = 2;
        if let Some(event) = core.receive_body(input, &config)? {
            match event {
                BodyEvent::Data(data) => {
                    assert!(!data.is_empty(), "a piece of a body has bytes");
                    self.body.extend_from_slice(&data);
                }
                BodyEvent::End(trailers) => self.trailers = trailers,
            }
            return Ok(true);
        }
        let mut response = Response::new(());
        let Some(facts) = core.receive_head(input, &config, &mut response)? else {
            return Ok(false);
        };
        assert!(!facts.is_switch || facts.transfer == Transfer::None);
        self.status = response.status().as_u16();
        self.headers = response.headers().clone();
        Ok(true)
    }
}
