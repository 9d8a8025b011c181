//! A page in Markdown about the events of a project.
use std::fmt::Write as _;

use ringseal::events::{Bounds, FieldDescriptor, Rule, Shape};

use super::catalogue::Declared;

const HEAD: &str = "\
# Events

<!-- Written by `ringseal events docs` from the sources. `ringseal events docs --check` finds out whether it is current. -->

";

/// The page.
pub fn page(events: &[Declared]) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("| event | level | version | what it says |\n|---|---|---|---|\n");
    for event in events {
        let descriptor = event.descriptor;
        let summary = event.docs.split("\n\n").next().unwrap_or_default();
        push(
            &mut page,
            format_args!(
                "| [{}](#{}) | {} | {} | {} |\n",
                code(descriptor.name()),
                anchor(descriptor.name()),
                descriptor.level().as_str(),
                descriptor.version(),
                cell(summary)
            ),
        );
    }
    events.iter().for_each(|event| section(&mut page, event));
    page
}

fn section(page: &mut String, event: &Declared) {
    let descriptor = event.descriptor;
    push(page, format_args!("\n## {}\n\n", code(descriptor.name())));
    if !event.docs.is_empty() {
        push(page, format_args!("{}\n\n", event.docs));
    }
    let level = descriptor.level().as_str();
    push(page, format_args!("Level {level}, version {}", descriptor.version()));
    if let Some(target) = &event.target {
        push(page, format_args!(", target {}", code(target)));
    }
    push(page, format_args!(". Declared in {}.\n", code(&event.file)));
    if descriptor.fields().is_empty() {
        page.push_str("\nNo fields.\n");
    } else {
        page.push_str("\n| field | value | required | rules | meaning |\n|---|---|---|---|---|\n");
    }
    for (field, docs) in descriptor.fields().iter().zip(&event.field_docs) {
        let rules: Vec<String> = field.rules().iter().filter_map(rule).collect();
        push(
            page,
            format_args!(
                "| {} | {} | {} | {} | {} |\n",
                cell(&code(field.key())),
                value(field.shape()),
                required(field),
                cell(&rules.join("; ")),
                cell(docs)
            ),
        );
    }
    for keys in descriptor.alternatives() {
        let keys: Vec<String> = keys.iter().map(|key| code(key)).collect();
        push(page, format_args!("\nOne of {} has a value.\n", keys.join(", ")));
    }
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = page.write_fmt(text); // A `String` takes every text.
}

fn required(field: &FieldDescriptor) -> &'static str {
    match (field.is_required(), field.shape()) {
        (true, _) => "yes",
        (false, Shape::Absent(_)) => "no: left out",
        (false, _) => "no: `null`",
    }
}

/// A shape in words.
fn value(shape: Shape) -> String {
    match shape {
        Shape::Null => "null".into(),
        Shape::Boolean => "boolean".into(),
        Shape::Integer { is_signed: true } => "integer".into(),
        Shape::Integer { is_signed: false } => "integer, not negative".into(),
        Shape::Float | Shape::Number => "number".into(),
        Shape::Text { format: None } => "text".into(),
        Shape::Text { format: Some(format) } => format!("text, {format}"),
        Shape::List(item) => format!("list: {}", value(*item)),
        Shape::Object => "object".into(),
        Shape::Optional(inner) | Shape::Absent(inner) => value(*inner),
        Shape::Personal { .. } => "personal data".into(),
        Shape::Secret => "secret: masked".into(),
        _ => "any".into(),
    }
}

/// A rule in words; `None` for what the column `required` says.
fn rule(rule: &Rule) -> Option<String> {
    Some(match rule {
        Rule::NonNull => return None,
        Rule::NotBlank => "not blank".into(),
        Rule::Hex => "hexadecimal".into(),
        Rule::Range(bounds) => range(bounds),
        Rule::Len(bounds) => format!("{} characters", range(bounds)),
        Rule::Items(bounds) => format!("{} items", range(bounds)),
        Rule::OneOf(allowed) => {
            let list: Vec<String> = allowed.iter().map(|one| code(&json(one))).collect();
            format!("one of {}", list.join(", "))
        }
        Rule::Pattern { source, .. } => format!("matches {}", code(source)),
        Rule::Custom { name, .. } => format!("accepted by {}", code(name)),
        _ => return None,
    })
}

/// As JSON has it, except that texts have no quotes.
fn json(allowed: &ringseal::events::Allowed) -> String {
    match allowed {
        ringseal::events::Allowed::Text(text) => (*text).to_owned(),
        ringseal::events::Allowed::Num(num) => num.to_string(),
        ringseal::events::Allowed::Bool(value) => value.to_string(),
    }
}

fn range(bounds: &Bounds) -> String {
    match (bounds.min, bounds.max) {
        (Some(min), Some(max)) if min == max => min.to_string(),
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "any".into(),
    }
}

/// A text as code, also if it has backticks.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    match text.starts_with('`') || text.ends_with('`') {
        true => format!("{fence} {text} {fence}"),
        false => format!("{fence}{text}{fence}"),
    }
}

/// A text in one cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The anchor that hosts of Markdown give a heading.
fn anchor(name: &str) -> String {
    let kept = name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}
