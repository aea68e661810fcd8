//! Which paths lead to which files, and which lead nowhere.

use std::fs;
use std::os::unix::fs::symlink;

use astatine_static_files::{Config, Dotfiles, StaticFiles};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::site::{Folder, Site};

#[tokio::test]
async fn no_path_leads_out_of_the_folder() {
    let outside = Folder::new();
    outside.write("secret.txt", "secret");
    let site = Site::new(&[("a.txt", b"hello"), ("dir/b.txt", b"b")]);
    let name = outside.path().file_name().unwrap().to_str().unwrap();
    let absolute = outside.path().join("secret.txt");
    let absolute = absolute.to_str().unwrap();
    let paths = [
        format!("/../{name}/secret.txt"),
        format!("/..%2f{name}/secret.txt"),
        format!("/%2e%2e/{name}/secret.txt"),
        format!("/.%2E/{name}/secret.txt"),
        format!("/dir/../../{name}/secret.txt"),
        format!("/dir/%2e%2e/%2e%2e/{name}/secret.txt"),
        format!("/..%5c{name}%5csecret.txt"),
        format!("/dir/..%00/{name}/secret.txt"),
        format!("/{absolute}"),
        format!("/%2f{absolute}"),
        format!("/%252e%252e/{name}/secret.txt"),
        format!("/..%c0%af{name}/secret.txt"),
        format!("/..;/{name}/secret.txt"),
        format!("/./../{name}/secret.txt"),
    ];
    for path in paths {
        let answer = site.get(&path).await;
        assert!(
            answer.status == 400 || answer.status == 404,
            "{path}: {}",
            answer.status
        );
        assert!(!answer.text().contains("secret"), "{path}");
    }
}

#[tokio::test]
async fn paths_that_cannot_name_a_file_are_400() {
    let site = Site::new(&[("a.txt", b"hello"), ("dir/b.txt", b"b")]);
    for path in [
        "/dir%2fb.txt",
        "/dir%2Fb.txt",
        "/dir%5cb.txt",
        "/a.txt%00",
        "/a.txt%00.html",
        "/dir/../a.txt",
        "/dir/./b.txt",
        "//a.txt",
        "/dir//b.txt",
        "//",
        "/%",
        "/%4",
        "/%zz",
    ] {
        assert_eq!(site.get(path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn encoded_names_are_decoded_once() {
    let site = Site::new(&[
        ("a b.txt", b"space"),
        ("a+b.txt", b"plus"),
        ("50%.txt", b"percent"),
        ("\u{fc}.txt", b"umlaut"),
        ("q?.txt", b"question"),
    ]);
    let cases = [
        ("/a%20b.txt", "space"),
        ("/a+b.txt", "plus"),
        ("/a%2Bb.txt", "plus"),
        ("/50%25.txt", "percent"),
        ("/%c3%bc.txt", "umlaut"),
        ("/q%3F.txt", "question"),
        ("/a+b.txt?", "plus"),
        ("/a+b.txt?x=../..", "plus"),
        ("/%61+b.txt", "plus"),
    ];
    for (path, expected) in cases {
        let answer = site.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (200, expected),
            "{path}"
        );
    }
    assert_eq!(
        site.get("/a b.txt".replace(' ', "+").as_str()).await.text(),
        "plus"
    );
}

#[tokio::test]
async fn links_inside_work_and_links_that_leave_are_not_found() {
    let outside = Folder::new();
    outside.write("secret.txt", "secret");
    let site = Site::new(&[("real/a.txt", b"hello"), ("deep/er/b.txt", b"b")]);
    let root = site.folder.path();
    symlink("real/a.txt", root.join("relative.txt")).unwrap();
    symlink("../real", root.join("deep/up")).unwrap();
    symlink(root.join("real/a.txt"), root.join("absolute.txt")).unwrap();
    symlink(outside.path().join("secret.txt"), root.join("out.txt")).unwrap();
    symlink(outside.path(), root.join("out")).unwrap();
    symlink("../..", root.join("deep/far")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    for path in ["/relative.txt", "/deep/up/a.txt", "/absolute.txt"] {
        assert_eq!(site.get(path).await.text(), "hello", "{path}");
    }
    let name = outside.path().file_name().unwrap().to_str().unwrap();
    let far = format!("/deep/far/{name}/secret.txt");
    for path in [
        "/out.txt",
        "/out/secret.txt",
        "/out/",
        "/out",
        "/loop",
        &far,
    ] {
        for _ in 0..2 {
            assert_eq!(site.get(path).await.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_not_a_regular_file_is_not_found_and_holds_nobody_up() {
    let site = Site::new(&[("a.txt", b"hello")]);
    let root = site.folder.path();
    mknodat(
        CWD,
        root.join("pipe"),
        FileType::Fifo,
        Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    symlink("/dev/zero", root.join("zero")).unwrap();
    for path in ["/pipe", "/socket", "/zero"] {
        assert_eq!(site.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn hidden_names_are_not_found_but_well_known() {
    let files: [(&str, &[u8]); 5] = [
        (".env", b"secret"),
        (".git/config", b"secret"),
        ("dir/.hidden", b"secret"),
        (".well-known/security.txt", b"contact"),
        (".well-known/.secret", b"secret"),
    ];
    let site = Site::new(&files);
    let hidden = [
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/dir/.hidden",
        "/.well-known/.secret",
    ];
    for path in hidden {
        assert_eq!(site.get(path).await.status, 404, "{path}");
    }
    assert_eq!(
        site.get("/.well-known/security.txt").await.text(),
        "contact"
    );
    let open = Site::with(&files, |config| {
        config.dotfiles = Dotfiles::Served;
    });
    assert_eq!(open.get("/.env").await.text(), "secret");
}

#[tokio::test]
async fn names_that_are_too_long_are_not_found() {
    let site = Site::new(&[]);
    let segment = "a".repeat(300);
    assert_eq!(site.get(&format!("/{segment}")).await.status, 404);
    let path = format!("/{}", "a/".repeat(3_000));
    assert_eq!(site.get(&path).await.status, 404);
}

#[tokio::test]
async fn the_root_may_be_a_link_that_is_turned_while_serving() {
    let folder = Folder::new();
    folder.write("one/a.txt", "one");
    folder.write("two/a.txt", "two");
    let link = folder.path().join("current");
    symlink("one", &link).unwrap();
    let mut config = Config::default();
    config.max_stale = std::time::Duration::ZERO;
    let service = StaticFiles::new(&link, config).unwrap();
    let read = || async {
        let request = crate::site::request("GET", "/a.txt", &[]);
        let response = tower::ServiceExt::oneshot(service.clone(), request).await;
        crate::site::Answer::read(response.unwrap()).await.body
    };
    assert_eq!(read().await, b"one");
    symlink("two", folder.path().join("next")).unwrap();
    fs::rename(folder.path().join("next"), &link).unwrap();
    assert_eq!(read().await, b"two");
}

#[tokio::test]
async fn while_the_root_is_not_there_nothing_is_found() {
    let folder = Folder::new();
    folder.write("root/a.txt", "hello");
    let (root, elsewhere) = (folder.path().join("root"), folder.path().join("elsewhere"));
    let mut config = Config::default();
    config.max_stale = std::time::Duration::ZERO;
    let service = StaticFiles::new(&root, config).unwrap();
    let status = |path| {
        let request = crate::site::request("GET", path, &[]);
        let response = tower::ServiceExt::oneshot(service.clone(), request);
        async move { response.await.unwrap().status() }
    };
    assert_eq!(status("/a.txt").await, 200);
    fs::rename(&root, &elsewhere).unwrap();
    assert_eq!(status("/a.txt").await, 404);
    assert_eq!(status("/b.txt").await, 404);
    fs::rename(&elsewhere, &root).unwrap();
    assert_eq!(status("/a.txt").await, 200);
}

#[test]
fn only_a_folder_can_be_served() {
    let folder = Folder::new();
    let file = folder.write("a.txt", "hello");
    let open = |path: &std::path::Path| StaticFiles::new(path, Config::default());
    assert!(open(folder.path()).is_ok());
    assert!(open(&file).is_err());
    assert!(open(&folder.path().join("missing")).is_err());
}
