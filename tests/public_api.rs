//! The public interface, compared with a list that is checked in.
//!
//! `tests/public_api/*.txt` hold one line for each public item, method, field, variant and trait implementation, as
//! rustdoc and the crate `public-api` print them. A change of the interface is therefore a change of a list, which a
//! review sees. Items that are hidden from the documentation are not in these lists; `internals.txt` lists what the
//! project's own packages, tests and documentation use of the hidden module `ringseal::internals`, with the users. The
//! command may use only what is listed there.
//!
//! The bound counts paths of items: types, traits, functions, constants, macros, modules and re-exports of crates.
//! Methods, fields, variants and implementations do not count; an item that has two paths counts twice.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A library of the workspace: its package, the features that add items, whether its items are hidden from the
/// documentation.
struct Library {
    package: &'static str,
    features: &'static str,
    is_hidden: bool,
}

const LIBRARIES: [Library; 5] = [
    Library {
        package: "ringseal",
        features: "serde,audit-sqlite,audit-postgres,compress,signals,affinity,rules-toml,tokens,\
                   testing",
        is_hidden: false,
    },
    Library { package: "ringseal-audit", features: "sqlite,postgres,compress", is_hidden: false },
    Library { package: "ringseal-redact", features: "rules-toml,tokens", is_hidden: false },
    Library { package: "ringseal-base", features: "serde", is_hidden: true },
    Library { package: "ringseal-tower", features: "audit,axum,reqwest", is_hidden: false },
];

/// Lists beside that of the root. Their items do not count towards the bound: a caller imports `audit`, `events`,
/// `redact`, `testing` and `tower` for one purpose, and the items of `base` count where the root re-exports them.
const AREAS: [&str; 6] = ["audit", "base", "events", "redact", "testing", "tower"];
/// The modules of `base` whose items the other crates re-export.
const BASE_MODULES: [&str; 5] = ["catalogue", "clock", "limits", "storage", "value"];
/// The bound on the root's items. A change that extends the interface on purpose raises it.
const ITEMS_MAX: usize = 300;
const KINDS: [&str; 11] =
    ["mod", "struct", "enum", "union", "trait", "fn", "const", "static", "type", "macro", "use"];
const UPDATE: &str = "UPDATE_PUBLIC_API";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The lines of the public interface of all libraries.
fn public_items() -> Vec<String> {
    let lines: Vec<_> = LIBRARIES.iter().flat_map(public_items_of).collect();
    let is_listed = |line: &String| {
        let base = line.split_once("ringseal_base::").map(|(_, path)| path);
        let is_of_base = area(line) == "base";
        !is_of_base || base.is_some_and(|path| BASE_MODULES.iter().any(|m| path.starts_with(m)))
    };
    lines.into_iter().filter(is_listed).collect()
}

/// Runs rustdoc and returns the lines of the public interface.
///
/// rustdoc's JSON is an unstable format, which the stable compiler writes only with `RUSTC_BOOTSTRAP`. That variable
/// makes cargo build some dependencies again, so the build has its own directory.
fn public_items_of(library: &Library) -> Vec<String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("public_api");
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["rustdoc", "--quiet", "--locked", "--package", library.package, "--lib"])
        .args(["--features", library.features, "--target-dir"])
        .arg(&target)
        .args(["--", "-Z", "unstable-options", "--output-format", "json", "--cap-lints", "allow"]);
    if library.is_hidden {
        command.arg("--document-hidden-items");
    }
    let output = command
        .current_dir(root())
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTDOCFLAGS")
        .output()
        .expect("cannot run cargo rustdoc");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo rustdoc failed:\n{stderr}");
    let json = format!("doc/{}.json", library.package.replace('-', "_"));
    let api = public_api::Builder::from_rustdoc_json(target.join(json))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .expect("public-api cannot read this compiler's rustdoc JSON: use Rust 1.95");
    api.items().map(|item| item.to_string()).collect()
}

/// The kind and the path of an item, without generics: `fn`, `ringseal::sink::file::FileSink::open`.
fn kind_and_path(line: &str) -> Option<(&str, String)> {
    let declaration = line.split_once("pub ")?.1;
    let start = declaration.find("ringseal")?;
    let kind = declaration[..start].split_whitespace().last()?;
    // Elsewhere in the line, the path is that of a parameter: a method of another crate's type.
    if !KINDS.contains(&kind) {
        return None;
    }
    let (mut path, mut depth) = (String::new(), 0);
    for char in declaration[start..].chars() {
        match char {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth > 0 => {}
            ':' => path.push(char),
            _ if char.is_alphanumeric() || char == '_' => path.push(char),
            _ => break,
        }
    }
    Some((kind, path.trim_end_matches(':').to_owned()))
}

/// The list that a line belongs to: that of its crate, or of a module of the root.
fn area(line: &str) -> &'static str {
    let path = line.find("ringseal").map_or("", |at| &line[at..]);
    let names = [
        ("ringseal_audit", "audit"),
        ("ringseal_base", "base"),
        ("ringseal_redact", "redact"),
        ("ringseal::events", "events"),
        ("ringseal_tower", "tower"),
        ("ringseal::testing", "testing"),
    ];
    let found = names.into_iter().find(|(prefix, _)| path.starts_with(prefix));
    found.map_or("root", |(_, area)| area)
}

/// How many items each area has.
fn count(lines: &[String]) -> BTreeMap<&'static str, usize> {
    let paths = || lines.iter().filter_map(|line| Some((kind_and_path(line)?, area(line))));
    let modules: BTreeSet<_> =
        paths().filter(|((kind, _), _)| *kind == "mod").map(|((_, path), _)| path).collect();
    let mut counts = BTreeMap::new();
    for ((_, path), area) in paths() {
        if path.rsplit_once("::").is_some_and(|(parent, _)| modules.contains(parent)) {
            *counts.entry(area).or_default() += 1;
        }
    }
    counts
}

fn list_path(area: &str) -> PathBuf {
    root().join(format!("tests/public_api/{area}.txt"))
}

/// What a list has to gain and to lose.
fn difference(listed: &str, found: &str) -> String {
    let (listed, found): (BTreeSet<_>, BTreeSet<_>) =
        (listed.lines().collect(), found.lines().collect());
    let removed = listed.difference(&found).map(|line| format!("- {line}\n"));
    let added = found.difference(&listed).map(|line| format!("+ {line}\n"));
    removed.chain(added).collect()
}

#[test]
fn the_public_interface_is_the_listed_one() {
    let lines = public_items();
    let mut differences = String::new();
    for area in AREAS.into_iter().chain(["root"]) {
        let items = lines.iter().filter(|line| self::area(line) == area);
        let found: String = items.map(|line| format!("{line}\n")).collect();
        let path = list_path(area);
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, &found).unwrap();
        }
        let listed = std::fs::read_to_string(&path).unwrap_or_default();
        differences += &difference(&listed, &found);
    }
    assert!(
        differences.is_empty(),
        "the public interface differs from tests/public_api/*.txt:\n{differences}\
         If the change is intended, name renamed items in CHANGELOG.md and rewrite the lists:\n\n    \
         {UPDATE}=1 cargo test --test public_api\n"
    );
    let counts = count(&lines);
    println!("public items: {counts:?}");
    let items = counts["root"];
    assert!(items < ITEMS_MAX, "{items} public items, expected fewer than {ITEMS_MAX}");
}

/// The paths in a use tree: `a::{b, c::d}` gives `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<String> {
    let Some((prefix, group)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or(tree).trim().to_owned()];
    };
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
    for (at, char) in group.char_indices().chain([(group.len(), ',')]) {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let inner = group[start..at].trim();
                if !inner.is_empty() {
                    paths.extend(
                        expand(inner).iter().map(|path| format!("{}{path}", prefix.trim())),
                    );
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    paths
}

/// What a source uses of the hidden module.
fn internals(text: &str) -> Vec<String> {
    let marker = concat!("ringseal::", "internals::");
    let uses = text.match_indices(marker).map(|(at, _)| {
        let rest = &text[at + marker.len()..];
        let is_use = text[..at].trim_end().ends_with("use");
        let end = |char: char| !(char.is_alphanumeric() || char == '_' || char == ':');
        let len = if is_use { rest.find(';') } else { rest.find(end) };
        rest[..len.unwrap_or(rest.len())].replace('\n', " ")
    });
    uses.flat_map(|tree| expand(&tree)).map(|path| path.trim_end_matches(':').to_owned()).collect()
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_hidden_module_has_the_listed_users() {
    let mut users = BTreeMap::<String, BTreeSet<&str>>::new();
    for area in ["benches", "crates/cli", "examples", "fuzz", "src", "tests"] {
        let mut files = Vec::new();
        rust_files(&root().join(area), &mut files);
        for path in files {
            let text = std::fs::read_to_string(path).unwrap();
            for item in internals(&text) {
                users.entry(item).or_default().insert(if area == "src" {
                    "documentation"
                } else {
                    area
                });
            }
        }
    }
    let line = |(item, users): (String, BTreeSet<&str>)| {
        format!("{item}: {}\n", users.into_iter().collect::<Vec<_>>().join(", "))
    };
    let found: String = users.into_iter().map(line).collect();
    let path = list_path("internals");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let differences = difference(&std::fs::read_to_string(&path).unwrap_or_default(), &found);
    assert!(
        differences.is_empty(),
        "the users of the hidden module differ from {}:\n{differences}\
         Prefer the public interface. If that is not possible, rewrite the list:\n\n    \
         {UPDATE}=1 cargo test --test public_api\n",
        path.display()
    );
}

#[test]
fn use_trees_are_expanded() {
    assert_eq!(
        expand("a::{b, c::{d, e as f}, g::h as _}"),
        ["a::b", "a::c::d", "a::c::e", "a::g::h"]
    );
    let text = concat!(
        "use ringseal::",
        "internals::core::{tsc,\n    record::Header};\nringseal::",
        "internals::x::y(1)"
    );
    assert_eq!(internals(text), ["core::tsc", "core::record::Header", "x::y"]);
}

#[test]
fn generics_and_methods_do_not_count() {
    let lines = [
        "pub mod ringseal",
        "pub use ringseal::Other",
        "pub macro ringseal::info!",
        "pub mod ringseal::sink",
        "pub const ringseal::sink::LIMIT: usize",
        "#[non_exhaustive] pub struct ringseal::sink::Lines<'a>",
        "pub ringseal::sink::Lines::field: core::option::Option<u8>",
        "impl<'a> ringseal::sink::Lines<'a>",
        "pub const unsafe fn ringseal::sink::Lines<'a>::bytes(&self) -> &'a [u8]",
        "pub fn ringseal::sink::open<S: ringseal::sink::Sink>(S) -> S",
        "pub fn core::net::IpAddr::write(&self, &mut ringseal::sink::Lines<'_>)",
        "pub fn ringseal_audit::open()",
    ]
    .map(str::to_owned);
    assert_eq!(count(&lines), BTreeMap::from([("root", 6)]));
    assert_eq!(lines.iter().filter(|line| area(line) == "audit").count(), 1);
}

#[test]
fn a_failure_names_the_changed_item() {
    assert_eq!(difference("a\nb\n", "b\nc\n"), "- a\n+ c\n");
    assert_eq!(difference("a\n", "a\n"), "");
}
