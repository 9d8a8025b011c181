//! JSON Schema (draft 2020-12) of events, for lines in the format `json`.
use super::catalogue::Catalogue;
use super::descriptor::{EventDescriptor, FieldDescriptor};
use super::field::Shape;
use super::json::Json;
use super::rule::{Allowed, Bounds, Num, Rule};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The key of an event's version in its schema.
pub(super) const VERSION: &str = "x-ringseal-version";

/// What the texts of `not_blank` and `hex` match.
const NOT_BLANK: &str = "\\S";
const HEX: &str = "^[0-9A-Fa-f]+$";

impl EventDescriptor {
    /// The JSON Schema (draft 2020-12) of the event's lines in the format `json`, where dotted keys are flat.
    ///
    /// It describes valid events: a line that was logged although it violates rules has `validation_errors`, and does
    /// not match. `custom` rules are `x-ringseal-custom`, fields with personal data `x-ringseal-pii`, secrets
    /// `x-ringseal-secret`; what such fields have in lines is decided by the redaction.
    pub fn json_schema(&self) -> String {
        with_dialect(schema_of(self)).pretty()
    }
}

impl Catalogue {
    /// The JSON Schema of the lines of all events, each below `$defs` under its name; see
    /// [`EventDescriptor::json_schema`].
    pub fn json_schema(&self) -> String {
        document(self).pretty()
    }
}

/// The schema of a catalogue.
pub(super) fn document(catalogue: &Catalogue) -> Json {
    let reference = |event: &&EventDescriptor| {
        Json::map([("$ref", Json::Text(format!("#/$defs/{}", pointer(event.name))))])
    };
    let definition = |event: &&EventDescriptor| (event.name.to_owned(), schema_of(event));
    with_dialect(Json::map([
        ("oneOf", Json::List(catalogue.events().iter().map(reference).collect())),
        ("$defs", Json::Map(catalogue.events().iter().map(definition).collect())),
    ]))
}

/// A name as a part of a JSON pointer in a URI's fragment.
fn pointer(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b'~' => out.push_str("~0"),
            b'/' => out.push_str("~1"),
            b'-' | b'.' | b'_' => out.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => out.push(byte.into()),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn with_dialect(schema: Json) -> Json {
    let dialect = ("$schema".to_owned(), Json::text(DIALECT));
    match schema {
        Json::Map(entries) => Json::Map([dialect].into_iter().chain(entries).collect()),
        other => other,
    }
}

fn schema_of(event: &EventDescriptor) -> Json {
    let name = ("event".to_owned(), Json::map([("const", Json::text(event.name))]));
    let errors = Json::map([
        ("type", Json::text("array")),
        ("items", Json::map([("type", Json::text("string"))])),
    ]);
    let fields = event.fields.iter().map(|field| (field.key.to_owned(), schema_of_field(field)));
    let properties = [name].into_iter().chain(fields);
    let properties = properties.chain([("validation_errors".to_owned(), errors)]).collect();
    // An `Option` without a value is `null`, so that its key is in the line.
    let is_in_line = |field: &&FieldDescriptor| !field.shape.may_be_absent() || is_non_null(field);
    let required = event.fields.iter().filter(is_in_line).map(|field| field.key);
    let mut entries = vec![
        (VERSION, Json::Number(event.version.to_string())),
        ("x-ringseal-level", Json::text(event.level.as_str())),
        ("type", Json::text("object")),
        ("properties", Json::Map(properties)),
        ("required", Json::texts(["event"].into_iter().chain(required))),
    ];
    if !event.alternatives.is_empty() {
        entries.push(("allOf", Json::List(event.alternatives.iter().map(any_of).collect())));
    }
    Json::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// One of these keys has a value.
fn any_of(keys: &&'static [&'static str]) -> Json {
    let present = |key: &&str| {
        let not_null = Json::map([("not", Json::map([("type", Json::text("null"))]))]);
        Json::map([
            ("required", Json::texts([*key])),
            ("properties", Json::map([(*key, not_null)])),
        ])
    };
    Json::map([("anyOf", Json::List(keys.iter().map(present).collect()))])
}

fn is_non_null(field: &FieldDescriptor) -> bool {
    field.rules.iter().any(|rule| matches!(rule, Rule::NonNull))
}

fn schema_of_field(field: &FieldDescriptor) -> Json {
    let mut schema = Schema { entries: Vec::new(), patterns: Vec::new() };
    let mut may_be_null = false;
    let mut shape = field.shape;
    while let Shape::Optional(inner) | Shape::Absent(inner) = shape {
        may_be_null |= matches!(shape, Shape::Optional(_)) && !is_non_null(field);
        shape = *inner;
    }
    if let Shape::Personal { .. } = shape {
        return Json::map([("x-ringseal-pii", Json::Bool(true))]);
    }
    let has_range = field.rules.iter().any(|rule| matches!(rule, Rule::Range(_)));
    schema.shape(shape, may_be_null, has_range);
    if !matches!(shape, Shape::Secret) {
        field.rules.iter().for_each(|rule| schema.rule(rule, may_be_null));
    }
    schema.finish()
}

/// A schema under construction.
struct Schema {
    entries: Vec<(String, Json)>,
    patterns: Vec<&'static str>,
}

impl Schema {
    fn add(&mut self, key: &str, value: Json) {
        self.entries.push((key.to_owned(), value));
    }

    fn kind(&mut self, kind: &str, may_be_null: bool) {
        let kind = if may_be_null { Json::texts([kind, "null"]) } else { Json::text(kind) };
        self.add("type", kind);
    }

    /// `has_range` excludes NaN and the infinities, which are texts in lines.
    fn shape(&mut self, shape: Shape, may_be_null: bool, has_range: bool) {
        match shape {
            Shape::Any | Shape::Optional(_) | Shape::Absent(_) | Shape::Personal { .. } => {}
            Shape::Null => self.kind("null", false),
            Shape::Boolean => self.kind("boolean", may_be_null),
            Shape::Integer { is_signed } => {
                self.kind("integer", may_be_null);
                if !is_signed && !has_range {
                    self.add("minimum", Json::Number("0".to_owned()));
                }
            }
            Shape::Float if !has_range => {
                let mut texts: Vec<_> = ["NaN", "inf", "-inf"].map(Json::text).into();
                if may_be_null {
                    texts.push(Json::Null);
                }
                let number = Json::map([("type", Json::text("number"))]);
                let others = Json::map([("enum", Json::List(texts))]);
                self.add("anyOf", Json::List(vec![number, others]));
            }
            Shape::Float | Shape::Number => self.kind("number", may_be_null),
            Shape::Text { format } => {
                self.kind("string", may_be_null);
                if let Some(format) = format {
                    self.add("format", Json::text(format));
                }
            }
            Shape::Secret => {
                self.kind("string", may_be_null);
                self.add("x-ringseal-secret", Json::Bool(true));
            }
            Shape::Object => self.kind("object", may_be_null),
            Shape::List(item) => {
                self.kind("array", may_be_null);
                self.add("items", schema_of_item(item));
            }
        }
    }

    fn rule(&mut self, rule: &Rule, may_be_null: bool) {
        match rule {
            Rule::NonNull | Rule::AnyOf => {}
            Rule::Range(bounds) => self.bounds(bounds, ["minimum", "maximum"]),
            Rule::Len(bounds) => self.bounds(bounds, ["minLength", "maxLength"]),
            Rule::Items(bounds) => self.bounds(bounds, ["minItems", "maxItems"]),
            Rule::OneOf(allowed) => {
                let null = may_be_null.then_some(Json::Null);
                let list = allowed.iter().map(json_of).chain(null).collect();
                self.add("enum", Json::List(list));
            }
            Rule::NotBlank => self.patterns.push(NOT_BLANK),
            Rule::Hex => self.patterns.push(HEX),
            Rule::Pattern { source, .. } => self.patterns.push(source),
            Rule::Custom { name, .. } => self.add("x-ringseal-custom", Json::text(*name)),
        }
    }

    fn bounds(&mut self, bounds: &Bounds, keys: [&str; 2]) {
        for (bound, key) in [bounds.min, bounds.max].into_iter().zip(keys) {
            if let Some(number) = bound.and_then(json_of_num) {
                self.add(key, number);
            }
        }
    }

    fn finish(mut self) -> Json {
        match self.patterns[..] {
            [] => {}
            [one] => self.add("pattern", Json::text(one)),
            ref more => {
                let each = more.iter().map(|one| Json::map([("pattern", Json::text(*one))]));
                let each = each.collect();
                self.add("allOf", Json::List(each));
            }
        }
        Json::Map(self.entries)
    }
}

fn schema_of_item(shape: &Shape) -> Json {
    let field = FieldDescriptor { name: "", key: "", shape: *shape, rules: &[] };
    // In a list, a value cannot be left out: it is `null`.
    match *shape {
        Shape::Absent(inner) => {
            schema_of_field(&FieldDescriptor { shape: Shape::Optional(inner), ..field })
        }
        _ => schema_of_field(&field),
    }
}

fn json_of(allowed: &Allowed) -> Json {
    match allowed {
        Allowed::Text(text) => Json::text(*text),
        Allowed::Num(num) => json_of_num(*num).unwrap_or(Json::Null),
        Allowed::Bool(value) => Json::Bool(*value),
    }
}

/// `None` for an infinity, which is no bound.
fn json_of_num(num: Num) -> Option<Json> {
    match num {
        Num::Float(value) if !value.is_finite() => None,
        num => Some(Json::Number(num.to_string())),
    }
}
