//! `ringseal audit keygen`.
use std::io::{self, Write};
use std::path::PathBuf;

use ringseal::audit::keys::{KeyPaths, keygen, system_random};
use ringseal::system::OsStorage;

use crate::console::{ExitStatus, Failure};

/// Makes the keys of a new log; never over a file that exists.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where they go; created, readable for its owner alone, if it is missing.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The log's name, which stands in every checkpoint: printable ASCII without space, + and quotes.
    #[arg(long, value_name = "NAME", default_value = "ringseal/audit")]
    origin: String,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let paths = KeyPaths::in_dir(&args.dir);
    let key = keygen(&OsStorage, &paths, &args.origin, &mut system_random).map_err(Failure::of)?;
    let mut out = io::stdout().lock();
    writeln!(out, "made for the log {}:", args.origin)?;
    writeln!(out, "  {}", paths.public.display())?;
    writeln!(out, "      the public key, {}", key.short())?;
    writeln!(out, "      for whoever verifies; all trust in the log comes from it")?;
    writeln!(out, "  {}", paths.mac.display())?;
    writeln!(out, "      SECRET: TAKE IT OFF THIS HOST, NOW. `verify --mac` checks every single")?;
    writeln!(out, "      entry with it; whoever finds it here can forge entries that pass")?;
    writeln!(out, "  {}, {}", paths.epoch().display(), paths.chain().display())?;
    writeln!(out, "      secret: for the service, which moves them into its log when it first")?;
    writeln!(out, "      starts (`AuditConfig::keys`) and replaces them as it goes")?;
    Ok(ExitStatus::Success)
}
