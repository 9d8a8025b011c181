//! Lines of programs in many languages: what must be masked in them, and lines that must stay.
//!
//! The rows are in `lines.tsv`, whose head describes its columns, and in `sentences.tsv`.

use super::*;

fn unescape(text: &str) -> String {
    let escapes =
        [("\\\\", "\u{1}"), ("\\n", "\n"), ("\\t", "\t"), ("\\x1b", "\u{1B}"), ("\u{1}", "\\")];
    escapes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[test]
fn lines_lose_their_secrets_and_nothing_else() {
    let (mut redactor, mut rows, mut wrong) = (standard(), 0, Vec::new());
    let all = [include_str!("lines.tsv"), include_str!("sentences.tsv")];
    for row in all.iter().flat_map(|file| file.lines()).filter(|row| !row.starts_with('#')) {
        let mut columns = row.split('\t').map(unescape);
        let (sign, kind) = (columns.next().unwrap(), columns.next().unwrap());
        let text = columns.next().unwrap();
        let after = plain(&mut redactor, &text);
        let again = plain(&mut redactor, &after);
        let parts: Vec<String> = columns.collect();
        let mut sides = parts.split(|part| part == "|");
        let gone = sides.next().unwrap_or_default();
        let stay = sides.next().unwrap_or_default();
        let is_right = match sign.as_str() {
            "-" => after == text,
            _ => {
                gone.iter().all(|part| text.contains(part) && !after.contains(part))
                    && stay.iter().all(|part| after.contains(part))
                    && !gone.is_empty()
            }
        };
        if !is_right || again != after {
            wrong.push(format!("{kind}\n  {text:?}\n  {after:?}"));
        }
        rows += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 400, "{rows}");
}
