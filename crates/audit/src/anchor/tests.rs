//! Requests and responses: round trips, damage at every byte, and interoperation with `openssl ts`.
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::der::{Der, SEQUENCE, put};
use super::*;

const TEXT: &str = "test.example/audit\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
const OTHER: &str = "test.example/audit\n43\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

proptest! {
    #[test]
    fn a_request_round_trips_and_rejects_other_bytes(
        nonce: [u8; 8], place in 0usize..80, bits in 1u8..=255, cut in 0usize..80, text: String,
    ) {
        let request = TimestampRequest::new(&text, nonce);
        let der = request.to_der();
        prop_assert_eq!(TimestampRequest::parse(&der), Ok(request));
        let mut longer = der.clone();
        longer.push(0);
        prop_assert!(TimestampRequest::parse(&longer).is_err());
        prop_assert!(TimestampRequest::parse(&der[..cut % der.len()]).is_err());
        let mut changed = der.clone();
        let place = place % der.len();
        changed[place] ^= bits;
        // The encoding is canonical: a changed request that parses is a different one.
        if let Ok(found) = TimestampRequest::parse(&changed) {
            prop_assert_ne!(found, request);
            prop_assert_eq!(found.to_der(), changed);
        }
    }

    #[test]
    fn any_bytes_parse_or_return_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Timestamp::parse(&bytes);
        let _ = TimestampRequest::parse(&bytes);
        let mut framed = Vec::new();
        put(&mut framed, SEQUENCE, &bytes);
        let _ = Timestamp::parse(&framed);
    }

    #[test]
    fn an_element_round_trips(content in proptest::collection::vec(any::<u8>(), 0..70_000)) {
        let mut bytes = Vec::new();
        put(&mut bytes, SEQUENCE, &content);
        let mut der = Der::new(&bytes);
        prop_assert_eq!(der.take(SEQUENCE, "it").unwrap().bytes(), &content[..]);
        der.end().unwrap();
    }
}

#[test]
fn non_minimal_lengths_are_rejected() {
    for bytes in [
        &[0x30, 0x80, 0, 0][..],
        &[0x30, 0x81, 0x01, 0],
        &[0x30, 0x82, 0, 0x80],
        &[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        &[0x30, 0x02, 0],
        &[0x30],
        &[],
    ] {
        assert!(Der::new(bytes).take(SEQUENCE, "it").is_err(), "{bytes:02x?}");
    }
}

/// A temporary authority.
struct Authority {
    dir: tempfile::TempDir,
}

fn openssl(dir: &Path, arguments: &str) -> Result<Vec<u8>, String> {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(dir);
    let output = command.output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

impl Authority {
    /// `None`, with a message, if `openssl` is not installed.
    fn new() -> Option<Authority> {
        let dir = tempfile::tempdir().unwrap();
        if let Err(error) = openssl(dir.path(), "version") {
            println!("skipped: openssl does not run: {error}");
            return None;
        }
        std::fs::write(
            dir.path().join("cnf"),
            "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=v3\n[dn]\nCN=Test TSA\n\
             [v3]\nextendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n\
             basicConstraints=critical,CA:true\n\
             [tsa]\ndefault_tsa=a\n[a]\nserial=serial\ncrypto_device=builtin\nsigner_cert=cert\n\
             signer_key=key\nsigner_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256\n\
             accuracy=secs:1\nordering=yes\ntsa_name=yes\ness_cert_id_chain=no\n",
        )
        .unwrap();
        std::fs::write(dir.path().join("serial"), "01\n").unwrap();
        let made = "req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -config cnf";
        openssl(dir.path(), made).unwrap();
        Some(Authority { dir })
    }

    fn answer(&self, request: &TimestampRequest) -> Vec<u8> {
        std::fs::write(self.dir.path().join("tsq"), request.to_der()).unwrap();
        let reply = "ts -reply -config cnf -section a -queryfile tsq -out tsr";
        openssl(self.dir.path(), reply).unwrap();
        std::fs::read(self.dir.path().join("tsr")).unwrap()
    }
}

#[test]
fn openssl_stamps_match_only_their_checkpoint() {
    let Some(authority) = Authority::new() else { return };
    // The first nonce has its first bit set and must still be encoded as non-negative.
    for nonce in [[0x80, 1, 2, 3, 4, 5, 6, 7], [0, 0, 0, 9, 0, 0, 0, 1]] {
        let request = TimestampRequest::new(TEXT, nonce);
        let answer = authority.answer(&request);
        let shown = openssl(authority.dir.path(), "ts -query -in tsq -text").unwrap();
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.contains("Hash Algorithm: sha256"), "{shown}");
        assert!(shown.contains("Certificate required: yes"), "{shown}");

        let stamp = Timestamp::parse(&answer).unwrap();
        stamp.check(TEXT, Some(&request)).unwrap();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as i64;
        assert!((now - stamp.unix_nanos).abs() < 120_000_000_000, "{stamp:?}");
        let refused = stamp.check(OTHER, None).unwrap_err();
        assert!(matches!(refused, TimestampError::Imprint { .. }), "{refused}");
        let old = TimestampRequest::new(TEXT, [1; 8]);
        let refused = stamp.check(TEXT, Some(&old)).unwrap_err();
        assert!(matches!(refused, TimestampError::Nonce { .. }), "{refused}");
        // openssl checks the signature, given our hash.
        let digest = ringseal_base::digest::text::hex(&imprint(TEXT));
        let verify = format!("ts -verify -digest {digest} -in tsr -CAfile cert");
        openssl(authority.dir.path(), &verify).unwrap();
        openssl(authority.dir.path(), "ts -reply -in tsr -token_out -out token").unwrap();
        let token = std::fs::read(authority.dir.path().join("token")).unwrap();
        assert_eq!(Timestamp::parse(&token).unwrap(), stamp);
        // A response that is cut or changed at any byte gives an error or another value, never a panic.
        for at in 0..answer.len() {
            assert!(Timestamp::parse(&answer[..at]).is_err(), "{at}");
            let mut changed = answer.clone();
            changed[at] ^= 0x55;
            let _ = Timestamp::parse(&changed);
        }
    }
}

#[test]
fn a_refusal_carries_the_authoritys_status() {
    let Some(authority) = Authority::new() else { return };
    // The authority stamps only SHA-512.
    let cnf = authority.dir.path().join("cnf");
    let text = std::fs::read_to_string(&cnf).unwrap().replace("digests=sha256", "digests=sha512");
    std::fs::write(cnf, text).unwrap();
    let error =
        Timestamp::parse(&authority.answer(&TimestampRequest::new(TEXT, [1; 8]))).unwrap_err();
    assert!(matches!(error, TimestampError::Refused { status: 2, .. }), "{error}");
}

#[test]
fn a_timestamps_checkpoint_is_found_among_all() {
    let signature = "AAAA".repeat(24);
    let note = |text: &str| format!("{text}\n\u{2014} test.example/audit {signature}\n\n");
    let all = [note(OTHER), note(TEXT), note("a\n1\nb\n")].concat();
    let stamp = |text: &str| Timestamp {
        imprint: imprint(text),
        unix_nanos: 0,
        serial: Vec::new(),
        nonce: None,
    };
    let unfinished = format!("{all}test.example/audit\n99\n");
    for text in [OTHER, TEXT] {
        let found = find_stamped_note(unfinished.as_bytes(), &stamp(text));
        assert_eq!(found.map(|note| note.text.to_owned()), Some(text.to_owned()));
    }
    assert_eq!(find_stamped_note(unfinished.as_bytes(), &stamp("c\n")), None);
    assert_eq!(find_stamped_note(b"", &stamp(TEXT)), None);
}
