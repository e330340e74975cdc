//! Files with variables such as `.env`, as dotenv/parser.go of compose-spec/compose-go reads them. The environment of the
//! process is not looked at: a scan says the same on every machine, and a file cannot make it print a secret.

use std::collections::BTreeMap;

use super::interpolate::{Problem, Variable, expand};

/// Most bytes of the values of one file, with variables replaced.
const MAX_VALUES: usize = 4 << 20;

/// Variables by their names, and the first line that is not understood.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DotEnv {
    pub(super) variables: BTreeMap<String, Variable>,
    pub(super) broken_line: Option<u32>,
}

/// Reads the text of a file. What follows a line that is not understood is not read, since Compose refuses the file.
pub(super) fn parse(text: &str) -> DotEnv {
    let mut read = DotEnv::default();
    let (mut rest, mut bytes) = (text, 0);
    while let Some(statement) = next_statement(rest) {
        let line = line_of(text, statement);
        let Some((name, value, behind)) = assignment(statement) else {
            read.broken_line = Some(line);
            break;
        };
        rest = behind;
        // A name alone takes its value from the environment.
        let Some(value) = value else { continue };
        let value = value.resolve(&read.variables);
        bytes += value.as_ref().map_or(0, String::len);
        if bytes > MAX_VALUES {
            read.broken_line = Some(line);
            break;
        }
        read.variables.insert(name.to_owned(), value);
    }
    read
}

/// A value as written.
enum Value<'t> {
    /// Between single quotes, or with everything replaced.
    Literal(String),
    Expanded(String),
    Plain(&'t str),
}

impl Value<'_> {
    fn resolve(self, known: &BTreeMap<String, Variable>) -> Variable {
        let text = match &self {
            Self::Literal(text) => return Ok(text.clone()),
            Self::Expanded(text) => text.as_str(),
            Self::Plain(text) => text,
        };
        expand(text, &|name| known.get(name).cloned(), 0).map_err(|problem| match problem {
            Problem::Unset(name) => name,
            Problem::Malformed | Problem::TooLong => text.chars().take(20).collect(),
        })
    }
}

/// The text from the next name on, without blank lines and comments.
fn next_statement(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    while rest.starts_with('#') {
        rest = rest.split_once('\n')?.1.trim_start();
    }
    (!rest.is_empty()).then_some(rest)
}

fn line_of(text: &str, rest: &str) -> u32 {
    let before = &text.as_bytes()[..text.len() - rest.len()];
    u32::try_from(memchr::memchr_iter(b'\n', before).count() + 1).unwrap_or(u32::MAX)
}

/// Name, value and what follows. `None` for what is no assignment.
fn assignment(statement: &str) -> Option<(&str, Option<Value<'_>>, &str)> {
    let exported = statement.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    let statement = exported.unwrap_or(statement).trim_start_matches([' ', '\t']);
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    let end = statement.find(|c| !is_name(c)).unwrap_or(statement.len());
    let (name, behind) = statement.split_at(end);
    let behind = behind.trim_start_matches([' ', '\t', '\r']);
    // A value without a name is of no use, but Compose takes it.
    if name.is_empty() && !behind.starts_with(['=', ':']) {
        return None;
    }
    if behind.is_empty() || behind.starts_with('\n') {
        return Some((name, None, behind));
    }
    let behind = behind.strip_prefix(['=', ':'])?.trim_start_matches([' ', '\t', '\r']);
    if let Some(quote @ ('"' | '\'')) = behind.chars().next() {
        let (text, rest) = quoted(&behind[1..], quote)?;
        let value = if quote == '"' { Value::Expanded(unescape(&text)) } else { Value::Literal(text) };
        return Some((name, Some(value), rest));
    }
    let (line, rest) = behind.split_once('\n').unwrap_or((behind, ""));
    // A comment that follows `=` at once is none for Compose: it wants a blank before it.
    let line = line.split_once(" #").map_or(line, |(line, _)| line);
    Some((name, Some(Value::Plain(line.trim_end())), rest))
}

/// The text up to the closing quote, in which a backslash takes the quote's meaning, and what follows.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let (mut value, mut is_escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        if c == quote && !is_escaped {
            return Some((value, &text[at + 1..]));
        }
        if is_escaped && c != quote {
            value.push('\\');
        }
        is_escaped = c == '\\' && !is_escaped;
        if !is_escaped {
            value.push(c);
        }
    }
    None
}

/// Escapes of a text in double quotes. `\$` stands for a dollar that begins no variable.
fn unescape(text: &str) -> String {
    let (mut value, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some('t') => value.push('\t'),
            Some('$') => value.push_str("$$"),
            Some(known @ ('"' | '\\')) => value.push(known),
            Some(other) => value.extend(['\\', other]),
            None => value.push('\\'),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As compose-go 2.10 reads it, but that a variable which is not set is not taken for an empty one.
    #[test]
    fn a_file_is_read_as_compose_reads_it() {
        let text = "# a comment\n\nTAG=1.2.3\nexport NAME = web # the name\nYAML: value\nQUOTED=\"a # b\\n$TAG\\$x\"\n\
                    LITERAL='$TAG \\'x'\nNONE\nFULL=${NAME}:$TAG\nOPEN=$MISSING-x\nEMPTY=\nDEFAULT=${MISSING:-d}\r\nHASH=a#b\n";
        let DotEnv { variables, broken_line } = parse(text);
        assert_eq!(broken_line, None);
        let expected: [(&str, Result<&str, &str>); 10] = [
            ("DEFAULT", Ok("d")),
            ("EMPTY", Ok("")),
            ("FULL", Ok("web:1.2.3")),
            ("HASH", Ok("a#b")),
            ("LITERAL", Ok("$TAG 'x")),
            ("NAME", Ok("web")),
            ("OPEN", Err("MISSING")),
            ("QUOTED", Ok("a # b\n1.2.3$x")),
            ("TAG", Ok("1.2.3")),
            ("YAML", Ok("value")),
        ];
        let expected =
            expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned).map_err(str::to_owned)));
        assert_eq!(variables.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_first_line_that_is_none_is_named() {
        for (text, line) in [("A=1\n!\n", 2), ("A=\"open\n", 1), ("A B=1", 1)] {
            assert_eq!(parse(text).broken_line, Some(line), "{text}");
        }
        let bomb = format!("A={}\n{}", "x".repeat(10_000), "B=$A\n".repeat(10_000));
        assert!(parse(&bomb).broken_line.is_some(), "the bytes of all values are limited");
    }
}
