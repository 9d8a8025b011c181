//! New keysets, and new keys in them.
use std::io::{self, Write};
use std::path::Path;

use ringseal_redact::system::OsStorage;
use ringseal_redact::system::{Clock, SystemClock};
use ringseal_redact::token::{Keyset, SystemRandomness};

use super::{Keygen, Rotate};
use crate::console::{ExitStatus, Failure};
use crate::time::write_millis;

pub(super) fn generate(args: &Keygen) -> Result<ExitStatus, Failure> {
    let kid = args.kid.as_deref().unwrap_or(args.kind.first_kid());
    let keyset = Keyset::generate(args.kind.keyset(), kid, &now(), &SystemRandomness);
    let keyset = keyset.map_err(Failure::of)?;
    keyset.create(&OsStorage, &args.path).map_err(Failure::of)?;
    print_keyset(&args.path, &keyset)
}

pub(super) fn rotate(args: &Rotate) -> Result<ExitStatus, Failure> {
    let changed = Keyset::change(&OsStorage, &args.path, |keyset| {
        if let Some(kid) = &args.primary {
            return keyset.make_primary(kid);
        }
        let kid = args.kid.clone().unwrap_or_else(|| keyset.next_kid());
        keyset.add(&kid, &now(), &SystemRandomness)?;
        if args.add_only { Ok(()) } else { keyset.make_primary(&kid) }
    });
    print_keyset(&args.path, &changed.map_err(Failure::of)?)
}

fn now() -> String {
    String::from_utf8_lossy(&write_millis(SystemClock.unix_nanos())).into_owned()
}

fn print_keyset(path: &Path, keyset: &Keyset) -> Result<ExitStatus, Failure> {
    let kids: Vec<&str> = keyset.kids().collect();
    writeln!(
        io::stdout(),
        "{}: {}, {} writes, keys {}",
        path.display(),
        keyset.kind().alg(),
        keyset.primary_kid(),
        kids.join(", ")
    )?;
    Ok(ExitStatus::Success)
}
