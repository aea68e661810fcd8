//! actix-ws as its users run it, with one worker thread: every message is sent back.
#![forbid(unsafe_code)]

use actix_web::web::Payload;
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, rt, web};
use actix_ws::{Message, MessageStream, Session};
use futures_util::StreamExt;

const MAX_FRAME_BYTES: usize = 256 * 1024;

async fn echo(mut session: Session, mut messages: MessageStream) {
    while let Some(Ok(message)) = messages.next().await {
        let sent = match message {
            Message::Binary(payload) => session.binary(payload).await,
            Message::Text(text) => session.text(text).await,
            Message::Close(reason) => return session.close(reason).await.unwrap_or_default(),
            _ => Ok(()),
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn upgrade(request: HttpRequest, body: Payload) -> Result<HttpResponse, Error> {
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    rt::spawn(echo(session, messages.max_frame_size(MAX_FRAME_BYTES)));
    Ok(response)
}

fn main() -> std::io::Result<()> {
    let address = astatine_peers::address();
    rt::System::new().block_on(async {
        let server = HttpServer::new(|| App::new().route("/", web::get().to(upgrade)));
        let server = server.workers(1).tcp_nodelay(true).bind(address)?;
        println!("ready {address}");
        server.run().await
    })
}
