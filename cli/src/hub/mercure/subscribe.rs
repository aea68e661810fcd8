//! An event stream of the updates that a subscriber selects and may read.

use std::time::Instant;

use astatine_pubsub::{Channel, Cursor, Item, Options, PubSub, Start};
use astatine_reactor::handler::{Handler, Peer, Policy, Reason};
use http::{HeaderName, HeaderValue, Request};
use tokio::task::JoinHandle;

use super::checked;
use super::selector::Selector;
use super::update::Update;
use crate::hub::answer::{Answer, Refusal};
use crate::hub::rights::MercureRights;
use crate::hub::subscribe::{EARLIEST, end_at};
use crate::hub::{Hub, Visit};

/// The handler of a subscriber.
struct Subscriber {
    updates: PubSub,
    log: Channel,
    start: Start,
    policy: Policy,
    /// Taken by the subscription.
    selectors: Option<Selectors>,
    until: Option<Instant>,
    timer: Option<JoinHandle<()>>,
}

struct Selectors {
    selected: Vec<Selector>,
    /// Those of private updates.
    allowed: Vec<Selector>,
}

impl Hub {
    /// Answers with an event stream.
    pub(super) async fn subscribe_to_updates(
        &self,
        request: &Request<()>,
        visit: &Visit,
    ) -> Result<Answer, Refusal> {
        let selectors = self.selectors(visit)?;
        let last = astatine_sse::last_event_id(request.headers(), request.uri());
        let (start, told) = self.start(last.as_deref()).await;
        let subscriber = Subscriber {
            updates: self.mercure.updates.clone(),
            log: self.mercure.log.clone(),
            start,
            policy: self.policy,
            selectors: Some(selectors),
            until: visit.rights.until,
            timer: None,
        };
        let mut answer = astatine_sse::handled_event_stream(subscriber, &self.sse);
        let told = told.and_then(|id| HeaderValue::try_from(id).ok());
        let told = told.map(|id| (LAST_EVENT_ID, id));
        answer.headers_mut().extend(told);
        Ok(answer.map(|()| Default::default()))
    }

    fn selectors(&self, visit: &Visit) -> Result<Selectors, Refusal> {
        let topics = visit.parameters.iter().filter(|(name, _)| name == "topic");
        let topics: Vec<&str> = topics.map(|(_, topic)| topic.as_str()).collect();
        let Some(first) = topics.first() else {
            return Err(Refusal::Malformed("a topic is missing".into()));
        };
        if topics.len() > self.max_channels {
            return Err(Refusal::TooMany(self.max_channels));
        }
        topics.iter().try_for_each(|topic| checked(topic))?;
        let allowed = match visit.rights.mercure() {
            MercureRights::Everything => vec![Selector::new("*")],
            MercureRights::Nothing => {
                return Err(Refusal::MayNotSubscribe((*first).to_owned()));
            }
            MercureRights::Listed(claims) => claims
                .subscribe
                .iter()
                .map(|text| Selector::new(text))
                .collect(),
        };
        Ok(Selectors {
            selected: topics.into_iter().map(Selector::new).collect(),
            allowed,
        })
    }

    /// Finds the place of the update that a client has seen last, and what it is told of it: the
    /// same id, unless something behind it is lost.
    async fn start(&self, last: Option<&str>) -> (Start, Option<String>) {
        let (updates, log) = (&self.mercure.updates, &self.mercure.log);
        let now = || updates.cursor(log).map_or(Start::Now, Start::After);
        let Some(last) = last else {
            return (now(), None);
        };
        if last != EARLIEST {
            if let Some(cursor) = self.place(last).await {
                return (Start::After(cursor), Some(last.to_owned()));
            }
        }
        (Start::Oldest, Some(EARLIEST.to_owned()))
    }

    async fn place(&self, id: &str) -> Option<Cursor> {
        let (updates, log) = (&self.mercure.updates, &self.mercure.log);
        if let Ok(cursor) = id.parse() {
            let replay = updates.history(log, Some(cursor), 1).await.ok()??;
            return (!replay.has_gap).then_some(cursor);
        }
        let replay = updates.history(log, None, usize::MAX).await.ok()??;
        let mut entries = replay.entries.iter();
        entries
            .find(|entry| entry.message().id() == Some(id))?
            .cursor()
    }
}

impl Handler for Subscriber {
    fn open(&mut self, peer: &Peer) {
        let mut options = Options::default();
        options.start = self.start;
        let Selectors { selected, allowed } = self.selectors.take().expect("it opens once");
        let (to, policy) = (peer.clone(), self.policy);
        let subscribed = self.updates.on(&self.log, &options, move |item| {
            // What is lost is not told here: this client knows by the head of its answer.
            let Item::Publication(publication) = item else {
                return;
            };
            let update = Update::of(&publication);
            let wanted = update.filter(|update| update.is_for(&selected, &allowed));
            if let Some(update) = wanted {
                let event = update.event(publication.message());
                // A connection that is closed, or closes for this, comes back for the rest.
                if to.deliver(&event, 0, policy).is_ok() {
                    to.flush();
                }
            }
        });
        match subscribed {
            Ok(subscription) => peer.keep(subscription),
            Err(_) => peer.close(),
        }
        self.timer = self.until.map(|until| end_at(until, peer.clone()));
    }

    fn close(&mut self, _peer: &Peer, _reason: Reason) {
        if let Some(timer) = self.timer.take() {
            timer.abort();
        }
    }
}

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
