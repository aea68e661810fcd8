//! actix-web as its users run it, with one worker thread.
#![forbid(unsafe_code)]

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};

async fn hello() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain")
        .body("Hello, World!")
}

async fn echo(body: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body(body)
}

fn main() -> std::io::Result<()> {
    let address = astatine_peers::address();
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(|| {
            App::new()
                .route("/", web::get().to(hello))
                .route("/echo", web::post().to(echo))
        });
        let server = server.workers(1).bind(address)?;
        println!("ready {address}");
        server.run().await
    })
}
