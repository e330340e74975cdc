//! Where a path leads in one object: each pod template with its own, concrete path.

use super::template_path::{TemplatePath, TemplateStep};
use crate::text::UntrustedText;

/// A value of an object, of JSON or YAML.
pub trait Tree: Copy {
    /// What kind of value it is.
    fn value_type(self) -> ValueType;

    /// The value of a field, where this is a mapping that has it.
    fn field(self, name: &str) -> Option<Self>;

    /// The items, where this is a list.
    fn items(self) -> Vec<Self>;

    /// Keys and values, where this is a mapping.
    fn entries(self) -> Vec<(String, Self)>;
}

/// What kind of value something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ValueType {
    Null,
    Mapping,
    List,
    /// Anything else, named for a message: `string`.
    Other(&'static str),
}

impl ValueType {
    /// The name of the type in a message.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Mapping => "mapping",
            Self::List => "list",
            Self::Other(name) => name,
        }
    }
}

/// A pod template that a path led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTemplate<T> {
    /// Its path from the object's root, such as `spec.replicatedJobs[0].template.spec.template`. Keys of mappings are
    /// escaped for a terminal.
    pub path: String,
    /// The mapping at that path.
    pub template: T,
}

impl<T> FoundTemplate<T> {
    /// The path of its pod spec from the object's root.
    pub fn pod_spec_path(&self) -> String {
        join(&self.path, "spec")
    }
}

/// Something on the way that is not what the path expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch<T> {
    /// Path of the value from the object's root.
    pub path: String,
    /// What the path expects there: `mapping` or `list`.
    pub expected: &'static str,
    /// The value at the path.
    pub found: T,
}

impl<T: Tree> Mismatch<T> {
    /// In words; safe for a terminal.
    pub fn message(&self) -> String {
        format!("{} must be a {}, found a {}", self.path, self.expected, self.found.value_type().name())
    }
}

/// Where the paths of a kind lead in one object.
#[derive(Debug)]
pub struct FoundTemplates<T> {
    /// The templates, in the order of the paths and of the object.
    pub templates: Vec<FoundTemplate<T>>,
    /// What is in the way.
    pub mismatches: Vec<Mismatch<T>>,
}

/// Follows paths from the root of an object. What is missing or null is no template and no mismatch: most paths are
/// optional in their kind.
pub fn find_templates<T: Tree>(root: T, paths: &[TemplatePath]) -> FoundTemplates<T> {
    let mut found = FoundTemplates { templates: Vec::new(), mismatches: Vec::new() };
    for path in paths {
        found.follow(root, path.steps(), String::new());
    }
    found
}

/// Follows one path from a mapping whose own path is `base`; empty for the root of an object.
pub(super) fn find_templates_below<T: Tree>(
    mapping: T,
    base: &str,
    path: &TemplatePath,
) -> FoundTemplates<T> {
    let mut found = FoundTemplates { templates: Vec::new(), mismatches: Vec::new() };
    found.follow(mapping, path.steps(), base.to_owned());
    found
}

impl<T: Tree> FoundTemplates<T> {
    fn follow(&mut self, value: T, steps: &[TemplateStep], path: String) {
        if value.value_type() == ValueType::Null {
            return;
        }
        let Some((step, rest)) = steps.split_first() else {
            if self.expect_type(value, ValueType::Mapping, &path) {
                self.templates.push(FoundTemplate { path, template: value });
            }
            return;
        };
        match step {
            TemplateStep::Field(name) => {
                if self.expect_type(value, ValueType::Mapping, &path)
                    && let Some(next) = value.field(name)
                {
                    self.follow(next, rest, join(&path, name));
                }
            }
            TemplateStep::EachValue => {
                if self.expect_type(value, ValueType::Mapping, &path) {
                    for (key, next) in value.entries() {
                        self.follow(next, rest, join(&path, &UntrustedText::from(key).terminal()));
                    }
                }
            }
            TemplateStep::EachItem => {
                if self.expect_type(value, ValueType::List, &path) {
                    for (index, next) in value.items().into_iter().enumerate() {
                        self.follow(next, rest, format!("{path}[{index}]"));
                    }
                }
            }
        }
    }

    /// Notes a mismatch where a value is of another type. Returns whether it is of the expected one.
    fn expect_type(&mut self, value: T, expected: ValueType, path: &str) -> bool {
        let fits = value.value_type() == expected;
        if !fits {
            let path = if path.is_empty() { "the object" } else { path };
            self.mismatches.push(Mismatch { path: path.to_owned(), expected: expected.name(), found: value });
        }
        fits
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}
