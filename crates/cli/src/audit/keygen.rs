//! `ringseal audit keygen`: creates the keys of a new log.
use std::io::{self, Write};
use std::path::PathBuf;

use ringseal_audit::keys::{KeyPaths, keygen, system_random};
use ringseal_audit::system::OsStorage;

use crate::console::{ExitStatus, Failure};

/// Creates the keys of a new log; never overwrites a file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory for the keys; created with mode 0700 if missing.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The log's name, part of every checkpoint: printable ASCII without space, + and quotes.
    #[arg(long, value_name = "NAME", default_value = "ringseal/audit")]
    origin: String,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let paths = KeyPaths::in_dir(&args.dir);
    let key = keygen(&OsStorage, &paths, &args.origin, &mut system_random).map_err(Failure::of)?;
    let mut out = io::stdout().lock();
    writeln!(out, "created for the log {}:", args.origin)?;
    writeln!(out, "  {}", paths.public.display())?;
    writeln!(out, "      the public key, {}", key.short())?;
    writeln!(out, "      for verification; all trust in the log comes from it")?;
    writeln!(out, "  {}", paths.mac.display())?;
    writeln!(out, "      SECRET: TAKE IT OFF THIS HOST, NOW. `verify --mac` checks every single")?;
    writeln!(out, "      entry with it; an intruder who finds it here can forge valid entries")?;
    writeln!(out, "  {}, {}", paths.epoch().display(), paths.chain().display())?;
    writeln!(out, "      secret: for the service, which moves them into its log at its first")?;
    writeln!(out, "      start (`AuditConfig::keys`) and replaces them while it runs")?;
    Ok(ExitStatus::Success)
}
