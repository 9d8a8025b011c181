//! `.env` files: `NAME=value`, one after the other. Nothing is set in the process's environment.
//!
//! | written | is |
//! |---|---|
//! | `NAME=value`, `export NAME=value` | an assignment; blanks around `=` and after the value are left out |
//! | `# comment`, `NAME=value # comment` | a comment, if a blank precedes the `#` |
//! | `'…'` | as it is, over several lines, too |
//! | `"…"` | with `\n`, `\r`, `\t`, `\"`, `\\`, `\$`, over several lines, too |
//! | `$NAME`, `${NAME}` | as it is: nothing is expanded |
//!
//! Names may have `.` and `-`, as other programs have them. A name without a value, as `NAME=`, sets an empty text.
//!
//! Promises: the time grows with the length of the text. No mistake shows a text that is not a name before `=`: it may
//! be a line of a key.

/// An assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Of the value; counted from 1.
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// Of the name, in the same line.
    pub(crate) name_column: usize,
}

/// A mistake. What was found is not shown: it may be a part of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) name: String,
    pub(crate) expected: &'static str,
}

/// Reads all assignments and all mistakes. After a mistake, it continues in the next line.
pub(crate) fn parse(text: &str) -> (Vec<Assignment>, Vec<Mistake>) {
    let mut reader = Reader { chars: text.chars().collect(), at: 0, line: 1, column: 1 };
    let (mut assignments, mut mistakes) = (Vec::new(), Vec::new());
    while !reader.is_at_end() {
        match reader.line() {
            Ok(None) => {}
            Ok(Some(found)) => assignments.push(found),
            Err(mistake) => {
                mistakes.push(mistake);
                reader.skip_line();
            }
        }
    }
    (assignments, mistakes)
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    column: usize,
}

impl Reader {
    fn is_at_end(&self) -> bool {
        self.at == self.chars.len()
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// Takes a character; a carriage return before a line feed is a part of the line's end.
    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        if next == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(next)
    }

    fn is_at_line_end(&self) -> bool {
        match self.peek() {
            None | Some('\n') => true,
            Some('\r') => self.chars.get(self.at + 1).is_none_or(|next| *next == '\n'),
            _ => false,
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.next();
        }
    }

    fn skip_line(&mut self) {
        while let Some(next) = self.next() {
            if next == '\n' {
                return;
            }
        }
    }

    /// What follows a value must be a comment.
    fn end_line(&mut self, name: &str) -> Result<(), Mistake> {
        self.skip_blanks();
        if self.peek() != Some('#') && !self.is_at_line_end() {
            return Err(self.mistake(name, "nothing but a comment after a value in quotes"));
        }
        self.skip_line();
        Ok(())
    }

    fn mistake(&self, name: &str, expected: &'static str) -> Mistake {
        Mistake { line: self.line, column: self.column, name: name.to_owned(), expected }
    }

    /// One line, or several if a value has several.
    fn line(&mut self) -> Result<Option<Assignment>, Mistake> {
        self.skip_blanks();
        if self.peek() == Some('#') || self.is_at_line_end() {
            self.skip_line();
            return Ok(None);
        }
        let mut name_column = self.column;
        let mut name = self.name()?;
        if name == "export" && matches!(self.peek(), Some(' ' | '\t')) {
            self.skip_blanks();
            name_column = self.column;
            name = self.name()?;
        }
        self.skip_blanks();
        if self.peek() != Some('=') {
            // The name may be a part of a key with several lines.
            return Err(self.mistake("", "NAME=value, with `=` after the name"));
        }
        self.next();
        self.skip_blanks();
        let (line, column) = (self.line, self.column);
        let value = match self.peek() {
            Some(quote @ ('\'' | '"')) => {
                self.next();
                let value = self.quoted(&name, quote, (line, column))?;
                self.end_line(&name)?;
                value
            }
            _ => self.plain(&name)?,
        };
        Ok(Some(Assignment { name, value, line, column, name_column }))
    }

    fn name(&mut self) -> Result<String, Mistake> {
        let mut name = String::new();
        while let Some(next) = self.peek() {
            let is_name = next.is_ascii_alphabetic()
                || next == '_'
                || matches!(next, '0'..='9' | '.' | '-') && !name.is_empty();
            if !is_name {
                break;
            }
            name.push(next);
            self.next();
        }
        match name.is_empty() {
            true => Err(self.mistake("", "NAME=value, with a name of letters, digits and `_`")),
            false => Ok(name),
        }
    }

    /// A value without quotes, up to the line's end or a comment.
    fn plain(&mut self, name: &str) -> Result<String, Mistake> {
        let mut value = String::new();
        while !self.is_at_line_end() {
            let is_comment = self.peek() == Some('#') && value.ends_with([' ', '\t']);
            if is_comment || self.peek() == Some('#') && value.is_empty() {
                break;
            }
            match self.peek() {
                Some('\0') => return Err(self.mistake(name, "a value without the character NUL")),
                Some(next) => value.push(next),
                None => break,
            }
            self.next();
        }
        self.skip_line();
        value.truncate(value.trim_end().len());
        Ok(value)
    }

    fn quoted(
        &mut self,
        name: &str,
        quote: char,
        start: (usize, usize),
    ) -> Result<String, Mistake> {
        let mut value = String::new();
        let (resume, resume_place) = (self.at, (self.line, self.column));
        while let Some(next) = self.next() {
            match next {
                next if next == quote => return Ok(value),
                '\\' if quote == '"' => match self.next() {
                    Some('n') => value.push('\n'),
                    Some('r') => value.push('\r'),
                    Some('t') => value.push('\t'),
                    Some(escaped @ ('"' | '\\' | '$' | '\'')) => value.push(escaped),
                    _ => {
                        return Err(
                            self.mistake(name, r#"\n, \r, \t, \", \', \\ or \$ after a backslash"#)
                        );
                    }
                },
                '\0' => return Err(self.mistake(name, "a value without the character NUL")),
                '\r' if self.peek() == Some('\n') => {}
                next => value.push(next),
            }
        }
        // The rest of the file is not a part of the value: other lines are read nevertheless.
        self.at = resume;
        (self.line, self.column) = resume_place;
        let (line, column) = start;
        let expected = "an end of the value in quotes";
        Err(Mistake { line, column, name: name.to_owned(), expected })
    }
}
