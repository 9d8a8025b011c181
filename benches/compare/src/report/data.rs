//! Result records by candidate, and the numbers for the tables.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::candidate::Kind;
use crate::candidates;
use crate::family::Selection;
use crate::stats::Rounds;

/// The floor that latencies are compared with.
pub const ENC: &str = "enc";
/// The floor that a clockless call is compared with.
pub const ENC_COARSE: &str = "enc_coarse";
/// The floor that throughput is compared with.
pub const RING_JSON: &str = "ring_json";

/// All records of one candidate in one mode, by run and round.
pub type Series = BTreeMap<(usize, u64), Value>;

/// All records.
pub struct Data {
    /// The description of each run.
    pub about: Vec<Value>,
    series: BTreeMap<(String, String), Series>,
    /// Candidates in the order of their first record.
    names: Vec<String>,
    selection: Selection,
}

impl Data {
    /// All records.
    #[cfg(test)]
    pub fn of(records: &[Value]) -> Self {
        Self::selected(records, Selection::report())
    }

    /// Sorts the records of one or more result files. Tables get rows of the selected candidates only; ratios to other
    /// candidates can still be formed.
    pub fn selected(records: &[Value], selection: Selection) -> Self {
        let (series, names) = (BTreeMap::new(), Vec::new());
        let mut data = Self { about: Vec::new(), series, names, selection };
        for record in records {
            if record["mode"] == "about" {
                data.about.push(record.clone());
                continue;
            }
            let (Some(name), Some(mode)) = (record["candidate"].as_str(), record["mode"].as_str())
            else {
                continue;
            };
            if !data.names.iter().any(|known| known == name) {
                data.names.push(name.to_owned());
            }
            let round = (data.about.len(), record["round"].as_u64().unwrap_or(0));
            let series = data.series.entry((name.to_owned(), mode.to_owned())).or_default();
            series.insert(round, record.clone());
        }
        data
    }

    /// A candidate's records; `None` when it was not measured in this mode.
    pub fn series(&self, name: &str, mode: &str) -> Option<&Series> {
        self.series.get(&(name.to_owned(), mode.to_owned()))
    }

    /// A quantity over all measurements.
    pub fn overall(&self, path: &[&str]) -> Option<Rounds> {
        Rounds::of(self.series.values().flat_map(|s| s.values()).filter_map(|r| number(r, path)))
    }

    /// Candidates measured in `mode` with a value at `path`, or that failed: floors in their order, then loggers by
    /// `order` of the median, then loggers that lost events, which have no rank.
    pub fn ranked(&self, mode: &str, path: &[&str], order: Order) -> Vec<Row<'_>> {
        let key = |series: &Series| match order {
            Order::LowestFirst => median(series, path),
            Order::HighestFirst => -rounds(series, path).map_or(0.0, |rounds| rounds.median),
        };
        let mut rows: Vec<Row<'_>> = self
            .names
            .iter()
            .filter(|name| self.is_selected(name))
            .filter_map(|name| Some(Row::of(name, self.series(name, mode)?)))
            .filter(|row| row.problem.is_some() || rounds(row.series, path).is_some())
            .collect();
        rows.sort_by(|a, b| {
            let class = |row: &Row<'_>| (!row.is_floor(), row.problem.is_some());
            class(a).cmp(&class(b)).then_with(|| match a.is_floor() {
                true => floor_order(a.name).cmp(&floor_order(b.name)),
                false => key(a.series).total_cmp(&key(b.series)),
            })
        });
        let mut rank = 0;
        for row in rows.iter_mut().filter(|row| row.is_ranked() && row.problem.is_none()) {
            rank += 1;
            row.rank = Some(rank);
        }
        rows
    }

    /// Candidates that this program no longer knows are always selected.
    fn is_selected(&self, name: &str) -> bool {
        candidates::find(name).is_none_or(|entry| self.selection.includes(entry.group))
    }

    /// A quantity divided, round by round, by the same quantity of the candidate `base`.
    pub fn ratio(&self, series: &Series, mode: &str, base: &str, path: &[&str]) -> Option<Rounds> {
        let base = self.series(base, mode)?;
        Rounds::of(series.iter().filter_map(|(round, record)| {
            let below = number(base.get(round)?, path)?;
            (below > 0.0).then_some(number(record, path)? / below)
        }))
    }

    /// What a candidate adds to the quantity of `floor`, divided, round by round, by what `base` adds to it.
    pub fn ratio_above(
        &self,
        series: &Series,
        mode: &str,
        [floor, base]: [&str; 2],
        path: &[&str],
    ) -> Option<Rounds> {
        let (floor, base) = (self.series(floor, mode)?, self.series(base, mode)?);
        Rounds::of(series.iter().filter_map(|(round, record)| {
            let floor = number(floor.get(round)?, path)?;
            let below = number(base.get(round)?, path)? - floor;
            (below > 0.0).then_some((number(record, path)? - floor) / below)
        }))
    }

    /// A quantity minus, round by round, the same quantity of the candidate `base`.
    pub fn difference(
        &self,
        series: &Series,
        mode: &str,
        base: &str,
        path: &[&str],
    ) -> Option<Rounds> {
        let base = self.series(base, mode)?;
        Rounds::of(series.iter().filter_map(|(round, record)| {
            Some(number(record, path)? - number(base.get(round)?, path)?)
        }))
    }
}

fn floor_order(name: &str) -> usize {
    candidates::ALL.iter().position(|entry| entry.name == name).unwrap_or(usize::MAX)
}

/// The order of loggers in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Of times.
    LowestFirst,
    /// Of speeds.
    HighestFirst,
}

/// One line of a table.
pub struct Row<'a> {
    /// The candidate.
    pub name: &'a str,
    /// Its records.
    pub series: &'a Series,
    /// Floor, rival or ringseal.
    pub kind: Kind,
    /// Its rank among the loggers that lost nothing.
    pub rank: Option<usize>,
    /// The reason why it has no rank, as text.
    pub problem: Option<String>,
}

impl<'a> Row<'a> {
    fn of(name: &'a str, series: &'a Series) -> Self {
        let word = series.values().find_map(|record| record["kind"].as_str());
        let listed = || candidates::find(name).map(|entry| entry.kind);
        let kind = word.and_then(Kind::parse).or_else(listed).unwrap_or(Kind::Rival);
        Self { name, series, kind, rank: None, problem: problem(series) }
    }

    fn is_ranked(&self) -> bool {
        matches!(self.kind, Kind::Own | Kind::Rival)
    }

    /// Whether it is a floor.
    pub fn is_floor(&self) -> bool {
        self.kind == Kind::Floor
    }
}

/// The problems in all rounds, as text.
pub fn problem(series: &Series) -> Option<String> {
    let bad: Vec<&Value> = series.values().filter(|record| record["good"] != true).collect();
    if let Some(failed) = bad.iter().find_map(|record| record["failed"].as_str()) {
        return Some(format!("failed: {failed}"));
    }
    let sum = |key: &str| -> u64 { bad.iter().filter_map(|record| record[key].as_u64()).sum() };
    let of = || format!("in {} of {} rounds", bad.len(), series.len());
    let counts: Vec<String> = ["lost", "twice", "wrong"]
        .into_iter()
        .filter(|key| sum(key) > 0)
        .map(|key| format!("{} {key}", sum(key)))
        .collect();
    match (bad.first(), counts.is_empty()) {
        (None, _) => None,
        (Some(_), false) => {
            Some(format!("{} of {} events {}", counts.join(", "), sum("events"), of()))
        }
        (Some(first), true) => Some(first["complaint"].as_str().unwrap_or("bad").to_owned()),
    }
}

/// The number at `path` in a record.
pub fn number(record: &Value, path: &[&str]) -> Option<f64> {
    path.iter().try_fold(record, |value, key| value.get(key))?.as_f64()
}

/// The quantity over all rounds.
pub fn rounds(series: &Series, path: &[&str]) -> Option<Rounds> {
    Rounds::of(series.values().filter_map(|record| number(record, path)))
}

/// The median of the quantity; infinite if there is no value, so that it sorts last.
pub fn median(series: &Series, path: &[&str]) -> f64 {
    rounds(series, path).map_or(f64::INFINITY, |rounds| rounds.median)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(name: &str, kind: &str, round: u64, p50: f64, lost: u64) -> Value {
        json!({
            "candidate": name, "kind": kind, "mode": "latency", "round": round, "events": 10,
            "lost": lost, "good": lost == 0, "batch": {"p50": p50},
        })
    }

    #[test]
    fn losers_have_no_rank_and_ratios_compare_rounds() {
        let records = [
            record(ENC, "floor", 0, 10.0, 0),
            record(ENC, "floor", 1, 20.0, 0),
            record("slow", "rival", 0, 30.0, 0),
            record("slow", "rival", 1, 60.0, 0),
            record("loser", "rival", 0, 1.0, 3),
            record("fast", "rival", 0, 12.0, 0),
            record("other way", "variant", 0, 11.0, 0),
        ];
        let data = Data::of(&records);
        let rows = data.ranked("latency", &["batch", "p50"], Order::LowestFirst);
        let found: Vec<_> = rows.iter().map(|row| (row.name, row.rank)).collect();
        let wanted = [
            (ENC, None),
            ("other way", None),
            ("fast", Some(1)),
            ("slow", Some(2)),
            ("loser", None),
        ];
        assert_eq!(found, wanted);
        assert_eq!(rows[4].problem.as_deref(), Some("3 lost of 10 events in 1 of 1 rounds"));
        let ratio = data.ratio(rows[3].series, "latency", ENC, &["batch", "p50"]);
        assert_eq!(ratio, Some(Rounds { low: 3.0, median: 3.0, high: 3.0 }));
    }

    #[test]
    fn rows_are_selected_and_need_a_value() {
        let mut unmeasured = record("tracing", "rival", 0, 30.0, 0);
        unmeasured["batch"] = Value::Null;
        let failed = json!({"candidate": "slog", "mode": "latency", "failed": "ended"});
        let records = [
            record(ENC, "floor", 0, 10.0, 0),
            record("ringseal", "own", 0, 20.0, 0),
            unmeasured,
            failed,
        ];
        for (families, expected) in [
            (None, vec![ENC, "ringseal", "slog"]),
            (Some("ringseal,rust"), vec!["ringseal", "slog"]),
            (Some("floors"), vec![ENC]),
        ] {
            let mut selection = Selection::report();
            families.map_or(Ok(()), |list| selection.add(list)).expect("known families");
            let data = Data::selected(&records, selection);
            let rows = data.ranked("latency", &["batch", "p50"], Order::LowestFirst);
            assert_eq!(rows.iter().map(|row| row.name).collect::<Vec<_>>(), expected);
            let own = data.series("ringseal", "latency").expect("it is kept");
            let ratio = data.ratio(own, "latency", ENC, &["batch", "p50"]);
            assert_eq!(ratio.map(|ratio| ratio.median), Some(2.0), "{families:?}");
        }
    }
}
