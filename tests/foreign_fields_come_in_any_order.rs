//! Whatever keys a foreign site states, and in whatever order its fields come, the line has the last value of each.
use std::collections::BTreeMap;

use proptest::prelude::*;
use ringseal::bridge::{Site, SiteMeta};
use ringseal::sink::memory::MemorySink;
use ringseal::value::DisplayValue;
use ringseal::{Config, Engine, Format, Level, Output};
use serde_json::Value;

/// Few, so that repeated keys, missing keys and foreign keys are common, and sites are few.
const KEYS: [&str; 5] = ["a", "b.c", "message", "", "event"];

/// What a line shows of fields under the keys of its layout.
fn shown(key: &str) -> String {
    match key {
        "event" => "field.event".to_owned(),
        _ => key.to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_last_value_of_each_key_is_shown(
        keys in proptest::collection::vec(0..KEYS.len(), 0..4),
        message in 0..KEYS.len(),
        fields in proptest::collection::vec((0..KEYS.len(), 0u32..1000), 0..6),
        formats in Just([Format::Json, Format::Structlog]),
    ) {
        let keys: Vec<&str> = keys.into_iter().map(|key| KEYS[key]).collect();
        let message = KEYS[message];
        let has_message = message == "message";
        let mut meta = SiteMeta::new(Level::Info, "foreign::order", "a name").keys(&keys);
        if has_message {
            meta = meta.message(message);
        }
        let site = Site::intern(&meta).expect("few sites");
        let mut expected = BTreeMap::new();
        let mut name = "a name".to_owned();
        for (key, value) in &fields {
            match (KEYS[*key], has_message) {
                // The first message is the name.
                ("message", true) => {
                    if name == "a name" {
                        name = format!("m{value}");
                    }
                }
                (key, _) => drop(expected.insert(shown(key), *value)),
            }
        }
        for format in formats {
            let memory = MemorySink::new();
            let log = memory.log();
            let config = Config::new().no_redaction().panic_hook(false);
            let engine = Engine::start(config.output(Output::custom(memory).format(format))).unwrap();
            site.emit(&engine.logger(), &|event| {
                for (key, value) in &fields {
                    match (KEYS[*key], has_message) {
                        (key @ "message", true) => {
                            event.field(key, &DisplayValue(format_args!("m{value}")));
                        }
                        (key, _) => event.field(key, value),
                    }
                }
            });
            engine.stop().unwrap();
            let lines = log.lines();
            let line = lines.iter().find(|line| line.contains("a name") || line.contains(&name));
            let line: Value = serde_json::from_str(line.expect("a line")).unwrap();
            prop_assert_eq!(line["event"].as_str(), Some(&*name), "{}", line);
            for (key, value) in &expected {
                prop_assert_eq!(line[key].as_u64(), Some(u64::from(*value)), "{}: {}", key, line);
            }
        }
    }
}
