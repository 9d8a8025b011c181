//! Every change by every attacker, with and without a checkpoint kept elsewhere, and whether it is detected.
//! `docs/audit-tamper.md` publishes the tables; this test generates and compares them.
use super::forger::{ForgedEntry, Keys, entries_of, forge};
use super::support::{Fixture, LogFiles, kept_checkpoint, small_options, verify_files};
use super::{live_log_and, more_rows};
use crate::verify::{FindingKind, VerifyOptions, VerifyOutcome};

/// The attacker's keys.
#[derive(Clone, Copy, PartialEq)]
enum Attacker {
    None,
    Current,
    All,
}

const ATTACKERS: [Attacker; 3] = [Attacker::None, Attacker::Current, Attacker::All];

type Change = fn(&mut Vec<ForgedEntry>, &Place);

/// Where a change is made: events from `at` on, segments `one` and `two`.
struct Place {
    at: usize,
    /// Entries up to a checkpoint within the last epoch.
    cut: usize,
    one: usize,
    two: usize,
}

fn modify(item: &mut ForgedEntry) {
    item.body = item.body.replace("success", "failure");
}

fn event_of(items: &[ForgedEntry], segment: usize) -> usize {
    items.iter().position(|item| item.segment == segment && item.is_event()).unwrap() + 2
}

const REPLACED_LOG: &str = "put another log in its place";

const CHANGES: &[(&str, Change)] = &[
    ("modify", |items, place| modify(&mut items[place.at])),
    ("delete", |items, place| drop(items.remove(place.at))),
    ("insert", |items, place| {
        let mut item = items[place.at].clone();
        item.was = None;
        modify(&mut item);
        items.insert(place.at, item);
    }),
    ("reorder", |items, place| {
        let body = std::mem::take(&mut items[place.at].body);
        items[place.at].body = std::mem::replace(&mut items[place.at + 1].body, body);
    }),
    ("duplicate", |items, place| {
        let mut item = items[place.at].clone();
        item.was = None;
        items.insert(place.at, item);
    }),
    ("truncate the tail", |items, place| items.truncate(place.cut)),
    ("truncate at a segment's border", |items, place| {
        items.retain(|item| item.segment < place.two + 1);
    }),
    ("swap segments", |items, place| {
        let (one, two): (Vec<usize>, Vec<usize>) = (
            (0..items.len()).filter(|at| items[*at].segment == place.one).collect(),
            (0..items.len()).filter(|at| items[*at].segment == place.two).collect(),
        );
        let events = |list: Vec<usize>| list.into_iter().filter(|at| items[*at].is_event());
        let pairs: Vec<(usize, usize)> = events(one).zip(events(two)).collect();
        for (one, two) in pairs {
            let body = std::mem::take(&mut items[one].body);
            items[one].body = std::mem::replace(&mut items[two].body, body);
        }
    }),
    ("replace by an older snapshot", |_, _| ()),
    ("rewrite everything", |items, _| items.iter_mut().for_each(modify)),
    (REPLACED_LOG, |_, _| ()),
];

struct Attacks {
    fixture: Fixture,
    files: LogFiles,
    snapshot: LogFiles,
    /// A log of the same name, with keys that the attacker made.
    another: LogFiles,
    items: Vec<ForgedEntry>,
}

impl Attacks {
    fn new() -> Attacks {
        let (fixture, snapshot) = live_log_and(Fixture::files);
        let files = fixture.files();
        let items = entries_of(&files);
        let mut other = Fixture::with_seed(77);
        let mut log = other.open(small_options());
        other.append(&mut log, 9);
        log.close().unwrap();
        let another = other.files();
        Attacks { fixture, files, snapshot, another, items }
    }

    /// The attacker's keys: those now on the host, or all that ever existed.
    fn keys(&self, attacker: Attacker) -> Keys<'_> {
        let signers = &self.fixture.signers;
        let current = signers.len() - 1;
        let has = |epoch: usize| match attacker {
            Attacker::None => false,
            Attacker::Current => epoch == current,
            Attacker::All => true,
        };
        let signers = signers.iter().enumerate().map(|(at, key)| has(at).then_some(key));
        let chain = match attacker {
            Attacker::None => None,
            Attacker::Current => Some(self.fixture.chain_key()),
            Attacker::All => Some((0, self.fixture.first_key.clone())),
        };
        Keys { chain, signers: signers.collect() }
    }

    fn attack(&self, change: usize, attacker: Attacker, segment: usize) -> LogFiles {
        let (name, change) = CHANGES[change];
        if name == "replace by an older snapshot" {
            return self.snapshot.clone();
        }
        if name == REPLACED_LOG {
            return self.another.clone();
        }
        let mut items = self.items.clone();
        let at = event_of(&items, segment);
        // The checkpoint before the last: within the current epoch.
        let text = String::from_utf8(self.files["checkpoints"].clone()).unwrap();
        let sizes: Vec<usize> = text.lines().filter_map(|line| line.parse().ok()).collect();
        let cut = sizes[sizes.len() - 2];
        assert_eq!(items[cut - 1].segment, 2, "within the current epoch");
        change(&mut items, &Place { at, cut, one: 0, two: 1 });
        forge(&self.files, &items, &self.keys(attacker))
    }

    fn options(&self, has_first_key: bool, has_known: bool) -> VerifyOptions {
        let mut options = self.fixture.options();
        // The age of the last checkpoint is excluded: the table covers only evidence in the bytes.
        options.now_unix_nanos = None;
        if !has_first_key {
            options.first_key = None;
        }
        if has_known {
            options.known_checkpoints.push(kept_checkpoint(&self.files));
        }
        options
    }

    fn verdict(&self, files: &LogFiles, options: &VerifyOptions) -> Option<FindingKind> {
        let report = verify_files(files, options);
        assert_ne!(report.outcome, VerifyOutcome::Unchecked, "{:?}", report.problem);
        report.first_bad.map(|finding| finding.kind)
    }
}

/// One row per change, two columns per attacker.
fn table(attacks: &Attacks, has_first_key: bool, segment: usize) -> String {
    let mut text = String::from(
        "| | no keys | no keys, known checkpoint | current keys | current keys, known checkpoint \
         | all keys | all keys, known checkpoint |\n|---|---|---|---|---|---|---|\n",
    );
    for (index, (name, _)) in CHANGES.iter().enumerate() {
        text.push_str(&format!("| {name} |"));
        for attacker in ATTACKERS {
            let files = attacks.attack(index, attacker, segment);
            for has_known in [false, true] {
                let verdict = attacks.verdict(&files, &attacks.options(has_first_key, has_known));
                let word = verdict.map_or("**undetected**", FindingKind::as_str);
                text.push_str(&format!(" {word} |"));
            }
        }
        text.push('\n');
    }
    text
}

/// The tables with their titles.
fn tables() -> Vec<(&'static str, String)> {
    let attacks = Attacks::new();
    let mut tables = vec![
        ("With `audit.mac`, changes in a past epoch", table(&attacks, true, 1)),
        ("With `audit.mac`, changes in the current epoch", table(&attacks, true, 2)),
        ("Without `audit.mac`, changes in a past epoch", table(&attacks, false, 1)),
        ("Without `audit.mac`, changes in the current epoch", table(&attacks, false, 2)),
    ];
    // A row has a packed segment, which other builds cannot read.
    if cfg!(feature = "compress") {
        tables.push(("Restarts, removals, pauses, bursts, other files", more_rows::table()));
    }
    tables
}

#[test]
fn an_unchanged_forgery_reproduces_the_log() {
    let attacks = Attacks::new();
    let forged = forge(&attacks.files, &attacks.items, &attacks.keys(Attacker::All));
    for name in forged.keys().filter(|name| !name.starts_with("tile")) {
        assert_eq!(forged[name], attacks.files[name], "{name}");
    }
    for (has_first_key, has_known) in [(true, true), (true, false), (false, true)] {
        let options = attacks.options(has_first_key, has_known);
        assert_eq!(attacks.verdict(&forged, &options), None);
    }
}

#[test]
fn the_published_tables_match_the_verifier() {
    let page = include_str!("../../../../../docs/audit-tamper.md");
    let mut wrong = Vec::new();
    for (title, table) in tables() {
        println!("### {title}\n\n{table}");
        if !page.contains(&format!("### {title}\n\n{table}")) {
            wrong.push(title);
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/audit-tamper.md does not have these tables as above: {wrong:?}"
    );
}

/// The required cells, stated here and not read from the page.
#[test]
fn every_cell_matches_the_design() {
    let attacks = Attacks::new();
    for (index, (name, _)) in CHANGES.iter().enumerate() {
        // The attacker's own keys do not help, and the result is not "could not check".
        if *name == REPLACED_LOG {
            for (first_key, anchor) in [(true, true), (true, false), (false, true), (false, false)]
            {
                let files = attacks.attack(index, Attacker::All, 1);
                let kind = attacks.verdict(&files, &attacks.options(first_key, anchor));
                assert_eq!(kind, Some(FindingKind::WrongKey));
            }
            continue;
        }
        let is_cut = name.starts_with("truncate") || name.starts_with("replace");
        for attacker in ATTACKERS {
            for segment in [1, 2] {
                let files = attacks.attack(index, attacker, segment);
                let with = |first_key, anchor| {
                    attacks.verdict(&files, &attacks.options(first_key, anchor))
                };
                let is_whole = *name == "swap segments" || *name == "rewrite everything";
                let is_past = segment == 1 || is_whole;
                // With a checkpoint kept elsewhere, every change that it covers is detected.
                for first_key in [true, false] {
                    let kind = with(first_key, true);
                    assert!(kind.is_some(), "{name}, segment {segment}, known checkpoint");
                    if is_cut {
                        assert_eq!(kind, Some(FindingKind::RolledBack), "{name}");
                    }
                }
                // Without a known checkpoint, a cut back to a sealed state and a change by an attacker with all keys
                // are not detected.
                let is_hidden = is_cut || attacker == Attacker::All;
                assert_eq!(with(true, false).is_none(), is_hidden, "{name}, segment {segment}");
                // Without the chain's key, only the epoch's key protects the current epoch.
                let is_hidden = is_hidden || (attacker == Attacker::Current && !is_past);
                assert_eq!(with(false, false).is_none(), is_hidden, "{name}, segment {segment}");
            }
        }
    }
}
