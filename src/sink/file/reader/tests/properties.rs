//! Each line is returned exactly once, for any sequence of events between two reads.
use proptest::prelude::*;

use super::super::{Reader, ReaderOptions, Step};
use super::model::{Act, Model, Play};

/// The next move: the writer acts, or the reader reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Writer(Act),
    /// The reader reads until it is idle.
    Poll,
    /// The reader takes one step.
    Step,
}

const PROTOCOL: [Move; 7] = [
    Move::Writer(Act::Write),
    Move::Writer(Act::Link),
    Move::Writer(Act::Swap),
    Move::Writer(Act::Compress),
    Move::Writer(Act::Unlink),
    Move::Writer(Act::Retain),
    Move::Poll,
];

const ACTS: [Act; 8] = [
    Act::Write,
    Act::Half,
    Act::Reserve,
    Act::Link,
    Act::Swap,
    Act::Compress,
    Act::Unlink,
    Act::Retain,
];

fn following() -> ReaderOptions {
    ReaderOptions::default().follow(true).read_bytes(16)
}

/// Plays the moves; `false` if one of them was impossible.
fn play(moves: &[Move]) -> Option<Play> {
    let mut play = Play::new(following());
    for &step in moves {
        match step {
            Move::Writer(act) if play.may(act) => play.act(act),
            Move::Writer(_) => return None,
            Move::Poll => play.poll(),
            Move::Step => {
                play.step();
            }
        }
    }
    Some(play)
}

/// All sequences of `len` possible moves that start with `moves`.
fn explore(moves: &mut Vec<Move>, len: usize, played: &mut u32) {
    let Some(mut play) = play(moves) else { return };
    if moves.len() == len {
        play.finish_and_check();
        *played += 1;
        return;
    }
    for next in PROTOCOL {
        // Two consecutive polls see the same.
        if next == Move::Poll && moves.last() == Some(&Move::Poll) {
            continue;
        }
        moves.push(next);
        explore(moves, len, played);
        moves.pop();
    }
}

#[test]
fn each_line_comes_once_in_every_short_history() {
    let mut played = 0;
    explore(&mut vec![Move::Writer(Act::Write), Move::Poll], 8, &mut played);
    explore(&mut Vec::new(), 7, &mut played);
    assert!(played > 1000, "{played}");
}

#[test]
fn a_constantly_rotating_writer_is_followed_exactly() {
    let mut model = Model::on_disk();
    let path = model.path();
    let writer = std::thread::spawn(move || {
        for turn in 0..3000 {
            model.act(Act::Write);
            let rotation = [Act::Link, Act::Swap, Act::Compress, Act::Unlink];
            for act in rotation.into_iter().take(if turn % 5 == 0 { 4 } else { 0 }) {
                if model.may(act) {
                    model.act(act);
                }
            }
        }
        model
    });
    let mut reader = Reader::open(path, following()).expect("a log");
    let mut lines = 0;
    while lines < 3000 {
        match reader.next_line().expect("no error") {
            Step::Line(line) => {
                lines += 1;
                assert!(line.starts_with(format!("line {lines} ").as_bytes()));
            }
            Step::Idle => std::thread::yield_now(),
            other => panic!("{other:?} after line {lines}"),
        }
    }
    let model = writer.join().expect("the writer ends");
    assert_eq!(reader.next_line().expect("no error"), Step::Idle);
    drop(model);
}

fn any_act() -> impl Strategy<Value = Act> {
    // More of the moves that extend the log than of those that remove parts of it.
    prop_oneof![
        4 => Just(Act::Write),
        3 => Just(Act::Link),
        3 => Just(Act::Swap),
        2 => prop::sample::select(ACTS.to_vec()),
    ]
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        6 => any_act().prop_map(Move::Writer),
        1 => Just(Move::Poll),
        1 => Just(Move::Step),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn each_line_comes_once_in_long_histories(moves in prop::collection::vec(any_move(), 0..80)) {
        let mut play = Play::new(following());
        for step in moves {
            match step {
                Move::Writer(act) if play.may(act) => play.act(act),
                Move::Writer(_) => {}
                Move::Poll => play.poll(),
                Move::Step => {
                    play.step();
                }
            }
        }
        play.finish_and_check();
    }

    #[test]
    fn each_line_comes_once_under_interleaved_writes(
        before in prop::collection::vec(any_act(), 0..12),
        between in prop::collection::vec(prop::collection::vec(any_act(), 0..6), 0..30),
    ) {
        let mut play = Play::new(following());
        for act in before {
            if play.may(act) {
                play.act(act);
            }
        }
        play.schedule(between);
        play.poll();
        play.poll();
        play.finish_and_check();
    }

    #[test]
    fn a_plain_read_ends_without_repeats(
        before in prop::collection::vec(any_act(), 0..20),
        between in prop::collection::vec(prop::collection::vec(any_act(), 0..6), 0..30),
    ) {
        let mut play = Play::new(ReaderOptions::default().read_bytes(16));
        for act in before {
            if play.may(act) {
                play.act(act);
            }
        }
        let existing = play.existing_lines();
        play.schedule(between);
        play.poll();
        play.check_all_of(&existing);
    }
}

/// A search by a listing that is outdated before it ends proves nothing: the segment is compressed between the listing
/// and the look at its plain form.
#[cfg(feature = "compress")]
#[test]
fn a_segment_compressed_while_searched_comes_once() {
    use Act::{Compress, Link, Retain, Swap, Unlink, Write};
    let acts = [
        vec![Link],
        vec![],
        vec![],
        vec![],
        vec![Swap],
        vec![],
        vec![Retain],
        vec![Write],
        vec![],
        vec![],
        vec![],
        vec![Link, Swap],
    ];
    for moment in acts.len()..30 {
        let mut between = acts.to_vec();
        between.resize(moment, Vec::new());
        between.push(vec![Compress, Unlink]);
        let mut play = Play::new(ReaderOptions::default().read_bytes(16));
        let existing = play.existing_lines();
        play.schedule(between);
        play.poll();
        play.check_all_of(&existing);
    }
}
