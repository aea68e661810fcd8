//! What is known of a channel, as JSON.

use astatine_pubsub::{Channel, Cursor, Name};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, json};
use super::subscribe::EARLIEST;
use super::{Hub, Visit, envelope};

impl Hub {
    /// Tells who is on a channel, its cursor, and what its history has behind a place.
    pub(super) async fn info(
        &self,
        request: &Request<()>,
        visit: &Visit,
        name: &Name,
    ) -> Result<Answer, Refusal> {
        let Name::Channel(channel) = name else {
            return Err(Refusal::Pattern);
        };
        if !visit.rights.may_subscribe(name) {
            return Err(Refusal::MayNotSubscribe(name.to_string()));
        }
        let presence = self.channels.presence(channel);
        let users = presence.users.iter();
        let users: Vec<Value> = users
            .map(|(user, n)| json!({"user": **user, "subscribers": n}))
            .collect();
        let mut info = json!({
            "channel": channel.as_str(),
            "subscribers": presence.n_subscriptions,
            "users": users,
            "cursor": null,
        });
        // One that has not begun is not begun by a look at it.
        if let Some(end) = self.channels.cursor(channel) {
            self.add_history(&mut info, request, visit, channel, end)
                .await?;
        }
        Ok(json(StatusCode::OK, &info))
    }

    async fn add_history(
        &self,
        info: &mut Value,
        request: &Request<()>,
        visit: &Visit,
        channel: &Channel,
        end: Cursor,
    ) -> Result<(), Refusal> {
        let max = visit
            .parameter("limit")
            .map_or(Ok(MAX_MESSAGES), str::parse);
        let malformed = |_| Refusal::Malformed("a limit is a number".into());
        let max = max.map_err(malformed)?.min(MAX_MESSAGES);
        let last = astatine_sse::last_event_id(request.headers(), request.uri());
        let after = match last.as_deref() {
            // The latest, and who names no place has missed nothing.
            None => Some(before(end, max)),
            Some(EARLIEST) => None,
            Some(id) => Some(id.parse().map_err(|_| Refusal::Cursor)?),
        };
        let replay = self.channels.history(channel, after, max).await;
        if let Some(replay) = replay.map_err(|_| Refusal::Unavailable)? {
            let entries = replay.entries.iter();
            info["messages"] = entries
                .map(|entry| envelope::fields(channel, entry.message()))
                .collect();
            info["gap"] = (last.is_some() && replay.has_gap).into();
            info["cursor"] = replay.cursor.to_string().into();
        }
        Ok(())
    }
}

/// Returns the place that so many messages are behind, at most.
fn before(end: Cursor, n: usize) -> Cursor {
    Cursor {
        offset: end.offset.saturating_sub(n as u64),
        ..end
    }
}

/// Of one answer; who wants more goes on from its cursor.
const MAX_MESSAGES: usize = 1000;
