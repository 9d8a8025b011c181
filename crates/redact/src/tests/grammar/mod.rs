//! Keys and values that a grammar connects, one table of rows for each grammar.
//!
//! A row is a name and a text in which `«…»` encloses what must be masked, with `¦` and the replacement if that is
//! not the mask of secrets. Everything else must stay, redacting again must change nothing, and the batch scan must
//! mark all texts that change.

mod argv;
mod calls;
mod extent;
mod flags;
mod pairs;
mod prose;
mod signs;
mod sql;
mod xml;

use super::*;

type Row = (&'static str, &'static str);

/// The text of a row, and what it becomes.
fn split(row: &str) -> (String, String) {
    let (mut text, mut want) = (String::new(), String::new());
    for (i, part) in row.split('«').enumerate() {
        let Some((secret, rest)) = part.split_once('»').filter(|_| i > 0) else {
            text.push_str(part);
            want.push_str(part);
            continue;
        };
        let (secret, mask) = secret.split_once('¦').unwrap_or((secret, "***REDACTED***"));
        text.push_str(secret);
        want.push_str(mask);
        text.push_str(rest);
        want.push_str(rest);
    }
    (text, want)
}

/// Checks all rows, and reports each that fails.
fn check(rows: &[Row]) {
    let mut redactor = standard();
    let mut wrong = Vec::new();
    for (name, row) in rows {
        let (text, want) = split(row);
        check_parts(&mut redactor, &text);
        let once = plain(&mut redactor, &text);
        let twice = plain(&mut redactor, &once);
        let range = 0..text.len() as u32;
        let clean = redactor.is_clean(text.as_bytes(), std::slice::from_ref(&range));
        if once != want || twice != once || (clean && once != text) {
            wrong.push(format!(
                "{name}\n   text {text}\n   want {want}\n   once {once}\n  twice {twice}\n  clean {clean}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// Whatever part of a text is redacted, redacting again changes nothing.
fn check_parts(redactor: &mut Redactor, text: &str) {
    for (place, _) in text.char_indices() {
        for part in [&text[..place], &text[place..]] {
            let once = plain(redactor, part);
            assert_eq!(plain(redactor, &once), once, "{part}");
        }
    }
}
