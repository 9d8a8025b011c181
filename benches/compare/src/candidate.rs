//! What a logger must offer to be measured, and what it must say about itself.
//!
//! The measuring loops are generic over `Candidate`, so a call inside a timed stretch is a direct
//! one that the compiler may inline, as it would be in a program that uses that logger.

use std::path::{Path, PathBuf};

/// Whether a candidate is a yardstick or a logger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not a logger: the least that hardware asks for this work.
    Floor,
    /// Another project's logger.
    Rival,
    /// ringseal itself.
    Own,
    /// ringseal used in another way, for comparison with itself: it takes no rank from others.
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

/// What the output claims to be; the check holds it to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Nothing is written: latency only.
    Nothing,
    /// One JSON object a line, with `"seq":<number>` somewhere in it.
    Json,
    /// One line an event, with `seq=<number>` somewhere in it.
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

/// Where a candidate left its lines.
pub struct Output {
    /// All files that hold lines, in any order.
    pub files: Vec<PathBuf>,
    /// How to read them.
    pub format: Format,
}

/// One logger in one configuration.
pub trait Candidate: Sized {
    /// The name on the command line and in the tables.
    const NAME: &'static str;
    /// Floor, rival or ringseal.
    const KIND: Kind;
    /// What it writes, for the tables.
    const FORMAT: Format;
    /// The crate whose version is printed beside the name; empty for floors.
    const CRATE: &'static str;

    /// Starts it, writing under `dir`, which exists and is empty. Called on core 1, so that the
    /// threads it starts stay there.
    fn start(dir: &Path) -> Result<Self, String>;

    /// Logs one event. Called on core 0. Must not lose it: where a logger may choose between
    /// waiting and losing when it is full, it waits.
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32);

    /// Returns when everything logged is with the kernel, as far as the logger offers to wait.
    fn finish(self) -> Result<Output, String>;
}
