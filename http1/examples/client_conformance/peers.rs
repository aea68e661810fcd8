//! The client against servers that break rules.

use std::time::Duration;

use astatine_http1::client::{Config, Pool};
use astatine_http1::{Error, Violation};
use http::Request;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::report::{Report, Verdict, empty};

/// How a server ends a connection.
#[derive(Clone, Copy, Debug)]
enum End {
    Close,
    Reset,
    /// It goes on and on with this.
    Repeat(&'static [u8]),
    /// It says nothing more, and stays.
    Stay,
}

type Expected = fn(&Error) -> bool;

/// What a server says, how it ends, and what is expected.
const CASES: &[(&str, &[u8], End, Expected)] = &[
    ("closes at once", b"", End::Close, is_disconnect),
    ("resets at once", b"", End::Reset, is_lost),
    ("says nothing", b"", End::Stay, |e| {
        is(e, Violation::HeadTimeout)
    }),
    ("stops in a head", b"HTTP/1.1 200 OK\r\nA", End::Stay, |e| {
        is(e, Violation::HeadTimeout)
    }),
    (
        "closes in a head",
        b"HTTP/1.1 200 OK\r\nA",
        End::Close,
        |e| is(e, Violation::UnexpectedEof),
    ),
    (
        "stops in a body",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na",
        End::Stay,
        |e| is(e, Violation::BodyTooSlow),
    ),
    (
        "closes in a body",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na",
        End::Close,
        |e| is(e, Violation::UnexpectedEof),
    ),
    (
        "resets in a body",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na",
        End::Reset,
        is_lost,
    ),
    (
        "resets in a body without a length",
        b"HTTP/1.1 200 OK\r\n\r\na",
        End::Reset,
        is_lost,
    ),
    (
        "closes in a chunk",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\na",
        End::Close,
        |e| is(e, Violation::UnexpectedEof),
    ),
    (
        "closes before the last chunk",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
        End::Close,
        |e| is(e, Violation::UnexpectedEof),
    ),
    (
        "speaks HTTP/0.9",
        b"<html>\r\n</html>\r\n\r\n",
        End::Close,
        |e| is(e, Violation::StatusLine),
    ),
    ("speaks SSH", b"SSH-2.0-x\r\n", End::Repeat(b"\r\n"), |e| {
        is(e, Violation::StatusLine)
    }),
    (
        "speaks TLS",
        b"\x15\x03\x01\0\x02\x02\x46",
        End::Close,
        |e| is(e, Violation::UnexpectedEof),
    ),
    (
        "states two lengths",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        End::Stay,
        |e| is(e, Violation::TransferEncoding),
    ),
    (
        "ends lines by LF",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        End::Stay,
        |e| is(e, Violation::BareLf),
    ),
    (
        "has an endless head",
        b"HTTP/1.1 200 OK\r\n",
        End::Repeat(LINE),
        |e| is(e, Violation::HeadTooLong),
    ),
    (
        "has endless fields",
        b"HTTP/1.1 200 OK\r\n",
        End::Repeat(b"A: b\r\n"),
        |e| is(e, Violation::TooManyHeaders),
    ),
    (
        "has an endless line",
        b"HTTP/1.1 200 OK\r\nA:",
        End::Repeat(b"bbbbbbbb"),
        |e| is(e, Violation::HeaderLineTooLong),
    ),
    (
        "says endlessly to wait",
        b"",
        End::Repeat(b"HTTP/1.1 102 x\r\n\r\n"),
        |e| is(e, Violation::TooManyInterim),
    ),
    (
        "has an endless chunk line",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1",
        End::Repeat(b";aaaaaaa"),
        |e| is(e, Violation::Chunk),
    ),
    (
        "has endless trailers",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        End::Repeat(LINE),
        |e| is(e, Violation::HeadTooLong),
    ),
    (
        "switches unasked",
        b"HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\n",
        End::Stay,
        |e| is(e, Violation::Switch),
    ),
];

const LINE: &[u8] = &{
    let mut line = [b'a'; 2000];
    line[1] = b':';
    line[1998] = b'\r';
    line[1999] = b'\n';
    line
};

fn is(error: &Error, expected: Violation) -> bool {
    matches!(error, Error::Violation(violation) if *violation == expected)
}

fn is_disconnect(error: &Error) -> bool {
    matches!(error, Error::Disconnected)
}

/// A reset may overtake what was said before it.
fn is_lost(error: &Error) -> bool {
    matches!(error, Error::Disconnected | Error::Io(_))
}

pub(crate) async fn judge(report: &mut Report) {
    for (name, says, end, expected) in CASES {
        let name = format!("a server that {name}");
        report.case(&name, case(says, *end, *expected)).await;
    }
}

async fn case(says: &'static [u8], end: End, is_expected: Expected) -> Verdict {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let server = tokio::spawn(serve(listener, says, end));
    let mut config = Config::default();
    config.head_timeout = Duration::from_secs(1);
    config.body_timeout = Duration::from_secs(1);
    let request = Request::get(url).body(empty())?;
    let verdict = match Pool::new(config).oneshot(request).await {
        Err(error) => judge_error(&error, is_expected),
        Ok(response) => match response.into_body().collect().await {
            Err(error) => judge_error(&error, is_expected),
            Ok(body) => Err(format!("no error, but {:?}", body.to_bytes()).into()),
        },
    };
    server.abort();
    verdict
}

fn judge_error(error: &Error, is_expected: Expected) -> Verdict {
    if is_expected(error) {
        Ok(())
    } else {
        Err(format!("{error:?}").into())
    }
}

async fn serve(listener: TcpListener, says: &'static [u8], end: End) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept().await?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    stream.write_all(says).await?;
    match end {
        End::Close => Ok(()),
        End::Reset => reset(stream),
        End::Repeat(text) => loop {
            stream.write_all(&text.repeat(64)).await?;
        },
        End::Stay => std::future::pending().await,
    }
}

fn reset(stream: TcpStream) -> std::io::Result<()> {
    let mut io = astatine_reactor::Socket::try_from(stream)?;
    astatine_reactor::Io::abort(&mut io);
    Ok(())
}
