//! Keeps values under names, by a protocol that is a codec and a handler:
//! `cargo run --release -p astatine-reactor --example codec_lines -- 127.0.0.1:4000`.
//!
//! ```text
//! $ printf 'set tea green\nget tea\nget milk\nquit\n' | nc 127.0.0.1 4000
//! ok
//! = green
//! none
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use astatine_reactor::handler::{Coded, Handler, Message, Peer, Raw, Reason, Turn};
use astatine_reactor::{Bind, Config, Server};
use tokio_util::codec::LinesCodec;

/// Other names are refused when so many are kept.
const MAX_VALUES: usize = 10_000;

/// What all connections share.
#[derive(Clone, Default)]
pub(crate) struct Values(Arc<Mutex<BTreeMap<String, String>>>);

impl Values {
    fn get(&self, name: &str) -> Option<String> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.get(name).cloned()
    }

    fn set(&self, name: &str, value: &str) -> bool {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = values.len() < MAX_VALUES || values.contains_key(name);
        if has_room {
            values.insert(name.to_owned(), value.to_owned());
        }
        has_room
    }
}

pub(crate) struct Client {
    pub(crate) values: Values,
}

impl Client {
    /// Returns the answer to a command; none ends the connection.
    fn answer(&self, command: &str) -> Option<String> {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let name_and_value = rest.split_once(' ');
        Some(match (verb, name_and_value) {
            ("get", None) => match self.values.get(rest) {
                Some(value) => format!("= {value}"),
                None => String::from("none"),
            },
            ("set", Some((name, value))) if self.values.set(name, value) => String::from("ok"),
            ("set", Some(_)) => String::from("full"),
            ("quit", None) => return None,
            _ => String::from("what? set NAME VALUE, get NAME, quit"),
        })
    }
}

impl Handler for Client {
    fn message(&mut self, peer: &Peer, line: Message) -> Turn<'_> {
        let is_answered = match self.answer(&line.into_text()) {
            Some(answer) => peer.write(answer).is_ok(),
            None => false,
        };
        if !is_answered {
            // It wants to go, or takes nothing of what it asks for.
            peer.close();
        }
        Turn::Next
    }

    fn close(&mut self, peer: &Peer, reason: Reason) {
        if let Reason::Codec(error) = reason {
            eprintln!("client {}: {}", peer.id(), error.get());
        }
    }
}

/// A message is a line, of at most 1 KiB.
pub(crate) fn lines() -> Coded<LinesCodec, fn(Message) -> String> {
    Coded::new(LinesCodec::new_with_max_length(1024), Message::into_text)
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: codec_lines ADDRESS, as 127.0.0.1:4000";
    let bind: Bind = std::env::args().nth(1).ok_or(usage)?.parse()?;
    let values = Values::default();
    Server::new(Config::default())
        .listen(bind, move || {
            let values = values.clone();
            let client = move |_: &_| Client {
                values: values.clone(),
            };
            Raw::new(client).protocol(lines)
        })
        .on_ready(|addresses| {
            for address in addresses {
                eprintln!("listening on {address}");
            }
        })
        .run()?;
    Ok(())
}
