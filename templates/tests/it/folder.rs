//! Templates of a folder: names, partials near and far, and loading again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, atomic::AtomicU32, atomic::Ordering};

use astatine_templates::{Config, Error, ErrorKind, Templates, Watch};

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("templates-{}-{n}", std::process::id()));
        let folder = Self(path);
        fs::create_dir_all(&folder.0).expect("a folder can be made");
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        let above = path.parent().expect("it is in the folder");
        fs::create_dir_all(above).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }

    fn open(&self) -> Templates {
        Templates::open(&self.0, Config::default()).expect("the templates are well-formed")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the folder can be removed");
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

#[track_caller]
fn rendered(templates: &Templates, name: &str) -> String {
    let template = templates.get(name).expect("there is such a template");
    template.render(&()).expect("it renders")
}

#[test]
fn a_template_is_named_by_its_path_without_the_ending() {
    let folder = Folder::new(&[
        ("a.mustache", ""),
        ("b/c.mustache", ""),
        ("b/d.txt", ""),
        (".e.mustache", ""),
        (".f/g.mustache", ""),
    ]);
    assert_eq!(folder.open().names(), ["a", "b/c"]);
}

#[test]
fn a_partial_is_searched_near_its_caller_then_above() {
    let folder = Folder::new(&[
        ("x.mustache", "top"),
        ("y.mustache", "y"),
        ("a/x.mustache", "a"),
        (
            "a/b/page.mustache",
            "{{>x}} {{>/x}} {{>y.mustache}} {{>b/z}}",
        ),
        ("a/b/z.mustache", "z"),
        ("page.mustache", "{{>x}}"),
    ]);
    let templates = folder.open();
    assert_eq!(rendered(&templates, "a/b/page"), "a top y z");
    assert_eq!(rendered(&templates, "page"), "top");
}

#[test]
fn a_partial_cannot_leave_the_folder() {
    let folder = Folder::new(&[
        ("in/page.mustache", "{{>../out}}"),
        ("out.mustache", "secret"),
    ]);
    let error = Templates::open(folder.0.join("in"), Config::default()).expect_err("it is outside");
    assert!(matches!(error.kind(), ErrorKind::MissingPartial(name) if &**name == "../out"));
}

#[test]
fn a_link_that_leads_back_is_followed_once() {
    let folder = Folder::new(&[("a.mustache", "")]);
    std::os::unix::fs::symlink(&folder.0, folder.0.join("self")).expect("a link can be made");
    assert_eq!(folder.open().names(), ["a"]);
}

#[test]
fn a_file_that_is_not_text_is_named() {
    let folder = Folder::new(&[]);
    folder.write("a.mustache", b"\xff");
    let error = Templates::open(&folder.0, Config::default()).expect_err("it is not text");
    let path = folder.0.join("a.mustache");
    assert_eq!(
        error.to_string(),
        format!("{}: template is not UTF-8", path.display())
    );
}

#[test]
fn a_file_that_is_too_long_is_not_read() {
    let folder = Folder::new(&[("a.mustache", "abc")]);
    let mut config = Config::default();
    config.max_template_bytes = 2;
    let error = Templates::open(&folder.0, config).expect_err("it is too long");
    assert!(matches!(error.kind(), ErrorKind::TemplateTooLong));
}

#[test]
fn a_load_replaces_all_templates_or_none() {
    let folder = Folder::new(&[("a.mustache", "1{{>b}}"), ("b.mustache", "1")]);
    let templates = folder.open();
    let before = templates.get("a").expect("it is there");
    folder.write("a.mustache", "2{{>b}}");
    folder.write("b.mustache", "2{{#");
    let error = templates.reload().expect_err("one is not well-formed");
    assert_eq!(error.template(), Some("b"));
    assert_eq!(rendered(&templates, "a"), "11");
    folder.write("b.mustache", "2");
    templates.reload().expect("all are well-formed");
    assert_eq!(rendered(&templates, "a"), "22");
    assert_eq!(before.render(&()).expect("it renders"), "11");
}

#[test]
fn a_folder_that_is_wrong_at_first_has_no_templates_until_it_is_mended() {
    let folder = Folder::new(&[("a.mustache", "{{#"), ("b.mustache", "b")]);
    let templates = Templates::unread(&folder.0, Config::default());
    let error = templates.reload().expect_err("one is not well-formed");
    assert_eq!(error.template(), Some("a"));
    assert!(templates.names().is_empty());
    folder.write("a.mustache", "{{>b}}");
    templates.reload().expect("all are well-formed");
    assert_eq!(rendered(&templates, "a"), "b");
}

/// Watches the templates of a folder; each load is told.
fn watch(templates: &Arc<Templates>) -> (Watch, Receiver<Result<(), Error>>) {
    let (sender, loads) = sync_channel(100);
    let watch = templates.watch(move |load| sender.send(load).expect("the test waits"));
    (watch.expect("the folder can be watched"), loads)
}

#[test]
fn a_file_that_changes_is_loaded_again() {
    let folder = Folder::new(&[("a.mustache", "1")]);
    let templates = Arc::new(folder.open());
    let (watch, loads) = watch(&templates);
    // Renamed, so that it is broken and at no time empty.
    folder.write(".a", "{{#broken");
    fs::rename(folder.0.join(".a"), folder.0.join("a.mustache")).expect("it is renamed");
    let load = loads.recv().expect("there is a load");
    assert_eq!(load.expect_err("it is broken").template(), Some("a"));
    assert_eq!(rendered(&templates, "a"), "1");
    folder.write("sub/new.mustache", "new");
    folder.write("a.mustache", "2");
    while rendered(&templates, "a") != "2" || templates.get("sub/new").is_none() {
        // One between the two writes finds what is broken still.
        drop(loads.recv().expect("there is a load"));
    }
    fs::rename(folder.0.join("a.mustache"), folder.0.join("b.mustache")).expect("it is renamed");
    while templates.get("b").is_none() {
        loads.recv().expect("there is a load").expect("all is well");
    }
    assert!(templates.get("a").is_none());
    drop(watch);
    // What was under way is told still; then it ends.
    loads.iter().for_each(|load| load.expect("all is well"));
}

/// What editors do to save a file, as steps of names and texts; without a text the first is
/// renamed to the second.
type Saving = &'static [(&'static str, Option<&'static str>, &'static str)];

#[test]
fn however_an_editor_saves_a_file_it_is_loaded() {
    let savings: &[Saving] = &[
        // Written over.
        &[("page.mustache", None, "2")],
        // Written beside, and renamed over.
        &[
            ("page.mustache.tmp", None, "2"),
            ("page.mustache.tmp", Some("page.mustache"), ""),
        ],
        // A trial, a backup, then a new file: the page is gone in between.
        &[
            ("4913", None, ""),
            ("page.mustache", Some("page.mustache~"), ""),
            ("page.mustache", None, ""),
            ("page.mustache", None, "2"),
        ],
    ];
    for saving in savings {
        let folder = Folder::new(&[("page.mustache", "1"), ("whole.mustache", "{{>page}}")]);
        let templates = Arc::new(folder.open());
        let (_watch, loads) = watch(&templates);
        for (name, renamed, text) in *saving {
            match renamed {
                None => folder.write(name, text),
                Some(to) => fs::rename(folder.0.join(name), folder.0.join(to)).expect("renamed"),
            }
        }
        while rendered(&templates, "whole") != "2" {
            drop(loads.recv().expect("there is a load"));
        }
    }
}
