//! Making the next segment before it is needed, so that a rotation is two renames and nothing else.
use std::io;

use super::append::AppendWay;
use super::config::{FileConfig, WriteMode};
#[cfg(target_os = "linux")]
use super::mapped::MappedWay;
use super::names::Names;
use super::segment::{Segment, Way};
use crate::sink::SinkError;
use crate::storage::{OpenHow, Storage, StorageFile};

/// An empty file under the hidden name. What stands there already was never part of the log and is
/// replaced.
pub(super) fn next_segment(
    storage: &dyn Storage,
    names: &Names,
    config: &FileConfig,
) -> Result<Segment, SinkError> {
    let create = OpenHow::CreateNew { mode: config.file_mode };
    let file = match storage.open(&names.next, create) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            storage.remove(&names.next).and_then(|()| storage.open(&names.next, create))
        }
        opened => opened,
    };
    let mut file = file.map_err(|source| SinkError::io("prepare", &names.next, source))?;
    let way = prepared_way(config, &mut *file);
    Ok(Segment::new(file, 0, way))
}

/// The configured way of writing.
pub(super) fn way(config: &FileConfig) -> Box<dyn Way> {
    match config.write_mode {
        #[cfg(target_os = "linux")]
        WriteMode::Mmap => Box::new(MappedWay::new(config.len_max(), config.page_align)),
        _ => Box::new(AppendWay::new(config.page_align)),
    }
}

/// The same, with everything reserved that can be.
fn prepared_way(config: &FileConfig, file: &mut dyn StorageFile) -> Box<dyn Way> {
    let mut way = way(config);
    way.prepare(file);
    way
}
