//! The load of fan-out: one publisher, and subscribers that each must get every message.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_linger;
use rustix::net::{RecvFlags, recv};

use super::echo;
use super::wave::connect_nth;

/// Ends each payload, and stands nowhere else in what a server sends.
const MARK: u8 = b'$';
const N_BUFFER_BYTES: usize = 256 * 1024;

/// How subscribers are connected. The publisher always is by WebSocket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Transport {
    WebSocket,
    EventStream,
}

impl Transport {
    fn request(self) -> &'static [u8] {
        match self {
            Self::WebSocket => {
                b"GET /live/bench HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
                  Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            }
            Self::EventStream => {
                b"GET /live/bench HTTP/1.1\r\nHost: localhost\r\n\
                  Accept: text/event-stream\r\n\r\n"
            }
        }
    }

    fn status(self) -> &'static [u8] {
        match self {
            Self::WebSocket => b"HTTP/1.1 101",
            Self::EventStream => b"HTTP/1.1 200",
        }
    }
}

/// The connections: the publisher first, which hears its own messages too.
#[derive(Debug)]
pub(super) struct Crowd {
    connections: Vec<TcpStream>,
    frame: Vec<u8>,
    buffer: Vec<u8>,
}

impl Crowd {
    /// Connects everybody, and publishes once.
    pub(super) fn open(
        server: SocketAddr,
        transport: Transport,
        n_subscribers: usize,
        n_payload_bytes: usize,
    ) -> io::Result<Self> {
        let mut connections = vec![join(server, 0, Transport::WebSocket)?];
        for index in 1..=n_subscribers {
            connections.push(join(server, index, transport)?);
        }
        let mut crowd = Self {
            connections,
            frame: frame(n_payload_bytes),
            buffer: vec![0; N_BUFFER_BYTES],
        };
        crowd.run(1, 1)?;
        Ok(crowd)
    }

    /// Returns how many connections a message goes to.
    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Publishes, so many messages at once, and reads them on every connection, again and again.
    pub(super) fn run(&mut self, n_waves: usize, n_in_flight: usize) -> io::Result<()> {
        let batch = self.frame.repeat(n_in_flight);
        for _ in 0..n_waves {
            (&self.connections[0]).write_all(&batch)?;
            for mut connection in &self.connections {
                let mut n_got = 0;
                while n_got < n_in_flight {
                    n_got += match connection.read(&mut self.buffer)? {
                        0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                        n => count(&self.buffer[..n]),
                    };
                }
                if n_got > n_in_flight {
                    return Err(io::Error::other("a message came twice"));
                }
            }
        }
        Ok(())
    }

    /// Publishes and reads as [`run`](Self::run) does, and returns how long it took.
    pub(super) fn time(&mut self, n_waves: usize, n_in_flight: usize) -> io::Result<Duration> {
        let begin = now();
        self.run(n_waves, n_in_flight)?;
        Ok(begin.elapsed())
    }

    /// Publishes a message, again and again at a fixed rate, and returns how long each took to
    /// each connection.
    pub(super) fn delays(
        &mut self,
        n_messages: usize,
        interval: Duration,
    ) -> io::Result<Vec<Duration>> {
        let poll = epoll::create(CreateFlags::CLOEXEC)?;
        for (index, connection) in self.connections.iter().enumerate() {
            let data = EventData::new_u64(index as u64);
            epoll::add(&poll, connection, data, EventFlags::IN)?;
        }
        let mut delays = Vec::with_capacity(n_messages * self.len());
        let mut events = Vec::with_capacity(1024);
        for _ in 0..n_messages {
            let begin = now();
            (&self.connections[0]).write_all(&self.frame)?;
            let mut n_left = self.len();
            while n_left > 0 {
                events.clear();
                epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None)?;
                for event in &events {
                    let data = event.data;
                    let connection = &self.connections[data.u64() as usize];
                    let n_bytes = match recv(connection, &mut self.buffer[..], RecvFlags::DONTWAIT)
                    {
                        Ok((0, _)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                        Ok((n_bytes, _)) => n_bytes,
                        Err(Errno::AGAIN) => continue,
                        Err(error) => return Err(error.into()),
                    };
                    let n_got = count(&self.buffer[..n_bytes]);
                    delays.extend(std::iter::repeat_n(begin.elapsed(), n_got));
                    n_left = n_left.saturating_sub(n_got);
                }
            }
            std::thread::sleep(interval.saturating_sub(begin.elapsed()));
        }
        Ok(delays)
    }
}

fn join(server: SocketAddr, index: usize, transport: Transport) -> io::Result<TcpStream> {
    let mut stream = connect_nth(index, server)?;
    // Closed, it leaves no port behind: tens of thousands would run out of them.
    set_socket_linger(&stream, Some(Duration::ZERO))?;
    stream.write_all(transport.request())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    while !answer.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => answer.extend_from_slice(&buffer[..n]),
        }
    }
    if answer.starts_with(transport.status()) {
        Ok(stream)
    } else {
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.lines().next().unwrap_or_default();
        Err(io::Error::other(format!("the server answers `{status}`")))
    }
}

/// Returns a text frame of a client.
fn frame(n_payload_bytes: usize) -> Vec<u8> {
    const FINAL_TEXT: u8 = 0x81;
    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut payload = vec![b'x'; n_payload_bytes - 1];
    payload.push(MARK);
    let mut frame = echo::header(FINAL_TEXT, n_payload_bytes, echo::MASK);
    frame.extend_from_slice(&KEY);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(a, b)| a ^ b));
    frame
}

fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == MARK).count()
}

#[expect(clippy::disallowed_methods, reason = "a delay is read off the clock")]
fn now() -> Instant {
    Instant::now()
}
