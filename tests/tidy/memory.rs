//! `unsafe` and atomics: where they may be used, and which notes they need.
use std::collections::BTreeSet;

use super::source::{Source, find_word};

/// Directories and files that may use `unsafe`, and why.
pub const UNSAFE_PLACES: &[(&str, &str)] = &[
    ("src/ringbuf/", "the ring's memory"),
    ("crates/base/src/process/", "hooks at the exit and handlers of signals"),
    ("crates/base/src/simd/", "vector instructions and the cursor over spare capacity"),
    ("crates/base/src/storage/", "files mapped into memory, and record locks"),
    ("crates/base/src/tsc.rs", "the time-stamp counter"),
];

/// Programs outside of the engine that may use `unsafe`.
const UNSAFE_OUTSIDE: &[(&str, &str)] = &[
    ("tests/an_enabled_call_never_allocates.rs", "a counting allocator"),
    ("tests/a_token_allocates_nothing.rs", "a counting allocator"),
    ("crates/counting-allocator/src/lib.rs", "a counting allocator"),
    ("tests/an_audit_append_never_allocates.rs", "a counting allocator"),
    ("tests/an_end_drains.rs", "signals and forks"),
    ("tests/a_host_keeps_its_signals.rs", "a host's signal handlers"),
    ("tests/every_end_is_recovered.rs", "signals and faults"),
    ("tests/exits_drain_without_a_guard.rs", "exit hooks and forks"),
    ("tests/forks_leave_homes_alone.rs", "forks"),
    ("tests/locks_end_with_their_process.rs", "forks"),
    ("tests/support/second_copy.rs", "functions of a library that is loaded at run time"),
    ("tests/two_copies_do_not_disturb_each_other.rs", "a library that is loaded at run time"),
    ("benches/compare/src/bin/http/counting.rs", "a counting allocator"),
    ("benches/compare/src/bin/traceparent.rs", "a counting allocator"),
    ("benches/compare/src/ring.rs", "the floor's ring"),
    ("benches/compare/src/tsc.rs", "the time-stamp counter"),
];

/// Whether a file belongs to one of the libraries.
fn is_library(path: &str) -> bool {
    let roots = [
        "src/",
        "crates/base/src/",
        "crates/redact/src/",
        "crates/audit/src/",
        "crates/tower/src/",
    ];
    roots.iter().any(|root| path.starts_with(root))
}

/// Whether a file may use `unsafe`.
fn may_be_unsafe(path: &str) -> bool {
    let holds =
        |place: &str| if place.ends_with('/') { path.starts_with(place) } else { path == place };
    UNSAFE_PLACES.iter().any(|(place, _)| holds(place))
}

/// `unsafe` is used only where it is allowed.
pub fn unsafe_place(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        let is_outside = UNSAFE_OUTSIDE.iter().any(|(file, _)| *file == source.path);
        if is_outside || may_be_unsafe(&source.path) {
            continue;
        }
        for (number, line) in source.numbered() {
            if find_word(&line.code, "unsafe").is_some() {
                breaches
                    .push(source.breach(number, "`unsafe` outside of the places that allow it"));
            }
        }
    }
    breaches
}

/// Each `unsafe` cites a numbered invariant of its file or the contract of its function.
pub fn unsafe_notes(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources.iter().filter(|source| may_be_unsafe(&source.path)) {
        let invariants = invariants(source);
        let is_used = source.product().any(|(_, line)| find_word(&line.code, "unsafe").is_some());
        if is_used && invariants.is_empty() {
            breaches.push(source.breach(1, "no numbered invariants at the top"));
        }
        for (number, line) in source.product() {
            let Some(at) = find_word(&line.code, "unsafe") else { continue };
            let after = line.code[at + 6..].trim_start();
            let declares = ["fn", "extern", "trait"].iter().any(|word| after.starts_with(word));
            let note = note_above(source, number);
            let is_alias = line.code.contains("type ") || line.code.contains("transmute");
            if declares && !is_alias {
                // A pointer to such a function is only a type, and a trait has the contract of its methods.
                let is_item = line.code.contains("fn ") && !is_of_trait(source, number);
                if is_item && !note.contains("# Safety") && !note.contains("SAFETY:") {
                    breaches.push(source.breach(number, "an unsafe function without its contract"));
                }
                continue;
            }
            match note.split_once("SAFETY:") {
                None => breaches.push(source.breach(number, "no SAFETY note above")),
                Some((_, text)) if !cites(text, &invariants) => {
                    breaches.push(source.breach(number, "the SAFETY note cites no invariant"));
                }
                Some(_) => {}
            }
        }
    }
    breaches
}

/// Whether a line is inside an `impl Trait for Type`.
fn is_of_trait(source: &Source, number: usize) -> bool {
    let indent = |code: &str| code.len() - code.trim_start().len();
    let inside = indent(&source.lines[number - 1].code);
    let mut outer = source.lines[..number].iter().rev().map(|line| line.code.as_str());
    let header = outer.find(|code| !code.trim().is_empty() && indent(code) < inside);
    header.is_some_and(|code| code.trim().starts_with("impl") && code.contains(" for "))
}

/// The numbers of the list at the head of the file.
fn invariants(source: &Source) -> BTreeSet<u32> {
    let top = source.lines.iter().take_while(|line| line.code.trim().is_empty());
    top.filter_map(|line| {
        let text = line.comment.strip_prefix("//!")?.trim_start();
        text.split_once(". ")?.0.parse().ok()
    })
    .collect()
}

/// The comments between a line and the end of the code above it. Attributes and the start of the same statement may be
/// in between.
fn note_above(source: &Source, number: usize) -> String {
    let mut note = Vec::new();
    let mut skipped = 0;
    for line in source.lines[..number - 1].iter().rev() {
        let code = line.code.trim();
        if !line.comment.is_empty() && code.is_empty() {
            note.push(line.comment.as_str());
        } else if !note.is_empty() {
            break;
        } else if code.starts_with("#[") {
            continue;
        } else if code.is_empty() || code.ends_with([';', '}']) || skipped == 3 {
            break;
        } else {
            skipped += 1;
        }
    }
    note.reverse();
    note.join("\n")
}

fn cites(text: &str, invariants: &BTreeSet<u32>) -> bool {
    let mut numbers =
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
    let by_number = (text.contains("invariant") || text.contains('('))
        && numbers.any(|number: u32| invariants.contains(&number));
    by_number || text.contains("as above") || text.contains("contract")
}

const ORDERINGS: &[&str] = &[
    "Ordering::Relaxed",
    "Ordering::Acquire",
    "Ordering::Release",
    "Ordering::AcqRel",
    "Ordering::SeqCst",
];

/// The largest distance of a note above its access, in lines.
const ORDER_LINES: usize = 6;

/// Each atomic access has a note that names the access it pairs with.
pub fn order_notes(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources.iter().filter(|source| is_library(&source.path)) {
        for (number, line) in source.product() {
            if !ORDERINGS.iter().any(|word| line.code.contains(word)) {
                continue;
            }
            let near = &source.lines[number.saturating_sub(1 + ORDER_LINES)..number];
            if !near.iter().any(|line| line.comment.contains("ORDER:")) {
                breaches.push(source.breach(number, "no ORDER note near"));
            }
        }
    }
    breaches
}
