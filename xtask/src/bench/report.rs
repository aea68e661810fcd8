//! Figures as ratios: the table at the end, and JSON.

use std::path::Path;

use serde_json::{Value, json};

use crate::failure::Failure;

const OURS: &str = "astatine";
/// What a figure may stand beside, in the table's order: servers, then template engines.
const PEERS: &[&str] = &[
    "limit",
    "hyper",
    "axum",
    "axum-select",
    "actix",
    "nginx",
    "fastwebsockets",
    "tungstenite",
    "nchan",
    "askama",
    "ramhorns",
    "handlebars",
    "minijinja",
];

/// What one server showed, once a round.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) server: &'static str,
    pub(super) values: Vec<f64>,
}

/// The most that is aimed at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    /// The peer that the ratio is to; without one, the value itself counts.
    pub(super) beside: Option<&'static str>,
    pub(super) at_most: f64,
}

impl Target {
    pub(super) const fn beside(peer: &'static str, at_most: f64) -> Self {
        Self {
            beside: Some(peer),
            at_most,
        }
    }
}

/// One measured thing, of all servers that took part.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) unit: &'static str,
    pub(super) samples: Vec<Sample>,
    pub(super) targets: Vec<Target>,
}

/// The middle and the ends of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    /// Returns `None` for no values.
    pub(super) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let below = values[(values.len() - 1) / 2];
        let median = f64::midpoint(below, values[middle]);
        Some(Self { median, min, max })
    }
}

impl Figure {
    fn values(&self, server: &str) -> Option<&[f64]> {
        let sample = self.samples.iter().find(|s| s.server == server)?;
        Some(&sample.values)
    }

    /// Returns our value divided by a peer's of the same round, over all rounds.
    pub(super) fn ratio(&self, peer: &str) -> Option<Spread> {
        let ours = self.values(OURS)?.iter();
        let ratios = ours.zip(self.values(peer)?).map(|(ours, peer)| ours / peer);
        Spread::of(ratios.collect())
    }

    /// Tells whether a target is met; `None` without the values for it.
    pub(super) fn is_met(&self, target: &Target) -> Option<bool> {
        let reached = match target.beside {
            Some(peer) => self.ratio(peer)?,
            None => Spread::of(self.values(OURS)?.to_vec())?,
        };
        Some(reached.median <= target.at_most)
    }

    fn verdict(&self, target: &Target) -> &'static str {
        match self.is_met(target) {
            Some(true) => "met",
            Some(false) => "missed",
            None => "not measured",
        }
    }

    fn cells(&self, peers: &[&str]) -> Vec<String> {
        let ours = self.values(OURS).and_then(|v| Spread::of(v.to_vec()));
        let mut cells = vec![
            self.name.clone(),
            ours.map_or_else(
                || "-".to_owned(),
                |ours| format!("{} {}", rounded(ours.median), self.unit),
            ),
        ];
        for peer in peers {
            cells.push(self.ratio(peer).map_or_else(
                || "-".to_owned(),
                |ratio| {
                    let half = (ratio.max - ratio.min) / 2.0 / ratio.median * 100.0;
                    format!("{:.2} ±{half:.0}%", ratio.median)
                },
            ));
        }
        let at_most = |target: &Target| match target.beside {
            Some(peer) => format!("{} x {peer}", target.at_most),
            None => format!("{} {}", target.at_most, self.unit),
        };
        let verdict = |target: &Target| self.verdict(target).to_owned();
        let joined = |cell: &dyn Fn(&Target) -> String| {
            let cells: Vec<_> = self.targets.iter().map(cell).collect();
            cells.join(", ")
        };
        cells.push(joined(&at_most));
        cells.push(joined(&verdict));
        cells
    }

    fn to_json(&self) -> Value {
        let by_server = |of: &dyn Fn(&Sample) -> Value| -> Value {
            let pairs = self.samples.iter();
            pairs
                .map(|s| (s.server.to_owned(), of(s)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let spread = |spread: Option<Spread>| {
            spread.map(|s| json!({ "median": s.median, "min": s.min, "max": s.max }))
        };
        json!({
            "name": self.name,
            "unit": self.unit,
            "values": by_server(&|sample| json!(sample.values)),
            "medians": by_server(&|sample| json!(Spread::of(sample.values.clone()).map(|s| s.median))),
            "ratios": by_server(&|sample| json!(spread(self.ratio(sample.server)))),
            "targets": self.targets.iter().map(|target| json!({
                "beside": target.beside,
                "at_most": target.at_most,
                "is_met": self.is_met(target),
            })).collect::<Vec<_>>(),
        })
    }
}

/// An area's figures.
#[derive(Debug)]
pub(super) struct Report {
    area: &'static str,
    figures: Vec<Figure>,
    /// What could not be measured, and why.
    pub(super) missing: Vec<String>,
}

impl Report {
    pub(super) fn new(area: &'static str) -> Self {
        Self {
            area,
            figures: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Takes a figure.
    pub(super) fn add(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    /// Notes something that could not be measured.
    pub(super) fn miss(&mut self, what: String) {
        eprintln!("xtask: not measured: {what}");
        self.missing.push(what);
    }

    /// Writes the figures with the values of every round.
    pub(super) fn write_json(&self, path: &Path) -> Result<(), Failure> {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let figures: Vec<Value> = self.figures.iter().map(Figure::to_json).collect();
        let report = json!({
            "area": self.area,
            "kernel": kernel.trim(),
            "figures": figures,
            "missing": self.missing,
        });
        std::fs::write(path, format!("{report:#}\n"))
            .map_err(Failure::io(path.display().to_string()))?;
        println!("==> {}", path.display());
        Ok(())
    }
}

/// Prints all figures as one table: ours, and ours divided by each peer's.
pub(super) fn print(reports: &[Report]) {
    let figures = || reports.iter().flat_map(|report| &report.figures);
    let mut peers = PEERS.to_vec();
    peers.retain(|peer| figures().any(|figure| figure.values(peer).is_some()));
    let mut rows = vec![headings(&peers)];
    rows.extend(figures().map(|figure| figure.cells(&peers)));
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    println!();
    for row in rows {
        let padded = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    }
    println!(
        "\nThe ratios are ours to the peer's, less is better; the median of the rounds, and half \
         the spread."
    );
    for what in reports.iter().flat_map(|report| &report.missing) {
        println!("not measured: {what}");
    }
}

fn headings(peers: &[&str]) -> Vec<String> {
    let peers = peers.iter().map(|peer| format!("to {peer}"));
    let ends = |names: [&str; 2]| names.map(str::to_owned);
    let mut headings = ends(["figure", "ours"]).to_vec();
    headings.extend(peers);
    headings.extend(ends(["at most", "target"]));
    headings
}

/// Writes a value with three digits or more.
fn rounded(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}
