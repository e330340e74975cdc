//! What registries have answered, and what is to be asked next. Plain: the time comes from outside.

use std::collections::{BTreeMap, BTreeSet};

/// How long an answer counts, in seconds.
const FRESH: u32 = 3_600;
/// How long it is not asked again after a failure.
const PAUSE: u32 = 600;
/// Most references that are asked for; an operator who lists a registry means a manageable number.
const MAX: usize = 5_000;

/// What is known of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The digest, or why nobody knows.
    pub(crate) digest: Result<String, String>,
    at: u32,
}

/// Answers by canonical reference.
#[derive(Debug, Default)]
pub(crate) struct Answers(BTreeMap<String, Answer>);

impl Answers {
    pub(crate) fn get(&self, canonical: &str) -> Option<&Answer> {
        self.0.get(canonical)
    }

    /// Takes an answer in. Returns whether it is another than before.
    pub(crate) fn insert(&mut self, canonical: String, digest: Result<String, String>, now: u32) -> bool {
        let answer = Answer { digest, at: now };
        let before = self.0.insert(canonical, answer.clone());
        before.is_none_or(|before| before.digest != answer.digest)
    }

    /// Of these references, the one that has waited longest for a question, if any is due.
    pub(crate) fn due(&self, wanted: &BTreeSet<String>, now: u32) -> Option<String> {
        let due = wanted.iter().take(MAX).filter_map(|canonical| match self.0.get(canonical) {
            None => Some((0, canonical)),
            Some(answer) => {
                let rest = if answer.digest.is_ok() { FRESH } else { PAUSE };
                (answer.at.saturating_add(rest) <= now).then_some((answer.at, canonical))
            }
        });
        due.min().map(|(_, canonical)| canonical.clone())
    }

    /// Forgets what is not wanted any more of a registry. Returns that.
    pub(crate) fn keep(&mut self, registry: &str, wanted: &BTreeSet<String>) -> Vec<String> {
        let is_of = |known: &str| known.strip_prefix(registry).is_some_and(|rest| rest.starts_with('/'));
        let unwanted = self.0.keys().filter(|known| is_of(known) && !wanted.contains(*known));
        let gone: Vec<String> = unwanted.cloned().collect();
        for canonical in &gone {
            self.0.remove(canonical);
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
        assert!(answers.keep("other", &BTreeSet::new()).is_empty());
        assert_eq!(answers.keep("r", &["r/b".to_owned()].into()), ["r/a"]);
        assert_eq!(answers.get("r/a"), None);
    }
}
