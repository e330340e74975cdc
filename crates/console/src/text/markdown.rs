//! The Markdown of rule documentation: paragraphs, numbered lists and inline code. A test ensures that rules use
//! nothing else.

use tagwatch_core::text::UntrustedText;

/// Longest message of the engine on a page, in bytes. Only an absurdly long image name exceeds it.
const MAX_MESSAGE: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    Paragraph(Vec<Piece>),
    Steps(Vec<Vec<Piece>>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Words(String),
    Code(String),
}

pub(crate) fn blocks(text: &str) -> Vec<Block> {
    text.split("\n\n").filter(|block| !block.trim().is_empty()).map(block).collect()
}

fn block(text: &str) -> Block {
    let mut steps: Vec<String> = Vec::new();
    for line in text.lines() {
        match step(line) {
            Some(first) => steps.push(first.to_owned()),
            None if steps.is_empty() => return Block::Paragraph(pieces(&join(text))),
            None => {
                if let Some(last) = steps.last_mut() {
                    last.push(' ');
                    last.push_str(line.trim());
                }
            }
        }
    }
    Block::Steps(steps.iter().map(|step| pieces(step)).collect())
}

/// The text behind the number of a list item: `Text` of `2. Text`.
fn step(line: &str) -> Option<&str> {
    let (number, text) = line.split_once(". ")?;
    number.parse::<u8>().is_ok().then_some(text)
}

fn join(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Splits a line at its backticks.
pub(crate) fn pieces(line: &str) -> Vec<Piece> {
    let parts = line.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts
        .map(|(at, part)| match at % 2 {
            0 => Piece::Words(part.to_owned()),
            _ => Piece::Code(part.to_owned()),
        })
        .collect()
}

/// A message of the engine: its own words around untrusted names.
pub(crate) fn message(text: &UntrustedText) -> Vec<Piece> {
    let raw = text.raw();
    let head = UntrustedText::from(&raw[..raw.floor_char_boundary(MAX_MESSAGE)]).terminal();
    pieces(&head)
}

#[cfg(test)]
mod tests {
    use tagwatch_core::rules;

    use super::*;

    fn words(text: &str) -> Piece {
        Piece::Words(text.to_owned())
    }

    fn code(text: &str) -> Piece {
        Piece::Code(text.to_owned())
    }

    #[test]
    fn reads_paragraphs_steps_and_code() {
        assert_eq!(
            blocks("One\n`two` three.\n\n1. Name a digest:\n   `a@b`.\n2. Or not.\n"),
            [
                Block::Paragraph(vec![words("One "), code("two"), words(" three.")]),
                Block::Steps(vec![
                    vec![words("Name a digest: "), code("a@b"), words(".")],
                    vec![words("Or not.")]
                ]),
            ]
        );
    }

    #[test]
    fn rules_use_no_other_markdown() {
        for rule in rules::all() {
            for text in [rule.why, rule.fix] {
                assert_eq!(text.matches('`').count() % 2, 0, "{}: a backtick alone", rule.id);
                let marks = ["](", "**", "\n- ", "\n#", "\n|", "\n```", "\n>"];
                let found: Vec<_> = marks.iter().filter(|mark| text.contains(**mark)).collect();
                assert!(found.is_empty(), "{}: {found:?} is Markdown that pages do not support", rule.id);
            }
        }
    }
}
