//! A file that is not in memory never holds up who asks for another one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::folder::{Folder, noise};
use crate::server::{Server, astatine, wait_until};

/// Several stretches of readahead; no other file of the test is as long.
const COLD: usize = 700_001;

#[test]
fn a_cold_file_never_blocks_a_loop() {
    check(0);
}

#[test]
fn a_file_that_is_cold_behind_its_beginning_never_blocks_a_loop() {
    check(20_000);
}

#[test]
fn a_disk_that_takes_too_long_is_answered_for() {
    let Some(cold) = Cold::start(0, &["--request-timeout", "1"]) else {
        return;
    };
    let mut client = cold.server.client();
    // The gate stays closed, so only the time can end this.
    assert_eq!(client.get("/cold.bin", "").status, 503);
    assert_eq!(client.get("/small.txt", "").body, b"small");
    fs::write(&cold.gate, "").unwrap();
}

/// A server with a file whose bytes from an offset on are cold while its gate is closed.
struct Cold {
    server: Server,
    content: Vec<u8>,
    waits: PathBuf,
    gate: PathBuf,
    _folder: Folder,
}

impl Cold {
    /// Starts the server; `None` where no library can be built.
    fn start(cold_from: usize, args: &[&str]) -> Option<Self> {
        let folder = Folder::new();
        let content = noise(COLD);
        folder.write("public/cold.bin", &content);
        folder.write("public/small.txt", "small");
        let library = folder.path().join("cold.so");
        if !compile(&library) {
            eprintln!("skipped: there is no C compiler (cc)");
            return None;
        }
        let (waits, gate) = (folder.path().join("waits"), folder.path().join("gate"));
        let mut command = astatine(["-b", "127.0.0.1:0", "-t", "1"]);
        command
            .args(args)
            .env("LD_PRELOAD", &library)
            .env("COLD_BYTES", COLD.to_string())
            .env("COLD_FROM", cold_from.to_string())
            .env("COLD_WAITS", &waits)
            .env("COLD_GATE", &gate)
            .arg(folder.path().join("public"));
        Some(Self {
            server: Server::spawn(command),
            content,
            waits,
            gate,
            _folder: folder,
        })
    }
}

/// Asks for a file whose bytes from an offset on are cold, and for others meanwhile.
#[track_caller]
fn check(cold_from: usize) {
    let Some(cold) = Cold::start(cold_from, &[]) else {
        return;
    };
    let mut patient = cold.server.client();
    patient.send("GET /cold.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(|| cold.waits.exists());
    // The gate is closed, so the cold file cannot be answered before these are.
    for _ in 0..3 {
        assert_eq!(cold.server.client().get("/small.txt", "").body, b"small");
    }
    fs::write(&cold.gate, "").unwrap();
    let answer = patient.response();
    assert_eq!(answer.status, 200);
    assert!(answer.body == cold.content);
}

fn compile(library: &Path) -> bool {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cold.c");
    let compiler = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(library)
        .args([source, "-ldl"])
        .output();
    let Ok(output) = compiler else { return false };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    true
}
