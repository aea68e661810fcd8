//! Sends back each line: `cargo run --release -p astatine-reactor --example telnet_echo -- 127.0.0.1:4000`.
//!
//! Try it with `telnet 127.0.0.1 4000`. The line `bye` ends it, and so do 20 seconds of silence.

use std::error::Error;
use std::time::Duration;

use astatine_reactor::handler::{Handler, Message, Peer, Raw, Tokenizer, Turn};
use astatine_reactor::{Bind, Config, Server};

pub(crate) struct Echo {
    lines: Tokenizer,
}

impl Echo {
    pub(crate) fn new() -> Self {
        let lines = Tokenizer::lines(1024);
        Self { lines }
    }
}

impl Handler for Echo {
    fn open(&mut self, peer: &Peer) {
        peer.set_timeout(Some(Duration::from_secs(20)));
        say(peer, "Hello. What you say comes back.\r\n");
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        // What was read: a part of a line, or several.
        let mut input = message.into_payload();
        loop {
            match self.lines.next_token(&mut input) {
                Ok(Some(line)) if line == "bye" => break say(peer, "Goodbye.\r\n"),
                Ok(Some(line)) => say(peer, [&line[..], b"\r\n"].concat()),
                Ok(None) => return Turn::Next,
                Err(too_long) => break say(peer, format!("{too_long}\r\n")),
            }
        }
        peer.close();
        Turn::Next
    }

    fn ping(&mut self, peer: &Peer) {
        say(peer, "Nobody there? Goodbye.\r\n");
        peer.close();
    }

    fn shutdown(&mut self, peer: &Peer) {
        say(peer, "The server is going away.\r\n");
    }
}

fn say(peer: &Peer, text: impl Into<Message>) {
    if peer.write(text).is_err() {
        // It takes less than it sends, or is gone.
        peer.close();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: telnet_echo ADDRESS, as 127.0.0.1:4000";
    let bind: Bind = std::env::args().nth(1).ok_or(usage)?.parse()?;
    Server::new(Config::default())
        .listen(bind, || Raw::new(|_peer| Echo::new()))
        .on_ready(|addresses| {
            for address in addresses {
                eprintln!("listening on {address}");
            }
        })
        .run()?;
    Ok(())
}
