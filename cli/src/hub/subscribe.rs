//! A live connection: what it is sent, what it publishes, and how it ends.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use astatine_pubsub::{Channel, Cursor, Items, Name, Options, Start, SubscribeError, View};
use astatine_reactor::handler::{Handler, Message, Peer, Turn};
use http::header::UPGRADE;
use http::{HeaderMap, Request};

use super::answer::{Answer, Refusal};
use super::expiry::Expiry;
use super::{Hub, Visit, envelope};

/// What a client asks for beside the channel.
struct Wishes {
    start: Start,
    is_enveloped: bool,
    /// Whether it is told who comes and goes.
    watches: bool,
}

/// The handler of a subscriber, by WebSocket or event stream.
struct Subscriber {
    hub: Arc<Hub>,
    /// What it subscribes to, from before it is told so: somebody may publish as soon as it is.
    /// Taken when the connection opens.
    subscribed: Vec<Items>,
    /// Where what it sends is published, and who it is for the rate; None: it may not.
    publishes: Option<(Channel, String)>,
    until: Option<Instant>,
    expiry: Option<Expiry>,
}

/// Tells whether a request asks for a WebSocket.
pub(super) fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(UPGRADE).into_iter();
    fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(','))
        .any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
}

impl Hub {
    /// Answers a request for a WebSocket.
    pub(super) fn websocket(
        self: &Arc<Self>,
        request: &Request<()>,
        visit: &Visit,
        name: Name,
    ) -> Result<Answer, Refusal> {
        // Whoever is refused must not have been a subscriber for a moment, which others are told.
        let accepted = self.upgrade.accept(request).map_err(Refusal::Handshake)?;
        let view = match accepted.agreed.subprotocol {
            // There is one only, ENVELOPES.
            Some(_) => View::Envelope,
            None => View::Plain,
        };
        let subscriber = self.subscriber(request, visit, name, view)?;
        let answer = self.upgrade.hand_over(accepted, subscriber);
        Ok(answer.map(|()| Default::default()))
    }

    /// Answers a request for an event stream.
    pub(super) fn event_stream(
        self: &Arc<Self>,
        request: &Request<()>,
        visit: &Visit,
        name: Name,
    ) -> Result<Answer, Refusal> {
        let mut subscriber = self.subscriber(request, visit, name, View::Text)?;
        subscriber.publishes = None;
        let answer = astatine_sse::handled_event_stream(subscriber, &self.sse);
        Ok(answer.map(|()| Default::default()))
    }

    fn subscriber(
        self: &Arc<Self>,
        request: &Request<()>,
        visit: &Visit,
        name: Name,
        view: View,
    ) -> Result<Subscriber, Refusal> {
        if !visit.rights.may_subscribe(&name) {
            return Err(Refusal::MayNotSubscribe(name.to_string()));
        }
        let wishes = self.wishes(request, visit, &name)?;
        let mut options = Options::default();
        options.policy = self.policy;
        options.view = if wishes.is_enveloped {
            View::Envelope
        } else {
            view
        };
        options.start = wishes.start;
        options.user = visit.rights.user().map(Arc::from);
        options.gap = Some(envelope::gap);
        let subscribed = self.subscribe(name.clone(), &options, wishes.watches);
        let publishes = match &name {
            Name::Channel(channel) if visit.rights.may_publish(channel.as_str()) => {
                Some((channel.clone(), visit.client.clone()))
            }
            Name::Channel(_) | Name::Pattern(_) => None,
        };
        Ok(Subscriber {
            hub: Arc::clone(self),
            subscribed: subscribed.map_err(|_| Refusal::Unavailable)?,
            publishes,
            until: visit.rights.until,
            expiry: None,
        })
    }

    fn subscribe(
        &self,
        name: Name,
        options: &Options,
        watches: bool,
    ) -> Result<Vec<Items>, SubscribeError> {
        let mut subscribed = Vec::with_capacity(1);
        if watches {
            subscribed.push(self.moves.stream(name.clone(), &Options::default())?);
        }
        subscribed.push(self.channels.stream(name, options)?);
        Ok(subscribed)
    }

    fn wishes(&self, request: &Request<()>, visit: &Visit, name: &Name) -> Result<Wishes, Refusal> {
        let last = astatine_sse::last_event_id(request.headers(), request.uri());
        let Name::Channel(_) = name else {
            // Of many channels, the payload alone does not say which one it came on; and an id is
            // a place in one of them.
            return match visit.flag("presence") {
                true => Err(Refusal::Pattern),
                false => Ok(Wishes {
                    start: Start::Now,
                    is_enveloped: true,
                    watches: false,
                }),
            };
        };
        let start = match last.as_deref() {
            Some(EARLIEST) => Start::Oldest,
            // Of another server, or none at all: it has missed something for all we know.
            Some(id) => Start::After(id.parse().unwrap_or(NOWHERE)),
            None => Start::Now,
        };
        Ok(Wishes {
            start,
            is_enveloped: visit.flag("envelope"),
            watches: visit.flag("presence"),
        })
    }
}

impl Handler for Subscriber {
    fn open(&mut self, peer: &Peer) {
        for items in mem::take(&mut self.subscribed) {
            if let Err(error) = items.hand_over(peer) {
                peer.close_with(TRY_AGAIN_LATER, &error.to_string());
            }
        }
        self.expiry = self.until.map(|until| Expiry::new(until, peer));
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        let Some((channel, client)) = &self.publishes else {
            peer.close_with(FORBIDDEN, "no right to publish to this channel");
            return Turn::Next;
        };
        let Err(wait) = self.hub.take_rate(client, 1) else {
            self.hub.publish(channel, message);
            return Turn::Next;
        };
        // Nothing more is read meanwhile, which holds the client back.
        let hub = &self.hub;
        Turn::Wait(Box::pin(async move {
            let mut wait = Err(wait);
            while let Err(time) = wait {
                tokio::time::sleep(time).await;
                wait = hub.take_rate(client, 1);
            }
            hub.publish(channel, message);
        }))
    }
}

/// The place of a client that has been at none that we know: histories begin later.
const NOWHERE: Cursor = Cursor {
    epoch: 0,
    offset: 0,
};
/// What stands for the oldest message that is kept, as in Mercure.
pub(super) const EARLIEST: &str = "earliest";
/// The subprotocol of clients that want envelopes.
pub(super) const ENVELOPES: &str = "astatine.json";
/// An application's own (RFC 6455 §7.4.2), by HTTP's status.
const FORBIDDEN: u16 = 4403;
/// IANA's registry of close codes.
const TRY_AGAIN_LATER: u16 = 1013;
