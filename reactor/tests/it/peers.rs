//! Services and streams that several modules talk to.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use astatine_reactor::{Connection, Refused};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Sends back what comes, until the other end closes; a shutdown does not hurry it. Who is
/// refused gets one byte instead: `F`ull or `A`ddress.
pub(crate) async fn echo(mut connection: Connection) -> Result<(), Infallible> {
    let refusal: &[u8] = match connection.peer.refused {
        Some(Refused::Full) => b"F",
        Some(Refused::PerAddress) => b"A",
        _ => b"",
    };
    let mut buf = [0; 1024];
    if connection.io.write_all(refusal).await.is_err() || !refusal.is_empty() {
        return Ok(());
    }
    while let Ok(n @ 1..) = connection.io.read(&mut buf).await {
        if connection.io.write_all(&buf[..n]).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Sends a byte to an echo and expects it back.
pub(crate) fn ping(stream: &mut (impl Read + Write)) {
    stream.write_all(b"p").expect("the echo reads");
    let mut answer = [0];
    stream.read_exact(&mut answer).expect("the echo answers");
    assert_eq!(&answer, b"p");
}

/// As [`ping`], on a runtime.
pub(crate) async fn ping_async(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) -> u8 {
    stream.write_all(b"p").await.expect("the echo reads");
    stream.read_u8().await.expect("the echo answers")
}

/// A folder of one test, removed with everything in it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("astatine-reactor-{}-{n}", std::process::id()));
        std::fs::create_dir(&path).expect("the folder is new");
        Self(path)
    }

    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays behind: {error}", self.0.display());
        }
    }
}
