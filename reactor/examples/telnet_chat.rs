//! A chat of lines, with a handler for the login and another for the room:
//! `cargo run --release -p astatine-reactor --example telnet_chat -- 127.0.0.1:4000`.
//!
//! Try it with `telnet 127.0.0.1 4000`, in two terminals. The line `bye` ends it.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use astatine_reactor::handler::{Coded, Handler, Message, Peer, PeerId, Raw, Reason, Turn};
use astatine_reactor::{Bind, Config, Server};
use tokio_util::codec::LinesCodec;

/// Those who are in the chat, on whichever thread.
#[derive(Clone, Default)]
pub(crate) struct Room(Arc<Mutex<BTreeMap<PeerId, Peer>>>);

impl Room {
    fn enter(&self, peer: &Peer) {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        peers.insert(peer.id(), peer.clone());
    }

    fn leave(&self, peer: &Peer) {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        peers.remove(&peer.id());
    }

    fn say(&self, line: String) {
        let message = Message::text(line);
        let peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for peer in peers.values() {
            say(peer, message.clone());
        }
    }
}

fn say(peer: &Peer, line: impl Into<Message>) {
    if peer.write(line).is_err() {
        // It takes less than the others say, or is gone.
        peer.close();
    }
}

/// Asks who is there, for ten seconds.
pub(crate) struct Login {
    pub(crate) room: Room,
}

impl Handler for Login {
    fn open(&mut self, peer: &Peer) {
        peer.set_timeout(Some(Duration::from_secs(10)));
        say(peer, "Who are you?");
    }

    fn message(&mut self, peer: &Peer, line: Message) -> Turn<'_> {
        let name = line.into_text();
        if (1..=20).contains(&name.len()) && name.chars().all(char::is_alphanumeric) {
            let room = self.room.clone();
            peer.set_handler(Chat { room, name });
        } else {
            say(peer, "A name is of 1 to 20 letters or digits. Who are you?");
        }
        Turn::Next
    }

    fn ping(&mut self, peer: &Peer) {
        say(peer, "Goodbye, nobody.");
        peer.close();
    }
}

/// Passes on what a guest says to everybody.
struct Chat {
    room: Room,
    name: String,
}

impl Handler for Chat {
    fn open(&mut self, peer: &Peer) {
        peer.set_timeout(Some(Duration::from_secs(600)));
        self.room.enter(peer);
        self.room.say(format!("* {} comes", self.name));
    }

    fn message(&mut self, peer: &Peer, line: Message) -> Turn<'_> {
        // What would move a terminal's cursor is left out.
        let line = line.into_text().replace(char::is_control, "");
        if line == "bye" {
            peer.close();
        } else {
            self.room.say(format!("{}: {line}", self.name));
        }
        Turn::Next
    }

    fn shutdown(&mut self, peer: &Peer) {
        say(peer, "* The server goes away");
    }

    fn close(&mut self, peer: &Peer, _reason: Reason) {
        self.room.leave(peer);
        self.room.say(format!("* {} goes", self.name));
    }
}

/// A message is a line. What has come behind the login's line is the next handler's.
pub(crate) fn lines() -> Coded<LinesCodec, fn(Message) -> String> {
    Coded::new(LinesCodec::new_with_max_length(500), Message::into_text)
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: telnet_chat ADDRESS, as 127.0.0.1:4000";
    let bind: Bind = std::env::args().nth(1).ok_or(usage)?.parse()?;
    let room = Room::default();
    Server::new(Config::default())
        .listen(bind, move || {
            let room = room.clone();
            let login = move |_: &_| Login { room: room.clone() };
            Raw::new(login).protocol(lines)
        })
        .on_ready(|addresses| {
            for address in addresses {
                eprintln!("listening on {address}");
            }
        })
        .run()?;
    Ok(())
}
