//! The limit: one epoll loop that parses nothing. What it costs, the kernel costs.
//!
//! `limit ADDRESS` answers every head that ends in a read with a fixed response, and a `POST` with
//! its last [`ECHO_BYTES`] bytes. `limit ADDRESS FILE` answers with the file: a small one in one
//! write from memory, a large one by sendfile(2) behind its head.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::net::TcpStream;

use astatine_peers::epoll::{Serve, serve_epoll};
use memchr::memmem::Finder;
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use slab::Slab;

/// The body's length in the echo workload.
const ECHO_BYTES: usize = 1024;
const FROM_MEMORY_BYTES: u64 = 64 * 1024;
/// How much of a file goes out before the next connection has its turn.
const STRETCH_BYTES: usize = 256 * 1024;

/// What a request is answered with.
enum Answer {
    Memory(Vec<u8>),
    File { head: Vec<u8>, file: File, len: u64 },
}

impl Answer {
    fn new(path: Option<String>) -> io::Result<Self> {
        let Some(path) = path else {
            let mut answer = head(13);
            answer.extend_from_slice(b"Hello, World!");
            return Ok(Self::Memory(answer));
        };
        let file = File::open(&path)?;
        let len = file.metadata()?.len();
        let mut head = head(len);
        if len > FROM_MEMORY_BYTES {
            return Ok(Self::File { head, file, len });
        }
        head.extend_from_slice(&std::fs::read(&path)?);
        Ok(Self::Memory(head))
    }
}

fn head(len: u64) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {len}\r\n\
         date: Sat, 21 Nov 2026 12:00:00 GMT\r\n\r\n"
    )
    .into_bytes()
}

/// A connection, and how far the file has gone out on it.
struct Connection {
    stream: TcpStream,
    sent: Option<u64>,
}

struct Server {
    answer: Answer,
    echo_head: Vec<u8>,
    head_end: Finder<'static>,
    input: Box<[u8]>,
    output: Vec<u8>,
    /// Connections whose socket took a whole stretch.
    busy: VecDeque<usize>,
}

impl From<TcpStream> for Connection {
    fn from(stream: TcpStream) -> Self {
        Self { stream, sent: None }
    }
}

impl Serve for Server {
    type Connection = Connection;

    const FLAGS: EventFlags = EventFlags::IN.union(EventFlags::OUT).union(EventFlags::ET);

    fn serve(
        &mut self,
        connections: &mut Slab<Connection>,
        index: usize,
        flags: EventFlags,
    ) -> io::Result<()> {
        let connection = &mut connections[index];
        if flags.contains(EventFlags::IN) {
            self.receive(connection, index)
        } else {
            self.send_stretch(connection, index)
        }
    }

    fn go_on(&mut self, connections: &mut Slab<Connection>) -> bool {
        for _ in 0..self.busy.len() {
            let index = self.busy.pop_front().expect("there are so many");
            let Some(connection) = connections.get_mut(index) else {
                continue;
            };
            if self.send_stretch(connection, index).is_err() {
                connections.remove(index);
            }
        }
        !self.busy.is_empty()
    }
}

impl Server {
    fn receive(&mut self, connection: &mut Connection, index: usize) -> io::Result<()> {
        let (n_bytes, _) = match recv(&connection.stream, &mut self.input[..], RecvFlags::empty()) {
            Ok((0, _)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(received) => received,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let input = &self.input[..n_bytes];
        self.output.clear();
        if input.starts_with(b"POST") {
            self.output.extend_from_slice(&self.echo_head);
            let body = n_bytes.saturating_sub(ECHO_BYTES);
            self.output.extend_from_slice(&input[body..]);
            return send_whole(connection, &self.output);
        }
        match &self.answer {
            Answer::Memory(answer) => {
                let n_requests = self.head_end.find_iter(input).count();
                if n_requests == 1 {
                    return send_whole(connection, answer);
                }
                for _ in 0..n_requests {
                    self.output.extend_from_slice(answer);
                }
                send_whole(connection, &self.output)
            }
            Answer::File { head, .. } => {
                send(
                    &connection.stream,
                    head,
                    SendFlags::NOSIGNAL | SendFlags::MORE,
                )?;
                connection.sent = Some(0);
                self.send_stretch(connection, index)
            }
        }
    }

    /// Sends one stretch of the file, and notes the connection if its socket may take more.
    fn send_stretch(&mut self, connection: &mut Connection, index: usize) -> io::Result<()> {
        let Answer::File { file, len, .. } = &self.answer else {
            return Ok(());
        };
        let Some(mut offset) = connection.sent else {
            return Ok(());
        };
        let end = (offset + STRETCH_BYTES as u64).min(*len);
        while offset < end {
            let count = (end - offset) as usize;
            match rustix::fs::sendfile(&connection.stream, file, Some(&mut offset), count) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    connection.sent = Some(offset);
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        if offset < *len {
            connection.sent = Some(offset);
            self.busy.push_back(index);
        } else {
            connection.sent = None;
        }
        Ok(())
    }
}

/// Sends an answer that a socket's buffer holds.
fn send_whole(connection: &Connection, answer: &[u8]) -> io::Result<()> {
    let n_bytes = send(&connection.stream, answer, SendFlags::NOSIGNAL)?;
    if n_bytes == answer.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}

fn main() -> io::Result<()> {
    serve_epoll(Server {
        answer: Answer::new(std::env::args().nth(2))?,
        echo_head: head(ECHO_BYTES as u64),
        head_end: Finder::new(b"\r\n\r\n"),
        input: vec![0; FROM_MEMORY_BYTES as usize].into(),
        output: Vec::new(),
        busy: VecDeque::new(),
    })
}
