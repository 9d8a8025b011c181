//! `cat` and `pipe` read what the engine writes, in every format and with other keys: level, time, name and fields.
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use ringseal::system::ManualClock;
use ringseal::{Config, Engine, Format, Level, LevelCase, LevelWords, LineKey, Subsecond};
use ringseal::{error, fields};
use ringseal_cli::line::{ChosenKey, KeyOptions, LevelReading, LineParser, TimeReading};

/// 2026-03-01T09:30:00.123456789Z.
const AT: i64 = 1_772_357_400_123_456_789;

/// A setting of keys and words, and the options with which it is read.
struct Setting {
    name: &'static str,
    set: fn(Config) -> Config,
    options: &'static [&'static str],
}

const SETTINGS: [Setting; 4] = [
    Setting { name: "as the format has it", set: |config| config, options: &[] },
    Setting {
        name: "keys of other loggers",
        set: |config| {
            let config = config.rename_key(LineKey::Timestamp, "@timestamp");
            let config = config.rename_key(LineKey::Level, "severity").event_key("msg");
            config.rename_key(LineKey::Error, "err").rename_key(LineKey::TraceId, "trace.id")
        },
        options: &[],
    },
    Setting {
        name: "keys of no logger",
        set: |config| {
            let config = config.rename_key(LineKey::Timestamp, "zeit");
            config.rename_key(LineKey::Level, "stufe").event_key("ereignis \"x\"")
        },
        options: &["time=zeit", "level=stufe", "name=ereignis \"x\""],
    },
    Setting {
        name: "words and digits",
        set: |config| {
            let config = config.level_case(LevelCase::Upper).level_words(LevelWords::Warning);
            config.subsecond(Subsecond::Nanos).omit_none(true)
        },
        options: &[],
    },
];

/// The name of the event of each level.
fn name(level: Level) -> String {
    format!("Payment {level} seen")
}

/// Writes an event of each level and one with an error.
fn write(dir: &Path, format: Format, setting: &Setting) -> PathBuf {
    let path = dir.join("app.log");
    let config = Config::new().level(Level::Trace).panic_hook(false).format(format);
    let config = (setting.set)(config)
        .fields(fields! { zone = "b" })
        .clock_for_tests(Arc::new(ManualClock::at(AT)))
        .file(&path);
    let engine = Engine::start(config).unwrap();
    for level in Level::ALL {
        engine.logger().dynamic(level, "shop::pay", &name(level), &|out| {
            out.entry("amount", &100);
            // A field that another logger has its message in.
            out.entry("msg_text", &"text");
            out.entry("correlation_id", &"6f1d2c3b4a59");
        });
    }
    let failure = "x".parse::<u16>().unwrap_err();
    let log = engine.logger().bind(fields! { request = 7 });
    error!(log, "Payment failed", error = &failure, peer = None::<u8>);
    engine.stop().unwrap();
    path
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn ringseal(arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The object that holds the fields; `None` if they are members of the line.
fn object_of_fields(format: Format) -> Option<&'static str> {
    matches!(format, Format::CloudDogJson | Format::Ecs).then_some("extra")
}

fn is_text(format: Format) -> bool {
    matches!(format, Format::Console | Format::DashtamDev | Format::CloudDogText)
}

/// Runs `check` on a log of each format and setting.
fn for_each_log(check: impl Fn(&str, Format, &Setting, &Path)) {
    for format in Format::ALL {
        for setting in &SETTINGS {
            let dir = tempfile::tempdir().unwrap();
            let path = write(dir.path(), *format, setting);
            check(&format!("{}, {}", format.as_str(), setting.name), *format, setting, &path);
        }
    }
}

#[test]
fn every_line_has_level_time_and_name() {
    for_each_log(|case, format, setting, path| {
        let keys = setting.options.iter().map(|option| ChosenKey::parse(option).unwrap());
        let options = KeyOptions { keys: keys.collect() };
        let mut parser = LineParser::new(AT).with_keys(&options);
        let lines = lines(path);
        assert_eq!(lines.len(), Level::ALL.len() + 1, "{case}");
        let failed = (Level::Error, "Payment failed".to_owned());
        let expected = Level::ALL.into_iter().map(|level| (level, name(level))).chain([failed]);
        for (line, (level, name)) in lines.iter().zip(expected) {
            let parsed = parser.parse(line.as_bytes());
            let facts = parsed.facts();
            assert_eq!(facts.level, LevelReading::Known(level), "{case}: {line}");
            let TimeReading::At(time) = facts.time else { panic!("{case}: {line}") };
            assert!((0..1_000_000).contains(&(AT - time)), "{case}: {line}");
            assert_eq!(parsed.is_json, !is_text(format), "{case}: {line}");
            if is_text(format) {
                assert!(line.contains(&name), "{case}: {line}");
                continue;
            }
            let found = facts.places.name.and_then(|at| parsed.entries.get(at, parsed.text));
            let found = found.and_then(|entry| entry.string()).map(|text| text.decode());
            assert_eq!(found, Some(name), "{case}: {line}");
        }
    });
}

#[test]
fn cat_filters_and_shows_every_format() {
    for_each_log(|case, format, setting, path| {
        let path = path.to_str().unwrap();
        let cat = |more: &[&str]| {
            let keys = setting.options.iter().flat_map(|option| ["--key", *option]);
            let arguments: Vec<&str> =
                ["cat", path].into_iter().chain(keys).chain(more.iter().copied()).collect();
            ringseal(&arguments, "")
        };
        for (filter, count) in [
            (&["--level", "warn"][..], 4),
            (&["--since", "2026-03-01T09:30:00Z"], 7),
            (&["--until", "2026-03-01T09:30:00Z"], 0),
        ] {
            assert_eq!(cat(filter).lines().count(), count, "{case}: {filter:?}");
        }
        if is_text(format) {
            return;
        }
        let shown = cat(&[]);
        assert!(shown.contains("[WARN    ] Payment warn seen "), "{case}: {shown}");
        assert!(shown.contains("[ERROR   ] Payment failed "), "{case}: {shown}");
        assert!(shown.contains("invalid digit found in string"), "{case}: {shown}");
        assert!(shown.contains("request") && shown.contains("amount"), "{case}: {shown}");
        assert_eq!(shown.matches("09:30:00").count(), 7, "no time is a field: {case}: {shown}");
        let field = object_of_fields(format).map_or(String::new(), |key| format!("{key}."));
        let field = field + "amount=100";
        assert_eq!(cat(&["--field", &field]).lines().count(), 6, "{case}");
    });
}

#[test]
fn pipe_keeps_level_name_and_fields() {
    for_each_log(|case, format, setting, path| {
        let dir = tempfile::tempdir().unwrap();
        let keys = setting.options.iter().flat_map(|option| ["--key", *option]);
        let dir_name = dir.path().to_str().unwrap();
        let arguments: Vec<&str> =
            ["pipe", "--quiet", "--dir", dir_name].into_iter().chain(keys).collect();
        ringseal(&arguments, &fs::read_to_string(path).unwrap());
        let log = fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.path());
        let log = { log }.find(|path| path.extension().is_some_and(|end| end == "log")).unwrap();
        let events: Vec<serde_json::Value> =
            lines(&log).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.len(), Level::ALL.len() + 1, "{case}");
        for (event, level) in events.iter().zip(Level::ALL) {
            assert_eq!(event["level"], level.as_str(), "{case}: {event}");
            if is_text(format) {
                continue;
            }
            assert_eq!(event["event"], name(level), "{case}: {event}");
            let fields = object_of_fields(format).map_or(event, |key| &event[key]);
            assert_eq!(fields["amount"], 100, "{case}: {event}");
        }
    });
}

/// A logger writes its message before the fields.
#[test]
fn a_field_never_passes_for_the_name() {
    for (line, name) in [
        (r#"{"level":"info","event":"paid","message":"a field"}"#, "paid"),
        (r#"{"level":"info","message":"paid","event":"a field"}"#, "paid"),
        (r#"{"level":"info","message":7,"event":"paid"}"#, "paid"),
        (r#"{"level":"info","msg":"a field","message":"paid"}"#, "paid"),
    ] {
        let mut parser = LineParser::new(AT);
        let parsed = parser.parse(line.as_bytes());
        let at = parsed.facts().places.name.unwrap();
        let found = parsed.entries.get(at, parsed.text).and_then(|entry| entry.string());
        assert_eq!(found.map(|text| text.decode()).as_deref(), Some(name), "{line}");
    }
}

#[test]
fn a_key_without_a_meaning_is_refused() {
    for (option, message) in [
        ("zeit", "expected level=KEY, time=KEY or name=KEY"),
        ("target=x", "expected level=KEY, time=KEY or name=KEY"),
        ("time=", "expected a key after time="),
    ] {
        assert_eq!(ChosenKey::parse(option).unwrap_err(), message);
    }
}
