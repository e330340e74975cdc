//! Text in aligned columns, and in lines of a given width.

use anstyle::Style;
use tagwatch_core::text::UntrustedText;
use textwrap::Options;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Style as Look;

/// Longest cell in columns of a terminal, but for the last of a row: the longest name that Kubernetes permits. One
/// hostile text must not push all other rows apart.
const MAX_CELL: usize = 253;
/// Longest last cell, and longest text of a block, in columns: the longest image of a report.
pub(super) const MAX_TEXT: usize = 1_024;
/// Most characters in a column: a letter with a mark. Marks take no column of their own, and a text may consist of them.
const MAX_MARKS: usize = 2;
/// Smallest width to which text is folded.
const MIN_FOLD: usize = 20;
/// Marks what was cut out.
const MARK: char = '…';

/// Text of one column, safe for a terminal, and its colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    color: Style,
}

impl Cell {
    /// The same text in a colour.
    #[must_use]
    pub fn colored(self, color: Style) -> Self {
        Self { color, ..self }
    }
}

impl From<&UntrustedText> for Cell {
    fn from(text: &UntrustedText) -> Self {
        Self::from(text.terminal())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, color: Style::new() }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

/// Widths of columns, and what separates them. The last column is not padded.
#[derive(Debug, Clone)]
pub struct Columns {
    widths: Vec<usize>,
    gap: &'static str,
    /// Where a last cell is cut.
    last: usize,
}

impl Columns {
    /// Columns in which the rows are aligned.
    pub fn of<'a>(gap: &'static str, rows: impl IntoIterator<Item = &'a Vec<Cell>>) -> Self {
        let mut widths = Vec::new();
        for row in rows {
            widths.resize(row.len().max(widths.len()), 0);
            for (at, (width, cell)) in widths.iter_mut().zip(row).enumerate() {
                let most = if at + 1 == row.len() { MAX_TEXT } else { MAX_CELL };
                *width = (*width).max(width_of(&cell.text).min(most));
            }
        }
        Self { widths, gap, last: MAX_TEXT }
    }

    /// Makes the lines fit into `limit` columns by cutting last cells, but not below `least` columns. Returns whether
    /// they fit.
    pub fn fit(&mut self, limit: Option<usize>, least: usize) -> bool {
        let (Some(limit), Some((own, others))) = (limit, self.widths.split_last()) else { return true };
        let room = limit.saturating_sub(others.iter().map(|width| width + self.gap.len()).sum());
        self.last = room.min(MAX_TEXT);
        *own <= room || least <= room
    }

    /// A row as a line.
    pub fn line(&self, row: &[Cell], look: Look) -> String {
        let mut line = String::new();
        for (at, (cell, &width)) in row.iter().zip(&self.widths).enumerate() {
            let is_last = at + 1 == row.len();
            let text = cut(&cell.text, if is_last { self.last } else { MAX_CELL });
            line.push_str(&look.paint(cell.color, &text));
            if !is_last {
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(width_of(&text))));
                line.push_str(self.gap);
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// Columns that a text takes.
fn width_of(text: &str) -> usize {
    let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_printable { text.len() } else { text.width() }
}

/// The text in at most `width` columns. What is cut out is in the middle: an image ends with its tag and digest, and
/// begins with its registry.
pub fn cut(text: &str, width: usize) -> String {
    // No character takes more columns than bytes.
    if text.len() <= width {
        return text.to_owned();
    }
    if text.width() <= width && text.chars().count() <= width * MAX_MARKS {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let head = take(text.chars(), room / 2);
    let tail = take(text.chars().rev(), room - room / 2);
    head.into_iter().chain([MARK]).chain(tail.into_iter().rev()).collect()
}

/// As many characters as fit.
fn take(chars: impl Iterator<Item = char>, room: usize) -> Vec<char> {
    let mut used = 0;
    chars
        .take(room * MAX_MARKS)
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect()
}

/// Text in lines of at most `width` columns behind `indent`, the second and later ones by two more; in one line without
/// a width.
pub fn fold(text: &str, indent: &str, width: Option<usize>) -> Vec<String> {
    let text = cut(text, MAX_TEXT);
    match width {
        None => vec![format!("{indent}{text}")],
        Some(width) => {
            let hanging = format!("{indent}  ");
            let options =
                Options::new(width.max(MIN_FOLD)).initial_indent(indent).subsequent_indent(&hanging);
            textwrap::wrap(&text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
        }
    }
}

/// A line in lines of at most `width` columns, as it is without a width. The later ones are behind its own indentation and
/// two more. Nothing is cut.
pub fn wrap(line: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width.filter(|width| line.width() > *width) else { return vec![line.to_owned()] };
    let text = line.trim_start_matches(' ');
    // What is indented by more than half of the width would leave no room.
    let indent = " ".repeat((line.len() - text.len()).min(width / 2));
    let hanging = format!("{indent}  ");
    let options = Options::new(width.max(MIN_FOLD)).initial_indent(&indent).subsequent_indent(&hanging);
    textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_takes_more_columns_than_bytes() {
        let wide = ('\0'..=char::MAX).find(|c| c.to_string().width() > c.len_utf8());
        assert_eq!(wide, None);
    }

    #[test]
    fn a_line_is_wrapped_behind_its_indentation_and_only_for_a_width() {
        let line = "    digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef";
        assert_eq!(wrap(line, None), [line]);
        assert_eq!(wrap(line, Some(80)), [line]);
        let lines = wrap(line, Some(40));
        assert!(lines.len() > 1 && lines.iter().all(|line| line.width() <= 40), "{lines:?}");
        assert!(lines[0].starts_with("    digest:") && lines[1].starts_with("      "), "{lines:?}");
        let joined: String = lines.iter().map(|line| line.trim()).collect();
        assert_eq!(joined.replace(' ', ""), line.replace(' ', ""));
        let deep = format!("{}x", " ".repeat(500));
        assert!(wrap(&deep, Some(40)).iter().all(|line| line.width() <= 40));
    }

    fn row(cells: &[&str]) -> Vec<Cell> {
        cells.iter().map(|cell| Cell::from(*cell)).collect()
    }

    fn lines(rows: &[Vec<Cell>], limit: Option<usize>) -> (bool, Vec<String>) {
        let mut columns = Columns::of("  ", rows);
        let fits = columns.fit(limit, 12);
        let plain = Look::default();
        (fits, rows.iter().map(|row| columns.line(row, plain)).collect())
    }

    #[test]
    fn columns_are_aligned_by_what_a_terminal_shows() {
        let rows = [row(&["名前", "x", "a"]), row(&["e\u{301}", "longer", "b"])];
        let (fits, lines) = lines(&rows, None);
        assert!(fits);
        assert_eq!(lines, ["名前  x       a", "e\u{301}     longer  b"]);
    }

    #[test]
    fn a_huge_text_leaves_the_other_rows_readable() {
        let huge = "a".repeat(1 << 20);
        let (_, lines) = lines(&[row(&[&huge, &huge]), row(&["b", "c"])], None);
        assert_eq!(lines[0].width(), MAX_CELL + 2 + MAX_TEXT);
        assert_eq!(lines[1], format!("b{}  c", " ".repeat(MAX_CELL - 1)));
    }

    #[test]
    fn marks_without_a_width_are_cut_too() {
        for text in ["\u{301}", "e\u{301}", "e\u{301}\u{302}\u{303}"] {
            let cut = cut(&text.repeat(100_000), 10);
            assert!(cut.chars().count() <= 20 && cut.contains(MARK), "{cut:?}");
        }
    }

    #[test]
    fn the_last_column_gives_way_in_the_middle_and_then_the_table_does_not_fit() {
        let rows = [row(&["cart", "registry.example.com/shop/cart:latest"])];
        assert_eq!(
            lines(&rows, Some(43)),
            (true, vec!["cart  registry.example.com/shop/cart:latest".to_owned()])
        );
        assert_eq!(lines(&rows, Some(30)), (true, vec!["cart  registry.ex…/cart:latest".to_owned()]));
        assert!(!lines(&rows, Some(17)).0);
    }

    #[test]
    fn folded_text_keeps_its_width_even_without_a_blank() {
        for text in ["registry.example.com/".repeat(9), "名".repeat(99), "a b c d e f g h ".repeat(9)] {
            for line in fold(&text, "  ", Some(24)) {
                assert!(line.starts_with("  ") && line.width() <= 24, "{line:?}");
            }
        }
        assert_eq!(fold("a b", "  ", None), ["  a b"]);
    }
}
