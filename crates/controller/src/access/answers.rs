//! What was answered lately, by a hash of the token. Bounded.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::TokenHash;

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
pub(super) enum Remembered<A, R> {
    /// It was let in lately.
    LetIn(A),
    /// It was refused lately.
    Refused(R),
    /// It was let in, too long ago to rely on.
    LetInBefore,
    /// Nothing.
    Nothing,
}

/// Those that were let in and those that were refused apart, so that no number of the latter drives out the former.
/// `A` is what was said of the former, `R` of the latter.
pub(super) struct Answers<A, R> {
    /// Without what was said, where that is too old to rely on.
    allowed: HashMap<TokenHash, (Option<A>, Instant)>,
    refused: HashMap<TokenHash, (R, Instant)>,
}

impl<A, R> Default for Answers<A, R> {
    fn default() -> Self {
        Self { allowed: HashMap::new(), refused: HashMap::new() }
    }
}

impl<A: Clone, R: Copy> Answers<A, R> {
    pub(super) fn get(&self, token: &TokenHash, now: Instant) -> Remembered<A, R> {
        if let Some((answer, at)) = self.refused.get(token)
            && is_within(REFUSED_FOR, *at, now)
        {
            return Remembered::Refused(*answer);
        }
        match self.allowed.get(token) {
            Some((Some(answer), at)) if is_within(LET_IN_FOR, *at, now) => Remembered::LetIn(answer.clone()),
            Some((_, at)) if is_within(KNOWN_FOR, *at, now) => Remembered::LetInBefore,
            _ => Remembered::Nothing,
        }
    }

    /// Remembers that a token was let in.
    pub(super) fn let_in(&mut self, token: TokenHash, answer: A, now: Instant) {
        self.refused.remove(&token);
        make_room(&mut self.allowed, KNOWN_FOR, now);
        // Those that were let in longer ago stay known, without what was said of them.
        self.allowed.retain(|_, (answer, at)| {
            *answer = answer.take().filter(|_| is_within(LET_IN_FOR, *at, now));
            true
        });
        self.allowed.insert(token, (Some(answer), now));
    }

    /// Adds to what was said of a token, which grows no younger by it.
    pub(super) fn add(&mut self, token: &TokenHash, answer: A) {
        if let Some((Some(known), _)) = self.allowed.get_mut(token) {
            *known = answer;
        }
    }

    /// Remembers that a token was refused.
    pub(super) fn refuse(&mut self, token: TokenHash, answer: R, now: Instant) {
        self.allowed.remove(&token);
        make_room(&mut self.refused, REFUSED_FOR, now);
        self.refused.insert(token, (answer, now));
    }
}

fn is_within(time: Duration, at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < time
}

/// Forgets what is too old, and then the oldest, until there is room for one more.
fn make_room<V>(answers: &mut HashMap<TokenHash, (V, Instant)>, keep: Duration, now: Instant) {
    if answers.len() < CAPACITY {
        return;
    }
    answers.retain(|_, (_, at)| is_within(keep, *at, now));
    if answers.len() >= CAPACITY
        && let Some(oldest) = answers.iter().min_by_key(|(_, (_, at))| *at).map(|(token, _)| *token)
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
        answers.let_in(token(1), 'a', start);
        answers.refuse(token(2), 'r', start);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(answers.get(&token(1), at(59)), Remembered::LetIn('a'));
        assert_eq!(answers.get(&token(1), at(60)), Remembered::LetInBefore);
        assert_eq!(answers.get(&token(2), at(9)), Remembered::Refused('r'));
        assert_eq!(answers.get(&token(2), at(10)), Remembered::Nothing);
        assert_eq!(answers.get(&token(3), at(0)), Remembered::Nothing);
    }

    #[test]
    fn what_is_added_is_as_old_as_what_it_is_added_to() {
        let (mut answers, start) = (Answers::<_, ()>::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        answers.let_in(token(1), 'a', start);
        answers.add(&token(1), 'b');
        assert_eq!(answers.get(&token(1), at(59)), Remembered::LetIn('b'));
        answers.let_in(token(2), 'c', at(60));
        answers.add(&token(1), 'd');
        assert_eq!(
            answers.get(&token(1), at(60)),
            Remembered::LetInBefore,
            "others end nobody's being known"
        );
        assert!(answers.allowed[&token(1)].0.is_none(), "what nobody relies on takes no room");
    }

    #[test]
    fn who_is_no_longer_let_in_is_not_known_either() {
        let (mut answers, start) = (Answers::default(), Instant::now());
        answers.let_in(token(1), (), start);
        answers.refuse(token(1), (), start + Duration::from_mins(2));
        assert_eq!(answers.get(&token(1), start + Duration::from_mins(5)), Remembered::Nothing);
    }

    #[test]
    fn a_flood_is_forgotten_and_drives_nobody_out() {
        let (mut answers, start) = (Answers::default(), Instant::now());
        answers.let_in(token(0), (), start);
        for number in 1..10_000 {
            answers.refuse(token(number), (), start + Duration::from_millis(number.into()));
        }
        assert_eq!(answers.refused.len(), CAPACITY);
        assert_eq!(answers.get(&token(0), start), Remembered::LetIn(()));
    }
}
