//! The limit of an echo over WebSockets: one epoll loop that takes frames for messages.
//!
//! `limit-echo ADDRESS` unmasks every frame of a read in place, puts a server's header before it
//! and sends all of them in one call. It checks no rule.
#![forbid(unsafe_code)]

use std::io;
use std::net::TcpStream;

use astatine_peers::epoll::{Serve, serve_epoll};
use memchr::memmem;
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use slab::Slab;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const INPUT_BYTES: usize = 256 * 1024;

/// A connection, and what of its frames is not answered.
struct Connection {
    stream: TcpStream,
    is_upgraded: bool,
    /// The beginning of a frame.
    unread: Vec<u8>,
    /// What the socket has not taken.
    unsent: Vec<u8>,
}

impl From<TcpStream> for Connection {
    fn from(stream: TcpStream) -> Self {
        Self {
            stream,
            is_upgraded: false,
            unread: Vec::new(),
            unsent: Vec::new(),
        }
    }
}

/// What is read into, and answered from.
struct Echo(Vec<u8>);

impl Serve for Echo {
    type Connection = Connection;

    const FLAGS: EventFlags = EventFlags::IN.union(EventFlags::OUT).union(EventFlags::ET);

    fn serve(
        &mut self,
        connections: &mut Slab<Connection>,
        index: usize,
        flags: EventFlags,
    ) -> io::Result<()> {
        serve(&mut connections[index], flags, &mut self.0)
    }
}

fn serve(connection: &mut Connection, flags: EventFlags, buffer: &mut [u8]) -> io::Result<()> {
    if flags.contains(EventFlags::OUT) && !connection.unsent.is_empty() {
        let unsent = std::mem::take(&mut connection.unsent);
        send_or_keep(connection, &unsent)?;
    }
    // What is not taken holds the other end back.
    while connection.unsent.is_empty() {
        let begun = std::mem::take(&mut connection.unread);
        buffer[..begun.len()].copy_from_slice(&begun);
        let room = &mut buffer[begun.len()..];
        let n_room = room.len();
        let n_read = match recv(&connection.stream, room, RecvFlags::empty()) {
            Ok((0, _)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok((n_read, _)) => n_read,
            Err(Errno::AGAIN | Errno::INTR) => {
                connection.unread = begun;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        answer(connection, &mut buffer[..begun.len() + n_read])?;
        if n_read < n_room {
            return Ok(());
        }
    }
    Ok(())
}

fn answer(connection: &mut Connection, input: &mut [u8]) -> io::Result<()> {
    if !connection.is_upgraded {
        connection.is_upgraded = true;
        return send_or_keep(connection, &upgrade(input)?);
    }
    // A server's frame is as much shorter as a key is long, so the first payload stays.
    let begin = 4;
    let (mut n_read, mut n_written) = (0, begin);
    while let Some((header_len, payload_len)) = measure(&input[n_read..]) {
        let payload = n_read + header_len;
        let end = payload + payload_len;
        if end > input.len() {
            break;
        }
        let mut header = [0; 14];
        header[..header_len].copy_from_slice(&input[n_read..payload]);
        let server_len = header_len - 4;
        let key = u32::from_ne_bytes(header[server_len..header_len].try_into().unwrap());
        unmask(&mut input[payload..end], key);
        header[1] &= 0x7f;
        input[n_written..n_written + server_len].copy_from_slice(&header[..server_len]);
        if n_written != n_read + begin {
            input.copy_within(payload..end, n_written + server_len);
        }
        n_written += server_len + payload_len;
        n_read = end;
    }
    connection.unread = input[n_read..].to_vec();
    if n_written == begin {
        return Ok(());
    }
    send_or_keep(connection, &input[begin..n_written])
}

/// Returns the lengths of a masked frame's header and payload, if the header is whole.
fn measure(frame: &[u8]) -> Option<(usize, usize)> {
    let (header_len, payload_len) = match frame.get(1)? & 0x7f {
        126 => (
            8,
            usize::from(u16::from_be_bytes(*frame.get(2..)?.first_chunk()?)),
        ),
        127 => (
            14,
            u64::from_be_bytes(*frame.get(2..)?.first_chunk()?) as usize,
        ),
        len => (6, usize::from(len)),
    };
    (frame.len() >= header_len).then_some((header_len, payload_len))
}

fn unmask(payload: &mut [u8], key: u32) {
    let pattern = u64::from(key) | u64::from(key) << 32;
    let mut blocks = payload.chunks_exact_mut(64);
    for block in &mut blocks {
        for word in block.chunks_exact_mut(8) {
            unmask_word(word, pattern);
        }
    }
    let mut words = blocks.into_remainder().chunks_exact_mut(8);
    for word in &mut words {
        unmask_word(word, pattern);
    }
    for (octet, mask) in words.into_remainder().iter_mut().zip(pattern.to_ne_bytes()) {
        *octet ^= mask;
    }
}

fn unmask_word(word: &mut [u8], pattern: u64) {
    let masked = u64::from_ne_bytes((&*word).try_into().unwrap());
    word.copy_from_slice(&(masked ^ pattern).to_ne_bytes());
}

fn upgrade(request: &[u8]) -> io::Result<Vec<u8>> {
    const FIELD: &[u8] = b"Sec-WebSocket-Key: ";
    let at = memmem::find(request, FIELD).ok_or(io::ErrorKind::InvalidData)?;
    let key = &request[at + FIELD.len()..];
    let end = memchr::memchr(b'\r', key).ok_or(io::ErrorKind::InvalidData)?;
    let accept = derive_accept_key(&key[..end]);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    Ok(answer.into_bytes())
}

/// Sends, and keeps what the socket does not take.
fn send_or_keep(connection: &mut Connection, bytes: &[u8]) -> io::Result<()> {
    let n_sent = match send(&connection.stream, bytes, SendFlags::NOSIGNAL) {
        Ok(n_sent) => n_sent,
        Err(Errno::AGAIN | Errno::INTR) => 0,
        Err(error) => return Err(error.into()),
    };
    connection.unsent.extend_from_slice(&bytes[n_sent..]);
    Ok(())
}

fn main() -> io::Result<()> {
    serve_epoll(Echo(vec![0; INPUT_BYTES]))
}
