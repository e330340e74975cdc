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
            return Absence::NotKnown;
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
        if kinds::watched().any(|known| known.name.kind == kind) {
            Absence::NotKnown
        } else if self.custom.forbidden().contains(kind) {
            Absence::KindForbidden
        } else if self.custom.unserved().contains(kind) {
            Absence::KindNotServed
        } else if self
            .engine
            .current()
            .policy()
            .kinds()
            .watched_custom()
            .any(|known| known.name.to_string() == kind)
        {
            Absence::NotKnown
        } else {
            Absence::KindNotWatched
        }
    }
}

#[cfg(test)]
mod tests;
