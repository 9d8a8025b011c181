//! Sizes, module heads, leftovers, and words that must not be in any file.
use super::source::{Source, find_word};

/// The most lines of a file.
pub const LINES_MAX: usize = 500;

/// The most lines of an exception.
pub const LINES_HARD_MAX: usize = 700;

/// Files that are longer: path and allowed lines. The numbers only decrease; a file that is short enough is removed
/// from the list.
pub const LONG_FILES: &[(&str, usize)] = &[
    // The value tree of `Serialize`: one impl of a long trait.
    ("crates/base/src/value/serde.rs", 520),
];

/// Files are short enough to be read in one sitting.
pub fn lengths(sources: &[Source], long: &[(&str, usize)]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        let len = source.lines.len();
        let allowed = long.iter().find(|(path, _)| *path == source.path);
        let max = allowed.map_or(LINES_MAX, |(_, max)| *max);
        if len > max {
            breaches.push(source.breach(len, format_args!("{len} lines; {max} at most")));
        }
        if allowed.is_some() && len <= LINES_MAX {
            breaches.push(source.breach(1, "short enough now: remove its exception"));
        }
    }
    let hard = |(path, max): &(&str, usize)| {
        (*max > LINES_HARD_MAX).then(|| format!("{path}: no exception may exceed {LINES_HARD_MAX}"))
    };
    breaches.extend(long.iter().filter_map(hard));
    breaches
}

/// The most characters of a line. Quoted texts may be longer, because they cannot always be split.
const WIDTH_MAX: usize = 120;

/// Lines are not wider than [`WIDTH_MAX`].
pub fn widths(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        for (number, line) in source.numbered() {
            let width = line.code.chars().count() + line.comment.chars().count();
            if width > WIDTH_MAX {
                let why = format_args!("{width} characters; {WIDTH_MAX} at most");
                breaches.push(source.breach(number, why));
            }
        }
    }
    breaches
}

/// Every module opens with `//!`.
pub fn openings(sources: &[Source]) -> Vec<String> {
    let is_open = |source: &&Source| {
        let mut lines = source.text.lines();
        let first = lines.find(|line| !line.trim().is_empty() && !line.starts_with("#!["));
        !first.is_some_and(|line| line.starts_with("//!") && line.len() > 4)
    };
    // The sources of golden compile errors are user programs.
    let own = sources.iter().filter(|source| !source.path.contains("/compile_fail/"));
    own.filter(is_open).map(|source| source.breach(1, "does not open with `//!`")).collect()
}

/// No unfinished work is left.
pub fn leftovers(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        for (number, line) in source.numbered() {
            let in_code = ["todo!", "unimplemented!", "dbg!"];
            let in_comment = ["TODO", "FIXME", "XXX", "HACK"];
            let code = in_code.iter().find(|word| find_word(&line.code, word).is_some());
            let comment = in_comment.iter().find(|word| find_word(&line.comment, word).is_some());
            if let Some(word) = code.or(comment) {
                breaches.push(source.breach(number, format_args!("`{word}` is left")));
            }
        }
    }
    breaches
}

/// Words that name a machine or how the project was made. Split so that this file passes.
const FOREIGN: &[(&str, &str)] = &[
    (concat!("<<<", "<<<< "), "a merge that was not finished"),
    (concat!(">>>", ">>>> "), "a merge that was not finished"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/Us", "ers/"), "a path of one machine"),
    (concat!("bash_", "jobs"), "a path of one machine"),
    (concat!("[source", "."), "a registry of one machine"),
    (concat!("[regis", "tries"), "a registry of one machine"),
    (concat!("arti", "factory"), "a registry of one machine"),
    (concat!("nex", "us."), "a registry of one machine"),
    (concat!("issue", " #"), "a tracker's number, which means nothing to readers"),
    (concat!("Fix", "es #"), "a tracker's number, which means nothing to readers"),
    (concat!("sub", "agent"), "how the project was made"),
    (concat!("work", "tree"), "how the project was made"),
    (concat!("this ses", "sion"), "how the project was made"),
    (concat!("helper ses", "sion"), "how the project was made"),
    (concat!("another ses", "sion"), "how the project was made"),
    (concat!("Co-Auth", "ored"), "how the project was made"),
];

/// No file contains a word of [`FOREIGN`].
pub fn foreign(files: &[(String, String)]) -> Vec<String> {
    let mut breaches = Vec::new();
    for (path, text) in files {
        for (number, line) in (1..).zip(text.lines()) {
            let lower = line.to_ascii_lowercase();
            for (word, why) in FOREIGN {
                if lower.contains(&word.to_ascii_lowercase()) {
                    breaches.push(format!("{path}:{number}: `{word}`: {why}"));
                }
            }
            let is_source = path.ends_with("Cargo.lock") && line.starts_with("source = ");
            if is_source && !line.contains("github.com/rust-lang/crates.io-index") {
                breaches.push(format!("{path}:{number}: a package that is not from crates.io"));
            }
        }
    }
    breaches
}

/// Each dependency has a comment with its reason. The loggers of the comparison benchmarks need none.
pub fn reasons(files: &[(String, String)]) -> Vec<String> {
    let mut breaches = Vec::new();
    let manifests = files.iter().filter(|(path, _)| {
        path.rsplit('/').next() == Some("Cargo.toml") && !path.starts_with("benches/compare/")
    });
    for (path, text) in manifests {
        let mut is_inside = false;
        let mut previous = "";
        for (number, line) in (1..).zip(text.lines()) {
            if line.starts_with('[') {
                is_inside = line.trim_end_matches(']').ends_with("dependencies");
            }
            let is_dependency = is_inside && line.starts_with(|c: char| c.is_ascii_alphanumeric());
            let is_own = line.contains("path = ");
            let has_reason = previous.starts_with('#') || line.contains(" # ");
            if is_dependency && !is_own && !has_reason {
                breaches.push(format!("{path}:{number}: a dependency without its reason"));
            }
            previous = line;
        }
    }
    breaches
}

/// Files that a document names in backticks or links to exist.
pub fn named_files(files: &[(String, String)]) -> Vec<String> {
    let mut breaches = Vec::new();
    let exists = |name: &str| {
        let prefixes = [
            "",
            "src/",
            "src/sink/file/",
            "crates/base/src/",
            "crates/redact/src/",
            "crates/audit/src/",
            "crates/tower/src/",
        ];
        let is_at = |path: &str, name: &str| path == name || path.starts_with(&format!("{name}/"));
        prefixes.iter().any(|prefix| {
            let name = format!("{prefix}{}", name.trim_end_matches(['/', '*']));
            files.iter().any(|(path, _)| is_at(path, &name))
        })
    };
    for (path, text) in
        files.iter().filter(|(path, _)| path.ends_with(".md") && !path.contains('/'))
    {
        for (number, line) in (1..).zip(text.lines()) {
            let quoted = line.split('`').skip(1).step_by(2);
            let quoted = quoted.filter(|word| word.ends_with(".rs") && !word.contains(' '));
            let linked = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            let linked = linked.filter(|link| !link.contains("://") && !link.starts_with('#'));
            for name in quoted.chain(linked).filter(|name| !exists(name)) {
                breaches.push(format!("{path}:{number}: there is no `{name}`"));
            }
        }
    }
    breaches
}

/// Each integration test is in the table of promises in DESIGN.md.
pub fn promises(files: &[(String, String)]) -> Vec<String> {
    let design = files.iter().find(|(path, _)| path == "DESIGN.md").map_or("", |(_, text)| text);
    let is_test = |path: &str| {
        let name = path.strip_prefix("tests/");
        name.is_some_and(|name| !name.contains('/') && name.ends_with(".rs"))
    };
    let tests = files.iter().map(|(path, _)| path).filter(|path| is_test(path));
    let missing = tests.filter(|path| !design.contains(&format!("`{path}`")));
    missing.map(|path| format!("DESIGN.md: `{path}` is in no row of its table")).collect()
}

/// The README says which compiler the manifest's package requires.
pub fn oldest_compiler(manifest: &str, readme: &str) -> Vec<String> {
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \""));
    let version = version.and_then(|rest| rest.strip_suffix('"')).unwrap_or("(none)");
    let ends = [",", "."].map(|end| format!("oldest Rust is {version}{end}"));
    if ends.iter().any(|named| readme.contains(named)) {
        return Vec::new();
    }
    vec![format!("README.md: expected `oldest Rust is {version}`")]
}
