//! What sources may hold: secrets, other programs' lines, hostile texts, and names that are almost right.
use super::Sources;
use crate::Composer;

#[cfg(all(feature = "yaml", feature = "toml"))]
const SECRET: &str = "c2VjcmV0LWtleS1vZi1zZXZlcmFsLWxpbmVz";

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn secrets_are_in_no_output() {
    let key = format!("log:\n  audit:\n    signing:\n      key: /run/{SECRET}\n");
    let composed = Sources::new().file("o.yaml", &key).compose();
    assert!(!format!("{composed:?}").contains(SECRET), "{composed:?}");
    assert!(format!("{composed:?}").contains("***"));
    let wrong = [
        ("o.yaml", format!("log:\n  audit:\n    signing: {SECRET}\n")),
        ("o.yaml", format!("log:\n  audit:\n    signing:\n      key: [{SECRET}]\n")),
        ("o.yaml", format!("log:\n  audit:\n    signing:\n      key: {{{SECRET}: 1}}\n")),
        ("o.yaml", format!("log:\n  audit:\n    signing:\n      kye: {SECRET}\n")),
        ("o.yaml", format!("log:\n  audit:\n    signing:\n      key: \"{SECRET}\n")),
        ("o.toml", format!("[log.audit.signing]\nkye = \"{SECRET}\"\n")),
        ("o.toml", format!("[log.audit.signing]\nkey = {SECRET}\n")),
        ("o.toml", format!("[log.audit.signing]\nkey = \"{SECRET}\n")),
    ];
    for (name, text) in wrong {
        let sources = Sources::new().file(name, &text);
        let Err(error) = sources.composer.compose() else { panic!("no error: {text}") };
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(SECRET), "{text}: {shown}");
    }
    // A key with several lines, without quotes.
    for text in [
        format!("LOG_AUDIT_SIGNING_KEY=-----BEGIN\n{SECRET}\n-----END\n"),
        format!("LOG_AUDIT_SIGNING_KEY='{SECRET}\n"),
        format!("LOG_AUDIT_SIGNING_KEY=\"{SECRET}\\q\"\n"),
        format!("LOG_AUDIT_SIGNING_KEY='{SECRET}'x\n"),
        format!("LOG_AUDIT_SIGNIN_KEY={SECRET}\n"),
    ] {
        let problems = Sources::new().dotenv(&text).problems().join("\n");
        assert!(!problems.is_empty() && !problems.contains(&SECRET[..8]), "{text}: {problems}");
    }
}

#[test]
fn passwords_of_urls_are_masked() {
    let table = [
        ("https://user:pass@vault:8200/x", "https://***@vault:8200/x"),
        ("https://pass@vault", "https://***@vault"),
        ("https://a@b:pass@vault?x@y", "https://***@vault?x@y"),
        ("https://vault/a@b", "https://vault/a@b"),
    ];
    for (url, shown) in table {
        let composed = Sources::new().variables(&[("PII_VAULT_ADDR", url)]).compose();
        let explanation = composed.explain();
        for text in [explanation.to_string(), explanation.to_json(), format!("{composed:?}")] {
            assert!(text.contains(shown), "{url}: {text}");
            assert!(url.contains(shown) || !text.contains(url), "{url}: {text}");
        }
        let wrong = Sources::new().variables(&[("LOG_SINK", url)]).problems();
        assert!(wrong[0].contains(shown), "{wrong:?}");
    }
}

#[test]
fn other_programs_may_share_a_dotenv_file() {
    let text = "spring.datasource.url=jdbc\nA-B=1\nA=1\nA=2\nlower=x\nLOG_LEVEL=warn\n";
    let composed = Sources::new().dotenv(text).compose();
    assert_eq!(composed.get("log.level"), Some("warn"));
    let twice = Sources::new().dotenv("LOG_LEVEL=warn\nLOG_LEVEL=info\n").problems();
    assert_eq!(
        twice,
        [".env:2:11: LOG_LEVEL: expected each variable once; LOG_LEVEL is also at .env:1:11"]
    );
}

#[test]
fn two_dotenv_files_do_not_compete() {
    let sources = Sources::new().dotenv("LOG_LEVEL=warn\n");
    let (first, second) =
        (sources.dir.path().join(".env"), sources.write(".env.local", "LOG_LEVEL=info\n"));
    let problems = |one, other| {
        let Err(error) = Composer::new().dotenv(one).dotenv(other).compose() else {
            panic!("no error")
        };
        error.to_string()
    };
    assert!(problems(&first, &second).contains("expected each variable once"));
    assert_eq!(problems(&first, &second), problems(&second, &first));
    // The same file twice is one file.
    Composer::new().dotenv(&first).dotenv_if_present(&first).compose().unwrap();
}

#[test]
fn misspelt_variables_are_named() {
    for (name, meant) in [
        ("LOG_LEVLE", "LOG_LEVEL"),
        ("log_level", "LOG_LEVEL"),
        ("LOG_COLOUR", "LOG_COLOR"),
        ("ENVIROMENT", "ENVIRONMENT"),
        ("LOG_ROTATION_MAXBYTES", "LOG_ROTATION_MAX_BYTES"),
        ("PII_TOKEN_KEYSET_PAHT", "PII_TOKEN_KEYSET_PATH"),
    ] {
        let problems = Sources::new().dotenv(format!("# one\n export {name}=x\n")).problems();
        let expected = format!(
            ".env:2:9: {name}: expected the variable of a setting, found {name:?}; did you mean `{meant}`?"
        );
        assert_eq!(problems, [expected]);
    }
    for name in
        ["LOG_DIR", "LOG_FILE", "LOG_PATH", "APP_NAME", "SERVICE_HOST", "PROJECT_ID", "PG_ENV"]
    {
        Sources::new().dotenv(format!("{name}=x\n")).compose();
    }
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn misspelt_sections_and_odd_keys_are_named() {
    for (file, text, expected) in [
        (
            "o.yaml",
            "Log:\n  level: warn\n",
            "o.yaml:1:1: Log: expected a setting, found \"Log\"; did you mean `log`?",
        ),
        ("o.toml", "[LOG]\nlevel = \"warn\"\n", "did you mean `log`?"),
        ("o.yaml", "log:\n  Level: warn\n", "did you mean `log.level`?"),
        (
            "o.yaml",
            "log:\n  \"a\\nb\\e[1m\": warn\n",
            "o.yaml:2:3: \"log.a\\nb\\u{1b}[1m\": expected",
        ),
    ] {
        let problems = Sources::new().file(file, text).problems();
        assert!(problems[0].contains(expected), "{text}: {problems:?}");
    }
    let long = Sources::new().file("o.yaml", format!("log:\n  {}: 1\n", "k".repeat(900)));
    assert!(long.problems()[0].len() < 400, "{:?}", long.problems());
}

#[test]
fn bytes_that_are_no_text_have_their_places() {
    let yaml = Sources::new().file("o.yaml", b"log:\n  \xc3\xa4: \xff\n").problems();
    assert_eq!(yaml, ["o.yaml:2:6: expected UTF-8, found \"the byte 0xff\""]);
    let dotenv = Sources::new().dotenv(b"\xef\xbb\xbf\xfe").problems();
    assert_eq!(dotenv, [".env:1:1: expected UTF-8, found \"the byte 0xfe\""]);
}

#[test]
fn arguments_win_in_any_order() {
    let celery = || ["celery".to_owned()];
    let one = Composer::new().arguments(celery()).environment().host("h");
    let other = Composer::new().host("h").environment().arguments(celery());
    assert_eq!(one.compose().unwrap().service_type(), "celery");
    assert_eq!(one.compose().unwrap(), other.compose().unwrap());
}

#[cfg(feature = "toml")]
#[test]
fn places_of_toml_count_characters() {
    let wide = "ä".repeat(700);
    let text = format!("x = \"{wide}\"\n[log]\nlevel = \"warn\" # {wide}\nformat = \"{wide}\" \n");
    let problems = Sources::new().file("o.toml", &text).problems();
    assert!(problems[0].starts_with("o.toml:4:10: log.format"), "{problems:?}");
    let inline = format!("x = \"{wide}\"\nlog = {{ app_log = \"{wide}\", lvel = 1 }}\n");
    let problems = Sources::new().file("o.toml", &inline).problems();
    assert!(problems[0].starts_with("o.toml:2:723: log.lvel"), "{problems:?}");
    for text in ["", "\n", "a", "[log", "log.level = ", &"#".repeat(1024), &"#\n".repeat(512)] {
        let _ = crate::toml_file::parse(text);
    }
}

/// Texts of almost the largest size whose reading would take minutes if it were quadratic.
#[cfg(all(feature = "yaml", feature = "toml"))]
fn hostile() -> Vec<(&'static str, String)> {
    const BYTES: usize = (1 << 18) - 64;
    let repeated = |text: &str| text.repeat(BYTES / text.len());
    let numbered = |line: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        let lines = (0..).map(line).take_while(|line| {
            text.push_str(line);
            text.len() < BYTES - 32
        });
        let lines: Vec<String> = lines.collect();
        lines.concat()
    };
    vec![
        ("o.yaml", repeated("[")),
        ("o.yaml", repeated("- ")),
        ("o.yaml", repeated("a: ")),
        ("o.yaml", format!("[{}", repeated("a: "))),
        ("o.yaml", format!("log:\n{}", numbered(&|at| format!("  k{at}: 1\n")))),
        ("o.yaml", format!("log:\n  {}: 1\n", repeated("k"))),
        ("o.toml", numbered(&|at| format!("k{at} = 1\n"))),
        ("o.toml", numbered(&|at| format!("[t{at}]\n"))),
        ("o.toml", format!("[log]\n{}", numbered(&|at| format!("k{at} = 1\n")))),
        ("o.toml", format!("log = {{{} z = 1 }}\n", numbered(&|at| format!("k{at} = 1,")))),
        ("o.toml", format!("a = {}", repeated("["))),
        (".env", numbered(&|at| format!("A{at}=\n"))),
        (".env", repeated("A\n")),
        (".env", repeated("A='\n")),
    ]
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn hostile_texts_end_in_problems() {
    for (name, text) in hostile() {
        let start: String = text.chars().take(20).collect();
        let sources = match name {
            ".env" => Sources::new().dotenv(text),
            name => Sources::new().file(name, text),
        };
        // Keys of other programs are no problem; everything else is.
        let is_foreign = name == "o.toml" && (start.starts_with("k0") || start.starts_with("[t0"));
        let is_foreign = is_foreign || start.starts_with("A0=") || start.starts_with("A='");
        assert_eq!(sources.problems().is_empty(), is_foreign, "{name} {start}");
    }
}

#[cfg(all(unix, feature = "rules-toml"))]
#[test]
fn rules_are_read_from_regular_files_only() {
    let dir = tempfile::tempdir().unwrap();
    let (pipe, large) = (dir.path().join("pipe.toml"), dir.path().join("large.toml"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::fs::write(&large, "#\n".repeat(3 << 20)).unwrap();
    let endless = std::path::Path::new("/dev/zero");
    for (path, expected) in [
        (&*pipe, "not of a directory, a pipe or a device"),
        (dir.path(), "not of a directory, a pipe or a device"),
        (endless, "not of a directory, a pipe or a device"),
        (&*large, "at most 4 MiB"),
    ] {
        let path = path.to_str().unwrap();
        let problems = Sources::new().variables(&[("LOG_REDACT_RULES", path)]).problems();
        assert!(problems[0].contains(expected), "{path}: {problems:?}");
    }
}
