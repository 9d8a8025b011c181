//! Setting a damaged log aside: a new log begins in the same directory, and its first entry names the old one's state.
//!
//! The files of the old log are moved to `aside-1`, `aside-2` and so on. The new log goes on with the epoch's key, so
//! that its first entry is signed by the old log's last key, and with a key of the chain that is derived from the last
//! one on disk, so that `audit.mac` still checks every entry. `continued-from` has the signed changes of keys since the
//! first epoch: `audit.pub` still verifies the new log.
//!
//! Order: the derived key and the plan `continued-from.next` are on disk, then the files are moved, then the state and
//! the key are replaced, then the plan without its MAC becomes `continued-from`. After a crash at any point, the next
//! opening continues. The MAC is by the epoch's key: a plan that someone else put there is not carried out.
use std::io;

use super::disk::{Disk, Result, with_path};
use super::lines::Lines;
use super::load::list_sealed;
use super::names::{
    ACTIVE, CHAIN_KEY, CHAIN_NEXT, CHECKPOINT, CHECKPOINT_NEXT, CHECKPOINTS, CONTINUED,
    CONTINUED_NEXT, EPOCH_KEY, EPOCH_NEXT, INTEGRITY_LOG, KEPT, TILE_DIR, TORN_DIR, parse_sealed,
};
use super::scan::find_start;
use super::state::{self, StateKeys, StateRecord};
use super::{LogOptions, StoreError, checkpoint_files};
use crate::checkpoint::Checkpoint;
use crate::entry::control::Continued;
use crate::entry::{Parser, Scheme};
use crate::keys::{ChainKey, KeyError, load_chain, load_signer, replace_secret, wipe_secret};
use crate::merkle::empty_root;
use crate::note::Signer;
use ringseal_base::digest::constant_time_eq;
use ringseal_base::digest::text::{Base64, base64, base64_array, put_base64};

/// The first word of a plan.
const PREFIX: &str = "ringseal-continued-v1";
/// The first word of a plan's last line.
const MAC_PREFIX: &[u8] = b"ringseal-continued-mac-v1 ";
/// Longest description of the damage.
const DAMAGE_BYTES_MAX: usize = 300;

/// Prepares the setting aside: the derived key, then the plan.
pub(super) fn begin(disk: &Disk, options: &LogOptions, damage: &StoreError) -> Result<()> {
    let storage = &*disk.storage;
    let signer = load_signer(storage, &disk.secret(EPOCH_KEY))?;
    let saved = match options.scheme {
        Scheme::Mac => Some(load_chain(storage, &disk.secret(CHAIN_KEY))?),
        Scheme::Hash => None,
    };
    let start = find_start(disk, &list_sealed(disk)?).ok().flatten();
    let entries_per_key = start.map_or(options.ratchet, |start| start.ratchet).max(1);
    let state_keys = StateKeys {
        signer: &signer,
        next_signer: None,
        saved: saved.as_ref(),
        entries_per_key,
        found_entries: saved.as_ref().map_or(u64::MAX, |(seq, _)| *seq),
    };
    let found = state::load(disk, &state_keys)?;
    let note = checkpoint_files::last_note(disk, signer.verifier().name());
    let note = note.ok().and_then(|last| last.note);
    // Anyone can write a checkpoint that is not signed by the log's key.
    let note = note.and_then(|(text, _)| Checkpoint::open(text.as_bytes(), signer.verifier()).ok());
    let (entries, tree_root) = match (found.record(), note) {
        (Some(record), _) => (record.entries, record.root),
        (None, Some(note)) => (note.size, note.root),
        (None, None) => (0, empty_root()),
    };
    let continued = Continued {
        dir: free_name(disk)?,
        entries,
        tree_root,
        epoch: found.record().map_or(0, |record| record.epoch),
        chain_keys: chain_keys(disk, saved.as_ref().map(|(seq, _)| seq / entries_per_key))?,
        damage: plain(&damage.to_string()),
    };
    if let Some((_, key)) = &saved {
        let text = key.after_set_aside().chain_text(0);
        replace_secret(storage, &disk.secret(CHAIN_NEXT), text.as_bytes())?;
    }
    let mut plan = plan_text(&continued).into_bytes();
    for line in changes_of_keys(disk) {
        plan.extend_from_slice(&line);
        plan.push(b'\n');
    }
    let mac = signer.plan_mac(&plan);
    plan.extend_from_slice(MAC_PREFIX);
    put_base64(Base64::Url, &mac, &mut plan);
    plan.push(b'\n');
    disk.replace(CONTINUED_NEXT, &plan)
}

/// The plan without its last line, the MAC; `None` if this log's key did not write it.
fn own_plan<'p>(signer: &Signer, plan: &'p [u8]) -> Option<&'p [u8]> {
    let lines = plan.strip_suffix(b"\n")?;
    let (text, mac) = plan.split_at(memchr::memrchr(b'\n', lines)? + 1);
    let mac = mac.strip_prefix(MAC_PREFIX)?.strip_suffix(b"\n")?;
    let mac = base64_array(Base64::Url, mac).ok()?;
    constant_time_eq(&mac, &signer.plan_mac(text)).then_some(text)
}

/// How many keys each chain before this one has used, the oldest first.
fn chain_keys(disk: &Disk, used: Option<u64>) -> Result<Vec<u64>> {
    let before = disk.read(CONTINUED)?.and_then(|plan| parse_plan(&plan));
    let mut keys = before.map(|continued| continued.chain_keys).unwrap_or_default();
    keys.extend(used);
    Ok(keys)
}

/// Carries out a plan, if there is one. Returns what the first entry of a new log names.
pub(super) fn resume(disk: &Disk, options: &LogOptions) -> Result<Option<Continued>> {
    if let Some(plan) = disk.read(CONTINUED_NEXT)? {
        let signer = load_signer(&*disk.storage, &disk.secret(EPOCH_KEY))?;
        let own = own_plan(&signer, &plan).and_then(|text| Some((text, parse_plan(text)?)));
        let (text, continued) = own.ok_or(StoreError::Refused {
            why: "continued-from.next was not written with this log's keys, or was changed: nothing was moved; restore \
                  it, or remove it and start again",
        })?;
        // If it is there already, the process ended before the plan was removed.
        if disk.read(CONTINUED)?.as_deref() != Some(text) {
            move_files(disk, &continued.dir)?;
            replace_keys(disk, options)?;
            disk.replace(CONTINUED, text)?;
        }
        disk.remove(CONTINUED_NEXT)?;
        disk.sync_dir("")?;
    }
    let is_new = list_sealed(disk)?.is_empty() && disk.stat(ACTIVE)?.is_none();
    Ok(disk.read(CONTINUED)?.filter(|_| is_new).and_then(|plan| parse_plan(&plan)))
}

fn free_name(disk: &Disk) -> Result<String> {
    let names = disk.list("")?;
    let mut number = 1u64;
    loop {
        let name = format!("aside-{number}");
        if !names.contains(&name) && disk.stat(&name)?.is_none() {
            return Ok(name);
        }
        number += 1;
    }
}

/// Printable ASCII without quotes and backslashes, as a control entry needs it.
fn plain(text: &str) -> String {
    let plain = |c: char| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '?' };
    text.chars().map(plain).take(DAMAGE_BYTES_MAX).collect()
}

fn plan_text(continued: &Continued) -> String {
    let Continued { dir, entries, tree_root, epoch, chain_keys, damage } = continued;
    let root = base64(Base64::Url, tree_root);
    let keys: Vec<String> = chain_keys.iter().map(u64::to_string).collect();
    format!("{PREFIX} {dir} {entries} {root} {epoch} {}\n{damage}\n", keys.join(","))
}

fn parse_plan(plan: &[u8]) -> Option<Continued> {
    let mut lines = plan.split(|byte| *byte == b'\n');
    let first = std::str::from_utf8(lines.next()?).ok()?;
    let damage = std::str::from_utf8(lines.next()?).ok()?.to_owned();
    let mut words = first.split(' ');
    let mut next = || words.next();
    if next()? != PREFIX {
        return None;
    }
    let dir = next()?.to_owned();
    let is_plain =
        dir.strip_prefix("aside-").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    let entries = next()?.parse().ok()?;
    let tree_root = base64_array(Base64::Url, next()?.as_bytes()).ok()?;
    let epoch = next()?.parse().ok()?;
    let keys = next()?.split(',').filter(|number| !number.is_empty());
    let chain_keys = keys.map(|number| number.parse().ok()).collect::<Option<_>>()?;
    is_plain.then_some(Continued { dir, entries, tree_root, epoch, chain_keys, damage })
}

/// The lines of all changes of keys that can still be read: they are signed, whatever else is damaged.
fn changes_of_keys(disk: &Disk) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut parser = Parser::new();
    let sealed = list_sealed(disk).unwrap_or_default();
    let files = [CONTINUED, KEPT].map(|name| Lines::of_file(disk, name));
    let segments = sealed.iter().map(|first_seq| Lines::of_sealed(disk, *first_seq));
    let all = files.into_iter().chain(segments).chain([Lines::of_file(disk, ACTIVE)]);
    for mut lines in all.filter_map(|lines| lines.ok().flatten()) {
        while let Ok(Some(line)) = lines.next() {
            let is_change =
                parser.entry(line.bytes).is_ok_and(|entry| entry.event_type == "ringseal.epoch");
            if is_change && !found.iter().any(|known| known == line.bytes) {
                found.push(line.bytes.to_vec());
            }
        }
    }
    found
}

fn belongs_to_log(name: &str) -> bool {
    let files = [
        ACTIVE,
        CHECKPOINT,
        CHECKPOINT_NEXT,
        CHECKPOINTS,
        CONTINUED,
        KEPT,
        INTEGRITY_LOG,
        TILE_DIR,
        TORN_DIR,
    ];
    files.contains(&name) || parse_sealed(name).is_some()
}

fn move_files(disk: &Disk, dir: &str) -> Result<()> {
    disk.create_dir(dir)?;
    for name in disk.list("")?.into_iter().filter(|name| belongs_to_log(name)) {
        let (from, to) = (disk.path(&name), disk.path(dir).join(&name));
        with_path("moving", &from, disk.storage.rename(&from, &to))?;
    }
    disk.sync_dir(dir)?;
    disk.sync_dir("")
}

/// A state without entries, and the derived key.
fn replace_keys(disk: &Disk, options: &LogOptions) -> Result<()> {
    let storage = &*disk.storage;
    let signer = load_signer(storage, &disk.secret(EPOCH_KEY))?;
    let next = match options.scheme {
        Scheme::Mac => Some(derived_key(disk)?),
        Scheme::Hash => None,
    };
    let record = StateRecord { counter: 0, entries: 0, root: empty_root(), epoch: 0 };
    state::begin(disk, record, &signer, next.as_ref())?;
    if let Some(key) = &next {
        replace_secret(storage, &disk.secret(CHAIN_KEY), key.chain_text(0).as_bytes())?;
    }
    wipe_secret(storage, &disk.secret(CHAIN_NEXT))?;
    Ok(wipe_secret(storage, &disk.secret(EPOCH_NEXT))?)
}

/// The derived key. If the process ended while its file was being wiped, it is in its place already.
fn derived_key(disk: &Disk) -> Result<ChainKey> {
    let storage = &*disk.storage;
    let key = match load_chain(storage, &disk.secret(CHAIN_NEXT)) {
        Err(KeyError::Content { .. }) => load_chain(storage, &disk.secret(CHAIN_KEY)),
        Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            load_chain(storage, &disk.secret(CHAIN_KEY))
        }
        loaded => loaded,
    };
    Ok(key?.1)
}
