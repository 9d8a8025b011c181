//! YAML 1.2 as far as configurations need it: maps, lists and single values, which stay texts.
//!
//! Refused, because a reader could misjudge them: anchors, aliases, tags, keys that are not single values, several
//! documents. `no`, `off`, `0o17` and `1e3` are words; what they mean is decided by the setting.
use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::tree::{Content, DEPTH_MAX, FormatMistake, Member, NODES_MAX, Node};

/// Reads a text.
pub(crate) fn parse(text: &str) -> Result<Node, FormatMistake> {
    let mut reader = Reader { parser: Parser::new_from_str(text), nodes: 0 };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart(_) if root.is_some() => {
                return Err(mistake(&span, "one document"));
            }
            Event::DocumentStart(_) => {}
            Event::StreamEnd => break,
            event => root = Some(reader.node(event, &span, 0)?),
        }
    }
    Ok(root.unwrap_or(Node { content: Content::Null, line: 1, column: 1 }))
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    nodes: usize,
}

fn place(span: &Span) -> (usize, usize) {
    (span.start.line(), span.start.col() + 1)
}

fn mistake(span: &Span, expected: &str) -> FormatMistake {
    let (line, column) = place(span);
    FormatMistake { line, column, expected: expected.to_owned() }
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), FormatMistake> {
        match self.parser.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(FormatMistake {
                line: error.marker().line(),
                column: error.marker().col() + 1,
                expected: format!("YAML ({})", error.info()),
            }),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: &Span, depth: usize) -> Result<Node, FormatMistake> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(mistake(span, &format!("at most {NODES_MAX} keys and values")));
        }
        if depth > DEPTH_MAX {
            return Err(mistake(
                span,
                &format!("at most {DEPTH_MAX} maps and lists inside each other"),
            ));
        }
        let (line, column) = place(span);
        let content = match event {
            Event::Alias(_) => {
                return Err(mistake(span, "no alias (`*name`): write the value again"));
            }
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _)
                if anchor != 0 =>
            {
                return Err(mistake(span, "no anchor (`&name`)"));
            }
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => return Err(mistake(span, "no tag (`!name`)")),
            Event::Scalar(text, ScalarStyle::Plain, ..)
                if matches!(&*text, "" | "~" | "null" | "Null" | "NULL") =>
            {
                Content::Null
            }
            Event::Scalar(text, ..) => Content::Text(text.into_owned()),
            Event::SequenceStart(..) => Content::List(self.list(depth)?),
            Event::MappingStart(..) => Content::Map(self.map(depth)?),
            _ => return Err(mistake(span, "a value")),
        };
        Ok(Node { content, line, column })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, FormatMistake> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, &span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Member>, FormatMistake> {
        let mut members = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(members);
            }
            let key = self.node(event, &span, depth + 1)?;
            let (line, column) = (key.line, key.column);
            let Content::Text(key) = key.content else {
                return Err(mistake(&span, "a key that is a single value"));
            };
            let (event, span) = self.next()?;
            let value = self.node(event, &span, depth + 1)?;
            members.push(Member { key, line, column, value });
        }
    }
}
