//! The listing of a folder.

use std::fs;
use std::os::unix::fs::symlink;

use astatine_static_files::Listing;

use crate::site::Site;

fn site() -> Site {
    let site = Site::with(
        &[
            ("b.txt", b"12345"),
            ("a & <b>\"'.txt", b"1"),
            ("javascript:alert(1)", b""),
            ("zoo/x.txt", b""),
            ("with-index/index.html", b"index"),
            (".hidden", b""),
        ],
        |config| config.listing = Listing::On,
    );
    symlink("/etc", site.folder.path().join("out")).unwrap();
    site
}

#[tokio::test]
async fn a_listing_is_off_unless_asked_for() {
    let site = Site::new(&[("docs/a.txt", b"")]);
    for path in ["/docs/", "/docs", "/"] {
        assert_eq!(site.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn html_is_escaped_sorted_and_leaves_out_what_is_not_served() {
    let site = site();
    let answer = site.get("/").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("vary"), "accept");
    assert!(
        answer
            .header("content-security-policy")
            .contains("default-src 'none'")
    );
    let page = answer.text();
    assert!(page.contains("a &amp; &lt;b&gt;&quot;&#39;.txt"), "{page}");
    assert!(
        page.contains("href=\"./a%20&amp;%20%3Cb%3E%22&#39;.txt\""),
        "{page}"
    );
    assert!(page.contains("href=\"./javascript:alert(1)\""), "{page}");
    assert!(
        !page.contains("<b>") && !page.contains("hidden") && !page.contains("out"),
        "{page}"
    );
    let places: Vec<_> = ["with-index/", "zoo/", "a &amp;", "b.txt", "javascript"]
        .iter()
        .map(|name| page.find(&format!(">{name}")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{page}");
    assert!(!page.contains("../") && !page.contains("and more"));
    assert!(site.get("/zoo/").await.text().contains("href=\"../\""));
}

#[tokio::test]
async fn a_folder_of_very_many_names_is_listed_in_part() {
    const MAX: usize = 10_000;
    let site = Site::with(&[("a.txt", b"")], |config| config.listing = Listing::On);
    let file = site.folder.path().join("a.txt");
    for i in 0..MAX {
        // A name more is made sooner than a file more.
        fs::hard_link(&file, site.folder.path().join(format!("{i}.txt"))).unwrap();
    }
    let part = site.get("/").await;
    assert_eq!(part.text().matches("<a href=").count(), MAX);
    assert!(part.text().contains("and more"));
}

#[tokio::test]
async fn json_is_sent_to_those_who_like_it_better() {
    let site = site();
    fs::write(site.folder.path().join("zoo/line\nbreak\\\".txt"), "").unwrap();
    let cases = [
        ("application/json", true),
        ("application/json;q=0.9, text/html;q=0.8", true),
        ("application/*, text/*;q=0.5", true),
        ("text/html,application/json;q=0.9", false),
        ("*/*", false),
        ("", false),
        ("application/json;q=0, */*", false),
    ];
    for (accept, is_json) in cases {
        let answer = site.get_with("/", &[("accept", accept)]).await;
        let content_type = answer.header("content-type");
        assert_eq!(
            content_type.starts_with("application/json"),
            is_json,
            "{accept}"
        );
    }
    let answer = site.get_with("/", &[("accept", "application/json")]).await;
    let list: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 5);
    assert_eq!(list[0]["name"], "with-index");
    assert_eq!(list[0]["type"], "directory");
    assert_eq!(list[3]["name"], "b.txt");
    assert_eq!(list[3]["size"], 5);
    assert!(list[3]["modified"].as_i64().unwrap() > 1_600_000_000);
    let answer = site
        .get_with("/zoo/", &[("accept", "application/json")])
        .await;
    let list: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    // No request could ask for a name with a backslash.
    assert_eq!(list.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_index_goes_before_a_listing_and_a_file_is_no_folder() {
    let site = site();
    assert_eq!(site.get("/with-index/").await.text(), "index");
    assert_eq!(site.get("/zoo").await.header("location"), "./zoo/");
    for path in ["/b.txt/", "/out/", "/missing/", "/.git/"] {
        assert_eq!(site.get(path).await.status, 404, "{path}");
    }
    let head = site.send("HEAD", "/zoo/", &[]).await;
    assert_eq!(head.status, 200);
    assert!(head.body.is_empty() && head.header("content-length") != "0");
}
