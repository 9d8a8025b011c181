//! `ringseal lint`: finds mistakes of logging in Rust sources, without compiling them.
//!
//! Files are read one after the other, and memory is that of the largest. Nothing is written but the report.
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use ringseal::internals::printable::Printable;

use crate::console::{ExitStatus, Failure, write_stderr};
use crate::redact::escape::quoted;
use crate::rust_source;
use crate::rust_source::files::{self, Files};
use crate::rust_source::tokens::Place;

mod allow;
mod bindings;
mod check;
mod event;
mod expected;
mod imports;
mod profile;
mod rule;
mod secrets;
mod walk;

use check::{Checker, Finding, Style};
use profile::Profile;
use rule::{RULES, Rule};
use secrets::Secrets;

const EXAMPLES: &str = "\
Examples:
  ringseal lint .                          the sources of a project
  ringseal lint src --profile ecs          names and ids of a format
  ringseal lint src --rule static-name     one rule only
  ringseal lint src --allow print-macro    all rules but this
  ringseal lint src --json                 findings as JSON lines
  ringseal lint --explain flat-error       what a rule finds, and why
  ringseal lint --explain all              all rules

The macros of ringseal, tracing, log and slog are understood. A finding is file:line:column: rule: message. \
A comment in the line before, or behind the code, allows one rule, and must give the reason:
  // ringseal-lint: allow(print-macro): the table is this function's output

Tests, hidden directories and `target` are left out, and reported on standard error.

Exit codes: 0 nothing found, 1 findings, 2 wrong usage or something could not be read.";

/// Finds mistakes of logging in Rust sources: names that are not constant, errors as text, secrets, and others.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files, or directories whose `.rs` files are checked.
    #[arg(required_unless_present = "explain", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The format of the log, as LOG_FORMAT has it: json, structlog, stdlib-json, dashtam-ci, cloud-dog-json, ecs …
    /// It decides how names look.
    #[arg(long, value_name = "FORMAT", default_value = "json", value_parser = Profile::from_name)]
    profile: Profile,
    /// Check this rule only. May be given several times.
    #[arg(long = "rule", value_name = "RULE", value_parser = rule_of)]
    rules: Vec<Rule>,
    /// Do not check this rule. May be given several times.
    #[arg(long = "allow", value_name = "RULE", value_parser = rule_of)]
    allowed: Vec<Rule>,
    /// A verb of the project for names such as CAR_GO. May be given several times.
    #[arg(long = "verb", value_name = "WORD")]
    verbs: Vec<String>,
    /// A result of the project for names such as CAR_SOLD_TWICE. May be given several times.
    #[arg(long = "result", value_name = "WORD")]
    results: Vec<String>,
    /// Check `tests` and `benches` directories, too.
    #[arg(long)]
    tests: bool,
    /// Write one JSON object per finding: file, line, column, rule, message, help.
    #[arg(long)]
    json: bool,
    /// Explain a rule with an example, or `all`, and check nothing.
    #[arg(long, value_name = "RULE", conflicts_with = "paths")]
    explain: Option<String>,
}

fn rule_of(name: &str) -> Result<Rule, String> {
    Rule::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = RULES.iter().map(|entry| entry.name).collect();
        format!("expected {}", names.join(", "))
    })
}

/// Sources may be nested deeply, and are read by recursion.
const STACK_BYTES: usize = 256 << 20;

/// Runs the command.
///
/// # Errors
/// If a file cannot be read, or the output cannot be written.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    if let Some(name) = &args.explain {
        return explain(name);
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let lint = thread.spawn_scoped(scope, || lint(args)).map_err(Failure::of)?;
        lint.join().map_err(|_| Failure::of("the check of a file ended in a panic"))?
    })
}

fn explain(name: &str) -> Result<ExitStatus, Failure> {
    let entries: Vec<_> = match name {
        "all" => RULES.iter().collect(),
        name => vec![
            rule_of(name)
                .map_err(|error| Failure::of(format_args!("--explain {name}: {error}")))?
                .entry(),
        ],
    };
    let mut out = BufWriter::new(io::stdout().lock());
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}: {}\n\n{}\n", entry.name, entry.summary, entry.why)?;
        for (title, code) in [("reported:", entry.wrong), ("not reported:", entry.right)] {
            writeln!(out, "  {title}")?;
            for line in code.lines() {
                writeln!(out, "    {line}")?;
            }
        }
    }
    out.flush()?;
    Ok(ExitStatus::Success)
}

fn lint(args: &Args) -> Result<ExitStatus, Failure> {
    let files = Files::of(&args.paths, args.tests);
    let style =
        Style { profile: args.profile, verbs: args.verbs.clone(), results: args.results.clone() };
    let mut secrets = Secrets::default();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut errors: Vec<(PathBuf, io::Error)> = files.errors;
    let mut count = 0_usize;
    for path in &files.paths {
        let findings = match rust_source::read(path) {
            Ok(Ok(text)) => check(&text, path, &style, &mut secrets, args),
            Ok(Err(message)) => vec![unparsable(message)],
            Err(error) => {
                errors.push((path.clone(), error));
                continue;
            }
        };
        for finding in findings.iter().filter(|finding| is_active(args, finding.rule)) {
            count += 1;
            write_finding(&mut out, path, finding, args.json)?;
        }
    }
    out.flush()?;
    files::report_skipped(&files.skipped);
    for (path, error) in &errors {
        write_stderr(format_args!("{}: {error}", path.display()));
    }
    if !errors.is_empty() {
        return Err(Failure::of("not everything could be read"));
    }
    if files.paths.is_empty() {
        return Err(Failure::of("nothing to check: expected files, or directories with .rs files"));
    }
    if !args.json {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let total = files.paths.len();
        writeln!(out, "{count} finding{} in {total} file{}", plural(count), plural(total))?;
        out.flush()?;
    }
    Ok(if count == 0 { ExitStatus::Success } else { ExitStatus::Findings })
}

fn is_active(args: &Args, rule: Rule) -> bool {
    (args.rules.is_empty() || args.rules.contains(&rule)) && !args.allowed.contains(&rule)
}

fn unparsable(message: String) -> Finding {
    Finding {
        place: Place::START,
        rule: Rule::Unparsable,
        message,
        help: UNPARSABLE_HELP.to_owned(),
    }
}

const UNPARSABLE_HELP: &str = "make it compile, or leave it out of the arguments";

/// The findings of one file, without those that comments allow.
fn check(
    text: &str,
    path: &Path,
    style: &Style,
    secrets: &mut Secrets,
    args: &Args,
) -> Vec<Finding> {
    let (tokens, problem) = rust_source::parse(text);
    let mut allows = allow::allows(text, &tokens);
    let mut checker = Checker {
        style,
        secrets,
        imports: imports::Imports::of(&tokens),
        is_library: files::is_library(path),
        findings: Vec::new(),
        bindings: bindings::Bindings::default(),
        calls: Vec::new(),
        parameter_bounds: Vec::new(),
        foreign: Vec::new(),
    };
    checker.bindings.enter_block();
    checker.walk(&tokens);
    checker.finish();
    let mut findings = checker.findings;
    if let Some(rust_source::Problem { place, message }) = problem {
        findings.push(Finding { place, ..unparsable(message) });
    }
    findings.retain(|finding| {
        let allow = allows.iter_mut().find(|allow| {
            allow.rule == Some(finding.rule)
                && allow.fault.is_none()
                && allow.lines.contains(&finding.place.line)
        });
        allow.map(|allow| allow.is_used = true).is_none()
    });
    for allow in allows {
        let is_unused = !allow.is_used
            && allow.rule.is_some_and(|rule| is_active(args, rule) && can_be_unused(rule, style));
        let fault = allow.fault.or(is_unused.then(|| "it allows nothing: remove it".to_owned()));
        if let Some(fault) = fault {
            findings.push(Finding {
                place: allow.place,
                rule: Rule::BadAllow,
                message: format!("this comment does not count: {fault}"),
                help: "write `// ringseal-lint: allow(RULE): reason` before the code".to_owned(),
            });
        }
    }
    findings.sort_by_key(|finding| (finding.place, finding.rule));
    drop(tokens);
    // The positions of this file's tokens are not needed any more.
    proc_macro2::extra::invalidate_current_thread_spans();
    findings
}

/// Rules of a profile find nothing in another one, where their comments are no mistake.
fn can_be_unused(rule: Rule, style: &Style) -> bool {
    style.profile != Profile::default() || !matches!(rule, Rule::NameStyle | Rule::RootId)
}

fn write_finding(
    out: &mut impl Write,
    path: &Path,
    finding: &Finding,
    as_json: bool,
) -> io::Result<()> {
    let Finding { place, rule, message, help } = finding;
    let (line, column, path) = (place.line, place.column, path.display().to_string());
    if as_json {
        write!(out, "{{\"file\":")?;
        out.write_all(quoted(&path).as_bytes())?;
        write!(out, ",\"line\":{line},\"column\":{column},\"rule\":\"{rule}\",\"message\":")?;
        out.write_all(quoted(message).as_bytes())?;
        write!(out, ",\"help\":")?;
        out.write_all(quoted(help).as_bytes())?;
        return writeln!(out, "}}");
    }
    let (path, message, help) = (Printable(&path), Printable(message), Printable(help));
    writeln!(out, "{path}:{line}:{column}: {rule}: {message}\n  help: {help}")
}
