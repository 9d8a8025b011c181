//! `ringseal token`, through the real binary: keysets, tokens, and what is refused.
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const PENC: &str = "penc:v1:rk1:i5N75JqS-jwKDi8K4QpW5W08KCpJd57p_fpS_V9Y71L1ZFWwM3M10j6z4PY";
const EMAIL: &str = "ptok:v1:PzPQvZpJgsOFSU0Lstv4fx40dX7bFHfmYdh-fMNsTSY";

/// `ringseal token ARGUMENTS…` without any `PII_` variable.
fn token(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    command.arg("token").args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PII_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

fn run(mut command: Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    // It may end without reading.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("it ends")
}

#[track_caller]
fn said(output: &Output, code: i32) -> (String, String) {
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    (out, err)
}

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { dir: tempfile::tempdir().expect("a directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Keysets of the vectors: token key 0..31, reveal key 32..63.
    fn vectors() -> Place {
        let place = Place::new();
        let keyset = |kid: &str, alg: &str, key: &str| {
            format!(
                r#"{{"schema_version":1,"primary_kid":"{kid}","keys":{{"{kid}":{{"alg":"{alg}","created_at":"2026-01-31T00:00:00Z","key_b64":"{key}"}}}}}}"#
            )
        };
        let tokens = keyset("tk1", "HMAC-SHA-256", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let reveal = keyset("rk1", "AES-256-GCM", "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=");
        write(&place.path("t.json"), &tokens);
        write(&place.path("r.json"), &reveal);
        place
    }

    /// `COMMAND --keyset t.json --env prod ARGUMENTS…`
    fn with(&self, command: &str, arguments: &[&str]) -> Command {
        let mut made = token(&[command, "--env", "prod", "--keyset"]);
        made.arg(self.path("t.json")).args(arguments);
        made
    }

    /// The same with access full.
    fn full(&self, command: &str, arguments: &[&str]) -> Command {
        let mut made = self.with(command, &["--access", "full", "--reveal-keyset"]);
        made.arg(self.path("r.json")).args(arguments);
        made
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
    set_mode(path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our file");
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) {}

#[test]
fn the_vectors_hold_from_lines_and_from_arguments() {
    let place = Place::vectors();
    let input = b"user@example.com\r\n  USER@Example.com \n\nuser@example.com";
    let (out, err) = said(&run(place.with("tokenize", &["--type", "email"]), input), 0);
    assert_eq!((out, err), (format!("{EMAIL}\n{EMAIL}\n\n{EMAIL}\n"), String::new()));
    let phone = place.with("tokenize", &["--type", "phone", "+965 1234-5678", "(402) 555-1212"]);
    let (out, _) = said(&run(phone, b"not read"), 0);
    assert_eq!(
        out,
        "ptok:v1:YQtisrP5-xlsESZM2S9XsZ32A2BUXa4hr1TY3HipwvA\n\
         ptok:v1:WNKCj0BZh1IEGmcxEw1H_lgkWysrgknB7yHxHAdCB0E\n"
    );
    let (out, _) = said(&run(place.with("tokenize", &["John Doe", EMAIL]), b""), 0);
    let name = "ptok:v1:BGV24rJRL0fhbAIg6PY5loOej0L4ifYZDA2TzVO9kDI";
    assert_eq!(out, format!("{name}\n{EMAIL}\n"), "tokens are left alone");
    let revealed = run(place.full("reveal", &["--type", "email"]), format!("{PENC}\n").as_bytes());
    assert_eq!(said(&revealed, 0).0, "user@example.com\n");
}

#[test]
fn generated_keysets_reveal_after_a_rotation() {
    let place = Place::new();
    for (name, kind, want) in [
        ("t.json", "token", "t.json: HMAC-SHA-256, tk1 writes, keys tk1\n"),
        ("r.json", "reveal", "r.json: AES-256-GCM, rk1 writes, keys rk1\n"),
    ] {
        let mut command = token(&["keygen", "--kind", kind]);
        command.arg(place.path(name));
        let (out, _) = said(&run(command, b""), 0);
        assert!(out.ends_with(want), "{out}");
    }
    let values = "Ann\nJ\u{F6}rg\n";
    let (before, _) = said(&run(place.full("protect", &[]), values.as_bytes()), 0);
    let rotate = |arguments: &[&str]| {
        let mut command = token(&["rotate"]);
        command.arg(place.path("r.json")).args(arguments);
        said(&run(command, b""), 0).0
    };
    assert!(rotate(&[]).ends_with("rk2 writes, keys rk1, rk2\n"));
    assert!(rotate(&["--add-only"]).ends_with("rk2 writes, keys rk1, rk2, rk3\n"));
    assert!(rotate(&["--primary", "rk3"]).ends_with("rk3 writes, keys rk1, rk2, rk3\n"));
    assert!(rotate(&["--kid", "next"]).ends_with("next writes, keys rk1, rk2, rk3, next\n"));
    let (after, _) = said(&run(place.full("protect", &[]), values.as_bytes()), 0);
    assert!(before.lines().all(|line| line.starts_with("penc:v1:rk1:")), "{before}");
    assert!(after.lines().all(|line| line.starts_with("penc:v1:next:")), "{after}");
    for tokens in [before, after] {
        assert_eq!(said(&run(place.full("reveal", &[]), tokens.as_bytes()), 0).0, values);
    }
}

#[test]
fn keysets_are_private_and_never_overwritten() {
    let place = Place::new();
    let path = place.path("k.json");
    let keygen = || {
        let mut command = token(&["keygen", "--kind", "token"]);
        command.arg(&path);
        run(command, b"")
    };
    said(&keygen(), 0);
    let written = fs::read(&path).expect("a keyset");
    let (_, err) = said(&keygen(), 2);
    assert!(err.contains("k.json: the file exists, and keysets are never overwritten"), "{err}");
    assert_eq!(fs::read(&path).expect("a keyset"), written);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
    }
}

#[test]
fn reveal_and_protect_need_full_access() {
    let place = Place::vectors();
    for command in ["reveal", "protect"] {
        let mut denied = place.with(command, &["--reveal-keyset"]);
        denied.arg(place.path("r.json"));
        let (out, err) = said(&run(denied, b""), 2);
        assert_eq!(out, "");
        assert!(err.contains(&format!("{command} is denied: it needs access full")), "{err}");
    }
    let mut unknown = place.with("reveal", &["--access", "root"]);
    unknown.arg(PENC);
    assert!(said(&run(unknown, b""), 2).1.contains("expected tokenize or full"));
}

#[test]
fn refused_lines_are_empty_and_reported() {
    let place = Place::vectors();
    let input = format!("{PENC}\nno token\n\n{}\n{PENC}\n", PENC.replace("i5N7", "i5N8"));
    let output = run(place.full("reveal", &["--type", "email"]), input.as_bytes());
    let (out, err) = said(&output, 1);
    assert_eq!(out, "user@example.com\n\n\n\nuser@example.com\n");
    assert!(err.contains("line 2: not a token that can be revealed: expected penc:v1:"), "{err}");
    assert!(err.contains("line 4: the token was not made with key rk1"), "{err}");
    assert!(!err.contains("no token\n") && err.lines().count() == 2, "{err}");
    let output = run(place.full("reveal", &["--type", "phone", PENC]), b"");
    assert!(said(&output, 1).1.contains("value 1: the token was not made with key rk1 in"));
    let output = run(place.with("tokenize", &[]), b"\xFF\nJohn Doe\n");
    let (out, err) = said(&output, 1);
    assert!(out.starts_with("\nptok:v1:BGV24r") && err.contains("line 1: expected UTF-8"), "{err}");
}

#[test]
fn the_librarys_variables_are_read_and_options_win() {
    let place = Place::vectors();
    let mut command = token(&["reveal", "--type", "email", PENC]);
    command.env("PII_PROVIDER", "file").env("PII_ACCESS", "full").env("PII_ENV", "prod");
    command.env("PII_TOKEN_KEYSET_PATH", place.path("t.json"));
    command.env("PII_REVEAL_KEYSET_PATH", place.path("r.json"));
    assert_eq!(said(&run(command, b""), 0).0, "user@example.com\n");
    let mut command = place.with("tokenize", &["--type", "email", "user@example.com"]);
    command.env("PII_PROVIDER", "vault").env("PII_ENV", "dev");
    assert_eq!(said(&run(command, b""), 0).0, format!("{EMAIL}\n"));
    for (provider, want) in [
        (None, "no keyset: give --keyset FILE"),
        (Some("vault"), "PII_PROVIDER=vault is not supported here"),
        (Some("file"), "PII_TOKEN_KEYSET_PATH: expected a file"),
    ] {
        let mut command = token(&["tokenize", "x"]);
        if let Some(provider) = provider {
            command.env("PII_PROVIDER", provider);
        }
        let (_, err) = said(&run(command, b""), 2);
        assert!(err.contains(want), "{err}");
    }
}

#[test]
fn misspelt_types_and_missing_environments_are_reported() {
    let place = Place::vectors();
    let input = b"user@example.com\n";
    let (out, err) = said(&run(place.with("tokenize", &["--type", "emial"]), input), 0);
    assert!(out.starts_with("ptok:v1:") && !out.contains(EMAIL), "{out}");
    assert!(err.contains("--type emial is not a known type and is used as a new one"), "{err}");
    assert!(err.contains("never match those of email") && err.lines().count() == 1, "{err}");
    let (_, err) = said(&run(place.with("tokenize", &["--type", "badge"]), input), 0);
    assert_eq!(err, "");
    let without = || {
        let mut command = token(&["tokenize", "--type", "email", "--keyset"]);
        command.arg(place.path("t.json"));
        command
    };
    let (out, err) = said(&run(without(), input), 0);
    assert!(out.starts_with("ptok:v1:") && !out.contains(EMAIL), "{out}");
    assert!(err.contains("the environment is `unknown`") && err.lines().count() == 1, "{err}");
    let mut command = without();
    command.env("PII_ENV", "prod");
    assert_eq!(said(&run(command, input), 0), (format!("{EMAIL}\n"), String::new()));
}

#[cfg(unix)]
#[test]
fn a_keyset_that_others_can_read_is_refused() {
    let place = Place::vectors();
    set_mode(&place.path("t.json"), 0o644);
    let (out, err) = said(&run(place.with("tokenize", &["x"]), b""), 2);
    assert_eq!(out, "");
    assert!(err.contains("t.json: expected a file without permissions 0o077, found mode 0o644"));
    assert!(err.contains("chmod 600"), "{err}");
}

#[test]
fn help_warns_of_arguments_and_shows_examples() {
    let (out, _) = said(&run(token(&["tokenize", "--help"]), b""), 0);
    assert!(out.contains("`ps`") && out.contains("standard input"), "{out}");
    let (out, _) = said(&run(token(&["--help"]), b""), 0);
    assert!(out.contains("ringseal token keygen token-keyset.json --kind token"), "{out}");
}
