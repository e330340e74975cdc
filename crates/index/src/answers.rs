//! What registries have answered, and what is to be asked next. Plain: the time comes from outside.

use std::collections::{BTreeMap, BTreeSet};

/// How long an answer counts, in seconds.
const FRESH: u32 = 3_600;
/// How long it is not asked again after a failure.
const PAUSE: u32 = 600;
/// Most references that are asked for; an operator who lists a registry means a manageable number.
const MAX_ANSWERS: usize = 5_000;

/// What is known of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The digest, or why it is not known.
    pub(crate) digest: Result<String, String>,
    at: u32,
    /// Digests that pods began to run after the question was sent.
    newer: BTreeSet<String>,
}

impl Answer {
    /// Whether pods began to run this digest only after the registry was asked. It may have been pushed in between, so
    /// that the answer says nothing of those pods.
    pub(crate) fn is_older_than(&self, digest: &str) -> bool {
        self.newer.contains(digest)
    }
}

/// Answers by canonical reference.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    known: BTreeMap<String, Answer>,
    /// References of which an answer is under way, with the digests that pods began to run since it was asked for.
    asked: BTreeMap<String, BTreeSet<String>>,
}

impl Answers {
    pub(crate) fn get(&self, canonical: &str) -> Option<&Answer> {
        self.known.get(canonical)
    }

    /// A question is about to be sent.
    pub(crate) fn mark_asked(&mut self, canonical: &str) {
        self.asked.insert(canonical.to_owned(), BTreeSet::new());
    }

    /// A pod began to run a digest that no pod ran just before. No clock is compared: nodes have clocks of their own, and
    /// what counts is what was known when the question was sent.
    pub(crate) fn mark_started(&mut self, canonical: &str, digest: &str) {
        let known = self.known.get_mut(canonical).map(|answer| &mut answer.newer);
        for newer in known.into_iter().chain(self.asked.get_mut(canonical)) {
            newer.insert(digest.to_owned());
        }
    }

    /// Takes an answer in. Returns whether it says something else than before.
    pub(crate) fn insert(&mut self, canonical: String, digest: Result<String, String>, now: u32) -> bool {
        let newer = self.asked.remove(&canonical).unwrap_or_default();
        let answer = Answer { digest, at: now, newer };
        let before = self.known.insert(canonical, answer.clone());
        before.is_none_or(|before| before.digest != answer.digest || before.newer != answer.newer)
    }

    /// Of these references, the one that has waited longest for a question, if any is due.
    pub(crate) fn due(&self, wanted: &BTreeSet<String>, now: u32) -> Option<String> {
        let due = wanted.iter().take(MAX_ANSWERS).filter_map(|canonical| match self.known.get(canonical) {
            None => Some((0, canonical)),
            Some(answer) => {
                let rest = match answer.digest {
                    Ok(_) if answer.newer.is_empty() => FRESH,
                    Ok(_) => 0,
                    Err(_) => PAUSE,
                };
                (answer.at.saturating_add(rest) <= now).then_some((answer.at, canonical))
            }
        });
        due.min().map(|(_, canonical)| canonical.clone())
    }

    /// Forgets what is not wanted any more of a registry. Returns that.
    pub(crate) fn retain(&mut self, registry: &str, wanted: &BTreeSet<String>) -> Vec<String> {
        let is_of = |known: &str| known.strip_prefix(registry).is_some_and(|rest| rest.starts_with('/'));
        let unwanted = self.known.keys().filter(|known| is_of(known) && !wanted.contains(*known));
        let gone: Vec<String> = unwanted.cloned().collect();
        for canonical in &gone {
            self.known.remove(canonical);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_each_once_in_an_hour_and_after_a_failure_once_in_ten_minutes() {
        let wanted: BTreeSet<String> = ["r/a", "r/b"].map(str::to_owned).into();
        let mut answers = Answers::default();
        assert_eq!(answers.due(&wanted, 0).as_deref(), Some("r/a"));
        assert!(answers.insert("r/a".to_owned(), Ok("1".to_owned()), 100));
        assert_eq!(answers.due(&wanted, 100).as_deref(), Some("r/b"));
        assert!(answers.insert("r/b".to_owned(), Err("no".to_owned()), 100));
        assert_eq!(answers.due(&wanted, 100 + PAUSE - 1), None);
        assert_eq!(answers.due(&wanted, 100 + PAUSE).as_deref(), Some("r/b"));
        assert!(!answers.insert("r/b".to_owned(), Err("no".to_owned()), 100 + PAUSE));
        assert_eq!(answers.due(&wanted, 100 + FRESH).as_deref(), Some("r/a"));
        assert!(answers.retain("other", &BTreeSet::new()).is_empty());
        assert_eq!(answers.retain("r", &["r/b".to_owned()].into()), ["r/a"]);
        assert_eq!(answers.get("r/a"), None);
    }

    #[test]
    fn a_digest_that_pods_run_since_is_asked_for_at_once() {
        let wanted: BTreeSet<String> = ["r/a".to_owned()].into();
        let mut answers = Answers::default();
        answers.mark_started("r/a", "1");
        answers.mark_asked("r/a");
        answers.insert("r/a".to_owned(), Ok("1".to_owned()), 100);
        assert!(!answers.get("r/a").unwrap().is_older_than("1"));
        assert_eq!(answers.due(&wanted, 100), None);
        answers.mark_started("r/a", "2");
        assert!(answers.get("r/a").unwrap().is_older_than("2"));
        assert_eq!(answers.due(&wanted, 100).as_deref(), Some("r/a"));
        // What comes while the registry is asked may be younger than its answer.
        answers.mark_asked("r/a");
        answers.mark_started("r/a", "3");
        assert!(answers.insert("r/a".to_owned(), Ok("2".to_owned()), 101));
        let answer = answers.get("r/a").unwrap();
        assert!(answer.is_older_than("3") && !answer.is_older_than("2"));
        assert_eq!(answers.due(&wanted, 101).as_deref(), Some("r/a"));
        // The same answer as before, and yet it says more.
        answers.mark_asked("r/a");
        assert!(answers.insert("r/a".to_owned(), Ok("2".to_owned()), 102));
        assert_eq!(answers.due(&wanted, 102), None);
        // A registry that does not answer is given its rest all the same.
        answers.mark_asked("r/a");
        answers.insert("r/a".to_owned(), Err("no".to_owned()), 103);
        answers.mark_started("r/a", "4");
        assert_eq!(answers.due(&wanted, 104), None);
    }
}
