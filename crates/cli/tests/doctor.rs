//! `ringseal explain` and `ringseal doctor`, run as processes: against configurations, and against services that are
//! good or broken in one way.
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

fn ringseal(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringseal"))
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .output()
        .expect("the command runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `check: outcome` of each check, and the exit code.
fn outcomes(output: &Output) -> (Option<i32>, Vec<(String, String, String)>) {
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {} {}", text(&output.stdout), text(&output.stderr))
    });
    let field = |check: &serde_json::Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = found.as_array().unwrap().iter();
    let checks =
        checks.map(|check| (field(check, "check"), field(check, "outcome"), field(check, "text")));
    (output.status.code(), checks.collect())
}

fn outcome_of(checks: &[(String, String, String)], name: &str) -> String {
    let found = checks.iter().find(|(check, ..)| check == name);
    found
        .map_or_else(|| format!("no check {name} in {checks:?}"), |(_, outcome, _)| outcome.clone())
}

#[test]
fn explain_says_what_won_and_where() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("configs")).unwrap();
    std::fs::write(dir.path().join("configs/observability.yaml"), "log:\n  level: warn\n").unwrap();
    std::fs::write(dir.path().join(".env"), "# levels\nLOG_LEVEL=error\n").unwrap();
    let output = ringseal(dir.path(), &["explain", "--changed"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    let row = shown.lines().find(|line| line.starts_with("log.level")).unwrap();
    let row = row.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "log.level = error .env:2:11 LOG_LEVEL (shadows configs/observability.yaml:2:10 warn; profile \
                    development debug; default info)";
    assert_eq!(row, expected);
    std::fs::write(dir.path().join(".env"), "LOG_HANDLER=fiel\n").unwrap();
    let output = ringseal(dir.path(), &["explain", "--set", "log.lvel=warn"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = text(&output.stderr);
    assert!(
        errors.contains(".env:1:13: LOG_HANDLER: expected console, file, dual or rotating"),
        "{errors}"
    );
    assert!(
        errors.contains("code: log.lvel: expected a setting") && errors.contains("`log.level`"),
        "{errors}"
    );
}

#[test]
fn good_configurations_pass_without_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let config = "environment: production\nlog:\n  handler: rotating\n  app_log: logs/app.log\n  audit_log: logs/audit\n";
    std::fs::write(dir.path().join("o.yaml"), config).unwrap();
    let output = ringseal(dir.path(), &["doctor", "--config", "o.yaml", "--json"]);
    let (code, checks) = outcomes(&output);
    assert_eq!(code, Some(0), "{checks:#?}");
    for name in ["settings", "engine", "line", "redaction"] {
        assert_eq!(outcome_of(&checks, name), "ok");
    }
    assert_eq!(outcome_of(&checks, "audit keys"), "warning");
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["o.yaml"], "a dry run leaves nothing behind");
    let shown = text(&output.stdout);
    assert!(!shown.contains("doctor.probe@example.com") && !shown.contains("4111 1111"), "{shown}");
}

#[test]
fn broken_configurations_fail_with_a_reason() {
    let table = [
        ("unknown key", "log:\n  lvel: warn\n", "settings", "did you mean `log.level`"),
        ("wrong value", "log:\n  format: xml\n", "settings", "o.yaml:2:11: log.format"),
        (
            "a file in place of a directory",
            "log:\n  handler: file\n  app_log: taken/app.log\n",
            "output",
            "taken is not a directory",
        ),
        (
            "a directory in place of a file",
            "log:\n  handler: file\n  app_log: there\n",
            "output",
            "expected a file",
        ),
        (
            "redaction off",
            "log:\n  redact:\n    enabled: false\n",
            "redaction",
            "log.redact.enabled is off",
        ),
        ("rings on a disk", "log:\n  ring_dir: /\n", "rings", ""),
        (
            "missing rules",
            "log:\n  redact:\n    rules: none.toml\n",
            "settings",
            "LOG_REDACT_RULES",
        ),
        (
            "missing keyset",
            "pii:\n  provider: file\n  token_keyset_path: none.json\n",
            "engine",
            "does not start",
        ),
        (
            "others can replace files",
            "log:\n  handler: file\n  app_log: open/app.log\n",
            "output",
            "chmod o-w",
        ),
        (
            "keys for all",
            "log:\n  audit_log: audit\n  audit:\n    signing:\n      enabled: true\n      key: keys\n",
            "audit keys",
            "chmod 600",
        ),
    ];
    for (name, config, check, reason) in table {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("o.yaml"), config).unwrap();
        std::fs::write(dir.path().join("taken"), "").unwrap();
        std::fs::create_dir(dir.path().join("there")).unwrap();
        std::fs::create_dir(dir.path().join("keys")).unwrap();
        std::fs::write(dir.path().join("keys/chain.key"), "").unwrap();
        std::fs::create_dir(dir.path().join("open")).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let open = std::fs::Permissions::from_mode(0o777);
            std::fs::set_permissions(dir.path().join("open"), open).unwrap();
            let mode = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(dir.path().join("keys/chain.key"), mode).unwrap();
        }
        let (code, checks) =
            outcomes(&ringseal(dir.path(), &["doctor", "--config", "o.yaml", "--json"]));
        let found = checks.iter().find(|(known, outcome, _)| known == check && outcome == "failed");
        let Some((.., text)) = found else { panic!("{name}: {checks:#?}") };
        let is_there = text.contains(reason) || text.contains("log.redact.rules");
        assert!(is_there && code == Some(1), "{name}: {text}");
    }
}

/// A service that answers one request and then writes these lines, in which `TRACE` stands for the request's trace.
fn serve(log: &Path, status: &str, lines: &str) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/orders", listener.local_addr().unwrap());
    std::fs::write(log, "{\"event\":\"earlier\",\"trace_id\":\"not one\"}\n").unwrap();
    let (log, status, lines) = (log.to_owned(), status.to_owned(), lines.to_owned());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
        let value = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim().to_owned()
        };
        let trace = value("traceparent:").split('-').nth(1).unwrap_or_default().to_owned();
        let parent = value("traceparent:").split('-').nth(2).unwrap_or_default().to_owned();
        let lines = lines
            .replace("TRACE", &trace)
            .replace("PARENT", &parent)
            .replace("EMAIL", &value("x-user-email:"))
            .replace("TOKEN", &value("authorization:"));
        let mut file = std::fs::OpenOptions::new().append(true).open(log).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
        let id = value("x-request-id:");
        let answer =
            format!("HTTP/1.1 {status}\r\nX-Request-Id: {id}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).unwrap();
    });
    (url, thread)
}

#[test]
fn services_are_good_or_broken_in_one_way() {
    const GOOD: &str =
        "{\"event\":\"http.request\",\"trace_id\":\"TRACE\",\"span_id\":\"00f067aa0ba902b7\"}\n";
    let ecs = |more: &str| {
        format!(
            "{{\"ecs\":{{\"version\":\"1.12.0\"}},\"service\":{{\"name\":\"app\"}},\"trace\":{{\"id\":\"TRACE\"}},\
             \"span\":{{\"id\":\"00f067aa0ba902b7\"}}{more}}}\n"
        )
    };
    let table: [(&str, &str, String, Option<&str>); 18] = [
        ("good", "200 OK", GOOD.into(), None),
        (
            "good in the schema",
            "404 Not Found",
            ecs(",\"user\":{\"id\":7},\"client\":{\"ip\":\"::1\"}"),
            None,
        ),
        ("error", "500 Internal Server Error", GOOD.into(), Some("service")),
        ("no trace", "200 OK", "{\"event\":\"a\"}\n".into(), Some("propagation")),
        (
            "another trace",
            "200 OK",
            GOOD.replace("TRACE", "00000000000000000000000000000001"),
            Some("propagation"),
        ),
        (
            "span of the caller",
            "200 OK",
            GOOD.replace("00f067aa0ba902b7", "PARENT"),
            Some("propagation"),
        ),
        ("text", "200 OK", format!("{GOOD}served TRACE\n"), Some("line")),
        ("two objects in a line", "200 OK", GOOD.replace("}\n", "}{}\n"), Some("line")),
        ("short id", "200 OK", format!("{GOOD}{{\"trace_id\":\"abc\"}}\n"), Some("ids")),
        ("email", "200 OK", GOOD.replace("http.request", "EMAIL"), Some("redaction")),
        ("token", "200 OK", GOOD.replace("http.request", "TOKEN"), Some("redaction")),
        (
            "escaped email",
            "200 OK",
            GOOD.replace("http.request", "doctor.probe\\u0040example.com"),
            Some("redaction"),
        ),
        (
            "email of a URL",
            "200 OK",
            GOOD.replace("http.request", "GET /?mail=Doctor.Probe%40Example.com"),
            Some("redaction"),
        ),
        (
            "nested email",
            "200 OK",
            GOOD.replace("}\n", ",\"request\":{\"headers\":[\"EMAIL\"]}}\n"),
            Some("redaction"),
        ),
        ("flat error", "200 OK", ecs(",\"error\":\"broken\""), Some("ids")),
        ("address", "200 OK", ecs(",\"client\":{\"ip\":\"here\"}"), Some("ids")),
        ("version", "200 OK", ecs("").replace("1.12.0", "8.0.0"), Some("ids")),
        ("no line", "200 OK", String::new(), Some("line")),
    ];
    for (name, status, lines, broken) in table {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("app.log");
        let (url, thread) = serve(&log, status, &lines);
        // The service has written before it answers: no line comes later.
        let timeout = if lines.contains("TRACE") { "30s" } else { "300ms" };
        let arguments =
            ["doctor", "--url", &url, "--log", "app.log", "--timeout", timeout, "--json"];
        let (code, checks) = outcomes(&ringseal(dir.path(), &arguments));
        thread.join().unwrap();
        let failed: Vec<&str> = checks
            .iter()
            .filter(|(_, outcome, _)| outcome == "failed")
            .map(|(check, ..)| check.as_str())
            .collect();
        assert_eq!(failed, broken.into_iter().collect::<Vec<_>>(), "{name}: {checks:#?}");
        assert_eq!(code, Some(i32::from(broken.is_some())), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn held_locks_are_warnings() {
    let dir = tempfile::tempdir().unwrap();
    let config = "environment: test\nlog:\n  handler: dual\n  app_log: logs/app.log\n  audit_log: logs/audit.log.jsonl\n";
    std::fs::write(dir.path().join("o.yaml"), config).unwrap();
    let locks = |text: &str| {
        let (code, checks) =
            outcomes(&ringseal(dir.path(), &["doctor", "--config", "o.yaml", "--json"]));
        assert_eq!(code, Some(0), "{checks:#?}");
        let locks: Vec<_> = checks.into_iter().filter(|(check, ..)| check == "lock").collect();
        assert_eq!(locks.len(), 2, "{locks:?}");
        assert!(locks.iter().all(|(.., found)| found.contains(text)), "{text}: {locks:?}");
        locks.into_iter().map(|(_, outcome, _)| outcome).collect::<Vec<_>>()
    };
    assert_eq!(locks("no process has it"), ["ok", "ok"]);
    let logs = dir.path().join("logs");
    let config = ringseal::Config::new()
        .file(logs.join("app.log"))
        .audit(ringseal::AuditConfig::new(&logs))
        .panic_hook(false);
    let engine = ringseal::Engine::start(config).unwrap();
    let held = format!("the process {} has it", std::process::id());
    assert_eq!(locks(&held), ["warning", "warning"]);
    engine.stop().unwrap();
    assert_eq!(locks("no process has it"), ["ok", "ok"]);
}

#[cfg(unix)]
#[test]
fn odd_variables_are_named() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let run = |command: &str, name: &str, value: &[u8]| {
        Command::new(env!("CARGO_BIN_EXE_ringseal"))
            .arg(command)
            .current_dir(dir.path())
            .env_clear()
            .env("ENVIRONMENT", "test")
            .env(name, OsStr::from_bytes(value))
            .output()
            .expect("the command runs")
    };
    let output = run("explain", "LOG_APP_LOG", b"logs/\xff.log");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "ringseal: environment: LOG_APP_LOG: expected UTF-8\n");
    // Variables of the environment may be those of other programs.
    let output = run("explain", "LOG_LEVLE", b"a-value");
    assert_eq!(output.status.code(), Some(0));
    let expected = "ringseal: warning: environment: LOG_LEVLE: expected the variable of a setting, found \
                    \"LOG_LEVLE\"; did you mean `LOG_LEVEL`?\n";
    assert_eq!(text(&output.stderr), expected);
    let shown = text(&run("doctor", "LOG_LEVLE", b"a-value").stdout);
    assert!(shown.contains("did you mean `LOG_LEVEL`?") && !shown.contains("a-value"), "{shown}");
}

#[test]
fn services_without_an_answer_are_not_checked() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("app.log"), "").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/");
    let (code, checks) =
        outcomes(&ringseal(dir.path(), &["doctor", "--url", &url, "--log", "app.log", "--json"]));
    assert_eq!((code, outcome_of(&checks, "service").as_str()), (Some(1), "failed"));
    assert_eq!(outcome_of(&checks, "redaction"), "not checked");
    for arguments in
        [&["doctor", "--url", "https://a/", "--log", "app.log"][..], &["doctor", "--url", &url][..]]
    {
        assert_eq!(ringseal(dir.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
}
