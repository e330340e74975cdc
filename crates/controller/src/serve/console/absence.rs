//! Why the console shows nothing of a namespace or a workload.

use tagwatch_console::Absence;
use tagwatch_core::kinds::{self, WorkloadKind};
use tagwatch_core::policy::Decision;
use tagwatch_core::text::UntrustedText;

use super::ConsoleState;

impl ConsoleState {
    /// The first reason that applies, from the outside in.
    pub(super) fn absence(&self, namespace: &str, workload: Option<(&str, &str)>) -> Absence {
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
        let Some((kind, name)) = workload else {
            return if known.is_some() { Absence::NamespaceEmpty } else { Absence::NotKnown };
        };
        match kinds::meant_by(kind) {
            Some(meant) => self.absence_of_object(meant, kind, (namespace, name)),
            None => self.absence_of_kind(kind),
        }
    }

    /// Of an object of a kind of Kubernetes that is watched, whose kind may be written otherwise.
    fn absence_of_object(
        &self,
        meant: &WorkloadKind,
        kind: &str,
        (namespace, name): (&str, &str),
    ) -> Absence {
        let known_as = &meant.name.kind;
        let under = meant.is_pod().then(|| self.index.lock().reported_under(namespace, name)).flatten();
        match under {
            Some(top) => Absence::ReportedUnder(top.kind_and_group().into(), top.name().into()),
            None if kind != known_as => Absence::KindSpelledOtherwise(known_as.as_str().into()),
            None => Absence::NotKnown,
        }
    }

    /// The same for another kind, as its label names it.
    fn absence_of_kind(&self, kind: &str) -> Absence {
        let policy = self.engine.current();
        let custom = policy.policy().kinds().watched_custom().map(|known| known.name.to_string());
        let watched: Vec<String> = custom.collect();
        let spelled = || watched.iter().find(|known| known.eq_ignore_ascii_case(kind));
        if self.custom.forbidden().contains(kind) {
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
