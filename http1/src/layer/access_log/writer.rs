//! The buffers of the serving threads, and the thread that writes them out.
//!
//! The writer sleeps until a lane gets its first line, then lets lines gather for a moment, then
//! writes all lanes out: at most one wake-up for each batch, none while nobody asks.

use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use super::Format;
use super::output::Output;
use super::refused::Refused;
use super::service::remote_of;
use super::stamp::Stamp;
use crate::lock::lock;
use crate::refusal::{Reason, Refusal};

/// The running log; clones share it. [`AccessLog::close`] writes the rest out.
#[derive(Clone, Debug)]
pub struct AccessLog {
    shared: Arc<Shared>,
    format: Format,
}

/// One thread's buffer of lines; clones share it.
#[derive(Clone, Debug)]
pub struct Lane(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    buffer: Mutex<Buffer>,
    format: Format,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Buffer {
    lines: Vec<u8>,
    stamp: Stamp,
}

#[derive(Debug, Default)]
struct Shared {
    lanes: Mutex<Vec<Lane>>,
    signal: Mutex<Signal>,
    signalled: Condvar,
    n_dropped: AtomicU64,
}

/// How far the log has come; later states are greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Signal {
    /// All lanes are empty.
    #[default]
    Empty,
    /// Some lane has a line.
    Lines,
    /// Some lane is half full.
    HalfFull,
    /// The writer shall write what is left and end.
    Closing,
    /// The writer has ended.
    Closed,
}

impl AccessLog {
    /// Starts the writer thread, which writes to `out`, and counts what that does not take.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn start(format: Format, out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        thread::Builder::new()
            .name("access-log".into())
            .spawn(move || write_until_closed(&for_thread, out))?;
        Ok(Self { shared, format })
    }

    /// Makes the buffer of one serving thread.
    pub fn lane(&self) -> Lane {
        let lane = Lane(Arc::new(Queue {
            buffer: Mutex::default(),
            format: self.format,
            shared: Arc::clone(&self.shared),
        }));
        lock(&self.shared.lanes).push(lane.clone());
        lane
    }

    /// Writes what the lanes hold and ends the thread; gives up when the reader takes nothing for
    /// two seconds.
    pub fn close(&self) {
        self.shared.raise(Signal::Closing);
        let (signal, _) = self
            .shared
            .signalled
            .wait_timeout_while(lock(&self.shared.signal), CLOSE_PATIENCE, |signal| {
                *signal != Signal::Closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        if *signal != Signal::Closed {
            tracing::warn!("access log: the last lines are lost, nobody reads them");
        }
    }
}

impl Lane {
    /// Logs what the server refused by itself. The failure of a service is left out: its request
    /// has a line already, from [`AccessLogLayer`](super::AccessLogLayer).
    pub fn log_refusal(&self, refusal: &Refusal<'_>) {
        if refusal.reason != Reason::ServiceFailed {
            let line = Refused {
                remote: &remote_of(refusal.peer),
                reason: refusal.reason,
            };
            self.push(|format, time, out| line.write(format, time, out));
        }
    }

    /// Appends a line, with the current time in it; drops it when the buffer is full.
    pub(super) fn push(&self, write: impl FnOnce(Format, &[u8], &mut Vec<u8>)) {
        let queue = &*self.0;
        let mut buffer = lock(&queue.buffer);
        let before = buffer.lines.len();
        if before >= LANE_BYTES {
            queue.shared.n_dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let Buffer { lines, stamp } = &mut *buffer;
        write(queue.format, stamp.at(unix_time(), queue.format), lines);
        let after = lines.len();
        drop(buffer);
        if before < LANE_BYTES / 2 && after >= LANE_BYTES / 2 {
            queue.shared.raise(Signal::HalfFull);
        } else if before == 0 {
            queue.shared.raise(Signal::Lines);
        }
    }
}

impl Shared {
    fn raise(&self, signal: Signal) {
        let mut current = lock(&self.signal);
        if *current < signal {
            *current = signal;
            self.signalled.notify_all();
        }
    }

    /// Waits until there is something to write and lines had a moment to gather; tells whether
    /// this is the last round.
    fn wait(&self) -> bool {
        let signal = lock(&self.signal);
        let signal = self
            .signalled
            .wait_while(signal, |signal| *signal == Signal::Empty)
            .unwrap_or_else(PoisonError::into_inner);
        let (mut signal, _) = self
            .signalled
            .wait_timeout_while(signal, GATHER, |signal| *signal < Signal::HalfFull)
            .unwrap_or_else(PoisonError::into_inner);
        let is_last = *signal == Signal::Closing;
        if !is_last {
            *signal = Signal::Empty;
        }
        is_last
    }
}

fn write_until_closed(shared: &Shared, out: impl Write) {
    let mut batch = Vec::new();
    let mut output = Output::new(out);
    loop {
        let is_last = shared.wait();
        let lanes = lock(&shared.lanes).clone();
        for lane in lanes {
            batch.clear();
            mem::swap(&mut batch, &mut lock(&lane.0.buffer).lines);
            if !batch.is_empty() {
                output.write(&batch);
            }
        }
        let n_dropped = shared.n_dropped.swap(0, Ordering::Relaxed);
        if n_dropped > 0 {
            tracing::warn!("access log: {n_dropped} lines dropped, its output is too slow");
        }
        if is_last {
            output.tell_lost();
            shared.raise(Signal::Closed);
            return;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a log line carries the time of day"
)]
fn unix_time() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A thread may hold this much, and the rest of one line, until lines are dropped.
const LANE_BYTES: usize = 1 << 20;
/// How long lines gather before they are written.
const GATHER: Duration = Duration::from_millis(200);
/// How long the end waits for the reader of the log.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    /// Sends each write to the test, which decides by receiving when it goes on.
    struct Out(SyncSender<Vec<u8>>);

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .send(bytes.to_vec())
                .map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn push(lane: &Lane, line: &str) {
        lane.push(|_, _, out| {
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        });
    }

    fn count_lines(writes: &Receiver<Vec<u8>>) -> usize {
        // It ends when the writer thread drops its sender.
        let bytes: Vec<u8> = writes.iter().flatten().collect();
        bytes.iter().filter(|byte| **byte == b'\n').count()
    }

    #[test]
    fn lines_are_written_while_the_log_runs() {
        let (sender, writes) = sync_channel(16);
        let log = AccessLog::start(Format::Common, Out(sender)).unwrap();
        let lane = log.lane();
        for path in ["/first", "/second"] {
            push(&lane, path);
            let written = String::from_utf8(writes.recv().unwrap()).unwrap();
            assert!(
                written.contains(path) && written.ends_with('\n'),
                "{written}"
            );
        }
        log.close();
    }

    #[test]
    fn close_writes_the_lines_of_every_lane() {
        let (sender, writes) = sync_channel(16);
        let log = AccessLog::start(Format::Json, Out(sender)).unwrap();
        for _ in 0..3 {
            push(&log.lane(), "/");
        }
        log.close();
        assert_eq!(count_lines(&writes), 3);
    }

    #[test]
    fn a_reader_that_stalls_costs_lines_and_not_memory() {
        let (sender, writes) = sync_channel(0);
        let log = AccessLog::start(Format::Common, Out(sender)).unwrap();
        let lane = log.lane();
        let target = "x".repeat(8000);
        let n_pushed = 2 * LANE_BYTES / 8000;
        // The writer may hold one buffer; it cannot give it away, so the lane fills up.
        push(&lane, &target);
        while lock(&lane.0.shared.signal).eq(&Signal::Lines) {
            thread::yield_now();
        }
        for _ in 0..n_pushed {
            push(&lane, &target);
        }
        assert!(lock(&lane.0.buffer).lines.len() < LANE_BYTES + 9000);
        let n_dropped = lane.0.shared.n_dropped.load(Ordering::Relaxed);
        assert!(n_dropped > 0);
        let reader = thread::spawn(move || count_lines(&writes));
        log.close();
        let n_read = reader.join().unwrap();
        assert_eq!(n_read as u64 + n_dropped, n_pushed as u64 + 1);
    }

    #[test]
    fn a_reader_that_is_gone_ends_nothing() {
        let (sender, writes) = sync_channel(0);
        drop(writes);
        let log = AccessLog::start(Format::Common, Out(sender)).unwrap();
        push(&log.lane(), "/");
        log.close();
    }
}
