//! Rust sources as tokens, for the commands that read them without compiling them.
//!
//! A file is read whole, 16 MiB at most. Nothing is expanded, and nothing is written.
use std::io;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

pub mod files;
pub mod tokens;

use tokens::Place;

/// The longest file that is checked.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// The deepest nesting of brackets; deeper files could exhaust the stack.
const DEPTH_MAX: usize = 200;
/// The longest expression, for the same reason.
const RUN_MAX: usize = 20_000;

/// A problem with the file itself.
#[derive(Debug)]
pub struct Problem {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub message: String,
}

/// The tokens of a file, and why it is not Rust if it is not. Without tokens, nothing of it can be checked.
pub fn parse(text: &str) -> (Vec<TokenTree>, Option<Problem>) {
    let stream = match text.parse::<TokenStream>() {
        Ok(stream) => stream,
        Err(error) => {
            let problem = Problem {
                place: Place::of(error.span()),
                message: format!("not checked: {error}"),
            };
            return (Vec::new(), Some(problem));
        }
    };
    if let Some(problem) = too_complex(&stream) {
        return (Vec::new(), Some(problem));
    }
    let problem = syn::parse2::<syn::File>(stream.clone()).err().map(|error| Problem {
        place: Place::of(error.span()),
        message: format!("not a Rust source file: {error}; its tokens are checked nevertheless"),
    });
    (stream.into_iter().collect(), problem)
}

/// Without recursion, unlike everything that follows.
fn too_complex(stream: &TokenStream) -> Option<Problem> {
    let mut levels = vec![stream.clone().into_iter()];
    // The tokens so far of each level's expression, and those before its last block, if `else` continues it.
    let mut runs = vec![(0_usize, 0_usize)];
    while let Some(level) = levels.last_mut() {
        let Some(token) = level.next() else {
            levels.pop();
            runs.pop();
            continue;
        };
        let place = Place::of(token.span());
        let (run, before_block) = runs.last_mut()?;
        match &token {
            TokenTree::Punct(punct) if matches!(punct.as_char(), ',' | ';') => {
                (*run, *before_block) = (0, 0);
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                (*run, *before_block) = (0, *run + 1);
            }
            TokenTree::Ident(word) if word == "else" => *run = *before_block + 1,
            _ => *run += 1,
        }
        if *run > RUN_MAX {
            let message = format!(
                "not checked: more than {RUN_MAX} tokens without a comma, semicolon or block"
            );
            return Some(Problem { place, message });
        }
        if let TokenTree::Group(group) = token {
            levels.push(group.stream().into_iter());
            runs.push((0, 0));
        }
        if levels.len() > DEPTH_MAX {
            let message = format!("not checked: brackets are nested more than {DEPTH_MAX} deep");
            return Some(Problem { place, message });
        }
    }
    None
}

/// The text of a file. The inner error says why it is not a text that can be checked.
pub fn read(path: &Path) -> io::Result<Result<String, String>> {
    let length = path.metadata()?.len();
    if length > FILE_BYTES_MAX {
        let max = FILE_BYTES_MAX >> 20;
        return Ok(Err(format!("not checked: the file is larger than {max} MiB")));
    }
    let bytes = std::fs::read(path)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut text = match String::from_utf8(text.to_vec()) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            return Ok(Err(format!("not checked: byte {at} is not UTF-8")));
        }
    };
    // `#!/usr/bin/env …`, but not `#![…]`.
    if text.starts_with("#!") && !text[2..].trim_start().starts_with('[') {
        let end = text.find('\n').unwrap_or(text.len());
        text.replace_range(..end, "");
    }
    Ok(Ok(text))
}
