//! The subset of YAML that manifests are written in, read line by line: block mappings and sequences with plain keys, and
//! scalars of one line, block scalars, and lists in brackets on one line.
//!
//! It is the fast way to the tree that [`super::syntax`] builds, many times faster since it looks at each byte once or
//! twice. It takes a document only if it understands all of it, so that nothing hides behind it: everything else (anchors,
//! tags, escapes, scalars of several lines, tabs, carriage returns, keys that are written twice, and every error) makes it
//! decline, and the exact reader decides. The differential test compares both.

mod lexer;
mod scalars;
mod stops;
mod tree;

use super::need::{Lookout, Need};
use super::stream::Limits;
use super::syntax::Mark;
use super::tree::Document;
use lexer::Lexer;
use stops::Stops;
use tree::Tree;

/// A document that was read: none if it is empty, and where nothing of it is needed.
#[derive(Debug)]
pub(super) struct Read<'t> {
    pub(super) document: Option<Document<'t>>,
    /// Number of its nodes.
    pub(super) nodes: u64,
}

/// Memory that the reading of one document leaves to that of the next one.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    stops: Stops,
}

/// There is something that the reader does not understand.
#[derive(Debug)]
struct Declined;

/// Reads the text of one document, which begins at a mark, and makes a tree of what is needed. `expanded` is the number of
/// nodes in earlier documents of the file. `None` where it declines.
pub(super) fn read<'t>(
    text: &'t str,
    start: Mark,
    limits: Limits,
    expanded: u64,
    need: Need,
    scratch: &mut Scratch,
) -> Option<Read<'t>> {
    let (tree, is_explicit) = lines(text, start, limits, need, &mut scratch.stops)?;
    let nodes = tree.count();
    let is_within_limits = expanded.saturating_add(nodes) <= limits.nodes;
    (is_within_limits && !(is_explicit && nodes == 0)).then(|| Read { document: tree.finish(), nodes })
}

/// Reads all lines of a document. The tree is complete; the flag says whether a line `---` is before it.
fn lines<'t>(
    text: &'t str,
    start: Mark,
    limits: Limits,
    need: Need,
    stops: &mut Stops,
) -> Option<(Tree<'t>, bool)> {
    if !start.is_line_start() {
        return None;
    }
    let (mut tree, mut lookout) = (Tree::new(limits.depth, need), Lookout::new(text, need));
    let mut lexer = Lexer::new(text, start.position().line, stops);
    let is_explicit = lexer.skip_document_start()?;
    while let Some(indent) = lexer.next_line().ok()? {
        line(&mut lexer, &mut tree, indent)?;
        if lookout.passes(lexer.offset()) && !tree.is_kept() {
            return lines(text, start, limits, Need::Everything, stops);
        }
    }
    tree.close_all()?;
    Some((tree, is_explicit))
}

/// Reads what stands in a line from its first character, which is in the column `indent`.
#[inline]
fn line<'t>(lexer: &mut Lexer<'t, '_>, tree: &mut Tree<'t>, indent: usize) -> Option<()> {
    let mut column = indent;
    let mut is_after_dash = false;
    loop {
        let at = lexer.at;
        if lexer.takes_dash() {
            tree.open_item(column, lexer)?;
            lexer.skip_dash();
            if lexer.ends_line()? {
                return Some(());
            }
            column = lexer.column();
            is_after_dash = true;
            continue;
        }
        let Some(key) = lexer.key() else {
            // A line of a mapping has a key.
            return if is_after_dash { lexer.value(tree) } else { None };
        };
        tree.open_key(column, at, key, lexer)?;
        return if lexer.ends_line_behind_colon()? { Some(()) } else { lexer.value(tree) };
    }
}
