//! Variables in values (<https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>), as template/template.go
//! of compose-spec/compose-go replaces them.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest value after variables are replaced, in bytes: an image reference has 4096 at most.
pub(super) const MAX_VALUE: usize = 16 << 10;

/// Most levels of defaults in defaults, `${A:-${B:-…}}`.
const MAX_NESTING: usize = 32;

/// The variables of a project. Those of an outer project come first: they have precedence.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables(Vec<Arc<BTreeMap<String, Variable>>>);

/// The value of a variable, or the name of the one that is not set and on which it depends.
pub(super) type Variable = Result<String, String>;

/// Why a value cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Problem {
    /// A variable that is not set, by its name.
    Unset(String),
    /// Compose refuses the value.
    Malformed,
    /// Beyond [`MAX_VALUE`] or [`MAX_NESTING`].
    TooLong,
}

impl Variables {
    /// These variables, and after them those of an inner project.
    pub(super) fn and(&self, inner: Arc<BTreeMap<String, Variable>>) -> Self {
        Self(self.0.iter().cloned().chain([inner]).collect())
    }

    fn get(&self, name: &str) -> Option<&Variable> {
        self.0.iter().find_map(|variables| variables.get(name))
    }
}

/// Replaces the variables in a value.
pub(super) fn interpolate(text: &str, variables: &Variables) -> Result<String, Problem> {
    expand(text, &|name| variables.get(name).cloned(), 0)
}

/// Replaces the variables in a text by what `lookup` returns.
pub(super) fn expand(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<Variable>,
    depth: usize,
) -> Result<String, Problem> {
    if depth > MAX_NESTING {
        return Err(Problem::TooLong);
    }
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        rest = if let Some(behind) = behind.strip_prefix('$') {
            out.push('$');
            behind
        } else if let Some(braced) = behind.strip_prefix('{') {
            let end = closing_brace(braced).ok_or(Problem::Malformed)?;
            out.push_str(&braced_value(&braced[..end], lookup, depth)?);
            &braced[end + 1..]
        } else {
            let name = name_at(behind);
            if name.is_empty() {
                out.push('$');
            } else {
                out.push_str(&known(name, lookup)?.ok_or_else(|| Problem::Unset(name.to_owned()))?);
            }
            &behind[name.len()..]
        };
        if out.len() > MAX_VALUE {
            return Err(Problem::TooLong);
        }
    }
    out.push_str(rest);
    if out.len() > MAX_VALUE { Err(Problem::TooLong) } else { Ok(out) }
}

/// What stands for `${…}`, given the text between the braces.
fn braced_value(
    braced: &str,
    lookup: &dyn Fn(&str) -> Option<Variable>,
    depth: usize,
) -> Result<String, Problem> {
    let name = name_at(braced);
    let unset = || Problem::Unset(name.to_owned());
    let operation = &braced[name.len()..];
    if name.is_empty() {
        return Err(Problem::Malformed);
    }
    if operation.is_empty() {
        return known(name, lookup)?.ok_or_else(unset);
    }
    let (counts_empty, operator) = match operation.strip_prefix(':') {
        Some(operator) => (true, operator),
        None => (false, operation),
    };
    let is_given =
        |value: &Option<String>| value.as_ref().is_some_and(|value| !counts_empty || !value.is_empty());
    if let Some(default) = operator.strip_prefix('-') {
        let value = known(name, lookup)?;
        return if is_given(&value) {
            Ok(value.unwrap_or_default())
        } else {
            expand(default, lookup, depth + 1)
        };
    }
    if let Some(replacement) = operator.strip_prefix('+') {
        let value = known(name, lookup)?;
        return if is_given(&value) {
            expand(replacement, lookup, depth + 1)
        } else {
            Ok(value.unwrap_or_default())
        };
    }
    if operator.starts_with('?') {
        return known(name, lookup)?.filter(|value| is_given(&Some(value.clone()))).ok_or_else(unset);
    }
    Err(Problem::Malformed)
}

/// The value of a variable; an error where it depends on one that is not set.
fn known(name: &str, lookup: &dyn Fn(&str) -> Option<Variable>) -> Result<Option<String>, Problem> {
    lookup(name).transpose().map_err(Problem::Unset)
}

/// The name at the start of a text: letters, digits and underscores, no digit first.
fn name_at(text: &str) -> &str {
    let is_part = |(at, byte): (usize, u8)| {
        byte == b'_' || byte.is_ascii_alphabetic() || (at > 0 && byte.is_ascii_digit())
    };
    let length = text.bytes().enumerate().take_while(|&part| is_part(part)).count();
    &text[..length]
}

/// The brace that closes the one before the text; where braces do not match, the last one, as Compose's own expression
/// finds it.
fn closing_brace(text: &str) -> Option<usize> {
    let (mut open, mut bytes) = (1, text.bytes().enumerate());
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'{' => {
                open += 1;
                bytes.next();
            }
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    text.rfind('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let set = |name: &str, value: &str| (name.to_owned(), Ok(value.to_owned()));
        let open = ("OPEN".to_owned(), Err("OTHER".to_owned()));
        Variables::default().and(Arc::new(BTreeMap::from([set("TAG", "1.2.3"), set("EMPTY", ""), open])))
    }

    /// As compose-go 2.10 replaces them.
    #[test]
    fn variables_are_replaced_as_compose_does() {
        for (text, expected) in [
            ("nginx:1", "nginx:1"),
            ("nginx:$TAG", "nginx:1.2.3"),
            ("nginx:${TAG}-x", "nginx:1.2.3-x"),
            ("nginx:${NONE:-2}", "nginx:2"),
            ("nginx:${NONE-2}", "nginx:2"),
            ("nginx:${EMPTY:-2}", "nginx:2"),
            ("nginx:${EMPTY-2}", "nginx:"),
            ("nginx:${TAG:-2}${TAG}", "nginx:1.2.31.2.3"),
            ("nginx:${NONE:-${OTHER:-${TAG}}}", "nginx:1.2.3"),
            ("nginx:${TAG:?needed}", "nginx:1.2.3"),
            ("nginx:${EMPTY?needed}", "nginx:"),
            ("nginx${TAG:+:}$TAG", "nginx:1.2.3"),
            ("nginx${NONE:+:}${EMPTY:+x}${EMPTY+y}", "nginxy"),
            ("nginx:$$TAG", "nginx:$TAG"),
            ("cost $1 $", "cost $1 $"),
            ("${NONE:-a:b-c?d}", "a:b-c?d"),
            ("${NONE:-}", ""),
        ] {
            assert_eq!(interpolate(text, &variables()).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_no_text() {
        let unset = |name: &str| Problem::Unset(name.to_owned());
        let nested = format!("{}{}", "${A:-".repeat(100), "}".repeat(100));
        let long = "$TAG".repeat(MAX_VALUE);
        for (text, expected) in [
            ("nginx:$NONE", unset("NONE")),
            ("nginx:${NONE}", unset("NONE")),
            ("nginx:${NONE:?needed}", unset("NONE")),
            ("nginx:${EMPTY:?needed}", unset("EMPTY")),
            ("nginx:${NONE:-$OTHER}", unset("OTHER")),
            ("nginx:$OPEN", unset("OTHER")),
            ("nginx:${", Problem::Malformed),
            ("nginx:${}", Problem::Malformed),
            ("nginx:${1A}", Problem::Malformed),
            ("nginx:${A!b}", Problem::Malformed),
            ("nginx:${A:b}", Problem::Malformed),
            ("nginx:${A:-${B}", Problem::Malformed),
            (nested.as_str(), Problem::TooLong),
            (long.as_str(), Problem::TooLong),
        ] {
            assert_eq!(interpolate(text, &variables()), Err(expected), "{text}");
        }
    }

    #[test]
    fn an_outer_project_has_precedence() {
        let inner = BTreeMap::from([
            ("TAG".to_owned(), Ok("inner".to_owned())),
            ("MORE".to_owned(), Ok("inner".to_owned())),
        ]);
        assert_eq!(
            interpolate("$TAG $MORE", &variables().and(Arc::new(inner))).as_deref(),
            Ok("1.2.3 inner")
        );
    }
}
