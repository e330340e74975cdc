//! Back from what Helm prints to the templates: `# Source:` names the template of a document, and the text of a line the line
//! of the template.

use std::collections::BTreeMap;

use crate::manifest::Manifest;
use crate::yaml::{Position, Source};

/// What Helm writes above each document.
const SOURCE: &str = "# Source: ";

/// The lines that name a template, with its path below the chart's name.
pub(super) fn templates(rendered: &Source) -> BTreeMap<u32, String> {
    let lines = rendered.text().lines().enumerate();
    let named = lines.filter_map(|(index, line)| {
        Some((u32::try_from(index + 1).ok()?, line.strip_prefix(SOURCE)?.trim_end().to_owned()))
    });
    named.collect()
}

/// Which line of a template a line of the output comes from.
pub(super) struct Lines<'t> {
    rendered: Vec<&'t str>,
    /// Lines of the template without their indents, where each text stands; `None` where it stands twice.
    texts: BTreeMap<&'t str, Option<usize>>,
    /// The same for keys.
    keys: BTreeMap<&'t str, Option<usize>>,
    template: Vec<&'t str>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(rendered: &'t Source, template: &'t str) -> Self {
        let template: Vec<&str> = template.lines().collect();
        let (mut texts, mut keys) = (BTreeMap::new(), BTreeMap::new());
        for (index, line) in template.iter().enumerate() {
            let once = |found: &mut Option<usize>| *found = None;
            texts.entry(line.trim()).and_modify(once).or_insert(Some(index));
            if let Some(key) = key(line) {
                keys.entry(key).and_modify(once).or_insert(Some(index));
            }
        }
        Self { rendered: rendered.text().lines().collect(), texts, keys, template }
    }

    /// The same text in the template, else the only line with the same key; else the start of the file.
    pub(super) fn position(&self, at: Position) -> Position {
        let index = usize::try_from(at.line).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(line) = self.rendered.get(index) else { return Position::START };
        let same = self.texts.get(line.trim()).copied().flatten();
        let same_key = || key(line).and_then(|key| self.keys.get(key).copied().flatten());
        let Some(found) = same.or_else(same_key) else { return Position::START };
        let Some(template) = self.template.get(found) else { return Position::START };
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let indent = |line: &str| number(line.chars().take_while(|c| c.is_whitespace()).count());
        let column = at.column.saturating_sub(indent(line)).saturating_add(indent(template));
        Position { line: number(found + 1), column }
    }

    /// Moves every place of a manifest.
    pub(super) fn move_places(&self, manifest: &mut Manifest) {
        manifest.move_places(&|at| self.position(at));
    }
}

/// The key at the start of a line, with the dash of a list before it.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start().split_once(':')?;
    let is_key = !key.is_empty() && !key.trim_start_matches("- ").contains(char::is_whitespace);
    is_key.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_by_its_text_or_its_key() {
        let template = "kind: Pod\nspec:\n  {{- with .x }}\n      image: {{ .Values.image }}\n      name: web\n  a: 1\n  a: 2\n";
        let rendered =
            Source::utf8("# Source: c/templates/a.yaml\nkind: Pod\n  image: nginx:1\n  name: web\na: 3\n");
        assert_eq!(templates(&rendered), BTreeMap::from([(1, "c/templates/a.yaml".to_owned())]));
        let lines = Lines::new(&rendered, template);
        for (line, column, expected) in
            [(2, 7, (1, 7)), (3, 10, (4, 14)), (4, 9, (5, 13)), (5, 4, (1, 1)), (99, 1, (1, 1))]
        {
            let Position { line, column } = lines.position(Position { line, column });
            assert_eq!((line, column), expected);
        }
    }
}
