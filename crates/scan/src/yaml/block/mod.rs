//! The subset of YAML that manifests are written in, read line by line: block mappings and sequences with plain keys, and
//! scalars of one line, block scalars, and lists in brackets on one line.
//!
//! It is the fast way to the tree that [`super::syntax`] builds, many times faster since it looks at each byte once or
//! twice. It takes a document only if it understands all of it, so that nothing hides behind it: everything else (anchors,
//! tags, escapes, scalars of several lines, tabs, carriage returns, keys that are written twice, and every error) makes it
//! decline, and the exact reader decides. The differential test compares both.

mod lexer;
mod scalars;
mod tree;

use super::need::Need;
use super::stream::Limits;
use super::syntax::Mark;
use super::tree::Document;
use lexer::Lexer;
use tree::Tree;

/// A document that was read: none if it is empty, and where nothing of it is needed.
#[derive(Debug)]
pub(super) struct Read<'t> {
    pub(super) document: Option<Document<'t>>,
    /// Number of its nodes.
    pub(super) nodes: u64,
}

/// There is something that the reader does not understand.
#[derive(Debug)]
struct Declined;

/// Reads the text of one document, which begins at a mark, and makes a tree of what is needed. `expanded` is the number of
/// nodes in earlier documents of the file. `None` where it declines.
pub(super) fn read(text: &str, start: Mark, limits: Limits, expanded: u64, need: Need) -> Option<Read<'_>> {
    let (tree, is_explicit) = lines(text, start, Tree::new(limits.depth, need))?;
    let nodes = tree.count();
    let is_within_limits = expanded.saturating_add(nodes) <= limits.nodes;
    (is_within_limits && !(is_explicit && nodes == 0)).then(|| Read { document: tree.finish(), nodes })
}

/// Reads all lines of a document. The tree is complete; the flag says whether a line `---` is before it.
fn lines<'t>(text: &'t str, start: Mark, mut tree: Tree<'t>) -> Option<(Tree<'t>, bool)> {
    if !start.is_line_start() || !is_of_subset(text) {
        return None;
    }
    let mut lexer = Lexer::new(text, start.position().line);
    let is_explicit = lexer.skip_document_start()?;
    while let Some(indent) = lexer.next_line().ok()? {
        line(&mut lexer, &mut tree, indent)?;
    }
    tree.close_all()?;
    Some((tree, is_explicit))
}

/// Whether each character is one that the reader understands. Other line breaks than the line feed would change what a line
/// is, and go-yaml refuses control characters.
fn is_of_subset(text: &str) -> bool {
    let is_plain = |byte: u8| byte == b'\n' || (byte >= 0x20 && byte != 0x7f);
    // Without a branch for each byte, so that the compiler can look at many at once.
    if !text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        return false;
    }
    text.is_ascii()
        || !text.chars().any(|character| {
            matches!(
                character,
                '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            )
        })
}

/// Reads what stands in a line from its first character, which is in the column `indent`.
fn line<'t>(lexer: &mut Lexer<'t>, tree: &mut Tree<'t>, indent: u32) -> Option<()> {
    let mut column = indent;
    let mut is_after_dash = false;
    loop {
        if lexer.takes_dash() {
            tree.open_item(column, lexer.position())?;
            lexer.skip_dash();
            if lexer.ends_line()? {
                return Some(());
            }
            column = lexer.column();
            is_after_dash = true;
            continue;
        }
        let at = lexer.position();
        let Some(key) = lexer.key() else {
            // A line of a mapping has a key.
            return if is_after_dash { lexer.value(tree) } else { None };
        };
        tree.open_key(column, at, key, lexer.position())?;
        lexer.skip_colon();
        return if lexer.ends_line()? { Some(()) } else { lexer.value(tree) };
    }
}
