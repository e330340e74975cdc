//! A tag cut into its parts.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    /// Nothing: the part is the tag's head.
    Start,
    /// `-`, or several separators in a row.
    Dash,
    /// One `_`.
    Underscore,
    /// One `.`.
    Dot,
}

/// A non-empty run of letters and digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    pub(super) separator: Separator,
    start: usize,
}

impl Part<'_> {
    pub(super) fn is_number(&self) -> bool {
        is_number(self.text)
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The parts of a tag, between `-`, `_` and `.`. Separators at the ends belong to no part.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    tag: &'a str,
    parts: Vec<Part<'a>>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(tag: &'a str) -> Self {
        let mut parts: Vec<Part<'a>> = Vec::new();
        let mut start = 0;
        for text in tag.split(['-', '_', '.']) {
            if !text.is_empty() {
                let separator =
                    parts.last().map_or(Separator::Start, |last| separator(tag, last.end(), start));
                parts.push(Part { text, separator, start });
            }
            start += text.len() + 1;
        }
        Self { tag, parts }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<Part<'a>> {
        self.parts.get(at).copied()
    }

    /// The part before `at`, unless `at` is the head.
    pub(super) fn before(&self, at: usize) -> Option<Part<'a>> {
        at.checked_sub(1).and_then(|before| self.get(before))
    }

    /// Whether the part after `at` hangs on it by a dot, as the numbers of a version do.
    pub(super) fn goes_on_after(&self, at: usize) -> bool {
        self.get(at + 1).is_some_and(|part| part.separator == Separator::Dot)
    }

    /// The parts after `at`.
    pub(super) fn after(&self, at: usize) -> impl Iterator<Item = Part<'a>> {
        self.parts.iter().skip(at + 1).copied()
    }

    /// The text from the part `first` to the part `last`, with what separates them.
    pub(super) fn span(&self, first: usize, last: usize) -> &'a str {
        match (self.get(first), self.get(last)) {
            (Some(first), Some(last)) => self.tag.get(first.start..last.end()).unwrap_or_default(),
            _ => "",
        }
    }
}

fn separator(tag: &str, end: usize, start: usize) -> Separator {
    match tag.get(end..start) {
        Some(".") => Separator::Dot,
        Some("_") => Separator::Underscore,
        _ => Separator::Dash,
    }
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Cuts digits off the front: `0b2` gives `0` and `b2`.
pub(super) fn split_digits(text: &str) -> (&str, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at_checked(digits).unwrap_or((text, ""))
}

/// Cuts letters off the front: `java11` gives `java` and `11`.
pub(super) fn split_letters(text: &str) -> (&str, &str) {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    text.split_at_checked(letters).unwrap_or((text, ""))
}

/// Takes a word off the front, compared without case.
pub(super) fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (front, rest) = text.split_at_checked(word.len())?;
    front.eq_ignore_ascii_case(word).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_cut_at_every_separator() {
        let parts = Parts::new("_v1.2_rc--x.");
        let cut: Vec<_> =
            (0..parts.len()).filter_map(|at| parts.get(at)).map(|p| (p.separator, p.text)).collect();
        assert_eq!(
            cut,
            [
                (Separator::Start, "v1"),
                (Separator::Dot, "2"),
                (Separator::Underscore, "rc"),
                (Separator::Dash, "x")
            ]
        );
        assert_eq!(parts.span(0, 2), "v1.2_rc");
        assert_eq!(parts.span(1, 9), "");
    }
}
