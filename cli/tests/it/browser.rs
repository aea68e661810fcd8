//! A Chromium, driven by its DevTools protocol over a pair of pipes.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

/// A browser with a profile of its own; both end with this.
pub(crate) struct Browser {
    child: Child,
    folder: PathBuf,
    to: File,
    from: BufReader<File>,
    n_calls: u64,
    /// What pages have complained of.
    errors: Vec<String>,
}

/// A page of a browser.
pub(crate) struct Tab(String);

impl Browser {
    /// Starts one. `None`, and a line that says so, where there is no Chromium.
    pub(crate) fn start() -> Option<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        match Command::new("chromium").arg("--version").output() {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                eprintln!("there is no chromium: nothing was tested");
                return None;
            }
            Err(error) => panic!("chromium: {error}"),
        }
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("browser-{}-{n}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let [to, from] = ["to", "from"].map(|name| {
            let path = folder.join(name);
            mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
            path
        });
        // The protocol's descriptors are the third and the fourth.
        let child = Command::new("sh")
            .arg("-c")
            .arg(
                "exec chromium --headless --no-sandbox --disable-gpu --no-first-run \
                 --disable-dev-shm-usage --remote-debugging-pipe --user-data-dir=\"$0\" \
                 about:blank 3<\"$1\" 4>\"$2\"",
            )
            .args([&folder, &to, &from])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let to = File::options().write(true).open(to).unwrap();
        let from = BufReader::new(File::open(from).unwrap());
        Some(Self {
            child,
            folder,
            to,
            from,
            n_calls: 0,
            errors: Vec::new(),
        })
    }

    /// Opens a page, in a window of its own: a tab behind another is hidden.
    pub(crate) fn open(&mut self, url: &str) -> Tab {
        let target = self.call(
            None,
            "Target.createTarget",
            &json!({
                "url": "about:blank", "newWindow": true,
            }),
        );
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.call(None, "Target.attachToTarget", &attach);
        let tab = Tab(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Log.enable", "Page.enable", "Runtime.enable"] {
            self.call(Some(&tab), domain, &json!({}));
        }
        self.call(Some(&tab), "Page.navigate", &json!({"url": url}));
        tab
    }

    /// Returns what an expression is in a page, once it is if it is a promise.
    pub(crate) fn eval(&mut self, tab: &Tab, expression: &str) -> Value {
        let evaluate = json!({
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
        });
        let done = self.call(Some(tab), "Runtime.evaluate", &evaluate);
        let fault = done.get("exceptionDetails");
        assert!(fault.is_none(), "{expression}: {done}");
        done["result"]["value"].clone()
    }

    /// Waits until an expression is true in a page.
    pub(crate) fn wait_until(&mut self, tab: &Tab, expression: &str) {
        let promise = format!(
            "new Promise(done => {{
                const look = () => ({expression}) ? done() : setTimeout(look, 10);
                look();
            }})"
        );
        self.eval(tab, &promise);
    }

    /// Shows pages as on a screen of this size, in the light or in the dark.
    pub(crate) fn show_as(&mut self, tab: &Tab, width: u32, height: u32, scheme: &str) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.call(Some(tab), "Emulation.setDeviceMetricsOverride", &metrics);
        let scheme = json!({"name": "prefers-color-scheme", "value": scheme});
        let media = json!({"features": [scheme]});
        self.call(Some(tab), "Emulation.setEmulatedMedia", &media);
    }

    /// Returns a picture of a page as a PNG.
    pub(crate) fn picture(&mut self, tab: &Tab) -> Vec<u8> {
        let picture = self.call(Some(tab), "Page.captureScreenshot", &json!({}));
        BASE64_STANDARD
            .decode(picture["data"].as_str().unwrap())
            .unwrap()
    }

    /// Returns what pages have complained of.
    pub(crate) fn errors(&self) -> &[String] {
        &self.errors
    }

    fn call(&mut self, tab: Option<&Tab>, method: &str, params: &Value) -> Value {
        self.n_calls += 1;
        let mut call = json!({"id": self.n_calls, "method": method, "params": params});
        if let Some(Tab(session)) = tab {
            call["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{call}\0").as_bytes()).unwrap();
        loop {
            let mut answer = Vec::new();
            self.from.read_until(0, &mut answer).unwrap();
            assert_eq!(answer.pop(), Some(0), "chromium ended");
            let mut answer: Value = serde_json::from_slice(&answer).unwrap();
            if answer["id"] == self.n_calls {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].take();
            }
            self.note(&answer);
        }
    }

    fn note(&mut self, event: &Value) {
        let is_error = match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => event["params"]["type"] == "error",
            Some("Log.entryAdded") => event["params"]["entry"]["level"] == "error",
            _ => false,
        };
        if is_error {
            self.errors.push(event["params"].to_string());
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        // Its helpers may still write there for a moment; what they leave is below `target`.
        drop(fs::remove_dir_all(&self.folder));
    }
}
