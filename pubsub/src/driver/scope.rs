//! How far a message goes.

use super::engine::EngineId;

/// How far a message goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// To all processes of the cluster; without one, to this process.
    #[default]
    Cluster,
    /// To this process.
    Process,
    /// To all other processes of the cluster; without one, to nobody.
    Siblings,
    /// To the root of the cluster; without one, this process is the root.
    Root,
    /// To where an engine brings it, and nowhere else.
    Engine(EngineId),
}
