//! Subscribers: an event stream and a WebSocket.

use crate::client::{Client, Response};

use super::Hub;

/// An event stream.
pub(crate) struct Stream(Client);

/// What came of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) data: String,
    pub(crate) retry: Option<String>,
}

impl Stream {
    /// Subscribes.
    pub(crate) fn open(hub: &Hub, path: &str, fields: &str) -> Self {
        let (stream, head) = Self::answered(hub, path, fields);
        assert_eq!(head.status, 200);
        assert_eq!(head.field("content-type"), Some("text/event-stream"));
        stream
    }

    /// Asks for an event stream, and reads the head of what is answered.
    pub(crate) fn answered(hub: &Hub, path: &str, fields: &str) -> (Self, Response) {
        let mut client = hub.server.client();
        client.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n{fields}\r\n"
        ));
        let head = client.head();
        (Self(client), head)
    }

    /// Waits for the next event; None: the stream has ended.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let mut event = Event::default();
        let mut data = Vec::new();
        loop {
            let line = self.0.next_line()?;
            let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
            match name {
                "" if data.is_empty() => {}
                "" => {
                    event.data = data.join("\n");
                    return Some(event);
                }
                "id" => event.id = Some(value.to_owned()),
                "event" => event.event = Some(value.to_owned()),
                "retry" => event.retry = Some(value.to_owned()),
                "data" => data.push(value.to_owned()),
                _ => panic!("{line}"),
            }
        }
    }

    /// Waits for an event, and returns its data.
    pub(crate) fn data(&mut self) -> String {
        self.next().unwrap().data
    }
}

/// A WebSocket.
pub(crate) struct Socket(Client);

/// What came of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    Binary(Vec<u8>),
    Ping,
    Close(u16),
    /// The connection has ended.
    End,
}

impl Socket {
    /// Subscribes.
    pub(crate) fn open(hub: &Hub, path: &str, fields: &str) -> Self {
        let (socket, head) = Self::answered(hub, path, fields);
        assert_eq!(head.status, 101);
        socket
    }

    /// Asks for a WebSocket, and reads the head of what is answered.
    pub(crate) fn answered(hub: &Hub, path: &str, fields: &str) -> (Self, Response) {
        let mut client = hub.server.client();
        client.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
        ));
        let head = client.head();
        (Self(client), head)
    }

    pub(crate) fn send(&self, text: &str) {
        self.send_frame(0x81, text.as_bytes());
    }

    pub(crate) fn send_binary(&self, payload: &[u8]) {
        self.send_frame(0x82, payload);
    }

    fn send_frame(&self, first: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).unwrap();
        assert!(length < 126);
        let head = [first, 0x80 | length, 0, 0, 0, 0];
        self.0.send_bytes(&[&head, payload].concat());
    }

    /// Waits for a message, or for the end, which may be within a frame.
    pub(crate) fn next(&mut self) -> Frame {
        self.whole_frame().unwrap_or(Frame::End)
    }

    fn whole_frame(&mut self) -> Option<Frame> {
        let head = self.0.bytes(2)?;
        let length = match head[1] {
            126 => u16::from_be_bytes(self.0.bytes(2)?.try_into().unwrap()).into(),
            length => usize::from(length),
        };
        let payload = self.0.bytes(length)?;
        Some(match head[0] {
            0x81 => Frame::Text(String::from_utf8(payload).unwrap()),
            0x82 => Frame::Binary(payload),
            0x89 => Frame::Ping,
            0x88 => Frame::Close(u16::from_be_bytes(payload[..2].try_into().unwrap())),
            first => panic!("{first:#x}"),
        })
    }

    /// Waits for a text.
    pub(crate) fn text(&mut self) -> String {
        match self.next() {
            Frame::Text(text) => text,
            frame => panic!("{frame:?}"),
        }
    }

    /// Waits for an envelope.
    pub(crate) fn envelope(&mut self) -> serde_json::Value {
        serde_json::from_str(&self.text()).unwrap()
    }
}
