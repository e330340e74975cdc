//! Browser sessions: the cookie holds an opaque key, and the token stays in memory here.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Token;

/// Most sessions at a time. Beyond it, the session that expires first is removed.
const MAX: usize = 1024;
pub(crate) const SESSION_LIFE: Duration = Duration::from_hours(8);

#[derive(Debug)]
struct Session {
    token: Token,
    end: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<BTreeMap<String, Session>>);

impl Sessions {
    /// Begins a session and returns its key.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub(crate) fn begin(&self, token: Token, now: Instant) -> Result<String, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        let mut key = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            // Writing to a string does not fail.
            let _ = write!(key, "{byte:02x}");
        }
        let mut sessions = self.0.lock();
        sessions.retain(|_, session| session.end > now);
        if sessions.len() >= MAX {
            let first = sessions.iter().min_by_key(|(_, session)| session.end).map(|(key, _)| key.clone());
            first.and_then(|key| sessions.remove(&key));
        }
        sessions.insert(key.clone(), Session { token, end: now + SESSION_LIFE });
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
        let [one, other] = ["a", "b"].map(|text| sessions.begin(token(text), now).unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
        assert_eq!(sessions.token(&one, now), Some(token("a")));
        assert_eq!(sessions.token(&one, now + SESSION_LIFE), None);
        sessions.end(&other);
        assert_eq!(sessions.token(&other, now), None);
        assert_eq!(sessions.token("", now), None);
    }

    #[test]
    fn a_new_session_beyond_the_maximum_replaces_the_oldest() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let first = sessions.begin(token("first"), now).unwrap();
        for second in 1..=MAX {
            let later = now + Duration::from_millis(second.try_into().unwrap());
            sessions.begin(token("more"), later).unwrap();
        }
        assert_eq!(sessions.0.lock().len(), MAX);
        assert_eq!(sessions.token(&first, now), None, "the oldest is gone");
    }
}
