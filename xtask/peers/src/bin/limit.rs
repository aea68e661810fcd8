//! The limit: one epoll loop that parses nothing. What it costs, the kernel costs.
//!
//! `limit ADDRESS` answers every head that ends in a read with a fixed response, and a `POST` with
//! its last [`ECHO_BYTES`] bytes. `limit ADDRESS FILE` answers with the file: a small one in one
//! write from memory, a large one by sendfile(2) behind its head.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::net::{TcpListener, TcpStream};

use memchr::memmem::Finder;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

/// The body's length in the echo workload.
const ECHO_BYTES: usize = 1024;
const FROM_MEMORY_BYTES: u64 = 64 * 1024;
/// How much of a file goes out before the next connection has its turn.
const STRETCH_BYTES: usize = 256 * 1024;
const LISTENER: u64 = u64::MAX;

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
    epoll: std::os::fd::OwnedFd,
    listener: TcpListener,
    connections: Vec<Option<Connection>>,
    answer: Answer,
    echo_head: Vec<u8>,
    head_end: Finder<'static>,
    input: Box<[u8]>,
    output: Vec<u8>,
    /// Connections whose socket took a whole stretch.
    busy: VecDeque<usize>,
}

impl Server {
    fn run(&mut self) -> io::Result<()> {
        let flags = EventFlags::IN;
        epoll::add(
            &self.epoll,
            &self.listener,
            EventData::new_u64(LISTENER),
            flags,
        )?;
        let mut events = Vec::with_capacity(1024);
        let at_once = rustix::event::Timespec::default();
        loop {
            events.clear();
            let timeout = (!self.busy.is_empty()).then_some(&at_once);
            match epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                timeout,
            ) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                self.handle(*event)?;
            }
            for _ in 0..self.busy.len() {
                if let Some(index) = self.busy.pop_front() {
                    self.close_on_error(index, Self::send_stretch);
                }
            }
        }
    }

    fn handle(&mut self, event: Event) -> io::Result<()> {
        let (data, flags) = (event.data, event.flags);
        if data.u64() == LISTENER {
            return self.accept();
        }
        let index = data.u64() as usize;
        if flags.contains(EventFlags::IN) {
            self.close_on_error(index, Self::receive);
        } else if flags.contains(EventFlags::OUT) {
            self.close_on_error(index, Self::send_stretch);
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        let (stream, _) = self.listener.accept()?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let free = self.connections.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(
            &self.epoll,
            &stream,
            EventData::new_u64(index as u64),
            flags,
        )?;
        self.connections[index] = Some(Connection { stream, sent: None });
        Ok(())
    }

    fn close_on_error(&mut self, index: usize, step: fn(&mut Self, usize) -> io::Result<()>) {
        if self.connections[index].is_some() && step(self, index).is_err() {
            self.connections[index] = None;
        }
    }

    fn receive(&mut self, index: usize) -> io::Result<()> {
        let Some(connection) = &mut self.connections[index] else {
            return Ok(());
        };
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
                self.send_stretch(index)
            }
        }
    }

    /// Sends one stretch of the file, and notes the connection if its socket may take more.
    fn send_stretch(&mut self, index: usize) -> io::Result<()> {
        let (Some(connection), Answer::File { file, len, .. }) =
            (&mut self.connections[index], &self.answer)
        else {
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
    let mut args = std::env::args().skip(1);
    let address = args.next().expect("usage: limit ADDRESS [FILE]");
    let listener = TcpListener::bind(&address)?;
    listener.set_nonblocking(true)?;
    let mut server = Server {
        epoll: epoll::create(CreateFlags::CLOEXEC)?,
        listener,
        connections: Vec::new(),
        answer: Answer::new(args.next())?,
        echo_head: head(ECHO_BYTES as u64),
        head_end: Finder::new(b"\r\n\r\n"),
        input: vec![0; FROM_MEMORY_BYTES as usize].into(),
        output: Vec::new(),
        busy: VecDeque::new(),
    };
    println!("ready {address}");
    server.run()
}
