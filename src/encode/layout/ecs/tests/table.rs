//! The table of the schema's fields is as it is generated.
use crate::encode::layout::ecs::field_types::FieldType;
use crate::encode::layout::ecs::fields::FIELDS;

/// The table is as it is generated: from itself, or from the list in the file that `ECS_FIELDS` names, which also
/// writes it.
#[test]
fn the_table_is_the_generated_one() {
    let own =
        || FIELDS.iter().map(|(field, kind)| format!("{field},{}\n", name_of(*kind))).collect();
    let given = std::env::var("ECS_FIELDS").ok();
    let list = given.as_ref().map_or_else(own, |path| std::fs::read_to_string(path).unwrap());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/encode/layout/ecs/fields.rs");
    let before = std::fs::read_to_string(path).unwrap();
    let table = generated(&list, &before);
    if given.is_some() {
        std::fs::write(path, &table).unwrap();
    }
    assert!(table == before, "fields.rs is not as it is generated; its head has the command");
}

/// The text of fields.rs with the fields of this list, of lines with path and type.
fn generated(list: &str, before: &str) -> String {
    let mut rows: Vec<(&str, &str)> = list
        .lines()
        .filter_map(|line| line.split_once([',', '\t']))
        .filter(|(field, _)| *field != "Field")
        .map(|(field, kind)| (field.trim_matches('"'), code_of(kind)))
        .collect();
    rows.sort_unstable();
    rows.dedup();
    let (head, _) = before.split_once("#[rustfmt::skip]").unwrap();
    let count = rows.len();
    let mut text = format!(
        "{head}#[rustfmt::skip]\npub(super) static FIELDS: [(&str, FieldType); {count}] = [\n"
    );
    let mut line = String::from("   ");
    for (field, code) in rows {
        let item = format!(" (\"{field}\", {code}),");
        if line.len() + item.len() > 118 {
            text.push_str(&line);
            text.push('\n');
            line = String::from("   ");
        }
        line.push_str(&item);
    }
    text.push_str(&line);
    text.push_str("\n];\n");
    text
}

fn name_of(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Keyword => "keyword",
        FieldType::Integer => "long",
        FieldType::Number => "float",
        FieldType::Boolean => "boolean",
        FieldType::Date => "date",
        FieldType::Ip => "ip",
        FieldType::GeoPoint => "geo_point",
        FieldType::Object => "object",
    }
}

fn code_of(kind: &str) -> &'static str {
    match kind.trim_matches('"') {
        "keyword" | "constant_keyword" | "wildcard" | "match_only_text" | "text" => "K",
        "long" | "integer" => "I",
        "float" | "scaled_float" => "N",
        "boolean" => "B",
        "date" => "D",
        "ip" => "A",
        "geo_point" => "G",
        "object" | "flattened" | "nested" => "O",
        other => panic!("unknown type {other:?}"),
    }
}
