//! Triggers: who is called, when, and what becomes of payloads that nobody takes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use astatine_reactor::handler::{
    Handler, HandlerConfig, Message, Peer, RawProtocol, Reason, Trigger, TriggerError, Turn, drive,
};
use astatine_reactor::test_util::{Faults, Flood, faulty_io};
use astatine_reactor::{Connection, Foreign, PeerInfo, Phase, Shutdown};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

use crate::handler::served;

type Told = Arc<Mutex<Vec<String>>>;

/// Notes what it is told, and gives out its trigger.
struct Listener {
    told: Told,
    trigger: Option<oneshot::Sender<Trigger<String>>>,
    permits: Arc<Semaphore>,
}

impl Listener {
    fn hear(&mut self, peer: &Peer, text: String) {
        peer.write(text.clone()).unwrap_or_default();
        self.told.lock().unwrap().push(text);
    }
}

impl Handler for Listener {
    fn open(&mut self, peer: &Peer) {
        let trigger = peer.trigger(Self::hear);
        trigger.fire("from open".into()).unwrap();
        self.told.lock().unwrap().push("opened".into());
        if let Some(tell) = self.trigger.take() {
            tell.send(trigger).unwrap();
        }
    }

    fn message(&mut self, _peer: &Peer, message: Message) -> Turn<'_> {
        let text = message.as_text().unwrap().to_owned();
        self.told.lock().unwrap().push(text);
        Turn::Wait(Box::pin(async {
            self.permits.acquire().await.unwrap().forget();
            self.told.lock().unwrap().push("waited".into());
        }))
    }

    fn shutdown(&mut self, _peer: &Peer) {
        self.told.lock().unwrap().push("shutdown".into());
    }

    fn close(&mut self, _peer: &Peer, reason: Reason) {
        self.told.lock().unwrap().push(format!("{reason:?}"));
    }
}

/// A connection whose handler can be triggered.
struct Triggered {
    far: DuplexStream,
    told: Told,
    trigger: Trigger<String>,
    permits: Arc<Semaphore>,
    shutdown: Shutdown,
    server: JoinHandle<Reason>,
}

impl Triggered {
    async fn new(config: HandlerConfig, faults: &Faults) -> Self {
        let (far, near) = duplex(64);
        let (tell, trigger) = oneshot::channel();
        let (told, permits) = (Told::default(), Arc::new(Semaphore::new(0)));
        let listener = Box::new(Listener {
            told: Arc::clone(&told),
            trigger: Some(tell),
            permits: Arc::clone(&permits),
        });
        let shutdown = Shutdown::new();
        let mut connection = Connection::new(Foreign(near), PeerInfo::default(), shutdown.clone());
        connection.io = faulty_io(connection.io, faults);
        let server = drive(connection, Bytes::new(), RawProtocol, listener, config);
        let server = tokio::spawn(server);
        Self {
            far,
            told,
            trigger: trigger.await.unwrap(),
            permits,
            shutdown,
            server,
        }
    }

    async fn plain() -> Self {
        Self::new(HandlerConfig::default(), &Faults::none()).await
    }

    async fn expect(&mut self, text: &str) {
        let mut buf = vec![0; text.len()];
        self.far.read_exact(&mut buf).await.unwrap();
        assert_eq!(String::from_utf8(buf).unwrap(), text);
    }

    /// Waits for the connection's end, and returns what the handler was told.
    async fn end(self) -> Vec<String> {
        drop(self.far);
        self.server.await.unwrap();
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

#[tokio::test]
async fn payloads_from_another_thread_arrive_in_order_and_behind_open() {
    for faults in [Faults::none(), Faults::one_byte(), Faults::random(7)] {
        let mut triggered = Triggered::new(HandlerConfig::default(), &faults).await;
        let trigger = triggered.trigger.clone();
        std::thread::spawn(move || {
            for n in 0..20 {
                trigger.fire(format!(" {n}")).unwrap();
            }
        });
        let all: String = (0..20).map(|n| format!(" {n}")).collect();
        triggered.expect(&format!("from open{all}")).await;
        assert_eq!(triggered.trigger.n_lost(), 0);
        let told = triggered.end().await;
        assert_eq!(told[..3], ["opened", "from open", " 0"]);
    }
}

#[tokio::test]
async fn a_payload_waits_while_the_handler_does() {
    let mut triggered = Triggered::plain().await;
    triggered.expect("from open").await;
    triggered.far.write_all(b"message").await.unwrap();
    while triggered.told.lock().unwrap().len() < 3 {
        tokio::task::yield_now().await;
    }
    triggered.trigger.fire("triggered".into()).unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(triggered.told.lock().unwrap().last().unwrap(), "message");
    triggered.permits.add_permits(1);
    triggered.expect("triggered").await;
    assert_eq!(
        triggered.end().await[2..5],
        ["message", "waited", "triggered"]
    );
}

#[tokio::test]
async fn payloads_beyond_the_limit_are_refused_and_counted() {
    let mut config = HandlerConfig::default();
    config.max_triggered = 2;
    let mut triggered = Triggered::new(config, &Faults::none()).await;
    triggered.expect("from open").await;
    let fire = |n: u32| triggered.trigger.fire(n.to_string());
    // The handler's task has no turn meanwhile.
    assert_eq!((fire(1), fire(2)), (Ok(()), Ok(())));
    assert_eq!(fire(3), Err(TriggerError::Full));
    assert_eq!(triggered.trigger.n_lost(), 1);
    triggered.expect("12").await;
    triggered.trigger.fire("4".into()).unwrap();
    triggered.expect("4").await;
}

#[tokio::test]
async fn what_was_taken_before_a_close_arrives_before_it() {
    let mut triggered = Triggered::plain().await;
    triggered.expect("from open").await;
    triggered.trigger.fire("last".into()).unwrap();
    triggered.trigger.peer().close();
    assert_eq!(
        triggered.trigger.fire("late".into()),
        Err(TriggerError::Closed)
    );
    let trigger = triggered.trigger.clone();
    assert_eq!(triggered.end().await[2..], ["last", "Local"]);
    assert_eq!(trigger.n_lost(), 1);
    // Long after the connection.
    assert_eq!(trigger.fire("stale".into()), Err(TriggerError::Closed));
    assert_eq!(trigger.n_lost(), 2);
}

#[tokio::test]
async fn what_was_taken_before_a_shutdown_arrives_behind_its_callback() {
    let mut triggered = Triggered::plain().await;
    triggered.expect("from open").await;
    triggered.shutdown.advance(Phase::Draining);
    triggered.trigger.fire("last".into()).unwrap();
    assert_eq!(triggered.end().await[2..], ["shutdown", "last", "Shutdown"]);
}

#[tokio::test]
async fn what_waits_at_an_abort_is_dropped_and_counted() {
    let mut triggered = Triggered::plain().await;
    triggered.expect("from open").await;
    triggered.trigger.fire("lost".into()).unwrap();
    triggered.trigger.peer().abort();
    let trigger = triggered.trigger.clone();
    assert_eq!(triggered.end().await[2..], ["Aborted"]);
    assert_eq!(trigger.n_lost(), 1);
}

/// Knows no trigger.
struct Deaf;

impl Handler for Deaf {}

#[tokio::test]
async fn payloads_are_for_the_handler_that_was_there_and_for_its_kind() {
    let mut triggered = Triggered::plain().await;
    triggered.expect("from open").await;
    triggered.trigger.fire("mine".into()).unwrap();
    triggered.trigger.peer().set_handler(Deaf);
    triggered.expect("mine").await;
    triggered.trigger.fire("nobody's".into()).unwrap();
    while triggered.trigger.n_lost() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(triggered.end().await[2..], ["mine", "Replaced"]);
}

/// Fires its own trigger at each call, for ever, and answers what comes in.
struct Restless;

impl Restless {
    fn again(&mut self, peer: &Peer, (): ()) {
        peer.trigger(Self::again).fire(()).unwrap_or_default();
    }
}

impl Handler for Restless {
    fn open(&mut self, peer: &Peer) {
        self.again(peer, ());
    }

    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        peer.write(message).unwrap();
        Turn::Next
    }
}

#[tokio::test]
async fn triggers_without_end_keep_neither_the_input_nor_others_waiting() {
    let (mut far, near) = duplex(64);
    let server = served(Foreign(near), Restless);
    far.write_all(b"a").await.unwrap();
    assert_eq!(far.read_u8().await.unwrap(), b'a');
    drop(far);
    server.await.unwrap();
}

/// Counts messages until it is told to stop.
struct Busy(Arc<AtomicBool>);

impl Handler for Busy {
    fn open(&mut self, peer: &Peer) {
        let trigger = peer.trigger(|busy: &mut Self, peer: &Peer, (): ()| {
            busy.0.store(true, Ordering::SeqCst);
            peer.close();
        });
        trigger.fire(()).unwrap();
    }
}

#[tokio::test]
async fn input_without_end_does_not_keep_a_trigger_waiting() {
    let is_told = Arc::new(AtomicBool::new(false));
    let busy = Busy(Arc::clone(&is_told));
    served(Foreign(Flood::of("x")), busy).await.unwrap();
    assert!(is_told.load(Ordering::SeqCst));
}

/// Checks that it is never called twice at once.
struct Alone {
    is_inside: Arc<AtomicBool>,
    n_told: Arc<AtomicU64>,
    trigger: Option<oneshot::Sender<Trigger<u64>>>,
}

impl Alone {
    fn told(&mut self, _peer: &Peer, n: u64) {
        assert!(!self.is_inside.swap(true, Ordering::SeqCst), "two at once");
        self.n_told.fetch_add(n, Ordering::SeqCst);
        std::thread::yield_now();
        self.is_inside.store(false, Ordering::SeqCst);
    }
}

impl Handler for Alone {
    fn open(&mut self, peer: &Peer) {
        if let Some(tell) = self.trigger.take() {
            tell.send(peer.trigger(Self::told)).unwrap();
        }
    }

    fn message(&mut self, peer: &Peer, _message: Message) -> Turn<'_> {
        self.told(peer, 0);
        Turn::Next
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_payload_of_every_thread_is_told_or_counted_as_lost() {
    const N_PAYLOADS: u64 = 4 * 1000;
    let (n_told, is_inside) = (Arc::new(AtomicU64::new(0)), Arc::default());
    let (tell, trigger) = oneshot::channel();
    let alone = Alone {
        is_inside,
        n_told: Arc::clone(&n_told),
        trigger: Some(tell),
    };
    let (mut far, near) = duplex(64);
    let server = served(Foreign(near), alone);
    let trigger = trigger.await.unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let trigger = trigger.clone();
            std::thread::spawn(move || {
                for _ in 0..N_PAYLOADS / 4 {
                    // It may be full; then it is counted.
                    trigger.fire(1).unwrap_or_default();
                }
            })
        })
        .collect();
    far.write_all(&[0; 1000]).await.unwrap();
    for thread in threads {
        thread.join().unwrap();
    }
    trigger.peer().close();
    drop(far);
    server.await.unwrap();
    let n_told = n_told.load(Ordering::SeqCst);
    assert_eq!(n_told + trigger.n_lost(), N_PAYLOADS);
}
