//! Instructions of one log call, and of the writer for one event, counted by callgrind; and sizes of code.
//!
//! ```sh
//! cargo run --release                  # prints the tables
//! cargo run --release -- check         # fails if a number exceeds its bound in bounds.tsv, unless the versions differ
//! cargo run --release -- --quill DIR   # with the code of quill's call sites; DIR is a checkout of odygrd/quill
//! cargo run --release --features audit -- check    # the audit log's call, whose feature changes all other numbers
//! cargo run --release --features http -- check     # the HTTP layer's requests, for the same reason
//! cargo run --release --features bridges -- check  # events of tracing and log, for the same reason
//! ```
//!
//! Times on a shared machine differ by a factor of two or three; counts do not, so they can be a gate. Each case runs
//! in a separate process under `valgrind --tool=callgrind`, once with few and once with many events, and the difference
//! divided by the difference of the events is the count. Work that happens once (start, first event of the thread,
//! flush) cancels out.
//!
//! - A call: only the function of [`cases`] that logs in a loop is collected, so the count does not include the writer.
//!   The same loop without a call is counted too and subtracted.
//! - A cold call: the whole function around a thread's first call, and around the first call of a call site. System
//!   calls count as nothing.
//! - A request: the same with a service that is called, and the service without a layer in place of the loop.
//! - The writer: the thread's own total. The ring holds all events and the writer wakes for the flush, so both runs
//!   have the same number of turns.
//! - Sizes: see [`sizes`].
// With a feature, only its cases are counted.
#![cfg_attr(any(feature = "audit", feature = "http", feature = "bridges"), allow(dead_code))]

#[cfg(feature = "audit")]
mod audit;
#[cfg(feature = "bridges")]
mod bridges;
mod callgrind;
mod cases;
mod cold;
#[cfg(feature = "http")]
mod http;
mod sizes;
mod typed;
mod versions;

use std::path::Path;
use std::process::ExitCode;

use cases::{Case, Collect};
use sizes::SIZES;

/// A bound may be exceeded by this share: the number of digits in a time, and the engine's own events, differ from run
/// to run.
const SLACK: f64 = 0.005;

/// The same for first calls and whole programs, in which allocators, hashes of addresses and names of paths take part.
const COLD_SLACK: f64 = 0.03;

/// A count above its bound is repeated, up to this number of counts in total; the lowest one is the result.
const TRIES: usize = 3;

const BOUNDS: &str = include_str!("../bounds.tsv");

const USAGE: &str = "usage: instructions [check] [--quill DIR]\n\
    prints instruction counts and sizes of code; with `check`, fails if one is above its bound in bounds.tsv, and\n\
    checks nothing with other versions of rustc, glibc or valgrind, or another instruction set, than those of the\n\
    bounds; --quill adds the code of quill's call sites, compiled with the headers of DIR\n\
    needs valgrind (callgrind), and nm and strip (binutils)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        [] => report(false, None),
        ["check"] => report(true, None),
        ["--quill", dir] => report(false, Some(Path::new(dir))),
        ["check", "--quill", dir] => report(true, Some(Path::new(dir))),
        ["run", name, events] => run(name, events).map(|()| true),
        [callgrind::REPORT_SET] => {
            println!("{}", versions::instruction_set());
            Ok(true)
        }
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

/// Whether this build counts the cases of a feature only.
const IS_FEATURE: bool = cfg!(any(feature = "audit", feature = "http", feature = "bridges"));

#[cfg(any(
    all(feature = "audit", feature = "http"),
    all(feature = "bridges", any(feature = "audit", feature = "http"))
))]
compile_error!("each feature changes the counts of the others; use one");

/// The rows of counts of this build.
fn cases() -> &'static [Case] {
    #[cfg(feature = "audit")]
    return audit::CASES;
    #[cfg(all(feature = "http", not(feature = "audit")))]
    return http::CASES;
    #[cfg(all(feature = "bridges", not(any(feature = "audit", feature = "http"))))]
    return bridges::CASES;
    #[cfg(not(any(feature = "audit", feature = "http", feature = "bridges")))]
    cases::CASES
}

/// What is subtracted from the counts of functions.
fn base() -> &'static Case {
    #[cfg(feature = "http")]
    return &http::BARE;
    #[cfg(not(feature = "http"))]
    &cases::LOOP
}

/// Runs one case in this process; callgrind counts it.
fn run(name: &str, events: &str) -> Result<(), String> {
    let case = cases().iter().chain([base()]).find(|case| case.name == name);
    let case = case.ok_or_else(|| format!("expected the name of a case, found `{name}`"))?;
    let events = events.parse().map_err(|_| format!("expected a number, found `{events}`"))?;
    case.run(events)
}

/// Counts every case and prints the tables. Returns whether all bounds hold; without `is_check`, or with other versions
/// than those of the bounds, they always do.
fn report(is_check: bool, quill: Option<&Path>) -> Result<bool, String> {
    let (here, recorded) = (versions::here()?, row_of(versions::NAME)?);
    let is_comparable = here == recorded;
    if !is_comparable {
        println!("the bounds were recorded with {recorded}; here is {here}: nothing is checked\n");
    }
    println!("| case | count | bound |\n|---|---:|---:|");
    let base_count = per_event(base())?;
    let mut all_hold = true;
    for case in cases() {
        all_hold &= report_case(case, base_count)?;
    }
    if IS_FEATURE {
        return Ok(all_hold || !is_check || !is_comparable);
    }
    for size in SIZES {
        let (bytes, bound) = ((size.measure)()? as f64, bound_of(size.name)?);
        let holds = bytes <= bound * (1.0 + slack_of(size.name));
        all_hold &= holds;
        print_row(size.title, bytes, bound, holds);
    }
    sizes::print_others(quill)?;
    Ok(all_hold || !is_check || !is_comparable)
}

/// Counts a case and prints its row; returns whether its bound holds.
fn report_case(case: &Case, base_count: f64) -> Result<bool, String> {
    let base = match case.collect {
        Collect::Function(_) if !is_cold(case.name) && !cfg!(feature = "audit") => base_count,
        _ => 0.0,
    };
    let bound = bound_of(case.name)?;
    let mut count = f64::INFINITY;
    let mut holds = false;
    for _ in 0..TRIES {
        count = count.min(per_event(case)? - base);
        holds = count <= bound * (1.0 + slack_of(case.name)) + 0.5;
        if holds {
            break;
        }
    }
    print_row(case.title, count, bound, holds);
    Ok(holds)
}

fn is_cold(name: &str) -> bool {
    name.starts_with("cold_")
}

fn slack_of(name: &str) -> f64 {
    if is_cold(name) || name.starts_with("binary_") { COLD_SLACK } else { SLACK }
}

fn print_row(title: &str, count: f64, bound: f64, holds: bool) {
    let verdict = if holds { "" } else { ", **exceeded**" };
    println!("| {title} | {count:.0} | {bound:.0}{verdict} |");
}

fn per_event(case: &Case) -> Result<f64, String> {
    let [few, many] = case.events;
    let counts = (callgrind::count(case, few)?, callgrind::count(case, many)?);
    Ok((counts.1 as f64 - counts.0 as f64) / (many - few) as f64)
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
