//! The hub by its URLs, as programs and browsers use it.

mod channels;
mod clients;
mod live;
mod mercure;
mod rights;
mod tokens;

use std::process::Stdio;

use jsonwebtoken::{EncodingKey, Header};
use serde_json::Value;

use crate::client::{Client, Response};
use crate::folder::Folder;
use crate::server::{Server, astatine};

/// The key of the hubs that are tested.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Signs a token.
pub(crate) fn token(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), claims, &key).unwrap()
}

/// Returns the field that has a token.
pub(crate) fn bearer(claims: &Value) -> String {
    format!("Authorization: Bearer {}\r\n", token(claims))
}

/// A server with a hub at /live.
pub(crate) struct Hub {
    pub(crate) server: Server,
    pub(crate) folder: Folder,
}

impl Hub {
    /// Starts one that knows the secret. One thread serves: what is published behind the answer to
    /// a subscriber then reaches it, in whichever order the machine runs its threads.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::with_secret(Some(SECRET), args)
    }

    pub(crate) fn with_secret(secret: Option<&str>, args: &[&str]) -> Self {
        let folder = Folder::new();
        folder.write("index.html", "page");
        let mut command = astatine(["-b", "127.0.0.1:0", "-V", "3", "-t", "1", "--live", "/live"]);
        command.envs(secret.map(|secret| ("ASTATINE_LIVE_SECRET", secret)));
        command.args(args).arg(folder.path()).stderr(Stdio::piped());
        let server = Server::spawn(command);
        Self { server, folder }
    }

    /// Starts one that needs no tokens.
    pub(crate) fn open(args: &[&str]) -> Self {
        Self::start(&[&["--live-open"], args].concat())
    }

    pub(crate) fn get(&self, path: &str, fields: &str) -> Response {
        self.server.client().get(path, fields)
    }

    /// Posts on a connection of its own.
    pub(crate) fn post(&self, path: &str, fields: &str, body: impl AsRef<[u8]>) -> Response {
        let mut client = self.server.client();
        post(&client, path, fields, body.as_ref());
        client.response()
    }

    /// Publishes a text where anybody may.
    pub(crate) fn publish(&self, path: &str, text: &str) -> Value {
        let answer = self.post(path, "", text);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}

/// Sends a POST.
pub(crate) fn post(client: &Client, path: &str, fields: &str, body: &[u8]) {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{fields}\r\n");
    client.send_bytes(&[head.as_bytes(), body].concat());
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
