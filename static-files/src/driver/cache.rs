//! The cache of resources, shared by all threads and bounded in bytes.

use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache as Sharded, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

use super::resource::Resource;

/// Resources by key: the path of a request, with its leading slash and its escapes, so that a hit
/// needs no decoding; or a plain name without a leading slash. A path is kept in one spelling
/// only, or else a client could have the same file compressed and kept a thousand times.
pub(crate) struct Cache {
    entries: Option<Entries>,
    open_file_bytes: u64,
}

type Entries = Sharded<Box<[u8]>, Kept, ByWeight, RandomState>;

impl Cache {
    /// Makes a cache of `max_bytes`, none for 0, whose shards have room for `largest_bytes`. Each
    /// descriptor is charged with its share of the bytes, so that one bound holds for both.
    pub(crate) fn new(max_bytes: u64, max_open_files: usize, largest_bytes: u64) -> Self {
        let shard_bytes = largest_bytes.saturating_mul(2).max(MIN_SHARD_BYTES);
        let n_shards = (max_bytes / shard_bytes).clamp(1, MAX_SHARDS);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(estimated_items(max_bytes))
            .weight_capacity(max_bytes)
            .shards(usize::try_from(n_shards).unwrap_or(1))
            .build()
            .ok()
            .filter(|_| max_bytes > 0);
        let entries = options.map(|options| {
            let lifecycle = DefaultLifecycle::default();
            Entries::with_options(options, ByWeight, RandomState::default(), lifecycle)
        });
        Self {
            entries,
            open_file_bytes: (max_bytes / max_open_files as u64).max(1),
        }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Arc<Resource>> {
        Some(self.entries.as_ref()?.get(key)?.resource)
    }

    pub(crate) fn insert(&self, resource: &Arc<Resource>) {
        if let Some(entries) = &self.entries {
            let kept = Kept {
                resource: Arc::clone(resource),
                weight: resource.weight(self.open_file_bytes),
            };
            entries.insert(resource.key().into(), kept);
        }
    }

    /// Removes a resource, but not one that has taken its place since.
    pub(crate) fn remove(&self, resource: &Arc<Resource>) {
        if let Some(entries) = &self.entries {
            entries.remove_if(resource.key(), |kept| Arc::ptr_eq(&kept.resource, resource));
        }
    }

    /// Removes the resources that are not wanted any more.
    pub(crate) fn retain(&self, is_wanted: impl Fn(&Resource) -> bool) {
        if let Some(entries) = &self.entries {
            entries.retain(|_, kept| is_wanted(&kept.resource));
        }
    }

    /// Tells whether a resource would be kept if it had `more_bytes` than it has.
    pub(crate) fn has_room(&self, resource: &Resource, more_bytes: u64) -> bool {
        let weight = resource.weight(self.open_file_bytes) + more_bytes;
        self.entries
            .as_ref()
            .is_some_and(|entries| weight <= entries.shard_capacity())
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Kept {
    resource: Arc<Resource>,
    /// Reckoned once: the cache asks again whenever it looks for room.
    weight: u64,
}

#[derive(Clone)]
struct ByWeight;

impl Weighter<Box<[u8]>, Kept> for ByWeight {
    fn weight(&self, _key: &Box<[u8]>, kept: &Kept) -> u64 {
        kept.weight
    }
}

fn estimated_items(max_bytes: u64) -> usize {
    usize::try_from(max_bytes / USUAL_BYTES)
        .unwrap_or(MAX_ESTIMATE)
        .clamp(32, MAX_ESTIMATE)
}

const MIN_SHARD_BYTES: u64 = 4 * 1024 * 1024;
const MAX_SHARDS: u64 = 16;
const USUAL_BYTES: u64 = 16 * 1024;
const MAX_ESTIMATE: usize = 64 * 1024;
