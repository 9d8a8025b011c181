//! Spilled entries go into the log, each once.
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::spill::Spill;
use super::thread::AuditThread;
use ringseal_audit::entry::{Body, Parser};

impl AuditThread {
    /// Seals what killed runs had not sealed. What cannot be sealed now stays in their homes.
    pub(super) fn seal_recovered(&mut self, spills: Vec<PathBuf>) {
        for path in spills {
            let opened = Spill::open(Arc::clone(&self.storage), &path);
            let sealed = opened
                .map_err(|error| error.to_string())
                .and_then(|mut spill| self.replay(&mut spill));
            if let Err(error) = sealed {
                let stderr = &self.writer.stderr;
                stderr.write(format_args!("cannot seal audit entries of a killed run: {error}"));
            }
        }
        if let Some(progress) = &self.progress {
            progress.publish(0, self.log.next_seq());
        }
    }

    /// Spilled entries come first, because they are older than those in memory.
    pub(super) fn append_spilled(&mut self) -> Result<(), String> {
        let Some(mut spill) = self.spill.take_if(|spill| !spill.is_empty()) else { return Ok(()) };
        let result = self.replay(&mut spill);
        self.spill = Some(spill);
        result
    }

    fn replay(&mut self, spill: &mut Spill) -> Result<(), String> {
        self.commit()?;
        let dir = self.log.dir().to_owned();
        let named = |error: io::Error| format!("spill file: {error}");
        spill.begin_replay(&dir, self.log.next_seq()).map_err(named)?;
        let (mut members, mut parser) = (Vec::new(), Parser::new());
        loop {
            let next = spill.next(&mut members).map_err(|error| error.to_string())?;
            let Some((ticket, unix_nanos)) = next else { break };
            // Others could write to the file, so its content is checked like any input.
            let body = match Body::new(&members, &mut parser) {
                Ok(body) => body,
                Err(error) => {
                    self.writer.stderr.write(format_args!(
                        "a spilled audit entry is damaged and was skipped: {error}"
                    ));
                    continue;
                }
            };
            if let Err(error) = self.append(ticket, unix_nanos, body) {
                spill.unread_last();
                return Err(error);
            }
        }
        // Entries may leave the file only when they are on disk in the log.
        self.commit()?;
        spill.clear().map_err(|error| error.to_string())
    }
}
