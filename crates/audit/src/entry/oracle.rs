//! The reference implementation of the parser: reads JSON leniently into a tree, writes the tree in canonical
//! form, and compares.
use super::LINE_BYTES_MAX;

enum Tree {
    Number(String),
    Word(&'static str),
    Text(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

struct LenientParser<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
}

impl LenientParser<'_> {
    fn spaces(&mut self) {
        while self.chars.next_if(|c| c.is_whitespace()).is_some() {}
    }

    fn value(&mut self, depth: usize) -> Option<Tree> {
        if depth > 2000 {
            return None;
        }
        self.spaces();
        let tree = match *self.chars.peek()? {
            '{' => self.object(depth)?,
            '[' => self.list(depth)?,
            '"' => Tree::Text(self.text()?),
            't' => self.word("true")?,
            'f' => self.word("false")?,
            'n' => self.word("null")?,
            _ => self.number(),
        };
        self.spaces();
        Some(tree)
    }

    fn word(&mut self, word: &'static str) -> Option<Tree> {
        word.chars().all(|c| self.chars.next() == Some(c)).then_some(Tree::Word(word))
    }

    fn number(&mut self) -> Tree {
        let mut text = String::new();
        while let Some(c) = self.chars.next_if(|c| "+-.eE0123456789".contains(*c)) {
            text.push(c);
        }
        Tree::Number(text)
    }

    fn text(&mut self) -> Option<String> {
        self.chars.next_if_eq(&'"')?;
        let mut text = String::new();
        loop {
            match self.chars.next()? {
                '"' => return Some(text),
                '\\' => text.push(match self.chars.next()? {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let digits: String = (&mut self.chars).take(4).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                    }
                    other => other,
                }),
                other => text.push(other),
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Tree> {
        self.chars.next();
        let mut items = Vec::new();
        self.spaces();
        while self.chars.next_if_eq(&']').is_none() {
            if !items.is_empty() {
                self.chars.next_if_eq(&',')?;
            }
            items.push(self.value(depth + 1)?);
        }
        Some(Tree::List(items))
    }

    fn object(&mut self, depth: usize) -> Option<Tree> {
        self.chars.next();
        let mut members = Vec::new();
        self.spaces();
        while self.chars.next_if_eq(&'}').is_none() {
            if !members.is_empty() {
                self.chars.next_if_eq(&',')?;
            }
            self.spaces();
            let key = self.text()?;
            self.spaces();
            self.chars.next_if_eq(&':')?;
            members.push((key, self.value(depth + 1)?));
        }
        Some(Tree::Object(members))
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Writes the tree; `false` if it has no canonical form.
fn write(tree: &Tree, depth: usize, out: &mut String) -> bool {
    match tree {
        Tree::Word(word) => out.push_str(word),
        Tree::Text(text) => write_text(text, out),
        Tree::Number(text) => {
            out.push_str(text);
            return serde_json::from_str::<serde_json::Number>(text).is_ok();
        }
        Tree::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                if !write(item, depth + 1, out) {
                    return false;
                }
            }
            out.push(']');
            // An empty list counts as a level.
            return depth <= super::DEPTH_MAX;
        }
        Tree::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                if members[..index].iter().any(|(other, _)| other == key)
                    || !write(value, depth + 1, out)
                {
                    return false;
                }
            }
            out.push('}');
            return depth <= super::DEPTH_MAX;
        }
    }
    true
}

/// Whether a line without its newline is an entry, and if so, its number and event type.
pub(super) fn entry(line: &[u8]) -> Option<(u64, String)> {
    let text = std::str::from_utf8(line).ok()?;
    let mut parser = LenientParser { chars: text.chars().peekable() };
    let tree = parser.value(1)?;
    let mut again = String::new();
    if !write(&tree, 1, &mut again) || again != text || line.len() >= LINE_BYTES_MAX {
        return None;
    }
    let Tree::Object(members) = tree else { return None };
    let [
        (k0, Tree::Number(seq)),
        (k1, Tree::Text(time)),
        (k2, Tree::Text(kind)),
        ..,
        (k3, Tree::Text(prev)),
        (k4, Tree::Text(own)),
    ] = &members[..]
    else {
        return None;
    };
    let keys = [k0.as_str(), k1, k2, k3, k4];
    let named = keys == ["seq", "timestamp", "event_type", "_prev_signature", "_signature"];
    let number =
        seq.parse::<u64>().ok().filter(|value| value.to_string() == *seq && *value < 1 << 63);
    let kind_ok = (1..=128).contains(&kind.len())
        && kind.bytes().all(|b| (0x21..0x7F).contains(&b) && b != b'"' && b != b'\\');
    let ok = named && kind_ok && is_time(time) && is_signature(prev) && is_signature(own);
    number.filter(|_| ok).map(|seq| (seq, kind.clone()))
}

fn is_time(text: &str) -> bool {
    super::parse_timestamp(text.as_bytes()).is_some()
}

fn is_signature(text: &str) -> bool {
    let digits = text.strip_prefix("m1:").or_else(|| text.strip_prefix("h1:"));
    // 43 digits of 6 bits are 258 bits: the last two are zero.
    digits.is_some_and(|digits| {
        digits.len() == 43
            && digits.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && "AEIMQUYcgkosw048".contains(&digits[42..])
    })
}
