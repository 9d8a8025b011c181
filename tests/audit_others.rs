//! Compares the tree, tiles, notes and checkpoints with independent implementations: the crates
//! `ct-merkle`, `tlog_tiles`, `signed_note` and `sigsum`, the command `openssl`, and Go's
//! `golang.org/x/mod/sumdb` where it is installed.
#![cfg(feature = "audit")]

use std::path::Path;
use std::process::Command;

use ringseal::audit::checkpoint::Checkpoint;
use ringseal::audit::merkle::{
    Tree, leaf_hash, prove_consistency, prove_inclusion, root_at, verify_consistency,
    verify_inclusion,
};
use ringseal::audit::note::{Note, Signer, Verifier};
use ringseal::audit::tiles::{TileReader, TileWriter};
use ringseal::internals::digest::text::{Base64, base64, hex};
use ringseal::internals::digest::{Hash, Sha256};
use ringseal::system::OsStorage;

const NAME: &str = "log.example/audit";
const SIZES: [u64; 12] = [1, 2, 3, 7, 8, 255, 256, 257, 511, 513, 1000, 70_000];

fn record(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn leaf(index: u64) -> Hash {
    leaf_hash(&record(index))
}

/// A directory with the tiles of a tree of `size` leaves, and its root.
fn tiles(size: u64) -> (tempfile::TempDir, Hash) {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = TileWriter::new(dir.path(), 0o600);
    (0..size).for_each(|index| writer.push(leaf(index)));
    writer.seal(&OsStorage).unwrap();
    let root = writer.tree().root();
    (dir, root)
}

fn signer() -> Signer {
    Signer::new(NAME, &[7; 32]).unwrap()
}

/// Pseudo-random indices to check, by `SplitMix64`.
fn indices(count: usize, below: u64) -> Vec<u64> {
    let mut state = 42u64;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 27)) % below
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn roots_and_proofs_match_ct_merkle() {
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    let (dir, _) = tiles(1000);
    let mut theirs: MemoryBackedTree<sha2_11::Sha256, Vec<u8>> = MemoryBackedTree::new();
    let mut ours = Tree::new();
    let mut reader = TileReader::new(&OsStorage, dir.path(), 1000);
    for size in 1..=130u64 {
        theirs.push(record(size - 1));
        ours.push(leaf(size - 1));
        assert_eq!(theirs.root().as_bytes().as_slice(), ours.root(), "{size}");
        for index in 0..size {
            let proof = prove_inclusion(&mut reader, index, size).unwrap();
            assert_eq!(theirs.prove_inclusion(index as usize).as_bytes(), proof.concat());
        }
        for old in 1..size {
            let proof = prove_consistency(&mut reader, old, size).unwrap();
            let theirs = theirs.prove_consistency((size - old) as usize);
            assert_eq!(theirs.as_bytes(), proof.concat(), "{old} of {size}");
        }
    }
}

/// Reads our tiles for `tlog_tiles`.
struct TheirReader<'a>(&'a Path);

impl tlog_tiles::TileReader for TheirReader<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            // `tlog_tiles` puts the height into the path, as Go does; in C2SP it is fixed.
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            std::fs::read(self.0.join(&path)).unwrap_or_else(|_| panic!("{path} is missing"))
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _tiles: &[tlog_tiles::Tile], _data: &[Vec<u8>]) {}
}

#[test]
fn tlog_tiles_accepts_our_tiles_and_proofs() {
    use tlog_tiles::{check_record, check_tree, prove_record, prove_tree};
    for size in SIZES {
        let (dir, root) = tiles(size);
        let theirs = TheirReader(dir.path());
        let reader = tlog_tiles::TileHashReader::new(size, tlog_tiles::Hash(root), &theirs);
        let mut ours = TileReader::new(&OsStorage, dir.path(), size);
        for index in indices(20, size) {
            let proof = prove_inclusion(&mut ours, index, size).unwrap();
            let wrapped: Vec<_> = proof.iter().copied().map(tlog_tiles::Hash).collect();
            assert_eq!(prove_record(size, index, &reader).unwrap(), wrapped, "{index} of {size}");
            let (th, h) = (tlog_tiles::Hash(root), tlog_tiles::record_hash(&record(index)));
            check_record(&wrapped, size, th, index, h).unwrap();
            verify_inclusion(&leaf(index), index, size, &proof, &root).unwrap();
        }
        for old in indices(20, size).into_iter().map(|old| old + 1) {
            let proof = prove_consistency(&mut ours, old, size).unwrap();
            let old_root = root_at(&mut ours, old).unwrap();
            let wrapped: Vec<_> = proof.iter().copied().map(tlog_tiles::Hash).collect();
            assert_eq!(prove_tree(size, old, &reader).unwrap(), wrapped, "{old} of {size}");
            let (th, h) = (tlog_tiles::Hash(root), tlog_tiles::Hash(old_root));
            check_tree(&wrapped, size, th, old, h).unwrap();
            verify_consistency(old, size, &proof, &old_root, &root).unwrap();
        }
    }
}

#[test]
fn checkpoints_interoperate_with_tlog_tiles_and_signed_note() {
    use signed_note::{StandardSigner, StandardVerifier, VerifierList};
    let ours = signer();
    let vkey = ours.verifier().to_string();
    let checkpoint = Checkpoint { origin: NAME.into(), size: 70_000, root: [9; 32] };
    let note = checkpoint.sign(&ours).unwrap();
    let read = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
    let list = VerifierList::new(vec![Box::new(StandardVerifier::new(&vkey).unwrap())]);
    let (verified, unverified) = read.verify(&list).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 0));
    let theirs = tlog_tiles::Checkpoint::from_bytes(read.text()).unwrap();
    assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), (NAME, 70_000, [9; 32]));
    assert_eq!(theirs.to_bytes(), checkpoint.text().into_bytes());

    let their_signer = StandardSigner::new(&ours.secret_text()).unwrap();
    let mut written = signed_note::Note::new(read.text(), &[]).unwrap();
    written.add_sigs(&[&their_signer]).unwrap();
    assert_eq!(written.to_bytes(), note.as_bytes(), "Ed25519 is deterministic");
    let opened = Checkpoint::open(&written.to_bytes(), ours.verifier()).unwrap();
    assert_eq!(opened, checkpoint);
}

#[test]
fn sigsum_accepts_our_signatures_and_inclusion_proofs() {
    // A sigsum log with our tree and our signatures; its leaves are 128 bytes in sigsum's format.
    let submitter = Signer::new("submitter", &[1; 32]).unwrap();
    let log = signer();
    let key_hash = |signer: &Signer| Sha256::of(signer.verifier().public_bytes());
    let messages: Vec<Hash> = (0..50u64).map(|index| Sha256::of(&index.to_be_bytes())).collect();
    let signed = |message: &Hash| {
        let checksum = Sha256::of(message);
        let text = [b"sigsum.org/v1/tree-leaf\0".as_slice(), &checksum].concat();
        (checksum, submitter.sign_bytes(&text))
    };
    let dir = tempfile::tempdir().unwrap();
    let mut writer = TileWriter::new(dir.path(), 0o600);
    for message in &messages {
        let (checksum, signature) = signed(message);
        let bytes = [checksum.as_slice(), &signature, &key_hash(&submitter)].concat();
        writer.push(leaf_hash(&bytes));
    }
    writer.seal(&OsStorage).unwrap();
    let (size, root) = (writer.tree().len(), writer.tree().root());
    let origin = format!("sigsum.org/v1/tree/{}", hex(&key_hash(&log)));
    let head = Checkpoint { origin, size, root }.text();
    let head_signature = log.sign_bytes(head.as_bytes());
    let policy = format!("log {}\nquorum none\n", hex(log.verifier().public_bytes()));
    let policy = sigsum::Policy::parse(&policy).unwrap();
    let signers = [sigsum::PublicKey::from(*submitter.verifier().public_bytes())];
    let mut reader = TileReader::new(&OsStorage, dir.path(), size);
    for (index, message) in messages.iter().enumerate() {
        let path = prove_inclusion(&mut reader, index as u64, size).unwrap();
        let hashes: String = path.iter().map(|hash| format!("node_hash={}\n", hex(hash))).collect();
        let file = format!(
            "version=2\nlog={}\nleaf={} {}\n\nsize={size}\nroot_hash={}\nsignature={}\n\n\
             leaf_index={index}\n{hashes}",
            hex(&key_hash(&log)),
            hex(&key_hash(&submitter)),
            hex(&signed(message).1),
            hex(&root),
            hex(&head_signature),
        );
        let proof = sigsum::SigsumSignature::from_ascii(&file).unwrap();
        sigsum::verify(&sigsum::Hash::from(*message), &proof, &signers, &policy).unwrap();
    }
}

/// Runs a command in a directory; `None` if it is not installed.
fn run(dir: &Path, program: &str, args: &[&str]) -> Option<(bool, String)> {
    let output = Command::new(program).args(args).current_dir(dir).output();
    let output = output.ok()?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Some((output.status.success(), text))
}

fn pem(label: &str, prefix: &[u8], key: &[u8; 32]) -> String {
    let body = base64(Base64::Standard, &[prefix, key].concat());
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn signatures_interoperate_with_openssl() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    if run(dir.path(), "openssl", &["version"]).is_none() {
        println!("skipped: openssl is not installed");
        return;
    }
    let ours = signer();
    // RFC 8410: the fixed prefixes of the two encodings.
    let public_prefix = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];
    let private_prefix = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let public = pem("PUBLIC KEY", &public_prefix, ours.verifier().public_bytes());
    std::fs::write(at("public.pem"), public).unwrap();
    std::fs::write(at("private.pem"), pem("PRIVATE KEY", &private_prefix, &[7; 32])).unwrap();
    let text = Checkpoint { origin: NAME.into(), size: 5, root: [1; 32] }.text();
    std::fs::write(at("text"), &text).unwrap();
    std::fs::write(at("ours.sig"), ours.sign_bytes(text.as_bytes())).unwrap();
    let verify = |signature| {
        let args =
            ["pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-in", "text"];
        let (is_right, output) =
            run(dir.path(), "openssl", &[&args[..], &["-sigfile", signature]].concat()).unwrap();
        println!("{signature}: {output}");
        is_right
    };
    assert!(verify("ours.sig"));
    let mut wrong = ours.sign_bytes(text.as_bytes());
    wrong[5] ^= 1;
    std::fs::write(at("wrong.sig"), wrong).unwrap();
    assert!(!verify("wrong.sig"));
    let args = ["pkeyutl", "-sign", "-inkey", "private.pem", "-rawin", "-in", "text", "-out"];
    let (done, output) =
        run(dir.path(), "openssl", &[&args[..], &["theirs.sig"]].concat()).unwrap();
    assert!(done, "{output}");
    let theirs: [u8; 64] = std::fs::read(at("theirs.sig")).unwrap().try_into().unwrap();
    assert!(ours.verifier().verify(text.as_bytes(), &theirs));
}

#[test]
fn go_accepts_our_notes_tiles_and_proofs() {
    // The path of the module in Debian's golang-golang-x-mod-dev.
    const GOPATH: &str = "/usr/share/gocode";
    let module = Path::new(GOPATH).join("src/golang.org/x/mod/sumdb/tlog");
    if Command::new("go").arg("version").output().is_err() || !module.is_dir() {
        println!("skipped: needs go and {} (golang-go, golang-golang-x-mod-dev)", module.display());
        return;
    }
    let size = 70_000;
    let (dir, root) = tiles(size);
    let mut reader = TileReader::new(&OsStorage, dir.path(), size);
    let ours = signer();
    let note = Checkpoint { origin: NAME.into(), size, root }.sign(&ours).unwrap();
    std::fs::write(dir.path().join("note"), note).unwrap();
    std::fs::write(dir.path().join("vkey"), ours.verifier().to_string()).unwrap();
    let b64 = |hash: &Hash| base64(Base64::Standard, hash);
    let mut lines = format!("{size} {}\n", b64(&root));
    for index in indices(20, size) {
        let proof = prove_inclusion(&mut reader, index, size).unwrap();
        let proof: Vec<String> = proof.iter().map(b64).collect();
        lines += &format!("record {index} {} {}\n", b64(&leaf(index)), proof.join(" "));
    }
    for old in indices(20, size).into_iter().map(|old| old + 1) {
        let old_root = root_at(&mut reader, old).unwrap();
        let proof = prove_consistency(&mut reader, old, size).unwrap();
        let proof: Vec<String> = proof.iter().map(b64).collect();
        lines += &format!("tree {old} {} {}\n", b64(&old_root), proof.join(" "));
    }
    std::fs::write(dir.path().join("proofs"), lines).unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audit_others/check.go");
    let output = Command::new("go")
        .args([Path::new("run"), &program, dir.path()])
        .env("GO111MODULE", "off")
        .env("GOPATH", GOPATH)
        .env("GOCACHE", dir.path().join("cache"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && text.contains("all right"), "{text}");
}

/// The examples in Go's documentation and in the specification.
#[test]
fn keys_from_other_implementations_are_read() {
    let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let theirs = signed_note::StandardVerifier::new(vkey).unwrap();
    let ours = Verifier::parse(vkey).unwrap();
    assert_eq!(signed_note::Verifier::key_id(&theirs).to_be_bytes(), ours.id());
    let note = Note::parse(b"a\n\n\xE2\x80\x94 PeterNeumann x08gowAA\n").unwrap();
    assert!(note.is_signed_by(&ours));
}
