//! Both ends in memory: whatever is sent comes in, however it is fragmented and cut.

use astatine_websocket::Config;
use astatine_websocket::handshake::{self, Key, Offer};
use astatine_websocket::proto::deflate::{Context, Deflater, Inflater, Terms, WindowBits};
use astatine_websocket::proto::{CloseCode, Connection, Event, Extension, Kind, MaskKeys, Role};
use bytes::{Bytes, BytesMut};

use crate::dice::Dice;

/// An end with what an application has.
struct End {
    core: Connection,
    config: Config,
    input: BytesMut,
    output: Vec<u8>,
    deflate: Option<(Deflater, Inflater)>,
    messages: Vec<(Kind, Bytes)>,
    expected: Vec<(Kind, Bytes)>,
    is_told_close: bool,
}

impl End {
    fn new(core: Connection, config: &Config, deflate: Option<(Deflater, Inflater)>) -> Self {
        Self {
            core,
            config: config.clone(),
            input: BytesMut::new(),
            output: Vec::new(),
            deflate,
            messages: Vec::new(),
            expected: Vec::new(),
            is_told_close: false,
        }
    }

    fn send(&mut self, kind: Kind, payload: &[u8]) {
        let mut scratch = Vec::new();
        let deflater = self.deflate.as_mut().map(|(deflater, _)| deflater);
        let sent = match deflater.and_then(|d| d.deflate(payload, &mut scratch)) {
            Some(deflated) => self.core.send_deflated(kind, deflated, &mut self.output),
            None => self.core.send(kind, payload, &mut self.output),
        };
        sent.unwrap();
    }

    fn receive(&mut self, piece: &[u8]) {
        self.input.extend_from_slice(piece);
        while let Some(event) = self
            .core
            .receive(&mut self.input, &self.config, &mut self.output)
            .unwrap()
        {
            match event {
                Event::Message { kind, payload } => self.messages.push((kind, payload)),
                Event::Deflated { kind, payload } => {
                    let (_, inflater) = self.deflate.as_mut().unwrap();
                    let message = inflater.inflate(kind, &payload, &self.config).unwrap();
                    self.messages.push((kind, message));
                }
                Event::Ping(_) | Event::Pong(_) => {}
                Event::Close(_) => self.is_told_close = true,
            }
        }
    }
}

/// Opens a connection by a handshake; the client's end first.
fn open(extension: Extension, config: &Config) -> (End, End) {
    let offer = Offer {
        subprotocols: &[],
        extension,
    };
    let key = Key::new([9; 16]);
    let uri = "ws://h/".parse().unwrap();
    let request = handshake::request(uri, &key, offer, config).unwrap();
    let accepted = handshake::accept(&request, offer, config).unwrap();
    let established = handshake::check(&accepted.response, &key, offer, config).unwrap();
    assert_eq!(accepted.agreed.extension(), established.extension());
    let role = Role::Client(MaskKeys::new([7; 16]));
    let client_deflate = established
        .deflate
        .map(|Terms { server, client }| (Deflater::new(client, config), Inflater::new(server)));
    let server_deflate = accepted
        .agreed
        .deflate
        .map(|Terms { server, client }| (Deflater::new(server, config), Inflater::new(client)));
    let client = Connection::new(role, established.extension());
    let server = Connection::new(Role::Server, accepted.agreed.extension());
    (
        End::new(client, config, client_deflate),
        End::new(server, config, server_deflate),
    )
}

/// Breaks whole messages into fragments, with pongs between them, as any peer may.
fn fragment(mut frames: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut output = Vec::new();
    while !frames.is_empty() {
        let (first, key, payload, rest) = split_frame(frames);
        frames = rest;
        let n_pieces = if first & 0x08 == 0 {
            1 + dice.below(4)
        } else {
            1
        };
        let mut left = payload;
        for at in 0..n_pieces {
            let is_last = at + 1 == n_pieces;
            let len = if is_last {
                left.len()
            } else {
                dice.below(left.len() + 1)
            };
            // Only the first frame has the opcode and RSV1.
            let kind = if at == 0 { first & 0x7f } else { 0 };
            let fin = if is_last { 0x80 } else { 0 };
            write_frame(fin | kind, key, &left[..len], &mut output);
            left = left.split_off(len);
            if !is_last && dice.below(3) == 0 {
                write_frame(0x8a, key, b"pong", &mut output);
            }
        }
    }
    output
}

type Frame<'a> = (u8, Option<[u8; 4]>, Vec<u8>, &'a [u8]);

fn split_frame(frame: &[u8]) -> Frame<'_> {
    let (first, second) = (frame[0], frame[1]);
    let (len, rest) = match second & 0x7f {
        126 => (
            usize::from(u16::from_be_bytes([frame[2], frame[3]])),
            &frame[4..],
        ),
        127 => (
            u64::from_be_bytes(frame[2..10].try_into().unwrap()) as usize,
            &frame[10..],
        ),
        len => (usize::from(len), &frame[2..]),
    };
    let (key, rest) = match second & 0x80 {
        0 => (None, rest),
        _ => (Some(rest[..4].try_into().unwrap()), &rest[4..]),
    };
    let (payload, rest) = rest.split_at(len);
    (first, key, masked(payload, key), rest)
}

fn write_frame(first: u8, key: Option<[u8; 4]>, payload: &[u8], output: &mut Vec<u8>) {
    let mask = if key.is_some() { 0x80 } else { 0 };
    output.push(first);
    match payload.len() {
        len @ 0..126 => output.push(mask | len as u8),
        len @ 126..0x1_0000 => {
            output.push(mask | 126);
            output.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            output.push(mask | 127);
            output.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    output.extend(key.into_iter().flatten());
    output.extend(masked(payload, key));
}

fn masked(payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let key = key.unwrap_or_default().into_iter().cycle();
    payload
        .iter()
        .zip(key)
        .map(|(octet, mask)| octet ^ mask)
        .collect()
}

/// Moves all output of one end to the other, in fragments and pieces of any length.
fn deliver(from: &mut End, to: &mut End, dice: &mut Dice) {
    let stream = fragment(&std::mem::take(&mut from.output), dice);
    let mut rest = &stream[..];
    while !rest.is_empty() {
        let max_len = if dice.below(2) == 0 { 3 } else { rest.len() };
        let len = 1 + dice.below(max_len);
        let (piece, behind) = rest.split_at(len.min(rest.len()));
        to.receive(piece);
        rest = behind;
    }
}

fn run(seed: u64, extension: Extension, config: &Config) {
    let mut dice = Dice(seed);
    let (mut client, mut server) = open(extension, config);
    for _ in 0..1 + dice.below(12) {
        let (kind, payload) = match dice.below(3) {
            0 => (Kind::Binary, dice.bytes(200)),
            1 => (Kind::Text, dice.text(3_000).into_bytes()),
            _ => (Kind::Text, dice.text(300).into_bytes()),
        };
        let (from, to) = match dice.below(2) {
            0 => (&mut client, &mut server),
            _ => (&mut server, &mut client),
        };
        from.send(kind, &payload);
        to.expected.push((kind, Bytes::from(payload)));
        if dice.below(4) == 0 {
            client.core.ping(b"there?", &mut client.output).unwrap();
        }
        if dice.below(3) == 0 {
            deliver(&mut client, &mut server, &mut dice);
            deliver(&mut server, &mut client, &mut dice);
        }
    }
    let (first, second) = match dice.below(2) {
        0 => (&mut client, &mut server),
        _ => (&mut server, &mut client),
    };
    let closed = first
        .core
        .close(CloseCode::NORMAL, "done", &mut first.output);
    closed.unwrap();
    deliver(second, first, &mut dice);
    deliver(first, second, &mut dice);
    deliver(second, first, &mut dice);
    for end in [&first, &second] {
        assert!(end.is_told_close && end.core.is_closed(), "seed {seed}");
    }
    assert_eq!(second.messages, second.expected, "seed {seed}");
    // Whoever closes is not told what comes behind that.
    let n_told = first.messages.len();
    assert_eq!(first.messages, first.expected[..n_told], "seed {seed}");
}

#[test]
fn whatever_is_sent_comes_in() {
    for seed in 0..100 {
        run(seed, Extension::None, &Config::default());
    }
}

#[test]
fn whatever_is_compressed_comes_in() {
    for seed in 0..60 {
        let mut config = Config::default();
        config.deflate_min_bytes = 16;
        config.deflate_window_bits = WindowBits::new(9 + (seed % 7) as u8).unwrap();
        config.deflate_context = match seed % 2 {
            0 => Context::PerMessage,
            _ => Context::Kept,
        };
        run(seed, Extension::Deflate, &config);
    }
}
