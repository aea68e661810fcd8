//! Files and folders that the server may not read.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use astatine_static_files::Listing;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use crate::site::Site;

/// Runs a test on a thread to which permissions apply, even where it runs as root.
fn without_privileges(test: impl Future<Output = ()> + Send + 'static) {
    let thread = std::thread::spawn(move || {
        let mut sets = capabilities(None).unwrap();
        let privileges = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        sets.effective.remove(privileges);
        set_capabilities(None, sets).unwrap();
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.build().unwrap().block_on(test);
    });
    thread.join().unwrap();
}

fn set_mode(site: &Site, name: &str, mode: u32) {
    let path = site.folder.path().join(name);
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_may_not_be_read_is_403() {
    without_privileges(async {
        let site = Site::new(&[
            ("a.txt", b"hello"),
            ("private/a.txt", b"hello"),
            ("docs/index.html", b"docs"),
            ("403.html", b"no"),
        ]);
        set_mode(&site, "a.txt", 0);
        set_mode(&site, "docs/index.html", 0);
        set_mode(&site, "private", 0);
        for path in [
            "/a.txt",
            "/docs/",
            "/private/",
            "/private/a.txt",
            "/private/b",
        ] {
            let answer = site.get(path).await;
            assert_eq!(
                (answer.status.as_u16(), answer.text()),
                (403, "no"),
                "{path}"
            );
        }
        set_mode(&site, "private", 0o700);
        assert_eq!(site.get("/private/a.txt").await.text(), "hello");
    });
}

#[test]
fn a_sibling_that_may_not_be_read_is_none_until_it_may() {
    without_privileges(async {
        let site = Site::with(&[("a.js", b"plain"), ("a.js.br", b"brotli")], |config| {
            config.is_gzip_on_demand = false;
        });
        set_mode(&site, "a.js.br", 0);
        let br = [("accept-encoding", "br")];
        assert_eq!(site.get_with("/a.js", &br).await.text(), "plain");
        set_mode(&site, "a.js.br", 0o600);
        site.advance(Duration::from_secs(1));
        assert_eq!(site.get_with("/a.js", &br).await.text(), "brotli");
    });
}

#[test]
fn a_listing_leaves_out_what_may_not_be_looked_at() {
    without_privileges(async {
        let site = Site::with(&[("a.txt", b"a"), ("private/b.txt", b"b")], |config| {
            config.listing = Listing::On;
        });
        symlink("private/b.txt", site.folder.path().join("link.txt")).unwrap();
        set_mode(&site, "private", 0);
        let page = site.get("/").await;
        assert!(page.text().contains("a.txt"), "{}", page.text());
        assert!(!page.text().contains("link.txt"), "{}", page.text());
        set_mode(&site, "private", 0o700);
    });
}
