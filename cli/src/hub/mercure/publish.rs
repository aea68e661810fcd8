//! A form that is posted becomes an update.

use astatine_http1::Incoming;
use astatine_pubsub::{Channel, Scope};
use astatine_reactor::handler::Message;
use http::{HeaderMap, StatusCode};

use super::selector::Selector;
use super::update::{self, Update};
use super::{MAX_TOPICS_BYTES, RESERVED, checked};
use crate::form;
use crate::hub::answer::{Answer, Refusal, text};
use crate::hub::publish::{FORM, declared};
use crate::hub::rights::MercureRights;
use crate::hub::subscribe::EARLIEST;
use crate::hub::{Hub, Visit};

/// What a publisher says.
#[derive(Default)]
struct Form {
    topics: Vec<String>,
    data: String,
    is_private: bool,
    id: Option<String>,
    event: Option<String>,
    retry: Option<u64>,
}

impl Hub {
    /// Publishes an update, and answers its id.
    pub(in crate::hub) async fn publish_update(
        &self,
        headers: &HeaderMap,
        body: Incoming,
        visit: &Visit,
    ) -> Result<Answer, Refusal> {
        if declared(headers).is_some_and(|declared| declared != FORM) {
            return Err(Refusal::Malformed(format!("an update is posted as {FORM}")));
        }
        // Each byte may be escaped.
        let body = self
            .read(body, self.max_message_bytes.saturating_mul(3))
            .await?;
        let form = Form::read(&String::from_utf8_lossy(&body), self.max_channels)?;
        if form.data.len() > self.max_message_bytes {
            return Err(Refusal::TooLarge(self.max_message_bytes));
        }
        form.judge(visit.rights.mercure())?;
        // Who does not speak Mercure hears it on the channels of these names.
        let topics = form.topics.iter();
        let channels: Vec<Channel> = topics
            .filter_map(|topic| self.channel(topic).ok())
            .collect();
        let (carrier, message) = form.messages()?;
        let n = u32::try_from(channels.len().max(1)).unwrap_or(u32::MAX);
        self.take_rate(&visit.client, n).map_err(Refusal::TooFast)?;
        for channel in channels {
            self.channels
                .publish(&channel, message.clone(), Scope::Cluster);
        }
        let updates = &self.mercure.updates;
        let id = carrier.id().map(str::to_owned);
        let receipt = updates.publish_counted(&self.mercure.log, carrier, Scope::Cluster);
        let id = match id {
            Some(id) => id,
            None => receipt.await.cursor.map(update::id_of).unwrap_or_default(),
        };
        Ok(text(StatusCode::OK, "text/plain; charset=utf-8", id))
    }
}

impl Form {
    fn read(text: &str, max_topics: usize) -> Result<Self, Refusal> {
        let mut form = Self::default();
        for (name, value) in form::pairs(text) {
            match name.as_str() {
                "topic" => {
                    checked(&value)?;
                    if value.starts_with(RESERVED) {
                        return Err(Refusal::Reserved);
                    }
                    if !form.topics.contains(&value) {
                        form.topics.push(value);
                    }
                }
                "data" => form.data = value,
                "private" => form.is_private = true,
                "id" => form.id = Some(value).filter(|id| !id.is_empty()),
                "type" => form.event = Some(value).filter(|event| !event.is_empty()),
                "retry" if value.is_empty() => {}
                "retry" => {
                    let malformed = |_| Refusal::Malformed("retry is a number".into());
                    form.retry = Some(value.parse().map_err(malformed)?);
                }
                // Extensions have fields of their own.
                _ => {}
            }
        }
        if form.topics.is_empty() {
            return Err(Refusal::Malformed("a topic is missing".into()));
        }
        if form.topics.len() > max_topics {
            return Err(Refusal::TooMany(max_topics));
        }
        if form.topics.iter().map(String::len).sum::<usize>() > MAX_TOPICS_BYTES {
            let what = format!("the topics of an update have at most {MAX_TOPICS_BYTES} bytes");
            return Err(Refusal::Malformed(what));
        }
        Ok(form)
    }

    /// Judges whether the token lists every topic.
    fn judge(&self, rights: MercureRights<'_>) -> Result<(), Refusal> {
        let listed: Vec<Selector> = match rights {
            MercureRights::Everything => return Ok(()),
            MercureRights::Nothing => Vec::new(),
            MercureRights::Listed(claims) => {
                let listed = claims.publish.iter();
                listed.map(|text| Selector::new(text)).collect()
            }
        };
        let is_listed = |topic: &&String| listed.iter().any(|selector| selector.matches(topic));
        match self.topics.iter().find(|topic| !is_listed(topic)) {
            Some(topic) => Err(Refusal::MayNotPublish(topic.clone())),
            None => Ok(()),
        }
    }

    /// Returns the message with all that an update has, and that for the topics' channels, where
    /// ids are places.
    fn messages(self) -> Result<(Message, Message), Refusal> {
        let mut message = Message::text(self.data.as_str());
        let update = Update {
            topics: self.topics,
            is_private: self.is_private,
            data: self.data,
            retry: self.retry,
        };
        let mut carrier = update.carrier();
        let one_line = |_| Refusal::Malformed("id and type are one line each".into());
        if let Some(event) = &self.event {
            message = message.with_event(event).map_err(one_line)?;
            carrier = carrier.with_event(event).map_err(one_line)?;
        }
        if let Some(id) = &self.id {
            if id == EARLIEST || id.starts_with('#') {
                return Err(Refusal::Malformed("an id of that kind is reserved".into()));
            }
            carrier = carrier.with_id(id).map_err(one_line)?;
        }
        Ok((carrier, message))
    }
}
