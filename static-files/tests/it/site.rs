//! A folder in the temporary directory, served.

use std::fs;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use astatine_reactor::test_util::{Faults, faulty_io};
use astatine_reactor::{FileRegion, Socket};
use astatine_static_files::{Config, FileBody, StaticFiles};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tower::ServiceExt;

/// A folder that is removed with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("astatine-static-files-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file that was last modified two hours ago.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        age(&path, Duration::from_secs(7_200));
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Sets the time of a file's last modification to `age` before now, in whole seconds.
#[expect(clippy::disallowed_methods, reason = "files carry wall-clock times")]
pub(crate) fn age(path: &Path, age: Duration) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = Duration::from_secs((now.unwrap() - age).as_secs());
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + seconds).unwrap();
}

/// A folder, served with a clock that stands still until it is set.
pub(crate) struct Site {
    pub(crate) folder: Folder,
    pub(crate) service: StaticFiles,
    clock: Arc<AtomicU64>,
}

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Site {
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        Self::with(files, |_| {})
    }

    pub(crate) fn with(files: &[(&str, &[u8])], configure: impl FnOnce(&mut Config)) -> Self {
        let folder = Folder::new();
        for (name, content) in files {
            folder.write(name, content);
        }
        let mut config = Config::default();
        configure(&mut config);
        let clock = Arc::new(AtomicU64::new(0));
        let hand = Arc::clone(&clock);
        let now = move || Duration::from_millis(hand.load(Ordering::Relaxed));
        let service = StaticFiles::with_clock(folder.path(), config, now).unwrap();
        Self {
            folder,
            service,
            clock,
        }
    }

    pub(crate) fn advance(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.clock.fetch_add(millis, Ordering::Relaxed);
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let response = self.respond(request(method, path, headers)).await;
        let region = response.extensions().get::<FileRegion>().cloned();
        Answer::read_beside(region, response).await
    }

    pub(crate) async fn respond(&self, request: Request<()>) -> Response<FileBody> {
        self.service.clone().oneshot(request).await.unwrap()
    }
}

impl Answer {
    pub(crate) async fn read<B>(response: Response<B>) -> Self
    where
        B: http_body::Body,
        B::Error: std::fmt::Debug,
    {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// Reads a response whose body gives the bytes of a region, if there is one.
    pub(crate) async fn read_beside(
        region: Option<FileRegion>,
        response: Response<FileBody>,
    ) -> Self {
        let answer = Self::read(response).await;
        if let Some(region) = region {
            let sent = badly_sent(&region).await;
            assert!(sent == answer.body, "the region differs from the body");
        }
        answer
    }

    /// Returns a header's value, empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Sends a region over a socket that takes pieces, and now and then nothing; returns what arrives.
async fn badly_sent(region: &FileRegion) -> Vec<u8> {
    let (near, mut far) = UnixStream::pair().unwrap();
    let socket = Socket::try_from(near).unwrap();
    let io = faulty_io(Box::new(socket), &Faults::random(region.len()));
    let direct = io.direct().expect("a socket is below");
    let send = async move {
        let mut offset = 0;
        while offset < region.len() {
            let stretch = FileRegion::STRETCH.min(region.len() - offset);
            if let Some(reading) = region.read_ahead(offset, stretch).unwrap() {
                reading.await.unwrap();
            }
            let end = offset + stretch;
            while offset < end {
                let max = usize::try_from(end - offset).unwrap();
                match direct.try_send_file(region, offset, max) {
                    Ok(n) => offset += n as u64,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        poll_fn(|cx| direct.poll_write_ready(cx)).await.unwrap();
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
        // The other end reads until the last handle is gone.
        drop((direct, io));
    };
    let mut got = Vec::new();
    let (read, ()) = tokio::join!(far.read_to_end(&mut got), send);
    read.unwrap();
    got
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

/// Makes bytes of which no two stretches are alike.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..len).map(|_| next()).collect()
}
