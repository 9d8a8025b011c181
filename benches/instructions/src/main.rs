//! Instructions of one log call, and of the writer for one event, counted by callgrind.
//!
//! ```sh
//! cargo run --release            # prints the table
//! cargo run --release -- check   # fails if a count is above its bound in bounds.tsv
//! ```
//!
//! Times on a shared machine differ by a factor of two or three; counts do not, so they can be a gate. Each case runs
//! in a separate process under `valgrind --tool=callgrind`, once with [`FEW`] and once with [`MANY`] events, and the
//! difference divided by the difference of the events is the count. Work that happens once (start, first event of the
//! thread, flush) cancels out.
//!
//! - A call: only the function of [`cases`] that logs in a loop is collected, so the count does not include the writer.
//!   The same loop without a call is counted too and subtracted.
//! - The writer: the thread's own total. The ring holds all events and the writer wakes for the flush, so both runs
//!   have the same number of turns.
mod callgrind;
mod cases;

use std::process::ExitCode;

use cases::{CASES, Case, Collect, LOOP};

/// Events of the shorter run.
const FEW: u64 = 1_000;
/// Events of the longer run. Its records fit into the ring of [`cases`].
const MANY: u64 = 9_000;

/// A bound may be exceeded by this share: the number of digits in a time, and the engine's own events, differ from run
/// to run.
const SLACK: f64 = 0.005;

/// A count above its bound is repeated, up to this number of counts in total; the lowest one is the result.
const TRIES: usize = 3;

const BOUNDS: &str = include_str!("../bounds.tsv");

const USAGE: &str = "usage: instructions [check]\n\
    prints instruction counts; with `check`, fails if one is above its bound in bounds.tsv\n\
    needs valgrind (callgrind)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        [] => report(false),
        ["check"] => report(true),
        ["run", name, events] => run(name, events).map(|()| true),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

/// Runs one case in this process; callgrind counts it.
fn run(name: &str, events: &str) -> Result<(), String> {
    let case = CASES.iter().chain([&LOOP]).find(|case| case.name == name);
    let case = case.ok_or_else(|| format!("expected the name of a case, found `{name}`"))?;
    let events = events.parse().map_err(|_| format!("expected a number, found `{events}`"))?;
    case.run(events)
}

/// Counts every case and prints the table. Returns whether all bounds hold; without `is_check` they always do.
fn report(is_check: bool) -> Result<bool, String> {
    println!("| case | instructions | bound |\n|---|---:|---:|");
    let loop_count = per_event(&LOOP)?;
    let mut all_hold = true;
    for case in CASES {
        let is_call = matches!(case.collect, Collect::Function(_));
        let base = if is_call { loop_count } else { 0.0 };
        let bound = bound_of(case)?;
        let mut count = f64::INFINITY;
        let mut holds = false;
        for _ in 0..TRIES {
            count = count.min(per_event(case)? - base);
            holds = count <= bound * (1.0 + SLACK) + 0.5;
            if holds {
                break;
            }
        }
        all_hold &= holds;
        let verdict = if holds { "" } else { ", **exceeded**" };
        println!("| {} | {count:.0} | {bound:.0}{verdict} |", case.title);
    }
    Ok(all_hold || !is_check)
}

fn per_event(case: &Case) -> Result<f64, String> {
    let (few, many) = (callgrind::count(case, FEW)?, callgrind::count(case, MANY)?);
    Ok((many as f64 - few as f64) / (MANY - FEW) as f64)
}

fn bound_of(case: &Case) -> Result<f64, String> {
    let rows = BOUNDS.lines().filter(|line| !line.starts_with('#'));
    let mut rows = rows.filter_map(|line| line.split_once('\t'));
    let row = rows.find(|(name, _)| *name == case.name);
    let (_, bound) = row.ok_or_else(|| format!("bounds.tsv has no row for `{}`", case.name))?;
    bound.trim().parse().map_err(|_| format!("bounds.tsv: `{bound}` is not a number"))
}
