//! The hub: one URL a channel, for WebSockets, event streams and those that publish.
//!
//! It has no logic of channels: it judges who may do what, and puts `pubsub` behind HTTP.

mod answer;
mod claims;
mod envelope;
mod expiry;
mod info;
mod key;
mod key_text;
mod mercure;
mod origins;
mod paths;
mod publish;
mod rate;
mod rights;
mod service;
mod subscribe;
mod token;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use astatine_http1::Incoming;
use astatine_http1::layer::trusted_proxy::{Forwarded, NodeName};
use astatine_pubsub::{Channel, Name, Pattern, PubSub, Scope};
use astatine_reactor::Address;
use astatine_reactor::handler::{Message, Policy};
use astatine_websocket::Upgrade;
use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use {astatine_pubsub as pubsub, astatine_sse as sse, astatine_websocket as websocket};

use self::answer::{Answer, Refusal};
use self::mercure::Mercure;
use self::origins::Standing;
use self::paths::Endpoint;
use self::rate::PublishRate;
use self::rights::{Gate, Rights};
use crate::form;

pub(crate) use self::key::{Key, sign};
pub(crate) use self::key_text::key_text;
pub(crate) use self::origins::AllowedOrigin;
pub(crate) use self::paths::Paths;
pub(crate) use self::service::HubLayer;
pub(crate) use self::token::QueryTokenLayer;

/// What a hub is made of.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) paths: Paths,
    /// What verifies tokens; without it none is good.
    pub(crate) key: Option<Key>,
    /// Whether everybody may do everything.
    pub(crate) is_open: bool,
    /// Whether it is asked by names of this machine only.
    pub(crate) is_local: bool,
    pub(crate) cookie: String,
    pub(crate) origins: Vec<AllowedOrigin>,
    pub(crate) policy: Policy,
    /// Messages a second that one client may publish.
    pub(crate) publish_rate: Option<NonZeroU32>,
    pub(crate) max_name_bytes: usize,
    pub(crate) pubsub: pubsub::Config,
    pub(crate) websocket: websocket::Config,
    pub(crate) sse: sse::Config,
}

/// Channels behind HTTP.
pub(crate) struct Hub {
    paths: Arc<Paths>,
    gate: Gate,
    is_local: bool,
    cookie: String,
    origins: Vec<AllowedOrigin>,
    policy: Policy,
    rate: Option<PublishRate>,
    max_name_bytes: usize,
    /// Topics of one subscriber, and messages of one batch.
    max_channels: usize,
    max_message_bytes: usize,
    channels: PubSub,
    /// Who comes and goes, on channels of the same names; apart, so that no pattern matches them.
    moves: PubSub,
    mercure: Mercure,
    upgrade: Upgrade,
    sse: sse::Config,
}

/// A request that was let in.
struct Visit {
    rights: Rights,
    /// Who it is, for the rate of publishing: the user, or else the address.
    client: String,
    parameters: Vec<(String, String)>,
}

impl Hub {
    pub(crate) fn new(config: Config) -> Self {
        let moves = PubSub::default();
        let mut channels = config.pubsub;
        channels.envelope = Some(envelope::of);
        let told = moves.clone();
        channels.announce = Some(Arc::new(move |change| {
            told.publish(&change.channel, envelope::change(change), Scope::Process);
            None
        }));
        let max_message_bytes = config.websocket.max_message_bytes;
        Self {
            paths: Arc::new(config.paths),
            gate: Gate {
                key: config.key,
                is_open: config.is_open,
            },
            is_local: config.is_local,
            cookie: config.cookie,
            origins: config.origins,
            policy: config.policy,
            rate: config.publish_rate.map(PublishRate::new),
            max_name_bytes: config.max_name_bytes,
            max_channels: channels.max_subscriptions,
            max_message_bytes,
            mercure: Mercure::new(&channels),
            channels: PubSub::new(channels),
            moves,
            upgrade: Upgrade::new(config.websocket).subprotocols([subscribe::ENVELOPES]),
            sse: config.sse,
        }
    }

    /// Returns the channels.
    pub(crate) fn channels(&self) -> &PubSub {
        &self.channels
    }

    /// Returns what a path of the hub's is for.
    fn endpoint<'a>(&self, path: &'a str) -> Endpoint<'a> {
        self.paths.endpoint(path).expect("the layer has asked")
    }

    /// Tells whether a path is the hub's.
    fn has(&self, path: &str) -> bool {
        self.paths.endpoint(path).is_some()
    }

    /// Returns the layer that keeps tokens out of everything but the hub.
    pub(crate) fn query_token_layer(&self) -> QueryTokenLayer {
        QueryTokenLayer(Arc::clone(&self.paths))
    }

    async fn answer(self: &Arc<Self>, request: Request<Incoming>, remote: &Address) -> Answer {
        if self.is_local && !origins::is_local(request.headers()) {
            return Refusal::Host.answer();
        }
        let Some(standing) = origins::standing(&self.origins, request.headers()) else {
            return Refusal::Origin.answer();
        };
        let mut answer = if request.method() == Method::OPTIONS {
            preflight(self.endpoint(request.uri().path()).methods())
        } else {
            let answer = self.admit(request, remote, &standing).await;
            answer.unwrap_or_else(|refusal| refusal.answer())
        };
        standing.mark(answer.headers_mut());
        answer
    }

    async fn admit(
        self: &Arc<Self>,
        request: Request<Incoming>,
        remote: &Address,
        standing: &Standing,
    ) -> Result<Answer, Refusal> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, ());
        let path = request.uri().path().to_owned();
        let endpoint = self.endpoint(&path);
        let cookie = match endpoint {
            Endpoint::Mercure => mercure::COOKIE,
            Endpoint::Batch | Endpoint::Channel(_) => self.cookie.as_str(),
        };
        let cookie = standing.may_use_cookies().then_some(cookie);
        let token = token::find(request.headers(), request.extensions(), cookie);
        let rights = self.gate.admit(token.as_deref()).map_err(Refusal::Denied)?;
        let visit = Visit::new(&request, rights, remote);
        let methods = endpoint.methods();
        if methods
            .split(", ")
            .all(|method| method != request.method().as_str())
        {
            return Err(Refusal::Method(methods));
        }
        match endpoint {
            Endpoint::Channel(escaped) => {
                let name = self.name(escaped, &visit)?;
                self.answer_channel(&request, body, &visit, name).await
            }
            Endpoint::Batch => self.post_batch(body, &visit).await,
            Endpoint::Mercure if request.method() == Method::POST => {
                self.publish_update(request.headers(), body, &visit).await
            }
            Endpoint::Mercure => self.subscribe_to_updates(&request, &visit).await,
        }
    }

    async fn answer_channel(
        self: &Arc<Self>,
        request: &Request<()>,
        body: Incoming,
        visit: &Visit,
        name: Name,
    ) -> Result<Answer, Refusal> {
        match (request.method(), name) {
            (&Method::POST, Name::Channel(channel)) => {
                self.post(request.headers(), body, visit, channel).await
            }
            (&Method::POST, Name::Pattern(_)) => Err(Refusal::Pattern),
            (&Method::GET, name) if subscribe::asks_for_websocket(request.headers()) => {
                self.websocket(request, visit, name)
            }
            (&Method::GET, name) if sse::accepts_event_stream(request.headers()) => {
                self.event_stream(request, visit, name)
            }
            (_, name) => self.info(request, visit, &name).await,
        }
    }

    /// Judges the name in a path.
    fn name(&self, escaped: &str, visit: &Visit) -> Result<Name, Refusal> {
        let name = paths::name(escaped).ok_or(Refusal::NameCharacters)?;
        if !visit.flag("match") {
            return self.channel(&name).map(Name::Channel);
        }
        self.check_len(&name)?;
        Pattern::new(&name)
            .map(Name::Pattern)
            .map_err(Refusal::Name)
    }

    /// Judges the name of a channel.
    fn channel(&self, name: &str) -> Result<Channel, Refusal> {
        self.check_len(name)?;
        if name.contains(char::is_control) {
            return Err(Refusal::NameCharacters);
        }
        // It would be a topic of Mercure's.
        if name.starts_with(mercure::RESERVED) {
            return Err(Refusal::Reserved);
        }
        Channel::new(name).map_err(Refusal::Name)
    }

    fn check_len(&self, name: &str) -> Result<(), Refusal> {
        if name.len() > self.max_name_bytes {
            return Err(Refusal::NameTooLong(self.max_name_bytes));
        }
        Ok(())
    }

    /// Publishes what came by a channel's own URL, for those who read it by Mercure too.
    fn publish(&self, channel: &Channel, message: Message) {
        self.mercure.copy(channel, &message);
        self.channels.publish(channel, message, Scope::Cluster);
    }

    /// Counts a client's messages, or tells how long it has to wait.
    fn take_rate(&self, client: &str, n: u32) -> Result<(), Duration> {
        let now = tokio::time::Instant::now().into_std();
        let rate = self.rate.as_ref();
        rate.map_or(Ok(()), |rate| rate.take(client, n, now))
    }
}

impl Visit {
    fn new(request: &Request<()>, rights: Rights, remote: &Address) -> Self {
        let forwarded = request.extensions().get::<Forwarded>();
        let client = match (rights.user(), forwarded, remote) {
            (Some(user), ..) => format!("user {user}"),
            (None, Some(forwarded), _) => match &forwarded.for_node.name {
                NodeName::Ip(ip) => rate::network_of(*ip).to_string(),
                name => name.to_string(),
            },
            (None, None, Address::Tcp(address)) => rate::network_of(address.ip()).to_string(),
            (None, None, _) => "unix".into(),
        };
        let query = request.uri().query().unwrap_or_default();
        Self {
            rights,
            client,
            parameters: form::pairs(query).collect(),
        }
    }

    /// Returns the first parameter of a name.
    fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let (_, value) = parameters.find(|(found, _)| found == name)?;
        Some(value)
    }

    /// Tells whether a parameter is there and does not say no.
    fn flag(&self, name: &str) -> bool {
        self.parameter(name)
            .is_some_and(|value| !matches!(value, "0" | "false" | "no"))
    }
}

/// Answers what methods there are; a page of an origin that is allowed may use them.
fn preflight(methods: &'static str) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(methods));
    Standing::mark_preflight(headers);
    answer
}
