//! `cargo xtask fuzz`: builds a fuzz target with coverage counters, on stable, and runs it.
//!
//! The targets of a crate are the programs of `CRATE/fuzz`, a workspace of its own. What a run
//! finds out stays below `target/fuzz`; the corpus in the repository changes by `--merge` alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::USAGE;
use crate::failure::Failure;
use crate::step;
use crate::tidy;

/// Lists the targets, or runs the one that is named.
pub(crate) fn run(args: &[&str]) -> Result<(), Failure> {
    let targets = targets()?;
    let Some((name, options)) = args.split_first() else {
        for target in &targets {
            println!("{:14} {:12} {}", target.folder, target.name, target.purpose);
        }
        return Ok(());
    };
    let target = targets
        .iter()
        .find(|target| target.name == *name)
        .ok_or(Failure::Usage(USAGE))?;
    match options {
        [] => target.run(60),
        ["--seconds", seconds] => {
            let seconds = seconds.parse().map_err(|_| Failure::Usage(USAGE))?;
            target.run(seconds)
        }
        ["--merge"] => target.merge(),
        _ => Err(Failure::Usage(USAGE)),
    }
}

/// A program that is fed by a fuzzer.
#[derive(Debug)]
struct Target {
    /// The folder of the crate that it tests.
    folder: String,
    name: String,
    /// The first paragraph of its documentation.
    purpose: String,
}

/// Longest input in bytes; longer ones reach nothing that shorter ones do not.
const MAX_LEN: u32 = 4096;

/// Most files of a corpus in the repository.
const MAX_FILES: usize = 96;

/// What makes LLVM count edges and hand out the operands of comparisons, in the form that
/// libFuzzer reads. Nothing of it needs more than the stable compiler.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

impl Target {
    /// Fuzzes for a while, from the repository's corpus and from what earlier runs found.
    fn run(&self, seconds: u32) -> Result<(), Failure> {
        let program = self.build()?;
        let findings = made(&scratch("findings").join(&self.name))?;
        let mut command = Command::new(program);
        command
            .current_dir(step::root())
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={MAX_LEN}"))
            .args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"])
            .arg(format!("-artifact_prefix={}/", findings.display()));
        let dictionary = self.home().join("dictionary");
        if dictionary.exists() {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        command.arg(made(&scratch("corpus").join(&self.name))?);
        command.arg(made(&self.corpus())?);
        step::run(&mut command)
    }

    /// Makes the repository's corpus anew, of it and of what earlier runs found: the inputs that
    /// reach most of what all of them reach together.
    fn merge(&self) -> Result<(), Failure> {
        let program = self.build()?;
        let (corpus, found) = (self.corpus(), scratch("corpus").join(&self.name));
        let merged = scratch("merged").join(&self.name);
        if merged.exists() {
            remove(&merged)?;
        }
        let mut command = Command::new(program);
        command
            .args(["-set_cover_merge=1", "-use_counters=0"])
            .arg(format!("-max_len={MAX_LEN}"))
            .arg(made(&merged)?)
            .arg(made(&corpus)?)
            .arg(made(&found)?);
        step::run(&mut command)?;
        keep_first(MAX_FILES, &merged)?;
        remove(&corpus)?;
        std::fs::rename(&merged, &corpus).map_err(Failure::io(corpus.display().to_string()))
    }

    /// Builds it and returns the program.
    fn build(&self) -> Result<PathBuf, Failure> {
        let host = host()?;
        let folder = scratch("build");
        let mut cargo = step::cargo("build --release --manifest-path");
        cargo
            .arg(self.home().join("Cargo.toml"))
            // With a target, the flags are kept from build scripts, which have no counters.
            .args(["--bin", &self.name, "--target", &host])
            .env("RUSTFLAGS", COVERAGE)
            .env("CARGO_TARGET_DIR", &folder);
        step::run(&mut cargo)?;
        Ok(folder.join(host).join("release").join(&self.name))
    }

    fn home(&self) -> PathBuf {
        step::root().join(&self.folder).join("fuzz")
    }

    fn corpus(&self) -> PathBuf {
        self.home().join("corpus").join(&self.name)
    }
}

/// Finds every target, in order of crates and names.
fn targets() -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    for package in tidy::packages()? {
        let programs = step::root().join(&package.folder).join("fuzz/src/bin");
        if !programs.exists() {
            continue;
        }
        let what = programs.display().to_string();
        for entry in programs.read_dir().map_err(Failure::io(&what))? {
            let path = entry.map_err(Failure::io(&what))?.path();
            let text = std::fs::read_to_string(&path);
            let text = text.map_err(Failure::io(path.display().to_string()))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let purpose = text.lines().map_while(|line| line.strip_prefix("//! "));
            targets.push(Target {
                folder: package.folder.clone(),
                name: name.into_owned(),
                purpose: purpose.collect::<Vec<_>>().join(" "),
            });
        }
    }
    targets.sort_by(|a, b| (&a.folder, &a.name).cmp(&(&b.folder, &b.name)));
    Ok(targets)
}

/// Returns the compiler's own target.
fn host() -> Result<String, Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = step::output(Command::new(rustc).arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or(Failure::Output {
        program: "rustc -vV",
        what: version,
    })
}

fn scratch(name: &str) -> PathBuf {
    step::target("").join("fuzz").join(name)
}

/// Removes all but the files that were written first: the merge begins with those that reach the
/// most.
fn keep_first(n_files: usize, folder: &Path) -> Result<(), Failure> {
    let what = folder.display().to_string();
    let mut files = Vec::new();
    for entry in folder.read_dir().map_err(Failure::io(&what))? {
        let entry = entry.map_err(Failure::io(&what))?;
        let written = entry.metadata().and_then(|file| file.modified());
        files.push((written.map_err(Failure::io(&what))?, entry.path()));
    }
    files.sort();
    for (_, path) in files.iter().skip(n_files) {
        std::fs::remove_file(path).map_err(Failure::io(path.display().to_string()))?;
    }
    Ok(())
}

fn made(folder: &Path) -> Result<PathBuf, Failure> {
    std::fs::create_dir_all(folder).map_err(Failure::io(folder.display().to_string()))?;
    Ok(folder.to_owned())
}

fn remove(folder: &Path) -> Result<(), Failure> {
    std::fs::remove_dir_all(folder).map_err(Failure::io(folder.display().to_string()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn the_files_that_were_written_first_are_kept() {
        let folder = std::env::temp_dir().join(format!("astatine-fuzz-{}", std::process::id()));
        made(&folder).unwrap();
        for (name, age) in [("a", 1), ("b", 3), ("c", 2)] {
            let written = SystemTime::UNIX_EPOCH + Duration::from_secs(10 - age);
            let file = File::create(folder.join(name)).unwrap();
            file.set_modified(written).unwrap();
        }
        keep_first(2, &folder).unwrap();
        let is_kept = ["a", "b", "c"].map(|name| folder.join(name).exists());
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(is_kept, [false, true, true]);
    }

    #[test]
    fn every_target_says_what_it_is_for() {
        let targets = targets().unwrap();
        assert!(targets.iter().any(|target| target.name == "connection"));
        for target in &targets {
            assert!(target.purpose.ends_with('.'), "{target:?}");
            let same = targets.iter().filter(|other| other.name == target.name);
            assert_eq!(same.count(), 1, "{} is not told apart", target.name);
        }
    }
}
