//! `ringseal events`: a JSON Schema, or a page in Markdown, about the typed events of Rust sources.
//!
//! Sources are read as tokens, one file after the other, and nothing is compiled. What only the compiler knows is not
//! guessed: the value of a type with another name is described as `any`, and a number that is not written in the file
//! is an error.
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use ringseal::events::{Catalogue, EventDescriptor};
use ringseal::internals::printable::Printable;

use crate::console::{ExitStatus, Failure, write_stderr};
use crate::rust_source;
use crate::rust_source::files::Files;
use crate::rust_source::tokens::Place;

mod catalogue;
mod declaration;
mod docs;
mod rules;
mod shape;
#[cfg(test)]
mod tests;

use catalogue::{Declared, Events, Mistake};

const EXAMPLES: &str = "\
Examples:
  ringseal events schema src > schemas/events.json   the JSON Schema of lines
  ringseal events docs src > docs/events.md          a page for readers
  ringseal events docs src --check docs/events.md    whether the page is current

Reads the declarations in `domain_events!`. Tests, hidden directories and `target` are left out, and reported on \
standard error. Bounds of rules are numbers, or constants of the same file.

Exit codes: 0 success, 1 the file of --check is not current, 2 wrong usage, a mistake in the sources, or a file \
that cannot be read.";

/// Describes the typed events of Rust sources: a JSON Schema, or a page in Markdown.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the JSON Schema (draft 2020-12) of the events' lines in the format `json`.
    Schema(SourceArgs),
    /// Prints a page in Markdown: events, their fields and rules, and the texts of their documentation.
    Docs(SourceArgs),
}

#[derive(Debug, clap::Args)]
struct SourceArgs {
    /// Files, or directories whose `.rs` files are read.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print nothing, and compare with this file.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Read `tests` and `benches` directories, too.
    #[arg(long)]
    tests: bool,
}

/// Sources may be nested deeply, and are read by recursion.
const STACK_BYTES: usize = 256 << 20;

/// Runs the command.
///
/// # Errors
/// If a file cannot be read, has a mistake, or the output cannot be written.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    with_deep_stack(|| describe(&args.command))
}

/// Calls it on a thread whose stack is deep enough for nested sources.
fn with_deep_stack<T: Send>(
    call: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let thread = thread.spawn_scoped(scope, call).map_err(Failure::of)?;
        thread.join().map_err(|_| Failure::of("the reading of a source ended in a panic"))?
    })
}

fn describe(command: &Command) -> Result<ExitStatus, Failure> {
    let (Command::Schema(args) | Command::Docs(args)) = command;
    let events = events_of(args)?;
    let text = match command {
        Command::Schema(_) => schema(&events),
        Command::Docs(_) => docs::page(&events),
    };
    let Some(path) = &args.check else {
        io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(ExitStatus::Success);
    };
    let current = std::fs::read_to_string(path)
        .map_err(|error| Failure::of(format_args!("{}: {error}", path.display())))?;
    if current.trim_end() == text.trim_end() {
        return Ok(ExitStatus::Success);
    }
    let line = first_difference(&current, &text);
    write_stderr(format_args!(
        "{}: line {line} differs from what the sources say; write the file anew without --check",
        path.display()
    ));
    Ok(ExitStatus::Findings)
}

/// The typed events of a file or a directory of sources, for other commands.
pub(crate) fn catalogue_of(path: &Path) -> Result<Catalogue, Failure> {
    let args = SourceArgs { paths: vec![path.to_owned()], check: None, tests: false };
    with_deep_stack(|| events_of(&args).map(|events| catalogue(&events)))
}

fn catalogue(events: &[Declared]) -> Catalogue {
    let descriptors: Vec<&'static EventDescriptor> =
        events.iter().map(|event| event.descriptor).collect();
    Catalogue::new(Vec::leak(descriptors))
}

fn schema(events: &[Declared]) -> String {
    let mut schema = catalogue(events).json_schema();
    if !schema.ends_with('\n') {
        schema.push('\n');
    }
    schema
}

/// The number of the first line that differs.
fn first_difference(one: &str, other: &str) -> usize {
    one.lines().zip(other.lines()).take_while(|(one, other)| one == other).count() + 1
}

fn events_of(args: &SourceArgs) -> Result<Vec<Declared>, Failure> {
    let files = Files::of(&args.paths, args.tests);
    let mut events = Events::default();
    let mut is_whole = files.errors.is_empty();
    for (path, error) in &files.errors {
        write_stderr(format_args!("{}: {error}", path.display()));
    }
    for path in &files.paths {
        if let Err(Mistake { place, message }) = add_file(&mut events, path) {
            is_whole = false;
            let Place { line, column } = place;
            let message = Printable(&message);
            write_stderr(format_args!("{}:{line}:{column}: {message}", path.display()));
        }
    }
    rust_source::files::report_skipped(&files.skipped);
    if !is_whole {
        return Err(Failure::of("not everything could be read, so nothing is described"));
    }
    if events.declared.is_empty() {
        return Err(Failure::of("no events: expected sources with `domain_events!`"));
    }
    Ok(events.declared)
}

fn add_file(events: &mut Events, path: &Path) -> Result<(), Mistake> {
    let at_start = |message: String| Mistake { place: Place::START, message };
    let text =
        rust_source::read(path).map_err(|error| at_start(error.to_string()))?.map_err(at_start)?;
    if !text.contains("domain_events") {
        return Ok(());
    }
    let (tokens, problem) = rust_source::parse(&text);
    if tokens.is_empty() {
        let problem =
            problem.map(|problem| Mistake { place: problem.place, message: problem.message });
        return problem.map_or(Ok(()), Err);
    }
    events.add_file(path, &tokens)
}
