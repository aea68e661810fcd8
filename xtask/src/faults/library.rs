//! The library that makes a server's network bad, and what it counts.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;
use crate::step;

/// The library, built, and the files of its counters.
#[derive(Debug)]
pub(super) struct Library {
    folder: PathBuf,
    seed: u64,
}

/// What the library counts, in its order.
pub(super) const COUNTERS: [&str; 15] = [
    "sent short",
    "send again",
    "send interrupted",
    "received short",
    "receive again",
    "receive interrupted",
    "file short",
    "file again",
    "file interrupted",
    "accept again",
    "accept interrupted",
    "read short",
    "read again",
    "read interrupted",
    "armed anew",
];

impl Library {
    /// Builds the library.
    pub(super) fn build(seed: u64) -> Result<Self, Failure> {
        let folder = step::folder("faults")?;
        let source = step::root().join("xtask/src/faults/short.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-Wall", "-Werror", "-shared", "-fPIC", "-O1", "-o"]);
        compiler
            .arg(folder.join("short.so"))
            .arg(source)
            .arg("-ldl");
        step::run(&mut compiler)?;
        Ok(Self { folder, seed })
    }

    /// Sets the counters of a program, or of several runs of it, to zero.
    pub(super) fn begin_counting(&self, name: &str) -> Result<(), Failure> {
        let counts = self.counts_file(name);
        let made = File::create(&counts).and_then(|file| file.set_len(8 * COUNTERS.len() as u64));
        made.map_err(Failure::io(counts.display().to_string()))
    }

    /// Puts the library below a program.
    pub(super) fn preload(&self, command: &mut Command, name: &str) {
        command
            .env("LD_PRELOAD", self.folder.join("short.so"))
            .env("SHORT_SEED", self.seed.to_string())
            .env("SHORT_COUNTS", self.counts_file(name));
    }

    /// Reads the counters of a program.
    pub(super) fn counts(&self, name: &str) -> Result<[u64; COUNTERS.len()], Failure> {
        let path = self.counts_file(name);
        let bytes = fs::read(&path).map_err(Failure::io(path.display().to_string()))?;
        let mut counts = [0; COUNTERS.len()];
        for (count, bytes) in counts.iter_mut().zip(bytes.chunks_exact(8)) {
            *count = u64::from_ne_bytes(bytes.try_into().unwrap_or_default());
        }
        Ok(counts)
    }

    /// Returns what its faults depend on.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    fn counts_file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.counts"))
    }
}
