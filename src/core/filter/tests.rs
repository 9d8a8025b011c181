//! Which events a filter passes, how it is parsed and displayed, and what noisy dependencies change.
use super::{Filter, Level, LevelFilter, LevelSource, Overlay, QuietTargets};

#[test]
fn the_longest_target_of_whole_segments_wins() {
    let filter: Filter = "warn,app=info, app::db = trace ,noisy=off".parse().unwrap();
    for (target, level, passes) in [
        ("other", Level::Info, false),
        ("other", Level::Warn, true),
        ("app", Level::Info, true),
        ("app", Level::Debug, false),
        ("app::http", Level::Info, true),
        ("app::db", Level::Trace, true),
        ("app::db::pool", Level::Trace, true),
        ("app::dbx", Level::Trace, false),
        ("application", Level::Info, false),
        ("noisy", Level::Critical, false),
    ] {
        assert_eq!(filter.passes(target, level), passes, "{target} {level}");
    }
}

#[test]
fn a_displayed_filter_parses_to_an_equal_filter() {
    for text in ["info", "off", "warn,app=info,app::db=trace,noisy=off"] {
        let filter: Filter = text.parse().unwrap();
        assert_eq!(filter.to_string(), text);
        assert_eq!(filter.to_string().parse(), Ok(filter));
    }
}

#[test]
fn a_bare_target_enables_all_its_levels() {
    let filter: Filter = "warn,hyper,app::db, my-crate".parse().unwrap();
    for target in ["hyper", "hyper::client", "app::db", "my-crate"] {
        assert!(filter.passes(target, Level::Trace), "{target}");
    }
    assert!(!filter.passes("hyperion", Level::Info) && !filter.passes("app", Level::Info));
    let alone: Filter = "hyper".parse().unwrap();
    assert!(alone.passes("hyper", Level::Trace) && alone.passes("app", Level::Info));
    assert!(!alone.passes("app", Level::Debug), "the default stays");
}

#[test]
fn a_misspelt_level_is_not_a_target() {
    for (word, level) in [
        ("inof", "info"),
        ("ifno", "info"),
        ("inf", "info"),
        ("infoo", "info"),
        ("nfo", "info"),
        ("warm", "warn"),
        ("Warnning", "warning"),
        ("eror", "error"),
        ("debgu", "debug"),
        ("critcal", "critical"),
        ("of", "off"),
    ] {
        let error = word.parse::<Filter>().unwrap_err().to_string();
        assert!(error.contains(word) && error.contains(&format!("`{level}`")), "{error}");
    }
    for word in ["inter", "trading", "errors_api", "off_road", "infra", "waiter"] {
        assert!(word.parse::<Filter>().is_ok(), "{word}");
    }
}

#[test]
fn an_empty_text_means_info() {
    assert_eq!("".parse(), Ok(Filter::new(LevelFilter::AtLeast(Level::Info))));
}

#[test]
fn a_bad_directive_names_what_was_expected() {
    for (text, named) in [
        ("inof", "\"inof\""),
        ("app=loud", "\"app=loud\""),
        ("info,=debug", "the target is empty"),
        ("app[span{x=1}]=debug", "spans"),
        ("a b=info", "' '"),
    ] {
        let error = text.parse::<Filter>().unwrap_err().to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
}

/// `LOG_LEVEL`, the noisy targets, a target, and the level that it has.
const QUIET_ROWS: &[(&str, &str, &str, &str)] = &[
    // The list lowers the volume of its targets only.
    ("info", "hyper=warn", "hyper", "warn"),
    ("info", "hyper=warn", "hyper::client::conn", "warn"),
    ("info", "hyper=warn", "hyper.client", "warn"),
    ("info", "hyper=warn", "hyperion", "info"),
    ("info", "hyper=warn", "hyper-util", "info"),
    ("info", "hyper=warn", "app::hyper", "info"),
    ("trace", "hyper=warn", "hyper", "warn"),
    ("trace", "hyper=warn", "app", "trace"),
    // It never raises it.
    ("error", "hyper=warn", "hyper", "error"),
    ("off", "hyper=warn", "hyper", "off"),
    ("info", "hyper=off", "hyper", "off"),
    // A directive for the target, or for one below it, replaces the entry, in any order.
    ("info,hyper=debug", "hyper=warn", "hyper", "debug"),
    ("hyper=debug,info", "hyper=warn", "hyper::proto", "debug"),
    ("info,hyper", "hyper=warn", "hyper::proto", "trace"),
    ("info,hyper::proto=debug", "hyper=warn", "hyper::proto::h1", "debug"),
    ("info,hyper::proto=debug", "hyper=warn", "hyper::client", "warn"),
    ("info,hyper=off", "hyper=warn", "hyper", "off"),
    // A directive for a target above it does not.
    ("info,tower=debug", "tower::buffer=warn", "tower::buffer::worker", "warn"),
    ("info,tower=debug", "tower::buffer=warn", "tower::retry", "debug"),
    ("info,tower=error", "tower::buffer=warn", "tower::buffer::worker", "error"),
    // Of two entries, the longer one.
    ("trace", "a=warn,a::b=debug", "a::b::c", "debug"),
    ("trace", "a=warn,a::b=debug", "a::c", "warn"),
    ("info", "a=warn,a::b=debug", "a::b", "info"),
    ("info", "none", "hyper", "info"),
];

#[test]
fn noisy_targets_are_quiet_unless_named() {
    for (directives, quiet, target, expected) in QUIET_ROWS {
        let quiet: QuietTargets = quiet.parse().unwrap();
        let filter: Filter = directives.parse().unwrap();
        let filter = filter.with_quiet(quiet.into());
        let explained = filter.explain(target);
        let expected: LevelFilter = expected.parse().unwrap();
        assert_eq!(explained.level, expected, "{directives} {target}: {explained}");
        for level in Level::ALL {
            assert_eq!(filter.passes(target, level), expected.passes(level), "{explained}");
        }
        // The text has the same effect, for targets beside and below the named ones as well.
        let shown: Filter = filter.to_string().parse().unwrap();
        for (_, _, target, _) in QUIET_ROWS {
            let levels = [&shown, &filter].map(|filter| filter.explain(target).level);
            assert_eq!(levels[0], levels[1], "{filter} for {target}");
        }
        assert_eq!(shown.most_verbose(), filter.most_verbose(), "{filter}");
    }
}

#[test]
fn a_filter_says_which_targets_are_quiet() {
    let quiet: QuietTargets = "hyper=warn,h2=warn,rustls=error".parse().unwrap();
    let with = |text: &str| text.parse::<Filter>().unwrap().with_quiet(quiet.clone().into());
    for (directives, shown) in [
        ("info", "info,h2=warn,hyper=warn,rustls=error"),
        ("warn", "warn,rustls=error"),
        ("info,hyper=debug", "info,h2=warn,hyper=debug,rustls=error"),
        ("critical", "critical"),
    ] {
        assert_eq!(with(directives).to_string(), shown);
        assert_eq!(with(directives).without_quiet().to_string(), directives);
    }
    for (target, source, text) in [
        ("app", LevelSource::Default, "app: info, by default"),
        (
            "app::db",
            LevelSource::Directive("app::db".into()),
            "app::db: trace, by the directive for app::db",
        ),
        (
            "h2::frame",
            LevelSource::Quiet("h2".into()),
            "h2::frame: warn, because h2 is in the list of noisy targets; a directive for h2 replaces its entry",
        ),
    ] {
        let explained = with("info,app::db=trace").explain(target);
        assert_eq!((&explained.source, &*explained.to_string()), (&source, text));
    }
}

#[test]
fn lists_of_noisy_targets_are_read() {
    let level = |text: &str, target: &str| {
        let quiet = text.parse::<QuietTargets>().unwrap();
        let found = quiet.iter().find(|(known, _)| *known == target);
        found.map_or("none".to_owned(), |(_, level)| level.to_string())
    };
    for (text, target, expected) in [
        ("dependencies", "hyper", "warn"),
        ("dependencies", "apalis", "none"),
        ("job_queues", "apalis", "warn"),
        ("job_queues_debug", "celery", "info"),
        ("dependencies, job_queues_debug", "h2", "warn"),
        ("dependencies,hyper=debug", "hyper", "debug"),
        ("dependencies,none,a=off", "hyper", "none"),
        ("dependencies,none,a=off", "a", "off"),
        ("", "hyper", "none"),
    ] {
        assert_eq!(level(text, target), expected, "{text} {target}");
    }
    for (text, named) in
        [("dependency", "job_queues"), ("a=loud", "is not a level"), ("=warn", "empty")]
    {
        let error = text.parse::<QuietTargets>().unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    let quiet = QuietTargets::dependencies().without("hyper").with("app", Level::Error);
    assert!(!quiet.iter().any(|(target, _)| target == "hyper"));
    assert_eq!(quiet.iter().len(), QuietTargets::dependencies().iter().len());
    for (target, _) in QuietTargets::dependencies().and(QuietTargets::job_queues()).iter() {
        assert_eq!(
            format!("{target}=warn").parse::<Overlay>().unwrap().to_string(),
            format!("{target}=warn")
        );
    }
}

#[test]
fn an_overlay_adds_to_a_filter() {
    for (configured, overlay, expected) in [
        ("info,app=warn", "debug", "debug,app=warn"),
        ("info,app=warn", "app=debug", "info,app=debug"),
        ("info,app::db=warn", "app=debug", "info,app=debug,app::db=warn"),
        ("info", "app", "info,app=trace"),
        ("info", "", "info"),
        ("error", "warn,a=info,a=debug", "warn,a=debug"),
    ] {
        let (filter, overlay): (Filter, Overlay) =
            (configured.parse().unwrap(), overlay.parse().unwrap());
        assert_eq!(filter.with_overlay(&overlay).to_string(), expected);
    }
}

#[test]
fn the_most_verbose_level_is_exact() {
    for (text, expected) in [
        ("info", "info"),
        ("info,a=trace", "trace"),
        ("warn,a=off", "warn"),
        ("off,a=error", "error"),
        ("off", "off"),
    ] {
        let filter: Filter = text.parse().unwrap();
        assert_eq!(filter.most_verbose().to_string(), expected);
    }
}
