//! Select fields of a filter's form.

use std::collections::BTreeSet;

use tagwatch_core::text::UntrustedText;

use crate::filter::{NO_TEAM, PerPage};
use crate::text::HtmlText;
use crate::url::key;
use crate::view::View;

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

    /// Rows of a page.
    pub(super) fn of_rows(selected: PerPage) -> Self {
        let mut choices: Vec<PerPage> = PerPage::CHOICES.into();
        // A link can hold another number.
        if !choices.contains(&selected) {
            choices.push(selected);
        }
        let options = choices
            .into_iter()
            .map(|choice| (HtmlText::line(&choice.rows().to_string()), choice == selected));
        Self::new(options, &[])
    }

    fn new(options: impl Iterator<Item = (HtmlText, bool)>, selected: &[&str]) -> Self {
        let has_several = selected.len() > 1;
        let option = |(value, is_selected)| SelectOption { value, is_selected: is_selected && !has_several };
        let several = has_several
            .then(|| SeveralValues { count: selected.len(), values: HtmlText::code(&selected.join(",")) });
        Self { options: options.map(option).collect(), several }
    }
}

/// The teams that occur, and [`NO_TEAM`]; `None` where the policy names no label of teams.
pub(super) fn team_select(view: &View, selected: &[UntrustedText]) -> Option<Select> {
    view.team_label()?;
    let none = UntrustedText::from(NO_TEAM);
    let teams = view.workloads().map(|workload| workload.team.as_ref().unwrap_or(&none));
    Some(Select::of_names(teams, selected))
}
