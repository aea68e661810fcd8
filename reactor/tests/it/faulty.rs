//! A socket with faults: whatever way bytes take, they arrive whole and in order.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use astatine_reactor::test_util::{Cut, Faults, faulty_io};
use astatine_reactor::{Direct, FileRegion, Io, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const LEN: usize = 100_000;

fn pair(faults: &Faults) -> (Box<dyn Io>, UnixStream) {
    let (near, far) = UnixStream::pair().expect("a pair");
    let socket = Socket::try_from(near).expect("a runtime is around");
    (faulty_io(Box::new(socket), faults), far)
}

/// The beginning of this program, and the file.
fn content() -> (Vec<u8>, Arc<File>) {
    let file = File::open("/proc/self/exe").expect("this program");
    let mut bytes = vec![0; LEN];
    file.read_exact_at(&mut bytes, 0).expect("it is long");
    (bytes, Arc::new(file))
}

/// Sends until all is taken.
async fn send_all(
    direct: &Direct,
    mut send: impl FnMut(usize) -> io::Result<usize>,
) -> io::Result<()> {
    let mut n_sent = 0;
    while n_sent < LEN {
        match send(n_sent) {
            Ok(n) => n_sent += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll_fn(|cx| direct.poll_write_ready(cx)).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sends the bytes each way: through the stream, past it in two parts, and from the file.
async fn send_each_way(mut io: Box<dyn Io>) -> io::Result<()> {
    let (bytes, file) = content();
    let direct = io.direct().expect("a socket is below");
    let region = FileRegion::new(file, 0, LEN as u64);
    io.write_all(&bytes).await?;
    send_all(&direct, |at| {
        let (front, back) = bytes[at..].split_at((LEN - at) / 2);
        direct.try_writev(&[IoSlice::new(front), IoSlice::new(back)])
    })
    .await?;
    send_all(&direct, |at| {
        direct.try_send_file(&region, at as u64, LEN - at)
    })
    .await
}

#[tokio::test]
async fn each_way_of_writing_arrives_whole() {
    let expected = content().0.repeat(3);
    let seeds = (0..10).map(Faults::random);
    for faults in seeds.chain([Faults::none(), Faults::one_byte()]) {
        let (io, mut far) = pair(&faults);
        let mut got = Vec::new();
        let (sent, read) = tokio::join!(send_each_way(io), far.read_to_end(&mut got));
        sent.expect("all is taken");
        read.expect("all arrives");
        assert!(got == expected, "{faults:?}");
    }
}

#[tokio::test]
async fn a_reset_counts_what_was_written_past_the_stream() {
    for at in [0, 1, LEN, LEN + 1, 2 * LEN + 7, 3 * LEN - 1] {
        let faults = Faults::random(1).cut(Cut::ResetBehindWritten(at as u64));
        let (io, mut far) = pair(&faults);
        let mut got = Vec::new();
        let (sent, read) = tokio::join!(send_each_way(io), far.read_to_end(&mut got));
        let error = sent.expect_err("the stream is cut");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        read.expect("what is written arrives");
        assert_eq!(got.len(), at);
    }
}

#[tokio::test]
async fn a_wait_for_input_ends_with_the_input_and_with_a_reset() {
    for cut in [Cut::InputEnds(0), Cut::ResetBehindRead(0)] {
        // Nothing has come, so only the cut can end the wait.
        let (mut io, _far) = pair(&Faults::none().cut(cut));
        poll_fn(|cx| io.poll_read_ready(cx))
            .await
            .expect("a runtime is around");
        let read = io.read(&mut [0]).await;
        assert_eq!(read.is_ok(), cut == Cut::InputEnds(0));
    }
}
