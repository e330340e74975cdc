//! Services as they come out of a project, and how one is merged over another
//! (<https://github.com/compose-spec/compose-spec/blob/main/13-merge.md>).

use std::collections::BTreeMap;

use super::file::{Field, Service, Written};
use super::interpolate::{Problem, Variables, interpolate};
use super::sources::FileId;
use crate::yaml::Position;

/// A place in one of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: FileId,
    pub(super) at: Position,
}

/// A value with its variables replaced, where that is possible.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) text: Result<String, Problem>,
    pub(super) place: Place,
}

impl Value {
    pub(super) fn new(written: &Written, file: FileId, variables: &Variables) -> Self {
        Self { text: interpolate(&written.text, variables), place: Place { file, at: written.at } }
    }

    /// The text, where it is known and not empty.
    pub(super) fn given(&self) -> Option<&str> {
        self.text.as_deref().ok().filter(|text| !text.is_empty())
    }
}

/// What is known of a service.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) image: Option<Value>,
    pub(super) pull_policy: Option<Value>,
    pub(super) builds: bool,
    /// Labels and annotations that exempt.
    pub(super) exempting: BTreeMap<String, Value>,
}

/// A service of one document, before it is merged.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) known: Known,
    pub(super) resets: Resets,
    pub(super) extends: Option<Extended>,
}

/// What a layer takes away from those below it.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of its own, and any of them may be reset")]
pub(super) struct Resets {
    /// The service as a whole.
    pub(super) service: bool,
    /// There is nothing in its place.
    pub(super) is_gone: bool,
    image: bool,
    pull_policy: bool,
    build: bool,
}

/// Which service a service extends.
#[derive(Debug, Clone)]
pub(super) struct Extended {
    pub(super) service: Value,
    pub(super) file: Option<Value>,
}

impl Layer {
    pub(super) fn new(service: &Service, file: FileId, variables: &Variables) -> Self {
        let value = |written: &Written| Value::new(written, file, variables);
        let set = |field: &Field<Written>| match field {
            Field::Set(written) => Some(value(written)),
            Field::Absent | Field::Reset => None,
        };
        let extends = match &service.extends {
            Field::Set(extends) => {
                Some(Extended { service: value(&extends.service), file: extends.file.as_ref().map(value) })
            }
            Field::Absent | Field::Reset => None,
        };
        let exempting = service.exempting.iter().map(|(key, text)| (key.clone(), value(text)));
        Self {
            known: Known {
                image: set(&service.image),
                pull_policy: set(&service.pull_policy),
                builds: matches!(service.build, Field::Set(())),
                exempting: exempting.collect(),
            },
            resets: Resets {
                service: service.is_reset || service.is_override,
                is_gone: service.is_reset,
                image: matches!(service.image, Field::Reset),
                pull_policy: matches!(service.pull_policy, Field::Reset),
                build: matches!(service.build, Field::Reset),
            },
            extends,
        }
    }

    /// A service of an included project, which this layer, if any, is merged over.
    pub(super) fn over_included(self, included: Known) -> Self {
        Self { known: included.under(self.resets, self.known), ..self }
    }

    /// A service of an included project alone.
    pub(super) fn included(known: Known) -> Self {
        Self { known, resets: Resets::default(), extends: None }
    }
}

impl Known {
    /// Another service merged over this one, after it has taken away what it resets.
    pub(super) fn under(self, resets: Resets, over: Self) -> Self {
        if resets.service {
            return over;
        }
        let mut exempting = self.exempting;
        exempting.extend(over.exempting);
        Self {
            image: over.image.or(self.image.filter(|_| !resets.image)),
            pull_policy: over.pull_policy.or(self.pull_policy.filter(|_| !resets.pull_policy)),
            builds: over.builds || (self.builds && !resets.build),
            exempting,
        }
    }
}
