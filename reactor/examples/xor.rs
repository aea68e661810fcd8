//! Answers in upper case behind a cipher, which is a layer that any protocol can stand behind:
//! `cargo run --release -p astatine-reactor --example xor -- 127.0.0.1:4000`.
//!
//! `nc 127.0.0.1 4000 | xxd` shows what an eavesdropper sees. XOR with a short key is a toy: take
//! TLS for secrets.

use std::error::Error;

use astatine_reactor::handler::{Handler, Message, Peer, Raw, Turn};
use astatine_reactor::{Bind, Config, Connection, Hooked, Hooks, Server};
use tower::Layer;
use tower::util::MapRequestLayer;

const KEY: &[u8] = b"\x5a\x13\xc4";

/// A cipher that is its own inverse; each direction has a place in the key of its own.
#[derive(Default)]
pub(crate) struct Xor {
    n_read: usize,
    n_written: usize,
}

impl Hooks for Xor {
    fn read(&mut self, bytes: &mut [u8]) {
        xor(bytes, &mut self.n_read);
    }

    fn write(&mut self, bytes: &mut [u8]) {
        xor(bytes, &mut self.n_written);
    }
}

fn xor(bytes: &mut [u8], n_before: &mut usize) {
    let key = KEY.iter().cycle().skip(*n_before % KEY.len());
    for (byte, key) in bytes.iter_mut().zip(key) {
        *byte ^= key;
    }
    *n_before += bytes.len();
}

/// Puts the cipher between a connection and whatever protocol it is given to.
pub(crate) fn enciphered(mut connection: Connection) -> Connection {
    connection.io = Box::new(Hooked::new(connection.io, Xor::default()));
    connection
}

pub(crate) struct Shout;

impl Handler for Shout {
    fn open(&mut self, peer: &Peer) {
        say(peer, "SAY SOMETHING\n");
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        say(peer, message.payload().to_ascii_uppercase());
        Turn::Next
    }
}

fn say(peer: &Peer, text: impl Into<Message>) {
    if peer.write(text).is_err() {
        // It takes less than it sends, or is gone.
        peer.close();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: xor ADDRESS, as 127.0.0.1:4000";
    let bind: Bind = std::env::args().nth(1).ok_or(usage)?.parse()?;
    let layer = MapRequestLayer::new(enciphered);
    Server::new(Config::default())
        .listen(bind, move || layer.layer(Raw::new(|_peer| Shout)))
        .on_ready(|addresses| {
            for address in addresses {
                eprintln!("listening on {address}");
            }
        })
        .run()?;
    Ok(())
}
