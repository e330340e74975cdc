//! What changed, and issues by image, as JSON.

use axum::http::StatusCode;
use axum::response::Response;

use crate::changes::{Knowledge, SelectedChanges, trend};
use crate::filter::{ChangeFilter, Grouping, ImageFilter, Pagination};
use crate::filtered::FilteredRequest;
use crate::http::json;
use crate::images::{images as by_image, registries as by_registry};
use crate::record::{ChangePage, ChangeRecord, DayRecord, ImageGroupRecord, ImagePage, KnowledgeRecord};

pub(super) async fn changes(FilteredRequest { view, filter, .. }: FilteredRequest<ChangeFilter>) -> Response {
    let from = filter.start(view.now);
    let SelectedChanges { listed, total, counts } = SelectedChanges::new(&view, &filter);
    let pages = Pagination::new(filter.page, filter.per_page, listed.len(), |_| String::new());
    let page = ChangePage {
        total,
        listed: listed.len(),
        page: pages.number,
        pages: pages.count,
        since: from.to_string(),
        opened: counts.opened,
        resolved: counts.resolved,
        images_changed: counts.images,
        known: KnowledgeRecord::new(&Knowledge::new(&view, &filter), counts.first_look),
        days: trend(&view, &filter).iter().map(DayRecord::new).collect(),
        changes: pages.rows(&listed).iter().map(ChangeRecord::new).collect(),
    };
    json(StatusCode::OK, &page)
}

pub(super) async fn images(FilteredRequest { view, filter, .. }: FilteredRequest<ImageFilter>) -> Response {
    let groups = match filter.by {
        Grouping::Image => by_image(&view, &filter),
        Grouping::Registry => by_registry(&view, &filter),
    };
    let pages = Pagination::new(filter.page, filter.per_page, groups.len(), |_| String::new());
    let page = ImagePage {
        total: groups.len(),
        page: pages.number,
        pages: pages.count,
        groups: pages.rows(&groups).iter().map(ImageGroupRecord::new).collect(),
    };
    json(StatusCode::OK, &page)
}
