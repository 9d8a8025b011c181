//! The settings of ringseal as a service has them: one table, from which come the readers of files, `.env` and the
//! environment, the explanation of what is in force, the documents and the schema.
//!
//! ```no_run
//! use ringseal_config::Composer;
//! let composed = Composer::new()
//!     .file("configs/observability.yaml")
//!     .dotenv_if_present(".env")
//!     .environment()
//!     .compose()?;
//! eprint!("{}", composed.explain());
//! let engine = ringseal::init(composed.config()?)?;
//! # drop(engine);
//! # Ok::<(), ringseal_config::ConfigError>(())
//! ```
//!
//! Promises: only what a [`Composer`] names is read, in [`Composer::compose`], and nothing is set in the process's
//! environment. All problems are reported at once, each with file, line and column. The value of a secret is in no
//! error and in no explanation. Everything here runs when a service starts or reloads; it allocates, and blocks in
//! reading files and, with keysets on a server, in asking that server.
mod build;
mod check;
mod compose;
mod dotenv;
mod environment;
mod error;
mod explain;
mod found;
pub mod generate;
mod host;
mod reload;
mod setup;
mod source;
mod table;
#[cfg(test)]
mod tests;
#[cfg(feature = "toml")]
mod toml_file;
mod tree;
#[cfg(feature = "vault")]
mod vault;
#[cfg(feature = "yaml")]
mod yaml;

pub use compose::{Composed, Composer};
pub use environment::Environment;
pub use error::{ConfigError, Problem};
pub use explain::Explanation;
pub use reload::Reloaded;
pub use setup::{DEFAULT_FILE, setup_logger, setup_logging, usual_sources};
pub use source::{Place, Source};
pub use table::{Kind, Reload, SETTINGS, Setting};
