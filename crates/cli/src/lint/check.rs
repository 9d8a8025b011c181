//! The checks of one event, one binding, one macro call.
use proc_macro2::TokenTree;

use super::bindings::{Bindings, Bound};
use super::event::{Event, Field, Form, Library, Name, is_error, is_error_name, makes_text};
use super::expected;
use super::imports::Imports;
use super::profile::Profile;
use super::rule::Rule;
use super::secrets::Secrets;
use crate::rust_source::tokens::{self, Place, mentions};

/// Something that a rule reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub place: Place,
    pub rule: Rule,
    pub message: String,
    pub help: String,
}

/// What the project's names may contain and how they look.
#[derive(Debug, Default)]
pub struct Style {
    pub profile: Profile,
    pub verbs: Vec<String>,
    pub results: Vec<String>,
}

/// A call of a function of the same file, with the ambient fields that it runs in.
#[derive(Debug)]
pub struct Call {
    pub callee: String,
    pub ambient: Vec<Bound>,
}

/// A function that binds one of its parameters.
#[derive(Debug)]
pub struct ParameterBound {
    pub function: String,
    pub bound: Bound,
    pub place: Place,
}

/// The state while a file is checked.
pub struct Checker<'a> {
    pub style: &'a Style,
    pub secrets: &'a mut Secrets,
    pub imports: Imports,
    pub is_library: bool,
    pub findings: Vec<Finding>,
    pub bindings: Bindings,
    pub calls: Vec<Call>,
    pub parameter_bounds: Vec<ParameterBound>,
    /// Other libraries that were reported in a file of ringseal.
    pub foreign: Vec<Library>,
}

/// The ids that services share.
const COMMON_IDS: &[&str] = &[
    "session_id",
    "merchant_id",
    "trace_id",
    "span_id",
    "transaction_id",
    "parent_span_id",
    "request_id",
    "correlation_id",
    "user_id",
];

impl Checker<'_> {
    pub fn report(&mut self, place: Place, rule: Rule, message: String, help: impl Into<String>) {
        // A message may quote the source, and no output of this command may show a secret.
        let message = self.secrets.masked(message);
        self.findings.push(Finding { place, rule, message, help: help.into() });
    }

    /// Checks an event.
    pub fn event(&mut self, event: &Event) {
        self.foreign_logger(event);
        let is_error_name = self.name(event);
        for field in &event.fields {
            if !is_error_name {
                self.flat_error(event.library, field);
            }
            self.repeated(event, field);
        }
        self.fields(&event.fields);
        if event.library == Library::Ringseal {
            self.root_ids(&event.fields);
        }
        if matches!(event.level.as_str(), "error" | "critical" | "crit")
            && let Name::Literal(name, place) = &event.name
            && let Some(reason) = expected::reason(name, &event.fields)
        {
            let message = format!("an expected outcome ({reason}) at level {}", event.level);
            self.report(
                *place,
                Rule::ErrorLevel,
                message,
                "log it at info, or at warn if the service degrades",
            );
        }
        if let Some(function) = self.bindings.function() {
            function.first_event.get_or_insert(event.place);
        }
    }

    fn foreign_logger(&mut self, event: &Event) {
        let is_foreign = matches!(event.library, Library::Tracing | Library::Log | Library::Slog);
        if is_foreign
            && self.imports.has_ringseal_macros()
            && !self.foreign.contains(&event.library)
        {
            self.foreign.push(event.library);
            let library = event.library.name();
            let message = format!("`{library}` in a file that logs with ringseal");
            self.report(
                event.place,
                Rule::ForeignLogger,
                message,
                "log with the macros of ringseal alone",
            );
        }
    }

    /// Checks the name. Returns whether an error is in its place.
    fn name(&mut self, event: &Event) -> bool {
        let (text, place) = match &event.name {
            Name::Literal(text, place) => (text, *place),
            Name::Computed(tokens, place) if is_error(unsigned(tokens)) => {
                self.error_as_name(*place);
                return true;
            }
            Name::Computed(tokens, place) => {
                let message =
                    format!("the name of the event is `{}`, not a constant", shortened(tokens));
                self.report(*place, Rule::StaticName, message, NAME_HELP);
                return false;
            }
            Name::Missing => {
                let message = "the event has no name".to_owned();
                self.report(
                    event.place,
                    Rule::UnnamedEvent,
                    message,
                    "begin with a constant: `\"order_placed\"`",
                );
                return false;
            }
        };
        if self.secrets.has_secret(text) {
            let message = "the name of the event holds a secret or personal data".to_owned();
            self.report(place, Rule::SecretLiteral, message, "put variable data in fields");
        }
        let placeholders = placeholders(text);
        let is_interpolated = !placeholders.is_empty()
            || event.library != Library::Ringseal && !event.arguments.is_empty();
        if !is_interpolated {
            self.name_style(event, text, place);
            return false;
        }
        let is_bare = placeholders
            .iter()
            .fold(text.clone(), |rest, inside| rest.replacen(&format!("{{{inside}}}"), "", 1));
        let is_bare = !is_bare.contains(char::is_alphanumeric);
        let names_error = event.arguments.iter().any(|tokens| is_error(tokens))
            || placeholders
                .iter()
                .any(|inside| is_error_name(inside.split(':').next().unwrap_or("")));
        if is_bare && names_error {
            self.error_as_name(place);
            return true;
        }
        let message = format!("the name of the event, {text:?}, has variable data in it");
        self.report(place, Rule::StaticName, message, NAME_HELP);
        false
    }

    fn error_as_name(&mut self, place: Place) {
        let message = "an error in place of the event's name".to_owned();
        self.report(
            place,
            Rule::ErrorAsName,
            message,
            "write `error!(\"what_failed\", error = &err)`",
        );
    }

    fn name_style(&mut self, event: &Event, name: &str, place: Place) {
        if event.library != Library::Ringseal && !self.style.profile.governs_others() {
            return;
        }
        let verbs: Vec<&str> = self.style.verbs.iter().map(String::as_str).collect();
        let results: Vec<&str> = self.style.results.iter().map(String::as_str).collect();
        if let Some(expected) = self.style.profile.expected(name, &verbs, &results) {
            let message =
                format!("the name of the event, {name:?}, does not have the form of the profile");
            self.report(place, Rule::NameStyle, message, format!("expected {expected}"));
        }
    }

    /// Checks whether a field is an error's text.
    pub fn flat_error(&mut self, library: Library, field: &Field) {
        let is_key = matches!(field.key.as_str(), "error" | "err" | "exception");
        let is_flat = matches!(field.form, Form::Display | Form::Debug) || makes_text(&field.value);
        if !is_key || !is_flat || field.form == Form::Error {
            return;
        }
        let help = match library {
            Library::Ringseal => {
                "write `error = &err`: type, message, causes and stack_hash are logged"
            }
            Library::Tracing => "write `error = &err as &dyn std::error::Error`",
            Library::Log | Library::Unknown => "write `error:err = err`",
            Library::Slog => "write `\"error\" => #err`",
        };
        let help = match field.value.as_slice() {
            [TokenTree::Literal(_)] => {
                "write the text under `error.message`, or log the error itself"
            }
            _ => help,
        };
        let message = format!("`{}` is logged as text", field.key);
        self.report(field.place, Rule::FlatError, message, help);
    }

    /// Checks for a bound field with the same value.
    fn repeated(&mut self, event: &Event, field: &Field) {
        let of_logger = event.logger.as_deref().and_then(|name| self.bindings.variable(name));
        let mut bound = of_logger.map(|variable| variable.bound.clone()).unwrap_or_default();
        bound.extend(self.bindings.ambient());
        if let Some(found) = bound.iter().find(|bound| bound.is_same(field)) {
            let message = format!("`{}` is bound already, in line {}", field.key, found.line);
            self.report(field.place, Rule::BoundKeyRepeated, message, "leave the field out");
        }
    }

    /// Checks that fields hold no secrets.
    pub fn fields(&mut self, fields: &[Field]) {
        for field in fields {
            let Some(rule) = self.secrets.of_field(field) else { continue };
            let (message, help) = match rule {
                Rule::SecretField => (
                    format!("the key `{}` names a secret", field.key),
                    "leave it out, or log its length or whether there is one",
                ),
                _ => (
                    format!("the constant of `{}` is a secret or personal data", field.key),
                    "remove it from the source, and revoke it if it is real",
                ),
            };
            self.report(field.place, rule, message, help);
        }
    }

    /// Checks that ids of a service are in a namespace.
    pub fn root_ids(&mut self, fields: &[Field]) {
        for field in fields {
            let key = field.key.as_str();
            let is_id = key.ends_with("_id") && !key.contains('.') && !COMMON_IDS.contains(&key);
            if is_id && self.style.profile.has_namespaces() {
                let message = format!("`{key}` is an id of one service, without a namespace");
                let help = format!("write `service_name.{key} = …`");
                self.report(field.place, Rule::RootId, message, help);
            }
        }
    }

    /// Checks new fields of a logger or context: whether they are bound already, and were known at an earlier event.
    pub fn bind(&mut self, fields: &[Field], inherited: &[Bound]) {
        for field in fields {
            if let Some(found) = inherited.iter().find(|bound| bound.is_same(field)) {
                let message =
                    format!("`{}` is bound again; it is bound in line {}", field.key, found.line);
                self.report(field.place, Rule::ReboundKey, message, "bind only what is new");
            }
        }
        for field in fields {
            let names = variables_of(&field.value);
            if !self.bindings.are_parameters(&names) {
                continue;
            }
            let Some(function) = self.bindings.function() else { continue };
            self.parameter_bounds.push(ParameterBound {
                function: function.name.clone(),
                bound: Bound::of(field),
                place: field.place,
            });
        }
        self.late(fields);
    }

    fn late(&mut self, fields: &[Field]) {
        let names: Vec<String> =
            fields.iter().flat_map(|field| variables_of(&field.value)).collect();
        if !self.bindings.are_parameters(&names) {
            return;
        }
        let Some(function) = self.bindings.function() else { return };
        let (Some(place), false) = (function.first_event, function.has_reported) else { return };
        function.has_reported = true;
        let keys: Vec<String> = fields.iter().map(|field| format!("`{}`", field.key)).collect();
        let line = fields.first().map_or(0, |field| field.place.line);
        let message = format!("logged before {} is bound, in line {line}", keys.join(", "));
        self.report(place, Rule::LogBeforeBind, message, "bind parameters before the first event");
    }

    /// Checks a macro that prints.
    pub fn print(&mut self, name: &str, place: Place) {
        let is_print = matches!(name, "println" | "print" | "eprintln" | "eprint");
        if is_print && self.is_library {
            let message = format!("`{name}!` in a library");
            self.report(place, Rule::PrintMacro, message, "log an event");
        } else if name == "dbg" {
            self.report(
                place,
                Rule::PrintMacro,
                "`dbg!` is left".into(),
                "remove it, or log an event",
            );
        }
    }

    /// Compares the parameters that functions bind with the contexts in which they are called.
    pub fn finish(&mut self) {
        for ParameterBound { function, bound, place } in std::mem::take(&mut self.parameter_bounds)
        {
            let calls = self.calls.iter().filter(|call| call.callee == function);
            let known = calls
                .flat_map(|call| &call.ambient)
                .find(|known| known.key == bound.key && known.value == bound.value);
            if let Some(known) = known {
                let message = format!(
                    "`{}` is bound again; the caller's context has it, from line {}",
                    bound.key, known.line
                );
                self.report(place, Rule::ReboundKey, message, "bind only what is new");
            }
        }
        let key = |finding: &Finding| (finding.place, finding.rule);
        self.findings.sort_by_key(key);
        self.findings.dedup_by_key(|finding| key(finding));
    }
}

const NAME_HELP: &str =
    "write a constant name, and put variable data in fields: `\"order_placed\", order.id = id`";

/// The expression without `%` or `?`.
fn unsigned(tokens: &[TokenTree]) -> &[TokenTree] {
    match tokens.first() {
        Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '%' | '?') => &tokens[1..],
        _ => tokens,
    }
}

fn shortened(tokens: &[TokenTree]) -> String {
    let text = tokens::text(tokens);
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The variables in an expression; none if it calls macros or closures, whose variables are not known.
fn variables_of(value: &[TokenTree]) -> Vec<String> {
    let mut names = Vec::new();
    if mentions(value, &["move", "format"]) {
        return names;
    }
    collect_variables(value, &mut names);
    names
}

fn collect_variables(tokens: &[TokenTree], names: &mut Vec<String>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => collect_variables(&tokens::inner(group), names),
            TokenTree::Ident(_) => {
                let is_member = at > 0 && tokens::is_punct(tokens.get(at - 1), '.');
                let is_path = tokens::is_punct(tokens.get(at + 1), ':')
                    || at > 0 && tokens::is_punct(tokens.get(at - 1), ':');
                if !is_member && !is_path {
                    names.extend(tokens::ident(Some(token)));
                }
            }
            _ => {}
        }
    }
}

/// What is between the braces of a format string: `{}` → ``, `{err:?}` → `err:?`. `{{` is a brace.
fn placeholders(text: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find('{') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('{') {
            rest = after;
            continue;
        }
        let Some(end) = rest.find('}') else { break };
        found.push(rest[..end].to_owned());
        rest = &rest[end + 1..];
    }
    found
}
