//! The load on WebSockets: messages on every connection, then every echo, each compared.
//!
//! Large messages are more than a connection holds, so sockets take and give what they can.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::wave;
use crate::noise::Noise;

/// What is sent on each connection before the first echo is awaited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Messages {
    pub(super) n_bytes: usize,
    pub(super) n_in_flight: usize,
}

/// What a client asks for beside a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extension {
    None,
    Deflate,
}

/// WebSockets to a server, and what is sent on each of them.
#[derive(Debug)]
pub(super) struct Echo {
    connections: Vec<Connection>,
    messages: Vec<u8>,
    echoes: Vec<u8>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    n_sent: usize,
    n_received: usize,
}

const N_BUFFER_BYTES: usize = 256 * 1024;

impl Echo {
    /// Opens the WebSockets.
    pub(super) fn open(
        server: SocketAddr,
        n_connections: usize,
        messages: Messages,
        extension: Extension,
    ) -> io::Result<Self> {
        let open = |index| {
            let stream = wave::connect_nth(index, server)?;
            shake_hands(&stream, extension)?;
            stream.set_nonblocking(true)?;
            Ok(Connection {
                stream,
                n_sent: 0,
                n_received: 0,
            })
        };
        let (messages, echoes) = messages.frames();
        Ok(Self {
            connections: (0..n_connections).map(open).collect::<io::Result<_>>()?,
            messages,
            echoes,
            buffer: vec![0; N_BUFFER_BYTES],
        })
    }

    /// Sends so many waves and reads all their echoes.
    pub(super) fn run(&mut self, n_waves: usize) -> io::Result<()> {
        for _ in 0..n_waves {
            for connection in &mut self.connections {
                (connection.n_sent, connection.n_received) = (0, 0);
                connection.send(&self.messages)?;
            }
            while self.go_on()? {}
        }
        Ok(())
    }

    /// Waits for some connections, and tells whether there are any to wait for.
    fn go_on(&mut self) -> io::Result<bool> {
        let waiting = self.connections.iter_mut();
        let mut waiting: Vec<&mut Connection> = waiting
            .filter(|connection| connection.n_received < self.echoes.len())
            .collect();
        if waiting.is_empty() {
            return Ok(false);
        }
        let fds = waiting.iter().map(|connection| {
            let flags = if connection.n_sent < self.messages.len() {
                PollFlags::IN | PollFlags::OUT
            } else {
                PollFlags::IN
            };
            PollFd::new(&connection.stream, flags)
        });
        let mut fds: Vec<PollFd<'_>> = fds.collect();
        let patience = Timespec::try_from(wave::PATIENCE).map_err(io::Error::other)?;
        if poll(&mut fds, Some(&patience))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let ready: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
        for (connection, ready) in waiting.iter_mut().zip(ready) {
            if ready.contains(PollFlags::OUT) {
                connection.send(&self.messages)?;
            }
            if !(ready - PollFlags::OUT).is_empty() {
                connection.receive(&self.echoes, &mut self.buffer)?;
            }
        }
        Ok(true)
    }
}

impl Connection {
    fn send(&mut self, messages: &[u8]) -> io::Result<()> {
        match (&self.stream).write(&messages[self.n_sent..]) {
            Ok(n) => self.n_sent += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn receive(&mut self, echoes: &[u8], buffer: &mut [u8]) -> io::Result<()> {
        let n = (&self.stream).read(buffer)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if echoes.get(self.n_received..self.n_received + n) != Some(&buffer[..n]) {
            return Err(io::Error::other("an echo is not what was sent"));
        }
        self.n_received += n;
        Ok(())
    }
}

impl Messages {
    /// Makes the frames of the messages, and those of their echoes.
    pub(super) fn frames(self) -> (Vec<u8>, Vec<u8>) {
        let mut noise = Noise::new(self.n_bytes as u64);
        let (mut messages, mut echoes) = (Vec::new(), Vec::new());
        for _ in 0..self.n_in_flight {
            let (payload, key) = (noise.bytes(self.n_bytes), noise.bytes(4));
            messages.extend(header(FINAL_BINARY, self.n_bytes, MASK));
            messages.extend_from_slice(&key);
            let masked = payload.iter().zip(key.iter().cycle());
            messages.extend(masked.map(|(octet, mask)| octet ^ mask));
            echoes.extend(header(FINAL_BINARY, self.n_bytes, 0));
            echoes.extend_from_slice(&payload);
        }
        (messages, echoes)
    }
}

pub(super) const MASK: u8 = 0x80;
const FINAL_BINARY: u8 = 0x82;

/// Makes the header of a frame (RFC 6455 §5.2).
pub(super) fn header(first: u8, n_bytes: usize, mask: u8) -> Vec<u8> {
    let mut header = vec![first];
    match (u8::try_from(n_bytes), u16::try_from(n_bytes)) {
        (Ok(len @ 0..126), _) => header.push(mask | len),
        (_, Ok(len)) => {
            header.push(mask | 126);
            header.extend(len.to_be_bytes());
        }
        _ => {
            header.push(mask | 127);
            header.extend((n_bytes as u64).to_be_bytes());
        }
    }
    header
}

/// Asks for a WebSocket with the key of RFC 6455 §1.3.
fn shake_hands(mut stream: &TcpStream, extension: Extension) -> io::Result<()> {
    let extension_field = match extension {
        Extension::None => "",
        Extension::Deflate => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    };
    let request = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         {extension_field}\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => head.extend_from_slice(&buffer[..n]),
        }
    }
    let head = String::from_utf8_lossy(&head);
    let is_deflated = head.contains("permessage-deflate");
    let is_agreed = head.starts_with("HTTP/1.1 101 ")
        && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        && is_deflated == (extension == Extension::Deflate);
    if is_agreed {
        return Ok(());
    }
    Err(io::Error::other(format!("the server answers `{head}`")))
}
