//! A client that shows what is on the wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// One connection.
pub(crate) struct Client<T = TcpStream> {
    stream: BufReader<T>,
}

/// A response, its body read to the length that its head declares.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self::new(stream)
    }

    /// Says that nothing more is sent.
    pub(crate) fn end(&self) {
        self.stream.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// Counts what can still be read; a connection that was cut may end in an error.
    pub(crate) fn n_readable_bytes(&mut self) -> usize {
        let mut n_bytes = 0;
        let mut chunk = vec![0; 65_536];
        while let Ok(n_read @ 1..) = self.stream.read(&mut chunk) {
            n_bytes += n_read;
        }
        n_bytes
    }

    /// Returns our end's address.
    pub(crate) fn local_address(&self) -> SocketAddr {
        self.stream.get_ref().local_addr().unwrap()
    }
}

impl<T: Read> Client<T>
where
    for<'a> &'a T: Write,
{
    pub(crate) fn new(stream: T) -> Self {
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Asks for a path with further header lines, each with its line end.
    pub(crate) fn get(&mut self, path: &str, fields: &str) -> Response {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n"));
        self.response()
    }

    pub(crate) fn send(&self, text: &str) {
        self.send_bytes(text.as_bytes());
    }

    pub(crate) fn send_bytes(&self, bytes: &[u8]) {
        self.stream.get_ref().write_all(bytes).unwrap();
    }

    /// Reads a response with a body.
    pub(crate) fn response(&mut self) -> Response {
        let mut response = self.head();
        let length = response.field("content-length").map(|text| text.parse());
        let length = length.map_or(0, Result::unwrap);
        if !matches!(response.status, 204 | 304) {
            response.body = vec![0; length];
            self.stream.read_exact(&mut response.body).unwrap();
        }
        response
    }

    /// Reads a response that has no body whatever its head says.
    pub(crate) fn head(&mut self) -> Response {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let n_read = self.stream.read_line(&mut head).unwrap();
            assert!(n_read > 0, "the connection ended within the head {head:?}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = Vec::new();
        Response { status, head, body }
    }

    /// Reads to the next line that begins so; returns the rest of it.
    pub(crate) fn line(&mut self, begin: &str) -> String {
        loop {
            let mut line = String::new();
            let n_read = self.stream.read_line(&mut line).unwrap();
            assert!(n_read > 0, "the connection ended before {begin:?}");
            if let Some(rest) = line.strip_prefix(begin) {
                return rest.trim_end().to_owned();
            }
        }
    }

    /// Reads a line without its end; None: the connection has ended.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        let mut line = String::new();
        let n_read = self.stream.read_line(&mut line).unwrap();
        (n_read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Reads so many bytes; None: the connection has ended or was cut.
    pub(crate) fn bytes(&mut self, n: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; n];
        self.stream.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Asks by methods that do not read, and checks the status, and Allow where there is a page.
    pub(crate) fn check_other_methods(&mut self, cases: &[(&str, &str, u16)]) {
        for (method, path, status) in cases {
            self.send(&format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
            let answer = self.response();
            assert_eq!(answer.status, *status, "{method} {path}");
            let allowed = (*status != 404).then_some("GET, HEAD, OPTIONS");
            assert_eq!(answer.field("allow"), allowed);
        }
    }

    /// Reads to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).unwrap();
        rest
    }
}

impl Response {
    /// Returns the value of a field that occurs once at most.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.head.lines().filter_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then_some(value.trim())
        });
        let value = values.next();
        assert_eq!(values.next(), None, "{name} occurs twice");
        value
    }
}

/// A server that answers nothing for so long has failed the test.
const PATIENCE: Duration = Duration::from_secs(60);
