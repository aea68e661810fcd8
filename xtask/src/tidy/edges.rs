//! Who may depend on whom: ARCHITECTURE.md, "The graph", as a table.

use serde_json::Value;

use super::Finding;
use crate::failure::Failure;
use crate::step;

/// Each package with the packages of this workspace that it may depend on, in normal, build and
/// development dependencies alike.
const EDGES: &[(&str, &[&str])] = &[
    ("astatine-templates", &[]),
    ("astatine-reactor", &[]),
    ("astatine-http1", &["astatine-reactor"]),
    ("astatine-websocket", &["astatine-reactor"]),
    ("astatine-sse", &["astatine-reactor"]),
    ("astatine-static-files", &["astatine-reactor"]),
    ("astatine-pubsub", &["astatine-reactor"]),
    ("astatine-pubsub-redis", &["astatine-pubsub"]),
    (
        "astatine-cli",
        &[
            "astatine-http1",
            "astatine-pubsub",
            "astatine-pubsub-redis",
            "astatine-reactor",
            "astatine-sse",
            "astatine-static-files",
            "astatine-templates",
            "astatine-websocket",
        ],
    ),
    ("astatine-xtask", &[]),
];

/// A package of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The folder's path, relative to the root.
    pub(crate) folder: String,
    pub(crate) is_library: bool,
    /// Without `default`, in alphabetical order.
    pub(crate) features: Vec<String>,
    /// Names of the packages that it depends on, of whatever kind.
    pub(super) dependencies: Vec<String>,
}

/// Returns the workspace's packages.
pub(crate) fn packages() -> Result<Vec<Package>, Failure> {
    let text = step::output(&mut step::cargo("metadata --format-version 1 --no-deps"))?;
    let not_understood = |what: &str| Failure::Output {
        program: "cargo metadata",
        what: what.to_owned(),
    };
    let metadata: Value =
        serde_json::from_str(&text).map_err(|error| not_understood(&error.to_string()))?;
    let packages = metadata["packages"]
        .as_array()
        .ok_or_else(|| not_understood("no packages in its output"))?;
    packages
        .iter()
        .map(|package| read_package(package).ok_or_else(|| not_understood("a package has no name")))
        .collect()
}

fn read_package(package: &Value) -> Option<Package> {
    let manifest = package["manifest_path"].as_str()?;
    let folder = std::path::Path::new(manifest).parent()?;
    let folder = folder.strip_prefix(step::root()).ok()?;
    let mut features: Vec<String> = package["features"]
        .as_object()?
        .keys()
        .filter(|feature| *feature != "default")
        .cloned()
        .collect();
    features.sort();
    Some(Package {
        name: package["name"].as_str()?.to_owned(),
        folder: folder.to_str()?.to_owned(),
        is_library: package["targets"]
            .as_array()?
            .iter()
            .any(|target| target["kind"][0] == "lib"),
        features,
        dependencies: package["dependencies"]
            .as_array()?
            .iter()
            .filter_map(|dependency| dependency["name"].as_str())
            .map(str::to_owned)
            .collect(),
    })
}

/// Compares the packages with the table.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let manifest = format!("{}/Cargo.toml", package.folder);
        let mut finding = |what: String| findings.push(Finding::new(&manifest, 1, what));
        if package.name != format!("astatine-{}", package.folder) {
            finding(format!(
                "package `{}` in folder `{}`: name it astatine-FOLDER",
                package.name, package.folder
            ));
        }
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == package.name) else {
            finding(format!(
                "`{}` is not in the table of edges: decide its floor in xtask/src/tidy/edges.rs",
                package.name
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let is_ours = dependency.starts_with("astatine");
            if is_ours && *dependency != package.name && !allowed.contains(&dependency.as_str()) {
                finding(format!(
                    "`{}` may not depend on `{dependency}`: siblings meet in reactor or in cli",
                    package.name
                ));
            }
        }
    }
    findings
}
