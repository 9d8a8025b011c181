//! `ringseal audit show`: shows entries in columns, or as raw lines.
//!
//! A line that the verifier would reject is never shown as an entry: it is reported on standard error, in
//! order.
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use ringseal_audit::entry::Entry;
use ringseal_audit::read::{LineContent, LogLine, LogReadError, read_entries};
use ringseal_audit::store::names::ACTIVE;
use ringseal_audit::system::{OsStorage, Storage};

use super::LogDir;
use crate::cat::{is_word, write_key};
use crate::console::{Color, ExitStatus, Failure, Style, pause, write_safe, write_stderr};
use crate::json::{Entries, Entry as Member, Kind};
use crate::time::write_millis;

/// Shows the entries of a log.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Columns: time, seq, type, outcome, actor, target, other members. Control entries, which the log writes about \
itself, are dimmed. Malformed lines and gaps are reported on standard error. Showing verifies nothing.

Exit codes: 0 all shown, 1 malformed lines or missing entries, 2 cannot be read.")]
pub(super) struct Args {
    #[command(flatten)]
    log: LogDir,
    /// First entry to show.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    from: u64,
    /// Last entry to show.
    #[arg(long, value_name = "SEQ")]
    to: Option<u64>,
    /// Only these event types; * matches any text, ? one character.
    #[arg(long = "type", value_name = "GLOB")]
    event_type: Option<String>,
    /// Only entries by the actor with this id.
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Print raw lines as in the file.
    #[arg(long)]
    json: bool,
    /// Keep showing new entries, across rotations, until interrupted or --to is reached. Entries are shown as soon as
    /// they are in the file, which is shortly before they are known to be on disk.
    #[arg(short, long)]
    follow: bool,
    /// In columns, also show the members that describe the process.
    #[arg(short, long)]
    all: bool,
}

pub(super) fn run(args: &Args, color: Color) -> Result<ExitStatus, Failure> {
    if let Some(to) = args.to.filter(|to| *to < args.from) {
        return Err(Failure::Message(format!(
            "--from {} is after --to {to}: expected --from at or before --to",
            args.from
        )));
    }
    let mut printer = EntryPrinter {
        args,
        out: io::BufWriter::with_capacity(64 * 1024, io::stdout().lock()),
        color: color.on_stdout(),
        members: Entries::default(),
        inner: Entries::default(),
        has_findings: false,
        is_first: true,
        last_seq: None,
        is_over: false,
        failed: None,
    };
    let read = match args.follow {
        false => {
            read_entries(&OsStorage, &args.log.dir, args.from, &mut |line| printer.show_line(line))
        }
        true => printer.follow(),
    };
    if let Some(error) = printer.failed.take() {
        // Discards the buffer, which cannot be written either.
        let _ = printer.out.into_parts();
        return Err(Failure::Output(error));
    }
    printer.out.flush()?;
    read.map_err(Failure::of)?;
    if printer.is_first && !has_log(&args.log.dir) {
        return Err(Failure::Message(format!(
            "{}: no audit log in this directory",
            args.log.dir.display()
        )));
    }
    Ok(if printer.has_findings { ExitStatus::Findings } else { ExitStatus::Success })
}

fn has_log(dir: &Path) -> bool {
    ringseal_audit::read::first_start(&OsStorage, dir).is_ok()
}

/// Members that describe the process; the same in every entry.
const SOURCE_KEYS: [&str; 8] = [
    "service",
    "service_instance",
    "environment",
    "component",
    "source_host",
    "source_process",
    "source_application",
    "process_id",
];
/// Members with a dedicated column, and signatures.
const COLUMN_KEYS: [&str; 8] = [
    "seq",
    "timestamp",
    "event_type",
    "outcome",
    "actor",
    "target",
    "_prev_signature",
    "_signature",
];

struct EntryPrinter<'a, W: Write> {
    args: &'a Args,
    out: io::BufWriter<W>,
    color: bool,
    members: Entries,
    inner: Entries,
    has_findings: bool,
    is_first: bool,
    /// The last entry that was read.
    last_seq: Option<u64>,
    /// Whether the last requested entry was reached.
    is_over: bool,
    failed: Option<io::Error>,
}

/// Pause between two polls of a followed log.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

impl<W: Write> EntryPrinter<'_, W> {
    /// Shows the existing entries, then new ones.
    fn follow(&mut self) -> Result<(), LogReadError> {
        let dir = &self.args.log.dir;
        let mut seen = None;
        loop {
            // Taken before reading: entries added meanwhile are read in the next round.
            let now = OsStorage.stat(&dir.join(ACTIVE)).ok().map(|stat| (stat.id, stat.len));
            if now != seen || now.is_none() {
                seen = now;
                let from = self.last_seq.map_or(self.args.from, |last| last.saturating_add(1));
                read_entries(&OsStorage, dir, from, &mut |line| self.show_new_line(line, from))?;
                self.failed = self.failed.take().or_else(|| self.out.flush().err());
            }
            if self.is_over || self.failed.is_some() {
                return Ok(());
            }
            self.failed = pause(POLL_INTERVAL).err();
            if self.failed.is_some() {
                return Ok(());
            }
        }
    }

    /// As [`EntryPrinter::show_line`], for lines that may include already shown entries: those before `from`.
    fn show_new_line(&mut self, line: LogLine<'_>, from: u64) -> ControlFlow<()> {
        let is_next = self.last_seq.is_some_and(|last| last + 1 == from);
        match line.content {
            LineContent::Unfinished => ControlFlow::Continue(()),
            LineContent::Malformed(_) if is_next => ControlFlow::Continue(()),
            LineContent::Entry(entry) if is_next && entry.seq != from => {
                let gap = LineContent::Gap { expected: from, found: entry.seq };
                self.show_line(LogLine { content: gap, ..line })?;
                self.show_line(line)
            }
            _ => self.show_line(line),
        }
    }

    fn show_line(&mut self, line: LogLine<'_>) -> ControlFlow<()> {
        let shown = match line.content {
            LineContent::Entry(entry) => {
                if self.args.to.is_some_and(|to| entry.seq > to) {
                    self.is_over = true;
                    return ControlFlow::Break(());
                }
                self.is_over = self.args.to == Some(entry.seq);
                self.last_seq = Some(entry.seq);
                self.show_entry(&entry, line.bytes)
            }
            LineContent::Gap { expected, found } => self.finding(format_args!(
                "{}:{}: entry {found} where entry {expected} was expected",
                line.file, line.number
            )),
            LineContent::Malformed(error) => self.finding(format_args!(
                "{}:{}: not an entry, the verifier rejects it: {error}",
                line.file, line.number
            )),
            LineContent::Unfinished => self.note(format_args!(
                "{}: ends with {} bytes of an unfinished line",
                line.file,
                line.bytes.len()
            )),
            _ => Ok(()),
        };
        match shown {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn finding(&mut self, message: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.has_findings = true;
        self.note(message)
    }

    /// Prints a message on standard error, in order with the lines.
    fn note(&mut self, message: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.out.flush()?;
        write_stderr(message);
        Ok(())
    }

    fn show_entry(&mut self, entry: &Entry<'_>, line: &[u8]) -> io::Result<()> {
        if std::mem::take(&mut self.is_first) && entry.seq > self.args.from {
            self.note(format_args!("the entries before {} were pruned", entry.seq))?;
        }
        if self.args.event_type.as_deref().is_some_and(|glob| !matches_glob(glob, entry.event_type))
        {
            return Ok(());
        }
        let needs_members = !self.args.json || self.args.actor.is_some();
        // A line that the parser accepts is JSON in UTF-8.
        let text = str::from_utf8(line).unwrap_or_default();
        if needs_members && self.members.find(text).is_err() {
            return Ok(());
        }
        if let Some(wanted) = &self.args.actor
            && !self.has_actor(text, wanted)
        {
            return Ok(());
        }
        if self.args.json {
            self.out.write_all(line)?;
            return self.out.write_all(b"\n");
        }
        self.write_columns(entry, text)
    }

    fn has_actor(&mut self, text: &str, wanted: &str) -> bool {
        let Some(actor) = self.members.iter(text).find(|member| member.key.is("actor")) else {
            return false;
        };
        let is_id = |member: &Member<'_>| member.key.is("id");
        actor.kind == Kind::Map
            && self.inner.find(actor.raw).is_ok()
            && self
                .inner
                .iter(actor.raw)
                .find(is_id)
                .and_then(|id| id.string())
                .is_some_and(|id| id.is(wanted))
    }

    fn write_columns(&mut self, entry: &Entry<'_>, text: &str) -> io::Result<()> {
        let is_dimmed = entry.is_control();
        self.style(is_dimmed, Style::DIM)?;
        self.out.write_all(&write_millis(entry.unix_nanos))?;
        write!(self.out, " {:>8} ", entry.seq)?;
        self.style(!is_dimmed, Style::BOLD)?;
        write!(self.out, "{:<20}", entry.event_type)?;
        self.style(!is_dimmed, Style::RESET)?;
        let members = std::mem::take(&mut self.members);
        let result = match is_dimmed {
            true => Ok(()),
            false => self.write_actor_and_target(&members, text),
        };
        let result = result.and_then(|()| self.write_other_members(&members, text, !is_dimmed));
        self.members = members;
        result?;
        self.style(is_dimmed, Style::RESET)?;
        self.out.write_all(b"\n")
    }

    fn write_actor_and_target(&mut self, members: &Entries, text: &str) -> io::Result<()> {
        let member = |key: &str| members.iter(text).find(|member| member.key.is(key));
        let outcome = member("outcome").and_then(|outcome| outcome.string());
        let outcome = outcome.and_then(|outcome| outcome.plain()).unwrap_or("-");
        self.out.write_all(b" ")?;
        self.style(true, style_of(outcome))?;
        write_safe(&format!("{outcome:<8}"), &mut self.out)?;
        self.style(true, Style::RESET)?;
        for (sign, key) in [(" ", "actor"), (" > ", "target")] {
            if let Some(member) = member(key) {
                self.out.write_all(sign.as_bytes())?;
                self.write_party(&member)?;
            }
        }
        Ok(())
    }

    /// Writes the members without a dedicated column.
    fn write_other_members(
        &mut self,
        members: &Entries,
        text: &str,
        is_styled: bool,
    ) -> io::Result<()> {
        for member in members.iter(text) {
            let is_any = |keys: &[&str]| keys.iter().any(|key| member.key.is(key));
            if is_any(&COLUMN_KEYS) || (!self.args.all && is_any(&SOURCE_KEYS)) {
                continue;
            }
            self.out.write_all(b" ")?;
            self.style(is_styled, Style::KEY)?;
            write_key(member.key, &mut self.out)?;
            self.style(is_styled, Style::RESET)?;
            self.out.write_all(b"=")?;
            self.write_value(&member)?;
        }
        Ok(())
    }

    /// Writes `type:id` of an actor or a target, and its other members.
    fn write_party(&mut self, member: &Member<'_>) -> io::Result<()> {
        let mut inner = std::mem::take(&mut self.inner);
        let result = match member.kind == Kind::Map && inner.find(member.raw).is_ok() {
            true => self.write_party_members(&inner, member.raw),
            false => self.write_value(member),
        };
        self.inner = inner;
        result
    }

    fn write_party_members(&mut self, inner: &Entries, text: &str) -> io::Result<()> {
        let find = |key: &str| inner.iter(text).find(|member| member.key.is(key));
        for (key, sign) in [("type", ":"), ("id", "")] {
            if let Some(member) = find(key) {
                self.write_value(&member)?;
                self.out.write_all(sign.as_bytes())?;
            }
        }
        let is_other = |member: &Member<'_>| !member.key.is("type") && !member.key.is("id");
        for (index, member) in inner.iter(text).filter(is_other).enumerate() {
            self.out.write_all(if index == 0 { b"(" } else { b" " })?;
            write_key(member.key, &mut self.out)?;
            self.out.write_all(b"=")?;
            self.write_value(&member)?;
        }
        match inner.iter(text).any(|member| is_other(&member)) {
            true => self.out.write_all(b")"),
            false => Ok(()),
        }
    }

    /// Writes strings without quotes where this is unambiguous, and other values as they are.
    fn write_value(&mut self, member: &Member<'_>) -> io::Result<()> {
        let raw = match member.string().and_then(|text| text.plain()) {
            Some(text) if is_word(text) => text,
            _ => member.raw,
        };
        write_safe(raw, &mut self.out)
    }

    fn style(&mut self, wanted: bool, style: Style) -> io::Result<()> {
        if wanted && self.color { self.out.write_all(style.0.as_bytes()) } else { Ok(()) }
    }
}

fn style_of(outcome: &str) -> Style {
    Style(match outcome {
        "success" => "\x1b[32m",
        "partial" => "\x1b[33m",
        "failure" | "error" | "denied" => "\x1b[31m",
        _ => "\x1b[2m",
    })
}

/// Whether a text matches a pattern in which `*` matches any text and `?` one character.
fn matches_glob(glob: &str, text: &str) -> bool {
    let (glob, text) = (glob.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0, 0);
    // Position of the last star, and how much of the text it has matched.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match glob.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[seen] => (at, seen) = (at + 1, seen + 1),
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    (at, seen) = (star_at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    glob.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches_glob;

    #[test]
    fn globs_match_whole_texts() {
        let cases = [
            ("user.login", "user.login", true),
            ("user.*", "user.login", true),
            ("*.login", "user.login", true),
            ("*", "", true),
            ("u?er.*n", "user.login", true),
            ("*log*g*", "user.login", false),
            ("user", "user.login", false),
            ("user.login", "user", false),
            ("?", "", false),
            ("**a**", "bab", true),
        ];
        for (glob, text, expected) in cases {
            assert_eq!(matches_glob(glob, text), expected, "{glob} {text}");
        }
    }
}
