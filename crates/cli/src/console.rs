//! Standard output and standard error: buffering, colours, exit codes.
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use ringseal::internals::printable::Printable;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Returns whether standard output gets colours.
    pub fn on_stdout(self) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stdout().is_terminal() && environment_allows_color(),
        }
    }
}

/// <https://no-color.org>: a value that is not empty disables colours.
fn environment_allows_color() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !no_color && !dumb
}

/// The result of a command that was able to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Exit code 0.
    Success,
    /// There is a finding or a check failed: exit code 1.
    Findings,
    /// A signal ended the command and nothing is missing: exit code 128 plus the signal's number.
    Signal(u8),
}

/// Why a command could not run: exit code 2, or 0 if the reader of standard output closed it.
#[derive(Debug)]
pub enum Failure {
    /// Writing to standard output failed.
    Output(io::Error),
    /// Any other error, as text.
    Message(String),
}

impl Failure {
    /// Creates a failure from an error's text.
    pub fn of(error: impl Display) -> Self {
        Failure::Message(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

/// Reports a failure on standard error and returns the exit code.
pub fn exit_code(result: Result<ExitStatus, Failure>) -> ExitCode {
    match result {
        Ok(ExitStatus::Success) => ExitCode::SUCCESS,
        Ok(ExitStatus::Findings) => ExitCode::from(1),
        Ok(ExitStatus::Signal(number)) => ExitCode::from(128 | number),
        // For example `| head`.
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

/// Writes a message to standard error. Errors are ignored: there is no other place to report them.
///
/// The message may quote names of files and other input: what is not printable is escaped, and further lines of the
/// message are indented, so that no name looks like a message.
pub fn write_stderr(message: impl Display) {
    let mut text = String::from("ringseal: ");
    for (index, line) in message.to_string().trim_end_matches('\n').split('\n').enumerate() {
        let indent = if index > 0 { "\n  " } else { "" };
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{indent}{}", Printable(line)));
    }
    text.push('\n');
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Sleeps for `length`, or returns an error as soon as the reader of standard output closes it.
///
/// On systems that cannot report this, the next write fails. A signal may end the sleep early.
///
/// # Errors
/// [`io::ErrorKind::BrokenPipe`] if the reader has closed the pipe.
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
        // Without requested events, poll reports only errors and a closed peer.
        let mut ends = [PollFd::new(output, PollFlags::empty())];
        let timeout = Timespec::try_from(length).ok();
        match poll(&mut ends, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) if is_closed(ends[0].revents()) => return Err(io::ErrorKind::BrokenPipe.into()),
            // Poll returned at once for another reason: sleep, otherwise the caller would spin.
            Ok(_) | Err(_) => std::thread::sleep(length),
        }
        Ok(())
    }

    /// Returns whether these events mean that the reader has closed the pipe. NVAL does not: some systems report it
    /// for terminals.
    fn is_closed(events: PollFlags) -> bool {
        events.intersects(PollFlags::ERR | PollFlags::HUP)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_error_and_hang_up_mean_closed() {
            for (events, expected) in [
                (PollFlags::ERR, true),
                (PollFlags::HUP, true),
                (PollFlags::ERR | PollFlags::NVAL, true),
                (PollFlags::NVAL, false),
                (PollFlags::OUT, false),
                (PollFlags::empty(), false),
            ] {
                assert_eq!(is_closed(events), expected, "{events:?}");
            }
        }

        #[test]
        fn a_closed_reader_ends_the_pause() {
            let (reader, writer) = io::pipe().expect("a pipe");
            pause(&writer, Duration::from_millis(1)).expect("the reader is open");
            drop(reader);
            let error =
                pause(&writer, Duration::from_secs(3600)).expect_err("the reader is closed");
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        }
    }
}

/// An ANSI escape sequence that switches a style on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style(pub &'static str);

impl Style {
    /// Less important text.
    pub const DIM: Style = Style("\x1b[2m");
    /// The event's name.
    pub const BOLD: Style = Style("\x1b[1m");
    /// A field's key.
    pub const KEY: Style = Style("\x1b[36m");
    /// Resets all styles.
    pub const RESET: Style = Style("\x1b[0m");
}

/// Writes `text` with everything that is not printable escaped as in JSON, except tabs: nothing in a log can control
/// the terminal or hide.
pub fn write_safe(text: &str, out: &mut dyn Write) -> io::Result<()> {
    for (index, part) in text.split('\t').enumerate() {
        if index > 0 {
            out.write_all(b"\t")?;
        }
        write!(out, "{}", Printable(part))?;
    }
    Ok(())
}
