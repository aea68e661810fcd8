//! Timers: when callbacks run, how often, and what takes them back.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use astatine_reactor::timer::{Repetitions, Timer, defer, on_idle, run_after, run_every};
use astatine_reactor::{Config, Phase, Server};
use tokio::sync::mpsc::channel;
use tokio::task::yield_now;
use tokio::time::{Instant, advance, sleep};

use crate::peers::echo;
use crate::running::Running;

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Returns a callback that notes the milliseconds since now, and what it notes.
fn noted() -> (impl Fn() + Clone + Send + 'static, Arc<Mutex<Vec<u128>>>) {
    let times = Arc::new(Mutex::new(Vec::new()));
    let (begun, note) = (Instant::now(), Arc::clone(&times));
    let callback = move || note.lock().unwrap().push(begun.elapsed().as_millis());
    (callback, times)
}

#[tokio::test(start_paused = true)]
async fn a_callback_runs_when_its_time_has_passed_and_at_once_without_one() {
    let (note, times) = noted();
    run_after(millis(50), note.clone());
    run_after(Duration::ZERO, note.clone());
    run_after(Duration::MAX, note);
    assert_eq!(*times.lock().unwrap(), [] as [u128; 0]);
    sleep(millis(1000)).await;
    assert_eq!(*times.lock().unwrap(), [0, 50]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_repetitions_do_not_drift() {
    let (note, times) = noted();
    run_every(millis(7), Repetitions::Times(100), note);
    sleep(millis(10_000)).await;
    let expected: Vec<u128> = (1..=100).map(|n| n * 7).collect();
    assert_eq!(*times.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn times_that_a_busy_thread_has_missed_are_left_out_and_not_counted() {
    let (note, times) = noted();
    run_every(millis(10), Repetitions::Times(4), note);
    sleep(millis(11)).await;
    advance(millis(35)).await;
    sleep(millis(1000)).await;
    assert_eq!(*times.lock().unwrap(), [10, 46, 50, 60]);
}

#[tokio::test(start_paused = true)]
async fn a_period_of_zero_is_a_millisecond_and_no_repetitions_are_none() {
    let (note, times) = noted();
    run_every(Duration::ZERO, Repetitions::Times(3), note.clone());
    run_every(Duration::MAX, Repetitions::Forever, note.clone());
    run_every(millis(1), Repetitions::Times(0), note);
    sleep(millis(100)).await;
    assert_eq!(*times.lock().unwrap(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_is_dropped_cancels_nothing_and_one_that_cancels_drops_the_callback() {
    let (note, times) = noted();
    let held = Arc::new(());
    let callback = || {
        let (held, note) = (Arc::clone(&held), note.clone());
        move || {
            let _held = &held;
            note();
        }
    };
    let cancelled = [
        defer(callback()),
        run_after(millis(10), callback()),
        run_every(millis(10), Repetitions::Forever, callback()),
        on_idle(callback()),
    ];
    for timer in &cancelled {
        timer.cancel();
    }
    drop(run_every(millis(10), Repetitions::Times(2), note));
    sleep(millis(1000)).await;
    assert_eq!(*times.lock().unwrap(), [10, 20]);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_cancelled_by_its_own_callback_is_over() {
    let own = Arc::new(Mutex::new(None::<Timer>));
    let (seen, n_called) = (Arc::clone(&own), Arc::new(Mutex::new(0)));
    let count = Arc::clone(&n_called);
    let timer = run_every(millis(1), Repetitions::Forever, move || {
        *count.lock().unwrap() += 1;
        if *count.lock().unwrap() == 3 {
            seen.lock().unwrap().take().unwrap().cancel();
        }
    });
    *own.lock().unwrap() = Some(timer);
    sleep(millis(100)).await;
    assert_eq!(*n_called.lock().unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_panics_ends_its_own_timer_and_nothing_else() {
    let (note, times) = noted();
    let before = note.clone();
    run_every(millis(10), Repetitions::Forever, move || {
        before();
        panic!("as the test wants it");
    });
    defer(|| panic!("as the test wants it"));
    on_idle(|| panic!("as the test wants it"));
    run_after(millis(100), note);
    sleep(millis(1000)).await;
    assert_eq!(*times.lock().unwrap(), [10, 100]);
}

#[tokio::test]
async fn deferred_callbacks_keep_their_order() {
    let (tell, mut told) = channel(100);
    for n in 0..100 {
        let tell = tell.clone();
        defer(move || tell.try_send(n).unwrap());
    }
    for n in 0..100 {
        assert_eq!(told.recv().await, Some(n));
    }
}

#[tokio::test]
async fn idle_is_when_no_task_is_ready() {
    let n_steps = Arc::new(AtomicU32::new(0));
    let (steps, seen) = (Arc::clone(&n_steps), Arc::clone(&n_steps));
    let (tell, mut told) = channel(2);
    for _ in 0..2 {
        let (tell, seen) = (tell.clone(), Arc::clone(&seen));
        on_idle(move || tell.try_send(seen.load(Ordering::Relaxed)).unwrap());
    }
    drop(tell);
    tokio::spawn(async move {
        for _ in 0..10_000 {
            steps.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
        }
    });
    for expected in [Some(10_000), Some(10_000), None] {
        assert_eq!(told.recv().await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn idleness_can_be_asked_for_again() {
    let (note, times) = noted();
    let again = note.clone();
    on_idle(move || {
        note();
        on_idle(again);
    });
    sleep(millis(1000)).await;
    assert_eq!(times.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_of_several_threads_is_idle_too() {
    let (tell, mut told) = channel(1);
    on_idle(move || tell.try_send(()).unwrap());
    assert_eq!(told.recv().await, Some(()));
}

#[test]
#[should_panic(expected = "no reactor running")]
fn there_are_no_timers_outside_a_runtime() {
    defer(|| {});
}

/// Starts timers on each thread of a server, and waits for what they tell.
#[test]
fn timers_that_are_started_with_the_service_run_on_each_thread() {
    let (tell, told) = sync_channel(100);
    let server = Server::new(Config::default())
        .threads(NonZeroUsize::new(2).unwrap())
        .listen("127.0.0.1:0".parse().unwrap(), move || {
            let thread = std::thread::current().id();
            let note = |what: &'static str| {
                let tell = tell.clone();
                move || {
                    assert_eq!(std::thread::current().id(), thread);
                    tell.try_send(what).unwrap();
                }
            };
            defer(note("deferred"));
            run_after(millis(1), note("after"));
            run_every(millis(1), Repetitions::Times(2), note("every"));
            on_idle(note("idle"));
            tower::service_fn(echo)
        });
    let running = Running::start(server);
    let mut all: Vec<&str> = (0..10).map(|_| told.recv().unwrap()).collect();
    all.sort_unstable();
    let expected = ["after", "deferred", "every", "every", "idle"];
    let twice: Vec<&str> = expected.iter().flat_map(|what| [*what; 2]).collect();
    assert_eq!(all, twice);
    drop(running);
}

#[test]
fn what_is_left_at_a_server_s_end_is_dropped_uncalled() {
    let (tell, told) = sync_channel::<()>(1);
    let server = Server::new(Config::default()).threads(NonZeroUsize::MIN);
    let server = server.listen("127.0.0.1:0".parse().unwrap(), move || {
        let tell = tell.clone();
        run_after(millis(1 << 30), move || tell.try_send(()).unwrap());
        tower::service_fn(echo)
    });
    let running = Running::start(server);
    running.shutdown.advance(Phase::Draining);
    running.join().unwrap();
    assert!(told.recv().is_err(), "its sender is dropped");
}
