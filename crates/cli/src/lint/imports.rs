//! Which library a macro of a file belongs to, by the file's `use` declarations.
use std::collections::BTreeMap;

use proc_macro2::{Delimiter, TokenTree};

use super::event::{EVENT_MACROS, Library, SPAN_MACROS};
use crate::rust_source::tokens::{self, group, ident, inner, is_ident, is_pair, is_punct};

/// The imports of a file, wherever in it they are.
#[derive(Debug, Default)]
pub struct Imports {
    /// The name in the file → the library and the name there.
    macros: BTreeMap<String, (Library, String)>,
    /// `use tracing::*`, `#[macro_use] extern crate slog`.
    globs: Vec<Library>,
    /// Other names of the libraries: `use tracing as t`.
    roots: BTreeMap<String, Library>,
}

impl Imports {
    pub fn of(tokens: &[TokenTree]) -> Imports {
        let mut imports = Imports::default();
        imports.read(tokens);
        imports
    }

    /// The library and the original name of a macro that the file calls by this path.
    pub fn resolve(&self, path: &[String]) -> Option<(Library, String)> {
        let (name, parents) = path.split_last()?;
        if let Some(root) = parents.first() {
            let library = self.root(root)?;
            return is_known(name).then(|| (library, name.clone()));
        }
        if let Some((library, original)) = self.macros.get(name) {
            return is_known(original).then(|| (*library, original.clone()));
        }
        if !is_known(name) {
            return None;
        }
        let library = match self.globs.as_slice() {
            [library, ..] => *library,
            [] => Library::Unknown,
        };
        Some((library, name.clone()))
    }

    /// Whether the file imports macros of ringseal that log.
    pub fn has_ringseal_macros(&self) -> bool {
        self.globs.contains(&Library::Ringseal)
            || self.macros.values().any(|(library, name)| {
                *library == Library::Ringseal && EVENT_MACROS.contains(&name.as_str())
            })
    }

    fn root(&self, name: &str) -> Option<Library> {
        self.roots.get(name).copied().or_else(|| Library::from_root(name))
    }

    fn read(&mut self, tokens: &[TokenTree]) {
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(word) if word == "use" => {
                    let end = tokens[at..].iter().position(|token| is_punct(Some(token), ';'));
                    self.tree(&tokens[at + 1..at + end.unwrap_or(1).max(1)], &[]);
                }
                TokenTree::Ident(word) if word == "extern" => self.extern_crate(&tokens[at..]),
                TokenTree::Group(group) => self.read(&inner(group)),
                _ => {}
            }
        }
    }

    fn extern_crate(&mut self, tokens: &[TokenTree]) {
        if is_ident(tokens.get(1), "crate")
            && let Some(name) = ident(tokens.get(2))
            && let Some(library) = Library::from_root(&name)
        {
            self.globs.push(library);
        }
    }

    /// One tree of a `use` declaration, below `prefix`.
    fn tree(&mut self, tokens: &[TokenTree], prefix: &[String]) {
        let (mut path, mut at) = (prefix.to_vec(), 0);
        while at < tokens.len() {
            if is_pair(tokens, at, (':', ':')) {
                at += 2;
            } else if let Some(braces) = group(tokens.get(at), Delimiter::Brace) {
                for (_, part) in tokens::split(&inner(braces)) {
                    self.tree(&part, &path);
                }
                return;
            } else if is_punct(tokens.get(at), '*') {
                self.globs.extend(path.first().and_then(|root| Library::from_root(root)));
                return;
            } else if is_ident(tokens.get(at), "as") {
                self.name(&path, ident(tokens.get(at + 1)));
                return;
            } else if let Some(name) = ident(tokens.get(at)) {
                path.push(name);
                at += 1;
            } else {
                return;
            }
        }
        self.name(&path, None);
    }

    fn name(&mut self, path: &[String], alias: Option<String>) {
        let (Some(root), Some(last)) = (path.first(), path.last()) else { return };
        let Some(library) = Library::from_root(root) else {
            // Another crate's macro of this name is not one that is known.
            if EVENT_MACROS.contains(&last.as_str()) && alias.is_none() {
                self.macros.insert(last.clone(), (Library::Unknown, last.clone()));
            }
            return;
        };
        let name = alias.unwrap_or_else(|| last.clone());
        if path.len() == 1 || last == "self" {
            self.roots.insert(if last == "self" { root.clone() } else { name }, library);
        } else {
            self.macros.insert(name, (library, last.clone()));
        }
    }
}

fn is_known(name: &str) -> bool {
    EVENT_MACROS.contains(&name) || SPAN_MACROS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_belong_to_their_imports() {
        let source = "use ringseal::{info, error as failed, Config}; use tracing as t; mod a { use log::*; }";
        let tokens: Vec<TokenTree> =
            source.parse::<proc_macro2::TokenStream>().expect("tokens").into_iter().collect();
        let imports = Imports::of(&tokens);
        let library = |path: &str| {
            let path: Vec<String> = path.split("::").map(str::to_owned).collect();
            imports.resolve(&path).map(|(library, name)| (library.name(), name))
        };
        assert_eq!(library("info"), Some(("ringseal", "info".into())));
        assert_eq!(library("failed"), Some(("ringseal", "error".into())));
        assert_eq!(library("t::warn"), Some(("tracing", "warn".into())));
        assert_eq!(library("debug"), Some(("log", "debug".into())));
        assert_eq!(library("vec"), None);
        assert_eq!(library("other::info"), None);
        assert!(imports.has_ringseal_macros());
    }
}
