//! Checks of the audit module: checkpoints, proofs, and a whole log that the input tampers with.
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ringseal::internals::digest::Sha256;
use ringseal::system::{Clock, ManualClock};
use ringseal::system::{FileKind, FileLock, FileStat, OpenMode, OsStorage, Storage, StorageFile};
use ringseal_audit::checkpoint::Checkpoint;
use ringseal_audit::entry::control::RotateReason;
use ringseal_audit::entry::{Body, Parser};
use ringseal_audit::keys::{ChainKey, load_mac};
use ringseal_audit::note::{Note, Signer, Verifier};
use ringseal_audit::proof::{ConsistencyProof, InclusionProof, prove_consistency, prove_inclusion};
use ringseal_audit::store::{AuditLog, Host, LogOptions};
use ringseal_audit::verify::{KnownCheckpoint, VerifyOptions, VerifyOutcome, verify};

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A log written by the real writer: the same in every run, so that a failing input fails again.
pub struct Scene {
    files: Files,
    root: Verifier,
    first_key: ChainKey,
    /// One proof of each type.
    proofs: [Vec<u8>; 2],
}

/// The log, created once.
pub fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| make().expect("the log is written"))
}

fn make() -> io::Result<Scene> {
    let away = std::env::temp_dir().join(format!("ringseal-fuzz-{}", std::process::id()));
    let dir = away.join("log");
    std::fs::create_dir_all(&away)?;
    let clock = Arc::new(ManualClock::at(1_795_360_160_000_000_000));
    let root = AuditLog::create(&mut host(&clock, 0), &dir, &away, "fuzz.example/audit")
        .map_err(io::Error::other)?;
    let mut log =
        AuditLog::open(host(&clock, 100), &dir, LogOptions::default()).map_err(io::Error::other)?;
    for segment in 0..3 {
        for event in 0..4 {
            clock.advance(1_000_000_000);
            let members = format!("\"event_type\":\"user.login\",\"id\":\"u{segment}{event}\"");
            let body =
                Body::new(members.as_bytes(), &mut Parser::new()).map_err(io::Error::other)?;
            log.append(body, clock.unix_nanos()).map_err(io::Error::other)?;
        }
        log.maintain().map_err(io::Error::other)?;
        if segment < 2 {
            log.rotate(RotateReason::Manual).map_err(io::Error::other)?;
        }
    }
    log.close().map_err(io::Error::other)?;
    let first_key = load_mac(&OsStorage, &away.join("audit.mac")).map_err(io::Error::other)?;
    let one = prove_inclusion(&OsStorage, &dir, &root, 3).map_err(io::Error::other)?;
    let sizes = Checkpoint::parse_text(Note::parse(one.checkpoint.as_bytes()).unwrap().text);
    let size = sizes.map_err(io::Error::other)?.size;
    let two = prove_consistency(&OsStorage, &dir, &root, 5, size).map_err(io::Error::other)?;
    let mut files = Files::new();
    collect(&dir, Path::new("/log"), &mut files)?;
    files.retain(|path, _| !path.starts_with("/log/keys"));
    std::fs::remove_dir_all(&away)?;
    let proofs = [one.to_text().into_bytes(), two.to_text().into_bytes()];
    Ok(Scene { files, root, first_key, proofs })
}

fn host(clock: &Arc<ManualClock>, seed: u64) -> Host {
    let mut state = seed;
    Host {
        storage: Arc::new(OsStorage),
        clock: clock.clone(),
        random: Box::new(move |buffer| {
            for chunk in buffer.chunks_mut(32) {
                state += 1;
                chunk.copy_from_slice(&Sha256::of(&state.to_be_bytes())[..chunk.len()]);
            }
            Ok(())
        }),
    }
}

fn collect(from: &Path, to: &Path, files: &mut Files) -> io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &to, files)?;
        } else {
            files.insert(to, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// Opens any bytes as a note and its text as a checkpoint.
///
/// # Panics
/// If an accepted text is not in canonical form, or an unrelated key opens it.
pub fn checkpoint(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(checkpoint) = Checkpoint::parse_text(text)
    {
        assert_eq!(checkpoint.text(), text);
    }
    let Ok(note) = Note::parse(bytes) else { return };
    assert!(bytes.starts_with(note.text.as_bytes()));
    if let Ok(opened) = Checkpoint::open(bytes, &scene().root) {
        assert_eq!(opened.text(), note.text);
        assert!(
            scene().notes().iter().any(|known| known == note.text),
            "a note without a valid signature"
        );
    }
    let stranger = Signer::new("fuzz.example/audit", &[77; 32]).expect("a key");
    assert!(Checkpoint::open(bytes, stranger.verifier()).is_err());
}

impl Scene {
    /// The texts of all notes of the log: origin, size and root, before an empty line, a signature and
    /// an empty line.
    fn notes(&self) -> Vec<String> {
        let all = self.files.get(Path::new("/log/checkpoints")).cloned().unwrap_or_default();
        let all = String::from_utf8(all).unwrap_or_default();
        let lines: Vec<&str> = all.split_inclusive('\n').collect();
        lines.chunks(6).filter_map(|note| note.get(..3)).map(<[&str]>::concat).collect()
    }

    /// Seeds for `proof_parse`.
    pub fn proof_seeds(&self) -> Vec<Vec<u8>> {
        self.proofs.to_vec()
    }

    /// Seeds for `checkpoint_parse`: each note, and the text of each.
    pub fn checkpoint_seeds(&self) -> Vec<Vec<u8>> {
        let note = self.files.get(Path::new("/log/checkpoint")).cloned().unwrap_or_default();
        let mut seeds: Vec<Vec<u8>> = self.notes().into_iter().map(String::into_bytes).collect();
        seeds.push(note);
        seeds
    }
}

/// Reads any bytes as a proof.
///
/// # Panics
/// If a proof is accepted that does not prove a claim about the log.
pub fn proof(bytes: &[u8]) {
    let scene = scene();
    let [one, two] = &scene.proofs;
    if let Ok(proof) = InclusionProof::parse(bytes) {
        assert_eq!(proof.to_text().as_bytes(), bytes, "one spelling");
        if proof.verify(&scene.root, None).is_ok() {
            let own = InclusionProof::parse(one).expect("our own");
            let claim = |p: InclusionProof| (p.line, p.index);
            assert_eq!(claim(proof), claim(own));
        }
    }
    if let Ok(proof) = ConsistencyProof::parse(bytes) {
        assert_eq!(proof.to_text().as_bytes(), bytes, "one spelling");
        if proof.old_size > 0 && proof.verify(&scene.root).is_ok() {
            let own = ConsistencyProof::parse(two).expect("our own");
            let claim = |p: ConsistencyProof| (p.old_size, p.old_root);
            assert_eq!(claim(proof), claim(own));
        }
    }
}

/// Verifies a log with the input's changes. Each change has six bytes: file, place (3), operation, byte.
///
/// # Panics
/// If the verifier reports a log as intact whose entries differ from those that were written.
pub fn log(bytes: &[u8]) {
    let scene = scene();
    let mut files = scene.files.clone();
    let names: Vec<PathBuf> = files.keys().cloned().collect();
    for change in bytes.chunks_exact(6).take(16) {
        let name = &names[usize::from(change[0]) % names.len()];
        let other = names[usize::from(change[5]) % names.len()].clone();
        let place = u32::from_be_bytes([0, change[1], change[2], change[3]]) as usize;
        let Some(file) = files.get_mut(name) else { continue };
        let at = place % (file.len() + 1);
        match change[4] % 8 {
            0 => file.insert(at, change[5]),
            1 if at < file.len() => drop(file.remove(at)),
            2 => file.truncate(at),
            3 => {
                files.remove(name);
            }
            4 => {
                // A duplicated line.
                let line =
                    file.split_inclusive(|b| *b == b'\n').nth(place % 64).map(<[u8]>::to_vec);
                file.splice(at..at, line.unwrap_or_default());
            }
            5 => {
                let content = file.clone();
                files.insert(other, content);
            }
            6 => {
                // A removed line.
                let mut lines: Vec<_> = file.split_inclusive(|b| *b == b'\n').collect();
                if !lines.is_empty() {
                    lines.remove(place % lines.len());
                }
                *file = lines.concat();
            }
            _ if at < file.len() => file[at] ^= change[5],
            _ => {}
        }
    }
    check(scene, &files);
}

fn check(scene: &Scene, files: &Files) {
    let mut options = VerifyOptions::new(scene.root.clone());
    options.first_key = Some(scene.first_key.clone());
    let note = scene.files.get(Path::new("/log/checkpoint")).cloned().unwrap_or_default();
    options.known_checkpoints.push(KnownCheckpoint { name: "known".into(), note });
    let disk = Memory { files: Arc::new(files.clone()) };
    let report = verify(&disk, Path::new("/log"), &options, &mut |_| ());
    assert_eq!(report.outcome == VerifyOutcome::Tampered, report.first_bad.is_some());
    assert_eq!(report.outcome == VerifyOutcome::Unchecked, report.problem.is_some());
    let _: serde_json::Value = serde_json::from_str(&report.to_json()).expect("JSON");
    if report.outcome != VerifyOutcome::Intact {
        return;
    }
    let is_segment = |path: &Path| path.extension().is_some_and(|end| end == "jsonl");
    for (path, bytes) in scene.files.iter().filter(|(path, _)| is_segment(path)) {
        let found = files.get(path).map_or(&[][..], Vec::as_slice);
        // An unfinished line after the end does not belong to the log.
        let rest = found.strip_prefix(bytes.as_slice());
        let is_whole = rest.is_some_and(|rest| !rest.contains(&b'\n'));
        assert!(is_whole, "{} was changed and called intact", path.display());
    }
}

/// A read-only file system in memory.
struct Memory {
    files: Arc<Files>,
}

struct MemoryFile {
    files: Arc<Files>,
    path: PathBuf,
}

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::PermissionDenied.into())
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn stat_of(files: &Files, path: &Path) -> io::Result<FileStat> {
    let len = files.get(path).ok_or_else(missing)?.len() as u64;
    let (kind, mode) = (FileKind::Regular, None);
    Ok(FileStat { id: None, kind, len, links: 1, modified_unix_nanos: 0, mode })
}

impl Storage for Memory {
    fn lock(&self, _: &Path, _: u32) -> io::Result<FileLock> {
        refused()
    }
    fn open(&self, path: &Path, _: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        stat_of(&self.files, path)?;
        Ok(Box::new(MemoryFile { files: Arc::clone(&self.files), path: path.to_owned() }))
    }
    fn stat(&self, path: &Path) -> io::Result<FileStat> {
        stat_of(&self.files, path)
    }
    fn link(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }
    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }
    fn remove(&self, _: &Path) -> io::Result<()> {
        refused()
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let inside = self.files.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| path.file_name()).map(OsString::from).collect())
    }
    fn create_dir(&self, _: &Path, _: u32) -> io::Result<()> {
        refused()
    }
    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }
}

impl StorageFile for MemoryFile {
    fn append(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        refused()
    }
    fn position(&self) -> io::Result<u64> {
        refused()
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.files.get(&self.path).ok_or_else(missing)?;
        let from = bytes.len().min(offset as usize);
        let count = buffer.len().min(bytes.len() - from);
        buffer[..count].copy_from_slice(&bytes[from..from + count]);
        Ok(count)
    }
    fn set_len(&mut self, _: u64) -> io::Result<()> {
        refused()
    }
    fn stat(&self) -> io::Result<FileStat> {
        stat_of(&self.files, &self.path)
    }
    fn sync(&self) -> io::Result<()> {
        refused()
    }
}

/// Seeds for `audit_verify`: nothing, and each kind of change.
pub fn changes() -> Vec<Vec<u8>> {
    let mut seeds = vec![Vec::new()];
    for what in 0..8 {
        for file in 0..8 {
            seeds.push(vec![file, 0, file * 3, 36 * what, what, 1 << (file % 8)]);
        }
    }
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seeds, each cut short at every eighth byte and with every eighth byte changed.
    fn replay(seeds: Vec<Vec<u8>>, check: fn(&[u8])) {
        for seed in seeds {
            check(&seed);
            for at in (0..seed.len()).step_by(8) {
                check(&seed[..at]);
                let mut damaged = seed.clone();
                damaged[at] ^= 1 << (at / 8 % 8);
                check(&damaged);
            }
        }
    }

    #[test]
    fn checkpoints_and_their_damaged_copies() {
        replay(scene().checkpoint_seeds(), checkpoint);
    }

    #[test]
    fn proofs_and_their_damaged_copies() {
        replay(scene().proof_seeds(), proof);
    }

    #[test]
    fn logs_and_their_damaged_copies() {
        assert_eq!(scene().checkpoint_seeds().len(), 5);
        for seed in changes() {
            log(&seed);
        }
        // Pseudorandom changes, up to eight at once.
        let mut state = Sha256::of(b"changes");
        for round in 0..300usize {
            state = Sha256::of(&state);
            let more = Sha256::of(&[&state[..], b"more"].concat());
            let noise = [state, more].concat();
            log(&noise[..6 * (1 + round % 8)]);
        }
    }
}
