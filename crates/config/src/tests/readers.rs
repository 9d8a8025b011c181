//! YAML and `.env`: what they mean, and where their mistakes are.
use proptest::prelude::*;

#[cfg(all(feature = "yaml", feature = "toml"))]
use super::Sources;
use crate::dotenv;

#[cfg(all(feature = "yaml", feature = "toml"))]
fn yaml_problems(text: &str) -> Vec<String> {
    Sources::new().file("o.yaml", text).problems()
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn mistakes_of_yaml_have_their_places() {
    let table = [
        (
            "misspelt key",
            "log:\n  lvel: warn\n",
            "o.yaml:2:3: log.lvel: expected a setting, found \"log.lvel\"; did you mean `log.level`?",
        ),
        (
            "misspelt section",
            "log:\n  rotaton:\n    backups: 1\n",
            "o.yaml:2:3: log.rotaton: expected a setting, found \"log.rotaton\"",
        ),
        (
            "repeated key",
            "log:\n  level: warn\n  level: info\n",
            "o.yaml:3:3: log.level: expected each key once",
        ),
        (
            "dotted and nested",
            "log.level: warn\nlog:\n  level: info\n",
            "o.yaml:3:10: log.level: expected each key once, dotted or nested",
        ),
        ("anchor", "log: &a\n  level: warn\n", "expected no anchor"),
        ("alias", "x: &a 1\nlog:\n  level: *a\n", "expected no anchor"),
        ("tag", "log:\n  level: !!str warn\n", "o.yaml:2:10: expected no tag"),
        (
            "two documents",
            "log:\n  level: warn\n---\nlog:\n  level: info\n",
            "expected one document",
        ),
        ("tab", "log:\n\tlevel: warn\n", "o.yaml:2:"),
        (
            "map as a value",
            "log:\n  level:\n    a: b\n",
            "o.yaml:3:5: log.level: expected a single value, found \"keys below it\"",
        ),
        (
            "list as a value",
            "log:\n  handler: [file]\n",
            "o.yaml:2:12: log.handler: expected a single value, found \"a list\"",
        ),
        (
            "a section as a value",
            "log: warn\n",
            "o.yaml:1:6: log: expected settings below this key",
        ),
        ("a list as root", "- a\n", "o.yaml:1:1: expected keys and their values"),
        ("key that is a list", "? [a]\n: b\n", "expected a key that is a single value"),
        (
            "YAML 1.1 number",
            "log:\n  schema_version: 0o17\n",
            "o.yaml:2:19: log.schema_version: expected a whole number",
        ),
        ("exponent", "log:\n  schema_version: 1e3\n", "found \"1e3\""),
        (
            "negative",
            "log:\n  rotation:\n    backups: -1\n",
            "o.yaml:3:14: log.rotation.backups: expected a whole number from 0",
        ),
        ("unit", "log:\n  rotation:\n    max_bytes: 10 MX\n", "expected a number of bytes such as"),
        (
            "word",
            "log:\n  handler: syslog\n",
            "expected console, file, dual or rotating, found \"syslog\"",
        ),
        ("level", "log:\n  level: loud\n", "o.yaml:2:10: log.level: expected "),
        ("format", "log:\n  format: xml\n", "o.yaml:2:11: log.format: expected json, console"),
        ("NUL", "log:\n  app_log: \u{0}\n", "o.yaml:2:"),
    ];
    for (name, text, expected) in table {
        let problems = yaml_problems(text);
        assert!(!problems.is_empty(), "{name}: no problem");
        assert!(problems[0].contains(expected), "{name}: {problems:?}");
    }
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn words_stay_words_and_nothing_is_unset() {
    let text = "\u{feff}log:\r\n  level: \"no=debug,off=info\"\r\n  color: no\r\n  include_stack: on\r\n  quiet_targets:\r\n    \
                - dependencies\r\n    - job_queues\r\n  format:\r\n  sink: ~\r\nother:\r\n  anything: {goes: [here]}\r\n";
    let composed = Sources::new().file("o.yaml", text).compose();
    assert_eq!(composed.get("log.level"), Some("no=debug,off=info"));
    assert_eq!(composed.get("log.color"), Some("no"));
    assert_eq!(composed.get("log.quiet_targets"), Some("dependencies,job_queues"));
    assert_eq!(composed.source("log.format").unwrap().as_str(), "profile");
    assert_eq!(composed.get("log.sink"), None);
    composed.config().unwrap();
    let empty =
        Sources::new().file("o.yml", "# nothing\n").variables(&[("LOG_LEVEL", "  ")]).compose();
    assert_eq!(empty.source("log.level").unwrap().as_str(), "profile");
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn depth_and_size_are_bounded() {
    let deep = format!("log:\n  level: {}{}\n", "[".repeat(100), "]".repeat(100));
    assert!(yaml_problems(&deep)[0].contains("inside each other"), "{:?}", yaml_problems(&deep));
    let wide = format!("x: [{}]\n", "1,".repeat(30_000));
    assert!(yaml_problems(&wide)[0].contains("at most 20000 keys and values"));
    let long = format!("# {}\n", "x".repeat(2 << 20));
    assert!(yaml_problems(&long)[0].contains("at most 1 MiB"));
}

#[test]
fn dotenv_reads_values_and_mistakes() {
    let table: [(&str, &str, &str); 16] = [
        ("plain", "A=b", "A=b"),
        ("blanks", "  A = b c  \n", "A=b c"),
        ("export", "export A=b", "A=b"),
        ("export as a name", "export=b", "export=b"),
        ("comment", "# A=b\nA=b # c", "A=b"),
        ("hash without a blank", "A=b#c", "A=b#c"),
        ("only a comment", "A=#c", "A="),
        ("single quotes", "A='b # \"$C\\n'", "A=b # \"$C\\n"),
        ("double quotes", "A=\"b\\n\\\"\\$C\\\\\" # c", "A=b\n\"$C\\"),
        ("several lines", "A='b\nc'\nD=e", "A=b\nc;D=e"),
        ("carriage returns", "A=b\r\nC='d\r\ne'\r\n", "A=b;C=d\ne"),
        ("a variable is not expanded", "A=$HOME/${B}", "A=$HOME/${B}"),
        ("empty", "A=\nB=''", "A=;B="),
        ("equals signs", "A=b=c==", "A=b=c=="),
        ("quotes inside", "A=it's", "A=it's"),
        ("letters", "A=grün", "A=grün"),
    ];
    for (name, text, expected) in table {
        let (found, mistakes) = dotenv::parse(text);
        assert!(mistakes.is_empty(), "{name}: {mistakes:?}");
        let found: Vec<String> =
            found.iter().map(|one| format!("{}={}", one.name, one.value)).collect();
        assert_eq!(found.join(";"), expected, "{name}");
    }
    let mistakes: [(&str, &str, (usize, usize)); 7] = [
        ("no name", "=b", (1, 1)),
        ("no equals sign", "A\nB=c", (1, 2)),
        ("digit first", "1A=b", (1, 1)),
        ("open quotes", "\nA='b\nC=d\n", (2, 3)),
        ("text behind quotes", "A='b'c", (1, 6)),
        ("unknown escape", "A=\"\\q\"", (1, 6)),
        ("NUL", "A=b\0", (1, 4)),
    ];
    for (name, text, place) in mistakes {
        let (found, mistakes) = dotenv::parse(text);
        assert_eq!(mistakes.len(), 1, "{name}: {mistakes:?}");
        assert_eq!((mistakes[0].line, mistakes[0].column), place, "{name}: {mistakes:?}");
        let others = found.iter().filter(|one| matches!(one.name.as_str(), "B" | "C")).count();
        assert_eq!(others, usize::from(matches!(name, "no equals sign" | "open quotes")), "{name}");
    }
}

/// What another reader of `.env` files finds.
fn oracle(text: &str) -> Option<Vec<(String, String)>> {
    dotenvy::from_read_iter(text.as_bytes()).collect::<Result<_, _>>().ok()
}

proptest! {
    #[test]
    fn dotenv_agrees_with_another_reader(
        lines in prop::collection::vec(
            ("[A-Z][A-Z0-9_]{0,4}", "[a-z0-9./:,=-]{0,8}( [a-z0-9]{1,4})?", 0..3_u8),
            0..6,
        )
    ) {
        let mut text = String::new();
        let mut seen = std::collections::BTreeSet::new();
        for (name, value, quote) in &lines {
            if !seen.insert(name) {
                continue;
            }
            let value = match quote {
                // Without quotes, the other reader refuses blanks inside.
                0 => value.replace(' ', ""),
                1 => format!("'{value}'"),
                _ => format!("\"{value}\""),
            };
            text.push_str(&format!("{name}={value}\n"));
        }
        let (found, mistakes) = dotenv::parse(&text);
        prop_assert!(mistakes.is_empty());
        let found: Vec<_> = found.into_iter().map(|one| (one.name, one.value)).collect();
        prop_assert_eq!(Some(found), oracle(&text));
    }

    #[test]
    fn readers_survive_any_text(text in "\\PC{0,40}|[a-z:\\- \\[\\]{}&*!'\"\n=#.]{0,60}") {
        dotenv::parse(&text);
        #[cfg(feature = "yaml")]
        let _ = crate::yaml::parse(&text);
        #[cfg(feature = "toml")]
        let _ = crate::toml_file::parse(&text);
    }
}
