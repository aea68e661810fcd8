//! One subscription where it is served: what it gets, in which order, and what happens if it does
//! not keep up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use astatine_reactor::handler::{Message, Peer, Policy, WriteError};

use super::config::{Options, Start, View};
use super::core::{Core, Fetch};
use super::group::Bundled;
use super::publication::{Item, Publication};
use super::shard::Shard;
use super::stats::Stats;
use super::stream::Feed;
use crate::proto::cursor::Cursor;
use crate::proto::log::Replay;
use crate::proto::name::{Channel, Name};

/// A subscription.
pub(crate) struct Subscriber {
    pub(crate) id: u64,
    target: Target,
    place: Place,
    policy: Policy,
    view: View,
    gap: Option<fn(&Channel, Cursor) -> Message>,
}

/// Who gets the messages.
pub(crate) enum Target {
    Peer(Peer),
    Callback(Box<dyn FnMut(Item) + Send>),
    Stream(Feed),
    /// Nobody any more.
    Gone,
}

/// How far a subscription has come in the channel's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It is nowhere: a pattern has no history.
    Untracked,
    /// It has not met a history yet.
    Unknown,
    /// It has everything up to here, and gets the next message as it comes.
    Live(Cursor),
    /// Something is missing behind this place, or at all: the history has what comes next.
    Behind(Option<Cursor>),
    /// As behind, and an engine has been asked; `newest` has come meanwhile.
    Asked {
        after: Option<Cursor>,
        newest: Option<Cursor>,
    },
}

impl Place {
    /// Returns the place behind messages whose first and last have these places, if it is they that
    /// come next.
    fn after(self, span: Option<(Cursor, Cursor)>) -> Option<Self> {
        match (self, span) {
            (Self::Untracked, _) | (_, None) => Some(self),
            (Self::Unknown, Some((_, last))) => Some(Self::Live(last)),
            (Self::Live(at), Some((first, last))) => {
                let is_next = at.epoch == first.epoch && at.offset + 1 == first.offset;
                is_next.then_some(Self::Live(last))
            }
            (Self::Behind(_) | Self::Asked { .. }, Some(_)) => None,
        }
    }
}

/// When a message leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    Now,
    /// Together with others, at [`Subscriber::flush`].
    Together,
}

/// What became of one message.
pub(crate) enum Fate {
    Taken,
    /// There was no room, and it may be tried again.
    NoRoom,
    Lost,
}

impl Subscriber {
    /// `head` is the end of the channel's history, from which a subscription that begins now goes
    /// on.
    pub(crate) fn new(
        id: u64,
        target: Target,
        name: &Name,
        options: &Options,
        head: Option<Cursor>,
    ) -> Self {
        let place = match options.start {
            _ if matches!(name, Name::Pattern(_)) => Place::Untracked,
            Start::Now => head.map_or(Place::Unknown, Place::Live),
            Start::Oldest => Place::Behind(None),
            Start::After(cursor) => Place::Behind(Some(cursor)),
        };
        Self {
            id,
            target,
            place,
            policy: options.policy,
            view: options.view,
            gap: options.gap,
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.target, Target::Gone)
    }

    /// Leaves one in its place that is gone.
    pub(crate) fn end(&mut self) -> Self {
        let target = std::mem::replace(&mut self.target, Target::Gone);
        Self { target, ..*self }
    }

    /// Goes on where another was, unless it is to begin elsewhere.
    pub(crate) fn take_over(&mut self, old: &Self) {
        if let Place::Live(_) | Place::Unknown = self.place {
            self.place = match old.place {
                // The answer is for the one that has asked.
                Place::Asked { after, .. } => Place::Behind(after),
                place => place,
            };
        }
    }

    /// Gives a stream's subscription to a connection, with what was not read.
    pub(crate) fn hand_over(&mut self, peer: Peer, stats: &mut Stats) {
        let Target::Stream(feed) = &self.target else {
            return;
        };
        let Some(items) = feed.take_rest() else {
            peer.close_with(TRY_AGAIN_LATER, "");
            return;
        };
        self.target = Target::Peer(peer);
        for item in items {
            match item {
                Item::Publication(publication) => {
                    // It was counted as delivered when the stream took it.
                    let mut again = Stats::default();
                    let fate = self.offer(&publication, self.policy, Leave::Together, &mut again);
                    stats.n_closed_slow += again.n_closed_slow;
                    stats.n_evicted += again.n_evicted;
                    stats.n_evicted += u64::from(!matches!(fate, Fate::Taken));
                }
                Item::Gap(channel, cursor) => {
                    self.tell_gap(&channel, cursor, &mut Stats::default());
                }
            }
        }
    }

    pub(crate) fn is_behind(&self) -> bool {
        matches!(self.place, Place::Behind(_))
    }

    /// Takes a message that has just been published, unless the history has to be asked first,
    /// because something before it is missing.
    pub(crate) fn take(&mut self, publication: &Publication, leave: Leave, stats: &mut Stats) {
        let cursor = publication.cursor();
        if let Some(place) = self.place.after(cursor.zip(cursor)) {
            self.place = place;
            self.deliver(publication, leave, stats);
            return;
        }
        self.place = match (self.place, cursor) {
            (Place::Live(last), Some(cursor))
                if last.epoch != cursor.epoch || last.offset < cursor.offset =>
            {
                Place::Behind(Some(last))
            }
            (Place::Asked { after, .. }, newest) => Place::Asked { after, newest },
            // It has it, or the history has, in its turn.
            (place, _) => place,
        };
    }

    /// Takes publications in one write, where it is a connection that is idle and misses nothing
    /// before them; tells whether it has.
    pub(crate) fn take_bundle(&mut self, bundled: &Bundled<'_>, stats: &mut Stats) -> bool {
        let Target::Peer(peer) = &self.target else {
            return false;
        };
        let Some(place) = self.place.after(bundled.span) else {
            return false;
        };
        if self.view != View::Plain || !peer.deliver_bundle(&bundled.bundle, self.policy) {
            return false;
        }
        self.place = place;
        stats.n_delivered += bundled.n_messages;
        true
    }

    /// Falls behind where the end of the history is elsewhere; tells whether it does.
    pub(crate) fn suspect(&mut self, head: Cursor) -> bool {
        match self.place {
            Place::Live(last) if last != head => {
                self.place = Place::Behind(Some(last));
                true
            }
            _ => false,
        }
    }

    /// Fetches what is missing, as much as there is room for, and as one turn may do; it stays
    /// behind where that is not all.
    pub(crate) fn catch_up(
        &mut self,
        channel: &Channel,
        core: &Core,
        shard: &Arc<Shard>,
        stats: &mut Stats,
    ) {
        for _ in 0..MAX_REPLAYS {
            let Place::Behind(after) = self.place else {
                return;
            };
            if !self.has_room() {
                return;
            }
            let has_room = match core.since(shard, channel, after, REPLAY_MESSAGES, self.id) {
                Fetch::Now(replay) => self.replay(channel, after, replay, stats),
                Fetch::Asked => {
                    let newest = None;
                    self.place = Place::Asked { after, newest };
                    return;
                }
            };
            if !has_room {
                return;
            }
        }
    }

    /// Takes what an engine has answered, after which it may be behind again; tells whether there
    /// was room for all of it.
    pub(crate) fn answered(
        &mut self,
        channel: &Channel,
        replay: Option<Replay<Publication>>,
        stats: &mut Stats,
    ) -> bool {
        let Place::Asked { after, newest } = self.place else {
            return true;
        };
        self.place = Place::Behind(after);
        let has_room = self.replay(channel, after, replay, stats);
        // What has come meanwhile was left to the history, which had not seen it.
        if let (Place::Live(last), Some(newest)) = (self.place, newest) {
            if last.epoch != newest.epoch || last.offset < newest.offset {
                self.place = Place::Behind(Some(last));
            }
        }
        has_room
    }

    /// Delivers a part of the history; tells whether there was room for all of it.
    fn replay(
        &mut self,
        channel: &Channel,
        after: Option<Cursor>,
        replay: Option<Replay<Publication>>,
        stats: &mut Stats,
    ) -> bool {
        let Some(replay) = replay else {
            // No history: what comes next is all there is.
            if let Some(after) = after {
                self.tell_gap(channel, after, stats);
            }
            self.place = Place::Unknown;
            return true;
        };
        if replay.has_gap {
            let begin = replay.begin();
            self.tell_gap(channel, begin, stats);
            self.place = Place::Behind(Some(begin));
        }
        for publication in &replay.entries {
            if !self.has_room() {
                return false;
            }
            match self.offer(publication, Policy::DropNewest, Leave::Together, stats) {
                Fate::Taken => {
                    stats.n_repaired += 1;
                    self.place = Place::Behind(publication.cursor());
                }
                Fate::NoRoom => return false,
                Fate::Lost => break,
            }
        }
        self.place = if replay.entries.len() < REPLAY_MESSAGES {
            Place::Live(replay.cursor)
        } else {
            Place::Behind(Some(replay.cursor))
        };
        true
    }

    /// Lets what was put on its way leave.
    pub(crate) fn flush(&self) {
        match &self.target {
            Target::Peer(peer) => peer.flush(),
            Target::Stream(feed) => feed.wake(),
            Target::Callback(_) | Target::Gone => {}
        }
    }

    /// Tells whether what is sent again may go on: it leaves room for what comes meanwhile.
    fn has_room(&self) -> bool {
        match &self.target {
            Target::Peer(peer) => peer.pending() < REPLAY_BYTES,
            Target::Stream(feed) => feed.n_bytes() < REPLAY_BYTES,
            Target::Callback(_) | Target::Gone => true,
        }
    }

    fn deliver(&mut self, publication: &Publication, leave: Leave, stats: &mut Stats) {
        let policy = self.policy;
        if let Fate::NoRoom = self.offer(publication, policy, leave, stats) {
            stats.n_dropped_slow += 1;
        }
    }

    fn offer(
        &mut self,
        publication: &Publication,
        policy: Policy,
        leave: Leave,
        stats: &mut Stats,
    ) -> Fate {
        let fate = match &mut self.target {
            Target::Peer(peer) => {
                let message = publication.view(self.view, stats);
                let delivered = match leave {
                    Leave::Now => peer.deliver_now(message, self.id, policy),
                    Leave::Together => peer.deliver(message, self.id, policy),
                };
                match delivered {
                    Ok(delivered) if delivered.is_taken => {
                        stats.n_evicted += delivered.n_dropped as u64;
                        Fate::Taken
                    }
                    Ok(delivered) => {
                        stats.n_evicted += delivered.n_dropped.saturating_sub(1) as u64;
                        Fate::NoRoom
                    }
                    Err(WriteError::Full) => {
                        stats.n_closed_slow += 1;
                        stats.n_dropped_slow += 1;
                        Fate::Lost
                    }
                    Err(_) => {
                        stats.n_dropped_closed += 1;
                        Fate::Lost
                    }
                }
            }
            Target::Callback(callback) => {
                let item = Item::Publication(publication.clone());
                match catch_unwind(AssertUnwindSafe(|| callback(item))) {
                    Ok(()) => Fate::Taken,
                    Err(_) => {
                        stats.n_panics += 1;
                        Fate::Taken
                    }
                }
            }
            Target::Stream(feed) => feed.push(publication, policy, stats),
            Target::Gone => {
                stats.n_dropped_closed += 1;
                Fate::Lost
            }
        };
        if let Fate::Taken = fate {
            stats.n_delivered += 1;
        }
        fate
    }

    fn tell_gap(&mut self, channel: &Channel, cursor: Cursor, stats: &mut Stats) {
        stats.n_gaps += 1;
        let told = catch_unwind(AssertUnwindSafe(|| match &mut self.target {
            Target::Peer(peer) => {
                if let Some(gap) = self.gap {
                    // A peer without room for it is closed, or hears of the next one.
                    peer.write(gap(channel, cursor)).unwrap_or_default();
                }
            }
            Target::Callback(callback) => callback(Item::Gap(channel.clone(), cursor)),
            Target::Stream(feed) => feed.push_gap(channel, cursor),
            Target::Gone => {}
        }));
        if told.is_err() {
            stats.n_panics += 1;
        }
    }
}

/// Messages that are fetched from a history at once.
const REPLAY_MESSAGES: usize = 64;
/// How often that is done in one turn.
const MAX_REPLAYS: usize = 32;
/// IANA's registry of close codes.
const TRY_AGAIN_LATER: u16 = 1013;
/// While so many bytes wait for a subscriber, it is sent nothing more of what it has missed.
const REPLAY_BYTES: usize = 64 << 10;
