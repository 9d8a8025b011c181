//! When to log in, and what to do after a refusal; pure logic over a [`Server`] and a time that the caller passes.
//!
//! Promises: a token is used until [`LOGIN_EARLY`] before the end of its lease, then a login gets the next one. A read
//! that is denied is repeated once after a new login, because the token may have been revoked. Tokens are overwritten
//! when they are dropped.
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::{Operation, VaultError};

/// How long before the end of its lease a token is replaced.
pub(crate) const LOGIN_EARLY: Duration = Duration::from_secs(60);

/// A token and the length of its lease; `None` for one that does not expire.
pub(crate) struct Login {
    pub(crate) token: Zeroizing<String>,
    pub(crate) lease: Option<Duration>,
}

/// The requests of a session.
pub(crate) trait Server: Send {
    fn login(&mut self) -> Result<Login, VaultError>;

    /// The keyset's text, read with this token.
    fn read(&mut self, operation: Operation, token: &str) -> Result<Zeroizing<String>, VaultError>;
}

struct Current {
    token: Zeroizing<String>,
    /// When a new token is needed.
    until: Duration,
}

/// A session with a server.
pub(crate) struct Session<S> {
    server: S,
    current: Option<Current>,
    /// Successful logins.
    pub(crate) logins: u64,
}

impl<S: Server> Session<S> {
    pub(crate) fn new(server: S) -> Session<S> {
        Session { server, current: None, logins: 0 }
    }

    /// Reads a keyset. `now` is the time since any fixed moment.
    pub(crate) fn read(
        &mut self,
        operation: Operation,
        now: Duration,
    ) -> Result<Zeroizing<String>, VaultError> {
        let is_usable = self.current.as_ref().is_some_and(|current| now < current.until);
        if is_usable {
            match self.try_read(operation, now) {
                // The token may have been revoked.
                Err(VaultError::Denied { .. }) => {}
                other => return other,
            }
        }
        self.current = None;
        self.try_read(operation, now)
    }

    fn try_read(
        &mut self,
        operation: Operation,
        now: Duration,
    ) -> Result<Zeroizing<String>, VaultError> {
        let current = match self.current.take() {
            Some(current) => current,
            None => {
                let login = self.server.login()?;
                self.logins += 1;
                let lease = login.lease.map(|lease| lease.saturating_sub(LOGIN_EARLY));
                let until = lease.map_or(Duration::MAX, |lease| now.saturating_add(lease));
                Current { token: login.token, until }
            }
        };
        let current = self.current.insert(current);
        self.server.read(operation, &current.token)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Answers from a list; notes what was asked.
    #[derive(Default)]
    struct Script {
        lease: Option<Duration>,
        logins: usize,
        refuses_logins: bool,
        /// Statuses of the next reads; 200 after the last one.
        statuses: VecDeque<u16>,
        tokens: Vec<String>,
    }

    impl Server for Script {
        fn login(&mut self) -> Result<Login, VaultError> {
            if self.refuses_logins {
                return Err(VaultError::LoginRefused { status: 400 });
            }
            self.logins += 1;
            Ok(Login { token: format!("t{}", self.logins).into(), lease: self.lease })
        }

        fn read(
            &mut self,
            operation: Operation,
            token: &str,
        ) -> Result<Zeroizing<String>, VaultError> {
            self.tokens.push(token.to_owned());
            match self.statuses.pop_front() {
                None | Some(200) => Ok("keyset".to_owned().into()),
                Some(403) => Err(VaultError::Denied { operation, path: "p".to_owned() }),
                Some(status) => Err(VaultError::Unavailable { operation, status }),
            }
        }
    }

    fn session(lease_seconds: Option<u64>, statuses: &[u16]) -> Session<Script> {
        let lease = lease_seconds.map(Duration::from_secs);
        Session::new(Script {
            lease,
            statuses: statuses.iter().copied().collect(),
            ..Script::default()
        })
    }

    fn read_at(session: &mut Session<Script>, seconds: u64) -> Result<(), VaultError> {
        session.read(Operation::ReadTokenKeyset, Duration::from_secs(seconds)).map(drop)
    }

    #[test]
    fn logins_come_before_the_lease_ends() {
        for (lease, reads, logins) in [
            (Some(3600), &[0, 300, 3539][..], 1),
            (Some(3600), &[0, 3540], 2),
            (Some(3600), &[1000, 4539, 4540], 2),
            (Some(60), &[0, 0, 1], 3),
            (Some(0), &[0, 300], 2),
            (None, &[0, 1 << 40], 1),
        ] {
            let mut session = session(lease, &[]);
            for at in reads {
                read_at(&mut session, *at).expect("allowed");
            }
            assert_eq!(session.logins, logins, "{lease:?} {reads:?}");
        }
    }

    #[test]
    fn a_denied_read_logs_in_once() {
        // A revoked token: the next one may read.
        let mut revoked = session(None, &[200, 403, 200]);
        read_at(&mut revoked, 0).expect("allowed");
        read_at(&mut revoked, 1).expect("after a new login");
        assert_eq!(revoked.server.tokens, ["t1", "t1", "t2"]);
        // A policy: a new token changes nothing.
        let mut denied = session(None, &[403, 403, 403]);
        assert!(matches!(read_at(&mut denied, 0), Err(VaultError::Denied { .. })));
        assert_eq!(denied.server.tokens, ["t1"], "that login was new");
        assert!(matches!(read_at(&mut denied, 1), Err(VaultError::Denied { .. })));
        assert_eq!(denied.server.tokens, ["t1", "t1", "t2"]);
    }

    #[test]
    fn other_failures_keep_the_token() {
        for status in [429, 472, 473, 500, 503] {
            let mut session = session(None, &[status, 200]);
            let error = read_at(&mut session, 0).expect_err("unavailable");
            assert!(matches!(error, VaultError::Unavailable { .. }), "{error}");
            read_at(&mut session, 1).expect("available again");
            assert_eq!(session.logins, 1, "{status}");
        }
        let mut refused = session(None, &[]);
        refused.server.refuses_logins = true;
        assert!(matches!(read_at(&mut refused, 0), Err(VaultError::LoginRefused { status: 400 })));
        refused.server.refuses_logins = false;
        read_at(&mut refused, 1).expect("the next refresh logs in");
    }
}
