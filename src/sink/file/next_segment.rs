//! Creates the next segment before it is needed, so that a rotation is a link and a rename and nothing else.
use std::io;

use super::append::AppendMethod;
use super::config::FileConfig;
use super::helper::Shared;
#[cfg(target_os = "linux")]
use super::mapped::MappedMethod;
use super::segment::{Segment, WriteMethod};
use crate::sink::SinkError;
use ringseal_base::storage::{OpenMode, StorageFile};

/// Creates an empty file under the hidden name. A file that already has that name was never part of the log and is
/// replaced; anything else is set aside.
pub(super) fn create(shared: &Shared) -> Result<Segment, SinkError> {
    let (storage, names, config) = (&*shared.storage, &shared.names, &shared.config);
    shared.set_aside(&names.next)?;
    let create = OpenMode::CreateNew { mode: config.file_mode };
    let file = match storage.open(&names.next, create) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            storage.remove(&names.next).and_then(|()| storage.open(&names.next, create))
        }
        opened => opened,
    };
    let mut file = file.map_err(|source| SinkError::io("prepare", &names.next, source))?;
    let method = prepared_method(config, &mut *file);
    Ok(Segment::new(file, 0, method))
}

/// The configured write method.
pub(super) fn write_method(config: &FileConfig) -> Box<dyn WriteMethod> {
    match config.write_mode {
        #[cfg(target_os = "linux")]
        super::config::WriteMode::Mmap => {
            Box::new(MappedMethod::new(config.len_max(), config.page_align))
        }
        _ => Box::new(AppendMethod::new(config.page_align)),
    }
}

/// The same, with as much space reserved as possible.
fn prepared_method(config: &FileConfig, file: &mut dyn StorageFile) -> Box<dyn WriteMethod> {
    let mut method = write_method(config);
    method.prepare(file);
    method
}
