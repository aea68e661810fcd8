//! Answers every request with a greeting: `cargo run --release -p astatine-http1 --example hello -- 127.0.0.1:3000`.

use std::convert::Infallible;
use std::env;
use std::error::Error;

use astatine_http1::{Http1, Incoming};
use astatine_reactor::{Bind, Config, Server};
use http::{Request, Response};
use http_body_util::Full;
use tower::service_fn;

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args()
        .nth(1)
        .unwrap_or_else(|| String::from("127.0.0.1:3000"));
    let bind: Bind = address.parse()?;
    let app = |_request: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::from("Hello, World!\n")))
    };
    Server::new(Config::default())
        .listen(bind, move || Http1::new(service_fn(app)))
        .on_ready(|addresses| {
            for address in addresses {
                eprintln!("listening on {address}");
            }
        })
        .run()?;
    Ok(())
}
