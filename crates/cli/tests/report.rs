//! `ringseal report`, run as a process, and its page in a browser.
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const HOSTILE: &str = "</script><img src=x onerror=\\\"document.title='owned'\\\">";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn report(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
        command.current_dir(self.0.path()).arg("report").args(arguments);
        command.args(["-o", "page.html"]).output().expect("the binary runs")
    }

    /// The page of a run that must succeed.
    fn page(&self, arguments: &[&str]) -> String {
        let output = self.report(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{errors}");
        fs::read_to_string(self.path("page.html")).expect("a page")
    }
}

fn line(second: u32, level: &str, event: &str, more: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-11-22T15:{:02}:{:02}.000000Z\",\"level\":\"{level}\",\"target\":\"shop\",\
         \"event\":\"{event}\"{more}}}\n",
        second / 60,
        second % 60
    )
}

fn sample() -> String {
    let mut log = String::new();
    for second in 0..300 {
        log += &line(second, "info", "order_filled", ",\"amount\":1");
    }
    for second in 300..310 {
        let error = ",\"error\":{\"type\":\"pay::Error\",\"message\":\"no answer\",\"stack_hash\":\"a1b2\"}";
        log += &line(second, "error", "payment_failed", error);
    }
    log += &line(
        311,
        "info",
        "http.access",
        ",\"method\":\"GET\",\"route\":\"/pay\",\"duration_ms\":1250.5",
    );
    log += &line(
        312,
        "info",
        "span.end",
        ",\"span\":\"db.query\",\"duration_ms\":3.25,\"trace_id\":\"ab12\"",
    );
    log += &line(313, "info", "sampled", ",\"sample_rate\":0.1");
    log += &line(314, "warn", HOSTILE, ",\"note\":\"a\u{2028}b\"");
    log += &line(315, "info", &"n".repeat(100_000), "");
    log += &line(
        316,
        "warn",
        "ringseal.lost",
        ",\"lost\":7,\"lost_info\":7,\"thread_name\":\"worker\"",
    );
    log + "{\"timestamp\":\"2026-11-22T15:59\n\n   at main.rs:7\n"
}

/// The number beside a name in a list of the page.
fn number(page: &str, name: &str) -> String {
    let at = page.find(&format!(">{name}</th>")).unwrap_or_else(|| panic!("{name} is on the page"));
    let cell = page[at..].split("<td class=\"number\">").nth(1).expect("a cell");
    cell.split('<').next().unwrap_or_default().to_owned()
}

#[test]
fn every_line_is_accounted_for() {
    let place = Place::new();
    fs::write(place.path("app.log"), sample()).expect("room");
    let page = place.page(&["app.log"]);
    for (name, expected) in [
        ("All lines", "319"),
        ("Events", "316"),
        ("Malformed: not a whole JSON object", "1"),
        ("Empty", "1"),
        ("Text without level and time, such as stack traces", "1"),
        ("Events lost to full rings (ringseal.lost)", "7"),
        ("Events with a sampling rate below 1", "1"),
    ] {
        assert_eq!(number(&page, name), expected, "{name}");
    }
    for text in [
        "a1b2",
        "no answer",
        "GET /pay",
        "1.25 s",
        "db.query",
        "app.log:317",
        "No audit log was found",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn a_log_line_cannot_become_markup() {
    let place = Place::new();
    fs::write(place.path("app.log"), sample()).expect("room");
    let page = place.page(&["app.log", "--title", "</title><script>alert(1)</script>"]);
    assert_eq!(page.matches("<script").count(), 1, "only the page's own");
    assert_eq!(page.matches("</script").count(), 1);
    assert!(!page.contains("<img") && !page.contains('\u{2028}'));
    assert!(page.contains("default-src 'none'") && page.len() < 200_000, "{}", page.len());
}

#[test]
fn compressed_segments_and_several_logs_count() {
    let place = Place::new();
    fs::create_dir(place.path("logs")).expect("room");
    fs::write(place.path("logs/a.log"), line(9, "info", "last", "")).expect("room");
    fs::write(place.path("logs/b.log"), line(5, "warn", "other", "")).expect("room");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(line(1, "info", "first", "").as_bytes()).expect("room");
    let segment = place.path("logs/a.000000000001.log.gz");
    fs::write(&segment, gz.finish().expect("room")).expect("room");
    let page = place.page(&["logs"]);
    let cat =
        Command::new(env!("CARGO_BIN_EXE_ringseal")).arg("cat").arg(place.path("logs")).output();
    let lines =
        String::from_utf8(cat.expect("the binary runs").stdout).expect("UTF-8").lines().count();
    assert_eq!(number(&page, "Events"), lines.to_string(), "as many as cat shows");
    let since =
        place.page(&["logs", "--since", "2026-11-22T15:00:04Z", "--until", "2026-11-22T15:00:09Z"]);
    assert_eq!(number(&since, "Events"), "1");
}

#[test]
fn more_names_than_rows_are_counted() {
    let place = Place::new();
    let mut log = String::new();
    for turn in 0..30_000 {
        let second = turn % 600;
        log += &line(second, "info", &format!("rare_{}", turn), "");
        if turn % 10 == 0 {
            log += &line(second, "info", "frequent", "");
        }
    }
    fs::write(place.path("app.log"), log).expect("room");
    let page = place.page(&["app.log", "--rows", "5"]);
    assert_eq!(number(&page, "Events"), "33,000");
    assert!(page.contains("too many different ones to keep all"));
    let events = page.split("id=\"events\"").nth(1).expect("a section");
    let events = events.split("</section>").next().unwrap_or_default();
    let sum: u64 = events
        .split("data-n=\"")
        .skip(1)
        .filter_map(|cell| cell.split('"').next()?.parse::<u64>().ok())
        .sum();
    assert_eq!(sum, 33_000, "rows and the row of all others");
    assert!(events.find("frequent") < events.find("rare_"), "the most frequent is first");
}

#[test]
fn a_failed_report_keeps_the_older_page() {
    let place = Place::new();
    fs::write(place.path("page.html"), "older").expect("room");
    let output = place.report(&["missing.log"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_to_string(place.path("page.html")).expect("a page"), "older");
}

fn browser() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.into_iter().find(|name| {
        Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success())
    })
}

/// Opens a page, runs `steps` in it, and returns what they have written.
#[cfg(unix)]
fn drive(browser: &str, page: &Path) -> Option<String> {
    let has_node = Command::new("node").arg("--version").output();
    if !has_node.is_ok_and(|output| output.status.success()) {
        println!("skipped: node was not found");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/click.mjs");
    let output =
        Command::new("node").arg(script).arg(browser).arg(page).output().expect("node runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

#[cfg(unix)]
#[test]
fn filters_work_in_a_browser() {
    let Some(browser) = browser() else {
        println!("skipped: no chromium was found");
        return;
    };
    let place = Place::new();
    fs::write(place.path("app.log"), sample()).expect("room");
    place.page(&["app.log"]);
    let Some(seen) = drive(browser, &place.path("page.html")) else { return };
    let seen: serde_json::Value = serde_json::from_str(&seen).expect("JSON");
    assert_eq!(seen["all"], "316 events");
    assert_eq!(seen["errors"], "10 events");
    assert_eq!(seen["event"], "300 events");
    assert_eq!(seen["text"], "1 events");
    assert_eq!(seen["range"], "10 events");
    assert_eq!(seen["reset"], "316 events");
    assert!(seen["bars_all"].as_u64() > seen["bars_errors"].as_u64(), "{seen}");
    assert_eq!(seen["title"], "Log report", "no script of a line ran");
    assert_eq!(seen["injected"], "blocked", "the policy forbids other scripts and requests");
    assert_eq!(seen["problems"], serde_json::json!([]), "no errors on the console");
    assert_eq!(seen["requests"], serde_json::json!([]), "no requests but the page");
}
