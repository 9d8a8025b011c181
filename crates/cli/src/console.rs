//! Standard output and standard error: buffering, colours, exit codes.
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

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
pub enum ExitStatus {
    /// Exit code 0.
    Success,
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
pub fn exit_code(result: Result<ExitStatus, Failure>) -> ExitCode {
    match result {
        Ok(ExitStatus::Success) => ExitCode::SUCCESS,
        Ok(ExitStatus::Findings) => ExitCode::from(1),
        Ok(ExitStatus::Signal(number)) => ExitCode::from(128 | number),
        // `| head` has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Output(error)) => {
            write_stderr(format_args!("cannot write to standard output: {error}"));
            ExitCode::from(2)
        }
        Err(Failure::Message(message)) => {
            write_stderr(message);
            ExitCode::from(2)
        }
    }
}

/// A message to people. Standard error may be gone; then nobody wants to know.
pub fn write_stderr(message: impl Display) {
    let _ = writeln!(io::stderr(), "ringseal: {message}");
}

/// Waits so long, or only until whoever reads standard output has gone away; then that is the
/// error. Where that cannot be asked, the next line that is written finds out. A signal may end it
/// early.
///
/// # Errors
/// [`io::ErrorKind::BrokenPipe`].
pub fn pause(length: Duration) -> io::Result<()> {
    #[cfg(unix)]
    return unix::pause(&io::stdout(), length);
    #[cfg(not(unix))]
    {
        std::thread::sleep(length);
        Ok(())
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::fd::AsFd;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;

    pub(super) fn pause(output: &impl AsFd, length: Duration) -> io::Result<()> {
        // Asked for nothing, it tells only of errors and of the other end's being closed.
        let mut ends = [PollFd::new(output, PollFlags::empty())];
        let timeout = Timespec::try_from(length).ok();
        match poll(&mut ends, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) if is_gone(ends[0].revents()) => return Err(io::ErrorKind::BrokenPipe.into()),
            // It answered at once, and not what was asked: whoever waits would never rest.
            Ok(_) | Err(_) => std::thread::sleep(length),
        }
        Ok(())
    }

    /// Whether that is what is told of an output that nobody reads. NVAL is no answer: some systems
    /// give it for terminals.
    fn is_gone(told: PollFlags) -> bool {
        told.intersects(PollFlags::ERR | PollFlags::HUP)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_an_error_or_a_hang_up_means_that_nobody_reads() {
            for (told, expected) in [
                (PollFlags::ERR, true),
                (PollFlags::HUP, true),
                (PollFlags::ERR | PollFlags::NVAL, true),
                (PollFlags::NVAL, false),
                (PollFlags::OUT, false),
                (PollFlags::empty(), false),
            ] {
                assert_eq!(is_gone(told), expected, "{told:?}");
            }
        }

        #[test]
        fn a_pipe_ends_the_wait_when_its_reader_is_gone_and_not_before() {
            let (reader, writer) = io::pipe().expect("a pipe");
            pause(&writer, Duration::from_millis(1)).expect("somebody reads");
            drop(reader);
            let error = pause(&writer, Duration::from_secs(3600)).expect_err("nobody reads");
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        }
    }
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
    pub const RESET: Style = Style("\x1b[0m");
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
