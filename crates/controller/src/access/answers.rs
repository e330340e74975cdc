//! What was answered lately, by a hash of the token. Bounded.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::{Decision, TokenHash};

/// As long as the API server itself remembers a TokenReview by webhook: what is taken away works at most so long on.
const LET_IN_FOR: Duration = Duration::from_mins(1);
/// A refusal is asked again sooner: the right may have been granted meanwhile.
const REFUSED_FOR: Duration = Duration::from_secs(10);
/// How long somebody who was let in is known as such.
const KNOWN_FOR: Duration = Duration::from_hours(24);
/// Tokens remembered of either kind.
const CAPACITY: usize = 512;

/// What is known of a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remembered {
    /// It was decided lately.
    Answer(Decision),
    /// It was let in, too long ago to rely on.
    LetInBefore,
    /// Nothing.
    Nothing,
}

/// Those that were let in and those that were refused apart, so that no number of the latter drives out the former.
#[derive(Default)]
pub(super) struct Answers {
    allowed: HashMap<TokenHash, Instant>,
    refused: HashMap<TokenHash, (Decision, Instant)>,
}

impl Answers {
    pub(super) fn get(&self, token: &TokenHash, now: Instant) -> Remembered {
        if let Some((decision, at)) = self.refused.get(token)
            && now.saturating_duration_since(*at) < REFUSED_FOR
        {
            return Remembered::Answer(*decision);
        }
        match self.allowed.get(token).map(|at| now.saturating_duration_since(*at)) {
            Some(age) if age < LET_IN_FOR => Remembered::Answer(Decision::Allowed),
            Some(age) if age < KNOWN_FOR => Remembered::LetInBefore,
            _ => Remembered::Nothing,
        }
    }

    /// Remembers an answer of the API server; that there was none is not remembered.
    pub(super) fn put(&mut self, token: TokenHash, decision: Decision, now: Instant) {
        match decision {
            Decision::Allowed => {
                self.refused.remove(&token);
                make_room(&mut self.allowed, |at| *at, KNOWN_FOR, now);
                self.allowed.insert(token, now);
            }
            Decision::Unauthenticated | Decision::Forbidden => {
                self.allowed.remove(&token);
                make_room(&mut self.refused, |(_, at)| *at, REFUSED_FOR, now);
                self.refused.insert(token, (decision, now));
            }
            Decision::Busy | Decision::Unavailable => {}
        }
    }
}

/// Forgets what is too old, and then the oldest, until there is room for one more.
fn make_room<V>(
    answers: &mut HashMap<TokenHash, V>,
    at: impl Fn(&V) -> Instant,
    keep: Duration,
    now: Instant,
) {
    if answers.len() < CAPACITY {
        return;
    }
    answers.retain(|_, answer| now.saturating_duration_since(at(answer)) < keep);
    if answers.len() >= CAPACITY
        && let Some(oldest) = answers.iter().min_by_key(|(_, answer)| at(answer)).map(|(token, _)| *token)
    {
        answers.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u16) -> TokenHash {
        let mut hash = [0; 32];
        hash[..2].copy_from_slice(&number.to_be_bytes());
        hash
    }

    #[test]
    fn answers_are_remembered_for_their_time() {
        let (mut answers, start) = (Answers::default(), Instant::now());
        answers.put(token(1), Decision::Allowed, start);
        answers.put(token(2), Decision::Forbidden, start);
        answers.put(token(3), Decision::Unavailable, start);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(answers.get(&token(1), at(59)), Remembered::Answer(Decision::Allowed));
        assert_eq!(answers.get(&token(1), at(60)), Remembered::LetInBefore);
        assert_eq!(answers.get(&token(2), at(9)), Remembered::Answer(Decision::Forbidden));
        assert_eq!(answers.get(&token(2), at(10)), Remembered::Nothing);
        assert_eq!(answers.get(&token(3), at(0)), Remembered::Nothing);
    }

    #[test]
    fn who_is_no_longer_let_in_is_not_known_either() {
        let (mut answers, start) = (Answers::default(), Instant::now());
        answers.put(token(1), Decision::Allowed, start);
        answers.put(token(1), Decision::Unauthenticated, start + Duration::from_mins(2));
        assert_eq!(answers.get(&token(1), start + Duration::from_mins(5)), Remembered::Nothing);
    }

    #[test]
    fn a_flood_is_forgotten_and_drives_nobody_out() {
        let (mut answers, start) = (Answers::default(), Instant::now());
        answers.put(token(0), Decision::Allowed, start);
        for number in 1..10_000 {
            answers.put(
                token(number),
                Decision::Unauthenticated,
                start + Duration::from_millis(number.into()),
            );
        }
        assert_eq!(answers.refused.len(), CAPACITY);
        assert_eq!(answers.get(&token(0), start), Remembered::Answer(Decision::Allowed));
    }
}
