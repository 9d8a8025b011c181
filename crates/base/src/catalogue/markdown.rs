//! Catalogues in Markdown: one page for people and for the program.
use super::error::CatalogueError;
use super::{Shapes, Words};

impl Shapes {
    /// Reads a catalogue from the tables and lists of a page. A blank page is an empty catalogue; a page with text but
    /// without event types is an error.
    pub fn from_markdown(words: &Words, text: &str) -> Result<Shapes, CatalogueError> {
        let shapes = Shapes::default();
        let mut page = Page { words, shapes, header: Header::None, fence: None };
        let mut lines = 0;
        for (number, line) in (1..).zip(text.lines()) {
            page.line(number, line.trim())?;
            lines = number;
        }
        if page.shapes.is_empty() && !text.trim().is_empty() {
            return Err(CatalogueError::NoEventTypes { lines });
        }
        Ok(page.shapes)
    }
}

/// The position in a table.
enum Header {
    /// Outside a table.
    None,
    /// After a row that is a header if a delimiter row follows.
    Maybe(Vec<String>),
    /// In a table without event types.
    Other,
    /// In a table with these columns.
    Columns { event_type: usize, required: Option<usize> },
}

struct Page<'a> {
    words: &'a Words,
    shapes: Shapes,
    header: Header,
    /// The fence that ends the current code block.
    fence: Option<&'a str>,
}

impl<'a> Page<'a> {
    fn line(&mut self, number: usize, line: &'a str) -> Result<(), CatalogueError> {
        if let Some(fence) = self.fence {
            if line.starts_with(fence) {
                self.fence = None;
            }
            return Ok(());
        }
        self.fence = ["```", "~~~"].into_iter().find(|fence| line.starts_with(fence));
        let item = ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark));
        if line.starts_with('|') {
            return self.row(number, line);
        }
        self.header = Header::None;
        item.map_or(Ok(()), |item| self.item(number, item.trim()))
    }

    fn row(&mut self, number: usize, line: &str) -> Result<(), CatalogueError> {
        let cells = cells(line);
        match &self.header {
            Header::None => self.header = Header::Maybe(cells),
            Header::Maybe(names) if is_delimiter(&cells) => self.header = columns(names),
            Header::Maybe(_) => self.header = Header::Maybe(cells),
            Header::Other => {}
            &Header::Columns { event_type, required } => {
                let cell = |index: usize| cells.get(index).map_or("", |cell| cell.as_str());
                let name = bare(cell(event_type));
                let fields = required.map_or("", cell);
                self.add(name, fields, number)?;
            }
        }
        Ok(())
    }

    fn item(&mut self, number: usize, item: &str) -> Result<(), CatalogueError> {
        let Some((name, rest)) = item_name(self.words, item) else { return Ok(()) };
        let lower = rest.to_ascii_lowercase();
        let fields = ["required fields:", "required:", "requires:", "requires "]
            .iter()
            .find_map(|word| lower.find(word).and_then(|at| rest.get(at + word.len()..)))
            .unwrap_or_default();
        self.add(name, fields.split([')', ';']).next().unwrap_or_default(), number)
    }

    fn add(&mut self, name: &str, fields: &str, line: usize) -> Result<(), CatalogueError> {
        let required = fields_of(fields);
        let required: Vec<&str> = required.iter().map(String::as_str).collect();
        self.shapes.add(self.words, name, &required, Some(line))
    }
}

/// The cells of a row; `\|` is an escaped bar.
fn cells(line: &str) -> Vec<String> {
    let inside = line.strip_prefix('|').unwrap_or(line);
    let mut cells = vec![String::new()];
    let mut chars = inside.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('|')) => cells.last_mut().into_iter().for_each(|cell| cell.push('|')),
            ('|', _) => cells.push(String::new()),
            (c, _) => cells.last_mut().into_iter().for_each(|cell| cell.push(c)),
        }
        if c == '\\' {
            chars.next_if_eq(&'|');
        }
    }
    // The last bar ends the row.
    if inside.ends_with('|') && cells.len() > 1 {
        cells.pop();
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

fn is_delimiter(cells: &[String]) -> bool {
    cells.iter().all(|cell| {
        let dashes = cell.strip_prefix(':').unwrap_or(cell);
        let dashes = dashes.strip_suffix(':').unwrap_or(dashes);
        !dashes.is_empty() && dashes.bytes().all(|byte| byte == b'-')
    })
}

fn columns(names: &[String]) -> Header {
    let position = |known: &[&str]| {
        names.iter().position(|name| {
            let name = bare(name).to_ascii_lowercase().replace([' ', '-'], "_");
            known.contains(&name.as_str())
        })
    };
    match position(&["event_type", "event", "name"]) {
        None => Header::Other,
        Some(event_type) => {
            let required = position(&["required", "required_fields"]);
            Header::Columns { event_type, required }
        }
    }
}

/// Removes backticks and stars around the text.
fn bare(text: &str) -> &str {
    text.trim_matches(['`', '*', ' '])
}

/// The event type at the start of a list item, and the rest of the item.
fn item_name<'i>(words: &Words, item: &'i str) -> Option<(&'i str, &'i str)> {
    let plain = item.trim_start_matches('*');
    if let Some(code) = plain.strip_prefix('`') {
        let (name, rest) = code.split_once('`')?;
        return (words.is_event_type)(name).then_some((name, rest));
    }
    let end = plain.find([' ', ':', '(', '*', '\t']).unwrap_or(plain.len());
    let (name, rest) = plain.split_at_checked(end)?;
    let follows = rest.trim_start_matches('*').trim_start();
    let is_named = name.contains(['.', '_'])
        && (follows.is_empty() || follows.starts_with([':', '-', '–', '—', '(']));
    (is_named && (words.is_event_type)(name)).then_some((name, rest))
}

/// The words of a list of fields; dashes and `none` mean an empty list, and `or` joins alternatives.
fn fields_of(text: &str) -> Vec<String> {
    let words = text.split([',', ' ', '\t']).map(|word| bare(word.trim_end_matches('.')));
    let words = words.filter(|word| {
        !matches!(*word, "" | "-" | "–" | "—" | "and" | "none" | "None" | "<br>" | "<br/>")
    });
    let (mut fields, mut is_joined) = (Vec::<String>::new(), false);
    for word in words {
        match (word, fields.last_mut()) {
            ("or", Some(_)) => is_joined = true,
            (word, Some(last)) if is_joined => {
                *last = format!("{last}|{word}");
                is_joined = false;
            }
            (word, _) => fields.push(word.to_owned()),
        }
    }
    fields
}
