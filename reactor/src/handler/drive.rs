//! The engine that runs a handler over a protocol: reading and writing, callbacks in their order,
//! deadlines and the end.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio_util::io::poll_read_buf;

use super::outbox::{Encoding, End, Order, Outbox};
use super::pace::{Expired, HandlerConfig, Pace};
use super::{Handler, Message, Peer, Reason, Turn};
use crate::{Connection, Deadline, Io, Phase, Reached};

/// A protocol of messages without I/O: what [`drive`] needs of it.
pub trait Protocol: Send + 'static {
    /// Says how messages are encoded.
    fn encoding(&self) -> Encoding;

    /// Takes the next event off the input; `None` when it needs more. What the protocol answers by
    /// itself is added to `output`.
    fn receive(&mut self, input: &mut BytesMut, output: &mut Vec<u8>) -> Option<Event>;

    /// Returns how many bytes are known to be missing of what is being received.
    fn missing_bytes(&self) -> usize {
        0
    }

    /// Notes that nothing has come in for a while.
    fn ping(&mut self, output: &mut Vec<u8>) -> Answer;

    /// Begins the end, and tells whether the other end's part in it is waited for.
    fn close(&mut self, code: Option<u16>, text: &str, output: &mut Vec<u8>) -> bool;

    /// Encodes a message, where [`Protocol::encoding`] is [`Encoding::Alone`].
    fn encode(&mut self, message: &Message, output: &mut Vec<u8>);
}

/// What a protocol finds in its input.
#[derive(Debug)]
pub enum Event {
    /// A message for the handler.
    Message(Message),
    /// The end: nothing more is received. The protocol's answer is in the output.
    Closed(Reason),
}

/// What a protocol's ping leads one to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Something has to come in.
    Awaited,
    /// Nothing: writing it is all there is.
    NotAwaited,
    /// There is no ping: something has to move, in either direction.
    NoPing,
}

/// Runs a handler over a connection whose protocol has begun, until it has ended.
///
/// `unread` is what was read of the stream before.
///
/// # Cancel safety
///
/// Dropping the future closes the connection where it is; the handler is told.
pub async fn drive<P: Protocol>(
    connection: Connection,
    unread: Bytes,
    protocol: P,
    handler: Box<dyn Handler>,
    config: HandlerConfig,
) {
    let mut engine = Engine::new(connection, unread, protocol, config);
    let mut stage = Stage {
        handler: Some(handler),
        peer: engine.outbox.peer(),
    };
    stage.call(|handler, peer| handler.open(peer));
    let reason = serve(&mut engine, &mut stage).await;
    engine.outbox.close();
    stage.close(reason);
}

/// Serves until the connection has ended, and says why it did.
async fn serve<P: Protocol>(engine: &mut Engine<P>, stage: &mut Stage) -> Reason {
    loop {
        let end = match poll_fn(|cx| engine.poll_step(cx)).await {
            Step::Message(message) => match stage.message(message) {
                Turn::Next => continue,
                Turn::Wait(mut wait) => {
                    let waited = poll_fn(|cx| match engine.poll_waiting(cx) {
                        Poll::Ready(reason) => Poll::Ready(Some(reason)),
                        Poll::Pending => wait.as_mut().poll(cx).map(|()| None),
                    });
                    match waited.await {
                        None => continue,
                        Some(reason) => return reason,
                    }
                }
            },
            Step::Drained => {
                stage.call(|handler, peer| handler.drained(peer));
                continue;
            }
            Step::Ping => {
                engine.ping();
                stage.call(|handler, peer| handler.ping(peer));
                continue;
            }
            Step::Replace(handler) => {
                stage.close(Reason::Replaced);
                stage.handler = Some(handler);
                stage.call(|handler, peer| handler.open(peer));
                continue;
            }
            Step::Shutdown => {
                stage.call(|handler, peer| handler.shutdown(peer));
                Ending::Begin(Reason::Shutdown, GOING_AWAY, String::new())
            }
            Step::Ended(reason) => return reason,
            Step::Ending(ending) => ending,
        };
        let reason = end.reason();
        engine.outbox.stop();
        engine.begin_end(end);
        return match poll_fn(|cx| engine.poll_end(cx)).await {
            Ok(()) => reason,
            Err(worse) => worse,
        };
    }
}

/// The code of a WebSocket whose server ends (RFC 6455 §7.4.1).
const GOING_AWAY: Option<u16> = Some(1001);
/// The code of a WebSocket that takes too little (IANA's registry of close codes).
const TRY_AGAIN_LATER: Option<u16> = Some(1013);

/// The handler, which is closed once, whatever happens.
struct Stage {
    handler: Option<Box<dyn Handler>>,
    peer: Peer,
}

impl Stage {
    fn call(&mut self, callback: impl FnOnce(&mut dyn Handler, &Peer)) {
        if let Some(handler) = &mut self.handler {
            callback(&mut **handler, &self.peer);
        }
    }

    fn message(&mut self, message: Message) -> Turn<'_> {
        match &mut self.handler {
            Some(handler) => handler.message(&self.peer, message),
            None => Turn::Next,
        }
    }

    fn close(&mut self, reason: Reason) {
        if let Some(mut handler) = self.handler.take() {
            handler.close(&self.peer, reason);
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.close(Reason::Aborted);
    }
}

/// What is to be done next.
enum Step {
    Message(Message),
    Drained,
    Ping,
    Replace(Box<dyn Handler>),
    Shutdown,
    /// The connection ends in good order.
    Ending(Ending),
    /// The connection has ended.
    Ended(Reason),
}

/// How a connection ends in good order.
enum Ending {
    /// This side begins, with a code and a text for the protocol.
    Begin(Reason, Option<u16>, String),
    /// The other end has begun; the protocol has answered.
    Answered(Reason),
}

impl Ending {
    fn reason(&self) -> Reason {
        match self {
            Self::Begin(reason, ..) | Self::Answered(reason) => reason.clone(),
        }
    }
}

/// How far an end in good order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stretch {
    /// Writing what is left.
    Flushing { awaits_answer: bool },
    /// Waiting for the other end's part.
    Awaiting,
    /// Waiting for the other end to close the stream.
    Lingering { n_discarded: usize },
}

struct Engine<P> {
    io: Box<dyn Io>,
    protocol: P,
    input: BytesMut,
    /// Whether the input lies in memory of its own, not in the thread's.
    owns_input: bool,
    outbox: Outbox,
    deadline: Deadline,
    pace: Pace,
    draining: Reached,
    is_eof: bool,
    stretch: Stretch,
}

thread_local! {
    /// What is read into, lent to whichever connection is being polled.
    static ROOM: Cell<BytesMut> = Cell::new(BytesMut::new());
}

const ROOM_BYTES: usize = 64 << 10;
/// A read asks for at least this much.
const MIN_READ_BYTES: usize = 4 << 10;
/// A connection that closes takes this much before it is cut off.
const MAX_DISCARDED_BYTES: usize = 256 << 10;
/// Messages before other connections have their turn.
const MAX_STEPS: u32 = 256;

impl<P: Protocol> Engine<P> {
    fn new(connection: Connection, unread: Bytes, protocol: P, config: HandlerConfig) -> Self {
        let deadline = Deadline::new();
        let direct = connection.io.direct();
        Self {
            io: connection.io,
            outbox: Outbox::new(direct, protocol.encoding(), config.outbox_bytes),
            protocol,
            input: BytesMut::from(&unread[..]),
            owns_input: true,
            pace: Pace::new(config, deadline.now()),
            deadline,
            draining: connection.shutdown.reached(Phase::Draining),
            is_eof: false,
            stretch: Stretch::Flushing {
                awaits_answer: false,
            },
        }
    }

    /// Goes on until the handler has something to do.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if let Poll::Ready(step) = self.poll_orders(cx) {
            return Poll::Ready(step);
        }
        let takes_turn = self.pace.takes_turn(MAX_STEPS);
        loop {
            self.outbox.hold();
            if let Some(event) = takes_turn.then(|| self.receive()).flatten() {
                return Poll::Ready(match event {
                    Event::Message(message) => Step::Message(message),
                    Event::Closed(reason) => Step::Ending(Ending::Answered(reason)),
                });
            }
            match self.poll_flush(cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(Step::Ended(error)),
                Poll::Ready(Ok(())) if self.outbox.take_drained() => {
                    return Poll::Ready(Step::Drained);
                }
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
            if !takes_turn {
                cx.waker().wake_by_ref();
                break;
            }
            match self.poll_read(cx) {
                Poll::Ready(Ok(0)) => {
                    let text = String::new();
                    let reason = Reason::Remote { code: None, text };
                    return Poll::Ready(Step::Ending(Ending::Answered(reason)));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Step::Ended(Reason::Io(error.kind())));
                }
                Poll::Pending => break,
            }
        }
        self.keep_input();
        self.poll_deadline(cx)
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
                    return Poll::Ready(Step::Ended(Reason::Aborted));
                }
                Poll::Ready(Order::End(end)) => {
                    let reason = end.reason();
                    let (code, text) = match end {
                        End::Close { code, text } => (code, text),
                        End::Slow | End::Abort => {
                            self.outbox.clear_unbegun();
                            (TRY_AGAIN_LATER, String::new())
                        }
                    };
                    return Poll::Ready(Step::Ending(Ending::Begin(reason, code, text)));
                }
            }
        }
        Pin::new(&mut self.draining)
            .poll(cx)
            .map(|()| Step::Shutdown)
    }

    /// Writes, while a handler waits for something of its own.
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Reason> {
        if self.outbox.poll_aborted(cx).is_ready() {
            self.io.abort();
            return Poll::Ready(Reason::Aborted);
        }
        if let Poll::Ready(Err(reason)) = self.poll_flush(cx) {
            return Poll::Ready(reason);
        }
        let now = self.deadline.now();
        self.pace.suspend(now);
        self.deadline.set(self.pace.writing_deadline());
        if self.deadline.poll_expired(cx).is_ready() && self.pace.is_stalled(self.deadline.now()) {
            self.io.abort();
            return Poll::Ready(Reason::SlowConsumer);
        }
        Poll::Pending
    }

    fn receive(&mut self) -> Option<Event> {
        if self.input.is_empty() {
            return None;
        }
        let mut output = Vec::new();
        let event = self.protocol.receive(&mut self.input, &mut output);
        self.outbox.push(&output);
        event
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Reason>> {
        let mut n_taken = 0;
        let protocol = &mut self.protocol;
        let flushed = self.outbox.poll_flush(
            &mut *self.io,
            |message, output| protocol.encode(message, output),
            &mut n_taken,
            cx,
        );
        let now = self.deadline.now();
        let is_done = flushed.is_ready() || self.outbox.is_empty();
        self.pace.written(n_taken, is_done, now);
        flushed.map_err(|error| Reason::Io(error.kind()))
    }

    /// Reads once, into the thread's room where nothing is left of the last read.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.is_eof {
            return Poll::Pending;
        }
        let missing = self.protocol.missing_bytes();
        let read = if self.input.is_empty() && missing < ROOM_BYTES {
            let mut room = ROOM.take();
            if room.capacity() < MIN_READ_BYTES {
                self.input = BytesMut::new();
                room.reserve(ROOM_BYTES);
            }
            let read = poll_read_buf(Pin::new(&mut *self.io), cx, &mut room);
            if !room.is_empty() {
                self.input = room.split();
                self.owns_input = false;
            }
            ROOM.set(room);
            read
        } else {
            self.keep_input();
            self.input.reserve(missing.max(MIN_READ_BYTES));
            poll_read_buf(Pin::new(&mut *self.io), cx, &mut self.input)
        };
        let n = ready!(read)?;
        self.is_eof = n == 0;
        self.pace.received(self.deadline.now());
        Poll::Ready(Ok(n))
    }

    /// Copies what is left of a read out of the thread's room.
    fn keep_input(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
            self.owns_input = true;
        } else if !self.owns_input {
            self.input = BytesMut::from(&self.input[..]);
            self.owns_input = true;
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            self.deadline.set(self.pace.deadline());
            ready!(self.deadline.poll_expired(cx));
            match self.pace.expired(self.deadline.now()) {
                None => {}
                Some(Expired::Ping) => return Poll::Ready(Step::Ping),
                Some(Expired::TimedOut) => {
                    let ending = Ending::Begin(Reason::TimedOut, None, String::new());
                    return Poll::Ready(Step::Ending(ending));
                }
                Some(Expired::Stalled) => {
                    self.io.abort();
                    return Poll::Ready(Step::Ended(Reason::SlowConsumer));
                }
            }
        }
    }

    fn ping(&mut self) {
        let mut output = Vec::new();
        let answer = self.protocol.ping(&mut output);
        if !output.is_empty() {
            self.outbox.push_urgent(output);
        }
        self.pace.pinged(answer, self.deadline.now());
    }

    fn begin_end(&mut self, ending: Ending) {
        let awaits_answer = match ending {
            Ending::Answered(_) => false,
            Ending::Begin(_, code, text) => {
                let mut output = Vec::new();
                let awaits_answer = self.protocol.close(code, &text, &mut output);
                self.outbox.push(&output);
                awaits_answer
            }
        };
        self.stretch = Stretch::Flushing { awaits_answer };
        self.pace.begin_end(self.deadline.now());
    }

    /// Ends in good order, as far as the other end lets us; an error is a worse reason.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Reason>> {
        loop {
            if self.outbox.poll_aborted(cx).is_ready() {
                self.io.abort();
                return Poll::Ready(Ok(()));
            }
            let moved = match self.stretch {
                Stretch::Flushing { awaits_answer } => self.poll_flushing(awaits_answer, cx),
                Stretch::Awaiting => self.poll_awaiting(cx),
                Stretch::Lingering { n_discarded } => self.poll_lingering(n_discarded, cx),
            };
            match moved {
                Poll::Ready(Ok(Some(next))) => {
                    self.stretch = next;
                    self.pace.begin_end(self.deadline.now());
                }
                Poll::Ready(Ok(None)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(worse)) => return Poll::Ready(Err(worse)),
                Poll::Pending => {
                    let is_flushing = matches!(self.stretch, Stretch::Flushing { .. });
                    self.deadline.set(self.pace.end_deadline(is_flushing));
                    ready!(self.deadline.poll_expired(cx));
                    self.io.abort();
                    return Poll::Ready(if is_flushing {
                        Err(Reason::SlowConsumer)
                    } else {
                        Ok(())
                    });
                }
            }
        }
    }

    fn poll_flushing(
        &mut self,
        awaits_answer: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Stretch>, Reason>> {
        ready!(self.poll_flush(cx))?;
        if awaits_answer && !self.is_eof {
            return Poll::Ready(Ok(Some(Stretch::Awaiting)));
        }
        self.poll_shutdown(cx)
    }

    /// Waits for the protocol's answer to the end; messages that come before it are dropped.
    fn poll_awaiting(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Stretch>, Reason>> {
        loop {
            match self.receive() {
                Some(Event::Message(_)) => {}
                Some(Event::Closed(_)) => break,
                None => match ready!(self.poll_read(cx)) {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                },
            }
        }
        self.poll_shutdown(cx)
    }

    /// Ends this side of the stream, and leaves the other end its time.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Stretch>, Reason>> {
        let ended = ready!(Pin::new(&mut *self.io).poll_shutdown(cx));
        let next = Stretch::Lingering { n_discarded: 0 };
        Poll::Ready(Ok((ended.is_ok() && !self.is_eof).then_some(next)))
    }

    fn poll_lingering(
        &mut self,
        n_discarded: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Stretch>, Reason>> {
        let mut n_discarded = n_discarded;
        loop {
            self.input = BytesMut::new();
            let read = self.poll_read(cx);
            self.stretch = Stretch::Lingering { n_discarded };
            match ready!(read) {
                Ok(0) | Err(_) => return Poll::Ready(Ok(None)),
                Ok(n) => n_discarded += n,
            }
            if n_discarded > MAX_DISCARDED_BYTES {
                return Poll::Ready(Ok(None));
            }
        }
    }
}
