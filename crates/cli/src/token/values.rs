//! Makes tokens of values and reveals them, line by line.
use std::fmt::Display;
use std::io::{self, BufRead, Write};

use ringseal_redact::token::{Access, FieldType, TokenKeys, TokenKeysConfig, TokenKeysError};

use super::{Reveal, Values, typo_warnings};
use crate::console::{ExitStatus, Failure, write_stderr};

pub(super) fn tokenize(args: &Values) -> Result<ExitStatus, Failure> {
    let (pii, field) = open(args)?;
    for_each_value(args, |value, out| {
        let value = str::from_utf8(value).map_err(|_| Refusal::of("expected UTF-8"))?;
        out.extend_from_slice(pii.tokenize(value, field).as_bytes());
        Ok(())
    })
}

pub(super) fn protect(args: &Values) -> Result<ExitStatus, Failure> {
    let (pii, field) = open_full(args, "protect")?;
    for_each_value(args, |value, out| {
        out.extend_from_slice(pii.protect(value, field)?.as_bytes());
        Ok(())
    })
}

pub(super) fn reveal(args: &Reveal) -> Result<ExitStatus, Failure> {
    let (pii, field) = open_full(&args.values, "reveal")?;
    for_each_value(&args.values, |token, out| {
        let token = str::from_utf8(token).map_err(|_| Refusal::of("expected UTF-8"))?;
        show(&pii.reveal(token, field)?, args.raw, out);
        Ok(())
    })
}

/// Why a value is refused.
enum Refusal {
    /// Only this value.
    Value(String),
    /// Every value, so that the command ends.
    All(Failure),
}

impl Refusal {
    fn of(error: impl Display) -> Refusal {
        Refusal::Value(error.to_string())
    }
}

impl From<TokenKeysError> for Refusal {
    fn from(error: TokenKeysError) -> Refusal {
        match error {
            // If there is no nonce now, there will be none for the next value either.
            TokenKeysError::Random(_) => Refusal::All(Failure::of(error)),
            error => Refusal::of(error),
        }
    }
}

fn open(args: &Values) -> Result<(TokenKeys, FieldType<'_>), Failure> {
    let path = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
    let config = TokenKeysConfig::from_variables(|name| {
        let option = match name {
            "PII_PROVIDER" => args.keyset.as_ref().map(|_| "file".to_owned()),
            "PII_TOKEN_KEYSET_PATH" => args.keyset.as_ref().map(path),
            "PII_REVEAL_KEYSET_PATH" => args.reveal_keyset.as_ref().map(path),
            "PII_ACCESS" => args.access.map(|access| access.name().to_owned()),
            "PII_ENV" => args.env.clone(),
            _ => None,
        };
        option.or_else(|| std::env::var_os(name).map(|v| v.to_string_lossy().into_owned()))
    });
    let config = config.map_err(Failure::of)?.ok_or_else(|| {
        Failure::of("no keyset: give --keyset FILE, or PII_PROVIDER=file and PII_TOKEN_KEYSET_PATH")
    })?;
    let pii = TokenKeys::open(&config).map_err(Failure::of)?;
    typo_warnings::warn(args);
    Ok((pii, FieldType::new(&args.field)))
}

/// Opens the keys; refuses before any input is read if the access is not full.
fn open_full<'a>(
    args: &'a Values,
    operation: &'static str,
) -> Result<(TokenKeys, FieldType<'a>), Failure> {
    let (pii, field) = open(args)?;
    match pii.access() {
        Access::Full => Ok((pii, field)),
        _ => Err(Failure::of(TokenKeysError::AccessDenied { operation })),
    }
}

/// Writes a line for each value. Empty values stay empty.
fn for_each_value(
    args: &Values,
    mut make: impl FnMut(&[u8], &mut Vec<u8>) -> Result<(), Refusal>,
) -> Result<ExitStatus, Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    let mut is_refused = false;
    let mut one = |place: &dyn Display, value: &[u8]| -> Result<(), Failure> {
        line.clear();
        match if value.is_empty() { Ok(()) } else { make(value, &mut line) } {
            Ok(()) => {}
            Err(Refusal::All(failure)) => return Err(failure),
            Err(Refusal::Value(why)) => {
                is_refused = true;
                write_stderr(format_args!("{place}: {why}"));
                line.clear();
            }
        }
        line.push(b'\n');
        out.write_all(&line).map_err(Failure::Output)
    };
    if args.values.is_empty() {
        lines(&mut one)?;
    } else {
        for (i, value) in args.values.iter().enumerate() {
            one(&format_args!("value {}", i + 1), value.as_bytes())?;
        }
    }
    out.flush()?;
    Ok(if is_refused { ExitStatus::Findings } else { ExitStatus::Success })
}

/// Calls `one` with the place and the text of each line of standard input.
fn lines(mut one: impl FnMut(&dyn Display, &[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    let mut number = 0u64;
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line);
        let read =
            read.map_err(|error| Failure::of(format_args!("cannot read standard input: {error}")))?;
        if read == 0 {
            return Ok(());
        }
        number += 1;
        let value = line.strip_suffix(b"\n").unwrap_or(&line);
        let value = value.strip_suffix(b"\r").unwrap_or(value);
        one(&format_args!("line {number}"), value)?;
    }
}

/// Appends a revealed value, escaped if it contains terminal control characters and `raw` is false.
fn show(value: &[u8], raw: bool, out: &mut Vec<u8>) {
    match str::from_utf8(value) {
        _ if raw => out.extend_from_slice(value),
        Ok(text) if !text.chars().any(char::is_control) => out.extend_from_slice(value),
        _ => out.extend_from_slice(value.escape_ascii().to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::show;

    #[test]
    fn revealed_values_are_escaped_unless_raw() {
        let shown = |value: &[u8], raw| {
            let mut out = Vec::new();
            show(value, raw, &mut out);
            out
        };
        for plain in ["ann@example.com", "J\u{F6}rg", "a\\b \"c\""] {
            assert_eq!(shown(plain.as_bytes(), false), plain.as_bytes());
        }
        for (value, want) in [
            (&b"a\x1B[2J\nb"[..], "a\\x1b[2J\\nb"),
            (b"\xFF\\", "\\xff\\\\"),
            ("\u{9B}2J".as_bytes(), "\\xc2\\x9b2J"),
        ] {
            assert_eq!(shown(value, false), want.as_bytes());
            assert_eq!(shown(value, true), value);
        }
    }
}
