//! The help text of every command, at several terminal widths.
use std::process::Command;

fn ringseal(arguments: &[String], columns: usize) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    command.args(arguments).arg("--help").env("COLUMNS", columns.to_string());
    let output = command.output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The names under `Commands:`.
fn subcommands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let list = list.take_while(|line| !line.is_empty());
    // Continuation lines of a description are indented further.
    let names = list.filter_map(|line| line.strip_prefix("  ").filter(|l| !l.starts_with(' ')));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every command; the first is `ringseal` itself.
fn commands() -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut at = 0;
    while at < all.len() {
        for name in subcommands(&ringseal(&all[at], 100)) {
            all.push([&all[at][..], &[name]].concat());
        }
        at += 1;
    }
    all
}

/// The text after the options.
fn epilogue(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| !line.trim_start().starts_with("-h, --help"));
    lines.skip_while(|line| line.is_empty() || line.starts_with(' ')).collect()
}

/// Two lines of a paragraph of which the first has space for the next word.
fn orphan(help: &str, columns: usize) -> Option<String> {
    let lines: Vec<&str> = help.lines().collect();
    let is_text = |line: &str| !line.is_empty() && !line.starts_with(' ');
    let mut pairs = lines.windows(2).filter(|pair| is_text(pair[0]) && is_text(pair[1]));
    pairs.find_map(|pair| {
        let word = pair[1].split(' ').next().unwrap_or_default();
        let len = pair[0].chars().count() + 1 + word.chars().count();
        (len <= columns).then(|| pair.join("\n"))
    })
}

#[test]
fn a_line_broken_too_early_is_found() {
    assert_eq!(orphan("Exit codes: 2 wrong\nusage", 80), Some("Exit codes: 2 wrong\nusage".into()));
    assert_eq!(orphan("Exit codes: 2 wrong\nusage", 24), None);
    assert_eq!(orphan("one\n\ntwo\n  three\nfour", 80), None);
}

#[test]
fn help_is_wrapped_at_80_and_100_columns() {
    let commands = commands();
    assert!(commands.len() > 20, "{commands:?}");
    for command in commands {
        let wide = ringseal(&command, 100);
        for columns in [80, 100] {
            let help = ringseal(&command, columns);
            assert_eq!(orphan(&help, columns), None, "{command:?} at {columns}");
            let longest = help.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(columns), "{command:?} at {columns}");
            // Examples and tables are not wrapped.
            for line in epilogue(&wide).iter().filter(|line| line.starts_with(' ')) {
                assert!(epilogue(&help).contains(line), "{command:?} at {columns}: {line}");
            }
        }
    }
}
