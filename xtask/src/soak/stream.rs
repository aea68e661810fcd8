//! Large bodies, both ways, through a server on one core: its memory stays small.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use super::Programs;
use super::report::{Report, mebibytes};
use crate::client::Client;
use crate::failure::Failure;
use crate::server::Server;
use crate::step;

/// How the end of an upload is told.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Length,
    Chunked,
}

const BODY_BYTES: u64 = 4 << 30;
/// More than the bound on memory.
const BUFFERED_BYTES: u64 = 40 << 20;
const PIECE_BYTES: usize = 64 << 10;
const MAX_MEMORY_BYTES: u64 = 32 << 20;

/// A transfer, which fails if a byte is missing.
type Transfer = fn(SocketAddr) -> io::Result<()>;

/// Runs each transfer through a server of its own.
pub(super) fn run(programs: &Programs, report: &mut Report) -> Result<(), Failure> {
    let public = step::folder("soak/stream")?;
    let path = public.join("large.bin");
    let file = File::create(&path).map_err(Failure::io(path.display().to_string()))?;
    let made = file.set_len(BODY_BYTES);
    made.map_err(Failure::io(path.display().to_string()))?;
    let of_folder = |address: SocketAddr| {
        let mut command = on_one_core(&programs.binary);
        command
            .arg(&public)
            .args(["-t", "1", "-b", &address.to_string()]);
        command
    };
    let of_stream = |address: SocketAddr| {
        let mut command = on_one_core(&programs.stream);
        command.arg(address.to_string());
        command
    };
    let mut carry = |name: &str, make: &dyn Fn(SocketAddr) -> Command, transfer: Transfer| {
        println!("==> {name}");
        let server = Server::start("soak", |address| Ok(make(address)))?;
        transfer(server.address).map_err(Failure::io(name))?;
        let peak = server.peak_bytes()?;
        report.add(
            format!("{name}: memory"),
            mebibytes(peak),
            mebibytes(MAX_MEMORY_BYTES),
            peak <= MAX_MEMORY_BYTES,
        );
        Ok::<_, Failure>(())
    };
    carry("download of a 4 GiB file", &of_folder, |server| {
        download(server, "/large.bin")
    })?;
    carry("download of a 4 GiB stream", &of_stream, |server| {
        download(server, &format!("/{BODY_BYTES}"))
    })?;
    carry("upload of 4 GiB with its length", &of_stream, |server| {
        upload(server, "POST", Framing::Length, BODY_BYTES)
    })?;
    carry("upload of 4 GiB in chunks", &of_stream, |server| {
        upload(server, "POST", Framing::Chunked, BODY_BYTES)
    })?;
    carry("upload of 40 MiB that is buffered", &of_stream, |server| {
        upload(server, "PUT", Framing::Length, BUFFERED_BYTES)
    })
}

/// Makes a command that runs on the first core, where taskset is there to say so.
fn on_one_core(program: &std::path::Path) -> Command {
    if !step::is_present(Command::new("taskset").args(["-c", "0", "true"])) {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program);
    command
}

fn download(server: SocketAddr, path: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(server)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut buffer = vec![0; 4 * PIECE_BYTES];
    let mut head = Vec::new();
    let mut n_bytes = 0_u64;
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        if n_bytes > 0 {
            n_bytes += n as u64;
            continue;
        }
        head.extend_from_slice(&buffer[..n]);
        let end = head.windows(4).position(|four| four == b"\r\n\r\n");
        n_bytes = end.map_or(0, |end| (head.len() - end - 4) as u64);
    }
    if !head.starts_with(b"HTTP/1.1 200 ") || n_bytes != BODY_BYTES {
        return Err(io::Error::other(format!("{n_bytes} bytes came")));
    }
    Ok(())
}

fn upload(server: SocketAddr, method: &str, framing: Framing, n_bytes: u64) -> io::Result<()> {
    let mut client = Client::connect(server)?;
    let data = vec![b'x'; PIECE_BYTES];
    let (field, piece, end): (_, _, &[u8]) = match framing {
        Framing::Length => (format!("Content-Length: {n_bytes}"), data, b""),
        Framing::Chunked => {
            let size = format!("{PIECE_BYTES:x}\r\n");
            let chunk = [size.as_bytes(), &data, b"\r\n"].concat();
            ("Transfer-Encoding: chunked".to_owned(), chunk, b"0\r\n\r\n")
        }
    };
    client.send(format!("{method} / HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n").as_bytes())?;
    for _ in 0..n_bytes / PIECE_BYTES as u64 {
        client.send(&piece)?;
    }
    client.send(end)?;
    let answer = client.answer(method)?;
    let counted = String::from_utf8_lossy(&answer.body).into_owned();
    if counted.trim() != n_bytes.to_string() {
        return Err(io::Error::other(format!("the server counted {counted}")));
    }
    Ok(())
}
