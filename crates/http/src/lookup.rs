//! Names to addresses within a deadline.
//!
//! Promises: the system's lookup has no timeout of its own, so a thread calls it. After the deadline that thread is
//! left to end by itself; at most [`LOOKUPS_MAX`] of them exist in a process, and a further lookup is an error at once.
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};

use crate::deadline::Deadline;

/// Lookups that may be in progress in a process.
const LOOKUPS_MAX: usize = 16;

static IN_PROGRESS: AtomicUsize = AtomicUsize::new(0);

struct Permit;

impl Permit {
    fn take() -> io::Result<Permit> {
        // ORDER: relaxed; a bound on a number of threads, no memory depends on it.
        if IN_PROGRESS.fetch_add(1, Ordering::Relaxed) < LOOKUPS_MAX {
            return Ok(Permit);
        }
        drop(Permit);
        Err(io::Error::other(format!("{LOOKUPS_MAX} lookups are in progress: the resolver hangs")))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // ORDER: relaxed; as above.
        IN_PROGRESS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The addresses of a host, which is a name or an address.
pub(crate) fn addresses(host: &str, port: u16, deadline: Deadline) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let host = host.to_owned();
    within(deadline, move || Ok((host.as_str(), port).to_socket_addrs()?.collect()))
}

/// Runs `lookup` on a thread; an error of kind `TimedOut` if it takes too long.
fn within(
    deadline: Deadline,
    lookup: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static,
) -> io::Result<Vec<SocketAddr>> {
    let permit = Permit::take()?;
    let (sender, receiver) = sync_channel(1);
    std::thread::Builder::new().name("ringseal-lookup".into()).spawn(move || {
        ringseal_base::own_thread::mark();
        let _permit = permit;
        // After the deadline there is no receiver.
        let _ = sender.send(lookup());
    })?;
    let found = match receiver.recv_timeout(deadline.left()?) {
        Ok(found) => found?,
        Err(RecvTimeoutError::Timeout) => return Err(io::ErrorKind::TimedOut.into()),
        Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("the lookup panicked")),
    };
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_hanging_lookup_ends_with_the_deadline() {
        let (release, held) = channel::<()>();
        let lookup = move || {
            let _ = held.recv();
            Ok(Vec::new())
        };
        let error = within(Deadline::after(Duration::from_millis(5)), lookup).expect_err("hangs");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(release);
    }

    #[test]
    fn addresses_need_no_lookup() {
        let deadline = Deadline::after(Duration::from_secs(60));
        for (host, expected) in [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")] {
            let found = addresses(host, 80, deadline).expect("an address");
            assert_eq!(found[0].to_string(), expected);
        }
        let none = within(deadline, || Ok(Vec::new())).expect_err("no address");
        assert_eq!(none.kind(), io::ErrorKind::NotFound);
    }
}
