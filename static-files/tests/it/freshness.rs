//! What is cached is looked at again after a second.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::site::{Site, age};

const SECOND: Duration = Duration::from_secs(1);
/// The least by which the clock of a site moves.
const STEP: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_change_is_seen_after_a_second_and_not_before() {
    let site = Site::new(&[("a.txt", b"one")]);
    let first = site.get("/a.txt").await;
    fs::remove_file(site.folder.path().join("a.txt")).unwrap();
    site.folder.write("a.txt", "second");
    site.advance(SECOND / 2);
    let stale = site.get("/a.txt").await;
    assert_eq!(stale.header("etag"), first.header("etag"));
    assert_eq!(stale.body, first.body);
    site.advance(SECOND / 2);
    let fresh = site.get("/a.txt").await;
    assert_eq!(fresh.body, b"second");
    assert_ne!(fresh.header("etag"), first.header("etag"));
}

#[tokio::test]
async fn an_entity_tag_is_that_of_the_bytes() {
    let site = Site::new(&[("a.txt", b"one"), ("b.txt", b"one"), ("c.txt", b"two")]);
    age(&site.folder.path().join("b.txt"), Duration::from_secs(100));
    let tag = |path: &'static str| async { site.get(path).await.header("etag").to_owned() };
    let first = tag("/a.txt").await;
    assert_eq!(tag("/b.txt").await, first);
    // Unpacked from an archive in which every file has the same time.
    assert_ne!(tag("/c.txt").await, first);
}

#[tokio::test]
async fn a_large_file_that_is_written_to_goes_out_as_it_is_now() {
    let old = crate::site::noise(100_000);
    let site = Site::new(&[("a.txt", &old), ("b.txt", &old), ("c.txt", &old)]);
    let longer = b"longer than before ".repeat(10_000);
    let gzip = [("accept-encoding", "gzip")];
    for (name, new) in [
        ("a.txt", &old[..70_000]),
        ("b.txt", &longer),
        ("c.txt", b"little"),
    ] {
        let path = format!("/{name}");
        let first = site.get(&path).await;
        assert!(site.get(&path).await.body == old, "{name}");
        fs::write(site.folder.path().join(name), new).unwrap();
        site.advance(STEP);
        let second = site.get(&path).await;
        assert!(second.body == new, "{name}");
        assert_ne!(second.header("etag"), first.header("etag"), "{name}");
        let packed = site.get_with(&path, &gzip).await;
        assert_eq!(packed.status, 200, "{name}");
    }
}

#[tokio::test]
async fn the_spellings_of_a_path_share_what_is_cached() {
    let site = Site::new(&[("a b/(c).txt", b"one"), ("a b/index.html", b"one")]);
    let spellings = [
        [
            "/a%20b/(c).txt",
            "/%61%20b/%28c%29%2etxt",
            "/a%20b/(c%29.txt",
        ],
        ["/a%20b/", "/%61%20b/", "/a%20%62/"],
    ];
    for paths in &spellings {
        assert_eq!(site.get(paths[0]).await.text(), "one");
    }
    site.folder.write("a b/(c).txt", "second");
    site.folder.write("a b/index.html", "second");
    for path in spellings.iter().flatten() {
        assert_eq!(site.get(path).await.text(), "one", "{path}");
    }
    site.advance(SECOND);
    for path in spellings.iter().flatten().rev() {
        assert_eq!(site.get(path).await.text(), "second", "{path}");
    }
}

#[tokio::test]
async fn a_change_of_the_same_length_and_time_is_seen() {
    let site = Site::new(&[("a.txt", b"one")]);
    assert_eq!(site.get("/a.txt").await.text(), "one");
    let path = site.folder.path().join("a.txt");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "two").unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    site.advance(SECOND);
    assert_eq!(site.get("/a.txt").await.text(), "two");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_large_file_is_not_marked_as_read() {
    let site = Site::new(&[("a.bin", &crate::site::noise(100_000))]);
    let path = site.folder.path().join("a.bin");
    let long_ago = std::time::SystemTime::UNIX_EPOCH + SECOND;
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_times(fs::FileTimes::new().set_accessed(long_ago))
        .unwrap();
    assert_eq!(site.get("/a.bin").await.body.len(), 100_000);
    let accessed = fs::metadata(&path).unwrap().accessed().unwrap();
    assert_eq!(accessed, long_ago);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_removed_file_is_not_held_open_for_long() {
    let large = crate::site::noise(100_000);
    let site = Site::new(&[
        ("large.bin", &large),
        ("other.bin", &large),
        ("a.txt", b"a"),
    ]);
    let is_open = |name: &str| {
        let path = site.folder.path().join(name);
        let descriptors = fs::read_dir("/proc/self/fd").unwrap();
        let mut files = descriptors.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
        // The name of a removed file has a remark behind it.
        files.any(|file| {
            file.to_str()
                .is_some_and(|file| file.starts_with(path.to_str().unwrap()))
        })
    };
    site.get("/large.bin").await;
    site.get("/other.bin").await;
    fs::remove_file(site.folder.path().join("large.bin")).unwrap();
    site.advance(SECOND * 30);
    site.get("/other.bin").await;
    assert!(is_open("large.bin") && is_open("other.bin"));
    site.advance(SECOND * 31);
    site.get("/a.txt").await;
    assert!(!is_open("large.bin") && is_open("other.bin"));
}

#[tokio::test]
async fn a_removed_file_is_gone_and_a_new_one_is_there() {
    let site = Site::new(&[("page.html", b"page"), ("gone.txt", b"gone")]);
    assert_eq!(site.get("/page").await.text(), "page");
    assert_eq!(site.get("/gone.txt").await.text(), "gone");
    assert_eq!(site.get("/new.txt").await.status, 404);
    fs::remove_file(site.folder.path().join("gone.txt")).unwrap();
    site.folder.write("new.txt", "new");
    site.folder
        .write("page", "a file that goes before page.html");
    site.advance(SECOND);
    assert_eq!(site.get("/gone.txt").await.status, 404);
    assert_eq!(site.get("/new.txt").await.text(), "new");
    assert_eq!(
        site.get("/page").await.text(),
        "a file that goes before page.html"
    );
}

#[tokio::test]
async fn that_there_is_nothing_is_remembered_for_a_second() {
    let site = Site::new(&[]);
    assert_eq!(site.get("/a").await.text(), "404 Not Found\n");
    site.folder.write("a.html", "page");
    site.folder.write("404.html", "not here");
    site.advance(SECOND / 2);
    assert_eq!(site.get("/a").await.text(), "404 Not Found\n");
    assert_eq!(site.get("/b").await.text(), "404 Not Found\n");
    site.advance(SECOND / 2);
    assert_eq!(site.get("/a").await.text(), "page");
    assert_eq!(site.get("/b").await.text(), "not here");
}

#[tokio::test]
async fn siblings_that_come_go_or_grow_stale_are_noticed() {
    let site = Site::with(&[("a.css", b"plain")], |config| {
        config.is_gzip_on_demand = false
    });
    let br = [("accept-encoding", "br")];
    assert_eq!(site.get_with("/a.css", &br).await.text(), "plain");
    let sibling = site.folder.write("a.css.br", "brotli");
    site.advance(SECOND);
    assert_eq!(site.get_with("/a.css", &br).await.text(), "brotli");
    age(&sibling, Duration::from_secs(10_000));
    site.advance(SECOND);
    assert_eq!(site.get_with("/a.css", &br).await.text(), "plain");
    age(&sibling, Duration::from_secs(100));
    site.advance(SECOND);
    assert_eq!(site.get_with("/a.css", &br).await.text(), "brotli");
    fs::remove_file(sibling).unwrap();
    site.advance(SECOND);
    assert_eq!(site.get_with("/a.css", &br).await.text(), "plain");
}

#[tokio::test]
async fn what_was_compressed_is_compressed_anew_after_a_change() {
    let site = Site::new(&[("a.txt", &b"first ".repeat(1_000))]);
    let gzip = [("accept-encoding", "gzip")];
    let first = site.get_with("/a.txt", &gzip).await;
    site.folder.write("a.txt", b"other ".repeat(2_000));
    site.advance(SECOND);
    let second = site.get_with("/a.txt", &gzip).await;
    assert_eq!(second.header("content-encoding"), "gzip");
    assert_ne!(first.header("etag"), second.header("etag"));
    assert_ne!(first.body, second.body);
}

#[tokio::test]
async fn a_cached_file_is_answered_without_a_wait_and_outside_a_runtime() {
    let site = Site::new(&[("a.txt", b"hello")]);
    site.get("/a.txt").await;
    let service = site.service.clone();
    let answer = std::thread::spawn(move || {
        let mut service = service;
        let request = crate::site::request("GET", "/a.txt", &[]);
        let mut future = tower::Service::call(&mut service, request);
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let polled = std::pin::Pin::new(&mut future).poll(&mut cx);
        matches!(polled, std::task::Poll::Ready(Ok(response)) if response.status() == 200)
    });
    assert!(answer.join().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_the_same_bytes() {
    let large = crate::site::noise(300_000);
    let site = Arc::new(Site::with(
        &[("small.txt", b"small"), ("large.bin", &large)],
        // So little that files are thrown out all the time.
        |config| config.cache_bytes = 20_000,
    ));
    let large = Arc::new(large);
    let tasks: Vec<_> = (0..64)
        .map(|i| {
            let (site, large) = (Arc::clone(&site), Arc::clone(&large));
            tokio::spawn(async move {
                for _ in 0..10 {
                    if i % 2 == 0 {
                        assert_eq!(site.get("/small.txt").await.text(), "small");
                    } else {
                        assert!(site.get("/large.bin").await.body == *large);
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_constant_replacement_every_answer_is_one_version() {
    let versions: Vec<Vec<u8>> = (0..4)
        .map(|i| vec![b'0' + i; 50_000 + 10_000 * usize::from(i)])
        .collect();
    let site = Arc::new(Site::with(&[("a.bin", &versions[0])], |config| {
        config.max_stale = Duration::ZERO;
    }));
    let is_over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (site, is_over) = (Arc::clone(&site), Arc::clone(&is_over));
            let versions = versions.clone();
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let answer = site.get("/a.bin").await;
                    assert_eq!(answer.status, 200);
                    assert_eq!(
                        answer.header("content-length"),
                        answer.body.len().to_string()
                    );
                    assert!(versions.contains(&answer.body));
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for i in 0..200 {
        let next = site.folder.path().join("next");
        fs::write(&next, &versions[i % versions.len()]).unwrap();
        fs::rename(&next, site.folder.path().join("a.bin")).unwrap();
        tokio::task::yield_now().await;
    }
    is_over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(site.get("/a.bin").await.body == versions[199 % versions.len()]);
}
