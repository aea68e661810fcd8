//! What is posted: one message to a channel, or several to several.

use astatine_http1::Incoming;
use astatine_pubsub::{Channel, Scope};
use astatine_reactor::handler::{Kind, Message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, json};
use super::{Hub, Visit};

/// One message of a batch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    channel: String,
    #[serde(default)]
    event: Option<String>,
    /// Text, or any other value, which is published as JSON.
    #[serde(default)]
    data: Option<Value>,
    /// Instead of it, binary.
    #[serde(default)]
    base64: Option<String>,
}

impl Hub {
    /// Publishes a body to one channel.
    pub(super) async fn post(
        &self,
        headers: &HeaderMap,
        body: Incoming,
        visit: &Visit,
        channel: Channel,
    ) -> Result<Answer, Refusal> {
        if !visit.rights.may_publish(channel.as_str()) {
            return Err(Refusal::MayNotPublish(channel.to_string()));
        }
        let payload = self.read(body, self.max_message_bytes).await?;
        let mut message = Message::new(kind(headers, &payload)?, payload);
        if let Some(event) = visit.parameter("event") {
            message = with_event(message, event)?;
        }
        self.take_rate(&visit.client, 1).map_err(Refusal::TooFast)?;
        let told = self.publish_and_tell(channel, message).await;
        Ok(json(StatusCode::OK, &told))
    }

    /// Publishes a list of messages, all of them or none.
    pub(super) async fn post_batch(
        &self,
        body: Incoming,
        visit: &Visit,
    ) -> Result<Answer, Refusal> {
        let body = self.read(body, self.max_message_bytes).await?;
        let malformed = |error: serde_json::Error| {
            Refusal::Malformed(format!(
                "a batch is a JSON list of {{\"channel\", \"data\"}}: {error}"
            ))
        };
        let drafts: Vec<Draft> = serde_json::from_slice(&body).map_err(malformed)?;
        if drafts.len() > self.max_channels {
            return Err(Refusal::TooMany(self.max_channels));
        }
        let mut messages = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let channel = self.channel(&draft.channel)?;
            if !visit.rights.may_publish(channel.as_str()) {
                return Err(Refusal::MayNotPublish(draft.channel));
            }
            messages.push((channel, draft.message()?));
        }
        let n = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        self.take_rate(&visit.client, n).map_err(Refusal::TooFast)?;
        // All are on their way before the first is waited for.
        let receipts: Vec<_> = messages
            .into_iter()
            .map(|(channel, message)| self.publish_and_tell(channel, message))
            .collect();
        let mut told = Vec::with_capacity(receipts.len());
        for receipt in receipts {
            told.push(receipt.await);
        }
        Ok(json(StatusCode::OK, &told.into()))
    }

    /// Publishes at once, and tells what became of it.
    fn publish_and_tell(
        &self,
        channel: Channel,
        message: Message,
    ) -> impl Future<Output = Value> + use<> {
        self.mercure.copy(&channel, &message);
        let channels = &self.channels;
        let receipt = channels.publish_counted(&channel, message, Scope::Cluster);
        async move {
            let receipt = receipt.await;
            json!({
                "channel": channel.as_str(),
                "cursor": receipt.cursor.map(|cursor| cursor.to_string()),
                "deliveries": receipt.n_delivered,
            })
        }
    }

    /// Reads a body up to a length.
    pub(super) async fn read(&self, body: Incoming, max: usize) -> Result<Bytes, Refusal> {
        // Not asked for, it need not be sent.
        if body.size_hint().lower() > max as u64 {
            return Err(Refusal::TooLarge(max));
        }
        let body = Limited::new(body, max).collect().await;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Refusal::TooLarge(max)
            } else {
                Refusal::Body
            }
        });
        Ok(body?.to_bytes())
    }
}

impl Draft {
    fn message(self) -> Result<Message, Refusal> {
        let message = match (self.data, self.base64) {
            (Some(Value::String(text)), None) => Message::text(text),
            (Some(value), None) => Message::text(value.to_string()),
            (None, Some(text)) => {
                let bytes = STANDARD.decode(text);
                let malformed = |_| Refusal::Malformed("base64 is malformed".into());
                Message::binary(bytes.map_err(malformed)?)
            }
            _ => {
                let what = "a message has one of \"data\" and \"base64\"";
                return Err(Refusal::Malformed(what.into()));
            }
        };
        match self.event {
            Some(event) => with_event(message, &event),
            None => Ok(message),
        }
    }
}

fn with_event(message: Message, event: &str) -> Result<Message, Refusal> {
    let malformed = |_| Refusal::Malformed("the name of an event is one line".into());
    message.with_event(event).map_err(malformed)
}

/// Returns what a body is: what is declared as text, JSON or a form, or not declared, is text, and
/// what is declared as JSON is judged.
fn kind(headers: &HeaderMap, payload: &[u8]) -> Result<Kind, Refusal> {
    let essence = declared(headers).unwrap_or_else(|| "text/plain".into());
    let is_text = essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || TEXTS.contains(&essence.as_str());
    if !is_text {
        return Ok(Kind::Binary);
    }
    let malformed =
        |_| Refusal::Malformed("text is UTF-8; declare application/octet-stream for bytes".into());
    let text = std::str::from_utf8(payload).map_err(malformed)?;
    if essence == "application/json" || essence.ends_with("+json") {
        let malformed =
            |error| Refusal::Malformed(format!("the body is declared as JSON: {error}"));
        serde_json::from_str::<IgnoredAny>(text).map_err(malformed)?;
    }
    Ok(Kind::Text)
}

/// Returns the media type that a body is declared as, without parameters.
pub(super) fn declared(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}

/// The last is what curl declares where nothing is said.
const TEXTS: [&str; 4] = [
    "application/json",
    "application/x-ndjson",
    "application/xml",
    FORM,
];
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
