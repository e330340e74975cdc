//! Several watched namespaces, each a unit: one whose watches are refused is left out, and the others are judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Watch;
use crate::state::readiness::ReadyToken;

/// How far a namespace has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Not every kind is listed yet.
    Starting,
    /// Every kind is listed, and none is refused.
    Followed,
    /// A watch was refused, and not every kind is listed again.
    Lost,
}

impl Unit {
    fn next(self, is_listed: bool, is_refused: bool) -> Self {
        match self {
            _ if is_refused => Self::Lost,
            _ if is_listed => Self::Followed,
            unit => unit,
        }
    }
}

/// The namespaces, where there are several; else nothing.
#[derive(Default)]
pub(super) struct Units {
    namespaces: BTreeMap<Box<str>, Unit>,
    /// Ready once one of them is followed.
    any: Option<ReadyToken>,
    changes: Changes,
}

/// What has happened to namespaces since it was last taken.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) lost: BTreeSet<Box<str>>,
    /// Followed for the first time. Readiness may come a moment before that, and with it the first evaluation.
    pub(super) begun: BTreeSet<Box<str>>,
    /// Followed again.
    pub(super) found: BTreeSet<Box<str>>,
}

impl Units {
    pub(super) fn new(namespaces: impl IntoIterator<Item = String>, any: ReadyToken) -> Self {
        let namespaces = namespaces.into_iter().map(|name| (name.into(), Unit::Starting)).collect();
        Self { namespaces, any: Some(any), changes: Changes::default() }
    }

    /// Follows the states of all watches.
    pub(super) fn update(&mut self, watches: &[Arc<Watch>]) {
        if self.namespaces.is_empty() {
            return;
        }
        let mut blocked: BTreeMap<&str, bool> = BTreeMap::new();
        for watch in watches {
            if let Some((scope, is_refused)) = watch.scope.as_deref().zip(watch.blocks()) {
                *blocked.entry(scope).or_default() |= is_refused;
            }
        }
        let Self { namespaces, any, changes: Changes { lost, begun, found } } = self;
        for (name, unit) in namespaces.iter_mut() {
            let (before, blocked) = (*unit, blocked.get(&**name).copied());
            *unit = before.next(blocked.is_none(), blocked == Some(true));
            match (before, *unit) {
                (Unit::Starting | Unit::Followed, Unit::Lost) => {
                    found.remove(name);
                    begun.remove(name);
                    lost.insert(name.clone());
                }
                (Unit::Starting, Unit::Followed) => {
                    begun.insert(name.clone());
                }
                (Unit::Lost, Unit::Followed) => {
                    found.insert(name.clone());
                }
                _ => {}
            }
        }
        if let Some(any) = any.as_ref().filter(|_| namespaces.values().any(|unit| *unit == Unit::Followed)) {
            any.mark_ready();
        }
    }

    /// What has happened since the last call.
    pub(super) fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Whether a namespace is followed. What is no unit is.
    pub(super) fn is_followed(&self, namespace: &str) -> bool {
        self.namespaces.get(namespace).is_none_or(|unit| *unit == Unit::Followed)
    }

    pub(super) fn is_any_followed(&self) -> bool {
        self.namespaces.values().any(|unit| *unit == Unit::Followed)
    }

    pub(super) fn lost(&self) -> Vec<Box<str>> {
        self.states().filter(|(_, unit)| *unit == Unit::Lost).map(|(name, _)| name.into()).collect()
    }

    pub(super) fn states(&self) -> impl Iterator<Item = (&str, Unit)> {
        self.namespaces.iter().map(|(name, unit)| (&**name, *unit))
    }
}
