//! The arguments of logging macros: name, level, logger and fields, for each library's grammar.
use proc_macro2::{Delimiter, Span, TokenTree};

use crate::rust_source::tokens::{
    self, Place, group, ident, inner, is_ident, is_pair, is_punct, mentions, string,
};

/// Whose macro it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Library {
    Ringseal,
    Tracing,
    Log,
    Slog,
    /// The file does not say; treated as `log`.
    Unknown,
}

impl Library {
    pub fn from_root(name: &str) -> Option<Library> {
        Some(match name {
            "ringseal" => Library::Ringseal,
            "tracing" => Library::Tracing,
            "log" => Library::Log,
            "slog" | "slog_scope" => Library::Slog,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Library::Ringseal => "ringseal",
            Library::Tracing => "tracing",
            Library::Log => "log",
            Library::Slog => "slog",
            Library::Unknown => "an unknown logger",
        }
    }
}

/// The macros that log an event.
pub const EVENT_MACROS: &[&str] =
    &["trace", "debug", "info", "warn", "error", "critical", "crit", "event", "log"];

/// The macros of `tracing` and ringseal that begin a span.
pub const SPAN_MACROS: &[&str] =
    &["span", "trace_span", "debug_span", "info_span", "warn_span", "error_span"];

/// How a value is formatted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Plain,
    /// `%value`
    Display,
    /// `?value`
    Debug,
    /// `#value` of slog, `k:err` of log.
    Error,
}

/// A field of an event, a span or a binding.
#[derive(Debug, Clone)]
pub struct Field {
    pub key: String,
    pub form: Form,
    pub value: Vec<TokenTree>,
    pub place: Place,
}

impl Field {
    /// The value's text without what does not change which value it is.
    pub fn same_as(&self) -> String {
        let text = tokens::text(&self.value);
        let mut text = text.trim_start_matches(['&', '*', '%', '?']);
        loop {
            let calls = ["()", ".clone", ".to_string", ".to_owned", ".as_str", ".as_ref", ".into"];
            match calls.iter().find_map(|call| text.strip_suffix(call)) {
                Some(rest) if !rest.is_empty() => text = rest,
                _ => return text.to_owned(),
            }
        }
    }
}

/// An event's name.
#[derive(Debug, Clone)]
pub enum Name {
    Literal(String, Place),
    /// Something that is computed.
    Computed(Vec<TokenTree>, Place),
    Missing,
}

/// A call that logs an event.
#[derive(Debug, Clone)]
pub struct Event {
    pub library: Library,
    /// `error`, `critical` … as the macro or its level argument has it; empty if unknown.
    pub level: String,
    pub name: Name,
    /// What the name is formatted with.
    pub arguments: Vec<Vec<TokenTree>>,
    pub fields: Vec<Field>,
    /// The variable of the logger.
    pub logger: Option<String>,
    pub place: Place,
}

/// One argument.
enum Part {
    /// `target: …`
    Option,
    Field(Field),
    /// `key`, `%key`, `?key`: a field, or the argument of a format string.
    Shorthand(Field),
    Literal(String, Place),
    Other,
}

/// The event that the macro `name!(arguments)` logs.
pub fn event(library: Library, name: &str, arguments: &[TokenTree], span: Span) -> Event {
    let mut parts = tokens::split(arguments);
    let mut level = name.to_owned();
    if name == "event" || name == "log" {
        level = take_level(&mut parts).unwrap_or_default();
    }
    let has_arrow = (1..arguments.len()).any(|at| is_pair(arguments, at - 1, ('=', '>')));
    let library = match library {
        Library::Unknown if has_arrow => Library::Slog,
        known => known,
    };
    let place = Place::of(span);
    let mut event = Event {
        library,
        level,
        name: Name::Missing,
        arguments: Vec::new(),
        fields: Vec::new(),
        logger: None,
        place,
    };
    if library == Library::Tracing {
        expand_braces(&mut parts);
    }
    let last_section = parts.iter().map(|(section, _)| *section).max().unwrap_or(0);
    let mut positional = Vec::new();
    for (section, tokens) in parts {
        // `log` has its pairs before the semicolon, `slog` behind it.
        let in_pairs = match library {
            Library::Slog => section > 0,
            Library::Log | Library::Unknown => last_section > 0 && section == 0,
            Library::Ringseal | Library::Tracing => false,
        };
        match part(&tokens) {
            Part::Option => {}
            Part::Field(field) if field.key == "message" && library == Library::Tracing => {
                event.name = match string(field.value.first()) {
                    Some(text) if field.value.len() == 1 => Name::Literal(text, field.place),
                    _ => Name::Computed(field.value, field.place),
                };
            }
            Part::Field(field) => event.fields.push(field),
            Part::Shorthand(field) if in_pairs => event.fields.push(field),
            Part::Shorthand(_) | Part::Literal(..) | Part::Other if !in_pairs => {
                positional.push(tokens);
            }
            _ => {}
        }
    }
    place_positional(&mut event, positional);
    event
}

/// Fields of `fields!`, `o!`, a span or `#[instrument(fields(…))]`.
pub fn fields(arguments: &[TokenTree]) -> Vec<Field> {
    let parts = tokens::split(arguments);
    let parts = parts.iter().filter_map(|(_, tokens)| match part(tokens) {
        Part::Field(field) | Part::Shorthand(field) => Some(field),
        _ => None,
    });
    parts.collect()
}

/// Removes and returns the level of `event!(Level::Info, …)` and `log!(Level::Info, …)`.
fn take_level(parts: &mut Vec<(usize, Vec<TokenTree>)>) -> Option<String> {
    let at = parts.iter().position(|(_, tokens)| {
        is_ident(tokens.first(), "Level") || {
            tokens.len() >= 4 && tokens.iter().any(|token| is_ident(Some(token), "Level"))
        }
    })?;
    let (_, tokens) = parts.remove(at);
    ident(tokens.last()).map(|level| level.to_ascii_lowercase())
}

/// `{ a = 1, b = 2 }, "message"` of `tracing` is `a = 1, b = 2, "message"`.
fn expand_braces(parts: &mut Vec<(usize, Vec<TokenTree>)>) {
    let Some(at) = parts.iter().position(|(_, tokens)| {
        tokens.len() == 1 && group(tokens.first(), Delimiter::Brace).is_some()
    }) else {
        return;
    };
    let (_, tokens) = parts.remove(at);
    if let Some(braces) = group(tokens.first(), Delimiter::Brace) {
        let fields = tokens::split(&inner(braces));
        parts.splice(at..at, fields);
    }
}

/// Name, logger, shorthand fields and format arguments, by their positions.
fn place_positional(event: &mut Event, positional: Vec<Vec<TokenTree>>) {
    let literal = positional.iter().position(|tokens| matches!(part(tokens), Part::Literal(..)));
    let (before, name, after) = match literal {
        Some(at) => (&positional[..at], Some(&positional[at]), &positional[at + 1..]),
        None => (&positional[..], None, &[][..]),
    };
    if let Some(Part::Literal(text, place)) = name.map(|tokens| part(tokens)) {
        event.name = Name::Literal(text, place);
    }
    let is_named = !matches!(event.name, Name::Missing);
    match event.library {
        Library::Tracing => {
            let only = if is_named || positional.len() != 1 { None } else { positional.first() };
            match only {
                Some(tokens) if event.fields.is_empty() => set_computed(event, tokens),
                _ => event.fields.extend(before.iter().filter_map(|tokens| shorthand(tokens))),
            }
        }
        Library::Ringseal | Library::Slog => {
            // `info!(log, name)`, but `info!(name)`.
            let mut before = before.iter();
            if is_named || before.len() > 1 {
                event.logger = before.next().map(|tokens| tokens::text(strip_borrow(tokens)));
            }
            if let (false, Some(tokens)) = (is_named, before.next()) {
                set_computed(event, tokens);
            }
        }
        Library::Log | Library::Unknown => {
            if is_named && event.library == Library::Unknown {
                event.logger = before.first().map(|tokens| tokens::text(strip_borrow(tokens)));
            }
            if let (false, Some(tokens)) = (is_named, before.first()) {
                set_computed(event, tokens);
            }
        }
    }
    match event.library {
        // Behind a name, `id` is a field.
        Library::Ringseal => {
            event.fields.extend(after.iter().filter_map(|tokens| shorthand(tokens)))
        }
        _ => event.arguments = after.to_vec(),
    }
}

fn strip_borrow(tokens: &[TokenTree]) -> &[TokenTree] {
    if is_punct(tokens.first(), '&') { &tokens[1..] } else { tokens }
}

fn set_computed(event: &mut Event, tokens: &[TokenTree]) {
    let place = tokens.first().map_or(event.place, |token| Place::of(token.span()));
    event.name = Name::Computed(tokens.to_vec(), place);
}

fn shorthand(tokens: &[TokenTree]) -> Option<Field> {
    match part(tokens) {
        Part::Shorthand(field) => Some(field),
        _ => None,
    }
}

fn part(tokens: &[TokenTree]) -> Part {
    let place = tokens.first().map_or(Place::START, |token| Place::of(token.span()));
    if let (Some(text), 1) = (string(tokens.first()), tokens.len()) {
        return Part::Literal(text, place);
    }
    let (key, key_len) = key(tokens);
    let rest = &tokens[key_len.min(tokens.len())..];
    if let Some(key) = &key {
        if let Some((form, value)) = assigned(rest) {
            let value = value.to_vec();
            return Part::Field(Field { key: key.clone(), form, value, place });
        }
        if is_punct(rest.first(), ':') && !is_pair(rest, 0, (':', ':')) {
            return Part::Option;
        }
    }
    let (form, path) = sigil(tokens);
    let path = if form == Form::Plain { tokens } else { path };
    match self::key(path) {
        (Some(key), len)
            if len == path.len() && form != Form::Error && string(path.first()).is_none() =>
        {
            Part::Shorthand(Field { key, form, value: path.to_vec(), place })
        }
        _ => Part::Other,
    }
}

/// `user.id`, `"any text"` or `r#type`, with its number of tokens.
fn key(tokens: &[TokenTree]) -> (Option<String>, usize) {
    if let Some(text) = string(tokens.first()) {
        return (Some(text), 1);
    }
    let Some(mut key) = ident(tokens.first()) else { return (None, 0) };
    let mut at = 1;
    while is_punct(tokens.get(at), '.')
        && let Some(next) = ident(tokens.get(at + 1))
    {
        key.push('.');
        key.push_str(&next);
        at += 2;
    }
    (Some(key), at)
}

/// The value behind `=`, `=>`, or `:? =`.
fn assigned(rest: &[TokenTree]) -> Option<(Form, &[TokenTree])> {
    if is_pair(rest, 0, ('=', '>')) {
        return Some(sigil(&rest[2..]));
    }
    if is_punct(rest.first(), '=') && !is_pair(rest, 0, ('=', '=')) {
        return Some(sigil(&rest[1..]));
    }
    // Captures of `log`: `key:? = value`, `key:err = value`.
    if is_punct(rest.first(), ':') && !is_pair(rest, 0, (':', ':')) {
        let equals = rest.iter().take(5).position(|token| is_punct(Some(token), '='))?;
        let capture = tokens::text(&rest[1..equals]);
        let form = match capture.trim() {
            "?" | "debug" => Form::Debug,
            "%" | "display" => Form::Display,
            "err" => Form::Error,
            "serde" | "sval" => Form::Plain,
            _ => return None,
        };
        return Some((form, &rest[equals + 1..]));
    }
    None
}

fn sigil(tokens: &[TokenTree]) -> (Form, &[TokenTree]) {
    let form = match tokens.first() {
        Some(TokenTree::Punct(punct)) => match punct.as_char() {
            '%' => Form::Display,
            '?' => Form::Debug,
            '#' if is_punct(tokens.get(1), '?') || is_punct(tokens.get(1), '%') => {
                return (Form::Debug, &tokens[2..]);
            }
            '#' => Form::Error,
            _ => Form::Plain,
        },
        _ => Form::Plain,
    };
    if form == Form::Plain { (form, tokens) } else { (form, &tokens[1..]) }
}

/// Whether the expression is an error, by the name of its last part: `err`, `&self.error`, `e.to_string()`.
pub fn is_error(tokens: &[TokenTree]) -> bool {
    let field = Field {
        key: String::new(),
        form: Form::Plain,
        value: tokens.to_vec(),
        place: Place::START,
    };
    is_error_name(field.same_as().rsplit(['.', ':', '&', '*']).next().unwrap_or_default())
}

/// Whether a variable of this name is an error.
pub fn is_error_name(name: &str) -> bool {
    let name = name.trim();
    matches!(name, "e" | "err" | "error" | "ex" | "exc" | "exception")
        || name.ends_with("_err")
        || name.ends_with("_error")
}

/// Whether the expression makes a text: `format!(…)`, `e.to_string()`, a literal.
pub fn makes_text(tokens: &[TokenTree]) -> bool {
    mentions(tokens, &["format", "format_args", "to_string", "concat"])
        || tokens.len() == 1 && string(tokens.first()).is_some()
}
