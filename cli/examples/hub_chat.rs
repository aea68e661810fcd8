//! A chat over WebSockets by a channel: who is connected hears what each says, on whichever thread.
//! `cargo run --release -p astatine-cli --example hub_chat -- 127.0.0.1:3000`

use std::error::Error;

use astatine_http1::Http1;
use astatine_pubsub::{Channel, Options, PubSub, Scope};
use astatine_reactor::handler::{Handler, Message, Peer, Reason, Turn};
use astatine_reactor::{Config, Server};
use astatine_websocket::Upgrade;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;

struct Guest(PubSub, Channel);

impl Guest {
    fn say(&self, text: String) {
        self.0.publish(&self.1, text, Scope::Cluster);
    }
}

impl Handler for Guest {
    fn open(&mut self, peer: &Peer) {
        // The connection is open, and has no other subscription.
        let subscribed = self.0.subscribe(peer, &self.1, &Options::default());
        subscribed.unwrap_or_else(|_| peer.close());
        self.say(format!("{} comes", peer.id()));
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        self.say(format!("{}: {}", peer.id(), message.into_text()));
        Turn::Next
    }

    fn close(&mut self, peer: &Peer, _reason: Reason) {
        self.say(format!("{} goes", peer.id()));
    }
}

pub(crate) fn router(pubsub: PubSub, chat: Channel) -> Router {
    let upgrade = Upgrade::default();
    let listen = get(move |request: Request| {
        let answer = upgrade.answer(&request, Guest(pubsub.clone(), chat.clone()));
        let answer = answer.unwrap_or_else(|violation| violation.response());
        async { answer.map(|()| Body::empty()) }
    });
    Router::new().route("/chat", listen)
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: hub_chat ADDRESS, as 127.0.0.1:3000";
    let bind = std::env::args().nth(1).ok_or(usage)?.parse()?;
    let app = router(PubSub::default(), Channel::new("chat")?);
    let make_service = move || Http1::new(app.clone());
    Server::new(Config::default())
        .listen(bind, make_service)
        .run()?;
    Ok(())
}
