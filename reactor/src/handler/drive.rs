//! The engine that runs a handler over a protocol: reading and writing, callbacks in their order,
//! deadlines and the end.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};

use super::ending::{Ending, Stretch};
use super::outbox::{Order, Outbox};
use super::pace::{Expired, HandlerConfig, Pace};
use super::queue::End;
use super::stage::Stage;
use super::trigger::Call;
use super::{Event, Handler, Message, Protocol, Reason, Turn};
use crate::{Connection, Deadline, Io, Phase, Reached, give_way};

/// Runs a handler over a connection whose protocol has begun, until it has ended, and returns why
/// it has.
///
/// `unread` is what was read of the stream before.
///
/// # Cancel safety
///
/// Dropping the future closes the connection where it is; the handler is told.
///
/// # Panics
///
/// Outside a tokio runtime with time enabled.
pub fn drive<P: Protocol>(
    connection: Connection,
    unread: Bytes,
    protocol: P,
    handler: Box<dyn Handler>,
    config: HandlerConfig,
) -> impl Future<Output = Reason> + Send {
    // Made before the future, which else has room for what they are made of too.
    let mut engine = Engine::new(connection, unread, protocol, config);
    let mut stage = Stage::new(engine.outbox.peer());
    async move {
        stage.open(handler);
        let ending = serve(&mut engine, &mut stage).await;
        let mut reason = ending.reason();
        if !matches!(ending, Ending::Over(_)) {
            engine.outbox.stop();
            stage.run(engine.outbox.take_calls());
        }
        engine.begin_end(ending);
        if let Err(worse) = poll_fn(|cx| engine.poll_end(cx)).await {
            reason = worse;
        }
        engine.outbox.close();
        stage.close(reason.clone());
        reason
    }
}

/// Serves until the connection ends, and says how.
async fn serve<P: Protocol>(engine: &mut Engine<P>, stage: &mut Stage) -> Ending {
    loop {
        let step = {
            let wait = loop {
                let turn = match engine.next_whole() {
                    Some(message) => stage.message(message),
                    None => match engine.next_event() {
                        Some(Event::Message(message)) => stage.message(message),
                        Some(Event::Closed(reason)) => return Ending::Answered(reason),
                        None => break None,
                    },
                };
                if let Turn::Wait(wait) = turn {
                    break Some(wait);
                }
            };
            match wait {
                Some(wait) => engine.wait(wait).await,
                None => poll_fn(|cx| engine.poll_step(cx)).await,
            }
        };
        if let Some(ending) = take(step, engine, stage) {
            return ending;
        }
    }
}

/// Takes a step that is no message; says how the connection ends, where that is it.
fn take<P: Protocol>(step: Step, engine: &mut Engine<P>, stage: &mut Stage) -> Option<Ending> {
    if let Step::Received = step {
        return None;
    }
    // What callbacks write leaves in one call, once they are over.
    engine.outbox.hold();
    match step {
        Step::Received => {}
        Step::Drained => stage.call(|handler, peer| handler.drained(peer)),
        Step::Ping => {
            if engine.ping() {
                stage.call(|handler, peer| handler.ping(peer));
            }
        }
        Step::Calls(calls) => stage.run(calls),
        Step::Replace(handler) => {
            stage.run(engine.outbox.take_calls());
            stage.close(Reason::Replaced);
            stage.open(handler);
        }
        Step::Shutdown => return Some(stage.shutdown()),
        Step::Ending(ending) => return Some(ending),
    }
    None
}

/// The code of a WebSocket that takes too little (IANA's registry of close codes).
const TRY_AGAIN_LATER: Option<u16> = Some(1013);

/// What is to be done next.
enum Step {
    /// There may be events in the input.
    Received,
    Drained,
    Ping,
    Calls(Vec<Call>),
    Replace(Box<dyn Handler>),
    Shutdown,
    Ending(Ending),
}

pub(super) struct Engine<P> {
    pub(super) io: Box<dyn Io>,
    pub(super) protocol: P,
    pub(super) input: BytesMut,
    /// Whether the input lies in memory of its own, not in the thread's.
    owns_input: bool,
    /// Whether the last read has left nothing in the stream.
    is_dry: bool,
    pub(super) outbox: Outbox,
    pub(super) deadline: Deadline,
    pub(super) pace: Pace,
    draining: Reached,
    pub(super) is_eof: bool,
    /// Whether the input may have an event.
    has_events: bool,
    /// Whether something was received since triggers had their turn.
    has_received: bool,
    /// Steps since other connections had their turn: events, and so many bytes that were read.
    pub(super) n_steps: usize,
    /// Bytes that the protocol has answered since nothing waited.
    n_answered: usize,
    pub(super) stretch: Stretch,
}

thread_local! {
    /// What is read into, lent to whichever connection is being polled.
    static ROOM: Cell<BytesMut> = Cell::new(BytesMut::new());
}

/// Holds a few messages of 64 KiB: what one read brings is answered by one write.
pub(super) const ROOM_BYTES: usize = 256 << 10;
/// Where nobody knows what is missing, a read asks for at least this much.
const MIN_READ_BYTES: usize = 4 << 10;
/// Steps before other connections have their turn.
const MAX_STEPS: usize = 256;
/// Bytes that count as a step: of what a protocol keeps to itself, as pings, there are no events.
const STEP_BYTES: usize = 16 << 10;

impl<P: Protocol> Engine<P> {
    pub(super) fn new(
        connection: Connection,
        unread: Bytes,
        protocol: P,
        config: HandlerConfig,
    ) -> Self {
        let deadline = Deadline::new();
        let direct = connection.io.direct();
        Self {
            io: connection.io,
            outbox: Outbox::new(direct, protocol.encoding(), &config),
            protocol,
            input: BytesMut::from(&unread[..]),
            owns_input: true,
            is_dry: false,
            pace: Pace::new(&config, deadline.now()),
            deadline,
            draining: connection.shutdown.reached(Phase::Draining),
            is_eof: false,
            has_events: !unread.is_empty(),
            has_received: false,
            n_steps: 0,
            n_answered: 0,
            stretch: Stretch::Flushing {
                awaits_answer: false,
            },
        }
    }

    /// Takes the next message off the input where it lies there whole, unless something comes before
    /// it.
    #[inline(always)]
    fn next_whole(&mut self) -> Option<Message> {
        if !self.begin_event() || self.is_eof {
            return None;
        }
        let message = self.protocol.receive_whole(&mut self.input)?;
        self.n_steps += 1;
        self.has_events = !self.input.is_empty() || self.protocol.keeps_events();
        Some(message)
    }

    /// Takes the next event off the input, unless something comes before it.
    fn next_event(&mut self) -> Option<Event> {
        if !self.begin_event() {
            return None;
        }
        self.n_steps += 1;
        self.receive()
    }

    /// Tells whether the handler may have an event now; if so, what it writes until the flush leaves
    /// in one call.
    #[inline(always)]
    fn begin_event(&mut self) -> bool {
        let may_begin = self.has_events && self.n_steps < MAX_STEPS && !self.outbox.has_news();
        if may_begin {
            self.outbox.hold();
        }
        may_begin
    }

    /// Goes on until the handler has something to do.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let is_turn_over = self.is_turn_over();
        if !is_turn_over {
            self.n_steps += 1;
            if let Poll::Ready(step) = self.poll_orders(cx) {
                return Poll::Ready(step);
            }
            if self.has_events {
                return Poll::Ready(Step::Received);
            }
        }
        if self.outbox.has_output() {
            if let Poll::Ready(Err(reason)) = self.poll_flush(cx) {
                return Poll::Ready(Step::Ending(Ending::Over(reason)));
            }
            if let Some(reason) = self.protocol.take_failure() {
                return Poll::Ready(Step::Ending(Ending::Answered(reason)));
            }
        }
        let input = if is_turn_over {
            self.poll_yield(cx)
        } else {
            self.poll_input(cx)
        };
        if input.is_ready() {
            return input;
        }
        self.n_steps = 0;
        self.poll_deadline(cx)
    }

    pub(super) fn is_turn_over(&self) -> bool {
        self.n_steps >= MAX_STEPS
    }

    /// Goes on behind the other connections of the thread.
    pub(super) fn poll_yield<T>(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        self.keep_input();
        self.n_steps = 0;
        give_way(cx);
        Poll::Pending
    }

    /// Reads, once all that was read before is done with.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if self.outbox.take_drained() {
            return Poll::Ready(Step::Drained);
        }
        if self.outbox.is_over(self.n_answered) {
            return Poll::Ready(self.slow());
        }
        // Triggers come behind the input, but do not wait for ever where it never ends.
        if std::mem::take(&mut self.has_received) {
            if let Some(step) = self.triggered() {
                return Poll::Ready(step);
            }
        }
        if self.is_eof {
            self.has_events = true;
            return Poll::Ready(Step::Received);
        }
        match self.poll_read(cx) {
            Poll::Ready(Ok(_)) => {
                self.has_received = true;
                Poll::Ready(Step::Received)
            }
            Poll::Ready(Err(error)) => {
                Poll::Ready(Step::Ending(Ending::Over(Reason::Io(error.kind()))))
            }
            Poll::Pending => match self.triggered() {
                Some(step) => Poll::Ready(step),
                None => Poll::Pending,
            },
        }
    }

    /// Does what peers, and the server, have ordered.
    fn poll_orders(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            match self.outbox.poll_order(cx) {
                Poll::Pending => break,
                Poll::Ready(Order::Replace(handler)) => {
                    return Poll::Ready(Step::Replace(handler));
                }
                Poll::Ready(Order::Timeout(timeout)) => {
                    self.pace.set_timeout(timeout, self.deadline.now());
                }
                Poll::Ready(Order::End(End::Abort)) => {
                    self.io.abort();
                    return Poll::Ready(Step::Ending(Ending::Over(self.outbox.abort_reason())));
                }
                Poll::Ready(Order::End(End::Slow)) => return Poll::Ready(self.slow()),
                Poll::Ready(Order::End(End::Close { code, text })) => {
                    let ending = Ending::Begin(Reason::Local, code, text);
                    return Poll::Ready(Step::Ending(ending));
                }
            }
        }
        Pin::new(&mut self.draining)
            .poll(cx)
            .map(|()| Step::Shutdown)
    }

    fn triggered(&self) -> Option<Step> {
        self.outbox
            .has_calls()
            .then(|| Step::Calls(self.outbox.take_calls()))
    }

    /// Ends a connection that takes too little, without what waits.
    fn slow(&self) -> Step {
        self.outbox.clear_unbegun();
        let ending = Ending::Begin(Reason::SlowConsumer, TRY_AGAIN_LATER, String::new());
        Step::Ending(ending)
    }

    /// Waits for what a handler waits for, unless something comes before it.
    async fn wait(&mut self, mut wait: Pin<Box<dyn Future<Output = ()> + Send + '_>>) -> Step {
        let step = poll_fn(|cx| match wait.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Step::Received),
            Poll::Pending => self.poll_waiting(cx),
        })
        .await;
        self.pace.suspend(self.deadline.now());
        step
    }

    /// Writes, while a handler waits for something of its own.
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if self.outbox.poll_aborted(cx).is_ready() {
            self.io.abort();
            return Poll::Ready(Step::Ending(Ending::Over(self.outbox.abort_reason())));
        }
        if Pin::new(&mut self.draining).poll(cx).is_ready() {
            return Poll::Ready(Step::Shutdown);
        }
        if let Poll::Ready(Err(reason)) = self.poll_flush(cx) {
            return Poll::Ready(Step::Ending(Ending::Over(reason)));
        }
        self.keep_input();
        let now = self.deadline.now();
        self.pace.suspend(now);
        self.deadline.set(self.pace.writing_deadline());
        if self.deadline.poll_expired(cx).is_ready() && self.pace.is_stalled(self.deadline.now()) {
            self.io.abort();
            return Poll::Ready(Step::Ending(Ending::Over(Reason::SlowConsumer)));
        }
        Poll::Pending
    }

    pub(super) fn receive(&mut self) -> Option<Event> {
        if !self.has_events {
            return None;
        }
        if self.is_eof {
            return Some(self.receive_last());
        }
        let mut output = Vec::new();
        let event = self.protocol.receive(&mut self.input, &mut output);
        if !output.is_empty() {
            self.n_answered += output.len();
            self.outbox.push(&output);
        }
        self.has_events =
            event.is_some() && (!self.input.is_empty() || self.protocol.keeps_events());
        event
    }

    /// Takes what the end of the stream completes, and at last the end itself.
    #[cold]
    fn receive_last(&mut self) -> Event {
        self.has_events = false;
        match self.protocol.receive_last(&mut self.input) {
            Some(event) => event,
            None => Event::Closed(self.protocol.receive_eof()),
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Reason>> {
        let mut n_taken = 0;
        let protocol = &mut self.protocol;
        let flushed = self.outbox.poll_flush(
            &mut *self.io,
            |message, output| protocol.encode(message, output),
            &mut n_taken,
            cx,
        );
        let now = self.deadline.now();
        self.pace.written(n_taken, flushed.is_ready(), now);
        if flushed.is_ready() {
            self.n_answered = 0;
        }
        flushed.map_err(|error| Reason::Io(error.kind()))
    }

    /// Reads once, into the thread's room where nothing is left of the last read.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.is_eof {
            return Poll::Pending;
        }
        // Behind a short read there is most likely nothing, and to find that out takes no buffer.
        if std::mem::take(&mut self.is_dry) && self.io.poll_read_ready(cx).is_pending() {
            self.keep_input();
            return Poll::Pending;
        }
        self.make_room();
        let space = self.input.capacity() - self.input.len();
        match self.io.poll_receive(&mut self.input, cx) {
            Poll::Ready(Ok(n)) if n > 0 => {
                self.is_dry = n < space;
                self.has_events = true;
                self.n_steps += n / STEP_BYTES;
                self.pace.received(self.deadline.now());
                Poll::Ready(Ok(n))
            }
            nothing => {
                self.is_eof = matches!(nothing, Poll::Ready(Ok(_)));
                self.keep_input();
                nothing
            }
        }
    }

    /// Makes room behind the input: the thread's, unless a large message needs its own.
    fn make_room(&mut self) {
        let missing = self.protocol.missing_bytes();
        if self.input.is_empty() && self.owns_input && missing < ROOM_BYTES {
            self.input = ROOM.take();
            self.owns_input = false;
        }
        let n_bytes = self.input.len();
        let wanted = if missing == 0 {
            MIN_READ_BYTES
        } else {
            missing
        };
        if !self.owns_input && n_bytes + wanted <= ROOM_BYTES {
            let has_room = self.input.try_reclaim(ROOM_BYTES - n_bytes);
            if !has_room && self.input.capacity() < n_bytes + wanted {
                self.input.reserve(ROOM_BYTES - n_bytes);
            }
        } else {
            self.keep_input();
            self.input.reserve(wanted);
        }
    }

    /// Gives the thread its room back, and copies out of it what is left of a read.
    pub(super) fn keep_input(&mut self) {
        if self.owns_input {
            if self.input.is_empty() {
                self.input = BytesMut::new();
            }
            return;
        }
        let mut room = std::mem::take(&mut self.input);
        if !room.is_empty() {
            let n_bytes = room.len() + self.protocol.missing_bytes();
            self.input.reserve(n_bytes);
            self.input.extend_from_slice(&room);
            room.clear();
        }
        self.owns_input = true;
        ROOM.set(room);
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            if let Some(at) = self.pace.take_moved() {
                self.deadline.set(at);
            }
            ready!(self.deadline.poll_expired(cx));
            match self.pace.expired(self.deadline.now()) {
                None => {}
                Some(Expired::Ping) => return Poll::Ready(Step::Ping),
                Some(Expired::TimedOut) => {
                    let ending = Ending::Begin(Reason::TimedOut, None, String::new());
                    return Poll::Ready(Step::Ending(ending));
                }
                Some(Expired::Unanswered) => {
                    // Whoever answers no ping answers no end in good order either.
                    self.io.abort();
                    return Poll::Ready(Step::Ending(Ending::Over(Reason::TimedOut)));
                }
                Some(Expired::Stalled) => {
                    self.io.abort();
                    return Poll::Ready(Step::Ending(Ending::Over(Reason::SlowConsumer)));
                }
            }
        }
    }

    /// Sends the protocol's ping, and tells whether the handler hears of it.
    fn ping(&mut self) -> bool {
        let mut output = Vec::new();
        let answer = self.protocol.ping(&mut output);
        if !output.is_empty() {
            self.outbox.push_urgent(output);
        }
        self.pace.pinged(answer, self.deadline.now())
    }
}
