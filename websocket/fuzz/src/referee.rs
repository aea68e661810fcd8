//! A reader of whole streams by other code: plain, slow, with every rule in one place.

use astatine_websocket::Config;
use astatine_websocket::proto::{CloseCode, Event, Kind};
use bytes::Bytes;

/// What the referee found in a stream.
#[derive(Debug, Default, PartialEq)]
pub struct Judged {
    pub events: Vec<Event>,
    /// The code of the violation that ends it.
    pub code: Option<u16>,
}

/// Reads a stream up to its close, its first violation, or its end.
pub fn judge(stream: &[u8], is_client: bool, has_deflate: bool, config: &Config) -> Judged {
    let mut judged = Judged::default();
    let mut message: Option<Message> = None;
    let mut rest = stream;
    loop {
        match step(&mut rest, &mut message, is_client, has_deflate, config) {
            Ok(Some(event)) => {
                let is_close = matches!(event, Event::Close(_));
                judged.events.push(event);
                if is_close {
                    return judged;
                }
            }
            Ok(None) => {}
            Err(End::Eof) => return judged,
            Err(End::Code(code)) => {
                judged.code = Some(code);
                return judged;
            }
        }
    }
}

struct Message {
    kind: Kind,
    is_deflated: bool,
    payload: Vec<u8>,
    n_frames: u32,
}

enum End {
    Eof,
    Code(u16),
}

fn step(
    rest: &mut &[u8],
    message: &mut Option<Message>,
    is_client: bool,
    has_deflate: bool,
    config: &Config,
) -> Result<Option<Event>, End> {
    let head: [u8; 2] = take(rest, 2)?.try_into().expect("two bytes");
    let (fin, rsv, opcode) = (head[0] >> 7 == 1, head[0] >> 4 & 7, head[0] & 15);
    let (masked, short) = (head[1] >> 7 == 1, u64::from(head[1] & 127));
    let is_control = matches!(opcode, 8..=10);
    let may_be_deflated = has_deflate && matches!(opcode, 1 | 2);
    if !matches!(opcode, 0..=2 | 8..=10)
        || !(rsv == 0 || rsv == 4 && may_be_deflated)
        || is_control && (!fin || short > 125)
        || masked == is_client
    {
        return Err(End::Code(1002));
    }
    let n_len = [0, 2, 8][usize::from(short > 125) + usize::from(short > 126)];
    let len = take(rest, n_len)?
        .iter()
        .fold(0_u64, |len, octet| len << 8 | u64::from(*octet));
    let (len, is_minimal) = match n_len {
        0 => (short, true),
        2 => (len, len > 125),
        _ => (len, len > 65_535 && len >> 63 == 0),
    };
    if !is_minimal {
        return Err(End::Code(1002));
    }
    let key = take(rest, if masked { 4 } else { 0 })?;
    if !is_control {
        begin(message, opcode, rsv != 0, len, config)?;
    }
    let n_there = rest.len().min(usize::try_from(len).unwrap_or(usize::MAX));
    let is_whole = n_there as u64 == len;
    let payload: Vec<u8> = take(rest, n_there)?
        .iter()
        .enumerate()
        .map(|(at, octet)| octet ^ key.get(at % 4).unwrap_or(&0))
        .collect();
    if !is_control {
        return data(message, &payload, fin, is_whole);
    }
    if !is_whole {
        return Err(End::Eof);
    }
    control(opcode, payload).map(Some)
}

fn data(
    message: &mut Option<Message>,
    payload: &[u8],
    fin: bool,
    is_whole: bool,
) -> Result<Option<Event>, End> {
    let open = message.as_mut().expect("a message has begun");
    open.payload.extend_from_slice(payload);
    check_text(open, fin && is_whole)?;
    if !is_whole {
        return Err(End::Eof);
    }
    Ok(if fin {
        message.take().map(finish)
    } else {
        None
    })
}

fn begin(
    message: &mut Option<Message>,
    opcode: u8,
    is_deflated: bool,
    len: u64,
    config: &Config,
) -> Result<(), End> {
    match (opcode, &message) {
        (0, None) | (1 | 2, Some(_)) => return Err(End::Code(1002)),
        (0, Some(_)) => {}
        _ => {
            *message = Some(Message {
                kind: if opcode == 1 {
                    Kind::Text
                } else {
                    Kind::Binary
                },
                is_deflated,
                payload: Vec::new(),
                n_frames: 0,
            });
        }
    }
    let open = message.as_mut().expect("a message has begun");
    open.n_frames += 1;
    if open.n_frames > config.max_frames {
        return Err(End::Code(1008));
    }
    let max = config.max_message_bytes;
    let max = if open.is_deflated {
        max + max / 8 + 64
    } else {
        max
    };
    if u128::from(len) + open.payload.len() as u128 > max as u128 {
        return Err(End::Code(1009));
    }
    Ok(())
}

fn check_text(message: &Message, is_end: bool) -> Result<(), End> {
    if message.kind != Kind::Text || message.is_deflated {
        return Ok(());
    }
    match std::str::from_utf8(&message.payload) {
        Ok(_) => Ok(()),
        Err(error) if error.error_len().is_none() && !is_end => Ok(()),
        Err(_) => Err(End::Code(1007)),
    }
}

fn finish(message: Message) -> Event {
    let (kind, payload) = (message.kind, Bytes::from(message.payload));
    if message.is_deflated {
        Event::Deflated { kind, payload }
    } else {
        Event::Message { kind, payload }
    }
}

fn control(opcode: u8, payload: Vec<u8>) -> Result<Event, End> {
    match opcode {
        9 => return Ok(Event::Ping(Bytes::from(payload))),
        10 => return Ok(Event::Pong(Bytes::from(payload))),
        _ => {}
    }
    if payload.is_empty() {
        return Ok(Event::Close(None));
    }
    let [high, low, reason @ ..] = &payload[..] else {
        return Err(End::Code(1002));
    };
    let code = u16::from_be_bytes([*high, *low]);
    let is_sendable = match code {
        1004..=1006 | 1015 => false,
        1000..=1014 | 3000..=4999 => true,
        _ => false,
    };
    if !is_sendable {
        return Err(End::Code(1002));
    }
    let code = CloseCode::new(code).expect("the referee allows it");
    let reason = String::from_utf8(reason.to_vec()).map_err(|_| End::Code(1007))?;
    Ok(Event::Close(Some(astatine_websocket::proto::Close {
        code,
        reason,
    })))
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], End> {
    let (taken, behind) = rest.split_at_checked(len).ok_or(End::Eof)?;
    *rest = behind;
    Ok(taken)
}
