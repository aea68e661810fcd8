//! Both halves of a WebSocket, in any order of calls: each message that comes in is told once and in
//! order, and what leaves is what was sent, whole frames, with nothing behind a Close frame.
//!
//! The first byte picks the end, the second how many of the calls follow; behind them is the peer's
//! stream.
#![no_main]

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use astatine_reactor::handler::{Kind as MessageKind, Message};
use astatine_reactor::{Connection, Foreign, PeerInfo, Shutdown};
use astatine_websocket::proto::{Event, Kind, MaskKeys, Role};
use astatine_websocket::{Config, Reader, WebSocket, Writer};
use astatine_websocket_fuzz::{judge, poll_once, with_runtime};
use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

fuzz_target!(|data: &[u8]| {
    let [choice, n_calls, rest @ ..] = data else {
        return;
    };
    let (calls, stream) = rest.split_at(usize::from(*n_calls).min(rest.len()));
    with_runtime(|| Run::new(choice & 1 != 0).run(calls, stream));
});

struct Run {
    is_client: bool,
    reader: Reader,
    writer: Writer,
    far: DuplexStream,
    config: Config,
    told: Vec<(Kind, Bytes)>,
    is_over: bool,
    /// Whether our side has begun to close.
    is_closing: bool,
    sent: Vec<(Kind, Bytes)>,
    /// What has left.
    output: Vec<u8>,
}

impl Run {
    fn new(is_client: bool) -> Self {
        let (near, far) = duplex(64);
        let mut config = Config::default();
        (config.max_message_bytes, config.outbox_bytes) = (1000, 200);
        let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
        let role = if is_client {
            Role::Client(MaskKeys::new([5; 16]))
        } else {
            Role::Server
        };
        let shared = Arc::new(config.clone());
        let websocket = WebSocket::new(connection, Bytes::new(), role, None, shared);
        let (reader, writer) = websocket.split();
        Self {
            is_client,
            reader,
            writer,
            far,
            config,
            told: Vec::new(),
            is_over: false,
            is_closing: false,
            sent: Vec::new(),
            output: Vec::new(),
        }
    }

    fn run(mut self, calls: &[u8], stream: &[u8]) {
        let mut rest = stream;
        for call in calls {
            let size = usize::from(call >> 3) * 4;
            match call & 7 {
                0 | 1 => self.feed(&mut rest, size + 1),
                2 => self.read(),
                3 => self.send(size),
                4 => drop(self.flush()),
                5 => self.take(size + 1),
                6 if size > 100 => self.close(),
                _ => {}
            }
        }
        while !rest.is_empty() && !self.is_over {
            self.feed(&mut rest, 64);
            self.read();
            self.take(64);
        }
        let n_fed = stream.len() - rest.len();
        poll_once(pin!(self.far.shutdown()));
        for _ in 0..10_000 {
            if self.is_over {
                break;
            }
            self.read();
            self.take(64);
        }
        assert!(self.is_over, "the stream has ended");
        drop(self.flush());
        self.take(usize::MAX);
        self.check(&stream[..n_fed]);
    }

    fn feed(&mut self, rest: &mut &[u8], len: usize) {
        let piece = &rest[..len.min(rest.len())];
        if let Some(Ok(n)) = poll_once(pin!(self.far.write(piece))) {
            *rest = &rest[n..];
        }
    }

    fn read(&mut self) {
        let cx = &mut Context::from_waker(Waker::noop());
        match Pin::new(&mut self.reader).poll_next(cx) {
            Poll::Ready(Some(Ok(message))) => {
                assert!(!self.is_over);
                self.told.push(parts(message));
            }
            // An error is the last but one.
            Poll::Ready(Some(Err(_))) => assert!(!self.is_over),
            Poll::Ready(None) => self.is_over = true,
            Poll::Pending => assert!(!self.is_over),
        }
    }

    fn send(&mut self, len: usize) {
        let cx = &mut Context::from_waker(Waker::noop());
        let message = Message::binary(vec![self.sent.len() as u8; len]);
        if let Poll::Ready(Ok(())) = Pin::new(&mut self.writer).poll_ready(cx) {
            let sent = Pin::new(&mut self.writer).start_send(message.clone());
            if sent.is_ok() {
                assert!(!self.is_closing, "nothing follows a Close frame");
                self.sent.push(parts(message));
            }
        }
    }

    fn flush(&mut self) -> Poll<Result<(), astatine_websocket::Error>> {
        let cx = &mut Context::from_waker(Waker::noop());
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn close(&mut self) {
        let cx = &mut Context::from_waker(Waker::noop());
        self.is_closing = true;
        drop(Pin::new(&mut self.writer).poll_close(cx));
    }

    fn take(&mut self, len: usize) {
        let mut room = [0; 64];
        let room = &mut room[..len.min(64)];
        while let Some(Ok(n @ 1..)) = poll_once(pin!(self.far.read(room))) {
            self.output.extend_from_slice(&room[..n]);
            if len != usize::MAX {
                return;
            }
        }
    }

    fn check(&self, stream: &[u8]) {
        let came = judge(stream, self.is_client, false, &self.config);
        let came = messages(&came.events);
        // Who has begun to close is not told the rest.
        assert_eq!(self.told, came[..self.told.len()]);
        assert!(self.is_closing || self.told.len() == came.len());

        let left = judge(&self.output, !self.is_client, false, &Config::default());
        assert_eq!(left.code, None);
        let left_messages = messages(&left.events);
        assert_eq!(left_messages, self.sent[..left_messages.len()]);
        if let Some(at) = left.events.iter().position(is_close) {
            assert_eq!(at + 1, left.events.len());
            assert_eq!(left_messages.len(), self.sent.len());
        }
        let n_pongs = left
            .events
            .iter()
            .filter(|event| matches!(event, Event::Pong(_)));
        let fed = judge(stream, self.is_client, false, &self.config);
        let n_pings = fed
            .events
            .iter()
            .filter(|event| matches!(event, Event::Ping(_)));
        assert!(n_pongs.count() <= n_pings.count());
    }
}

fn messages(events: &[Event]) -> Vec<(Kind, Bytes)> {
    let message = |event: &Event| match event {
        Event::Message { kind, payload } => Some((*kind, payload.clone())),
        _ => None,
    };
    events.iter().filter_map(message).collect()
}

fn is_close(event: &Event) -> bool {
    matches!(event, Event::Close(_))
}

fn parts(message: Message) -> (Kind, Bytes) {
    let kind = match message.kind() {
        MessageKind::Text => Kind::Text,
        MessageKind::Binary => Kind::Binary,
    };
    (kind, message.into_payload())
}
