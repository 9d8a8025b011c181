//! A small validator for the part of JSON Schema (draft 2020-12) that the schemas of typed events use. An unknown
//! keyword is an error, so that no constraint is passed over.
use regex::Regex;
use serde_json::Value;

/// Why `value` does not match `schema`, as `path: reason`; empty if it does. References are looked up in `root`.
pub fn problems(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (keyword, argument) in schema.as_object().expect("a schema is an object") {
        if let Some(reason) = check(root, keyword, argument, value, path, &mut found) {
            found.push(format!("{path}: {keyword} {argument}: {reason}"));
        }
    }
    found
}

/// Checks one keyword. Returns a reason, or adds the problems of inner schemas to `found`.
fn check(
    root: &Value,
    keyword: &str,
    argument: &Value,
    value: &Value,
    path: &str,
    found: &mut Vec<String>,
) -> Option<String> {
    let refuse = |is_wrong: bool| is_wrong.then(|| format!("found {value}"));
    let matches = |schema: &Value| problems(root, schema, value, path).is_empty();
    let schemas = || argument.as_array().expect("a list of schemas").iter();
    let number = || value.as_f64().zip(argument.as_f64());
    let chars = || value.as_str().map(|text| text.chars().count() as u64);
    let items = || value.as_array().map(|items| items.len() as u64);
    let limit = || argument.as_u64().expect("a count");
    match keyword {
        "$schema" | "$defs" | "format" => None,
        _ if keyword.starts_with("x-ringseal-") => None,
        "type" => refuse(!is_of_type(argument, value)),
        "const" => refuse(argument != value),
        "enum" => refuse(!schemas().any(|allowed| allowed == value)),
        "minimum" => refuse(number().is_some_and(|(value, min)| value < min)),
        "maximum" => refuse(number().is_some_and(|(value, max)| value > max)),
        "minLength" => refuse(chars().is_some_and(|len| len < limit())),
        "maxLength" => refuse(chars().is_some_and(|len| len > limit())),
        "minItems" => refuse(items().is_some_and(|len| len < limit())),
        "maxItems" => refuse(items().is_some_and(|len| len > limit())),
        "pattern" => {
            let pattern = Regex::new(argument.as_str().expect("a text")).expect("an expression");
            refuse(value.as_str().is_some_and(|text| !pattern.is_match(text)))
        }
        "required" => {
            let missing = schemas().find(|key| value.get(key.as_str().expect("a key")).is_none());
            missing.map(|key| format!("{key} is missing"))
        }
        "properties" => {
            for (key, schema) in argument.as_object().expect("a map of schemas") {
                if let Some(inner) = value.get(key) {
                    found.extend(problems(root, schema, inner, &format!("{path}/{key}")));
                }
            }
            None
        }
        "items" => {
            for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
                found.extend(problems(root, argument, inner, &format!("{path}/{index}")));
            }
            None
        }
        "not" => refuse(matches(argument)),
        "anyOf" => refuse(!schemas().any(matches)),
        "oneOf" => refuse(schemas().filter(|schema| matches(schema)).count() != 1),
        "allOf" => {
            schemas().for_each(|schema| found.extend(problems(root, schema, value, path)));
            None
        }
        "$ref" => {
            let pointer = argument.as_str().expect("a text").strip_prefix('#').expect("a pointer");
            let schema = root.pointer(pointer).expect("a definition");
            found.extend(problems(root, schema, value, path));
            None
        }
        _ => Some("an unknown keyword".to_owned()),
    }
}

fn is_of_type(expected: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.to_string().parse::<i128>().is_ok(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type {other}"),
    };
    match expected {
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        name => is(name.as_str().expect("a type")),
    }
}
