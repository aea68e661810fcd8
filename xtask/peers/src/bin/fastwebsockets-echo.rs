//! fastwebsockets as its users run it, behind hyper, on one thread of tokio: every message is sent
//! back.
#![forbid(unsafe_code)]

use std::convert::Infallible;

use astatine_peers::serve_tasks;
use fastwebsockets::upgrade::{UpgradeFut, upgrade};
use fastwebsockets::{FragmentCollector, OpCode, WebSocketError};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

async fn echo(socket: UpgradeFut) -> Result<(), WebSocketError> {
    let mut socket = FragmentCollector::new(socket.await?);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
}

async fn answer(
    mut request: Request<Incoming>,
) -> Result<Response<Empty<bytes::Bytes>>, Infallible> {
    let (response, socket) = upgrade(&mut request).expect("the bench asks for a WebSocket");
    // A connection that fails is its own affair.
    tokio::spawn(async { echo(socket).await.unwrap_or_default() });
    Ok(response)
}

fn main() -> std::io::Result<()> {
    serve_tasks(|stream| {
        http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(answer))
            .with_upgrades()
    })
}
