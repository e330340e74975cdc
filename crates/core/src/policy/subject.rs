//! A workload as overrides and exemptions are compared with it.

use std::cell::OnceCell;

use crate::glob::Glob;
use crate::kinds::{Kinds, full_kind};
use crate::workload::WorkloadId;

/// A workload, and what its kind is called.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) id: &'a WorkloadId,
    kinds: &'a Kinds,
    /// Few policies name kinds.
    names: OnceCell<KindNames>,
}

/// The names of a kind.
#[derive(Debug)]
struct KindNames {
    /// Whether the plain name means it.
    is_plain: bool,
    /// With its group.
    full: String,
    /// The same without its dots.
    without_dots: String,
}

impl<'a> Subject<'a> {
    pub(super) fn new(id: &'a WorkloadId, kinds: &'a Kinds) -> Self {
        Self { id, kinds, names: OnceCell::new() }
    }

    /// Whether a glob matches its kind: the plain name, where that means it, or `Kind.group`. What reaches into a group has
    /// the dot before it written out, so that `Deploy*` is no kind of another group: any user who may create a pod can write
    /// one into its owner reference.
    pub(super) fn is_of_kind(&self, glob: &Glob) -> bool {
        let kind = self.id.kind.raw();
        let KindNames { is_plain, full, without_dots } = self.names();
        let has_dot = || glob.literal().is_some() || !glob.is_match(without_dots);
        *is_plain && glob.is_match(kind) || glob.is_match(full) && has_dot()
    }

    fn names(&self) -> &KindNames {
        self.names.get_or_init(|| {
            let (api_version, kind) = (self.id.api_version.raw(), self.id.kind.raw());
            let full = full_kind(api_version, kind);
            let is_plain = self.kinds.is_meant_by_plain_name(api_version, kind);
            KindNames { is_plain, without_dots: full.replace('.', "\0"), full }
        })
    }
}
