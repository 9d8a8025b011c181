//! A sink controlled by the test.
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::super::{AuditSink, AuditSinkError, SealedEntry};

/// The outcome of one `append` call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing is stored, and the call fails.
    Fail,
    /// The first entry is stored, then the call fails.
    FailAfterOne,
    /// Everything is stored, but the answer is lost.
    LoseAnswer,
    Panic,
}

#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    is_failing: bool,
    is_hanging: bool,
    taken: Vec<(u64, Vec<u8>)>,
    calls: usize,
}

/// The test's handle of the sink.
#[derive(Clone, Default)]
pub(super) struct Control {
    script: Arc<(Mutex<Script>, Condvar)>,
}

impl Control {
    pub(super) fn sink(&self, name: &'static str) -> Box<dyn AuditSink> {
        Box::new(Scripted { name, control: self.clone() })
    }

    pub(super) fn steps(&self, steps: impl IntoIterator<Item = Step>) {
        self.script.0.lock().steps.extend(steps);
    }

    /// Calls do not return while it hangs.
    pub(super) fn hang(&self, is_hanging: bool) {
        self.script.0.lock().is_hanging = is_hanging;
        self.script.1.notify_all();
    }

    /// Calls fail while it fails.
    pub(super) fn fail(&self, is_failing: bool) {
        self.script.0.lock().is_failing = is_failing;
    }

    pub(super) fn taken(&self) -> Vec<(u64, Vec<u8>)> {
        self.script.0.lock().taken.clone()
    }

    pub(super) fn calls(&self) -> usize {
        self.script.0.lock().calls
    }

    /// Waits until it was called this many times, hanging calls included.
    pub(super) fn wait_for_calls(&self, calls: usize) {
        let (script, changed) = &*self.script;
        let mut script = script.lock();
        while script.calls < calls {
            changed.wait(&mut script);
        }
    }

    /// Loses its entries from this one on.
    pub(super) fn forget_from(&self, seq: u64) {
        self.script.0.lock().taken.retain(|(known, _)| *known < seq);
    }

    /// Stores an entry directly, as catching up from the log does.
    pub(super) fn put(&self, entry: &SealedEntry<'_>) {
        self.script.0.lock().taken.push((entry.seq, entry.line.to_vec()));
    }
}

struct Scripted {
    name: &'static str,
    control: Control,
}

impl Scripted {
    fn broken(&self) -> AuditSinkError {
        AuditSinkError::io("write to", self.name, io::ErrorKind::BrokenPipe.into())
    }
}

impl Script {
    fn accept(&mut self, target: &str, entries: &[SealedEntry<'_>]) -> Result<(), AuditSinkError> {
        let target = || target.to_owned();
        for entry in entries {
            let seq = entry.seq;
            match self.taken.iter().find(|(known, _)| *known == seq) {
                Some((_, line)) if line == entry.line => {}
                Some(_) => return Err(AuditSinkError::Conflict { target: target(), seq }),
                None => {
                    let last = self.taken.last();
                    let expected_seq = last.map_or(seq, |(last, _)| last + 1);
                    if seq != expected_seq {
                        let found_seq = seq;
                        return Err(AuditSinkError::Gap {
                            target: target(),
                            expected_seq,
                            found_seq,
                        });
                    }
                    self.taken.push((seq, entry.line.to_vec()));
                }
            }
        }
        Ok(())
    }
}

impl AuditSink for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn next_seq(&mut self) -> Result<Option<u64>, AuditSinkError> {
        Ok(self.control.script.0.lock().taken.last().map(|(seq, _)| seq + 1))
    }

    fn append(&mut self, entries: &[SealedEntry<'_>]) -> Result<(), AuditSinkError> {
        let (script, changed) = &*self.control.script;
        let mut script = script.lock();
        script.calls += 1;
        changed.notify_all();
        while script.is_hanging {
            changed.wait(&mut script);
        }
        if script.is_failing {
            return Err(self.broken());
        }
        match script.steps.pop_front() {
            None => script.accept(self.name, entries),
            Some(Step::Fail) => Err(self.broken()),
            Some(Step::FailAfterOne) => {
                script.accept(self.name, &entries[..1])?;
                Err(self.broken())
            }
            Some(Step::LoseAnswer) => {
                script.accept(self.name, entries)?;
                Err(self.broken())
            }
            Some(Step::Panic) => {
                drop(script);
                panic!("scripted panic");
            }
        }
    }

    fn commit(&mut self) -> Result<(), AuditSinkError> {
        Ok(())
    }
}
