//! Secrets that a command line passes to a store or a login: `echo X | docker secret create n -`,
//! `kubectl create secret generic n --from-literal=k=X`, `echo X | docker login --password-stdin`,
//! `ansible-vault encrypt_string X --name password`.
//!
//! Anchored at the telling word of the command; reads two commands that a pipe connects, at most
//! [`COMMAND_BYTES_MAX`] of each.

use super::flags;
use super::key_text::Key;
use super::kv_value::Value;
use super::programs::{COMMAND_BYTES_MAX, Part, SEPARATOR, command_start, mask, words};
use crate::bytes::{ByteSet, at, before};
use crate::hits::Finder;

const PATH: ByteSet = ByteSet::of(b"A-Za-z0-9_./\\-");
/// Most bytes of a path before its last word.
const PATH_BYTES_MAX: usize = 64;
const BLANK: ByteSet = ByteSet::of(b" \t");
/// Most arguments of a command that are read.
const ARGUMENTS_MAX: usize = 16;

/// Programs with a command `secret`.
#[rustfmt::skip]
const PROGRAMS: [&[u8]; 18] = [
    b"docker", b"podman", b"nerdctl", b"kubectl", b"oc", b"k3s", b"gh", b"gcloud", b"az", b"fly", b"flyctl",
    b"wrangler", b"vercel", b"pulumi", b"supabase", b"nomad", b"doppler", b"microk8s",
];
/// What they do to a secret when they are given its value.
#[rustfmt::skip]
const VERBS: [&[u8]; 7] = [b"create", b"set", b"put", b"add", b"update", b"versions", b"import"];
/// Options with the value of a secret.
const VALUES: [&[u8]; 5] = [b"--body", b"-b", b"--value", b"--secret-string", b"--string-value"];
const LITERAL: &[u8] = b"--from-literal";

/// A command, and where its arguments start.
struct Command<'a> {
    input: &'a [u8],
    start: usize,
    end: usize,
}

impl<'a> Command<'a> {
    /// The command that `pos` is in.
    fn around(input: &'a [u8], pos: usize) -> Command<'a> {
        let rest = &input[pos..input.len().min(pos + COMMAND_BYTES_MAX)];
        let len = rest.iter().position(|&byte| SEPARATOR.has(byte)).unwrap_or(rest.len());
        Command { input, start: command_start(input, pos), end: pos + len }
    }

    fn text(&self) -> &'a [u8] {
        &self.input[self.start..self.end]
    }

    fn has(&self, name: &[u8]) -> bool {
        words(self.text()).any(|word| word == name)
    }

    /// The arguments from `pos` on.
    fn arguments(&self, pos: usize) -> impl Iterator<Item = Value> {
        let (input, end, mut next) = (self.input, self.end, pos);
        let arguments = std::iter::from_fn(move || {
            let first = next + BLANK.run(input, next, COMMAND_BYTES_MAX);
            let value = flags::argument(input, first).filter(|value| value.end <= end)?;
            next = value.end + usize::from(value.quoted);
            Some(value)
        });
        arguments.take(ARGUMENTS_MAX)
    }
}

/// `key` is a telling word.
pub(super) fn find(finder: &mut Finder<'_>, key: Key) {
    let input = finder.input;
    if !matches!(at(input, key.end), 0 | b' ' | b'\n' | b'\r' | b'"' | b'\'') {
        return;
    }
    match &input[key.start..key.end] {
        b"secret" | b"secrets" => secret(finder, key),
        b"password-stdin" if before(input, key.start) == b'-' => {
            piped(finder, key.start, Part::All);
        }
        b"chpasswd" => piped(finder, key.start, Part::After(b':')),
        b"passwd" => passwd(finder, key),
        b"wpa_passphrase" => {
            let command = Command::around(input, key.end);
            if let Some(value) = command.arguments(key.end).nth(1) {
                mask(finder, Part::All, value);
            }
        }
        _ if is_name(input, key.start) => named(finder, key),
        _ => {}
    }
}

/// `docker secret create n -` after a pipe, `kubectl create secret … --from-literal=k=X`, `gh secret set N --body X`.
fn secret(finder: &mut Finder<'_>, key: Key) {
    let input = finder.input;
    let command = Command::around(input, key.end);
    finder.spend(command.text().len());
    let is_one = |known: &[&[u8]], word: &[u8]| known.contains(&word);
    let runs = words(&input[command.start..key.start]).any(|word| is_one(&PROGRAMS, word))
        && words(command.text()).any(|word| is_one(&VERBS, word));
    if !runs {
        return;
    }
    piped(finder, key.start, Part::All);
    let mut is_value = false;
    for value in command.arguments(key.end) {
        let text = &input[value.start..value.end];
        if std::mem::take(&mut is_value) {
            mask(finder, Part::All, value);
        } else if let Some(rest) = text.strip_prefix(LITERAL) {
            literal(finder, &value, value.end - rest.len());
        } else {
            is_value = is_one(&VALUES, text);
        }
    }
}

/// `--from-literal=k=X`, `--from-literal="k=X"`, `--from-literal k=X`; `pos` is the position after the option.
fn literal(finder: &mut Finder<'_>, option: &Value, pos: usize) {
    let input = finder.input;
    let pair =
        if option.quoted || pos < option.end && !matches!(at(input, option.end), b'"' | b'\'') {
            Some(Value { start: pos.min(option.end), ..*option })
        } else {
            flags::argument(input, pos + 1)
        };
    let pair = match pair {
        Some(pair) if pair.start == pair.end => flags::argument(input, pos + 1),
        pair => pair,
    };
    let Some(mut pair) = pair else { return };
    pair.start += usize::from(at(input, pair.start) == b'=');
    mask(finder, Part::After(b'='), pair);
}

/// `echo X | passwd --stdin bob`, `openssl passwd -6 X`.
fn passwd(finder: &mut Finder<'_>, key: Key) {
    let command = Command::around(finder.input, key.end);
    if command.has(b"--stdin") {
        return piped(finder, key.start, Part::All);
    }
    if !words(&finder.input[command.start..key.start]).any(|word| word == b"openssl") {
        return;
    }
    let input = finder.input;
    let mut arguments = command.arguments(key.end);
    let is_option = |value: &Value| input[value.start] == b'-';
    if let Some(value) = arguments.find(|value| !is_option(value))
        && arguments.next().is_none()
    {
        mask(finder, Part::All, value);
    }
}

/// Whether the argument that `start` is in, which can be a path, is the value of an option `--name`.
fn is_name(input: &[u8], start: usize) -> bool {
    let start = start - PATH.run_back(input, start, PATH_BYTES_MAX);
    let quote = usize::from(matches!(before(input, start), b'"' | b'\''));
    let option = &input[..start - quote];
    option.ends_with(b"--name ") || option.ends_with(b"--name=") || option.ends_with(b"-n ")
}

/// `aws ssm put-parameter --name /db/password --value X`;
/// `ansible-vault encrypt_string X --name password`: the argument that belongs to no option.
fn named(finder: &mut Finder<'_>, key: Key) {
    const PROGRAM: &[u8] = b"encrypt_string";
    let input = finder.input;
    let command = Command::around(input, key.end);
    if command.has(b"put-parameter") {
        let mut arguments = command.arguments(command.start);
        let is_option = |value: &Value| &input[value.start..value.end] == b"--value";
        if arguments.any(|value| is_option(&value))
            && let Some(value) = arguments.next()
        {
            mask(finder, Part::All, value);
        }
        return;
    }
    let Some(at) = memchr::memmem::find(command.text(), PROGRAM) else { return };
    finder.spend(command.text().len());
    let mut is_option = false;
    for value in command.arguments(command.start + at + PROGRAM.len()) {
        let text = &input[value.start..value.end];
        if std::mem::take(&mut is_option) {
            continue;
        }
        if text.starts_with(b"-") && !value.quoted {
            is_option = !text.contains(&b'=');
        } else {
            mask(finder, Part::All, value);
        }
    }
}

/// Masks what the command before the pipe writes, or the text after `<<<`: the input of the command that `pos` is in.
fn piped(finder: &mut Finder<'_>, pos: usize, part: Part) {
    let input = finder.input;
    let command = Command::around(input, pos);
    if let Some(at) = memchr::memmem::find(command.text(), b"<<<")
        && let Some(value) = command.arguments(command.start + at + 3).next()
    {
        return mask(finder, part, value);
    }
    if before(input, command.start) != b'|' {
        return;
    }
    let writer =
        Command { input, start: command_start(input, command.start - 1), end: command.start - 1 };
    finder.spend(writer.text().len());
    let mut arguments = writer.arguments(writer.start);
    let writes = |value: &Value| matches!(&input[value.start..value.end], b"echo" | b"printf");
    if !arguments.any(|value| writes(&value)) {
        return;
    }
    let is_text = |value: &Value| {
        let text = &input[value.start..value.end];
        value.quoted && !text.starts_with(b"%s")
            || !value.quoted && !matches!(text, b"-n" | b"-e" | b"-ne" | b"-en")
    };
    let mut texts = arguments.filter(is_text);
    if let Some(value) = texts.next()
        && texts.next().is_none()
    {
        mask(finder, part, value);
    }
}
