//! The page of images with issues, by image and by registry.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tagwatch_core::outcome::Severity;
use tagwatch_core::tag::TagClass;
use tagwatch_core::text::UntrustedText;

use super::rows::{Tab, severities};
use super::select::{Select, team_select};
use crate::filter::{Filter, Grouping, ImageFilter, Pagination};
use crate::filtered::FilteredRequest;
use crate::frame::Frame;
use crate::http::html;
use crate::images::{GroupName, ImageGroup, images as by_image, registries as by_registry};
use crate::text::{HtmlText, ImageText};
use crate::view::View;

#[derive(Template)]
#[template(path = "images.html")]
struct ImagesPage<'a> {
    frame: &'a Frame,
    title: HtmlText,
    by: Grouping,
    tabs: Vec<Tab>,
    namespaces: Select,
    registries: Vec<HtmlText>,
    teams: Option<Select>,
    text: HtmlText,
    per_page: Select,
    rows: Vec<ImageRow>,
    total: usize,
    pages: Pagination,
    is_blind: bool,
}

struct ImageRow {
    /// The issues of the group.
    href: String,
    /// `None` for the images that do not parse.
    name: Option<ImageText>,
    class: Option<&'static str>,
    /// The images of a registry, with a link to them.
    images: Option<(usize, String)>,
    workloads: usize,
    severities: Vec<(Severity, usize)>,
}

pub(super) async fn images(
    FilteredRequest { view, frame, filter }: FilteredRequest<ImageFilter>,
) -> Response {
    let groups = [by_image(&view, &filter), by_registry(&view, &filter)];
    let tab = |(by, groups): (Grouping, &Vec<ImageGroup>)| Tab {
        label: label(by),
        href: filter.grouped(by).address(),
        count: groups.len(),
        is_here: filter.by == by,
    };
    let tabs = Grouping::ALL.into_iter().zip(&groups).map(tab).collect();
    let [images, registries] = groups;
    let groups = if filter.by == Grouping::Image { images } else { registries };
    let address = |page| filter.at_page(page).address();
    let pages = Pagination::new(filter.page, filter.per_page, groups.len(), address);
    let page = ImagesPage {
        frame: &frame,
        title: title(&filter, &pages),
        by: filter.by,
        tabs,
        namespaces: Select::of_names(view.namespaces().map(|(name, _)| name), &filter.namespaces),
        registries: filter.registries.iter().map(HtmlText::long).collect(),
        teams: team_select(&view, &filter.teams),
        text: HtmlText::line(&filter.text),
        per_page: Select::of_rows(filter.per_page),
        rows: pages.rows(&groups).iter().map(|group| ImageRow::new(group, &filter)).collect(),
        total: groups.len(),
        pages,
        is_blind: View::is_blind(&view),
    };
    html(StatusCode::OK, &page)
}

fn title(filter: &ImageFilter, pages: &Pagination) -> HtmlText {
    let ImageFilter { by, registries, namespaces, teams, text, page: _, per_page: _ } = filter;
    let names = registries.iter().chain(namespaces).chain(teams).map(UntrustedText::raw);
    let text = (!text.is_empty()).then_some(text.as_str());
    pages.title(label(*by), names.chain(text))
}

fn label(by: Grouping) -> &'static str {
    match by {
        Grouping::Image => "Images",
        Grouping::Registry => "Registries",
    }
}

impl ImageRow {
    fn new(group: &ImageGroup, filter: &ImageFilter) -> Self {
        let severities = severities(|severity| group.of_severity(severity));
        let within = |issues: Filter| filter.narrow(issues).address();
        let row = |issues: Filter, name: Option<&UntrustedText>| Self {
            href: within(issues),
            name: name.map(ImageText::new),
            class: None,
            images: None,
            workloads: group.workloads,
            severities,
        };
        match &group.name {
            GroupName::Image { image, class, .. } => {
                Self { class: Some(class.as_str()), ..row(Filter::of_image(image), Some(image)) }
            }
            GroupName::Registry(Some(registry)) => {
                let images = filter.within_registry(registry).address();
                Self {
                    images: Some((group.images, images)),
                    ..row(Filter::of_registry(registry), Some(registry))
                }
            }
            GroupName::Registry(None) => row(Filter::of_class(TagClass::Invalid), None),
        }
    }
}
