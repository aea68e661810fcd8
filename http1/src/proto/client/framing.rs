//! How a response's body is framed, by its fields and by what was asked.

use http::{StatusCode, Version};

use super::request::Asked;
use crate::error::Violation;
use crate::proto::framing::{Codings, FramingFields};
use crate::proto::response::Transfer;

/// What the head of a final response says of the bytes behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Concluded {
    pub(super) transfer: Transfer,
    /// Another protocol begins behind the head.
    pub(super) is_switch: bool,
    pub(super) is_persistent: bool,
}

/// Judges the fields together: RFC 9112 §6.3 in its order, and §9.3 (persistence).
pub(super) fn conclude(
    asked: Asked,
    status: StatusCode,
    version: Version,
    fields: &FramingFields,
) -> Result<Concluded, Violation> {
    let is_switch = if status == StatusCode::SWITCHING_PROTOCOLS {
        if !asked.upgrades {
            return Err(Violation::Switch);
        }
        true
    } else {
        asked.is_connect && status.is_success()
    };
    let is_bodiless = is_switch
        || asked.is_head
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let transfer = if is_bodiless {
        Transfer::None
    } else {
        frame(version, fields)?
    };
    let says_persistent = !fields.closes && (version != Version::HTTP_10 || fields.keeps_alive);
    Ok(Concluded {
        transfer,
        is_switch,
        is_persistent: says_persistent && !is_switch && transfer != Transfer::UntilClose,
    })
}

/// Two statements of the length, or one that HTTP/1.0 does not know, are how responses are
/// smuggled past a cache: neither is believed (RFC 9112 §6.1, §6.3).
fn frame(version: Version, fields: &FramingFields) -> Result<Transfer, Violation> {
    match (fields.codings, fields.content_length) {
        (Codings::None, None) => Ok(Transfer::UntilClose),
        (Codings::None, Some(length)) => Ok(Transfer::Length(length)),
        (_, Some(_)) => Err(Violation::TransferEncoding),
        (_, None) if version == Version::HTTP_10 => Err(Violation::TransferEncoding),
        (Codings::Other | Codings::OtherThenChunked, None) => Err(Violation::TransferCoding),
        (Codings::Chunked, None) => Ok(Transfer::Chunked),
    }
}
