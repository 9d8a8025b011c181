//! A snapshot carries a context through a queue: the same trace, the fields on the list, and nothing secret.
use std::sync::Arc;

use proptest::prelude::*;
use ringseal::redact::{HmacTokenizer, Profile, RuleSet, Rules, Tokenize};
use ringseal::testing::Capture;
use ringseal::trace_context::TraceParent;
use ringseal::value::Map;
use ringseal::{
    Context, Correlation, Pii, RestoreError, SNAPSHOT_BYTES_MAX, Secret, Snapshots, correlation_id,
    fields, info,
};

fn trace(context: &Context) -> TraceParent {
    context.trace_parent().expect("a trace")
}

/// The fields of an event in this context.
fn fields_in(context: &Context) -> Vec<(String, String)> {
    let (engine, capture) = Capture::start_with(ringseal::Config::new().no_redaction());
    context.run(|| info!(engine, "seen"));
    let event = capture.event("seen");
    let known = [
        "timestamp",
        "level",
        "target",
        "event",
        "run_id",
        "schema_version",
        "trace_id",
        "span_id",
    ];
    let others = event.fields().iter().filter(|(key, _)| !known.contains(&&**key));
    others.map(|(key, _)| (key.clone(), event.text(key).to_owned())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_trial_keeps_the_trace() {
    let request = Context::new().with(fields! { request_id = "r-17" }).child();
    let text = request.snapshot();
    let trials: Vec<_> = (0..3).map(|_| Context::restore(&text).unwrap()).collect();
    let mut spans: Vec<_> =
        trials.iter().chain([&request]).map(|job| trace(job).span_id()).collect();
    spans.sort_unstable();
    spans.dedup();
    assert_eq!(spans.len(), 4);
    for job in &trials {
        assert_eq!(trace(job).trace_id(), trace(&request).trace_id());
        assert_eq!(trace(job).is_sampled(), trace(&request).is_sampled());
        assert_eq!(fields_in(job), pairs(&[("request_id", "r-17")]));
    }
}

#[test]
fn a_job_without_a_snapshot_starts_empty() {
    let request = Context::new().with(fields! { request_id = "r-17" }).child();
    request.run(|| {
        Context::new().run(|| assert!(Context::current().trace_parent().is_none()));
    });
    let job = Context::restore("{\"v\":1}").unwrap();
    assert!(job.trace_parent().is_some(), "a new trace");
    assert_eq!(fields_in(&job), []);
}

#[test]
fn only_listed_fields_travel() {
    let context = Context::new().with(fields! {
        correlation_id = "c-1", tenant = "acme", session = "s", count = 3, below = -4, share = 0.5, is_new = true,
        user = Map(&[("id", &42), ("name", &"ann")]), list = [1, 2],
    });
    let all = ["tenant", "count", "below", "share", "is_new", "user.id", "list"];
    let jobs = Snapshots::new().keys(all);
    let text = jobs.take(&context);
    let expected = pairs(&[
        ("correlation_id", "c-1"),
        ("tenant", "acme"),
        ("count", "3"),
        ("below", "-4"),
        ("share", "0.5"),
        ("is_new", "true"),
        ("user.id", "42"),
    ]);
    assert_eq!(fields_in(&jobs.restore(&text).unwrap()), expected);
    // The side that restores has another list.
    assert_eq!(fields_in(&Context::restore(&text).unwrap()), pairs(&[("correlation_id", "c-1")]));
}

#[test]
fn nothing_secret_enters_a_queue() {
    let context = Context::new().with(fields! {
        api = Secret::new("s3cr3t-value"), password = "hunter2", mail = Pii::email("ann@example.com"),
        email = "bob@example.com", note = "call 4111 1111 1111 1111", tenant = "acme",
    });
    let keys = ["api", "password", "mail", "email", "note", "tenant"];
    let plain = Snapshots::new().keys(keys).take(&context);
    assert_eq!(plain, "{\"v\":1,\"fields\":{\"note\":\"call <card>\",\"tenant\":\"acme\"}}");
    let mut rules = RuleSet::default();
    rules.profile = Profile::Ecs;
    let rules = Arc::new(Rules::compile(&rules).unwrap());
    let tokenizer: Arc<dyn Tokenize> = Arc::new(HmacTokenizer::new(&[7; 32], "prod"));
    let jobs = Snapshots::new().keys(keys).redaction(rules, Some(tokenizer));
    let text = jobs.take(&context);
    for secret in ["s3cr3t-value", "hunter2", "ann@", "bob@", "4111"] {
        assert!(!text.contains(secret), "{text}");
    }
    let restored = fields_in(&jobs.restore(&text).unwrap());
    let mail = restored.iter().find(|(key, _)| key == "mail").unwrap();
    assert!(mail.1.starts_with("ptok:v1:"), "{text}");
}

#[test]
fn a_snapshot_is_bounded() {
    let long = "x".repeat(5000);
    let context = Context::new().with(fields! { a = long, b = long, c = "short" }).child();
    let jobs = Snapshots::new().keys(["a", "b", "c"]);
    let text = jobs.take(&context);
    assert!(text.len() <= SNAPSHOT_BYTES_MAX);
    let restored = fields_in(&jobs.restore(&text).unwrap());
    let keys: Vec<_> = restored.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["a", "c"], "what does not fit is left out");
    let longest = format!("{{\"v\":1}}{}", " ".repeat(SNAPSHOT_BYTES_MAX));
    let error = Context::restore(&longest).unwrap_err();
    assert_eq!(error, RestoreError::TooLong { bytes: SNAPSHOT_BYTES_MAX + 7 });
}

#[test]
fn a_bad_snapshot_is_a_clear_error() {
    for (text, expected) in [
        ("", "not the snapshot of a context: "),
        ("{", "not the snapshot of a context: "),
        ("[1]", "not the snapshot of a context: expected an object at byte 0"),
        ("{}", "not the snapshot of a context: expected a member \"v\""),
        (
            "{\"v\":2}",
            "not the snapshot of a context: expected version 1, found 2; restore it with the version that took it",
        ),
        ("{\"v\":\"1\"}", "not the snapshot of a context: expected a number as \"v\" at byte 5"),
        (
            "{\"v\":1,\"fields\":[]}",
            "not the snapshot of a context: expected an object as \"fields\" at byte 16",
        ),
        (
            "{\"v\":1,\"traceparent\":7}",
            "not the snapshot of a context: expected a text at byte 21",
        ),
        ("{\"v\":1,\"traceparent\":\"00-1\"}", "not the snapshot of a context: traceparent: "),
        ("{\"v\":1} x", "not the snapshot of a context: "),
    ] {
        let error = Context::restore(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn unknown_members_are_ignored() {
    let text = "{\"later\":{\"a\":[1]},\"v\":1,\"fields\":{\"request_id\":\"r\",\"request_id\":\"again\",\"x\":1}}";
    assert_eq!(fields_in(&Context::restore(text).unwrap()), pairs(&[("request_id", "r")]));
}

#[test]
fn other_systems_data_travels() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (state, expected) in [("a=1,b=2", Some("a=1,b=2")), ("", None), ("bad", None)] {
        let text = format!("{{\"v\":1,\"traceparent\":\"{trace}\",\"tracestate\":\"{state}\"}}");
        let job = Context::restore(&text).unwrap();
        assert_eq!(job.outgoing().unwrap().tracestate(), expected);
        let again = Context::restore(&job.snapshot()).unwrap();
        assert_eq!(again.outgoing().unwrap().tracestate(), expected);
    }
}

#[test]
fn a_bound_correlation_id_travels() {
    let text = Context::new().run(|| {
        correlation_id::bind("test-cid");
        Context::current().snapshot()
    });
    Context::restore(&text).unwrap().run(|| {
        assert_eq!(correlation_id::get().unwrap().as_str(), "test-cid");
        correlation_id::clear();
        assert_eq!(correlation_id::get(), None);
        let made = correlation_id::get_or_bind();
        assert_eq!(correlation_id::get_or_bind(), made);
        assert_ne!(correlation_id::bind("not an id").as_str(), "not an id");
    });
    assert_eq!(correlation_id::get(), None);
}

#[test]
fn a_thread_may_have_a_correlation_id() {
    std::thread::spawn(|| {
        let (engine, capture) = Capture::start();
        correlation_id::bind("test-cid");
        info!(engine, "first");
        info!(engine, "second", correlation_id = "own");
        correlation_id::clear();
        info!(engine, "third");
        assert_eq!(capture.event("first")["correlation_id"], "test-cid");
        assert_eq!(capture.event("second")["correlation_id"], "own");
        assert!(capture.event("third").get("correlation_id").is_none());
    })
    .join()
    .unwrap();
}

/// What another system has added to a trace is not sent with another one.
#[test]
fn another_trace_has_no_state_of_this_one() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let text = format!("{{\"v\":1,\"traceparent\":\"{trace}\",\"tracestate\":\"a=1\"}}");
    let request = Context::restore(&text).unwrap();
    let other = Correlation::new([1; 16], [2; 16]);
    assert_eq!(request.with_correlation(other).outgoing().unwrap().tracestate(), None);
    request.run(|| {
        other.run(|| assert_eq!(Context::current().outgoing().unwrap().tracestate(), None));
        let own = Context::current().child();
        assert_eq!(own.outgoing().unwrap().tracestate(), Some("a=1"));
    });
    let job = Context::restore("{\"v\":1,\"fields\":{\"request_id\":1e999}}").unwrap();
    assert_eq!(fields_in(&job), []);
}

proptest! {
    #[test]
    fn any_text_is_restored_or_refused(text in "\\PC{0,200}") {
        let _ = Context::restore(&text);
    }

    #[test]
    fn any_json_is_restored_or_refused(text in "[{}\\[\\]\":,0-9a-zA-Z\\\\]{0,120}") {
        let _ = Context::restore(&text);
        let _ = Context::restore(&format!("{{\"v\":1,{text}}}"));
        let _ = Context::restore(&format!("{{\"v\":1,\"fields\":{{{text}}}}}"));
    }

    #[test]
    fn a_restored_context_has_the_same_snapshot(tenant in "\\PC{0,40}", number: i64, is_new: bool) {
        let rules = Arc::new(Rules::compile(&RuleSet::default()).unwrap());
        let jobs = Snapshots::new().keys(["tenant", "number", "is_new"]).redaction(rules, None);
        let context = Context::new().with(fields! { tenant = tenant, number = number, is_new = is_new });
        let fields_of = |text: &str| text.split_once(",\"fields\"").map(|(_, fields)| fields.to_owned());
        let first = jobs.take(&context);
        let second = jobs.take(&jobs.restore(&first).unwrap());
        prop_assert_eq!(fields_of(&first), fields_of(&second));
    }
}
