//! What is asked of a faulty server, and the right answers.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::client::{Answer, Client};
use crate::failure::Failure;
use crate::noise::Noise;
use crate::step;

/// A request and the right answer to it.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) method: &'static str,
    pub(super) request: Vec<u8>,
    pub(super) expected: Answer,
}

/// Sizes on both sides of each border: of a page, of what is copied, read and cached at once.
const SIZES: &[usize] = &[
    0,
    1,
    1023,
    1024,
    4096,
    8191,
    8193,
    16_383,
    16_385,
    65_535,
    65_536,
    65_537,
    100 << 10,
    10 << 20,
];

/// The cases that clients leave at every byte: one of each way of answering.
pub(super) const LEFT: &[&str] = &[
    "GET /1024.bin",
    "GET /10485760.bin",
    "GET /65537.bin Range: bytes=1-99,500-900",
    "GET /made.txt Accept-Encoding: gzip",
    "upload of 1023 bytes with its length",
    "upload of 1023 bytes chunked",
];

/// Writes the files.
pub(super) fn write_site() -> Result<PathBuf, Failure> {
    let public = step::folder("faults/public")?;
    let mut noise = Noise::new(1);
    for &size in SIZES {
        write(&public.join(format!("{size}.bin")), &noise.bytes(size))?;
    }
    let text = b"some text that gzip makes smaller. ".repeat(6000);
    write(&public.join("made.txt"), &text)?;
    write(&public.join("given.txt"), &text)?;
    // What a browser would make of it does not matter here.
    write(&public.join("given.txt.gz"), &noise.bytes(70_000))?;
    Ok(public)
}

fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    fs::write(path, content).map_err(Failure::io(path.display().to_string()))
}

/// Asks a server without faults for each file in each way, and compares what can be known with the
/// files.
pub(super) fn of_files(server: SocketAddr, public: &Path) -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    for &size in SIZES {
        let path = format!("/{size}.bin");
        let file = public.join(format!("{size}.bin"));
        let content = fs::read(&file).map_err(Failure::io(file.display().to_string()))?;
        let whole = learn(server, "GET", &path, "")?;
        check(&whole, &content)?;
        let tag = whole.expected.field("etag").unwrap_or_default().to_owned();
        cases.push(whole);
        cases.push(learn(server, "HEAD", &path, "")?);
        cases.push(learn(
            server,
            "GET",
            &path,
            &format!("If-None-Match: {tag}\r\n"),
        )?);
        if size > 1024 {
            for (range, bytes) in [
                ("0-0".to_owned(), &content[..1]),
                (format!("7-{}", size - 9), &content[7..size - 8]),
                ("-1000".to_owned(), &content[size - 1000..]),
            ] {
                let case = learn(server, "GET", &path, &format!("Range: bytes={range}\r\n"))?;
                check(&case, bytes)?;
                cases.push(case);
            }
            cases.push(learn(
                server,
                "GET",
                &path,
                "Range: bytes=1-99,500-900\r\n",
            )?);
        }
    }
    for path in ["/made.txt", "/given.txt"] {
        cases.push(learn(server, "GET", path, "")?);
        let encoded = learn(server, "GET", path, "Accept-Encoding: gzip\r\n")?;
        if encoded.expected.field("content-encoding") != Some("gzip") {
            return Err(wrong(&encoded.name, "is not compressed"));
        }
        cases.push(encoded);
    }
    cases.push(learn(server, "GET", "/absent", "")?);
    Ok(cases)
}

/// Makes uploads of each size, which come back.
pub(super) fn of_uploads() -> Vec<Case> {
    let mut noise = Noise::new(2);
    let mut cases = Vec::new();
    for &size in SIZES {
        let body = noise.bytes(size);
        let head = "POST / HTTP/1.1\r\nHost: x\r\n";
        let whole = format!("{head}Content-Length: {size}\r\n\r\n").into_bytes();
        let whole = [&whole[..], &body].concat();
        let mut chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
        let mut rest = &body[..];
        while !rest.is_empty() {
            let most = 1 + noise.below(3) * 30_000;
            let (chunk, behind) = rest.split_at(rest.len().min(1 + noise.below(most)));
            chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunked.extend_from_slice(chunk);
            chunked.extend_from_slice(b"\r\n");
            rest = behind;
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        for (name, request) in [("with its length", whole), ("chunked", chunked)] {
            cases.push(Case {
                name: format!("upload of {size} bytes {name}"),
                method: "POST",
                request,
                expected: Answer {
                    status: 200,
                    fields: vec![format!("content-length: {size}")],
                    body: body.clone(),
                },
            });
        }
    }
    cases
}

fn learn(
    server: SocketAddr,
    method: &'static str,
    path: &str,
    fields: &str,
) -> Result<Case, Failure> {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n").into_bytes();
    let name = format!("{method} {path} {fields}").trim_end().to_owned();
    let ask = || -> io::Result<Answer> {
        let mut client = Client::connect(server)?;
        client.send(&request)?;
        client.answer(method).map(comparable)
    };
    let expected = ask().map_err(Failure::io(&name))?;
    Ok(Case {
        name,
        method,
        request,
        expected,
    })
}

/// Gives the parts of an answer the same boundary in each answer; it is random, and of one length.
pub(super) fn comparable(mut answer: Answer) -> Answer {
    let boundary = answer.field("content-type").and_then(|media_type| {
        let (_, boundary) = media_type.split_once("boundary=")?;
        Some(boundary.to_owned())
    });
    let Some(boundary) = boundary else {
        return answer;
    };
    let fixed = "-".repeat(boundary.len());
    for field in &mut answer.fields {
        *field = field.replace(&boundary, &fixed);
    }
    for at in 0..answer.body.len().saturating_sub(boundary.len()) {
        let place = &mut answer.body[at..at + boundary.len()];
        if place == boundary.as_bytes() {
            place.copy_from_slice(fixed.as_bytes());
        }
    }
    answer
}

fn check(case: &Case, content: &[u8]) -> Result<(), Failure> {
    if case.expected.body == content {
        Ok(())
    } else {
        Err(wrong(
            &case.name,
            "is answered with other bytes, without faults",
        ))
    }
}

fn wrong(name: &str, what: &str) -> Failure {
    Failure::Output {
        program: "faults",
        what: format!("{name} {what}"),
    }
}
