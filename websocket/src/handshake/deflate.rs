//! The negotiation of permessage-deflate (RFC 7692 §5, §7.1).

use std::fmt::Write;

use super::extension::{Element, Parameter};
use crate::config::Config;
use crate::proto::deflate::{Context, Direction, Terms, WindowBits};

/// Answers the first offer that can be met: the terms, and the field's value that says so.
pub(super) fn answer(offers: &[Element<'_>], config: &Config) -> Option<(Terms, String)> {
    offers
        .iter()
        .filter(|offer| offer.name == NAME)
        .find_map(|offer| answer_one(offer, config))
}

fn answer_one(offer: &Element<'_>, config: &Config) -> Option<(Terms, String)> {
    let offer = Parameters::parse(offer)?;
    let max_bits = config.deflate_window_bits;
    let server_bits = match offer.server_bits {
        Bits::Absent => max_bits,
        Bits::Open => return None,
        // Eight bits are fewer than our compressor has.
        Bits::At(bits) => WindowBits::new(bits)?.min(max_bits),
    };
    // A client that offers nothing cannot be asked for anything.
    let is_client_limited = match offer.client_bits {
        Bits::Absent => false,
        Bits::Open => max_bits < WindowBits::MAX,
        Bits::At(bits) => max_bits.value() < bits,
    };
    let keeps = config.deflate_context == Context::Kept;
    let terms = Terms {
        server: Direction {
            context: context(keeps && !offer.server_forgets),
            window_bits: server_bits,
        },
        client: Direction {
            context: context(keeps && !offer.client_forgets),
            window_bits: if is_client_limited {
                max_bits
            } else {
                WindowBits::MAX
            },
        },
    };
    let says_server_bits = offer.server_bits != Bits::Absent || server_bits < WindowBits::MAX;
    let value = Parameters {
        server_forgets: terms.server.context == Context::PerMessage,
        client_forgets: terms.client.context == Context::PerMessage,
        server_bits: Bits::stated(server_bits, says_server_bits),
        client_bits: Bits::stated(max_bits, is_client_limited),
    };
    Some((terms, value.encode()))
}

/// Returns the field's value that a client offers.
pub(super) fn offer(config: &Config) -> String {
    offered(config).encode()
}

fn offered(config: &Config) -> Parameters {
    let forgets = config.deflate_context == Context::PerMessage;
    let bits = config.deflate_window_bits;
    let is_limited = bits < WindowBits::MAX;
    Parameters {
        server_forgets: forgets,
        client_forgets: forgets,
        server_bits: Bits::stated(bits, is_limited),
        // A server may ask for less in any case.
        client_bits: if is_limited {
            Bits::At(bits.value())
        } else {
            Bits::Open
        },
    }
}

/// Takes a server's answer to our offer; `None` when it is none.
pub(super) fn agree(answer: &Element<'_>, config: &Config) -> Option<Terms> {
    if answer.name != NAME {
        return None;
    }
    let offered = offered(config);
    let answer = Parameters::parse(answer)?;
    let max_bits = config.deflate_window_bits;
    let server_bits = match answer.server_bits {
        // What was asked for must be granted.
        Bits::Absent if offered.server_bits != Bits::Absent => return None,
        Bits::Absent => WindowBits::MAX,
        Bits::Open => return None,
        // What is smaller than any inflater needs one of the least size.
        Bits::At(bits) if bits <= max_bits.value() => WindowBits::new(bits.max(9))?,
        Bits::At(_) => return None,
    };
    let client_bits = match answer.client_bits {
        Bits::Absent => max_bits,
        Bits::Open => return None,
        Bits::At(bits) => WindowBits::new(bits).filter(|bits| *bits <= max_bits)?,
    };
    if offered.server_forgets && !answer.server_forgets {
        return None;
    }
    Some(Terms {
        server: Direction {
            context: context(!answer.server_forgets),
            window_bits: server_bits,
        },
        client: Direction {
            context: context(!offered.client_forgets && !answer.client_forgets),
            window_bits: client_bits,
        },
    })
}

fn context(is_kept: bool) -> Context {
    if is_kept {
        Context::Kept
    } else {
        Context::PerMessage
    }
}

/// The parameters of an offer or of an answer.
#[derive(Debug, Default)]
struct Parameters {
    server_forgets: bool,
    client_forgets: bool,
    server_bits: Bits,
    client_bits: Bits,
}

/// A limit of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Bits {
    #[default]
    Absent,
    /// Named without a value.
    Open,
    /// From 8 to 15.
    At(u8),
}

impl Bits {
    fn stated(bits: WindowBits, is_stated: bool) -> Self {
        if is_stated {
            Self::At(bits.value())
        } else {
            Self::Absent
        }
    }
}

impl Parameters {
    /// Reads them; `None` when one is unknown, ill-valued or there twice (RFC 7692 §7).
    fn parse(element: &Element<'_>) -> Option<Self> {
        let mut parameters = Self::default();
        for parameter in &element.parameters {
            match parameter.name {
                SERVER_FORGETS => set_flag(&mut parameters.server_forgets, parameter)?,
                CLIENT_FORGETS => set_flag(&mut parameters.client_forgets, parameter)?,
                SERVER_BITS => set_bits(&mut parameters.server_bits, parameter)?,
                CLIENT_BITS => set_bits(&mut parameters.client_bits, parameter)?,
                _ => return None,
            }
        }
        Some(parameters)
    }

    fn encode(&self) -> String {
        let mut value = String::from(NAME);
        if self.server_forgets {
            append(&mut value, SERVER_FORGETS, Bits::Open);
        }
        if self.client_forgets {
            append(&mut value, CLIENT_FORGETS, Bits::Open);
        }
        append(&mut value, SERVER_BITS, self.server_bits);
        append(&mut value, CLIENT_BITS, self.client_bits);
        value
    }
}

fn set_flag(flag: &mut bool, parameter: &Parameter<'_>) -> Option<()> {
    let is_new = !std::mem::replace(flag, true);
    (is_new && parameter.value.is_none()).then_some(())
}

fn set_bits(bits: &mut Bits, parameter: &Parameter<'_>) -> Option<()> {
    let value = match parameter.value.as_deref() {
        None => Bits::Open,
        // No sign, no leading zero.
        Some("8") => Bits::At(8),
        Some("9") => Bits::At(9),
        Some(digits) => match digits.as_bytes() {
            [b'1', digit @ b'0'..=b'5'] => Bits::At(10 + digit - b'0'),
            _ => return None,
        },
    };
    (std::mem::replace(bits, value) == Bits::Absent).then_some(())
}

fn append(value: &mut String, name: &str, bits: Bits) {
    let written = match bits {
        Bits::Absent => Ok(()),
        Bits::Open => write!(value, "; {name}"),
        Bits::At(bits) => write!(value, "; {name}={bits}"),
    };
    written.expect("a string takes what is written to it");
}

const NAME: &str = "permessage-deflate";
const SERVER_FORGETS: &str = "server_no_context_takeover";
const CLIENT_FORGETS: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";
