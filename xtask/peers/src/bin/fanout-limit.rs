//! The limit of fan-out: one epoll loop that writes each message to each subscriber at once.
//!
//! `fanout-limit ADDRESS`. Every connection subscribes: by WebSocket where its head asks for an
//! upgrade, else as an event stream. What one sends in WebSocket frames goes to all. It knows one
//! `Sec-WebSocket-Key`, the one of RFC 6455 §1.3, and frames below 64 KiB that come whole.
#![forbid(unsafe_code)]

use std::io;
use std::net::TcpStream;

use astatine_peers::epoll::{Serve, serve_epoll};
use memchr::memmem;
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use slab::Slab;

const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
Cache-Control: no-cache\r\nConnection: close\r\n\r\n";

#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// Nothing is known of it yet.
    New,
    WebSocket,
    Event,
}

struct Connection {
    stream: TcpStream,
    form: Form,
}

impl From<TcpStream> for Connection {
    fn from(stream: TcpStream) -> Self {
        Self {
            stream,
            form: Form::New,
        }
    }
}

struct Server {
    input: Box<[u8]>,
    frame: Vec<u8>,
    event: Vec<u8>,
}

impl Serve for Server {
    type Connection = Connection;

    const FLAGS: EventFlags = EventFlags::IN;

    fn serve(
        &mut self,
        connections: &mut Slab<Connection>,
        index: usize,
        _flags: EventFlags,
    ) -> io::Result<()> {
        let Connection { stream, form } = &mut connections[index];
        let n_bytes = match recv(&*stream, &mut self.input[..], RecvFlags::empty()) {
            Ok((0, _)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok((n_bytes, _)) => n_bytes,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if *form == Form::New {
            let input = &self.input[..n_bytes];
            let upgrades = memmem::find(input, b"Sec-WebSocket-Key").is_some();
            let (answer, becomes) = if upgrades {
                (SWITCHING, Form::WebSocket)
            } else {
                (STREAM, Form::Event)
            };
            *form = becomes;
            send(&*stream, answer, SendFlags::NOSIGNAL)?;
            return Ok(());
        }
        let mut at = 0;
        while at < n_bytes {
            at += self.publish(connections, at, n_bytes)?;
        }
        Ok(())
    }
}

impl Server {
    /// Sends the message whose frame begins at `at` to everybody, and returns the frame's length.
    fn publish(
        &mut self,
        connections: &mut Slab<Connection>,
        at: usize,
        end: usize,
    ) -> io::Result<usize> {
        let frame = &self.input[at..end];
        let cut = || io::Error::from(io::ErrorKind::InvalidData);
        let (len, n_head) = match *frame.get(1).ok_or_else(cut)? & 0x7f {
            126 => {
                let len = frame.get(2..4).ok_or_else(cut)?;
                (usize::from(u16::from_be_bytes([len[0], len[1]])), 4)
            }
            127 => return Err(cut()),
            len => (usize::from(len), 2),
        };
        let n_bytes = n_head + 4 + len;
        let mask = frame.get(n_head..n_head + 4).ok_or_else(cut)?;
        let payload = frame.get(n_head + 4..n_bytes).ok_or_else(cut)?;
        self.frame.clear();
        self.frame.push(frame[0]);
        self.frame.push(frame[1] & 0x7f);
        self.frame.extend_from_slice(&frame[2..n_head]);
        let unmasked = payload.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b);
        self.frame.extend(unmasked);
        self.event.clear();
        self.event.extend_from_slice(b"data: ");
        self.event.extend_from_slice(&self.frame[n_head..]);
        self.event.extend_from_slice(b"\n\n");
        connections.retain(|_, Connection { stream, form }| {
            let message = match form {
                Form::New => return true,
                Form::WebSocket => &self.frame,
                Form::Event => &self.event,
            };
            // Who is too slow for a socket's buffer is no subscriber of a limit.
            send(stream, message, SendFlags::NOSIGNAL).ok() == Some(message.len())
        });
        Ok(n_bytes)
    }
}

fn main() -> io::Result<()> {
    serve_epoll(Server {
        input: vec![0; 256 * 1024].into(),
        frame: Vec::new(),
        event: Vec::new(),
    })
}
