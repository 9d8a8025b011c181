//! The interface of a measured logger: how to call it, and its description.
//!
//! The measuring loops are generic over `Candidate`. A timed call is therefore direct and may be inlined, as in a
//! program that uses that logger.

use std::path::{Path, PathBuf};

use crate::family::Group;

/// Whether a candidate is a floor or a logger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not a logger: the minimum that the hardware needs for this work.
    Floor,
    /// Another project's logger.
    Rival,
    /// ringseal itself.
    Own,
    /// ringseal in another configuration, for comparison with itself; it is not ranked.
    Variant,
}

impl Kind {
    /// The word in result files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Rival => "rival",
            Self::Own => "own",
            Self::Variant => "variant",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::Floor, Self::Rival, Self::Own, Self::Variant];
        all.into_iter().find(|kind| kind.word() == word)
    }
}

/// The declared format of the output; the check enforces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Nothing is written: latency only.
    Nothing,
    /// One JSON object per line, with `"seq":<number>` somewhere in it.
    Json,
    /// One line per event, with `seq=<number>` somewhere in it.
    Text,
}

impl Format {
    /// The word in result files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

/// The files with a candidate's lines.
pub struct Output {
    /// All files that hold lines, in any order.
    pub files: Vec<PathBuf>,
    /// Their format.
    pub format: Format,
}

/// One logger in one configuration.
pub trait Candidate: Sized {
    /// The name on the command line and in the tables.
    const NAME: &'static str;
    /// Floor, rival or ringseal.
    const KIND: Kind;
    /// The family that selects it.
    const GROUP: Group = Group::of(Self::KIND);
    /// The format of its output, for the tables.
    const FORMAT: Format;
    /// The crate whose version is printed beside the name; empty for floors.
    const CRATE: &'static str;

    /// Starts the logger. It writes below `dir`, which exists and is empty. Called on core 1, so that the threads it
    /// starts stay on that core.
    fn start(dir: &Path) -> Result<Self, String>;

    /// Logs one event. Called on core 0. Must not lose the event: a logger that can either wait or lose events when it
    /// is full is configured to wait.
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32);

    /// Returns when all logged events are with the kernel, as far as the logger can wait for that.
    fn finish(self) -> Result<Output, String>;
}
