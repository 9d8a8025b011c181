//! Which module may import which, and what the hot path must not contain.
use std::collections::BTreeSet;

use super::source::{Source, find_word, is_word};

/// A module, its layer, and the modules of the same layer that it may import.
pub type Module = (&'static str, u8, &'static [&'static str]);

/// The modules of `crates/base`. What a crate may import of another one, cargo enforces.
pub const BASE_MODULES: &[Module] = &[
    ("backoff", 0, &[]),
    ("calendar", 0, &[]),
    ("catalogue", 0, &["json", "value"]),
    ("clock", 0, &["tsc"]),
    ("digest", 0, &["simd"]),
    ("error_debug", 0, &[]),
    ("fnv", 0, &[]),
    ("json", 0, &[]),
    ("limits", 0, &[]),
    ("panic", 0, &[]),
    ("printable", 0, &[]),
    ("own_thread", 0, &[]),
    ("process", 0, &[]),
    ("random", 0, &["process"]),
    ("simd", 0, &[]),
    ("storage", 0, &[]),
    ("tsc", 0, &[]),
    ("value", 0, &["clock", "limits", "tsc"]),
    ("lib", 1, &[]),
];

/// The modules of the engine. DESIGN.md has the same table.
pub const MODULES: &[Module] = &[
    ("sync", 0, &[]),
    ("core", 0, &["sync"]),
    ("ringbuf", 0, &["sync"]),
    ("metrics", 0, &["core"]),
    ("encode", 1, &[]),
    ("events", 1, &["encode"]),
    ("sample", 1, &[]),
    ("sink", 1, &[]),
    ("trace_context", 1, &["encode"]),
    ("recover", 1, &["sink"]),
    ("writer", 2, &[]),
    ("emit", 3, &[]),
    ("engine", 4, &["macros", "lib"]),
    ("macros", 4, &["lib"]),
    ("testing", 4, &["engine", "lib", "macros"]),
    ("lib", 4, &["engine", "macros", "testing"]),
];

/// Compares the table of layers in DESIGN.md with `modules`.
pub fn design_table(design: &str, modules: &[Module]) -> Vec<String> {
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let row = |line: &str| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let layer: u8 = cells.next()?.parse().ok()?;
        let (names, beside): (Vec<String>, Vec<String>) =
            (quoted(cells.next()?), quoted(cells.next()?));
        Some((names.first()?.clone(), layer, beside))
    };
    let is_inside = |(name, ..): &(String, u8, Vec<String>)| !name.starts_with("crates/");
    let described: Vec<_> = design.lines().filter_map(row).filter(is_inside).collect();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let expected: Vec<(String, u8, Vec<String>)> = modules
        .iter()
        .map(|(name, layer, beside)| ((*name).to_owned(), *layer, owned(beside)))
        .collect();
    let missing = expected.iter().filter(|row| !described.contains(row));
    let extra = described.iter().filter(|row| !expected.contains(row));
    missing
        .map(|row| format!("DESIGN.md: the row of {row:?} is missing"))
        .chain(extra.map(|row| format!("DESIGN.md: {row:?} is not in tests/tidy/layers.rs")))
        .collect()
}

/// The modules of the crate that a file belongs to, and the file's path inside of it.
fn crate_of(path: &str) -> Option<(&'static [Module], &str)> {
    let engine = path.strip_prefix("src/").map(|inside| (MODULES, inside));
    engine.or_else(|| Some((BASE_MODULES, path.strip_prefix("crates/base/src/")?)))
}

fn module_of(inside: &str) -> &str {
    let name = inside.split('/').next().unwrap_or(inside);
    name.strip_suffix(".rs").unwrap_or(name)
}

/// The depth of a file's module below the crate root.
fn depth_of(inside: &str) -> usize {
    let inside = inside.strip_suffix("/mod.rs").or(inside.strip_suffix(".rs")).unwrap_or(inside);
    if inside == "lib" { 0 } else { inside.split('/').count() }
}

/// A module imports only from lower layers. Test code is exempt.
pub fn imports_downwards(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        let Some((modules, inside)) = crate_of(&source.path) else { continue };
        let find = |name: &str| modules.iter().find(|(known, ..)| *known == name);
        let module = module_of(inside);
        let Some(&(_, layer, beside)) = find(module) else {
            breaches.push(source.breach(1, format_args!("module `{module}` has no layer")));
            continue;
        };
        for (number, target) in imports(source, depth_of(inside)) {
            // A name of the crate root that is not a module is re-exported by `lib`.
            let target = find(&target).map_or("lib", |(name, ..)| *name);
            let is_lower = find(target).is_some_and(|&(_, below, _)| below < layer);
            if target != module && !is_lower && !beside.contains(&target) {
                let why = format_args!("`{module}` (layer {layer}) imports from `{target}`");
                breaches.push(source.breach(number, why));
            }
        }
    }
    breaches
}

/// The line and the first name of each path that starts at the crate root, by `crate::` or by enough `super::`.
fn imports(source: &Source, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let code: Vec<_> = source.product().collect();
    for (at, (number, line)) in code.iter().enumerate() {
        let text = &line.code;
        let starts = text.match_indices("crate::").map(|(start, word)| start + word.len());
        let starts =
            starts.filter(|&start| !text[..start - 7].ends_with(|c| c == '$' || is_word(c)));
        let supers = "super::".repeat(depth);
        let ups = text.match_indices(&supers).map(|(start, word)| start + word.len());
        let ups = ups.filter(|_| depth > 0);
        for start in starts.chain(ups) {
            let mut rest = text[start..].to_owned();
            // A group may continue on the next lines: `use crate::{` … `};`
            for (_, next) in &code[at + 1..] {
                if !rest.starts_with('{') || rest.contains(';') {
                    break;
                }
                rest.push_str(next.code.trim());
            }
            found.extend(heads(&rest).into_iter().map(|name| (*number, name)));
        }
    }
    found
}

/// The first names of a path: a for `a::b`, a and d for `{a::{b, c}, d}`.
fn heads(text: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|&c| is_word(c)).collect::<String>();
    let Some(group) = text.strip_prefix('{') else { return vec![word(text)] };
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(word(group[start..at].trim()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The other crates of the workspace use only the public interface.
pub fn public_only(sources: &[Source]) -> Vec<String> {
    let inside = ["crates/", "examples/", "benches/", "fuzz/", "tests/"];
    let mut breaches = Vec::new();
    for source in sources.iter().filter(|s| inside.iter().any(|start| s.path.starts_with(start))) {
        for (number, line) in source.numbered() {
            if line.code.contains("ringseal::__") {
                breaches.push(source.breach(number, "only the macros may use this"));
            }
        }
    }
    breaches
}

/// Files that run for every event.
pub fn is_hot(path: &str) -> bool {
    let files = [
        "src/emit/emitter.rs",
        "src/emit/lane.rs",
        "src/emit/lane/plain.rs",
        "src/core/record.rs",
        "src/writer/process.rs",
        "src/writer/drain.rs",
    ];
    files.contains(&path) || path.starts_with("src/ringbuf/")
}

/// Names that allocate, lock or make system calls.
const CONTROL_PLANE: &[&str] = &[
    "crossbeam_channel",
    "parking_lot",
    "Mutex",
    "RwLock",
    "Condvar",
    "OnceLock",
    "LazyLock",
    "Vec::new",
    "Vec::with_capacity",
    "vec!",
    "Box::new",
    "Box::from",
    "Rc::new",
    "Arc::new",
    "String::new",
    "String::from",
    "format!",
    "to_string",
    "to_owned",
    "to_vec",
    "into_boxed_slice",
    "HashMap",
    "BTreeMap",
    "VecDeque",
    "collect",
    "Backtrace",
    "println!",
    "eprintln!",
    "std::fs",
    "std::env",
    "std::process",
    "thread::sleep",
    "thread::spawn",
    "Instant",
    "SystemTime",
];

/// Exceptions in hot files: file, function, name, reason. Each must be in use.
pub const HOT_EXCEPTIONS: &[(&str, &str, &str, &str)] = &[
    ("src/ringbuf/ring.rs", "ring_at", "Arc::new", "once per ring"),
    ("src/ringbuf/ring.rs", "new", "collect", "only when loom checks the model"),
    ("src/writer/process.rs", "new", "vec!", "once per engine"),
    ("src/writer/process.rs", "new", "Vec::new", "once per engine; grows with the call sites"),
    ("src/writer/process.rs", "record_error", "to_string", "a record that cannot be read"),
    ("src/emit/lane.rs", "write_oversized", "Backtrace", "enabled by configuration, for debugging"),
];

/// Hot files use nothing of [`CONTROL_PLANE`].
pub fn hot(sources: &[Source], exceptions: &[(&str, &str, &str, &str)]) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut used = BTreeSet::new();
    for source in sources.iter().filter(|source| is_hot(&source.path)) {
        for (number, line) in source.product() {
            for word in CONTROL_PLANE.iter().filter(|word| find_word(&line.code, word).is_some()) {
                let function = source.function_at(number);
                let known = exceptions.iter().position(|&(file, name, exempt, _)| {
                    (file, name, exempt) == (source.path.as_str(), function, *word)
                });
                match known {
                    Some(index) => drop(used.insert(index)),
                    None => {
                        let why = format_args!("`{word}` in `{function}`, on the hot path");
                        breaches.push(source.breach(number, why));
                    }
                }
            }
        }
    }
    for (index, (file, function, word, _)) in exceptions.iter().enumerate() {
        if !used.contains(&index) {
            breaches
                .push(format!("{file}: the exception for `{word}` in `{function}` is not in use"));
        }
    }
    breaches
}

/// Exported macros name only what users can reach: `__private`, other macros and public names.
pub fn macros(sources: &[Source]) -> Vec<String> {
    let public = public_names(sources);
    let mut breaches = Vec::new();
    let exporting = |source: &&Source| {
        source.path.starts_with("src/") && source.text.contains("#[macro_export]")
    };
    for source in sources.iter().filter(exporting) {
        for (number, line) in source.product() {
            for (at, word) in line.code.match_indices("$crate::") {
                let name = heads(&line.code[at + word.len()..]).concat();
                if !name.starts_with("__") && !public.contains(&name) {
                    let why = format_args!("an exported macro uses `$crate::{name}`");
                    breaches.push(source.breach(number, why));
                }
            }
            let code = line.code.replace("$crate::", "");
            if code.contains("std::") || find_word(&code, "crate").is_some() {
                breaches.push(
                    source.breach(number, "a macro's path starts with `$crate::` or `::core::`"),
                );
            }
        }
    }
    breaches
}

/// The public names of `lib.rs` and the exported macros.
fn public_names(sources: &[Source]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources.iter().filter(|source| source.path.starts_with("src/")) {
        let mut is_exported = false;
        for (_, line) in source.product() {
            is_exported |= line.code.contains("#[macro_export]");
            if let (true, Some(at)) = (is_exported, line.code.find("macro_rules! ")) {
                names.insert(heads(&line.code[at + 13..]).concat());
                is_exported = false;
            }
        }
    }
    let Some(lib) = sources.iter().find(|source| source.path == "src/lib.rs") else { return names };
    let code: String = lib.product().map(|(_, line)| format!("{}\n", line.code)).collect();
    for item in code.split(';') {
        let Some(at) = item.find("pub use ").or(item.find("pub mod ")) else { continue };
        let words = item[at + 8..].split(|c| !is_word(c)).filter(|word| !word.is_empty());
        names.extend(words.map(str::to_owned));
    }
    names
}
