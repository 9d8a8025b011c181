//! The grammar of `domain_events!`: from tokens to the declarations of events.
use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, Lit, LitInt, LitStr, Meta, Token, Type, braced, bracketed, parenthesized,
};

use crate::rust_source::tokens::Place;

/// The events of one `domain_events!`.
pub struct Invocation {
    pub events: Vec<Event>,
}

/// One event as it is written.
pub struct Event {
    /// The text of its documentation.
    pub docs: String,
    pub name: String,
    pub level: Ident,
    pub version: u32,
    /// Without one, events have the path of their module.
    pub target: Option<String>,
    pub fields: Vec<Field>,
    /// The fields of each `require any(…)`.
    pub alternatives: Vec<Vec<Ident>>,
    pub place: Place,
}

/// A field as it is written.
pub struct Field {
    pub docs: String,
    /// The name in the struct.
    pub ident: Ident,
    /// The key in lines.
    pub key: String,
    pub kind: Type,
    pub rules: Vec<Rule>,
}

/// `name` or `name(arguments)`.
pub struct Rule {
    pub name: Ident,
    pub arguments: TokenStream,
}

impl Parse for Invocation {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        while setting(input)? {}
        let mut events = Vec::new();
        while !input.is_empty() {
            events.push(input.parse()?);
        }
        Ok(Self { events })
    }
}

/// Skips `names: …;`, `verbs: […];` or `results: […];`, which the compiler checks.
fn setting(input: ParseStream<'_>) -> syn::Result<bool> {
    if !(input.peek(syn::Ident) && input.peek2(Token![:])) {
        return Ok(false);
    }
    let _: Ident = input.parse()?;
    let _: Token![:] = input.parse()?;
    if input.peek(syn::token::Bracket) {
        let words;
        bracketed!(words in input);
        Punctuated::<LitStr, Token![,]>::parse_terminated(&words)?;
    } else {
        let _: Ident = input.parse()?;
    }
    let _: Token![;] = input.parse()?;
    Ok(true)
}

impl Parse for Event {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let docs = docs_of(&Attribute::parse_outer(input)?);
        let _: syn::Visibility = input.parse()?;
        word(input, "event")?;
        let ident: Ident = input.parse()?;
        let _: syn::Generics = input.parse()?;
        let _: Token![=] = input.parse()?;
        let name: LitStr = input.parse()?;
        let _: Token![,] = input.parse()?;
        let level: Ident = input.parse()?;
        let _: Token![,] = input.parse()?;
        word(input, "version")?;
        let version: LitInt = input.parse()?;
        let mut target = None;
        if input.parse::<Option<Token![,]>>()?.is_some() {
            word(input, "target")?;
            target = Some(input.parse::<LitStr>()?.value());
        }
        let content;
        braced!(content in input);
        let mut event = Event {
            docs,
            place: Place::of(ident.span()),
            name: name.value(),
            level,
            version: version.base10_parse()?,
            target,
            fields: Vec::new(),
            alternatives: Vec::new(),
        };
        while !content.is_empty() {
            if is_require(&content) {
                event.alternatives.push(require(&content)?);
            } else {
                event.fields.push(content.parse()?);
            }
        }
        Ok(event)
    }
}

/// Whether `require any(…)` follows, which is no field.
fn is_require(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let first = ahead.parse::<Ident>();
    first.is_ok_and(|first| first == "require") && ahead.peek(syn::Ident)
}

fn require(input: ParseStream<'_>) -> syn::Result<Vec<Ident>> {
    word(input, "require")?;
    word(input, "any")?;
    let fields;
    parenthesized!(fields in input);
    let fields = Punctuated::<Ident, Token![,]>::parse_terminated(&fields)?;
    let _: Token![;] = input.parse()?;
    Ok(fields.into_iter().collect())
}

impl Parse for Field {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let docs = docs_of(&Attribute::parse_outer(input)?);
        let mut ident = input.call(Ident::parse_any)?;
        let mut key = ident.unraw().to_string();
        if input.parse::<Option<Token![.]>>()?.is_some() {
            ident = input.call(Ident::parse_any)?;
            key = format!("{key}.{}", ident.unraw());
        } else if input.parse::<Option<Token![as]>>()?.is_some() {
            key = input.parse::<LitStr>()?.value();
        }
        let _: Token![:] = input.parse()?;
        let kind = input.parse()?;
        let mut rules = Vec::new();
        if input.parse::<Option<Token![where]>>()?.is_some() {
            while !input.peek(Token![;]) {
                rules.push(input.parse()?);
                if input.parse::<Option<Token![,]>>()?.is_none() {
                    break;
                }
            }
        }
        let _: Token![;] = input.parse()?;
        Ok(Field { docs, ident, key, kind, rules })
    }
}

impl Parse for Rule {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.call(Ident::parse_any)?;
        let mut arguments = TokenStream::new();
        if input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            arguments = content.parse()?;
        }
        Ok(Rule { name, arguments })
    }
}

/// Takes one word of the grammar.
fn word(input: ParseStream<'_>, expected: &str) -> syn::Result<()> {
    let found: Ident = input.call(Ident::parse_any)?;
    if found == expected {
        return Ok(());
    }
    Err(syn::Error::new(found.span(), format_args!("expected `{expected}`, found `{found}`")))
}

/// The text of `///` comments.
fn docs_of(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<String> =
        lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}
