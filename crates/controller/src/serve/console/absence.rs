//! Why the console shows nothing of a namespace or a kind.

use tagwatch_console::Absence;
use tagwatch_core::kinds;
use tagwatch_core::policy::Decision;
use tagwatch_core::text::UntrustedText;

use super::ConsoleState;

impl ConsoleState {
    /// The first reason that applies, from the outside in.
    pub(super) fn absence(&self, namespace: &str, kind: Option<&str>) -> Absence {
        if self.last_full_evaluation.get().is_none() {
            return Absence::Starting;
        }
        if !self.watched.has(namespace) {
            return Absence::NamespaceNotWatched;
        }
        let known = self.index.lock().namespace(namespace).cloned();
        if known.is_none() && !self.status.namespaces_forbidden() {
            return Absence::NamespaceNotKnown;
        }
        let engine = self.engine.current();
        let name = UntrustedText::from(namespace);
        let labels = known.as_deref().map(|namespace| &namespace.labels);
        if engine.policy().includes(Some(&name), labels) == Decision::No {
            return Absence::OutOfScope;
        }
        kind.map_or(Absence::NotKnown, |kind| self.absence_of_kind(kind))
    }

    /// The same for a kind, as its label names it.
    fn absence_of_kind(&self, kind: &str) -> Absence {
        let policy = self.engine.current();
        let custom = policy.policy().kinds().watched_custom().map(|known| known.name.to_string());
        let watched: Vec<String> =
            kinds::watched().map(|known| known.name.kind.clone()).chain(custom).collect();
        let spelled = || watched.iter().find(|known| known.eq_ignore_ascii_case(kind));
        if kinds::watched().any(|known| known.name.kind == kind) {
            Absence::NotKnown
        } else if self.custom.forbidden().contains(kind) {
            Absence::KindForbidden
        } else if self.custom.unserved().contains(kind) {
            Absence::KindNotServed
        } else if watched.iter().any(|known| known == kind) {
            Absence::NotKnown
        } else if let Some(spelled) = spelled() {
            Absence::KindSpelledOtherwise(spelled.as_str().into())
        } else if kinds::is_without_pods(kind) {
            Absence::KindWithoutPods
        } else {
            Absence::KindNotWatched
        }
    }
}

#[cfg(test)]
mod tests;
