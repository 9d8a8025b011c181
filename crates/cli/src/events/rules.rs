//! The rules of a field as data. Their numbers are literals, constants of the same file, or bounds of integer types.
use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use ringseal::events::{Allowed, Bounds, Num, Rule};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprRange, Lit, LitStr, RangeLimits, Token, UnOp};

use super::declaration;
use crate::rust_source::tokens;

/// The constants of a file, by name.
pub type Constants = BTreeMap<String, Expr>;

/// A constant may refer to constants; a longer chain is a circle.
const DEPTH_MAX: usize = 16;

/// Reads rules of one field.
pub struct Reader<'a> {
    pub constants: &'a Constants,
    /// The name of the type that rules compare, if it is known.
    pub scalar: Option<String>,
}

impl Reader<'_> {
    /// One rule.
    pub fn rule(&self, rule: &declaration::Rule) -> syn::Result<Rule> {
        let arguments = || rule.arguments.clone();
        Ok(match rule.name.to_string().as_str() {
            "non_null" => Rule::NonNull,
            "not_blank" => Rule::NotBlank,
            "hex" => Rule::Hex,
            "range" => Rule::Range(self.bounds(rule, self.scalar.as_deref())?),
            "len" => Rule::Len(self.bounds(rule, None)?),
            "items" => Rule::Items(self.bounds(rule, None)?),
            "one_of" => Rule::OneOf(self.allowed(arguments())?),
            "pattern" => Rule::Pattern { source: leak(pattern(arguments())?), matches: |_| true },
            "custom" => {
                let check: Vec<_> = arguments().into_iter().collect();
                Rule::Custom { name: leak(tokens::text(&check)), check: None }
            }
            _ => {
                let message = "expected a rule: non_null, not_blank, hex, range, len, items, \
                               one_of, pattern or custom";
                return Err(syn::Error::new(rule.name.span(), message));
            }
        })
    }

    /// `min..=max`, `min..` or `..=max`.
    fn bounds(&self, rule: &declaration::Rule, scalar: Option<&str>) -> syn::Result<Bounds> {
        let range = syn::parse2::<Expr>(rule.arguments.clone())
            .map_err(|error| syn::Error::new(rule.name.span(), error))?;
        let range = match self.constant(&range, DEPTH_MAX)? {
            Expr::Range(range) => range,
            other => return Err(syn::Error::new(other.span(), EXPECTED_RANGE)),
        };
        let ExprRange { start, end, limits, .. } = range;
        if end.is_some() && matches!(limits, RangeLimits::HalfOpen(_)) {
            return Err(syn::Error::new(range.span(), EXPECTED_RANGE));
        }
        let num = |bound: Option<&Expr>| bound.map(|bound| self.num(bound, scalar)).transpose();
        Ok(Bounds { min: num(start.as_deref())?, max: num(end.as_deref())? })
    }

    fn allowed(&self, arguments: TokenStream) -> syn::Result<&'static [Allowed]> {
        use syn::parse::Parser;
        let list = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(arguments)?;
        let allowed = list.iter().map(|expr| match self.constant(expr, DEPTH_MAX)? {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Ok(Allowed::Text(leak(text.value()))),
                Lit::Bool(value) => Ok(Allowed::Bool(value.value)),
                _ => self.num(expr, self.scalar.as_deref()).map(Allowed::Num),
            },
            _ => self.num(expr, self.scalar.as_deref()).map(Allowed::Num),
        });
        Ok(Vec::leak(allowed.collect::<syn::Result<_>>()?))
    }

    fn num(&self, expr: &Expr, scalar: Option<&str>) -> syn::Result<Num> {
        Ok(match (self.literal(expr, DEPTH_MAX)?, scalar) {
            // The constant of this type has fewer digits.
            (Num::Float(value), Some("f32")) => Num::Float((value as f32).into()),
            (num, _) => num,
        })
    }

    /// A number. `depth` bounds constants that refer to each other.
    fn literal(&self, expr: &Expr, depth: usize) -> syn::Result<Num> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(syn::Error::new(expr.span(), EXPECTED_NUMBER));
        };
        match self.constant(expr, depth)? {
            Expr::Paren(inner) => self.literal(&inner.expr, depth),
            Expr::Group(inner) => self.literal(&inner.expr, depth),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
                Ok(match self.literal(&unary.expr, depth)? {
                    Num::Int(value) => Num::Int(value.saturating_neg()),
                    Num::Float(value) => Num::Float(-value),
                })
            }
            Expr::Lit(literal) => match &literal.lit {
                Lit::Int(int) => int
                    .base10_parse()
                    .map(Num::Int)
                    .or_else(|_| int.base10_parse::<u128>().map(|value| Num::Float(value as f64))),
                Lit::Float(float) => float.base10_parse().map(Num::Float),
                other => Err(syn::Error::new(other.span(), EXPECTED_NUMBER)),
            },
            Expr::Path(path) => {
                let names: Vec<_> =
                    path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                let bound = match names.as_slice() {
                    [.., kind, name] => bound_of(kind, name),
                    _ => None,
                };
                bound.ok_or_else(|| syn::Error::new(path.span(), EXPECTED_NUMBER))
            }
            other => Err(syn::Error::new(other.span(), EXPECTED_NUMBER)),
        }
    }

    /// The expression that a name of this file means, or the expression itself.
    fn constant<'a>(&'a self, expr: &'a Expr, depth: usize) -> syn::Result<&'a Expr> {
        let name = match expr {
            Expr::Path(path) => path.path.segments.last(),
            _ => None,
        };
        let is_local = match expr {
            Expr::Path(path) => {
                let outer = path.path.segments.iter().rev().skip(1);
                outer.into_iter().all(|segment| segment.ident == "self" || segment.ident == "Self")
            }
            _ => false,
        };
        let value =
            name.filter(|_| is_local).and_then(|name| self.constants.get(&name.ident.to_string()));
        match value {
            Some(_) if depth == 0 => Err(syn::Error::new(expr.span(), EXPECTED_NUMBER)),
            Some(value) => self.constant(value, depth - 1),
            None => Ok(expr),
        }
    }
}

const EXPECTED_RANGE: &str = "expected `min..=max`, `min..` or `..=max`";
const EXPECTED_NUMBER: &str = "expected a number, or a constant of this file that is one: sources are read without compiling them";

/// `u8::MAX` and the like.
fn bound_of(kind: &str, name: &str) -> Option<Num> {
    macro_rules! bounds {
        ($($int:ident),+) => {
            match (kind, name) {
                $((stringify!($int), "MIN") => i128::try_from($int::MIN).ok().map(Num::Int),
                (stringify!($int), "MAX") => Some(match i128::try_from($int::MAX) {
                    Ok(value) => Num::Int(value),
                    Err(_) => Num::Float($int::MAX as f64),
                }),)+
                ("f64", "MIN") => Some(Num::Float(f64::MIN)),
                ("f64", "MAX") => Some(Num::Float(f64::MAX)),
                ("f64", "INFINITY") => Some(Num::Float(f64::INFINITY)),
                ("f64", "NEG_INFINITY") => Some(Num::Float(f64::NEG_INFINITY)),
                ("f32", "MIN") => Some(Num::Float(f32::MIN.into())),
                ("f32", "MAX") => Some(Num::Float(f32::MAX.into())),
                _ => None,
            }
        };
    }
    bounds!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize)
}

/// The regular expression of `pattern("…", function)`.
fn pattern(arguments: TokenStream) -> syn::Result<String> {
    use syn::parse::Parser;
    let parser = |input: syn::parse::ParseStream<'_>| {
        let source: LitStr = input.parse()?;
        let _: Token![,] = input.parse()?;
        let _: Expr = input.parse()?;
        let _: Option<Token![,]> = input.parse()?;
        Ok(source.value())
    };
    parser.parse2(arguments)
}

/// Texts of descriptors live as long as the program, which describes the events of one project and ends.
pub fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
