//! `ringseal cat --trace`, run as a process.
use std::fs;
use std::process::{Command, Output};

const ID: &str = "0af7651916cd43dd8448eb211c80319c";

fn line(second: f64, event: &str, more: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-11-22T15:00:{second:09.6}Z\",\"level\":\"info\",\"target\":\"t\",\
         \"event\":\"{event}\",\"trace_id\":\"{ID}\"{more}}}\n"
    )
}

fn span(id: &str, parent: &str) -> String {
    let parent =
        if parent.is_empty() { String::new() } else { format!(",\"parent_span_id\":\"{parent}\"") };
    format!(",\"span_id\":\"{id}\"{parent}")
}

/// Runs the command over logs with these names and texts.
fn trace(logs: &[(&str, String)], arguments: &[&str]) -> Output {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in logs {
        fs::write(dir.path().join(name), text).expect("room");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    command.arg("cat").arg(dir.path()).args(["--trace", ID]).args(arguments);
    command.output().expect("the binary runs")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Two services; the clock of the second is 5 s behind.
fn two_services() -> [(&'static str, String); 2] {
    let end = ",\"span\":\"call\",\"duration_ms\":800";
    let access = ",\"method\":\"POST\",\"route\":\"/pay\",\"duration_ms\":1000,\"status\":200";
    let shop = line(10.1, "order_read", &span("a1", ""))
        + &line(10.9, "span.end", &(span("b2", "a1") + end))
        + &line(11.0, "http.access", &(span("a1", "") + access))
        + &line(10.5, "other_trace", "").replace(ID, "ffffffffffffffffffffffffffffffff");
    let end = ",\"method\":\"GET\",\"route\":\"/card\",\"duration_ms\":500,\"status\":201";
    let pay = line(5.7, "http.access", &(span("c3", "b2") + end))
        + &line(5.4, "card_read", &span("c3", ""));
    [("shop.log", shop), ("pay.log", pay)]
}

#[test]
fn parents_come_before_their_children() {
    let output = trace(&two_services(), &[]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} in {text}"));
    assert!(at("POST /pay [shop] 1.00 s 200") < at("call [shop] 800.00 ms"), "{text}");
    assert!(at("call [shop]") < at("GET /card [pay] 500.00 ms 201"), "{text}");
    assert!(at("GET /card") < at("info card_read [pay]"), "events are under their span: {text}");
    assert!(text.contains("3 spans, 5 lines, 2 services"), "{text}");
    assert!(text.contains("clocks differ"), "{text}");
    assert!(!text.contains("other_trace"), "{text}");
}

#[test]
fn the_tree_is_json_for_programs() {
    let output = trace(&two_services(), &["--json"]);
    let tree: serde_json::Value = serde_json::from_str(&text(&output)).expect("JSON");
    let spans: Vec<_> = tree["spans"].as_array().expect("a list").iter().collect();
    let shape: Vec<_> =
        spans.iter().map(|span| (span["span_id"].as_str(), span["depth"].as_u64())).collect();
    assert_eq!(shape, [(Some("a1"), Some(0)), (Some("b2"), Some(1)), (Some("c3"), Some(2))]);
    assert_eq!(spans[1]["duration_ms"], 800.0);
    assert_eq!(spans[0]["events"][0]["event"], "order_read");
    assert!(spans[2]["before_parent_ms"].as_f64() > Some(4000.0), "{tree}");
}

#[test]
fn orphans_and_circles_are_shown_once() {
    let log = line(1.0, "lonely", &span("d4", "eeee"))
        + &line(2.0, "x", &span("e5", "f6"))
        + &line(3.0, "y", &span("f6", "e5"))
        + &line(4.0, "self", &span("g7", "g7"))
        + &line(5.0, "spanless", "");
    let text = text(&trace(&[("app.log", log)], &[]));
    assert!(text.contains("its parent eeee is not in these logs"), "{text}");
    for name in ["lonely", "info x", "info y", "info self", "info spanless"] {
        assert_eq!(text.matches(name).count(), 1, "{name}: {text}");
    }
    assert!(text.contains("without a span:"), "{text}");
}

#[test]
fn a_deep_trace_is_no_problem() {
    let mut log = String::new();
    for depth in 1..20_000_u32 {
        log += &line(1.0, "step", &span(&format!("{depth:x}"), &format!("{:x}", depth - 1)));
    }
    let output = trace(&[("app.log", log)], &["--json"]);
    let tree: serde_json::Value = serde_json::from_str(&text(&output)).expect("JSON");
    assert_eq!(tree["spans"][19_998]["depth"], 19_998);
}

#[test]
fn ids_of_other_layouts_are_found() {
    let uuid = "0af76519-16cd-43dd-8448-eb211c80319c";
    let flat = line(1.0, "as_uuid", "").replace(ID, uuid);
    let ecs = format!(
        "{{\"@timestamp\":\"2026-11-22T15:00:00Z\",\"message\":\"in_ecs\",\"trace\":{{\"id\":\"{ID}\"}}}}\n"
    );
    let text = text(&trace(&[("app.log", flat + &ecs)], &[]));
    assert!(text.contains("as_uuid") && text.contains("in_ecs"), "{text}");
}

#[test]
fn an_unknown_trace_is_a_finding() {
    let output = trace(&[("app.log", "{\"event\":\"x\"}\n".into())], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no line of this trace"));
}
