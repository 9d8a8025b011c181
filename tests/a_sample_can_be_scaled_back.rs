//! Sampling: kept events carry their rate, other events are counted, and a trace is kept or dropped whole.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ringseal::testing::{Capture, CapturedEvent};
use ringseal::value::Uuid;
use ringseal::{
    Config, Engine, Level, LevelFilter, Output, Sampling, critical, debug, error, fields, info,
    trace, warn,
};

const SEED: u64 = 7;

fn start(sampling: Sampling) -> (Engine, Capture) {
    let config = Config::new().level(Level::Trace).panic_hook(false).ring_bytes(8 << 20);
    Capture::start_with(config.random_for_tests(SEED).sampling(sampling))
}

/// The events of a name, after a flush.
fn named(engine: &Engine, capture: &Capture, name: &str) -> Vec<CapturedEvent> {
    engine.flush().unwrap();
    capture.events().into_iter().filter(|event| event.text("event") == name).collect()
}

fn debug_at(rate: f64) -> Sampling {
    Sampling::new().level(Level::Debug, rate).unwrap()
}

/// A trace id with this randomness in its last 56 bits.
fn trace_id(randomness: u64) -> String {
    format!(
        "{:018x}{:014x}",
        randomness.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        randomness & ((1 << 56) - 1)
    )
}

/// `count` ids, evenly spread over the range of randomness.
fn trace_ids(count: u64) -> Vec<String> {
    (0..count).map(|index| trace_id(((1u64 << 56) / count) * index + 12_345)).collect()
}

#[test]
fn the_kept_share_matches_each_lines_rate() {
    for rate in [0.01, 0.1, 0.5, 0.9] {
        let (engine, capture) = start(debug_at(rate));
        let calls = 40_000u32;
        for number in 0..calls {
            debug!(engine, "step", number);
        }
        let kept = named(&engine, &capture, "step");
        // Five standard deviations of a binomial: a fixed seed either passes or does not, and this one was not chosen.
        let (mean, deviation) =
            (f64::from(calls) * rate, (f64::from(calls) * rate * (1.0 - rate)).sqrt());
        let found = kept.len() as f64;
        assert!((found - mean).abs() <= 5.0 * deviation, "{rate}: {found} kept, {mean} expected");
        assert!(kept.iter().all(|event| event.text("sample_rate") == rate.to_string()));
        let sampled_out = engine.metrics().sampled_out;
        assert_eq!(sampled_out.of(Level::Debug), u64::from(calls) - kept.len() as u64);
        assert_eq!(sampled_out.total(), sampled_out.of(Level::Debug));
    }
}

#[test]
fn a_dropped_call_evaluates_no_arguments() {
    let (engine, capture) = start(debug_at(0.25));
    let mut evaluated = 0;
    for _ in 0..1000 {
        debug!(
            engine,
            "step",
            number = {
                evaluated += 1;
                evaluated
            }
        );
    }
    assert_eq!(named(&engine, &capture, "step").len(), evaluated);
    assert!((100..400).contains(&evaluated), "{evaluated}");
}

#[test]
fn an_unsampled_event_has_no_rate() {
    let sampling = Sampling::new().level(Level::Debug, 1.0).unwrap().success(0.5).unwrap();
    let (engine, capture) = start(sampling);
    for number in 0..100 {
        debug!(engine, "step", number);
        info!(engine, "step", number);
    }
    let kept = named(&engine, &capture, "step");
    assert_eq!(kept.len(), 200);
    assert!(kept.iter().all(|event| event.get_text("sample_rate").is_none()));
    assert_eq!(engine.metrics().sampled_out.total(), 0);
}

#[test]
fn warn_and_above_and_own_events_always_pass() {
    let mut sampling = Sampling::new().success(1e-9).unwrap();
    for target in ["*", "a_sample_can_be_scaled_back", "ringseal", "boot"] {
        sampling = sampling.target(target, 0.0).unwrap();
    }
    for level in [Level::Trace, Level::Debug, Level::Info] {
        sampling = sampling.level(level, 0.0).unwrap();
    }
    sampling = sampling.target_scope(Level::Info).unwrap();
    sampling = sampling.limit(1, Duration::from_secs(3600)).unwrap();
    let (engine, capture) = start(sampling);
    let log = engine.logger().bind(fields! { trace_id = trace_id(0) });
    for _ in 0..50 {
        trace!(log, "done_OK");
        debug!(log, "done_OK");
        info!(log, "done_OK");
        warn!(log, "done_OK");
        error!(log, "done_OK", trace_id = trace_id(0));
        critical!(log, "done_OK");
        for level in Level::ALL {
            log.dynamic(level, "other", "done_OK", &|_| ());
        }
    }
    let mut kept = BTreeMap::new();
    for event in named(&engine, &capture, "done_OK") {
        assert!(event.get_text("sample_rate").is_none());
        *kept.entry(event.text("level").to_owned()).or_insert(0) += 1;
    }
    let expected = ["critical", "error", "warn"].map(|level| (level.to_owned(), 100));
    assert_eq!(kept, BTreeMap::from(expected));
    assert_eq!(engine.metrics().sampled_out.total(), 300);
}

#[test]
fn a_trace_is_kept_whole_across_engines() {
    let ids = trace_ids(400);
    let rates = [0.1, 0.4];
    let sampling = Sampling::new()
        .level(Level::Debug, rates[0])
        .and_then(|sampling| sampling.level(Level::Info, rates[1]))
        .unwrap();
    let kept_by = |seed: u64| {
        let config = Config::new().level(Level::Trace).panic_hook(false).ring_bytes(4 << 20);
        let config = config.random_for_tests(seed).sampling(sampling.clone());
        let (engine, capture) = Capture::start_with(config);
        let log_all = || {
            for id in &ids {
                let log = engine.logger().bind(fields! { trace_id = id });
                debug!(log, "bound");
                debug!(engine, "own", trace_id = id);
                debug!(engine, "own", n = 1, trace.id = %id, m = 2);
                // The event's own trace id is in the line, so it decides.
                let other = engine.logger().bind(fields! { trace_id = ids[0] });
                debug!(other, "own wins", trace_id = id);
                log.dynamic(Level::Debug, "run", "dynamic", &|_| ());
                engine.logger().dynamic(Level::Debug, "run", "dynamic", &|out| {
                    out.entry("trace_id", id);
                });
                let uuid = Uuid(u128::from_str_radix(id, 16).unwrap().to_be_bytes());
                debug!(engine, "uuid", trace_id = uuid, hex = id);
                info!(log, "bound");
                info!(engine, "own", trace_id = id);
            }
        };
        std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(log_all))));
        engine.flush().unwrap();
        let mut lines = BTreeMap::<(String, String), usize>::new();
        for event in capture.events() {
            let id = event
                .get_text("hex")
                .or(event.get_text("trace_id"))
                .unwrap_or_else(|| event.text("trace.id"));
            *lines.entry((event.text("level").to_owned(), id.to_owned())).or_default() += 1;
        }
        lines
    };
    let lines = kept_by(1);
    assert_eq!(lines, kept_by(2), "another engine with other randomness");
    let traces = |level: &str| -> BTreeSet<String> {
        lines.keys().filter(|(known, _)| known == level).map(|(_, id)| id.clone()).collect()
    };
    for ((level, id), count) in &lines {
        let whole = if level == "debug" { 2 * 7 } else { 2 * 2 };
        assert_eq!(*count, whole, "{level} {id}");
    }
    let (debug, info) = (traces("debug"), traces("info"));
    assert!(debug.is_subset(&info), "what is kept at one rate is kept at every higher one");
    // The ids are spread evenly, so the shares are exact but for the edges.
    assert!(debug.len().abs_diff(40) <= 1 && info.len().abs_diff(160) <= 1);
    // OpenTelemetry: kept are the randomnesses from (1 - rate) * 2^56 on.
    let least = (ids.len() as f64 * (1.0 - rates[0])).round() as usize;
    assert!(ids[least + 1..].iter().all(|id| debug.contains(id)));
}

#[test]
fn an_invalid_trace_id_is_ignored() {
    let (engine, capture) = start(debug_at(0.5));
    for (name, id) in [("none", "none"), ("zeros", "00000000000000000000000000000000")] {
        let log = engine.logger().bind(fields! { trace_id = id });
        for number in 0..400 {
            debug!(log, "bound", number, name);
            debug!(engine, "own", trace_id = id, name);
        }
    }
    for event in ["bound", "own"] {
        let kept = named(&engine, &capture, event).len();
        assert!((300..500).contains(&kept), "{event}: {kept} of 800, neither all nor none");
    }
}

#[test]
fn rules_apply_by_target_then_name_then_level() {
    let sampling = Sampling::new()
        .targets_from("shop=0,shop::db=1,shop::db::pool=0,*=0")
        .and_then(|sampling| sampling.success(1e-12))
        .and_then(|sampling| sampling.levels_from("debug=1,info=0,trace=1"))
        .unwrap();
    let (engine, capture) = start(sampling);
    debug!(target: "shop", engine, "out", a = 1);
    debug!(target: "shop::web", engine, "out");
    debug!(target: "shop::db", engine, "kept");
    trace!(target: "shop::db::lock", engine, "kept");
    debug!(target: "shop::db::pool::x", engine, "out");
    debug!(target: "shop::db", engine, "GET_OK_kept");
    debug!(target: "shop::db", engine, "get_ok");
    debug!(target: "shopping", engine, "out");
    info!(target: "shop::db", engine, "out");
    info!(target: "shop::db", engine, "get_Ok");
    warn!(target: "shop", engine, "kept");
    engine.flush().unwrap();
    let events = capture.events();
    let kept: Vec<&str> = events.iter().map(|event| event.text("event")).collect();
    assert_eq!(kept, ["kept", "kept", "GET_OK_kept", "get_ok", "kept"]);
    let metrics = engine.metrics();
    let by_rule: Vec<(&str, u64)> = metrics
        .sampled_out_by_rule
        .iter()
        .map(|rule| (&*rule.rule, rule.sampled_out.total()))
        .collect();
    assert_eq!(
        by_rule,
        [
            ("target shop::db::pool", 1),
            ("target shop::db", 0),
            ("target shop", 2),
            ("success", 1),
            ("target *", 1),
            ("level trace", 0),
            ("level debug", 0),
            ("level info", 1),
        ]
    );
    assert_eq!((metrics.sampled_out.of(Level::Debug), metrics.sampled_out.of(Level::Info)), (4, 2));
    assert_eq!(
        (metrics.lost.total(), metrics.discarded.total(), metrics.truncated.total()),
        (0, 0, 0)
    );
}

/// The name of a domain event may be the same for all, and its type a field; a target's own rule still comes first.
#[test]
fn success_is_also_a_type_in_a_field() {
    const CALLS: usize = 4000;
    let variable = |name: &str| (name == "LOG_SAMPLE_SUCCESS").then(|| "0.01".to_owned());
    let config = Config::from_variables(variable).unwrap().random_for_tests(SEED);
    let (engine, capture) = Capture::start_with(config.level(Level::Trace).panic_hook(false));
    for number in 0..CALLS {
        let dynamic = |level: Level, name: &str, kind: &str| {
            engine.logger().dynamic(level, "events", name, &|fields| {
                fields.entry("number", &number);
                fields.entry("event_type", &kind);
            });
        };
        info!(engine, "thinned", event_type = "TORRENT_BUILT_SUCCESS");
        info!(engine, "thinned by case", number, event_type = "cache_ok".to_owned(), path = "/");
        info!(engine, "thinned as shown", event_type = %"TORRENT_BUILT_SUCCESS");
        dynamic(Level::Debug, "thinned at run time", "TORRENT_BUILT_SUCCESS");
        info!(engine, "kept", event_type = "UPLOAD_FAILED", number);
        info!(engine, "kept number", event_type = number);
        info!(engine, "kept other key", kind = "TORRENT_BUILT_SUCCESS");
        warn!(engine, "kept warning", event_type = "TORRENT_BUILT_SUCCESS");
        dynamic(Level::Info, "kept at run time", "TORRENT_BUILT");
        dynamic(Level::Error, "kept error", "TORRENT_BUILT_SUCCESS");
    }
    let events = capture.events();
    let mut dropped = 0;
    for name in ["thinned", "thinned by case", "thinned as shown", "thinned at run time"] {
        let kept: Vec<_> = events.iter().filter(|event| event.name() == name).collect();
        assert!((10..120).contains(&kept.len()), "{name}: {}", kept.len());
        assert!(kept.iter().all(|event| event.text("sample_rate") == "0.01"), "{name}");
        dropped += CALLS - kept.len();
    }
    for name in
        ["kept", "kept number", "kept other key", "kept warning", "kept at run time", "kept error"]
    {
        let kept: Vec<_> = events.iter().filter(|event| event.name() == name).collect();
        assert_eq!(kept.len(), CALLS, "{name}");
        assert!(kept.iter().all(|event| event.get("sample_rate").is_none()), "{name}");
    }
    let metrics = engine.metrics();
    assert_eq!(metrics.sampled_out.total(), dropped as u64);
    let rule = metrics.sampled_out_by_rule.iter().find(|rule| &*rule.rule == "success").unwrap();
    assert_eq!(rule.sampled_out.total(), dropped as u64);
}

/// A trace is kept whole, also if the type in a field decides about the rate; and a limit comes after.
#[test]
fn a_type_is_sampled_by_trace_and_limit() {
    let policy = || Sampling::new().success(0.5).unwrap();
    let keep_all = || debug_at(1.0);
    for id in trace_ids(64) {
        let kept = [policy(), policy().level(Level::Info, 0.5).unwrap()].map(|policy| {
            let (engine, capture) = start(policy);
            info!(engine, "typed", event_type = "CACHE_OK", trace_id = &id);
            named(&engine, &capture, "typed").len()
        });
        assert_eq!(kept[0], kept[1], "{id}");
    }
    let limited = policy().limit(3, std::time::Duration::from_secs(3600)).unwrap();
    let (engine, capture) = start(limited);
    for _ in 0..100 {
        info!(engine, "typed", event_type = "CACHE_OK");
        info!(engine, "other", event_type = "CACHE_FULL");
    }
    assert_eq!(named(&engine, &capture, "typed").len(), 3);
    assert_eq!(named(&engine, &capture, "other").len(), 3);
    engine.set_sampling(keep_all());
    info!(engine, "after", event_type = "CACHE_OK");
    assert_eq!(named(&engine, &capture, "after").len(), 1);
}

#[test]
fn a_changed_policy_keeps_the_counters() {
    let (engine, capture) = start(Sampling::new());
    let log = || {
        for number in 0..100 {
            debug!(engine, "step", number);
            engine.logger().dynamic(Level::Debug, "run", "step", &|_| ());
        }
    };
    // The rate, and how many are in the stream then.
    for (rate, lines) in [(1.0, 200), (0.0, 200), (1.0, 400), (0.0, 400)] {
        engine.set_sampling(debug_at(rate));
        log();
        assert_eq!(named(&engine, &capture, "step").len(), lines);
    }
    engine.set_sampling(Sampling::new().target("*", 0.0).unwrap());
    log();
    let rules: Vec<(String, u64)> = (engine.metrics().sampled_out_by_rule.into_iter())
        .map(|rule| (rule.rule, rule.sampled_out.total()))
        .collect();
    assert_eq!(rules, [("level debug".to_owned(), 400), ("target *".to_owned(), 200)]);
}

#[test]
fn each_engine_samples_for_itself() {
    let (all, all_capture) = start(Sampling::new());
    let (none, none_capture) = start(debug_at(0.0));
    for engine in [&all, &none, &all] {
        debug!(engine, "shared_site", text = %"formatted");
    }
    assert_eq!(named(&none, &none_capture, "shared_site").len(), 0);
    let kept = named(&all, &all_capture, "shared_site");
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|event| event.get_text("sample_rate").is_none()));
    drop(none);
    debug!(all, "after");
    assert_eq!(
        (all.metrics().sampled_out.total(), named(&all, &all_capture, "after").len()),
        (0, 1)
    );
}

#[test]
fn every_kind_of_line_has_its_rate() {
    let sampling = Sampling::new().level(Level::Info, 0.75).unwrap();
    let config = Config::new().panic_hook(false).sampling(sampling).random_for_tests(SEED);
    for config in [config.sort_keys(true), {
        let sampling = Sampling::new().level(Level::Info, 0.75).unwrap();
        Config::new().panic_hook(false).sampling(sampling).include_stack(true)
    }] {
        let (engine, capture) = Capture::start_with(config);
        let long = "long ".repeat(200_000);
        let log = engine.logger().bind(fields! { sample_rate = "the user's own", user.id = 7 });
        for number in 0..40 {
            info!(log, "plain", number);
            info!(log, "formatted", number = %number, list = [1, 2]);
            info!(log, "long", long, other = %long);
            log.dynamic(Level::Info, "run", "dynamic", &|out| out.entry("number", &number));
        }
        engine.flush().unwrap();
        let events = capture.events();
        assert!((80..160).contains(&events.len()), "{}", events.len());
        for event in &events {
            assert_eq!((event.text("sample_rate"), event.text("user.id")), ("0.75", "7"));
            assert_eq!(event.text("field.sample_rate"), "the user's own");
        }
        let names: BTreeSet<&str> = events.iter().map(|event| event.text("event")).collect();
        assert_eq!(names.len(), 4, "{names:?}");
        assert_eq!(engine.metrics().record_errors, 0);
    }
}

#[test]
fn events_inside_values_are_sampled() {
    struct Talks<'e>(&'e Engine);
    impl std::fmt::Display for Talks<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            debug!(self.0, "inner");
            debug!(self.0, "inner with id", trace_id = trace_id(1));
            f.write_str("talked")
        }
    }
    let (engine, capture) = start(debug_at(0.5));
    for _ in 0..200 {
        info!(engine, "outer", value = %Talks(&engine));
    }
    assert_eq!(named(&engine, &capture, "outer").len(), 200);
    assert_eq!(named(&engine, &capture, "inner with id").len(), 0);
    let inner = named(&engine, &capture, "inner");
    assert!((50..150).contains(&inner.len()), "{}", inner.len());
    assert!(inner.iter().all(|event| event.text("sample_rate") == "0.5"));
    assert_eq!(engine.metrics().sampled_out.total(), 400 - inner.len() as u64);
}

/// Discarded by a sink's level, sampled out by policy, lost to a full ring, truncated by a limit: four counters, and
/// with the lines they make up what was logged.
#[test]
fn discarded_sampled_lost_and_truncated_are_distinct() {
    const THREADS: u64 = 4;
    const CALLS: u64 = 5000;
    let sink = ringseal::sink::memory::MemorySink::new();
    let log = sink.log();
    let sampling = Sampling::new().levels_from("trace=0.5,debug=0.2,info=0.3").unwrap();
    let config = Config::new().level(Level::Trace).panic_hook(false).ring_bytes(16 << 10);
    let at_debug = LevelFilter::AtLeast(Level::Debug);
    let config = config.output(Output::custom(sink).format(ringseal::Format::Json).level(at_debug));
    let config = config.overflow([ringseal::Overflow::Lose; Level::COUNT]).sampling(sampling);
    let limits = ringseal::Limits::default().with_value_bytes_max(8);
    let engine = Engine::start(config.limits(limits).random_for_tests(SEED)).unwrap();
    let log_all = || {
        for number in 0..CALLS {
            trace!(engine, "step", number);
            debug!(engine, "step", number, text = "longer than eight bytes");
            info!(engine, "step", number, trace_id = trace_id(number << 40));
            warn!(engine, "step", number);
        }
    };
    std::thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(log_all))));
    engine.flush().unwrap();
    let metrics = engine.metrics();
    let lines = log.lines();
    for level in [Level::Trace, Level::Debug, Level::Info, Level::Warn] {
        let name = format!(r#""level":"{level}""#);
        let is_it = |line: &&String| line.contains(&name) && line.contains(r#""event":"step""#);
        let kept = lines.iter().filter(is_it).count() as u64;
        let [discarded, sampled_out, lost, truncated] =
            [metrics.discarded, metrics.sampled_out, metrics.lost, metrics.truncated]
                .map(|counts| counts.of(level));
        assert_eq!(kept + discarded + sampled_out + lost, THREADS * CALLS, "{level}");
        assert_eq!(discarded > 0, level == Level::Trace);
        assert_eq!(sampled_out > 0, level < Level::Warn);
        // The id is too long for the limit as well, so it is none.
        let is_cut = matches!(level, Level::Debug | Level::Info);
        assert_eq!(truncated, if is_cut { kept } else { 0 }, "{level}");
    }
}

#[test]
fn the_boot_event_reports_the_success_rate() {
    let variable = |name: &str| (name == "LOG_SAMPLE_SUCCESS").then(|| "1%".to_owned());
    for (config, expected) in
        [(Config::from_variables(variable).unwrap(), "0.01"), (Config::new(), "0")]
    {
        let sink = ringseal::sink::memory::MemorySink::new();
        let log = sink.log();
        let config = config.panic_hook(false);
        let sink = Box::new(sink);
        let all = LevelFilter::AtLeast(Level::Trace);
        drop(
            ringseal::init(
                config.output(Output::custom(sink).format(ringseal::Format::Json).level(all)),
            )
            .unwrap(),
        );
        let line = log.lines().remove(0);
        assert!(line.contains(&format!(r#""sample_success":{expected},"#)), "{line}");
    }
}
