//! Standard output and standard error: buffering, colours, exit codes.
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether to colour standard output.
    pub fn on_stdout(self) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stdout().is_terminal() && environment_allows_color(),
        }
    }
}

/// <https://no-color.org>: set and not empty means no.
fn environment_allows_color() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !no_color && !dumb
}

/// How a command ended that could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Fine,
    /// Something was found or a check failed: exit code 1.
    Findings,
    /// All is well, and a signal was what ended it: exit code 128 and the signal's number.
    Signal(u8),
}

/// Why a command could not run: exit code 2, unless nobody reads our output any more.
#[derive(Debug)]
pub enum Failure {
    /// Writing to standard output failed.
    Output(io::Error),
    /// Anything else, in words.
    Message(String),
}

impl Failure {
    /// From anything that can be said in words.
    pub fn of(error: impl Display) -> Self {
        Failure::Message(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

/// Says on standard error what went wrong, and gives the exit code.
pub fn exit_code(result: Result<Outcome, Failure>) -> ExitCode {
    match result {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Signal(number)) => ExitCode::from(128 | number),
        // `| head` has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Output(error)) => {
            complain(format_args!("cannot write to standard output: {error}"));
            ExitCode::from(2)
        }
        Err(Failure::Message(message)) => {
            complain(message);
            ExitCode::from(2)
        }
    }
}

/// A message to people. Standard error may be gone; then nobody wants to know.
pub fn complain(message: impl Display) {
    let _ = writeln!(io::stderr(), "ringseal: {message}");
}

/// Waits so long, or only until whoever reads standard output has gone away; then that is the
/// error. Where a pipe cannot be asked, the next line that is written finds out.
///
/// # Errors
/// [`io::ErrorKind::BrokenPipe`].
pub fn pause(length: std::time::Duration) -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let stdout = io::stdout();
        // Asked for nothing, it tells only of errors and of the other end's being closed.
        let mut ends = [PollFd::new(&stdout, PollFlags::empty())];
        let length = Timespec::try_from(length).ok();
        if let Ok(1..) = poll(&mut ends, length.as_ref()) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
    }
    #[cfg(not(unix))]
    std::thread::sleep(length);
    Ok(())
}

/// ANSI colours, as they are switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style(pub &'static str);

impl Style {
    /// Of little interest.
    pub const DIM: Style = Style("\x1b[2m");
    /// What is looked for.
    pub const BOLD: Style = Style("\x1b[1m");
    /// Keys of fields.
    pub const KEY: Style = Style("\x1b[36m");
    /// Back to normal.
    pub const END: Style = Style("\x1b[0m");
}

/// Writes control characters, and those that change the direction of writing, as JSON would escape
/// them: nothing that a log holds may command a terminal.
pub fn write_safe(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut rest = text;
    while let Some((at, unsafe_char)) = rest.char_indices().find(|&(_, char)| is_unsafe(char)) {
        out.write_all(&rest.as_bytes()[..at])?;
        match unsafe_char {
            '\n' => out.write_all(b"\\n")?,
            '\r' => out.write_all(b"\\r")?,
            other => write!(out, "\\u{:04x}", u32::from(other))?,
        }
        rest = &rest[at + unsafe_char.len_utf8()..];
    }
    out.write_all(rest.as_bytes())
}

/// Tab is harmless; the rest of C0, DEL, C1 and the bidirectional controls are not.
fn is_unsafe(char: char) -> bool {
    (char.is_control() && char != '\t')
        || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
