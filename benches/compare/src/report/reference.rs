//! Loggers that this package does not run (C++), or cannot always run (quill), measured earlier on a machine of the
//! same kind in the same harness. Only their ratios to the floors of that run are comparable.

use super::data::{self, Data, ENC, RING_JSON};
use super::tables::{heading, line, short};

/// The floors of the earlier run: `enc` p50, p99 and p99.9 in nanoseconds; `ring_json` in millions of events per second
/// and nanoseconds of processor time per event.
const ENC_P50: f64 = 15.5;
const ENC_P99: f64 = 39.0;
const ENC_P999: f64 = 75.0;
const RING_JSON_SPEED: f64 = 8.9;
const RING_JSON_CPU: f64 = 223.0;

/// A logger of the earlier run.
pub struct Reference {
    /// Its name.
    pub name: &'static str,
    /// The candidate that replaces it when it was measured.
    candidate: &'static str,
    p50: f64,
    p99: f64,
    p999: f64,
    speed: f64,
    cpu: f64,
}

/// The medians of the earlier run. quill and spdlog with their default, unbounded or blocking,
/// queues; fmtlog polling every millisecond.
pub const ALL: [Reference; 4] = [
    Reference {
        name: "fmtlog",
        candidate: "",
        p50: 23.9,
        p99: 60.0,
        p999: 140.0,
        speed: 1.6,
        cpu: 1264.0,
    },
    Reference {
        name: "quill JSON",
        candidate: "quill_json",
        p50: 26.9,
        p99: 57.0,
        p999: 104.0,
        speed: 0.58,
        cpu: 3402.0,
    },
    Reference {
        name: "quill text",
        candidate: "quill_text",
        p50: 30.1,
        p99: 62.0,
        p999: 220.0,
        speed: 2.0,
        cpu: 978.0,
    },
    Reference {
        name: "spdlog async",
        candidate: "",
        p50: 904.0,
        p99: 1768.0,
        p999: 2266.0,
        speed: 1.0,
        cpu: 1728.0,
    },
];

impl Reference {
    /// Its p50 as a multiple of the p50 of floor `enc`.
    pub fn p50_ratio(&self) -> f64 {
        self.p50 / ENC_P50
    }

    /// Its p99 as a multiple of the p99 of floor `enc`.
    pub fn p99_ratio(&self) -> f64 {
        self.p99 / ENC_P99
    }

    /// Its p99.9 as a multiple of the p99.9 of floor `enc`.
    pub fn p999_ratio(&self) -> f64 {
        self.p999 / ENC_P999
    }

    /// Its events per second as a share of those of floor `ring_json`.
    pub fn speed_ratio(&self) -> f64 {
        self.speed / RING_JSON_SPEED
    }
}

/// The ratios, and their products with the floors of this run.
pub fn table(data: &Data) -> String {
    let floor = |name: &str, mode: &str, path: &[&str]| {
        data.series(name, mode).and_then(|series| data::rounds(series, path)).map(|r| r.median)
    };
    let enc = floor(ENC, "latency", &["batch", "p50"]);
    let json = floor(RING_JSON, "throughput", &["events_per_s"]);
    let scaled = |ratio: f64, floor: Option<f64>| {
        floor.map_or_else(|| "–".to_owned(), |floor| short(ratio * floor))
    };
    let mut out =
        "Measured earlier on such a machine, not in this run: ratios to the floors of that \
                   run, and what they come to over the floors of this one.\n\n"
            .to_owned();
    out.push_str(&heading(&[
        "C++",
        "p50 ÷ enc",
        "p99 ÷ enc",
        "p99.9 ÷ enc",
        "p50 over this enc, ns",
        "events/s ÷ ring_json",
        "over this ring_json, M/s",
        "CPU ÷ ring_json",
    ]));
    let is_measured = |logger: &Reference| data.series(logger.candidate, "latency").is_some();
    for logger in ALL.iter().filter(|logger| !is_measured(logger)) {
        out.push_str(&line(&[
            logger.name.to_owned(),
            format!("{:.2}", logger.p50_ratio()),
            format!("{:.2}", logger.p99_ratio()),
            format!("{:.2}", logger.p999_ratio()),
            scaled(logger.p50_ratio(), enc),
            format!("{:.2}", logger.speed_ratio()),
            scaled(logger.speed_ratio(), json.map(|speed| speed / 1e6)),
            format!("{:.1}", logger.cpu / RING_JSON_CPU),
        ]));
    }
    out
}
