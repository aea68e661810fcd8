//! All that is known of a path: its variants, and what was seen on the disk when they were read.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::folder::{Folder, Stamp};
use super::variant::Variant;
use crate::plan::Encoding;

/// The variants of the file that answers for a path.
#[derive(Debug)]
pub(crate) struct Resource {
    /// By which the cache finds it.
    key: Box<[u8]>,
    /// Identity first.
    variants: Vec<Variant>,
    gzip: Gzip,
    witnesses: Vec<Witness>,
    is_settled: bool,
    /// The clock at the last look at the disk, in milliseconds.
    checked_at: AtomicU64,
}

/// What is known of compression on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gzip {
    /// It was not tried.
    Possible,
    /// It is done, does not pay, or is not wanted.
    Settled,
}

/// What a name led to. A resource is fresh while all names that were looked at lead to the same.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    pub(crate) name: Vec<u8>,
    pub(crate) seen: Option<Stamp>,
}

impl Resource {
    pub(crate) fn new(
        key: &[u8],
        variants: Vec<Variant>,
        gzip: Gzip,
        witnesses: Vec<Witness>,
        is_settled: bool,
        now: Duration,
    ) -> Self {
        Self {
            key: key.into(),
            variants,
            gzip,
            witnesses,
            is_settled,
            checked_at: AtomicU64::new(millis(now)),
        }
    }

    /// Returns a copy that knows the outcome of compression.
    pub(crate) fn with_gzip(&self, compressed: Option<Variant>) -> Self {
        let mut variants = self.variants.clone();
        variants.extend(compressed);
        Self {
            key: self.key.clone(),
            variants,
            gzip: Gzip::Settled,
            witnesses: self.witnesses.clone(),
            is_settled: self.is_settled,
            checked_at: AtomicU64::new(self.checked_at.load(Ordering::Relaxed)),
        }
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(crate) fn gzip(&self) -> Gzip {
        self.gzip
    }

    /// Tells whether there is, or may come to be, more than identity.
    pub(crate) fn is_negotiable(&self) -> bool {
        self.gzip == Gzip::Possible || self.variants.len() > 1
    }

    pub(crate) fn identity(&self) -> &Variant {
        &self.variants[0]
    }

    /// Returns the encodings beside identity, the best liked first.
    pub(crate) fn encodings(&self) -> impl Iterator<Item = Encoding> {
        self.variants[1..].iter().map(|variant| variant.encoding)
    }

    /// Returns the variant of an encoding, identity where there is none.
    pub(crate) fn variant(&self, encoding: Encoding) -> &Variant {
        let mut variants = self.variants.iter();
        variants
            .find(|variant| variant.encoding == encoding)
            .unwrap_or_else(|| self.identity())
    }

    /// Tells whether the last look at the disk is recent enough, and the open files are still what
    /// they were then.
    pub(crate) fn is_fresh(&self, now: Duration, max_stale: Duration) -> bool {
        self.is_current(now, max_stale)
            && self.variants.iter().all(|variant| variant.is_intact(now))
    }

    /// Tells whether the last look at the disk is recent enough.
    pub(crate) fn is_current(&self, now: Duration, max_stale: Duration) -> bool {
        let age = millis(now).saturating_sub(self.checked_at.load(Ordering::Relaxed));
        u128::from(age) < max_stale.as_millis()
    }

    /// Tells whether it holds a file open.
    pub(crate) fn is_open(&self) -> bool {
        self.variants.iter().any(Variant::is_open)
    }

    /// Looks at the disk: tells whether all is as it was, and notes the time if so.
    ///
    /// A file that had just been changed when it was read is never held to be the same: it may
    /// have been changed once more within one step of the file system's clock.
    pub(crate) fn is_unchanged(&self, folder: &Folder<'_>, now: Duration) -> io::Result<bool> {
        if !self.is_settled {
            return Ok(false);
        }
        for witness in &self.witnesses {
            let seen = folder.look(&witness.name)?;
            if seen.map(|(_, stamp)| stamp) != witness.seen {
                return Ok(false);
            }
        }
        self.checked_at.store(millis(now), Ordering::Relaxed);
        Ok(true)
    }

    /// Returns what it costs to keep, a descriptor being charged with `open_file_bytes`.
    pub(crate) fn weight(&self, open_file_bytes: u64) -> u64 {
        let weights = self
            .variants
            .iter()
            .map(|variant| variant.weight(open_file_bytes));
        let names = self
            .witnesses
            .iter()
            .map(|witness| witness.name.len() as u64);
        let key = 2 * self.key.len() as u64;
        OVERHEAD_BYTES + key + weights.sum::<u64>() + names.sum::<u64>()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Header maps and witnesses of a usual resource.
const OVERHEAD_BYTES: u64 = 2 * 1024;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::driver::folder::Root;
    use crate::driver::reach::Reach;

    /// Tells whether a resource that saw `names` still holds after `change`.
    fn holds_after(test: &str, names: &[&str], change: impl FnOnce(&std::path::Path)) -> bool {
        holds(test, names, Age::Old, change)
    }

    /// How old a file was when it was read.
    #[derive(PartialEq)]
    enum Age {
        Old,
        New,
    }

    fn holds(test: &str, names: &[&str], age: Age, change: impl FnOnce(&std::path::Path)) -> bool {
        let name = format!("astatine-resource-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("file"), "content").unwrap();
        let root = Root::new(&path).unwrap();
        let folder = root.open(Reach::Disk).unwrap();
        let witness = |name: &&str| Witness {
            name: name.as_bytes().to_vec(),
            seen: folder
                .look(name.as_bytes())
                .unwrap()
                .map(|(_, stamp)| stamp),
        };
        let witnesses = names.iter().map(witness).collect();
        let second = Duration::from_secs(1);
        let resource = Resource::new(
            b"",
            Vec::new(),
            Gzip::Settled,
            witnesses,
            age == Age::Old,
            second,
        );
        change(&path);
        let folder = root.open(Reach::Disk).unwrap();
        let is_unchanged = resource.is_unchanged(&folder, second * 2).unwrap();
        fs::remove_dir_all(&path).unwrap();
        assert_eq!(resource.is_current(second * 2, second), is_unchanged);
        is_unchanged
    }

    #[test]
    fn what_had_just_been_changed_does_not_hold() {
        assert!(!holds("new", &["file"], Age::New, |_| {}));
    }

    #[test]
    fn it_holds_while_every_name_leads_to_the_same() {
        let names = ["missing", "file", "file.br"];
        assert!(holds_after("same", &names, |_| {}));
        assert!(holds_after("unseen", &names, |path| {
            fs::write(path.join("other"), "").unwrap();
        }));
        assert!(!holds_after("written", &names, |path| {
            fs::write(path.join("file"), "CONTENT, LONGER").unwrap();
        }));
        assert!(!holds_after("replaced", &names, |path| {
            fs::write(path.join("new"), "content").unwrap();
            fs::rename(path.join("new"), path.join("file")).unwrap();
        }));
        assert!(!holds_after("removed", &names, |path| {
            fs::remove_file(path.join("file")).unwrap();
        }));
        assert!(!holds_after("appeared", &names, |path| {
            fs::write(path.join("file.br"), "").unwrap();
        }));
    }
}
