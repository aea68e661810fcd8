//! hyper 1 as its users run it: one thread of tokio, a task a connection. `pipeline_flush` is on,
//! which is hyper's best setting for pipelined requests and costs nothing elsewhere.
#![forbid(unsafe_code)]

use astatine_peers::{hello, serve_tasks};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

fn main() -> std::io::Result<()> {
    serve_tasks(|stream| {
        http1::Builder::new()
            .pipeline_flush(true)
            .serve_connection(TokioIo::new(stream), service_fn(hello::<Incoming>))
    })
}
