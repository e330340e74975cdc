//! The way from the root of an object to its pod templates.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Longest path in bytes; the longest that is known has 90.
const MAX_BYTES: usize = 256;

/// A path such as `spec.template`, `spec.replicatedJobs[*].template.spec.template` or
/// `spec.pytorchReplicaSpecs.*.template`: fields joined by dots, `[*]` behind a field for each item of its list, and
/// `*` for each value of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplatePath(Vec<TemplateStep>);

/// A step from a value to one in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateStep {
    /// A field of a mapping.
    Field(String),
    /// Each value of a mapping, whatever its key.
    EachValue,
    /// Each item of a list.
    EachItem,
}

/// What is wrong with the text of a path; safe for a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TemplatePathError {
    /// An empty text, which names no field.
    #[error(
        "this is empty; expected the path of a pod template from the object's root, such as spec.template"
    )]
    Empty,
    /// More than any path needs.
    #[error("this is longer than {MAX_BYTES} bytes; expected a path such as spec.template")]
    TooLong,
    /// Two dots in a row, or one at an end.
    #[error(
        "a field between two dots, or before or after one, is empty; expected a path such as spec.template, \
         without a dot at either end"
    )]
    EmptyField,
    /// A bracket that is not part of `[*]` at the end of a field.
    #[error(
        "brackets are understood as `[*]` behind a field only, such as spec.tasks[*].template: every item of a \
         list is read, none by its number"
    )]
    Brackets,
    /// A star within a name.
    #[error(
        "`*` stands for each value of a mapping, and for a whole field: spec.replicaSpecs.*.template; it is no \
         part of a name"
    )]
    Star,
    /// A character that no field name of the Kubernetes API holds.
    #[error("a field is made of letters, digits, `-` and `_`; expected a path such as spec.template")]
    Character,
    /// A path that begins with `*`.
    #[error("the first field must be named; expected a path such as spec.template")]
    Root,
}

impl TemplatePath {
    /// The path of an object that is itself the template, as a Pod is. No text parses into it.
    pub const ROOT: Self = Self(Vec::new());

    /// A path of the table of kinds, which also leads through lists in lists: `steps[*][*]`. A test compares what is read
    /// with what is written.
    pub(super) fn of_table(text: &str) -> Self {
        let mut steps = Vec::new();
        for segment in text.split('.') {
            let name = segment.trim_end_matches("[*]");
            steps.push(if name == "*" {
                TemplateStep::EachValue
            } else {
                TemplateStep::Field(name.to_owned())
            });
            let lists = (segment.len() - name.len()) / "[*]".len();
            steps.extend((0..lists).map(|_| TemplateStep::EachItem));
        }
        Self(steps)
    }

    /// The path of the template's pod spec.
    pub fn pod_spec(&self) -> String {
        if self.0.is_empty() { "spec".to_owned() } else { format!("{self}.spec") }
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[TemplateStep] {
        &self.0
    }
}

impl FromStr for TemplatePath {
    type Err = TemplatePathError;

    fn from_str(text: &str) -> Result<Self, TemplatePathError> {
        if text.trim().is_empty() {
            return Err(TemplatePathError::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(TemplatePathError::TooLong);
        }
        let mut steps = Vec::new();
        for segment in text.split('.') {
            parse_segment(segment, &mut steps)?;
        }
        match steps.first() {
            Some(TemplateStep::Field(_)) => Ok(Self(steps)),
            _ => Err(TemplatePathError::Root),
        }
    }
}

fn parse_segment(segment: &str, steps: &mut Vec<TemplateStep>) -> Result<(), TemplatePathError> {
    let (name, lists) = match segment.split_once('[') {
        None => (segment, 0),
        Some((name, "*]")) => (name, 1),
        Some(_) => return Err(TemplatePathError::Brackets),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    match name {
        "" => return Err(TemplatePathError::EmptyField),
        "*" => steps.push(TemplateStep::EachValue),
        name if name.chars().all(allowed) => steps.push(TemplateStep::Field(name.to_owned())),
        name if name.contains(']') => return Err(TemplatePathError::Brackets),
        name if name.contains('*') => return Err(TemplatePathError::Star),
        _ => return Err(TemplatePathError::Character),
    }
    steps.extend((0..lists).map(|_| TemplateStep::EachItem));
    Ok(())
}

impl fmt::Display for TemplatePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            match step {
                TemplateStep::Field(name) => write!(f, "{dot}{name}")?,
                TemplateStep::EachValue => write!(f, "{dot}*")?,
                TemplateStep::EachItem => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_prints_as_it_was_written() {
        for text in [
            "spec.template",
            "template",
            "spec.replicatedJobs[*].template.spec.template",
            "spec.pytorchReplicaSpecs.*.template",
            "spec.groups.*[*].template",
        ] {
            let path: TemplatePath = text.parse().unwrap();
            assert_eq!(path.to_string(), text);
        }
        let path: TemplatePath = "spec.tasks[*]".parse().unwrap();
        let [spec, tasks] = ["spec", "tasks"].map(|name| TemplateStep::Field(name.to_owned()));
        assert_eq!(path.steps(), [spec, tasks, TemplateStep::EachItem]);
    }

    #[test]
    fn bad_syntax_says_what_is_expected() {
        use TemplatePathError::{Brackets, Character, Empty, EmptyField, Root, Star, TooLong};
        let long = "a".repeat(257);
        for (text, expected) in [
            ("", Empty),
            (" ", Empty),
            (long.as_str(), TooLong),
            ("spec..template", EmptyField),
            (".spec.template", EmptyField),
            ("spec.template.", EmptyField),
            ("spec.[*].template", EmptyField),
            ("spec.tasks[0].template", Brackets),
            ("spec.tasks[].template", Brackets),
            ("spec.tasks[*][*]", Brackets),
            ("spec.tasks*].template", Brackets),
            ("spec.*Specs.template", Star),
            ("spec.**.template", Star),
            ("spec/template", Character),
            ("spec. template", Character),
            ("spec.\u{1b}", Character),
            ("*.template", Root),
        ] {
            let error = text.parse::<TemplatePath>().unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains(char::is_control));
        }
    }
}
