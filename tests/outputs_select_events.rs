//! Each output has its own level, format and filter.
use ringseal::sink::file::FileConfig;
use ringseal::sink::memory::{MemoryLog, MemorySink};
use ringseal::{Config, Engine, Format, InitError, Level, LevelFilter, Output, info, warn};

fn memory() -> (MemorySink, MemoryLog) {
    let sink = MemorySink::new();
    let log = sink.log();
    (sink, log)
}

/// The names of the application's events in a log of JSON lines.
fn events(log: &MemoryLog) -> Vec<String> {
    let name = |line: &String| {
        let start = line.find("\"event\":\"")? + 9;
        Some(line[start..].split('"').next()?.to_owned())
    };
    log.lines().iter().filter_map(name).filter(|name| !name.starts_with("ringseal.")).collect()
}

#[test]
fn an_output_takes_what_passes_level_and_filter() {
    let ((all, all_log), (loud, loud_log), (db, db_log)) = (memory(), memory(), memory());
    let config = Config::new()
        .output(Output::custom(all))
        .output(Output::custom(loud).level(Level::Warn))
        .output(Output::custom(db).filter("off,app::db=info".parse().unwrap()));
    let engine = Engine::start(config).unwrap();
    for _ in 0..3 {
        info!(target: "app::db::pool", engine, "connected");
        info!(target: "app::web", engine, "served");
        warn!(target: "app::web", engine, "slow");
    }
    // Events without a call site are filtered by the target that they have at run time.
    engine.logger().dynamic(Level::Info, "app::db", "runtime", &|_| {});
    engine.logger().dynamic(Level::Info, "other", "runtime", &|_| {});
    // Redaction does not change what an output takes.
    info!(target: "app::web", engine, "mailed", to = "ann@example.com");
    info!(target: "app::db", engine, "stored", to = "ann@example.com");
    engine.flush().unwrap();
    assert_eq!(events(&all_log).len(), 13);
    assert_eq!(events(&loud_log), ["slow"; 3]);
    assert_eq!(events(&db_log), ["connected", "connected", "connected", "runtime", "stored"]);
}

#[test]
fn a_filter_sees_targets_before_redaction() {
    let (db, db_log) = memory();
    let rules = {
        let mut rules = ringseal::redact::RuleSet::default();
        let (name, text) = ("customer".to_owned(), b"acme".to_vec());
        rules.literals.push(ringseal::redact::LiteralRule { name, text });
        rules
    };
    let config = Config::new()
        .redact(rules)
        .output(Output::custom(db).filter("off,acme::pay=info".parse().unwrap()));
    let engine = Engine::start(config).unwrap();
    info!(target: "acme::pay", engine, "static");
    engine.logger().dynamic(Level::Info, "acme::pay", "runtime", &|_| {});
    engine.flush().unwrap();
    assert_eq!(events(&db_log), ["static", "runtime"]);
    assert!(!db_log.lines()[1].contains("acme"), "{:?}", db_log.lines());
}

#[test]
fn a_filter_for_targets_keeps_the_engines_reports() {
    let own = |log: &MemoryLog| log.lines().iter().any(|line| line.contains("filter_changed"));
    let change = |filter: &str| {
        let (sink, log) = memory();
        let output = Output::custom(sink).filter(filter.parse().unwrap());
        let engine = Engine::start(Config::new().output(output)).unwrap();
        engine.set_filter("debug".parse().unwrap());
        engine.flush().unwrap();
        own(&log)
    };
    assert!(change("off,app=info"), "the application's directives do not concern the engine");
    assert!(!change("info,ringseal=off"), "a directive for the engine does");
}

#[test]
fn outputs_of_one_format_may_filter_apart() {
    let ((web, web_log), (db, db_log)) = (memory(), memory());
    let only = |target: &str| format!("off,{target}=info").parse().unwrap();
    let config = Config::new()
        .output(Output::custom(web).filter(only("web")))
        .output(Output::custom(db).filter(only("db")));
    let engine = Engine::start(config).unwrap();
    info!(target: "web", engine, "served");
    info!(target: "db", engine, "stored");
    info!(target: "other", engine, "unheard");
    engine.flush().unwrap();
    assert_eq!((events(&web_log), events(&db_log)), (vec!["served".into()], vec!["stored".into()]));
    assert_eq!(engine.metrics().discarded.total(), 1);
}

#[test]
fn an_output_formats_for_itself() {
    let ((json, json_log), (console, console_log)) = (memory(), memory());
    let config = Config::new()
        .format(Format::Console)
        .output(Output::custom(json).format(Format::Json))
        .output(Output::custom(console));
    let engine = Engine::start(config).unwrap();
    info!(engine, "started", port = 80);
    engine.flush().unwrap();
    assert!(json_log.lines().iter().all(|line| line.starts_with('{')));
    assert!(console_log.lines().iter().all(|line| !line.starts_with('{')));
}

#[test]
fn a_filter_that_nothing_passes_is_refused() {
    let start = |output: Output| Engine::start(Config::new().output(output));
    let (sink, _) = memory();
    let off = Output::custom(sink).level(LevelFilter::Off).filter("off".parse().unwrap());
    assert!(start(off).is_ok(), "an output may be switched off");
    let (sink, _) = memory();
    let none = Output::custom(sink).level(Level::Error).filter("off".parse().unwrap());
    let error = start(none).unwrap_err();
    assert!(matches!(error, InitError::Setting { setting: "output", .. }), "{error}");
    assert!(error.to_string().contains("memory: level error, filter off"), "{error}");
}

#[test]
fn a_file_is_a_path_or_its_settings() {
    let dir = tempfile::tempdir().unwrap();
    let (plain, small) = (dir.path().join("plain.log"), dir.path().join("small.log"));
    let config = Config::new()
        .output(Output::file(&plain))
        .output(Output::file(FileConfig::new(&small).rotate_bytes_max(4096)).level(Level::Warn));
    let engine = Engine::start(config).unwrap();
    info!(engine, "started");
    engine.flush().unwrap();
    assert!(std::fs::read_to_string(plain).unwrap().contains("\"started\""));
    assert_eq!(std::fs::read_to_string(small).unwrap(), "");
    let twice = Config::new().file(dir.path().join("a.log")).file(dir.path().join("a.log"));
    assert!(matches!(Engine::start(twice), Err(InitError::Sink(_))));
}
