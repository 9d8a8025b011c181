//! Merging against a model: a set of paths with their values.
use std::collections::BTreeMap;

use proptest::prelude::*;
use ringseal_base::limits::Limits;
use ringseal_base::value::{Entries, ValueRef, ValueWriter};

use super::merge::{Raw, merge, remove};

/// A field: a value or an object.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(u64),
    Object(Vec<(String, Tree)>),
}
use Tree::{Leaf, Object};

fn encode(fields: &[(String, Tree)]) -> Vec<u8> {
    fn write(out: &mut ValueWriter<'_>, fields: &[(String, Tree)]) {
        for (key, tree) in fields {
            out.entry(key, &Written(tree));
        }
    }
    struct Written<'a>(&'a Tree);
    impl ringseal_base::value::Value for Written<'_> {
        fn size_bytes_max(&self, _limits: &Limits) -> usize {
            1024
        }

        fn write(&self, out: &mut ValueWriter<'_>) {
            match self.0 {
                Leaf(number) => out.u64(*number),
                Object(inner) => out.map(|out| write(out, inner)),
            }
        }
    }
    let mut bytes = [0; 8192];
    let mut out = ValueWriter::new(&mut bytes, Limits::default());
    write(&mut out, fields);
    let len = out.len_bytes();
    bytes[..len].to_vec()
}

type Leaves = BTreeMap<String, u64>;

/// All values by path. Fails if two have the same.
fn leaves(entries: &[u8]) -> Leaves {
    fn collect(entries: Entries<'_>, path: &str, found: &mut Leaves) {
        for entry in entries {
            let (key, value) = entry.unwrap();
            let path = format!("{path}{}", String::from_utf8_lossy(key));
            match value {
                ValueRef::Map(inner) => collect(inner, &format!("{path}."), found),
                ValueRef::U64(number) => assert_eq!(found.insert(path, number), None),
                other => panic!("{other:?}"),
            }
        }
    }
    let mut found = Leaves::new();
    collect(Entries(entries), "", &mut found);
    found
}

fn is_around(outer: &str, path: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The slow, obvious form.
fn model(old: &Leaves, new: &Leaves) -> Leaves {
    let is_kept = |(path, _): &(&String, &u64)| {
        !new.keys().any(|other| is_around(other, path) || is_around(path, other))
    };
    let kept = old.iter().filter(is_kept);
    kept.chain(new).map(|(path, number)| (path.clone(), *number)).collect()
}

fn merged(old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    merge(old, new, &mut bytes);
    bytes
}

fn any_fields() -> impl Strategy<Value = Vec<(String, Tree)>> {
    let key = "[ab](\\.[ab]){0,2}";
    let leaf = (0..100u64).prop_map(Leaf);
    let tree = leaf.prop_recursive(3, 12, 3, move |inner| {
        prop::collection::vec((key, inner), 1..4).prop_map(Object)
    });
    let fields = prop::collection::vec((key, tree), 0..5);
    // As of events: no key twice, and no path twice or inside of another.
    fields.prop_map(|mut fields| {
        let is_sound = |fields: &[(String, Tree)]| {
            let mut paths = Vec::new();
            list(fields, "", &mut paths);
            let apart = |(at, path): (usize, &String)| {
                let others = paths.iter().enumerate().filter(|(other, _)| *other != at);
                others.into_iter().all(|(_, other)| !is_around(other, path))
            };
            has_each_key_once(fields) && paths.iter().enumerate().all(apart)
        };
        while !is_sound(&fields) {
            fields.pop();
        }
        fields
    })
}

fn has_each_key_once(fields: &[(String, Tree)]) -> bool {
    let is_inner_sound = |tree: &Tree| match tree {
        Leaf(_) => true,
        Object(inner) => has_each_key_once(inner),
    };
    let is_first = |at: usize| fields[..at].iter().all(|(other, _)| *other != fields[at].0);
    (0..fields.len()).all(|at| is_first(at) && is_inner_sound(&fields[at].1))
}

fn list(fields: &[(String, Tree)], path: &str, paths: &mut Vec<String>) {
    for (key, tree) in fields {
        match tree {
            Leaf(_) => paths.push(format!("{path}{key}")),
            Object(inner) => list(inner, &format!("{path}{key}."), paths),
        }
    }
}

proptest! {
    #[test]
    fn a_merge_is_a_fold_of_leaves(old in any_fields(), new in any_fields()) {
        let (old, new) = (encode(&old), encode(&new));
        let both = merged(&old, &new);
        prop_assert_eq!(leaves(&both), model(&leaves(&old), &leaves(&new)));
        prop_assert_eq!(leaves(&merged(&both, &new)), leaves(&both), "merging again changes nothing");
        let mut keys: Vec<_> = Raw(&both).map(|entry| entry.key).collect();
        keys.sort_unstable();
        let count = keys.len();
        keys.dedup();
        prop_assert_eq!(keys.len(), count, "each key once");
    }

    #[test]
    fn removing_a_path_leaves_the_others(old in any_fields(), path in "[ab](\\.[ab]){0,2}") {
        let old = encode(&old);
        let mut kept = Vec::new();
        remove(&old, &path, &mut kept);
        let mut expected = leaves(&old);
        expected.retain(|leaf, _| !is_around(&path, leaf));
        prop_assert_eq!(leaves(&kept), expected);
    }

    #[test]
    fn bytes_that_are_no_entries_are_survived(old in prop::collection::vec(any::<u8>(), 0..40), new in any_fields()) {
        merged(&old, &encode(&new));
        merged(&encode(&new), &old);
    }
}
