//! The load: a request, or a batch of pipelined ones, on every connection, then every answer.
//!
//! The generator waits until the server has answered all, so the server never idles between the
//! requests of a wave, and a wake-up never crosses cores.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

const N_BUFFER_BYTES: usize = 256 * 1024;
/// Beyond this an answer is not late but lost.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// What is asked on a connection, and the body that must come back.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) request: Vec<u8>,
    pub(super) body: Vec<u8>,
    /// Requests that are sent before the first answer is read.
    pub(super) n_pipelined: usize,
}

impl Exchange {
    /// Asks once, for a body that is known.
    pub(super) fn new(request: &[u8], body: &[u8]) -> Self {
        Self {
            request: request.to_vec(),
            body: body.to_vec(),
            n_pipelined: 1,
        }
    }
}

/// Connections to a server, and what is asked on each of them.
#[derive(Debug)]
pub(super) struct Wave {
    connections: Vec<TcpStream>,
    batch: Vec<u8>,
    /// Bytes of all answers to a batch.
    n_answer_bytes: usize,
    buffer: Vec<u8>,
}

impl Wave {
    /// Opens the connections and asks once on each.
    pub(super) fn open(
        server: SocketAddr,
        n_connections: usize,
        exchange: &Exchange,
    ) -> io::Result<Self> {
        let connections: Vec<TcpStream> = (0..n_connections)
            .map(|index| connect_nth(index, server))
            .collect::<io::Result<_>>()?;
        let mut buffer = vec![0; N_BUFFER_BYTES];
        let mut n_bytes = None;
        for mut connection in &connections {
            connection.write_all(&exchange.request)?;
            match n_bytes {
                None => n_bytes = Some(read_first_answer(connection, &exchange.body)?),
                Some(n_bytes) => read_exactly(connection, n_bytes, &mut buffer)?,
            }
        }
        Ok(Self {
            connections,
            batch: exchange.request.repeat(exchange.n_pipelined),
            n_answer_bytes: n_bytes.unwrap_or(0) * exchange.n_pipelined,
            buffer,
        })
    }

    /// Sends so many waves and reads all their answers.
    pub(super) fn run(&mut self, n_waves: usize) -> io::Result<()> {
        for _ in 0..n_waves {
            for mut connection in &self.connections {
                connection.write_all(&self.batch)?;
            }
            for connection in &self.connections {
                read_exactly(connection, self.n_answer_bytes, &mut self.buffer)?;
            }
        }
        Ok(())
    }
}

/// Opens one of many connections.
///
/// They are spread over the addresses of the loopback network: one address has too few ports for
/// tens of thousands.
pub(super) fn connect_nth(index: usize, server: SocketAddr) -> io::Result<TcpStream> {
    let last = u8::try_from(index / 4096).unwrap_or(u8::MAX - 1);
    let source = Ipv4Addr::new(127, 0, 0, 1 + last);
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::new(IpAddr::V4(source), 0))?;
    connect(&socket, &server)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn read_exactly(mut from: &TcpStream, n_bytes: usize, buffer: &mut [u8]) -> io::Result<()> {
    let mut n_read = 0;
    while n_read < n_bytes {
        match from.read(buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => n_read += n,
        }
    }
    if n_read > n_bytes {
        return Err(io::Error::other("an answer is longer than the first was"));
    }
    Ok(())
}

/// Reads an answer whose length is not known yet, compares its body, and returns the length of
/// head and body.
fn read_first_answer(mut from: &TcpStream, body: &[u8]) -> io::Result<usize> {
    let mut answer = Vec::new();
    let mut buffer = vec![0; N_BUFFER_BYTES];
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(&buffer[..n]);
        let n_bytes = answer_bytes(&answer)?;
        if n_bytes.is_some_and(|n_bytes| answer.len() >= n_bytes) {
            let head = answer.strip_suffix(body);
            let is_expected = head.is_some_and(|head| head.ends_with(b"\r\n\r\n"));
            if !is_expected || n_bytes != Some(answer.len()) {
                return Err(io::Error::other("an answer has not the expected body"));
            }
            return Ok(answer.len());
        }
    }
}

/// Returns the length of the answer that begins with `bytes`, once its head is whole.
pub(super) fn answer_bytes(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let status = head.lines().next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(format!("the server answers `{status}`")));
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.ok_or_else(|| io::Error::other("an answer has no Content-Length"))?;
    Ok(Some(end + 4 + length))
}
