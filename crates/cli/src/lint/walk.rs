//! Reads the tokens of a file in order: functions, blocks, bindings, macro calls. Nothing is expanded, so code inside
//! the arguments of other macros is read like code, and the patterns of `macro_rules!` are not.
use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, TokenTree};

use super::bindings::{Bound, Holds, Variable};
use super::check::{Call, Checker};
use super::event::{self, EVENT_MACROS, Field, SPAN_MACROS};
use crate::rust_source::tokens::{
    self, Place, any_group, end_of_item, group, ident, inner, is_ident, is_pair, is_punct, is_test,
    mentions,
};

impl Checker<'_> {
    /// Reads the tokens of one level.
    pub fn walk(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        // The fields of an `#[instrument]`, and whether there is one.
        let mut instrumented: Option<Vec<TokenTree>> = None;
        while at < tokens.len() {
            at = match &tokens[at] {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    match self.attribute(tokens, at, &mut instrumented) {
                        Some(next) => next,
                        None => return,
                    }
                }
                TokenTree::Ident(word) if word == "use" => end_of(tokens, at, ';'),
                TokenTree::Ident(word) if word == "fn" && ident(tokens.get(at + 1)).is_some() => {
                    self.function(tokens, at, instrumented.take())
                }
                TokenTree::Ident(word) if word == "let" => self.let_statement(tokens, at),
                TokenTree::Ident(_) if is_macro_call(tokens, at) => self.macro_call(tokens, at),
                TokenTree::Ident(_) => self.path_or_call(tokens, at),
                TokenTree::Group(group) => {
                    self.block(tokens, at, group);
                    at + 1
                }
                _ => at + 1,
            };
        }
    }

    /// Returns where to go on behind an attribute, and behind its item if that is a test; `None` if the rest of the
    /// level is a test.
    fn attribute(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        instrumented: &mut Option<Vec<TokenTree>>,
    ) -> Option<usize> {
        let is_inner = is_punct(tokens.get(at + 1), '!');
        let at = at + 1 + usize::from(is_inner);
        let Some(brackets) = group(tokens.get(at), Delimiter::Bracket) else { return Some(at) };
        let content = inner(brackets);
        if is_test(&content) {
            return if is_inner { None } else { Some(end_of_item(tokens, at + 1)) };
        }
        if mentions(&content[..content.len().min(4)], &["instrument"]) {
            *instrumented = Some(content);
        }
        Some(at + 1)
    }

    fn function(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        instrumented: Option<Vec<TokenTree>>,
    ) -> usize {
        let name = ident(tokens.get(at + 1)).unwrap_or_default();
        let mut parameters = BTreeSet::new();
        for next in at + 2..tokens.len() {
            match &tokens[next] {
                TokenTree::Group(parens)
                    if parens.delimiter() == Delimiter::Parenthesis && parameters.is_empty() =>
                {
                    parameters = parameters_of(parens);
                }
                TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
                    let ambient = instrumented.map(|attribute| {
                        instrumented_fields(&attribute, &parameters, Place::of(tokens[at].span()))
                    });
                    self.bindings.enter_function(name, parameters);
                    self.bindings.add_ambient(ambient.unwrap_or_default());
                    self.walk(&inner(body));
                    self.bindings.leave_function();
                    return next + 1;
                }
                TokenTree::Punct(punct) if punct.as_char() == ';' => return next + 1,
                _ => {}
            }
        }
        tokens.len()
    }

    /// `let name = …;`: the initializer is read, then its bindings belong to the name.
    fn let_statement(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        // `if let` and `let … else` end at their block.
        let end = tokens[at..]
            .iter()
            .position(|token| {
                is_punct(Some(token), ';') || group(Some(token), Delimiter::Brace).is_some()
            })
            .map_or(tokens.len(), |length| at + length);
        let equals = (at..end)
            .find(|at| is_punct(tokens.get(*at), '=') && !is_pair(tokens, *at, ('=', '=')));
        let Some(equals) = equals else { return at + 1 };
        let name_at = at + 1 + usize::from(is_ident(tokens.get(at + 1), "mut"));
        let is_name = name_at + 1 == equals || is_punct(tokens.get(name_at + 1), ':');
        let name = ident(tokens.get(name_at)).filter(|_| is_name);
        let init = &tokens[equals + 1..end];
        self.walk(init);
        if let Some(name) = name {
            match self.chain(init) {
                Some(chain) if chain.is_entered => {
                    self.bindings.add_ambient(chain.bound);
                }
                Some(Chain { holds, bound, .. }) => {
                    self.bindings.set_variable(name, Variable { holds, bound });
                }
                None => self.bindings.shadow(&name),
            }
        }
        end
    }

    /// `path::name!(…)`, whose last segment is at `at`.
    fn macro_call(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let Some(arguments) = any_group(tokens.get(at + 2)) else { return at + 1 };
        let path = path_to(tokens, at);
        let name = path.last().cloned().unwrap_or_default();
        let content = inner(arguments);
        let place = Place::of(tokens[at + 1 - path_len(tokens, at)].span());
        if name == "macro_rules" {
            return at + 3;
        }
        if path.len() == 1 || path[0] == "std" {
            self.print(&name, place);
        }
        match self.imports.resolve(&path) {
            Some((library, original)) if EVENT_MACROS.contains(&original.as_str()) => {
                let span = tokens[at + 1 - path_len(tokens, at)].span();
                let event = event::event(library, &original, &content, span);
                self.event(&event);
            }
            Some((_, original)) if SPAN_MACROS.contains(&original.as_str()) => {
                self.fields(&event::fields(&content));
            }
            _ if matches!(name.as_str(), "fields" | "o") => {
                let fields = event::fields(&content);
                self.fields(&fields);
                for field in &fields {
                    self.flat_error(event::Library::Ringseal, field);
                }
                self.root_ids(&fields);
            }
            _ => {}
        }
        self.walk(&content);
        at + 3
    }

    /// An identifier that is no keyword: contexts that are added or entered, calls, `macro_rules! name {}`.
    fn path_or_call(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        if is_ident(tokens.get(at), "macro_rules") && is_punct(tokens.get(at + 1), '!') {
            return at + 4;
        }
        let Some(parens) = group(tokens.get(at + 1), Delimiter::Parenthesis) else { return at + 1 };
        let (name, content) = (ident(tokens.get(at)).unwrap_or_default(), inner(parens));
        let is_method = at > 0 && is_punct(tokens.get(at - 1), '.');
        if name == "add" && is_context_add(tokens, at) {
            let fields = fields_in(&content);
            let ambient = self.bindings.ambient();
            self.bind(&fields, &ambient);
            self.walk(&content);
            self.bindings.add_ambient(fields.iter().map(Bound::of).collect());
            return at + 2;
        }
        if is_method && matches!(name.as_str(), "bind" | "with" | "new") {
            self.check_bind(tokens, at, &name, &fields_in(&content));
        }
        if is_method && matches!(name.as_str(), "run" | "in_scope" | "enter" | "entered") {
            let start = chain_start(tokens, at - 1);
            let chain = self.chain(&tokens[start..at - 1]);
            let bound =
                chain.filter(|chain| chain.holds == Holds::Context).map(|chain| chain.bound);
            if name.starts_with("enter") {
                self.bindings.add_ambient(bound.unwrap_or_default());
                return at + 2;
            }
            self.bindings.enter_block();
            self.bindings.add_ambient(bound.unwrap_or_default());
            self.walk(&content);
            self.bindings.leave_block();
            return at + 2;
        }
        if name == "dynamic" && is_method {
            self.dynamic(&content);
        }
        self.call(tokens, at, &name, &content);
        at + 2
    }

    /// A call of a function, with what it passes to threads and tasks.
    fn call(&mut self, tokens: &[TokenTree], at: usize, name: &str, content: &[TokenTree]) {
        let is_spawn = name.starts_with("spawn");
        let keeps_context = mentions(content, &["in_context", "in_current_context", "instrument"]);
        if is_spawn && !keeps_context {
            self.bindings.enter_apart();
        } else {
            self.bindings.enter_block();
        }
        let given = self.given_context(tokens, at + 2);
        self.bindings.add_ambient(given);
        let ambient = self.bindings.ambient();
        if !ambient.is_empty() {
            self.calls.push(Call { callee: name.to_owned(), ambient });
        }
        self.walk(content);
        self.bindings.leave_block();
    }

    /// The fields of `.in_context(context)` behind an expression that ends before `at`.
    fn given_context(&mut self, tokens: &[TokenTree], at: usize) -> Vec<Bound> {
        if !is_punct(tokens.get(at), '.') || !is_ident(tokens.get(at + 1), "in_context") {
            return Vec::new();
        }
        let Some(parens) = group(tokens.get(at + 2), Delimiter::Parenthesis) else {
            return Vec::new();
        };
        let chain = self.chain(&inner(parens));
        chain.map(|chain| chain.bound).unwrap_or_default()
    }

    fn block(&mut self, tokens: &[TokenTree], at: usize, group: &Group) {
        if group.delimiter() == Delimiter::Brace {
            self.bindings.enter_block();
            let given = self.given_context(tokens, at + 1);
            self.bindings.add_ambient(given);
            self.walk(&inner(group));
            self.bindings.leave_block();
        } else {
            self.walk(&inner(group));
        }
    }

    /// `logger.dynamic(level, target, name, …)` with a name that is not a constant.
    fn dynamic(&mut self, content: &[TokenTree]) {
        let parts = tokens::split(content);
        let [_, _, (_, name), _] = parts.as_slice() else { return };
        let is_constant = name.len() == 1 && tokens::string(name.first()).is_some();
        if let (false, Some(first)) = (is_constant, name.first()) {
            let message = "the name of the event is not a constant".to_owned();
            let help = "log with the macros, or justify this with a comment";
            self.report(Place::of(first.span()), super::rule::Rule::StaticName, message, help);
        }
    }

    /// Compares the fields of `.bind(fields!{…})` with what the logger or context before it has.
    fn check_bind(&mut self, tokens: &[TokenTree], at: usize, name: &str, fields: &[Field]) {
        if fields.is_empty() {
            return;
        }
        let before = &tokens[chain_start(tokens, at - 1)..at - 1];
        let mut inherited = self.chain(before).map(|chain| chain.bound).unwrap_or_default();
        let is_fresh = name == "with" && !mentions(before, &["current"]);
        if !is_fresh {
            inherited.extend(self.bindings.ambient());
        }
        self.bind(fields, &inherited);
    }

    /// What a chain of calls has bound.
    fn chain(&self, tokens: &[TokenTree]) -> Option<Chain> {
        let tokens = match tokens {
            [TokenTree::Punct(punct), rest @ ..] if punct.as_char() == '&' => rest,
            _ => tokens,
        };
        let first = ident(tokens.first())?;
        let variable = self.bindings.variable(&first).cloned();
        let is_known = variable.is_some();
        let mut chain = Chain {
            holds: variable.as_ref().map_or(Holds::Logger, |variable| variable.holds),
            bound: variable.map(|variable| variable.bound).unwrap_or_default(),
            is_entered: false,
        };
        let mut has_call = false;
        for at in 1..tokens.len() {
            let Some(arguments) = any_group(tokens.get(at)) else { continue };
            let (name, content) = (ident(tokens.get(at - 1)), inner(arguments));
            // Of a span that the filter may switch off, events have no fields.
            let is_span = at >= 2
                && is_punct(tokens.get(at - 1), '!')
                && ident(tokens.get(at - 2))
                    .is_some_and(|name| SPAN_MACROS.contains(&name.as_str()));
            let may_be_off = is_ident(tokens.get(at.wrapping_sub(2)), "debug_span")
                || is_ident(tokens.get(at.wrapping_sub(2)), "trace_span");
            if is_span && !may_be_off {
                chain.bound.extend(event::fields(&content).iter().map(Bound::of));
                (chain.holds, has_call) = (Holds::Context, true);
            }
            let Some(name) = name else { continue };
            match name.as_str() {
                "bind" | "with" | "new" if !fields_in(&content).is_empty() => {
                    chain.bound.extend(fields_in(&content).iter().map(Bound::of));
                    has_call = true;
                    if name == "with" {
                        chain.holds = Holds::Context;
                    }
                }
                "enter" | "entered" if chain.holds == Holds::Context => chain.is_entered = true,
                _ => {}
            }
        }
        (has_call || is_known).then_some(chain)
    }
}

/// What an expression has bound.
struct Chain {
    holds: Holds,
    bound: Vec<Bound>,
    is_entered: bool,
}

/// The fields of a `fields! {…}` or `o!(…)` among the arguments.
fn fields_in(content: &[TokenTree]) -> Vec<Field> {
    let at = content
        .iter()
        .position(|token| matches!(ident(Some(token)).as_deref(), Some("fields" | "o")));
    let Some(at) = at.filter(|at| is_punct(content.get(at + 1), '!')) else { return Vec::new() };
    any_group(content.get(at + 2)).map(|group| event::fields(&inner(group))).unwrap_or_default()
}

/// `Context::add(…)`, or `scope.add(fields!{…})`.
fn is_context_add(tokens: &[TokenTree], at: usize) -> bool {
    let is_static =
        at >= 3 && is_pair(tokens, at - 2, (':', ':')) && is_ident(tokens.get(at - 3), "Context");
    let content = group(tokens.get(at + 1), Delimiter::Parenthesis).map(inner).unwrap_or_default();
    let is_method = at >= 1 && is_punct(tokens.get(at - 1), '.');
    is_static || is_method && !fields_in(&content).is_empty()
}

fn is_macro_call(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at + 1), '!')
        && !is_pair(tokens, at + 1, ('!', '='))
        && any_group(tokens.get(at + 2)).is_some()
}

/// The number of tokens of the path that ends at `at`.
fn path_len(tokens: &[TokenTree], at: usize) -> usize {
    let mut start = at;
    while start >= 2 && is_pair(tokens, start - 2, (':', ':')) {
        start -= 2;
        if start >= 1 && ident(tokens.get(start - 1)).is_some() {
            start -= 1;
        } else {
            break;
        }
    }
    at + 1 - start
}

fn path_to(tokens: &[TokenTree], at: usize) -> Vec<String> {
    let start = at + 1 - path_len(tokens, at);
    tokens[start..=at].iter().filter_map(|token| ident(Some(token))).collect()
}

/// Where the chain of calls begins that ends before `end`.
fn chain_start(tokens: &[TokenTree], end: usize) -> usize {
    let mut start = end;
    while start > 0 {
        let is_part = match &tokens[start - 1] {
            TokenTree::Group(group) => {
                group.delimiter() != Delimiter::Brace
                    || is_punct(tokens.get(start.wrapping_sub(2)), '!')
            }
            TokenTree::Ident(word) => !["let", "return", "in", "match", "if", "move", "await"]
                .iter()
                .any(|keyword| word == keyword),
            TokenTree::Punct(punct) => matches!(punct.as_char(), '.' | ':' | '?' | '!' | '&'),
            TokenTree::Literal(_) => false,
        };
        if !is_part {
            break;
        }
        start -= 1;
    }
    start
}

/// The place behind the next such character, or the end.
fn end_of(tokens: &[TokenTree], at: usize, end: char) -> usize {
    let length = tokens[at..].iter().position(|token| is_punct(Some(token), end));
    length.map_or(tokens.len(), |length| at + length + 1)
}

/// The names of a function's parameters.
fn parameters_of(parens: &Group) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, part) in tokens::split(&inner(parens)) {
        let colon = part.iter().position(|token| is_punct(Some(token), ':'));
        let pattern = &part[..colon.unwrap_or(part.len())];
        tokens::visit(pattern, &mut |token| {
            names.extend(ident(Some(token)).filter(|name| name != "mut" && name != "ref"));
            true
        });
    }
    names
}

/// The fields that `#[instrument]` gives the events of a function.
fn instrumented_fields(
    attribute: &[TokenTree],
    parameters: &BTreeSet<String>,
    place: Place,
) -> Vec<Bound> {
    let options = attribute.iter().find_map(|token| any_group(Some(token))).map(inner);
    let options = options.unwrap_or_default();
    let option = |name: &str| {
        let at = options.iter().position(|token| is_ident(Some(token), name))?;
        any_group(options.get(at + 1)).map(inner)
    };
    let skipped = option("skip").unwrap_or_default();
    // Of a span that the filter may switch off, events have no fields.
    let is_verbose = options
        .iter()
        .any(|token| matches!(tokens::string(Some(token)).as_deref(), Some("debug" | "trace")));
    if is_verbose || mentions(&options, &["DEBUG", "TRACE"]) {
        return Vec::new();
    }
    let skips_all = mentions(&options, &["skip_all"]);
    let line = place.line;
    let is_kept = |name: &&String| *name != "self" && !mentions(&skipped, &[name.as_str()]);
    let mut bound: Vec<Bound> = Vec::new();
    if !skips_all {
        let kept = parameters.iter().filter(is_kept);
        bound.extend(kept.map(|name| Bound { key: name.clone(), value: name.clone(), line }));
    }
    if let Some(fields) = option("fields") {
        bound.extend(event::fields(&fields).iter().map(Bound::of));
    }
    bound
}
