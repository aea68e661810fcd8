//! An event stream of the updates that a subscriber selects and may read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use astatine_pubsub::{Cursor, Item, Options, Publication, Start, Subscription};
use astatine_reactor::handler::{Handler, Message, Peer, Policy};
use http::{HeaderName, HeaderValue, Request};

use super::checked;
use super::selector::Selector;
use super::update::{self, Address};
use crate::hub::answer::{Answer, Refusal};
use crate::hub::expiry::Expiry;
use crate::hub::rights::MercureRights;
use crate::hub::subscribe::EARLIEST;
use crate::hub::{Hub, Visit};

/// The handler of a subscriber.
struct Subscriber {
    outlet: Arc<Outlet>,
    /// Taken when the connection opens, and then kept by it.
    subscription: Option<Subscription>,
    until: Option<Instant>,
    expiry: Option<Expiry>,
}

/// Where a subscriber's updates go. It is subscribed before it is told so: somebody may publish as
/// soon as it is.
struct Outlet {
    policy: Policy,
    max_waiting: usize,
    state: Mutex<Opening>,
}

enum Opening {
    /// What waits for the connection.
    Waiting {
        events: Vec<Message>,
        n_bytes: usize,
    },
    Open(Peer),
}

/// What a subscriber gets.
struct Selectors {
    selected: Vec<Selector>,
    /// Those of private updates.
    allowed: Vec<Selector>,
}

impl Hub {
    /// Answers with an event stream.
    pub(in crate::hub) async fn subscribe_to_updates(
        &self,
        request: &Request<()>,
        visit: &Visit,
    ) -> Result<Answer, Refusal> {
        let selectors = self.selectors(visit)?;
        let last = astatine_sse::last_event_id(request.headers(), request.uri());
        let (start, told) = self.start(last.as_deref()).await;
        // Half of the room, so that all of it can be handed to the connection at once.
        let max_waiting = self.sse.max_queue_bytes as usize / 2;
        let outlet = Arc::new(Outlet::new(self.policy, max_waiting));
        let mut options = Options::default();
        options.start = start;
        let to = Arc::clone(&outlet);
        let updates = &self.mercure.updates;
        let subscription = updates.on(&self.mercure.log, &options, move |item| match item {
            Item::Publication(publication) => to.send(selectors.event(&publication)),
            Item::Gap(..) => to.end(),
        });
        let subscriber = Subscriber {
            outlet,
            subscription: Some(subscription.map_err(|_| Refusal::Unavailable)?),
            until: visit.rights.until,
            expiry: None,
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
        topics.iter().try_for_each(|topic| checked(topic))?;
        let selected: Vec<Selector> = topics.iter().map(|topic| Selector::new(topic)).collect();
        if selected.iter().map(Selector::weight).sum::<usize>() > self.max_channels {
            return Err(Refusal::TooMany(self.max_channels));
        }
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
        Ok(Selectors { selected, allowed })
    }

    /// Finds the place of the update that a client has seen last, and what it is told of it: the
    /// same id, unless something behind it is lost.
    async fn start(&self, last: Option<&str>) -> (Start, Option<String>) {
        let Some(last) = last else {
            return (Start::Now, None);
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
        if let Some(place) = id.strip_prefix('#') {
            let cursor = place.parse().ok()?;
            let replay = updates.history(log, Some(cursor), 1).await.ok()??;
            return (!replay.has_gap).then_some(cursor);
        }
        let replay = updates.history(log, None, usize::MAX).await.ok()??;
        let mut entries = replay.entries.iter();
        entries
            .find(|entry| update::id(entry).as_deref() == Some(id))?
            .cursor()
    }
}

impl Selectors {
    /// Returns what the subscriber gets of an update.
    fn event(&self, publication: &Publication) -> Option<Message> {
        let address = Address::of(publication.message())?;
        let is_for = address.is_for(&self.selected, &self.allowed);
        is_for.then(|| update::event(publication))?
    }
}

impl Outlet {
    fn new(policy: Policy, max_waiting: usize) -> Self {
        let nothing = Opening::Waiting {
            events: Vec::new(),
            n_bytes: 0,
        };
        Self {
            policy,
            max_waiting,
            state: Mutex::new(nothing),
        }
    }

    fn send(&self, event: Option<Message>) {
        let Some(event) = event else {
            return;
        };
        match &mut *self.lock() {
            Opening::Waiting { events, n_bytes } => {
                *n_bytes = n_bytes.saturating_add(event.payload().len());
                if *n_bytes <= self.max_waiting || events.is_empty() {
                    events.push(event);
                }
            }
            Opening::Open(peer) => deliver(peer, &event, self.policy),
        }
    }

    /// Ends a stream that has lost something, which is told in the head of the next.
    fn end(&self) {
        match &mut *self.lock() {
            Opening::Waiting { n_bytes, .. } => *n_bytes = usize::MAX,
            Opening::Open(peer) => peer.close(),
        }
    }

    fn open(&self, peer: &Peer) {
        let mut state = self.lock();
        if let Opening::Waiting { events, n_bytes } = &*state {
            for event in events {
                deliver(peer, event, self.policy);
            }
            if *n_bytes > self.max_waiting {
                // There is more to be sent again than there is room for: it comes back for the rest.
                peer.close();
            }
        }
        *state = Opening::Open(peer.clone());
    }

    fn lock(&self) -> MutexGuard<'_, Opening> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn deliver(peer: &Peer, event: &Message, policy: Policy) {
    // A connection that is closed, or closes for this, comes back for the rest.
    if peer.deliver(event, 0, policy).is_ok() {
        peer.flush();
    }
}

impl Handler for Subscriber {
    fn open(&mut self, peer: &Peer) {
        self.outlet.open(peer);
        self.subscription
            .take()
            .into_iter()
            .for_each(|subscription| peer.keep(subscription));
        self.expiry = self.until.map(|until| Expiry::new(until, peer));
    }
}

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
