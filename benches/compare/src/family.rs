//! Families: named groups of measurements and of candidates. `--family` selects some of them.
//!
//! To add a group that can run alone: a [`Measurement`] or a [`Group`], and its row in [`ALL`]. The usage text, the
//! error for an unknown name and `--list-families` are made from that table.

use crate::candidate::Kind;

/// A group of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measurement {
    /// Batches of calls.
    Latency,
    /// Single calls and cold calls.
    Pauses,
    /// Events at full speed, end to end.
    Throughput,
    /// ringseal by ring capacity and batch size.
    Capacity,
    /// ringseal by number of rings.
    Rings,
    /// ringseal when idle and at its start.
    Idle,
    /// The header `traceparent`, read and written.
    TraceParent,
    /// Polls, events in contexts, and spans.
    Context,
    /// Events of `tracing` and `log`, by where they go.
    Bridges,
    /// Typed events beside `info!`.
    Typed,
    /// Requests of a service with HTTP layers.
    Http,
}

/// A group of candidates; each candidate is in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The floors that the targets are set against.
    Floors,
    /// Floors that resemble ringseal in one more respect each: experiments about what bounds it.
    Bounds,
    /// ringseal and its configurations.
    Ringseal,
    /// Loggers in Rust.
    Rust,
    /// Loggers in C++.
    Cpp,
}

impl Group {
    /// The group of a candidate that does not name one.
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Floor => Self::Floors,
            Kind::Own | Kind::Variant => Self::Ringseal,
            Kind::Rival => Self::Rust,
        }
    }
}

/// What a family consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Members {
    /// Measurements of the selected candidates.
    Measurements(&'static [Measurement]),
    /// Candidates, in the selected measurements.
    Candidates(Group),
}

/// A row of the table.
#[derive(Debug)]
pub struct Family {
    /// The name on the command line.
    pub name: &'static str,
    /// What belongs to it, for `--list-families`.
    pub about: &'static str,
    /// What it consists of.
    pub members: Members,
}

const fn measurements(
    name: &'static str,
    about: &'static str,
    members: &'static [Measurement],
) -> Family {
    Family { name, about, members: Members::Measurements(members) }
}

const fn candidates(name: &'static str, about: &'static str, group: Group) -> Family {
    Family { name, about, members: Members::Candidates(group) }
}

/// The measurements of `compare sweep`.
pub const SWEEP: &[Measurement] = &[Measurement::Capacity, Measurement::Rings, Measurement::Idle];

/// Every family.
pub const ALL: &[Family] = &[
    measurements("latency", "batches of 20 calls", &[Measurement::Latency]),
    measurements("pauses", "single calls and cold calls", &[Measurement::Pauses]),
    measurements("throughput", "events at full speed, end to end", &[Measurement::Throughput]),
    measurements("capacity", "ringseal by ring and batch size", &[Measurement::Capacity]),
    measurements("rings", "ringseal by number of rings", &[Measurement::Rings]),
    measurements("idle", "ringseal when idle, at its start, and its size", &[Measurement::Idle]),
    measurements("sweep", "capacity, rings and idle", SWEEP),
    measurements(
        "traceparent",
        "the header of W3C Trace Context, read and written; a separate run",
        &[Measurement::TraceParent],
    ),
    measurements(
        "context",
        "polls with a context, events in it, and spans; a separate run",
        &[Measurement::Context],
    ),
    measurements(
        "bridges",
        "events of tracing and log, by where they go; a separate run",
        &[Measurement::Bridges],
    ),
    measurements(
        "typed",
        "typed events beside `info!` with the same fields; a separate run",
        &[Measurement::Typed],
    ),
    measurements(
        "http",
        "a request by HTTP layers, in process and over loopback; a separate run",
        &[Measurement::Http],
    ),
    candidates("floors", "the minimum cost of the same work", Group::Floors),
    candidates("bounds", "floors that resemble ringseal in one more respect each", Group::Bounds),
    candidates("ringseal", "ringseal in all its configurations", Group::Ringseal),
    candidates("rust", "other loggers in Rust", Group::Rust),
    candidates("cpp", "loggers in C++; needs --quill", Group::Cpp),
];

/// The measurements of `compare run`. The sweep is a separate run.
const RUN: &[Measurement] = &[Measurement::Latency, Measurement::Pauses, Measurement::Throughput];

/// The selected measurements and candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The measurements if no family of measurements was given.
    default: &'static [Measurement],
    measurements: Vec<Measurement>,
    /// Empty for all.
    groups: Vec<Group>,
}

impl Selection {
    const fn new(default: &'static [Measurement]) -> Self {
        Self { default, measurements: Vec::new(), groups: Vec::new() }
    }

    /// What `compare run` measures by default.
    pub const fn run() -> Self {
        Self::new(RUN)
    }

    /// What `compare sweep` measures by default.
    pub const fn sweep() -> Self {
        Self::new(SWEEP)
    }

    /// What `compare report` shows by default: everything.
    pub const fn report() -> Self {
        use Measurement::*;
        Self::new(&[
            Latency,
            Pauses,
            Throughput,
            Capacity,
            Rings,
            Idle,
            TraceParent,
            Context,
            Bridges,
            Typed,
            Http,
        ])
    }

    /// Adds the families of a comma-separated list. Families of one sort add up, and the two sorts combine:
    /// `latency,floors` is the latency of the floors.
    pub fn add(&mut self, list: &str) -> Result<(), String> {
        for name in list.split(',') {
            match find(name)?.members {
                Members::Measurements(members) => self.measurements.extend(members),
                Members::Candidates(group) => self.groups.push(group),
            }
        }
        Ok(())
    }

    /// Whether no family was given.
    pub fn is_default(&self) -> bool {
        self.measurements.is_empty() && self.groups.is_empty()
    }

    /// Whether this measurement is selected.
    pub fn has(&self, measurement: Measurement) -> bool {
        match self.measurements.as_slice() {
            [] => self.default.contains(&measurement),
            chosen => chosen.contains(&measurement),
        }
    }

    /// Whether the candidates of this group are selected.
    pub fn includes(&self, group: Group) -> bool {
        self.groups.is_empty() || self.groups.contains(&group)
    }
}

/// A line for each family.
pub fn list() -> String {
    let line = |family: &Family| {
        let sort = match family.members {
            Members::Measurements(_) => "measurements",
            Members::Candidates(_) => "candidates",
        };
        format!("{:<12} {sort:<13} {}\n", family.name, family.about)
    };
    ALL.iter().map(line).collect()
}

fn find(name: &str) -> Result<&'static Family, String> {
    ALL.iter().find(|family| family.name == name).ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|family| family.name).collect();
        format!("expected a family, one of {}, found {name}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(mut selection: Selection, lists: &[&str]) -> Selection {
        lists.iter().for_each(|list| selection.add(list).expect(list));
        selection
    }

    #[test]
    fn families_of_both_sorts_combine() {
        use {Group::*, Measurement::*};
        let table: [(&[&str], &[Measurement], &[Group]); 10] = [
            (&[], &[Latency, Pauses, Throughput], &[Floors, Bounds, Ringseal, Rust, Cpp]),
            (&["pauses"], &[Pauses], &[Floors, Bounds, Ringseal, Rust, Cpp]),
            (&["floors,cpp"], &[Latency, Pauses, Throughput], &[Floors, Cpp]),
            (&["latency", "rust,throughput"], &[Latency, Throughput], &[Rust]),
            (&["sweep"], &[Capacity, Rings, Idle], &[Floors, Bounds, Ringseal, Rust, Cpp]),
            (&["traceparent"], &[TraceParent], &[Floors, Bounds, Ringseal, Rust, Cpp]),
            (&["context"], &[Context], &[Floors, Bounds, Ringseal, Rust, Cpp]),
            (&["bridges"], &[Bridges], &[Floors, Bounds, Ringseal, Rust, Cpp]),
            (&["typed"], &[Typed], &[Floors, Bounds, Ringseal, Rust, Cpp]),
            (&["http"], &[Http], &[Floors, Bounds, Ringseal, Rust, Cpp]),
        ];
        for (lists, measurements, groups) in table {
            let chosen = given(Selection::run(), lists);
            for measurement in [
                Latency,
                Pauses,
                Throughput,
                Capacity,
                Rings,
                Idle,
                TraceParent,
                Context,
                Bridges,
                Typed,
                Http,
            ] {
                let expected = measurements.contains(&measurement);
                assert_eq!(chosen.has(measurement), expected, "{lists:?} {measurement:?}");
            }
            for group in [Floors, Bounds, Ringseal, Rust, Cpp] {
                assert_eq!(chosen.includes(group), groups.contains(&group), "{lists:?} {group:?}");
            }
        }
    }

    #[test]
    fn each_verb_has_its_own_default() {
        use Measurement::*;
        let table = [
            (Selection::run(), [true, true, true, false, false, false]),
            (Selection::sweep(), [false, false, false, true, true, true]),
            (Selection::report(), [true; 6]),
        ];
        for (selection, expected) in table {
            let has = |selection: &Selection| {
                [Latency, Pauses, Throughput, Capacity, Rings, Idle].map(|m| selection.has(m))
            };
            assert_eq!(has(&selection), expected);
            assert_eq!(has(&given(selection.clone(), &["floors"])), expected);
            assert!(selection.is_default());
            let rings = given(selection, &["rings"]);
            assert_eq!(has(&rings), [false, false, false, false, true, false]);
            assert!(!rings.is_default());
        }
    }

    #[test]
    fn an_unknown_family_is_answered_with_all_names() {
        for bad in ["tunnels", "latency,tunnels", "", "latency,"] {
            let error = Selection::run().add(bad).expect_err(bad);
            assert!(ALL.iter().all(|family| error.contains(family.name)), "{error}");
            assert!(error.ends_with(&format!("found {}", bad.rsplit(',').next().unwrap_or(""))));
        }
    }

    #[test]
    fn every_family_is_listed_once() {
        let list = list();
        for (at, family) in ALL.iter().enumerate() {
            assert!(ALL[..at].iter().all(|other| other.name != family.name), "{}", family.name);
            let first = |line: &str| line.split_whitespace().next() == Some(family.name);
            assert_eq!(list.lines().filter(|line| first(line)).count(), 1, "{}", family.name);
        }
    }
}
