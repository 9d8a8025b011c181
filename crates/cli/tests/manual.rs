//! `ringseal completions`, `ringseal man` and `ringseal audit catalogue check`, run as processes.
use std::fs;
use std::process::{Command, Output};

fn ringseal(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringseal")).args(arguments).output().expect("the binary runs")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// The names of all commands in the help.
fn commands() -> Vec<String> {
    let help = text(&ringseal(&["--help"]));
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let list = list.take_while(|line| !line.is_empty());
    let names =
        list.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    names.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = text(&ringseal(&["completions", shell]));
        for command in commands() {
            assert!(script.contains(&command), "{command} in {shell}");
        }
        assert!(script.contains("--since") || script.contains("since"), "{shell}");
    }
    assert_eq!(ringseal(&["completions", "cmd"]).status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn bash_accepts_its_script() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("ringseal.bash");
    fs::write(&path, text(&ringseal(&["completions", "bash"]))).expect("room");
    let Ok(checked) = Command::new("bash").arg("-n").arg(&path).output() else {
        println!("skipped: bash was not found");
        return;
    };
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn every_command_has_a_manual_page() {
    let dir = tempfile::tempdir().expect("a directory");
    let man = dir.path().join("man1");
    let output = ringseal(&["man", "--dir", man.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    for command in commands().iter().filter(|name| *name != "help") {
        let page = fs::read_to_string(man.join(format!("ringseal-{command}.1"))).expect("a page");
        assert!(
            page.contains(".SH SYNOPSIS") && page.contains(&format!("ringseal\\-{command}")),
            "{page}"
        );
    }
    assert!(man.join("ringseal.1").is_file() && man.join("ringseal-audit-verify.1").is_file());
    assert_eq!(ringseal(&["man", "--dir", "/dev/null/x"]).status.code(), Some(2));
}

#[test]
fn a_wrong_catalogue_names_its_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("room");
        path.to_str().expect("UTF-8").to_owned()
    };
    let good = file("good.json", "{\"event_types\": {\"user.login\": [\"actor.ip\"]}}");
    let page = file(
        "good.md",
        "| Event Type | Required Fields |\n|---|---|\n| `user.login` | `actor.ip` |\n",
    );
    let bad =
        file("bad.json", "{\"event_types\": {\n  \"user.login\": [],\n  \"no type!\": []\n}}");
    let cut = file("cut.json", "{\"event_types\": {\n");
    let check = |files: &[&str]| ringseal(&[&["audit", "catalogue", "check"], files].concat());
    let output = check(&[&good, &page]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(text(&output).matches("1 event types").count(), 2, "{}", text(&output));
    for (path, line) in [(&bad, "3"), (&cut, "2")] {
        let output = check(&[path]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(text(&output).contains(&format!("line {line}")), "{}", text(&output));
    }
    let json: serde_json::Value =
        serde_json::from_str(&text(&check(&["--json", &good, &bad]))).expect("JSON");
    assert_eq!((&json[0]["event_types"], json[1]["error"].is_string()), (&1.into(), true));
    assert_eq!(check(&["missing.json"]).status.code(), Some(2));
}
