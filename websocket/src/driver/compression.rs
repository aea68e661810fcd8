//! permessage-deflate of one connection: with what the thread keeps for all connections, or with a
//! context of its own.

use std::cell::RefCell;

use astatine_reactor::handler::{Encoding, Form, Kind as MessageKind, Message};
use bytes::Bytes;

use crate::config::Config;
use crate::error::Violation;
use crate::proto::deflate::{
    Context, Deflater, Direction, Inflater, Terms, WindowBits, encode_deflated,
};
use crate::proto::{self, Kind};

/// How a connection compresses and inflates.
pub(crate) struct Compression {
    pub(crate) deflating: Deflating,
    pub(crate) inflating: Inflating,
}

/// How a connection compresses what it sends.
pub(crate) enum Deflating {
    /// Not at all.
    None,
    /// With the thread's: no context, the largest window, the default threshold.
    Shared,
    /// With its own.
    Own(Box<Deflater>),
}

/// How a connection inflates what it receives.
pub(crate) enum Inflating {
    /// Not at all.
    None,
    /// With the thread's.
    Shared,
    /// With its own.
    Own(Box<Inflater>),
}

/// What a thread keeps.
struct Shared {
    deflater: Deflater,
    inflater: Inflater,
    scratch: Vec<u8>,
}

thread_local! {
    static SHARED: RefCell<Option<Box<Shared>>> = const { RefCell::new(None) };
}

const SHARED_DIRECTION: Direction = Direction {
    context: Context::PerMessage,
    window_bits: WindowBits::MAX,
};

fn with_shared<T>(use_it: impl FnOnce(&mut Shared) -> T) -> T {
    SHARED.with_borrow_mut(|shared| {
        let shared = shared.get_or_insert_with(|| {
            Box::new(Shared {
                deflater: Deflater::new(SHARED_DIRECTION, &Config::default()),
                inflater: Inflater::new(SHARED_DIRECTION),
                scratch: Vec::new(),
            })
        });
        let used = use_it(shared);
        shared.scratch.clear();
        shared.scratch.shrink_to(MAX_KEPT_BYTES);
        used
    })
}

/// What one long message has needed beyond this is not kept.
const MAX_KEPT_BYTES: usize = 256 << 10;

impl Compression {
    pub(crate) fn new(terms: Option<Terms>, is_client: bool, config: &Config) -> Self {
        let Some(terms) = terms else {
            return Self {
                deflating: Deflating::None,
                inflating: Inflating::None,
            };
        };
        let (ours, theirs) = if is_client {
            (terms.client, terms.server)
        } else {
            (terms.server, terms.client)
        };
        let is_default = config.deflate_min_bytes == Config::default().deflate_min_bytes;
        Self {
            deflating: if ours == SHARED_DIRECTION && is_default {
                Deflating::Shared
            } else {
                Deflating::Own(Box::new(Deflater::new(ours, config)))
            },
            // A window that is larger than the peer's inflates what it sends as well.
            inflating: if theirs.context == Context::PerMessage {
                Inflating::Shared
            } else {
                Inflating::Own(Box::new(Inflater::new(theirs)))
            },
        }
    }

    /// Returns how a server's messages are encoded.
    pub(crate) fn encoding(&self) -> Encoding {
        match self.deflating {
            Deflating::None => Encoding::Shared {
                form: |message| match message.kind() {
                    MessageKind::Text => Form::WebSocketText,
                    MessageKind::Binary => Form::WebSocketBinary,
                },
                encode: encode_plain,
                head: Some(|message, output| {
                    let n_bytes = message.payload().len();
                    proto::encode_head(kind_of(message), proto::Form::Plain, n_bytes, output);
                }),
            },
            Deflating::Shared => Encoding::Shared {
                form: |_| Form::WebSocketDeflated,
                encode: |message, output| {
                    with_shared(|shared| {
                        let kind = kind_of(message);
                        let (deflater, scratch) = (&mut shared.deflater, &mut shared.scratch);
                        encode_deflated(kind, message.payload(), deflater, scratch, output);
                    });
                },
                head: None,
            },
            Deflating::Own(_) => Encoding::Alone,
        }
    }
}

impl Inflating {
    pub(crate) fn inflate(
        &mut self,
        kind: Kind,
        payload: &[u8],
        config: &Config,
    ) -> Result<Bytes, Violation> {
        match self {
            Self::None => Err(Violation::ReservedBits),
            Self::Shared => with_shared(|shared| shared.inflater.inflate(kind, payload, config)),
            Self::Own(inflater) => inflater.inflate(kind, payload, config),
        }
    }
}

impl Deflating {
    /// Compresses a payload, and lends the result; `None` where it goes as it is.
    pub(crate) fn deflate<T>(
        &mut self,
        payload: &[u8],
        lend: impl FnOnce(Option<&[u8]>) -> T,
    ) -> T {
        match self {
            Self::None => lend(None),
            Self::Shared => with_shared(|shared| {
                let deflated = shared.deflater.deflate(payload, &mut shared.scratch);
                lend(deflated)
            }),
            Self::Own(deflater) => {
                // Not kept: a connection that is idle holds no buffer.
                let mut scratch = Vec::new();
                lend(deflater.deflate(payload, &mut scratch))
            }
        }
    }
}

fn encode_plain(message: &Message, output: &mut Vec<u8>) {
    match message.kind() {
        MessageKind::Text => proto::encode_text(message.payload(), output),
        MessageKind::Binary => proto::encode_binary(message.payload(), output),
    }
}

/// Returns a message that the core has received.
pub(crate) fn message_of(kind: Kind, payload: Bytes) -> Message {
    let kind = match kind {
        Kind::Text => MessageKind::Text,
        Kind::Binary => MessageKind::Binary,
    };
    Message::new(kind, payload)
}

/// Returns a message's kind as the core calls it.
pub(crate) fn kind_of(message: &Message) -> Kind {
    match message.kind() {
        MessageKind::Text => Kind::Text,
        MessageKind::Binary => Kind::Binary,
    }
}
