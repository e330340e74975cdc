//! Sessions of browsers: an opaque key in a cookie for a token that stays here.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Token;

/// Most sessions at a time; then the one that ends first ends now.
const MAX: usize = 1024;
/// How long a session lasts.
pub(crate) const LIFE: Duration = Duration::from_hours(8);

#[derive(Debug)]
struct Session {
    token: Token,
    end: Instant,
}

/// Every session.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<BTreeMap<String, Session>>);

impl Sessions {
    /// Begins a session and gives its key.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(crate) fn begin(&self, token: Token, now: Instant) -> Result<String, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        let mut key = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            // Writing to a string cannot fail.
            let _ = write!(key, "{byte:02x}");
        }
        let mut sessions = self.0.lock();
        sessions.retain(|_, session| session.end > now);
        if sessions.len() >= MAX {
            let first = sessions.iter().min_by_key(|(_, session)| session.end).map(|(key, _)| key.clone());
            first.and_then(|key| sessions.remove(&key));
        }
        sessions.insert(key.clone(), Session { token, end: now + LIFE });
        Ok(key)
    }

    /// The token of a session that has not ended.
    pub(crate) fn token(&self, key: &str, now: Instant) -> Option<Token> {
        let sessions = self.0.lock();
        sessions.get(key).filter(|session| session.end > now).map(|session| session.token.clone())
    }

    /// Ends a session.
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
    fn a_session_ends_by_itself_and_by_hand() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let [one, other] = ["a", "b"].map(|text| sessions.begin(token(text), now).unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
        assert_eq!(sessions.token(&one, now), Some(token("a")));
        assert_eq!(sessions.token(&one, now + LIFE), None);
        sessions.end(&other);
        assert_eq!(sessions.token(&other, now), None);
        assert_eq!(sessions.token("", now), None);
    }

    #[test]
    fn there_are_never_more_than_the_bound() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let first = sessions.begin(token("first"), now).unwrap();
        for second in 1..=MAX {
            let later = now + Duration::from_millis(second.try_into().unwrap());
            sessions.begin(token("more"), later).unwrap();
        }
        assert_eq!(sessions.0.lock().len(), MAX);
        assert_eq!(sessions.token(&first, now), None, "the oldest has gone");
    }
}
