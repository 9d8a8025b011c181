//! The events of source files: finds each `domain_events!` and makes the descriptors that the compiler would make.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use proc_macro2::{Delimiter, TokenTree};
use ringseal::Level;
use ringseal::events::expanded::EventState;
use ringseal::events::{EventDescriptor, FieldDescriptor};
use syn::ext::IdentExt;

use super::declaration::{Event, Field, Invocation};
use super::rules::{Constants, Reader, leak};
use super::shape::{scalar_name, shape_of};
use crate::rust_source::tokens::{self, Place, any_group, group, ident, inner, is_ident, is_punct};

/// An event with what only its source has.
pub struct Declared {
    pub descriptor: &'static EventDescriptor,
    /// The text of its documentation, and those of its fields.
    pub docs: String,
    pub field_docs: Vec<String>,
    /// Without one, events have the path of their module.
    pub target: Option<String>,
    /// The file and the place of the event's struct in it.
    pub file: String,
    pub place: Place,
}

/// A mistake in a file.
#[derive(Debug)]
pub struct Mistake {
    pub place: Place,
    pub message: String,
}

impl From<syn::Error> for Mistake {
    fn from(error: syn::Error) -> Self {
        Self { place: Place::of(error.span()), message: error.to_string() }
    }
}

/// The events of all files so far, in the order of the sources.
#[derive(Default)]
pub struct Events {
    pub declared: Vec<Declared>,
    by_name: BTreeMap<String, usize>,
}

impl Events {
    /// Adds the events of a file.
    pub fn add_file(&mut self, path: &Path, file: &[TokenTree]) -> Result<(), Mistake> {
        let constants = constants_of(file);
        let mut invocations = Vec::new();
        find(file, &mut invocations);
        for tokens in invocations {
            let stream = tokens.into_iter().collect();
            for event in syn::parse2::<Invocation>(stream)?.events {
                self.add(path, event, &constants)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, event: Event, constants: &Constants) -> Result<(), Mistake> {
        let file = path.display().to_string();
        if let Some(other) = self.by_name.get(&event.name) {
            let Declared { file, place, .. } = &self.declared[*other];
            let message = format!(
                "the event {:?} is declared a second time: it is also at {file}:{}",
                event.name, place.line
            );
            return Err(Mistake { place: event.place, message });
        }
        let descriptor = descriptor_of(&event, constants)?;
        self.by_name.insert(event.name, self.declared.len());
        self.declared.push(Declared {
            descriptor,
            docs: event.docs,
            field_docs: event.fields.into_iter().map(|field| field.docs).collect(),
            target: event.target,
            file,
            place: event.place,
        });
        Ok(())
    }
}

fn descriptor_of(event: &Event, constants: &Constants) -> syn::Result<&'static EventDescriptor> {
    static NO_FAILURES: [AtomicU64; 0] = [];
    static STATE: EventState = EventState::new(&NO_FAILURES);
    let fields = event.fields.iter().map(|field| field_of(field, constants));
    let fields: Vec<FieldDescriptor> = fields.collect::<syn::Result<_>>()?;
    let alternatives = event.alternatives.iter().map(|names| {
        let keys = names.iter().map(|name| {
            let field = event.fields.iter().find(|field| field.ident.unraw() == name.unraw());
            field.map(|field| leak(field.key.clone())).ok_or_else(|| {
                syn::Error::new(name.span(), format_args!("expected a field, found `{name}`"))
            })
        });
        keys.collect::<syn::Result<Vec<_>>>().map(|keys| &*Vec::leak(keys))
    });
    let alternatives: Vec<_> = alternatives.collect::<syn::Result<_>>()?;
    let level = event.level.to_string().parse::<Level>().map_err(|_| {
        let message = "expected Trace, Debug, Info, Warn, Error or Critical";
        syn::Error::new(event.level.span(), message)
    })?;
    Ok(Box::leak(Box::new(EventDescriptor {
        name: leak(event.name.clone()),
        level,
        target: leak(event.target.clone().unwrap_or_default()),
        version: event.version,
        fields: Vec::leak(fields),
        alternatives: Vec::leak(alternatives),
        state: || &STATE,
    })))
}

fn field_of(field: &Field, constants: &Constants) -> syn::Result<FieldDescriptor> {
    let reader = Reader { constants, scalar: scalar_name(&field.kind) };
    let rules = field.rules.iter().map(|rule| reader.rule(rule));
    Ok(FieldDescriptor {
        name: leak(field.ident.unraw().to_string()),
        key: leak(field.key.clone()),
        shape: shape_of(&field.kind),
        rules: Vec::leak(rules.collect::<syn::Result<_>>()?),
    })
}

/// The arguments of each `domain_events!`, except those in tests and in the patterns of `macro_rules!`.
fn find(tokens: &[TokenTree], found: &mut Vec<Vec<TokenTree>>) {
    let mut at = 0;
    while at < tokens.len() {
        if is_punct(tokens.get(at), '#') {
            let is_inner = is_punct(tokens.get(at + 1), '!');
            let brackets = group(tokens.get(at + 1 + usize::from(is_inner)), Delimiter::Bracket);
            let is_test = brackets.is_some_and(|brackets| tokens::is_test(&inner(brackets)));
            match (is_test, is_inner) {
                (true, true) => return,
                (true, false) => at = tokens::end_of_item(tokens, at + 2),
                _ => at += 2 + usize::from(is_inner),
            }
            continue;
        }
        let is_call = is_punct(tokens.get(at + 1), '!');
        if is_call && is_ident(tokens.get(at), "macro_rules") {
            at += 4;
            continue;
        }
        if is_call && is_ident(tokens.get(at), "domain_events") {
            found.extend(any_group(tokens.get(at + 2)).map(inner));
            at += 3;
            continue;
        }
        if let Some(group) = any_group(tokens.get(at)) {
            find(&inner(group), found);
        }
        at += 1;
    }
}

/// `const NAME: Type = value;` at any depth; of two with one name, neither is known.
fn constants_of(file: &[TokenTree]) -> Constants {
    let mut all: BTreeMap<String, Option<syn::Expr>> = BTreeMap::new();
    collect_constants(file, &mut all);
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn collect_constants(tokens: &[TokenTree], all: &mut BTreeMap<String, Option<syn::Expr>>) {
    for at in 0..tokens.len() {
        if let Some(group) = any_group(tokens.get(at)) {
            collect_constants(&inner(group), all);
        }
        let (true, Some(name)) = (is_ident(tokens.get(at), "const"), ident(tokens.get(at + 1)))
        else {
            continue;
        };
        let end = tokens[at..].iter().position(|token| is_punct(Some(token), ';'));
        let item = &tokens[at..end.map_or(at, |length| at + length + 1)];
        let Ok(item) = syn::parse2::<syn::ItemConst>(item.iter().cloned().collect()) else {
            continue;
        };
        let is_known = all.contains_key(&name);
        all.insert(name, Some(*item.expr).filter(|_| !is_known));
    }
}
