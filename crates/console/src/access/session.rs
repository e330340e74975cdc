//! Browser sessions: the cookie holds an opaque key, and the token stays in memory here.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tagwatch_core::fair::{Capacity, evict};

use super::Token;

/// Most sessions at a time. Beyond it, of the group of accounts with the most sessions, the account with the most loses its
/// oldest one.
const MAX_SESSIONS: usize = 1024;
/// Most sessions of one account. Beyond it, the account loses its own oldest one.
const MAX_PER_ACCOUNT: usize = 8;
const CAPACITY: Capacity = Capacity { entries: MAX_SESSIONS, of_account: MAX_PER_ACCOUNT };
pub(crate) const SESSION_LIFE: Duration = Duration::from_hours(8);

#[derive(Debug)]
struct Session {
    token: Token,
    account: Box<str>,
    end: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<BTreeMap<String, Session>>);

impl Sessions {
    /// Begins a session of an account and returns its key. No account loses a session by the log-ins of another one,
    /// unless all are taken, its group of accounts has the most, and no account of that group has more than it has.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub(crate) fn begin(
        &self,
        token: Token,
        account: &str,
        now: Instant,
    ) -> Result<String, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        let mut key = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            // Writing to a string does not fail.
            let _ = write!(key, "{byte:02x}");
        }
        let mut sessions = self.0.lock();
        sessions.retain(|_, session| session.end > now);
        let entries = sessions.iter().map(|(key, session)| (key, &*session.account, session.end));
        if let Some(evicted) = evict(entries, account, CAPACITY).cloned() {
            sessions.remove(&evicted);
        }
        sessions.insert(key.clone(), Session { token, account: account.into(), end: now + SESSION_LIFE });
        Ok(key)
    }

    /// The token of a session that has not expired.
    pub(crate) fn token(&self, key: &str, now: Instant) -> Option<Token> {
        let sessions = self.0.lock();
        sessions.get(key).filter(|session| session.end > now).map(|session| session.token.clone())
    }

    pub(crate) fn end(&self, key: &str) {
        self.0.lock().remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Token {
        Token::parse(text).unwrap()
    }

    #[test]
    fn a_session_expires_and_can_be_ended() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let [one, other] = ["a", "b"].map(|text| sessions.begin(token(text), "jane", now).unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
        assert_eq!(sessions.token(&one, now), Some(token("a")));
        assert_eq!(sessions.token(&one, now + SESSION_LIFE), None);
        sessions.end(&other);
        assert_eq!(sessions.token(&other, now), None);
        assert_eq!(sessions.token("", now), None);
    }

    /// So many log-ins, each a millisecond after the one before.
    fn log_in(sessions: &Sessions, account: impl Fn(usize) -> String, count: usize, begin: Instant) {
        for number in 0..count {
            let later = begin + Duration::from_millis(number.try_into().unwrap());
            sessions.begin(token("more"), &account(number), later).unwrap();
        }
    }

    #[test]
    fn an_account_loses_its_own_oldest_session_and_no_other_one() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let others = sessions.begin(token("jane"), "jane", now).unwrap();
        let first = sessions.begin(token("first"), "robot", now).unwrap();
        log_in(&sessions, |_| "robot".to_owned(), 5 * MAX_SESSIONS, now);
        assert_eq!(sessions.0.lock().len(), 1 + MAX_PER_ACCOUNT);
        assert_eq!(sessions.token(&first, now), None, "its oldest is gone");
        assert_eq!(sessions.token(&others, now), Some(token("jane")));
    }

    #[test]
    fn the_accounts_of_one_namespace_displace_each_other_alone() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let others = sessions.begin(token("jane"), "jane", now).unwrap();
        let single = sessions.begin(token("web"), "system:serviceaccount:shop:web", now).unwrap();
        let pair = |number| format!("system:serviceaccount:shop:robot-{}", number / 2);
        log_in(&sessions, pair, MAX_SESSIONS, now);
        assert_eq!(sessions.token(&single, now), Some(token("web")), "others of the namespace have two");
        log_in(
            &sessions,
            |number| format!("system:serviceaccount:shop:robot-{number}"),
            3 * MAX_SESSIONS,
            now,
        );
        assert_eq!(sessions.0.lock().len(), MAX_SESSIONS);
        assert_eq!(sessions.token(&others, now), Some(token("jane")));
        let late = sessions.begin(token("late"), "joe", now).unwrap();
        assert_eq!(sessions.token(&late, now), Some(token("late")), "there is room for everyone else");
        assert_eq!(sessions.token(&others, now), Some(token("jane")));
    }
}
