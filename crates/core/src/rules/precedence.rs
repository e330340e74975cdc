//! Which rule is silent where another one reports the same, or more. Every dependency between rules is a row here, and
//! the engine applies them in one place.
//!
//! What a rule is about is no precedence, since it holds whether the other rule is on or off: `floating-tag` never
//! checks `latest`, `stale-pull-policy` and `cached-private-image` check `IfNotPresent` and leave `Never` alone, and a
//! rule that [needs a reference](super::RuleMeta::needs_reference) is not asked about an image that does not parse.

use super::ids;
use super::subject::Subject;
use crate::outcome::Outcome;

/// A rule that gives way to another one in the same container.
#[derive(Debug)]
pub(crate) struct Precedence {
    /// The rule that is silent.
    pub(crate) rule: &'static str,
    /// The rule that it yields to.
    pub(crate) yields_to: &'static str,
    /// What the other rule has to do.
    pub(crate) when: Precedes,
    /// The containers in which it holds.
    pub(crate) holds_for: fn(&Subject<'_>) -> bool,
}

/// What makes a rule precede another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precedes {
    /// It is on, whether it fires or not.
    Enabled,
    /// It fires, exempt or not.
    Fires,
    /// It fires and is not exempt. Only this one is decided after exemptions.
    FiresUnexempted,
}

/// Every precedence. A rule that others yield to yields to none itself.
pub(crate) static PRECEDENCE: [Precedence; 5] = [
    // The policy forbids the tag by name, so what the tag looks like adds nothing.
    Precedence {
        rule: ids::FLOATING_TAG,
        yields_to: ids::LATEST_TAG,
        when: Precedes::Fires,
        holds_for: |_| true,
    },
    Precedence {
        rule: ids::UNCLASSIFIED_TAG,
        yields_to: ids::LATEST_TAG,
        when: Precedes::Fires,
        holds_for: |_| true,
    },
    // `Always` on a private image is the stopgap that cached-private-image asks for.
    Precedence {
        rule: ids::NEEDLESS_PULL,
        yields_to: ids::CACHED_PRIVATE_IMAGE,
        when: Precedes::Enabled,
        holds_for: |subject| subject.image_pull_secrets,
    },
    // Pods that wait for the template's own invalid image are its consequence.
    Precedence {
        rule: ids::IMAGE_PULL_FAILING,
        yields_to: ids::INVALID_IMAGE_REFERENCE,
        when: Precedes::Fires,
        holds_for: |subject| {
            let failure = subject.drift().and_then(|drift| drift.pull_failure.as_ref());
            failure.is_some_and(|failure| failure.image.is_none())
        },
    },
    // Both report digests of the same reference, and mixed-digests says where they run side by side.
    Precedence {
        rule: ids::MOVED_TAG,
        yields_to: ids::MIXED_DIGESTS,
        when: Precedes::FiresUnexempted,
        holds_for: |subject| {
            let drift = subject.drift();
            let moved = drift.and_then(|drift| drift.moved.as_ref()).map(|moved| &moved.reference);
            let mixed =
                drift.and_then(|drift| drift.mixed.as_ref()).map(|mixed| &mixed.resolutions.reference);
            moved.is_some() && moved == mixed
        },
    },
];

impl Precedence {
    /// Whether the rule is silent. `result` is the other rule's, where it fired.
    pub(crate) fn silences(&self, subject: &Subject<'_>, result: Option<Outcome>) -> bool {
        let precedes = match self.when {
            Precedes::Enabled => subject.rules.is_enabled(self.yields_to),
            Precedes::Fires => result.is_some(),
            Precedes::FiresUnexempted => result.is_some_and(|outcome| outcome != Outcome::Skip),
        };
        precedes && (self.holds_for)(subject)
    }

    /// Whether it is decided once exemptions are: a finding that is dropped uses no exemption.
    pub(crate) fn waits_for_exemptions(&self) -> bool {
        self.when == Precedes::FiresUnexempted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::find;

    #[test]
    fn a_rule_yields_to_one_that_yields_to_none() {
        for row in &PRECEDENCE {
            assert_ne!(row.rule, row.yields_to);
            assert!(PRECEDENCE.iter().all(|other| other.rule != row.yields_to), "{row:?}");
            assert!(find(row.rule).is_some() && find(row.yields_to).is_some(), "{row:?}");
        }
    }
}
