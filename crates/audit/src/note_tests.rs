//! Notes: the examples of the specification and of Go's documentation, and malformed input.
use proptest::prelude::*;

use super::*;

/// From the documentation of Go's `sumdb/note`.
const SKEY: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
const SIGNED: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn gos_example_signs_identically() {
    let signer = Signer::parse(SKEY).unwrap();
    assert_eq!(signer.sign(TEXT).unwrap(), SIGNED);
    assert_eq!(signer.verifier().to_string(), VKEY);
    assert_eq!(*signer.secret_text(), SKEY);
    let note = Note::parse(SIGNED.as_bytes()).unwrap();
    assert_eq!(note.text, TEXT);
    assert_eq!(note.verify(&Verifier::parse(VKEY).unwrap()), Ok(()));
}

#[test]
fn text_may_have_empty_lines() {
    let signer = Signer::parse(SKEY).unwrap();
    for text in ["a\n\nb\n", "\n", "\n\n\n", "a\n\n"] {
        let signed = signer.sign(text).unwrap();
        let note = Note::parse(signed.as_bytes()).unwrap();
        assert_eq!(note.text, text);
        assert_eq!(note.verify(signer.verifier()), Ok(()));
    }
}

#[test]
fn unknown_signatures_are_ignored_and_wrong_ones_rejected() {
    let signer = Signer::parse(SKEY).unwrap();
    let other = Signer::new("PeterNeumann", &[9; 32]).unwrap();
    let both = format!("{TEXT}\n{}{}", other.signature_line(TEXT), signer.signature_line(TEXT));
    let note = Note::parse(both.as_bytes()).unwrap();
    assert_eq!(note.verify(signer.verifier()), Ok(()));
    assert_eq!(note.verify(other.verifier()), Ok(()));
    let third = Signer::new("PeterNeumann", &[8; 32]).unwrap();
    let key = third.verifier().short();
    assert_eq!(note.verify(third.verifier()), Err(NoteError::UnknownKey { key }));
    // A valid signature does not excuse a wrong one by the same key.
    let wrong = format!("{TEXT}\n{}{}", signer.signature_line("x\n"), signer.signature_line(TEXT));
    let note = Note::parse(wrong.as_bytes()).unwrap();
    let key = signer.verifier().short();
    assert_eq!(note.verify(signer.verifier()), Err(NoteError::BadSignature { key }));
}

#[test]
fn malformed_notes_are_rejected_with_their_reason() {
    let line = SIGNED.lines().last().unwrap();
    let many = format!("a\n\n{}", format!("{line}\n").repeat(SIGNATURES_MAX + 1));
    let cases = [
        (String::new(), NoteError::Shape),
        ("a\n".into(), NoteError::Shape),
        ("a\n\n".into(), NoteError::Shape),
        (format!("a\n\n{line}"), NoteError::Shape),
        (format!("a\n{line}\n"), NoteError::Shape),
        (format!("a\r\n\n{line}\n"), NoteError::Character { at: 1 }),
        (format!("a\n\n- x {line}\n"), NoteError::SignatureLine { number: 1 }),
        (format!("a\n\n{line}\nb\n"), NoteError::SignatureLine { number: 2 }),
        (format!("a\n\n{line} \n"), NoteError::SignatureLine { number: 1 }),
        ("a\n\n\u{2014} x AAAAAA==\n".into(), NoteError::SignatureLine { number: 1 }),
        ("a\n\n\u{2014} x+y AAAAAAA=\n".into(), NoteError::SignatureLine { number: 1 }),
        ("a\n\n\u{2014}  AAAAAAA=\n".into(), NoteError::SignatureLine { number: 1 }),
        (many, NoteError::TooLong),
        ("a".repeat(NOTE_BYTES_MAX + 1), NoteError::TooLong),
    ];
    for (text, error) in cases {
        assert_eq!(Note::parse(text.as_bytes()), Err(error), "{:?}", &text[..text.len().min(200)]);
    }
    let error = NoteError::Character { at: 1 };
    assert_eq!(Note::parse(b"a\xFF\n\n"), Err(error));
}

#[test]
fn keys_with_any_wrong_part_are_rejected() {
    let cases = [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a3+AhPc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ];
    for text in cases {
        assert!(Verifier::parse(text).is_err(), "{text}");
        assert!(Signer::parse(&format!("{PRIVATE}{text}")).is_err(), "{text}");
    }
    assert!(Signer::parse(VKEY).is_err());
    // The neutral element: every signature of zeros would verify.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert!(Verifier::new("a", &neutral).is_err());
}

#[test]
fn private_keys_are_not_printed() {
    let shown = format!("{:?}", Signer::parse(SKEY).unwrap());
    assert_eq!(shown, "Signer(PeterNeumann+c74f20a3)");
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Note::parse(&bytes);
        let _ = Verifier::parse(&String::from_utf8_lossy(&bytes));
    }

    /// A flipped bit changes the text, the signature, or the signer.
    #[test]
    fn a_changed_note_does_not_verify(at in 0usize..260, bit in 0u8..8) {
        let mut bytes = SIGNED.as_bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let verifier = Verifier::parse(VKEY).unwrap();
        let holds = Note::parse(&bytes).is_ok_and(|note| note.verify(&verifier).is_ok());
        prop_assert!(!holds);
    }
}
