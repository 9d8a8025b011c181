//! `ringseal lint`: the nine mistakes are found with their places, and nothing is found in code without them.
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn lint(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    command.arg("lint").args(arguments).current_dir(dir).output().expect("the command runs")
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `file:line rule` of each finding.
fn found(output: &Output) -> Vec<String> {
    let lines = text(&output.stdout);
    let findings = lines.lines().filter(|line| !line.starts_with(' ') && line.contains(": "));
    findings
        .map(|line| {
            let mut parts = line.splitn(5, ':');
            let mut next = || parts.next().unwrap_or_default().trim();
            let (file, line, _column, rule) = (next(), next(), next(), next());
            format!("{file}:{line} {rule}")
        })
        .collect()
}

#[test]
fn nine_mistakes_are_nine_findings() {
    let output = lint(&fixtures(), &["nine_mistakes", "--profile", "ecs"]);
    let expected = [
        "nine_mistakes/src/lib.rs:7 foreign-logger",
        "nine_mistakes/src/lib.rs:11 flat-error",
        "nine_mistakes/src/lib.rs:15 log-before-bind",
        "nine_mistakes/src/lib.rs:25 bound-key-repeated",
        "nine_mistakes/src/lib.rs:31 root-id",
        "nine_mistakes/src/lib.rs:35 error-level",
        "nine_mistakes/src/lib.rs:45 rebound-key",
        "nine_mistakes/src/payments.rs:5 static-name",
        "nine_mistakes/src/payments.rs:9 error-as-name",
    ];
    assert_eq!(found(&output), expected, "{}", text(&output.stdout));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn clean_code_has_no_findings() {
    for profile in ["json", "ecs"] {
        let output = lint(&fixtures(), &["clean", "--profile", profile]);
        let name_styles = found(&output);
        // A dotted name is one of the default profile, not of `ecs`.
        let expected: &[&str] = match profile {
            "ecs" => &["clean/src/lib.rs:16 name-style"],
            _ => &[],
        };
        assert_eq!(name_styles, expected, "{}", text(&output.stdout));
        assert_eq!(output.status.code(), Some(i32::from(!expected.is_empty())));
    }
}

#[test]
fn other_libraries_macros_are_understood() {
    let output = lint(&fixtures(), &["others"]);
    let expected = [
        "others/src/main.rs:14 static-name",
        "others/src/main.rs:15 bound-key-repeated",
        "others/src/main.rs:15 flat-error",
        "others/src/main.rs:16 secret-field",
        "others/src/main.rs:20 flat-error",
        "others/src/main.rs:22 static-name",
        "others/src/main.rs:23 error-as-name",
        "others/src/main.rs:29 bound-key-repeated",
        "others/src/main.rs:30 unnamed-event",
        "others/src/main.rs:32 error-as-name",
        "others/src/main.rs:33 flat-error",
        "others/src/main.rs:34 bound-key-repeated",
        "others/src/main.rs:34 secret-literal",
        "others/src/main.rs:35 secret-field",
        "others/src/main.rs:38 bound-key-repeated",
        "others/src/main.rs:42 static-name",
        "others/src/main.rs:43 static-name",
        "others/src/main.rs:44 bad-allow",
        "others/src/main.rs:45 static-name",
        "others/src/main.rs:46 bad-allow",
        "others/src/main.rs:47 bad-allow",
        "others/src/main.rs:48 name-style",
    ];
    assert_eq!(found(&output), expected, "{}", text(&output.stdout));
    assert!(!text(&output.stdout).contains("ann@example.com"), "a secret in the report");
}

#[test]
fn rules_can_be_chosen() {
    let output = lint(&fixtures(), &["others", "--rule", "flat-error", "--rule", "error-as-name"]);
    assert_eq!(found(&output).len(), 5);
    let output = lint(&fixtures(), &["others", "--rule", "flat-error", "--allow", "flat-error"]);
    assert_eq!((found(&output).len(), output.status.code()), (0, Some(0)));
    let output = lint(&fixtures(), &["others", "--rule", "flat"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("flat-error"), "{}", text(&output.stderr));
}

#[test]
fn json_has_one_object_per_finding() {
    let output = lint(&fixtures(), &["nine_mistakes", "--profile", "ecs", "--json"]);
    let lines = text(&output.stdout);
    let findings: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(findings.len(), 9);
    let first = &findings[0];
    assert_eq!(first["file"], "nine_mistakes/src/lib.rs");
    assert_eq!((&first["line"], &first["column"]), (&7.into(), &5.into()));
    assert_eq!(first["rule"], "foreign-logger");
    assert!(first["message"].is_string() && first["help"].is_string());
}

#[test]
fn unreadable_files_are_never_clean() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(dir.path().join(name), bytes).expect("room");
    };
    write("a_open.rs", b"fn f() { println!(\"x\"");
    write("b_latin.rs", b"// caf\xe9\n");
    write("c_words.rs", b"this is not rust; fn f() { println!(\"x\"); }");
    write("d_deep.rs", ("(".repeat(5000) + &")".repeat(5000)).as_bytes());
    write("e_signs.rs", format!("const A: u8 = {}1;", "- ".repeat(100_000)).as_bytes());
    write("f_else.rs", format!("fn f() {{ {} }}", "if a {} else ".repeat(50_000)).as_bytes());
    write("g_good.rs", b"\xef\xbb\xbf#!/usr/bin/env run\nfn f() { println!(\"x\"); }\n");
    let output = lint(dir.path(), &["."]);
    let expected = [
        "./a_open.rs:1 unparsable",
        "./b_latin.rs:1 unparsable",
        "./c_words.rs:1 unparsable",
        "./c_words.rs:1 print-macro",
        "./d_deep.rs:1 unparsable",
        "./e_signs.rs:1 unparsable",
        "./f_else.rs:1 unparsable",
        "./g_good.rs:2 print-macro",
    ];
    assert_eq!(found(&output), expected, "{}", text(&output.stdout));
    assert_eq!(output.status.code(), Some(1));

    write("main.rs", b"fn main() { println!(\"a program prints\"); dbg!(1); }");
    assert_eq!(found(&lint(dir.path(), &["main.rs"])), ["main.rs:1 print-macro"]);
    let output = lint(dir.path(), &["g_good.rs", "missing.rs"]);
    assert_eq!((found(&output).len(), output.status.code()), (1, Some(2)));
    assert!(text(&output.stderr).contains("missing.rs"));
    let empty = tempfile::tempdir().expect("a directory");
    assert_eq!(lint(empty.path(), &["."]).status.code(), Some(2));
}

#[test]
fn what_is_left_out_is_reported() {
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["src", "target", ".git", "tests"] {
        std::fs::create_dir(dir.path().join(name)).expect("room");
        std::fs::write(dir.path().join(name).join("a.rs"), "fn f() { println!(); }").expect("room");
    }
    let output = lint(dir.path(), &["."]);
    assert_eq!(found(&output), ["./src/a.rs:1 print-macro"]);
    let skipped = text(&output.stderr);
    for reason in ["./target: build output", "./.git: hidden", "./tests: tests"] {
        assert!(skipped.contains(reason), "{skipped}");
    }
    assert!(!text(&lint(dir.path(), &[".", "--tests"]).stderr).contains("./tests"));
}

#[test]
fn examples_of_the_repository_are_clean() {
    let output = lint(&repository(), &["examples"]);
    assert_eq!(found(&output), [""; 0], "{}", text(&output.stdout));
    assert_eq!(output.status.code(), Some(0));
}

/// The table of rules in the documentation is that of the code.
#[test]
fn documented_rules_are_the_rules() {
    let all = text(&lint(&fixtures(), &["--explain", "all"]).stdout);
    let page = std::fs::read_to_string(repository().join("docs/lint.md")).expect("the page");
    let documented: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let rules: Vec<(&str, &str)> = all
        .lines()
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
        .collect();
    assert!(rules.len() >= 15, "{all}");
    let rows: Vec<String> =
        rules.iter().map(|(name, summary)| format!("| `{name}` | {summary} |")).collect();
    let is_row =
        |row: &&str| rules.iter().any(|(name, _)| row.starts_with(&format!("| `{name}` |")));
    let documented: Vec<&str> = documented.into_iter().filter(is_row).collect();
    assert_eq!(documented, rows, "the rows that docs/lint.md needs:\n{}", rows.join("\n"));
}

/// Each rule's example is reported by that rule, and its counterpart is not.
#[test]
fn explained_examples_are_findings() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = text(&lint(&fixtures(), &["--explain", "all"]).stdout);
    let mut checked = 0;
    for entry in all.split("\n\n").collect::<Vec<_>>().chunks(3) {
        let [head, _why, examples] = entry else { panic!("{entry:?}") };
        let rule = head.trim().split(':').next().expect("a name");
        let (wrong, right) = examples.split_once("  not reported:\n").expect("two examples");
        let wrong = wrong.trim_start_matches('\n').strip_prefix("  reported:\n").expect("a title");
        for (code, is_reported) in [(wrong, true), (right, false)] {
            let is_whole = code.contains("use ") || code.contains("fn ");
            let import = if code.contains("use ") { "" } else { "use ringseal::*;\n" };
            let source = match is_whole {
                true if code.contains("use ") => {
                    let (head, rest) = code.split_once('\n').expect("lines");
                    format!("{head}\nfn f() {{ {rest} }}")
                }
                true => format!("{import}{code}"),
                false => format!("{import}fn f() {{ {code}\n }}"),
            };
            let file = dir.path().join("a.rs");
            std::fs::write(&file, source).expect("room");
            let rules = ["a.rs", "--profile", if rule == "root-id" { "ecs" } else { "json" }];
            let output = lint(dir.path(), &[&rules[..], &["--rule", rule]].concat());
            assert_eq!(
                output.status.code(),
                Some(i32::from(is_reported)),
                "{rule}: {}",
                text(&output.stdout)
            );
            checked += 1;
        }
    }
    assert!(checked >= 30, "{checked}");
}
