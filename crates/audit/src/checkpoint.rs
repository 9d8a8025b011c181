//! Checkpoints (C2SP tlog-checkpoint): the origin, size and root hash of a tree, as a signed note.
//!
//! Promises: nothing blocks; any bytes give a checkpoint or a typed error; the form is canonical.
use std::fmt;

use super::note::{Note, NoteError, Signer, Verifier};
use ringseal_base::digest::Hash;
use ringseal_base::digest::text::{Base64, base64, base64_array};

/// The state of a tree: its size and root hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name. Also the name of the signing keys.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root hash of the tree of these leaves.
    pub root: Hash,
}

/// Why a note is not a checkpoint of this log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It is not a note, or its signature is missing or wrong.
    Note(NoteError),
    /// A line of the text is not as expected.
    Line {
        /// Number of the line, from 1.
        number: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// It belongs to another log.
    Origin {
        /// The origin that was expected.
        expected: String,
        /// The origin that was found.
        found: String,
    },
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointError::Note(error) => error.fmt(f),
            CheckpointError::Line { number, expected } => {
                write!(f, "line {number} of the checkpoint: expected {expected}")
            }
            CheckpointError::Origin { expected, found } => {
                write!(f, "a checkpoint of {found}, expected one of {expected}")
            }
        }
    }
}

impl std::error::Error for CheckpointError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CheckpointError::Note(error) => error.source(),
            _ => None,
        }
    }
}

impl From<NoteError> for CheckpointError {
    fn from(error: NoteError) -> Self {
        CheckpointError::Note(error)
    }
}

impl Checkpoint {
    /// The signed text.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, base64(Base64::Standard, &self.root))
    }

    /// Signs the checkpoint; returns the note.
    pub fn sign(&self, signer: &Signer) -> Result<String, CheckpointError> {
        let wrong = CheckpointError::Line { number: 1, expected: "an origin of one line" };
        if self.origin.is_empty() || self.origin.contains('\n') {
            return Err(wrong);
        }
        Ok(signer.sign(&self.text())?)
    }

    /// Reads the text of a note. Extension lines, which C2SP advises against and ringseal never
    /// writes, are rejected.
    pub fn parse_text(text: &str) -> Result<Checkpoint, CheckpointError> {
        let wrong = |number, expected| CheckpointError::Line { number, expected };
        let mut lines = text.split('\n');
        let mut next = |number, expected| lines.next().ok_or(wrong(number, expected));
        let origin = next(1, "an origin")?;
        let size = next(2, "a decimal number")?;
        let root = next(3, "base64 of 32 bytes")?;
        let end = next(4, "a newline after the root hash")?;
        if origin.is_empty() {
            return Err(wrong(1, "an origin"));
        }
        let size = decimal(size).ok_or(wrong(2, "a decimal number"))?;
        let root = base64_array(Base64::Standard, root.as_bytes())
            .map_err(|_| wrong(3, "base64 of 32 bytes"))?;
        if !end.is_empty() || lines.next().is_some() {
            return Err(wrong(4, "no line after the root hash"));
        }
        Ok(Checkpoint { origin: origin.to_owned(), size, root })
    }

    /// Reads a note and checks that `key`, whose name is the origin, signed it.
    pub fn open(note: &[u8], key: &Verifier) -> Result<Checkpoint, CheckpointError> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse_text(note.text)?;
        if checkpoint.origin != key.name() {
            let expected = key.name().to_owned();
            return Err(CheckpointError::Origin { expected, found: checkpoint.origin });
        }
        note.verify(key)?;
        Ok(checkpoint)
    }
}

/// A decimal number without sign and leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let is_one_spelling = text == "0" || !text.starts_with('0');
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_one_spelling && is_decimal { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of C2SP tlog-checkpoint.
    const EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

    fn signer() -> Signer {
        Signer::new("log.example/audit", &[3; 32]).unwrap()
    }

    #[test]
    fn the_specifications_example_parses() {
        let note = Note::parse(EXAMPLE.as_bytes()).unwrap();
        let checkpoint = Checkpoint::parse_text(note.text).unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(checkpoint.text(), note.text);
    }

    #[test]
    fn a_checkpoint_opens_only_with_its_key() {
        let origin = "log.example/audit".to_owned();
        let checkpoint = Checkpoint { origin: origin.clone(), size: 42, root: [7; 32] };
        let note = checkpoint.sign(&signer()).unwrap();
        let opened = Checkpoint::open(note.as_bytes(), signer().verifier());
        assert_eq!(opened, Ok(checkpoint.clone()));
        let other = Signer::new(&origin, &[4; 32]).unwrap();
        let refused = Checkpoint::open(note.as_bytes(), other.verifier()).unwrap_err();
        assert!(matches!(refused, CheckpointError::Note(NoteError::UnknownKey { .. })));
        let stranger = Signer::new("log.example/other", &[3; 32]).unwrap();
        let refused = Checkpoint::open(note.as_bytes(), stranger.verifier()).unwrap_err();
        assert!(matches!(refused, CheckpointError::Origin { .. }));
        let broken = Checkpoint { origin: "a\nb".into(), ..checkpoint };
        assert!(broken.sign(&signer()).is_err());
    }

    #[test]
    fn only_the_canonical_form_is_accepted() {
        let root = base64(Base64::Standard, &[7; 32]);
        let cases = [
            (String::new(), 2),
            ("a".into(), 2),
            ("a\n1".into(), 3),
            (format!("\n1\n{root}\n"), 1),
            (format!("a\n01\n{root}\n"), 2),
            (format!("a\n+1\n{root}\n"), 2),
            (format!("a\n\n{root}\n"), 2),
            (format!("a\n18446744073709551616\n{root}\n"), 2),
            (format!("a\n1\n{}\n", &root[..43]), 3),
            (format!("a\n1\n{root}"), 4),
            (format!("a\n1\n{root}\nextension\n"), 4),
            (format!("a\n1\n{root}\n\n"), 4),
        ];
        for (text, line) in cases {
            match Checkpoint::parse_text(&text) {
                Err(CheckpointError::Line { number, .. }) => assert_eq!(number, line, "{text:?}"),
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_rejected_or_round_trips(
            text in "([a-z/]{0,3}\n?[0-9]{0,3}\n?[A-Za-z0-9+/]{0,43}=?\n?){1,2}"
        ) {
            if let Ok(checkpoint) = Checkpoint::parse_text(&text) {
                prop_assert_eq!(checkpoint.text(), text);
            }
        }
    }
}
