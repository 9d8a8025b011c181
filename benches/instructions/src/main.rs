//! Instructions of one log call, and of the writer for one event, counted by callgrind; and the size of a call site.
//!
//! ```sh
//! cargo run --release            # prints the table
//! cargo run --release -- check   # fails if a count is above its bound in bounds.tsv, unless the versions differ
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
mod sizes;
mod versions;

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
    prints instruction counts; with `check`, fails if one is above its bound in bounds.tsv, and checks nothing\n\
    with other versions of rustc, glibc or valgrind than those of the bounds\n\
    needs valgrind (callgrind) and nm (binutils)";

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

/// Counts every case and prints the table. Returns whether all bounds hold; without `is_check`, or with other versions
/// than those of the bounds, they always do.
fn report(is_check: bool) -> Result<bool, String> {
    let (here, recorded) = (versions::here()?, row_of(versions::NAME)?);
    let is_comparable = here == recorded;
    if !is_comparable {
        println!("the bounds were recorded with {recorded}; here is {here}: nothing is checked\n");
    }
    println!("| case | count | bound |\n|---|---:|---:|");
    let loop_count = per_event(&LOOP)?;
    let mut all_hold = true;
    for case in CASES {
        let is_call = matches!(case.collect, Collect::Function(_));
        let base = if is_call { loop_count } else { 0.0 };
        let bound = bound_of(case.name)?;
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
        print_row(case.title, count, bound, holds);
    }
    let (bytes, bound) = (sizes::site_bytes()? as f64, bound_of(sizes::NAME)?);
    let holds = bytes <= bound * (1.0 + SLACK);
    print_row(sizes::TITLE, bytes, bound, holds);
    Ok(all_hold && holds || !is_check || !is_comparable)
}

fn print_row(title: &str, count: f64, bound: f64, holds: bool) {
    let verdict = if holds { "" } else { ", **exceeded**" };
    println!("| {title} | {count:.0} | {bound:.0}{verdict} |");
}

fn per_event(case: &Case) -> Result<f64, String> {
    let (few, many) = (callgrind::count(case, FEW)?, callgrind::count(case, MANY)?);
    Ok((many as f64 - few as f64) / (MANY - FEW) as f64)
}

fn bound_of(name: &str) -> Result<f64, String> {
    let bound = row_of(name)?;
    bound.parse().map_err(|_| format!("bounds.tsv: `{bound}` is not a number"))
}

fn row_of(name: &str) -> Result<&'static str, String> {
    let rows = BOUNDS.lines().filter(|line| !line.starts_with('#'));
    let mut rows = rows.filter_map(|line| line.split_once('\t'));
    let row = rows.find(|(row, _)| *row == name);
    let (_, value) = row.ok_or_else(|| format!("bounds.tsv has no row for `{name}`"))?;
    Ok(value.trim())
}
