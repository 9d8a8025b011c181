//! Standard input that ends on a signal.
//!
//! Promises: after SIGTERM, SIGINT or SIGHUP, the input returns what was in the pipe at that moment and then ends, so
//! that everything read can be written. A second signal ends the process at once. On systems without these signals,
//! the input ends only at its own end.
#[cfg(unix)]
pub(super) use unix::{Signals, StoppableInput};

/// Maximum number of bytes read after a signal: the largest pipe that the system allows by default.
#[cfg(unix)]
const LEFT_BYTES_MAX: u64 = 1 << 20;

#[cfg(unix)]
mod unix {
    use std::io::{self, Read};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use rustix::event::{PollFd, PollFlags, poll};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::{flag, low_level};

    use super::LEFT_BYTES_MAX;

    /// The signal that has come, and a descriptor that becomes readable when one comes.
    #[derive(Debug)]
    pub(in crate::pipe) struct Signals {
        number: Arc<AtomicUsize>,
        wake: UnixStream,
    }

    impl Signals {
        /// Installs handlers for the three signals for the rest of the process.
        pub(in crate::pipe) fn install() -> io::Result<Signals> {
            let number = Arc::new(AtomicUsize::new(0));
            let is_second = Arc::new(AtomicBool::new(false));
            let (wake, sender) = UnixStream::pair()?;
            for signal in [SIGTERM, SIGINT, SIGHUP] {
                // The order matters: the first signal finds `is_second` unset and sets it.
                flag::register_conditional_shutdown(signal, 128 | signal, Arc::clone(&is_second))?;
                flag::register(signal, Arc::clone(&is_second))?;
                flag::register_usize(signal, Arc::clone(&number), signal as usize)?;
                low_level::pipe::register(signal, sender.try_clone()?)?;
            }
            Ok(Signals { number, wake })
        }

        /// The number of the signal that has come, if any.
        pub(in crate::pipe) fn number(&self) -> Option<u8> {
            // ORDER: relaxed; the number publishes no other data.
            u8::try_from(self.number.load(Ordering::Relaxed)).ok().filter(|number| *number > 0)
        }

        /// Returns a function that reports whether a signal has come.
        pub(in crate::pipe) fn watch(&self) -> impl Fn() -> bool + Send + 'static {
            let number = Arc::clone(&self.number);
            // ORDER: relaxed; see `number`.
            move || number.load(Ordering::Relaxed) != 0
        }
    }

    /// Reads `from` until it ends or a signal comes.
    #[derive(Debug)]
    pub(in crate::pipe) struct StoppableInput<'s, F> {
        from: F,
        wake: &'s UnixStream,
        /// After a signal: the number of bytes that may still be read.
        left_bytes: Option<u64>,
    }

    impl<'s, F: AsFd> StoppableInput<'s, F> {
        pub(in crate::pipe) fn new(from: F, signals: &'s Signals) -> Self {
            Self { from, wake: &signals.wake, left_bytes: None }
        }

        /// Waits for input or a signal; returns which of them is present.
        fn wait(&self) -> io::Result<(bool, bool)> {
            let mut both =
                [PollFd::new(&self.from, PollFlags::IN), PollFd::new(self.wake, PollFlags::IN)];
            match poll(&mut both, None) {
                Err(rustix::io::Errno::INTR) => Ok((false, false)),
                Err(error) => Err(error.into()),
                Ok(_) => Ok((!both[0].revents().is_empty(), !both[1].revents().is_empty())),
            }
        }

        /// Bytes that can be read without blocking. Returns 0 for a file, otherwise it would be read to its end.
        fn pending_bytes(&self) -> u64 {
            let is_file = rustix::fs::fstat(&self.from)
                .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file());
            if is_file {
                return 0;
            }
            rustix::io::ioctl_fionread(&self.from).map_or(0, |bytes| bytes.min(LEFT_BYTES_MAX))
        }
    }

    impl<F: AsFd> Read for StoppableInput<'_, F> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            while self.left_bytes.is_none() {
                let (has_input, has_signal) = self.wait()?;
                if has_signal {
                    self.left_bytes = Some(self.pending_bytes());
                } else if has_input {
                    match rustix::io::read(&self.from, &mut *room) {
                        // Another process made the pipe non-blocking and read first.
                        Err(rustix::io::Errno::AGAIN) => {}
                        result => return Ok(result?),
                    }
                }
            }
            let left = self.left_bytes.unwrap_or(0);
            let len = room.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if len == 0 {
                return Ok(0);
            }
            let read = match rustix::io::read(&self.from, &mut room[..len]) {
                Err(rustix::io::Errno::AGAIN) => 0,
                result => result?,
            };
            self.left_bytes = Some(left - read as u64);
            Ok(read)
        }
    }

    #[cfg(test)]
    mod tests {
        use std::io::Write;

        use super::*;

        #[test]
        fn after_a_signal_only_pending_bytes_are_read() {
            let (mut sender, receiver) = UnixStream::pair().expect("a pair");
            let (wake, mut signal) = UnixStream::pair().expect("a pair");
            let signals = Signals { number: Arc::default(), wake };
            let mut input = StoppableInput::new(receiver, &signals);
            let mut room = [0; 4];
            sender.write_all(b"abcdefg").expect("room");
            assert_eq!(input.read(&mut room).expect("input"), 4);
            signal.write_all(b"x").expect("room");
            assert_eq!(input.read(&mut room).expect("input"), 3);
            sender.write_all(b"hij").expect("room");
            assert_eq!(input.read(&mut room).expect("the end"), 0);
        }

        #[test]
        fn input_without_signals_is_read_to_its_end() {
            let (mut sender, receiver) = UnixStream::pair().expect("a pair");
            let (wake, _signal) = UnixStream::pair().expect("a pair");
            let signals = Signals { number: Arc::default(), wake };
            sender.write_all(b"ab").expect("room");
            drop(sender);
            let mut text = String::new();
            StoppableInput::new(receiver, &signals).read_to_string(&mut text).expect("input");
            assert_eq!(text, "ab");
        }
    }
}

/// The signals, on systems without them.
#[cfg(not(unix))]
#[derive(Debug)]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn install() -> std::io::Result<Signals> {
        Ok(Signals)
    }

    pub(super) fn number(&self) -> Option<u8> {
        None
    }

    pub(super) fn watch(&self) -> impl Fn() -> bool + Send + 'static {
        || false
    }
}

/// The input, on systems without these signals.
#[cfg(not(unix))]
#[derive(Debug)]
pub(super) struct StoppableInput<F>(F);

#[cfg(not(unix))]
impl<F: std::io::Read> StoppableInput<F> {
    pub(super) fn new(from: F, _signals: &Signals) -> Self {
        Self(from)
    }
}

#[cfg(not(unix))]
impl<F: std::io::Read> std::io::Read for StoppableInput<F> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(room)
    }
}
