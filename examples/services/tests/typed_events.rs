//! The typed events of the example services: required fields, rules of features, and payloads of a language model.
use std::collections::BTreeMap;

use ringseal::events::{FieldValue, Policy};
use ringseal::testing::{Capture, CapturedEvent};
use ringseal::{Config, Level, Maybe, Pii, Sampling};
use ringseal_examples::features::{BUCKETS, FeatureStore};
use ringseal_examples::llm;
use ringseal_examples::torrents::{
    CATALOGUE, DomainEvent, MetadataExtracted, TAXONOMY, TorrentBuilt, UploadFailed,
    UploadSubmitted, incomplete_events, metadata_extracted, torrent_built, upload_submitted,
};
use serde_json::{Value, json};

const INFOHASH: &str = "abcdef1234";

fn start() -> (ringseal::Engine, Capture) {
    Capture::start_with(Config::new().level(Level::Debug).panic_hook(false))
}

#[test]
fn the_taxonomy_is_that_of_the_document() {
    let page = "\
| Category | Event Type              | Required Fields                             |
| -------- | ----------------------- | ------------------------------------------- |
| Metadata | `METADATA_EXTRACTED`    | `torrent_path`, `author`, `asin` or `title` |
| Build    | `TORRENT_BUILT_SUCCESS` | `infohash`, `torrent_path`                  |
| Upload   | `UPLOAD_SUBMITTED`      | `tracker`, `infohash`                       |
| Error    | `UPLOAD_FAILED`         | `tracker`, `infohash`, `meta.reason`        |
";
    assert_eq!(ringseal::events::Taxonomy::from_markdown(page).as_ref(), Ok(&*TAXONOMY));
}

#[test]
fn structs_are_logged_under_their_names() {
    let (engine, capture) = start();
    let author = Pii::name("Jane Austen");
    let extracted =
        MetadataExtracted { torrent_path: "/data/book", asin: None, title: Some("Emma"), author };
    extracted.emit(&engine).unwrap();
    TorrentBuilt { infohash: INFOHASH, torrent_path: "/data/book" }.emit(&engine).unwrap();
    let request_id = Maybe(Some("r-1"));
    UploadSubmitted { tracker: "red", infohash: INFOHASH, request_id }.emit(&engine).unwrap();
    let request_id = Maybe(None);
    let failed = UploadFailed { tracker: "red", infohash: INFOHASH, reason: "timeout", request_id };
    failed.emit(&engine).unwrap();
    let event = capture.event("METADATA_EXTRACTED");
    assert_eq!((event.text("author"), event.target()), ("<name>", "events"));
    assert_eq!(capture.event("UPLOAD_SUBMITTED")["meta.request_id"], "r-1");
    let event = capture.event("UPLOAD_FAILED");
    assert_eq!((event.level(), event.get("meta.request_id")), (Some(Level::Error), None));
    assert_eq!(event["meta.reason"], "timeout");
    CATALOGUE.set_policy(Policy::Reject);
    let refused = UploadFailed { reason: " ", ..failed }.emit(&engine).map_err(Box::new);
    assert_eq!(refused.unwrap_err().to_string(), "meta.reason=  is blank");
    CATALOGUE.set_policy(Policy::default());
}

#[test]
fn a_domain_event_has_its_types_requirements() {
    let (engine, capture) = start();
    let whole = DomainEvent {
        torrent_path: Some("/data/book"),
        infohash: Some(INFOHASH),
        tracker: Some("red"),
        author: Some("Jane Austen"),
        title: Some("Emma"),
        ..DomainEvent::new("metadata_extracted")
    };
    metadata_extracted(&engine, whole);
    torrent_built(&engine, whole);
    upload_submitted(&engine, whole);
    DomainEvent { event_type: "CACHE_EMPTIED", ..DomainEvent::new("") }.emit(&engine);
    DomainEvent { ok: false, ..DomainEvent::new("cache_filled") }.emit(&engine);
    let reason: &[(&str, &dyn ringseal::value::Value)] = &[("reason", &"timeout")];
    DomainEvent { event_type: "upload_failed", meta: reason, ..whole }.emit(&engine);
    let events = capture.events_named("event");
    let level_and_type =
        |event: &CapturedEvent| (event.level().unwrap(), event.text("event_type").to_owned());
    let expected = [
        (Level::Info, "METADATA_EXTRACTED"),
        (Level::Info, "TORRENT_BUILT_SUCCESS"),
        (Level::Info, "UPLOAD_SUBMITTED"),
        (Level::Info, "CACHE_EMPTIED"),
        (Level::Warn, "CACHE_FILLED"),
        (Level::Warn, "UPLOAD_FAILED"),
    ];
    let found: Vec<_> = events.iter().map(level_and_type).collect();
    assert_eq!(found, expected.map(|(level, name)| (level, name.to_owned())));
    assert_eq!(events[5]["ok"], false);
    assert_eq!(events[5]["meta"]["reason"], "timeout");
    assert_eq!((events[0].text("author"), events[0].get("meta")), ("<name>", None));

    // Without the path, which the document's own example lacks.
    let before = incomplete_events();
    let incomplete = DomainEvent { infohash: Some(INFOHASH), ..DomainEvent::new("x") };
    torrent_built(&engine, incomplete);
    metadata_extracted(&engine, DomainEvent { asin: Some(" "), title: None, ..whole });
    let events = capture.events_named("event");
    assert_eq!(events[6].level(), Some(Level::Warn));
    assert_eq!(events[6]["validation_errors"][0], "Required feature torrent_path missing");
    assert_eq!(events[7]["validation_errors"][0], "Required feature asin|title missing");
    assert_eq!(incomplete_events() - before, 2);
    let failed = DomainEvent { event_type: "UPLOAD_FAILED", ..whole }.emit_complete(&engine);
    assert_eq!(failed, Err(vec!["meta.reason"]));
    assert_eq!(whole.emit_complete(&engine), Ok(()));
}

#[test]
fn success_is_sampled_in_both_ways_of_logging() {
    let config = Config::new().panic_hook(false).random_for_tests(7);
    let (engine, capture) =
        Capture::start_with(config.sampling(Sampling::new().success(0.1).unwrap()));
    let built = TorrentBuilt { infohash: INFOHASH, torrent_path: "/data/book" };
    let event = DomainEvent {
        infohash: Some(INFOHASH),
        torrent_path: Some("/data/book"),
        tracker: Some("red"),
        ..DomainEvent::new("")
    };
    for _ in 0..1000 {
        built.emit(&engine).unwrap();
        torrent_built(&engine, event);
        upload_submitted(&engine, event);
    }
    let count = |name: &str, event_type: &str| {
        let events = capture.events_named(name);
        let is_it =
            |event: &&CapturedEvent| event.get_text("event_type").unwrap_or("") == event_type;
        events.iter().filter(is_it).count()
    };
    for thinned in [count("TORRENT_BUILT_SUCCESS", ""), count("event", "TORRENT_BUILT_SUCCESS")] {
        assert!((50..200).contains(&thinned), "{thinned}");
    }
    assert_eq!(count("event", "UPLOAD_SUBMITTED"), 1000);
}

#[test]
fn features_follow_the_table() {
    let (engine, capture) = start();
    let mut store = FeatureStore::default();
    let valid = || {
        BTreeMap::from([
            ("gem_score", FieldValue::from(95.0)),
            ("confidence", 1.into()),
            ("liquidity_usd", 0.0.into()),
            ("flagged", false.into()),
        ])
    };
    store.write_features(&engine, "t-1", &valid()).unwrap();
    let event = capture.event("features_written");
    assert_eq!((event.text("token_id"), event.text("feature_count")), ("t-1", "4"));
    assert_eq!(store.feature_count("t-1"), Some(4));
    assert_eq!(store.distribution("gem_score").unwrap()[BUCKETS.len() - 1], 1);

    let rows: [(&str, FieldValue<'_>, &str); 10] = [
        ("gem_score", 150.0.into(), "gem_score=150.0 above max 100.0"),
        ("gem_score", (-1).into(), "gem_score=-1 below min 0.0"),
        ("gem_score", f64::NAN.into(), "gem_score=nan below min 0.0"),
        ("gem_score", true.into(), "gem_score=True is not a number in 0.0..=100.0"),
        ("confidence", FieldValue::Null, "confidence is required but got None"),
        ("liquidity_usd", (-0.5).into(), "liquidity_usd=-0.5 below min 0.0"),
        ("sentiment_score", 1.5.into(), "sentiment_score=1.5 above max 1.0"),
        ("sentiment_score", FieldValue::Null, ""),
        ("flagged", 1.into(), "flagged=1 not in [True, False]"),
        ("other", "any".into(), ""),
    ];
    for (feature, value, message) in rows {
        let mut features = valid();
        features.insert(feature, value);
        let result = store.write_features(&engine, "t-2", &features);
        assert_eq!(result.map_err(|found| found.to_string()).err().unwrap_or_default(), message);
    }
    let mut features = valid();
    features.remove("flagged");
    features.insert("gem_score", 101.into());
    let found = store.write_features(&engine, "t-3", &features).unwrap_err();
    let expected = ["gem_score=101 above max 100.0", "Required feature flagged missing"];
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    let event = capture.events_named("feature_validation_failed").pop().unwrap();
    assert_eq!((event.level(), &event["token_id"] == "t-3"), (Some(Level::Error), true));
    assert_eq!(event["errors"][1], expected[1]);
    let failures: Vec<_> = store.failures().collect();
    assert!(failures.contains(&("gem_score", "range", 5)), "{failures:?}");
    assert!(failures.contains(&("flagged", "any_of", 1)), "{failures:?}");

    store.set_validation(false);
    store.write_features(&engine, "t-4", &features).unwrap();
    assert_eq!((store.feature_count("t-3"), store.feature_count("t-4")), (None, Some(3)));
}

fn fixture(text: &str) -> (String, Value) {
    let fixture: Value = serde_json::from_str(text).unwrap();
    (fixture["input"].as_str().unwrap().to_owned(), fixture["expected_output"].clone())
}

#[test]
fn golden_narratives_are_validated() {
    for text in [include_str!("fixtures/bullish.json"), include_str!("fixtures/bearish.json")] {
        let (engine, capture) = start();
        let (input, output) = fixture(text);
        let narrative = llm::analyze(&engine, &input, &output.to_string());
        assert!(!narrative.is_fallback);
        assert_eq!(narrative.sentiment, output["sentiment"].as_str().unwrap());
        assert_eq!(json!(narrative.key_themes), output["key_themes"]);
        let event = capture.event("narrative_analysis_validated");
        assert_eq!(event.text("sentiment"), output["sentiment"].as_str().unwrap());
        assert_eq!(event["confidence"].as_f64(), output["confidence"].as_f64());
        // The heuristic comes to the same sentiment.
        let fallback = llm::analyze(&engine, &input, "");
        assert!(fallback.is_fallback);
        assert_eq!(fallback.sentiment, narrative.sentiment);
    }
}

#[test]
fn an_invalid_payload_falls_back() {
    let (input, valid) = fixture(include_str!("fixtures/bullish.json"));
    let rows = [
        (
            "sentiment",
            json!("positive"),
            "sentiment=positive not in ['bullish', 'bearish', 'neutral']",
        ),
        ("sentiment", json!(1), "sentiment=1 not in ['bullish', 'bearish', 'neutral']"),
        ("sentiment_score", json!(1.5), "sentiment_score=1.5 above max 1.0"),
        ("sentiment_score", json!("0.5"), "sentiment_score=0.5 is not a number in -1.0..=1.0"),
        ("momentum", json!(true), "momentum=True is not a number in -1.0..=1.0"),
        ("momentum", json!(null), "Required feature momentum missing"),
        ("key_themes", json!([]), "key_themes has 0 items, expected 1..=10"),
        ("key_themes", json!([" ", "\t"]), "key_themes has 0 items, expected 1..=10"),
        ("key_themes", json!(vec!["a"; 11]), "key_themes has 11 items, expected 1..=10"),
        ("key_themes", json!("growth"), "key_themes has growth, expected 1..=10"),
        (
            "narrative_summary",
            json!("Test"),
            "narrative_summary=Test does not have 10..=500 characters",
        ),
        ("confidence", json!(-0.1), "confidence=-0.1 below min 0.0"),
    ];
    for (key, value, message) in rows {
        let (engine, capture) = start();
        let mut payload = valid.clone();
        payload[key] = value;
        let narrative = llm::analyze(&engine, &input, &payload.to_string());
        assert!(narrative.is_fallback && narrative.sentiment == "bullish", "{narrative:?}");
        let event = capture.event("llm_schema_validation_failed");
        assert_eq!(
            (event.level(), event["errors"][0].as_str()),
            (Some(Level::Error), Some(message))
        );
        assert_eq!(capture.events_named("narrative_analysis_validated").len(), 0);
    }
    let themes = json!([" growth ", "", "a", "b", "c", "d", "e", "f", "g", "h", "i", " "]);
    let mut payload = valid.clone();
    payload["key_themes"] = themes;
    payload["narrative_summary"] = json!("ä".repeat(500));
    let (engine, _capture) = start();
    let narrative = llm::analyze(&engine, &input, &payload.to_string());
    assert_eq!((narrative.is_fallback, narrative.key_themes.len()), (false, 10));
    assert_eq!(narrative.key_themes[0], "growth");
}

#[test]
fn what_is_not_json_falls_back() {
    for response in ["", "{", "[]", "null", "I think it is bullish.", "{\"sentiment\": bullish}"] {
        let (engine, capture) = start();
        let narrative = llm::analyze(&engine, "nothing known", response);
        assert!(narrative.is_fallback && narrative.sentiment == "neutral", "{narrative:?}");
        assert_eq!(narrative.key_themes, ["unknown"]);
        let event = capture.event("llm_invalid_json");
        assert_eq!(event.level(), Some(Level::Error));
        assert!(event.get("error").or(event.get("error.message")).is_some());
    }
}

#[test]
fn other_payloads_follow_their_rules() {
    let (engine, capture) = start();
    let safety = json!({
        "is_verified": true, "risk_level": "LOW", "risk_factors": [], "safety_score": 100,
        "recommendations": vec!["x"; 20],
    });
    let kind = llm::ContractSafetyAnalysis::DESCRIPTOR;
    let payload = llm::Payload::read(&engine, kind, &safety.to_string()).unwrap();
    assert_eq!(payload.contract_safety().recommendations.len(), 20);
    payload.contract_safety().emit(&engine).unwrap();
    for (key, value) in [
        ("is_verified", json!(1)),
        ("risk_level", json!("low")),
        ("risk_factors", json!(vec!["x"; 21])),
        ("safety_score", json!(100.5)),
        ("recommendations", json!([1, "x"])),
    ] {
        let mut wrong = safety.clone();
        wrong[key] = value;
        assert_eq!(llm::Payload::read(&engine, kind, &wrong.to_string()), None, "{key}");
    }
    let kind = llm::TechnicalPattern::DESCRIPTOR;
    let pattern = json!({
        "pattern_type": "flag", "confidence": 0.5, "trend": "UPTREND", "support_levels": [1.5, 2],
        "resistance_levels": [],
    });
    let payload = llm::Payload::read(&engine, kind, &pattern.to_string()).unwrap();
    assert_eq!(payload.technical_pattern().support_levels, [1.5, 2.0]);
    for (key, value) in
        [("trend", json!("UP")), ("confidence", json!(2)), ("support_levels", json!("1"))]
    {
        let mut wrong = pattern.clone();
        wrong[key] = value;
        assert_eq!(llm::Payload::read(&engine, kind, &wrong.to_string()), None, "{key}");
    }
    assert_eq!(capture.events_named("llm_schema_validation_failed").len(), 8);
    assert_eq!(capture.events_named("contract_safety_received").len(), 1);
}
