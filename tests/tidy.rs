//! The rules on the sources, as tests. Each test also shows that its rule fails on a source that breaks it.
#[path = "tidy/language.rs"]
mod language;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/memory.rs"]
mod memory;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/source.rs"]
mod source;

use source::{Source, files, sources};

#[track_caller]
fn keeps(breaches: &[String]) {
    assert!(breaches.is_empty(), "{} breaches:\n{}", breaches.len(), breaches.join("\n"));
}

/// Asserts that a rule is broken as expected.
#[track_caller]
fn refuses(breaches: &[String], expected: &str) {
    assert!(breaches.iter().any(|breach| breach.contains(expected)), "not refused: {breaches:?}");
}

fn one(path: &str, text: &str) -> [Source; 1] {
    [Source::new(path, text)]
}

fn file(path: &str, text: impl Into<String>) -> [(String, String); 1] {
    [(path.into(), text.into())]
}

#[test]
fn sources_are_split_into_code_and_comments() {
    let text = r##"let a = "x // y \" z"; // note
let b = r#"unsafe " "#; let c = '"'; let d: &'static str = b'\''.x();
/* one /* two */ still */ real();
#[cfg(test)]
mod tests {
    fn f() { "}" ; }
}
fn after() {}
"##;
    let source = Source::new("src/core/x.rs", text);
    let code: Vec<_> = source.lines.iter().map(|line| line.code.trim()).collect();
    assert_eq!(code[0], r#"let a = "";"#);
    assert_eq!(source.lines[0].comment, "// note");
    assert_eq!(code[1], r#"let b = ""; let c = ''; let d: &'static str = b''.x();"#);
    assert_eq!(code[2], "real();");
    let tests: Vec<_> = source.lines.iter().map(|line| line.is_test).collect();
    assert_eq!(tests, [false, false, false, true, true, true, true, false]);
    assert_eq!(source.function_at(8), "after");
}

#[test]
fn modules_import_only_from_lower_layers() {
    let bad = [
        ("src/core/x.rs", "use crate::encode::Out;", "`core` (layer 0) imports from `encode`"),
        ("src/encode/x.rs", "fn f() { crate::sink::open() }", "imports from `sink`"),
        ("src/sink/file/x.rs", "use super::super::super::encode::Out;", "from `encode`"),
        ("src/writer/x.rs", "use crate::{\n    core::Level,\n    engine::Config,\n};", "`engine`"),
        ("src/writer/x.rs", "use crate::Config;", "imports from `lib`"),
        ("src/ringbuf/x.rs", "use crate::core::record;", "imports from `core`"),
        ("crates/base/src/simd/x.rs", "use crate::storage::Storage;", "imports from `storage`"),
        ("src/attic/mod.rs", "//! Old code.", "module `attic` has no layer"),
    ];
    for (path, text, expected) in bad {
        refuses(&layers::imports_downwards(&one(path, text)), expected);
    }
    let good = "use crate::core::Level;\nuse super::Writer;\n#[cfg(test)]\nmod tests {\n    use crate::engine;\n}";
    keeps(&layers::imports_downwards(&one("src/writer/x.rs", good)));
    keeps(&layers::imports_downwards(sources()));
}

#[test]
fn design_has_the_same_layers() {
    let modules: &[layers::Module] = &[("sync", 0, &[]), ("core", 0, &["sync"])];
    let good = "| 0 | `sync` | | atomics |\n| 0 | `core` | `sync` | types |\n";
    keeps(&layers::design_table(good, modules));
    let bad = [
        ("| 0 | `sync` | | atomics |\n", "is missing"),
        ("| 0 | `sync` | | atomics |\n| 1 | `core` | `sync` | types |\n", "not in tests/tidy"),
        ("| 0 | `sync` | | atomics |\n| 0 | `core` | | types |\n", "is missing"),
    ];
    for (design, expected) in bad {
        refuses(&layers::design_table(design, modules), expected);
    }
    let files = files();
    let design = files.iter().find(|(path, _)| path == "DESIGN.md").expect("the design");
    keeps(&layers::design_table(&design.1, layers::MODULES));
}

#[test]
fn other_packages_use_only_the_public_interface() {
    let bad = one("crates/cli/src/x.rs", "use ringseal::__private::emit;");
    refuses(&layers::public_only(&bad), "only the macros");
    keeps(&layers::public_only(sources()));
}

#[test]
fn hot_files_use_no_control_plane() {
    let bad = [
        ("src/emit/emitter.rs", "fn f() { let x = format!(\"\"); }", "`format!` in `f`"),
        ("src/ringbuf/x.rs", "use parking_lot::Mutex;", "`parking_lot`"),
        ("src/writer/drain.rs", "fn g() { Box::new(1); }", "`Box::new` in `g`"),
        ("src/core/record.rs", "fn h(x: u8) { x.to_string(); }", "`to_string` in `h`"),
    ];
    for (path, text, expected) in bad {
        refuses(&layers::hot(&one(path, text), &[]), expected);
    }
    let unused = [("src/core/record.rs", "h", "vec!", "")];
    refuses(&layers::hot(&one("src/core/record.rs", ""), &unused), "not in use");
    keeps(&layers::hot(&one("src/engine/config.rs", "fn f() { Vec::new() }"), &[]));
    let all = sources();
    for path in ["src/emit/emitter.rs", "src/emit/lane.rs", "src/core/record.rs"] {
        assert!(all.iter().any(|source| source.path == path), "{path} has moved: update the rule");
    }
    keeps(&layers::hot(all, layers::HOT_EXCEPTIONS));
}

#[test]
fn exported_macros_use_only_public_names() {
    let lib = Source::new("src/lib.rs", "pub use crate::core::{Level, Limits};\npub mod sink;");
    let text = "#[macro_export]\nmacro_rules! a {\n    () => { $crate::emit::emitter::emit() };\n}";
    let sources_bad = [lib, Source::new("src/macros.rs", text)];
    refuses(&layers::macros(&sources_bad), "`$crate::emit`");
    let text = "#[macro_export]\nmacro_rules! a {\n    () => { std::mem::drop(1) };\n}";
    refuses(&layers::macros(&one("src/macros.rs", text)), "starts with");
    keeps(&layers::macros(sources()));
}

#[test]
fn unsafe_is_used_in_four_places() {
    let bad = one("crates/base/src/value/x.rs", "fn f() { unsafe { g() } }");
    refuses(&memory::unsafe_place(&bad), "`unsafe` outside");
    keeps(&memory::unsafe_place(&one("crates/base/src/simd/x.rs", "fn f() { unsafe { g() } }")));
    keeps(&memory::unsafe_place(&one("src/x.rs", "// unsafe\nlet x = \"unsafe\"; // unsafe\n")));
    let all = sources();
    for (path, _) in memory::UNSAFE_PLACES {
        assert!(all.iter().any(|s| s.path.starts_with(path)), "{path} has moved: update the rule");
    }
    keeps(&memory::unsafe_place(all));
}

#[test]
fn each_unsafe_cites_a_numbered_invariant() {
    let top = "//! The counter.\n//!\n//! 1. It exists.\n";
    let bad = [
        ("fn f() {\n    unsafe { g() }\n}", "no SAFETY note"),
        ("fn f() {\n    // SAFETY: trust me.\n    unsafe { g() }\n}", "cites no invariant"),
        ("fn f() {\n    // SAFETY: invariant 7.\n    unsafe { g() }\n}", "cites no invariant"),
        ("/// Does it.\npub unsafe fn f() {}", "without its contract"),
    ];
    for (text, expected) in bad {
        let text = format!("{top}{text}\n");
        refuses(&memory::unsafe_notes(&one("crates/base/src/tsc.rs", &text)), expected);
    }
    let bare = "//! Bare.\nfn f() { unsafe { g() } }\n";
    refuses(&memory::unsafe_notes(&one("crates/base/src/simd/x.rs", bare)), "no numbered");
    keeps(&memory::unsafe_notes(&one("crates/base/src/simd/x.rs", "//! Bare.\nfn f() {}\n")));
    let good = format!("{top}fn f() {{\n    // SAFETY: invariant 1.\n    unsafe {{ g() }}\n}}\n");
    keeps(&memory::unsafe_notes(&one("crates/base/src/tsc.rs", &good)));
    keeps(&memory::unsafe_notes(sources()));
}

#[test]
fn each_atomic_access_has_its_order_note() {
    let bad = "fn f() {\n    x.load(Ordering::Relaxed);\n}";
    refuses(&memory::order_notes(&one("src/core/x.rs", bad)), "no ORDER note");
    let far = format!("// ORDER: relaxed.\n{}x.load(Ordering::Relaxed);", "\n".repeat(6));
    refuses(&memory::order_notes(&one("src/core/x.rs", &far)), "no ORDER note");
    keeps(&memory::order_notes(&one("src/core/x.rs", "match a.cmp(b) { Ordering::Less => 1 }")));
    keeps(&memory::order_notes(sources()));
}

#[test]
fn files_are_short() {
    let long = "//! Long.\n".repeat(shape::LINES_MAX + 1);
    refuses(&shape::lengths(&one("src/x.rs", &long), &[]), "501 lines");
    keeps(&shape::lengths(&one("src/x.rs", &long), &[("src/x.rs", 501)]));
    refuses(&shape::lengths(&one("src/x.rs", "//! X.\n"), &[("src/x.rs", 600)]), "remove its");
    let hard = [("src/x.rs", shape::LINES_HARD_MAX + 1)];
    refuses(&shape::lengths(&one("src/x.rs", &long), &hard), "no exception may exceed");
    keeps(&shape::lengths(sources(), shape::LONG_FILES));
}

#[test]
fn lines_are_narrow() {
    refuses(
        &shape::widths(&one("src/x.rs", &format!("//! {}\n", "x".repeat(117)))),
        "121 characters",
    );
    keeps(&shape::widths(sources()));
}

#[test]
fn every_module_opens_with_its_documentation() {
    refuses(&shape::openings(&one("src/x.rs", "use std::fmt;\n")), "does not open");
    refuses(&shape::openings(&one("src/x.rs", "//!\n")), "does not open");
    keeps(&shape::openings(sources()));
}

#[test]
fn no_unfinished_work_is_left() {
    let bad = [("fn f() { todo!() }", "todo!"), ("// FIXME: later", "FIXME"), ("dbg!(1);", "dbg!")];
    for (text, expected) in bad {
        refuses(&shape::leftovers(&one("src/x.rs", text)), expected);
    }
    keeps(&shape::leftovers(sources()));
}

#[test]
fn files_name_no_machine_and_no_process() {
    let bad = [
        ("src/x.rs", concat!("see /wo", "rk/notes"), "a path"),
        ("README.md", concat!("as iss", "ue #12 says"), "a tracker"),
        ("README.md", concat!("<<<<", "<<< HEAD"), "not finished"),
        ("Cargo.lock", "source = \"registry+https://mirror.example/index\"", "not from crates.io"),
        (".cargo/config.toml", concat!("[sour", "ce.mirror]"), "a registry"),
    ];
    for (path, text, expected) in bad {
        refuses(&shape::foreign(&file(path, text)), expected);
    }
    keeps(&shape::foreign(&files()));
}

#[test]
fn each_dependency_has_a_reason() {
    let bad = "[dependencies]\n# Integers.\nitoa = \"1\"\nlibc = \"0.2\"\n";
    refuses(&shape::reasons(&file("Cargo.toml", bad)), "Cargo.toml:4");
    let bad = "[target.'cfg(loom)'.dependencies]\nloom = \"0.7\"\n";
    refuses(&shape::reasons(&file("Cargo.toml", bad)), "Cargo.toml:2");
    keeps(&shape::reasons(&files()));
}

#[test]
fn documents_name_the_oldest_compiler() {
    let manifest = file("Cargo.toml", "rust-version = \"1.70\"\n");
    refuses(&shape::oldest_compiler(&manifest[0].1, "The oldest Rust is 1.71."), "1.70");
    keeps(&shape::oldest_compiler(&manifest[0].1, "The oldest Rust is 1.70, and"));
    let files = files();
    let text = |name: &str| &files.iter().find(|(path, _)| path == name).expect("a file").1;
    keeps(&shape::oldest_compiler(text("Cargo.toml"), text("README.md")));
}

#[test]
fn documents_name_existing_files_and_all_promises() {
    let bad = file("README.md", "see `src/nowhere.rs` and [this](GONE.md)");
    refuses(&shape::named_files(&bad), "`src/nowhere.rs`");
    refuses(&shape::named_files(&bad), "`GONE.md`");
    refuses(&shape::promises(&file("tests/x.rs", "//! No row.")), "`tests/x.rs`");
    let files = files();
    keeps(&shape::named_files(&files));
    keeps(&shape::promises(&files));
}

#[test]
fn comments_and_documents_use_plain_words() {
    let filler = "word ".repeat(100);
    let bad = [
        (
            "src/x.rs",
            format!("//! {filler}\n// It stands\n// behind the\n/// file of its\n/// own.\n"),
        ),
        ("README.md", format!("{filler} Nobody is told.\n")),
    ];
    for (path, text) in bad {
        refuses(&language::words(&file(path, text), &[]), "banned words per 10,000");
    }
    let good = format!("//! {filler}\nconst BANNED: &str = \"nobody // stands behind\";\n");
    keeps(&language::words(&file("src/x.rs", good), &[]));
    let quoted = file("README.md", format!("{filler} The key `told` of the rule."));
    let excuse = [("README.md", "key `told`", "a name")];
    keeps(&language::words(&quoted, &excuse));
    refuses(&language::words(&file("README.md", filler), &excuse), "is not in use");
    keeps(&language::words(&files(), language::EXCUSES));
}

#[test]
fn test_names_have_at_most_eight_words() {
    let bad = "#[test]\nfn a_name_that_has_many_more_words_than_eight() {}";
    refuses(&language::test_names(&one("tests/x.rs", bad)), "9 words");
    let bad =
        "proptest! {\n    #[test]\n    #[cfg(unix)]\n    fn a_b_c_d_e_f_g_h_i(x in 0..9) {}\n}";
    refuses(&language::test_names(&one("src/tests.rs", bad)), "9 words");
    let good = "#[test]\nfn a_b_c_d_e_f_g_h() {}\nfn a_b_c_d_e_f_g_h_i() {}";
    keeps(&language::test_names(&one("tests/x.rs", good)));
    keeps(&language::test_names(sources()));
}
