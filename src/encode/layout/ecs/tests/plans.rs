//! When plans are used.
use super::super::contexts::SHAPES_MAX;
use super::super::plans::PLANS_MAX;
use super::*;

/// The lines that were written without a plan when `of` was logged once more.
fn tree_lines(layout: &mut EcsLayout, site: &'static Callsite, of: &Described) -> u64 {
    with_event(layout, site, of, |layout, event| {
        let before = layout.tree_lines;
        layout.line(event, &mut Vec::new()).unwrap();
        layout.tree_lines - before
    })
}

#[test]
fn ordinary_events_are_planned() {
    let one =
        fields([("user.id", Model::U64(1)), ("amount", Model::U64(2)), ("user.name", text("x"))]);
    let none = Described::default();
    for (name, described, expected) in [
        ("no fields", none.clone(), 0),
        ("fields", Described { fields: one.clone(), ..none.clone() }, 0),
        (
            "bound fields",
            Described { fields: one.clone(), bound: Some(one.clone()), ..none.clone() },
            0,
        ),
        (
            "all contexts",
            Described {
                bound: Some(one.clone()),
                ambient: Some(one.clone()),
                ids: Some(([1; 16], [2; 16])),
                ..none.clone()
            },
            0,
        ),
        (
            "a map below extra",
            Described { fields: fields([("m", map([("a", text("x"))]))]), ..none.clone() },
            0,
        ),
        (
            "a bound map",
            Described { bound: Some(fields([("user", map([("id", text("x"))]))])), ..none.clone() },
            0,
        ),
        ("a rate", Described { fields: one.clone(), sample_rate: Some(0.5), ..none.clone() }, 0),
        (
            "an object of the schema as a map",
            Described { fields: fields([("user", map([("id", text("x"))]))]), ..none },
            1,
        ),
    ] {
        let site = callsite("app", "seen", &described.fields);
        let mut layout = layout(EcsOptions::new());
        assert_eq!(tree_lines(&mut layout, site, &described), expected, "{name}");
        assert_eq!(tree_lines(&mut layout, site, &described), expected, "{name}, again");
    }
}

/// A plan is made for each combination of kinds, and the first one stays.
#[test]
fn values_of_other_kinds_have_plans_too() {
    let mut layout = layout(EcsOptions::new());
    let of = |value| Described { fields: fields([("error", value)]), ..Described::default() };
    let site = callsite("app", "seen", &of(Model::Null).fields);
    for value in [text("x"), Model::U64(1), Model::Null, text("y"), Model::Absent] {
        assert_eq!(tree_lines(&mut layout, site, &of(value)), 0);
    }
}

/// A merged map that is empty in one event is not empty in another.
#[test]
fn a_plan_loses_no_member_of_a_map() {
    let mut layout = layout(EcsOptions::new());
    let of = |value| Described {
        fields: fields([("a", value), ("a.b", Model::U64(1))]),
        ..Described::default()
    };
    let site = callsite("app", "seen", &of(Model::Null).fields);
    for (value, expected) in [
        (map([]), r#""extra":{"a":{"b":1}}"#),
        (map([("c", Model::U64(2))]), r#""extra":{"a":{"c":2,"b":1}}"#),
    ] {
        assert!(line_of(&mut layout, site, &of(value)).contains(expected));
    }
}

#[test]
fn plans_beyond_the_limit_replace_unused_ones() {
    let mut layout = layout(EcsOptions::new());
    let site = callsite("app", "seen", &Vec::new());
    let of = |at: usize| Described {
        bound: Some(fields([(&*format!("k{}", at % 200), Model::U64(1))])),
        ambient: Some(fields([(&*format!("k{}", at / 200), Model::U64(2))])),
        ..Described::default()
    };
    let lines: u64 = (0..PLANS_MAX).map(|at| tree_lines(&mut layout, site, &of(at))).sum();
    assert_eq!(lines, 0);
    // All were used, so the first lines of others look for a place.
    let lines: u64 =
        (0..PLANS_MAX + 64).map(|at| tree_lines(&mut layout, site, &of(PLANS_MAX + at))).sum();
    assert!(lines > 0 && lines < PLANS_MAX as u64, "{lines} lines without a plan");
    assert!(layout.plans.len() <= PLANS_MAX);
    line_of(&mut layout, site, &of(0));
}

#[test]
fn shapes_beyond_the_limit_are_written_without_plans() {
    let mut layout = layout(EcsOptions::new());
    let site = callsite("app", "seen", &Vec::new());
    let of = |at: usize| Described {
        bound: Some(fields([(&*format!("k{at}"), Model::U64(1))])),
        ..Described::default()
    };
    (0..SHAPES_MAX).for_each(|at| drop(Context::new(&mut layout, of(at).bound.as_ref().unwrap())));
    assert_eq!(tree_lines(&mut layout, site, &of(0)), 0);
    assert_eq!(tree_lines(&mut layout, site, &of(SHAPES_MAX)), 1);
    line_of(&mut layout, site, &of(SHAPES_MAX));
}

#[test]
fn a_misfit_is_reported_once_and_counted_always() {
    let mut layout = layout(EcsOptions::new());
    let described = Described { fields: fields([("error", text("x"))]), ..Described::default() };
    let site = callsite("app", "seen", &described.fields);
    (0..3).for_each(|_| assert_eq!(tree_lines(&mut layout, site, &described), 0));
    let (counts, misfits) = layout.take_misfits();
    assert_eq!(counts, EcsCounts { misfits: 3, tree_lines: 0 });
    let [misfit] = &misfits[..] else { panic!("{misfits:?}") };
    assert_eq!(
        (&*misfit.field, &*misfit.found, &*misfit.event, &*misfit.target),
        ("error", "a text", "seen", "app")
    );
    assert!(misfit.expected.contains("error.message"));
    tree_lines(&mut layout, site, &described);
    assert_eq!(layout.take_misfits(), (EcsCounts { misfits: 1, tree_lines: 0 }, Vec::new()));
}
