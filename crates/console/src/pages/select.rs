//! Select fields of a filter's form.

use std::collections::BTreeSet;

use tagwatch_core::text::UntrustedText;

use crate::text::HtmlText;
use crate::url::key;

pub(super) struct Select {
    pub(super) options: Vec<SelectOption>,
    /// Several selected values are one option: a select field would submit only the last. Links can hold several.
    pub(super) several: Option<SeveralValues>,
}

pub(super) struct SelectOption {
    pub(super) value: HtmlText,
    pub(super) is_selected: bool,
}

pub(super) struct SeveralValues {
    pub(super) count: usize,
    /// As in an address.
    pub(super) values: HtmlText,
}

impl Select {
    /// The names that a form can submit unchanged, and the selected ones even if they no longer occur.
    pub(super) fn of_names<'a>(
        names: impl IntoIterator<Item = &'a UntrustedText>,
        selected: &'a [UntrustedText],
    ) -> Self {
        let names: BTreeSet<&UntrustedText> =
            names.into_iter().filter(|name| key(name) == **name).chain(selected).collect();
        let options = names.into_iter().map(|name| (HtmlText::long(name), selected.contains(name)));
        Self::new(options, &selected.iter().map(UntrustedText::raw).collect::<Vec<_>>())
    }

    pub(super) fn of_words<T: PartialEq>(
        words: &[T],
        selected: &[T],
        as_str: impl Fn(&T) -> &'static str,
    ) -> Self {
        let options = words.iter().map(|word| (HtmlText::line(as_str(word)), selected.contains(word)));
        Self::new(options, &selected.iter().map(&as_str).collect::<Vec<_>>())
    }

    fn new(options: impl Iterator<Item = (HtmlText, bool)>, selected: &[&str]) -> Self {
        let has_several = selected.len() > 1;
        let option = |(value, is_selected)| SelectOption { value, is_selected: is_selected && !has_several };
        let several = has_several
            .then(|| SeveralValues { count: selected.len(), values: HtmlText::code(&selected.join(",")) });
        Self { options: options.map(option).collect(), several }
    }
}
