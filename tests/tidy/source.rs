//! The tracked files, and Rust sources split into code and comments, line by line.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// One line of a Rust source.
#[derive(Debug, Default, Clone)]
pub struct Line {
    /// The code, without comments and with empty strings.
    pub code: String,
    /// The comment, with its slashes.
    pub comment: String,
    /// Whether it belongs to a `#[cfg(test)]` item or to a file of tests.
    pub is_test: bool,
}

/// A Rust source.
#[derive(Debug)]
pub struct Source {
    /// Relative to the project, with `/`.
    pub path: String,
    pub text: String,
    pub lines: Vec<Line>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let mut lines = split(text);
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_test = path.starts_with("tests/")
            || path.contains("/tests/")
            || name == "tests.rs"
            || name.ends_with("_tests.rs");
        if is_test {
            lines.iter_mut().for_each(|line| line.is_test = true);
        } else {
            mark_test_items(&mut lines);
        }
        Self { path: path.into(), text: text.into(), lines }
    }

    /// The lines with their numbers, from 1.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        (1..).zip(&self.lines)
    }

    /// The lines that are not test code.
    pub fn product(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.numbered().filter(|(_, line)| !line.is_test)
    }

    /// A breach of a rule in this file.
    pub fn breach(&self, line: usize, why: impl std::fmt::Display) -> String {
        format!("{}:{line}: {why}", self.path)
    }

    /// The name of the last function that starts at or above a line.
    pub fn function_at(&self, line: usize) -> &str {
        let above = self.lines[..line].iter().rev();
        above
            .filter_map(|line| {
                let at = find_word(&line.code, "fn")?;
                let name = line.code[at + 2..].trim_start();
                let end = name.find(|c: char| !is_word(c)).unwrap_or(name.len());
                (end > 0).then(|| &name[..end])
            })
            .next()
            .unwrap_or("")
    }
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The position of `word` as a whole word.
pub fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_end = |c: Option<char>| c.is_none_or(|c| !is_word(c));
    text.match_indices(word).map(|(at, _)| at).find(|&at| {
        is_end(text[..at].chars().next_back()) && is_end(text[at + word.len()..].chars().next())
    })
}

/// The directory of the project.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file that is tracked or would be after `git add`; without git, every file outside of build directories.
pub fn files() -> Vec<(String, String)> {
    let root = root();
    let mut names = git_names(&root).unwrap_or_else(|| {
        let mut names = Vec::new();
        walk(&root, &root, &mut names);
        names
    });
    names.sort();
    let read = |name: String| {
        let bytes = std::fs::read(root.join(&name)).ok()?;
        Some((name, String::from_utf8(bytes).ok()?))
    };
    names.into_iter().filter_map(read).collect()
}

/// The Rust sources among the files, read once.
pub fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(read_sources)
}

fn read_sources() -> Vec<Source> {
    let rust = files().into_iter().filter(|(name, _)| name.ends_with(".rs"));
    let sources: Vec<_> = rust.map(|(name, text)| Source::new(&name, &text)).collect();
    assert!(sources.iter().any(|source| source.path == "src/lib.rs"), "the sources were not found");
    sources
}

fn git_names(root: &Path) -> Option<Vec<String>> {
    let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").arg("-C").arg(root).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let names: Vec<_> = text.split('\0').filter(|n| !n.is_empty()).map(str::to_owned).collect();
    (output.status.success() && !names.is_empty()).then_some(names)
}

fn walk(root: &Path, folder: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if !["target", ".git", "corpus", "artifacts"].iter().any(|skipped| name == *skipped) {
                walk(root, &path, names);
            }
        } else if let Ok(relative) = path.strip_prefix(root) {
            names.push(relative.to_string_lossy().replace('\\', "/"));
        }
    }
}

/// The state of the splitter.
enum State {
    Code,
    LineComment,
    BlockComment(u32),
    Str,
    RawStr(usize),
}

/// Separates code from comments and empties strings. Sufficient for sources that compile.
fn split(text: &str) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    let mut state = State::Code;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut len = c.len_utf8();
        if c == '\n' {
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            lines.push(Line::default());
            rest = &rest[len..];
            continue;
        }
        let line = lines.last_mut().expect("starts with one");
        match state {
            State::Code => (state, len) = code(rest, line),
            State::LineComment => line.comment.push(c),
            State::BlockComment(depth) => {
                line.comment.push(c);
                if rest.starts_with("*/") {
                    len = 2;
                    state = if depth > 1 { State::BlockComment(depth - 1) } else { State::Code };
                } else if rest.starts_with("/*") {
                    len = 2;
                    state = State::BlockComment(depth + 1);
                }
            }
            State::Str => match c {
                '\\' if !rest[1..].starts_with('\n') => len += next_len(&rest[1..]),
                '"' => (state, _) = (State::Code, line.code.push('"')),
                _ => {}
            },
            State::RawStr(hashes) => {
                if c == '"' && rest[1..].starts_with(&"#".repeat(hashes)) {
                    len += hashes;
                    line.code.push('"');
                    state = State::Code;
                }
            }
        }
        rest = &rest[len..];
    }
    if text.ends_with('\n') {
        lines.pop();
    }
    lines
}

fn next_len(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

/// One step in code: the next state and the bytes consumed.
fn code(rest: &str, line: &mut Line) -> (State, usize) {
    if rest.starts_with("//") {
        line.comment.push_str("//");
        return (State::LineComment, 2);
    }
    if rest.starts_with("/*") {
        line.comment.push_str("/*");
        return (State::BlockComment(1), 2);
    }
    let is_fresh = !line.code.ends_with(is_word) || line.code.ends_with(['b', 'c']);
    if rest.starts_with('r') && is_fresh {
        let hashes = rest[1..].bytes().take_while(|&byte| byte == b'#').count();
        if rest[1 + hashes..].starts_with('"') {
            line.code.push('"');
            return (State::RawStr(hashes), 2 + hashes);
        }
    }
    if rest.starts_with('"') {
        line.code.push('"');
        return (State::Str, 1);
    }
    if rest.starts_with('\'') {
        return (State::Code, quote(rest, line));
    }
    let c = rest.chars().next().unwrap_or(' ');
    line.code.push(c);
    (State::Code, c.len_utf8())
}

/// Empties a character literal and keeps a lifetime.
fn quote(rest: &str, line: &mut Line) -> usize {
    let inner = &rest[1..];
    if inner.starts_with('\\') {
        let end = inner[2..].find('\'').map_or(inner.len(), |at| at + 3);
        line.code.push_str("''");
        return 1 + end;
    }
    let len = next_len(inner);
    if inner[len..].starts_with('\'') {
        line.code.push_str("''");
        return 2 + len;
    }
    line.code.push('\'');
    1
}

/// Marks the items under `#[cfg(test)]` and similar attributes.
fn mark_test_items(lines: &mut [Line]) {
    let mut at = 0;
    while at < lines.len() {
        let code = lines[at].code.trim();
        let is_gate = code.starts_with("#[cfg(")
            && find_word(code, "test").is_some()
            && !code.contains("not(test");
        if !is_gate {
            at += 1;
            continue;
        }
        let mut depth = 0i32;
        'item: while at < lines.len() {
            lines[at].is_test = true;
            let code = lines[at].code.clone();
            at += 1;
            let code = code.split_once(")]").map_or(code.as_str(), |(head, tail)| {
                if head.trim().starts_with("#[cfg(") { tail } else { code.as_str() }
            });
            for c in code.chars() {
                match c {
                    '{' | '(' | '[' => depth += 1,
                    '}' | ')' | ']' => {
                        depth -= 1;
                        if depth == 0 && c == '}' {
                            break 'item;
                        }
                    }
                    ';' | ',' if depth == 0 => break 'item,
                    _ => {}
                }
            }
        }
    }
}
