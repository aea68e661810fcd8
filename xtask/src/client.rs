//! A client that speaks HTTP/1.1 over a blocking socket and takes answers apart.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    /// What came behind the last answer.
    unread: Vec<u8>,
}

/// An answer with its whole body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The lines behind the first, without the date.
    pub(crate) fields: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// How the end of a body is found.
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

/// Beyond this a server does not wait but hangs.
const PATIENCE: Duration = Duration::from_secs(60);
const READ_BYTES: usize = 256 << 10;

impl Client {
    /// Connects.
    pub(crate) fn connect(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            unread: Vec::new(),
        })
    }

    /// Sends bytes.
    ///
    /// # Errors
    ///
    /// The connection has ended, or takes nothing for a minute.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads the answer to a request with this method.
    ///
    /// # Errors
    ///
    /// The connection ends within it, or nothing comes for a minute, or it is no HTTP.
    pub(crate) fn answer(&mut self, method: &str) -> io::Result<Answer> {
        let head = self.head()?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok());
        let status: u16 = status.ok_or_else(|| bad("an answer has no status"))?;
        let fields = lines.filter(|line| !line.is_empty() && !line.starts_with("date: "));
        let fields: Vec<String> = fields.map(str::to_owned).collect();
        let body = if method == "HEAD" || matches!(status, 204 | 304) {
            Vec::new()
        } else {
            self.body(&framing(&fields)?)?
        };
        Ok(Answer {
            status,
            fields,
            body,
        })
    }

    fn head(&mut self) -> io::Result<String> {
        let mut n_seen = 0_usize;
        loop {
            let from = n_seen.saturating_sub(3);
            let end = self.unread[from..]
                .windows(4)
                .position(|w| w == b"\r\n\r\n");
            if let Some(end) = end {
                let head = self.take(from + end + 4)?;
                return String::from_utf8(head).map_err(|_| bad("a head is no text"));
            }
            n_seen = self.unread.len();
            self.fill()?;
        }
    }

    fn body(&mut self, framing: &Framing) -> io::Result<Vec<u8>> {
        match framing {
            Framing::Length(n_bytes) => self.take(*n_bytes),
            Framing::Chunked => {
                let mut body = Vec::new();
                loop {
                    let size = self.line()?;
                    let size = usize::from_str_radix(&size, 16);
                    let size = size.map_err(|_| bad("a chunk has no size"))?;
                    body.extend(self.take(size)?);
                    if !self.line()?.is_empty() {
                        return Err(bad("a chunk is longer than it says"));
                    }
                    if size == 0 {
                        return Ok(body);
                    }
                }
            }
            Framing::UntilClose => {
                let mut body = std::mem::take(&mut self.unread);
                self.stream.read_to_end(&mut body)?;
                Ok(body)
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            let end = self.unread.windows(2).position(|two| two == b"\r\n");
            if let Some(end) = end {
                let mut line = self.take(end + 2)?;
                line.truncate(end);
                return String::from_utf8(line).map_err(|_| bad("a line is no text"));
            }
            self.fill()?;
        }
    }

    fn take(&mut self, n_bytes: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < n_bytes {
            self.fill()?;
        }
        let rest = self.unread.split_off(n_bytes);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    fn fill(&mut self) -> io::Result<()> {
        let n_before = self.unread.len();
        self.unread.resize(n_before + READ_BYTES, 0);
        let read = self.stream.read(&mut self.unread[n_before..]);
        self.unread
            .truncate(n_before + *read.as_ref().unwrap_or(&0));
        match read? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

impl Answer {
    /// Returns a field's value, if it is there.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        field(&self.fields, name)
    }
}

fn field<'a>(fields: &'a [String], name: &str) -> Option<&'a str> {
    fields.iter().find_map(|line| {
        let (given, value) = line.split_once(':')?;
        given.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn framing(fields: &[String]) -> io::Result<Framing> {
    if field(fields, "transfer-encoding").is_some() {
        return Ok(Framing::Chunked);
    }
    match field(fields, "content-length").map(str::parse) {
        Some(Ok(n_bytes)) => Ok(Framing::Length(n_bytes)),
        Some(Err(_)) => Err(bad("a length is no number")),
        None => Ok(Framing::UntilClose),
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Reads answers that come in pieces from a server that says this and closes.
    fn answers(said: &'static str, methods: &[&str]) -> io::Result<Vec<Answer>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut client = Client::connect(listener.local_addr()?)?;
        let (mut server, _) = listener.accept()?;
        let said = std::thread::spawn(move || {
            for piece in said.as_bytes().chunks(3) {
                server.write_all(piece)?;
            }
            io::Result::Ok(())
        });
        let answers = methods.iter().map(|method| client.answer(method)).collect();
        said.join().expect("no panic")?;
        answers
    }

    #[test]
    fn answers_end_where_they_say() -> io::Result<()> {
        let said = "HTTP/1.1 200 OK\r\ndate: now\r\nContent-Length: 3\r\n\r\nabc\
                    HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\
                    HTTP/1.1 304 Not Modified\r\n\r\n\
                    HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n\
                    HTTP/1.1 200 OK\r\n\r\nghi";
        let answers = answers(said, &["GET", "HEAD", "GET", "GET", "GET"])?;
        let bodies: Vec<&[u8]> = answers.iter().map(|answer| &answer.body[..]).collect();
        assert_eq!(bodies, [&b"abc"[..], b"", b"", b"def", b"ghi"]);
        assert_eq!(answers[2].status, 304);
        assert_eq!(answers[0].fields, ["Content-Length: 3"]);
        Ok(())
    }

    #[test]
    fn an_answer_that_breaks_off_is_an_error() {
        for said in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        ] {
            assert!(answers(said, &["GET"]).is_err(), "{said:?}");
        }
    }
}
