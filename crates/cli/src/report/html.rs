//! HTML text.
use std::fmt::{self, Display, Write};

use ringseal::internals::printable::Printable;

/// A text inside an element or an attribute: what is not printable is escaped as in JSON, and what HTML reads as markup
/// as a character reference. Nothing in a log can end an element, start a script or change the reading direction.
pub struct Html<'a>(pub &'a str);

impl Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", Printable(self.0))
    }
}

struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| match character {
            '&' => self.0.write_str("&amp;"),
            '<' => self.0.write_str("&lt;"),
            '>' => self.0.write_str("&gt;"),
            '"' => self.0.write_str("&quot;"),
            '\'' => self.0.write_str("&#39;"),
            '`' => self.0.write_str("&#96;"),
            other => self.0.write_char(other),
        })
    }
}

/// A table: heading, note, names of columns, rows of cells.
pub struct TableText {
    out: String,
    rows: usize,
}

impl TableText {
    /// A section with a table.
    pub fn new(id: &str, title: &str, note: &str, columns: &[&str]) -> Self {
        let mut out = format!("<section id=\"{id}\"><h2>{}</h2>", Html(title));
        if !note.is_empty() {
            let _ = write!(out, "<p class=\"note\">{}</p>", Html(note));
        }
        let _ = write!(
            out,
            "<p class=\"shown\" role=\"status\"></p><div class=\"scroll\" tabindex=\"0\" role=\"region\" \
             aria-label=\"{}\"><table><thead><tr>",
            Html(title)
        );
        for column in columns {
            let class = if column.starts_with('#') { " class=\"number\"" } else { "" };
            let _ = write!(
                out,
                "<th scope=\"col\"{class}>{}</th>",
                Html(column.trim_start_matches('#'))
            );
        }
        out.push_str("</tr></thead><tbody>");
        Self { out, rows: 0 }
    }

    /// Begins a row that the filters show or hide.
    pub fn row(&mut self, filter: &RowFilter<'_>) -> &mut Self {
        let RowFilter { level, event, range, series } = *filter;
        let _ = write!(self.out, "<tr data-l=\"{level}\" data-e=\"{}\"", Html(event));
        if let Some((first, last)) = range {
            let ms = |nanos: i64| nanos.div_euclid(1_000_000);
            let _ = write!(self.out, " data-f=\"{}\" data-u=\"{}\"", ms(first), ms(last));
        }
        if let Some((series, first_step)) = series {
            let steps: Vec<String> = series
                .iter()
                .map(|(step, count)| format!("{}:{count}", step - first_step))
                .collect();
            let _ = write!(self.out, " data-s=\"{}\"", steps.join(","));
        }
        self.out.push('>');
        self.rows += 1;
        self
    }

    /// A cell.
    pub fn cell(&mut self, text: &str) -> &mut Self {
        let _ = write!(self.out, "<td><bdi>{}</bdi></td>", Html(text));
        self
    }

    /// A cell with a name, which gets room on narrow screens.
    pub fn name(&mut self, text: &str) -> &mut Self {
        let _ = write!(self.out, "<td class=\"name\"><bdi>{}</bdi></td>", Html(text));
        self
    }

    /// A cell with a time or an identifier, which is not broken into lines.
    pub fn whole(&mut self, text: &str) -> &mut Self {
        let _ = write!(self.out, "<td class=\"whole\"><bdi>{}</bdi></td>", Html(text));
        self
    }

    /// A cell with a number.
    pub fn number(&mut self, text: &str) -> &mut Self {
        let _ = write!(self.out, "<td class=\"number\">{}</td>", Html(text));
        self
    }

    /// A cell with a count, which the filters change.
    pub fn count(&mut self, count: u64, text: &str) -> &mut Self {
        let _ =
            write!(self.out, "<td class=\"number count\" data-n=\"{count}\">{}</td>", Html(text));
        self
    }

    /// A cell with the name of a level.
    pub fn level(&mut self, level: usize) -> &mut Self {
        let name = super::page::LEVEL_NAMES.get(level).copied().unwrap_or_default();
        let _ = write!(self.out, "<td><span class=\"level l{level}\">{name}</span></td>");
        self
    }

    /// A cell with a summary that opens a longer text.
    pub fn details(&mut self, summary: &str, text: &str) -> &mut Self {
        let (summary, text) = (Html(summary), Html(text));
        let _ = write!(
            self.out,
            "<td><details><summary><bdi>{summary}</bdi></summary><pre>{text}</pre></details></td>"
        );
        self
    }

    /// Ends a row.
    pub fn end(&mut self) {
        self.out.push_str("</tr>");
    }

    /// The section; with `none` in place of a table without rows.
    pub fn finish(mut self, none: &str) -> String {
        if self.rows == 0 {
            let at = self.out.find("<p class=\"shown\"").unwrap_or(self.out.len());
            self.out.truncate(at);
            let _ = write!(self.out, "<p>{}</p></section>", Html(none));
        } else {
            self.out.push_str("</tbody></table></div></section>");
        }
        self.out
    }
}

/// What the filters of the page compare with.
#[derive(Clone, Copy)]
pub struct RowFilter<'a> {
    /// The level's index.
    pub level: usize,
    /// The event.
    pub event: &'a str,
    /// The first and the last time, in nanoseconds.
    pub range: Option<(i64, i64)>,
    /// Counts by step, and the first step of the chart.
    pub series: Option<(&'a [(i64, u64)], i64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        for (text, expected) in [
            ("</script><img onerror=\"x\">", "&lt;/script&gt;&lt;img onerror=&quot;x&quot;&gt;"),
            ("a\u{2028}b\u{202e}c\0", "a\\u2028b\\u202ec\\u0000"),
            ("'`&amp;", "&#39;&#96;&amp;amp;"),
        ] {
            assert_eq!(Html(text).to_string(), expected);
        }
    }
}
