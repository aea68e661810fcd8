//! Large files: the region for sendfile(2), the witness of the body, and reading from the disk.

use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;

use astatine_reactor::FileRegion;
use astatine_static_files::FileBody;
use http::Response;
use http_body::Body;
use http_body_util::BodyExt;
use rustix::fs::{Advice, fadvise};

use crate::site::{Site, noise, request};

const LEN: usize = 1_000_000;

async fn frame(body: &mut FileBody) -> io::Result<bytes::Bytes> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
    Ok(frame.expect("the body goes on")?.into_data().unwrap())
}

async fn respond(site: &Site, range: &str) -> Response<FileBody> {
    let headers: &[_] = if range.is_empty() {
        &[]
    } else {
        &[("range", range)]
    };
    site.respond(request("GET", "/file.bin", headers)).await
}

#[tokio::test]
async fn the_region_names_the_bytes_that_the_body_sends() {
    let content = noise(LEN);
    let site = Site::new(&[("file.bin", &content)]);
    let cases = [
        ("", 0..LEN),
        ("bytes=5000-99999", 5_000..100_000),
        ("bytes=500000-", 500_000..LEN),
        ("bytes=-80000", LEN - 80_000..LEN),
    ];
    for (header, range) in cases {
        let response = respond(&site, header).await;
        let region = response.extensions().get::<FileRegion>().unwrap().clone();
        assert_eq!(
            (region.start(), region.len()),
            (range.start as u64, range.len() as u64)
        );
        let mut sent = vec![0; range.len()];
        region
            .file()
            .read_exact_at(&mut sent, region.start())
            .unwrap();
        assert!(sent == content[range.clone()]);

        let mut body = response.into_body();
        assert_eq!(body.size_hint().exact(), Some(range.len() as u64));
        let first = frame(&mut body).await.unwrap();
        assert!((1..=64).contains(&first.len()));
        assert!(region.is_first_frame(&first), "{header}");
        assert_eq!(
            body.size_hint().exact(),
            Some((range.len() - first.len()) as u64)
        );
        let rest = body.collect().await.unwrap().to_bytes();
        assert!([&first[..], &rest[..]].concat() == content[range]);
    }
}

#[tokio::test]
async fn small_files_small_ranges_parts_and_encoded_bytes_have_no_region() {
    let site = Site::new(&[
        ("file.bin", &noise(LEN)),
        ("small.txt", b"small"),
        ("text.txt", &b"compress me ".repeat(10_000)),
    ]);
    let requests = [
        request("GET", "/small.txt", &[]),
        request("HEAD", "/file.bin", &[]),
        request("GET", "/file.bin", &[("range", "bytes=0-65535")]),
        request(
            "GET",
            "/file.bin",
            &[("range", "bytes=0-99999,200000-299999")],
        ),
        request("GET", "/text.txt", &[("accept-encoding", "gzip")]),
    ];
    for request in requests {
        let uri = request.uri().clone();
        let response = site.respond(request).await;
        assert!(response.extensions().get::<FileRegion>().is_none(), "{uri}");
    }
}

/// Asks the kernel to forget the file's bytes.
fn make_cold(site: &Site) {
    let file = File::open(site.folder.path().join("file.bin")).unwrap();
    file.sync_all().unwrap();
    fadvise(&file, 0, None, Advice::DontNeed).unwrap();
}

#[tokio::test]
async fn a_cold_file_is_read_ahead_and_sent_whole() {
    let content = noise(LEN);
    let site = Site::new(&[("file.bin", &content)]);
    for _ in 0..2 {
        make_cold(&site);
        let response = respond(&site, "").await;
        let region = response.extensions().get::<FileRegion>().unwrap().clone();
        make_cold(&site);
        for offset in (0..region.len()).step_by(FileRegion::STRETCH as usize) {
            if let Some(reading) = region.read_ahead(offset, FileRegion::STRETCH).unwrap() {
                reading.await.unwrap();
            }
        }
        make_cold(&site);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body == content);
    }
}

#[tokio::test]
async fn a_file_that_ends_early_is_an_error_of_the_body() {
    let site = Site::new(&[("file.bin", &noise(LEN))]);
    let response = respond(&site, "").await;
    assert_eq!(response.headers()["content-length"], LEN.to_string());
    let file = File::options()
        .write(true)
        .open(site.folder.path().join("file.bin"));
    file.unwrap().set_len(300_000).unwrap();
    let mut body = response.into_body();
    let mut n_bytes = 0;
    let error = loop {
        match frame(&mut body).await {
            Ok(bytes) => n_bytes += bytes.len(),
            Err(error) => break error,
        }
    };
    assert!(n_bytes <= 300_000, "{n_bytes}");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert!(body.is_end_stream());

    assert_eq!(
        respond(&site, "").await.headers()["content-length"],
        "300000"
    );
}

/// Counts our descriptors of files in the folder.
#[cfg(target_os = "linux")]
fn n_open_files(site: &Site) -> usize {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    descriptors
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|path| path.starts_with(site.folder.path()))
        .count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_more_files_are_held_open_than_configured() {
    let names: Vec<String> = (0..40).map(|i| format!("{i}.bin")).collect();
    let large = noise(70_000);
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &large[..]))
        .collect();
    let site = Site::with(&files, |config| {
        config.cache_bytes = 2_000_000;
        config.max_open_files = std::num::NonZeroUsize::new(10).unwrap();
    });
    for name in &names {
        assert!(site.get(&format!("/{name}")).await.body == large);
    }
    let n_open_files = n_open_files(&site);
    assert!((1..=10).contains(&n_open_files), "{n_open_files}");
}
