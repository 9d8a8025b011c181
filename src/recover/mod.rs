//! Homes: what a run leaves for its next start, in case it is killed.
//!
//! A running engine puts its rings and what is needed to read them into files ([`home`], [`engine_file`],
//! [`lane_file`], [`line_file`], [`sites`]). The next start finds and reads the files of dead runs ([`dead`],
//! [`engine_image`], [`ring_image`]); the writer recovers them (`writer/recovery`).
//!
//! Promises: writing is a few stores that no kill can leave half done. Reading is ordinary file access and total: any
//! bytes give a value or a typed error. [`layout`] has the places of all words; they never change within a version.
mod adopt_site;
pub mod boot;
pub mod dead;
pub mod engine_file;
pub mod engine_image;
#[cfg(target_os = "linux")]
pub mod home;
#[cfg(not(target_os = "linux"))]
#[path = "no_home.rs"]
pub mod home;
pub mod inspect;
#[cfg(feature = "audit")]
pub mod journal;
pub mod lane_file;
pub mod layout;
pub mod line_file;
pub mod oom;
pub mod ring_image;
pub mod sink_place;
mod site_log;
mod sites;
pub mod snapshot;
pub mod spool;
pub mod stage_lengths;
#[cfg(test)]
mod tests;
mod writer_home;

pub use adopt_site::adopt;
#[cfg(test)]
use site_log::BYTES_MAX;
pub use site_log::{SiteLog, file_name};
pub use sites::{SiteEntry, Sites, SitesError, read_sites};
