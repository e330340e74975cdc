//! What the API server shows of reports, in the orders that happen.

use tagwatch_k8s::report::{INSTANCE_LABEL, MANAGED_BY_LABEL, PolicyReport};

use super::*;

fn key() -> ReportKey {
    ReportKey::new("shop", "web")
}

fn stored(version: &str) -> StoredReport {
    let mut report = PolicyReport::default();
    report.metadata.namespace = Some("shop".to_owned());
    report.metadata.name = Some("web".to_owned());
    report.metadata.resource_version = Some(version.to_owned());
    report.metadata.labels = Some(
        [MANAGED_BY_LABEL, INSTANCE_LABEL].map(|label| (label.to_owned(), "tagwatch".to_owned())).into(),
    );
    StoredReport::new(report, "tagwatch")
}

fn index_with(version: &str) -> ReportIndex {
    let mut index = ReportIndex::default();
    index.apply_list(None, vec![stored(version)]);
    index
}

#[test]
fn the_echo_of_our_own_write_is_not_another_clients() {
    let mut index = index_with("10");
    index.begin(&key());
    assert!(!index.mark_changed(&key(), "11"), "before the answer");
    assert!(!index.finish(&key(), Some(stored("11"))));
    assert!(!index.mark_changed(&key(), "11"), "after the answer");
    assert!(!index.mark_changed(&key(), "9"), "an old event that comes late");
    assert!(matches!(index.known(&key()), Known::Fresh(_)));
}

#[test]
fn a_change_behind_our_write_is_found() {
    let mut index = index_with("10");
    index.begin(&key());
    assert!(!index.mark_changed(&key(), "12"));
    assert!(index.finish(&key(), Some(stored("11"))));
    assert!(matches!(index.known(&key()), Known::Stale(_)));
}

#[test]
fn a_deletion_is_restored_at_once_and_then_every_ten_seconds() {
    let mut index = index_with("10");
    assert!(index.mark_deleted(&key(), "11"));
    let start = Instant::now();
    assert_eq!(index.try_restore(&key(), start), Ok(()));
    index.begin(&key());
    index.finish(&key(), Some(stored("11")));
    assert!(index.mark_deleted(&key(), "13"));
    let soon = start + Duration::from_secs(4);
    assert_eq!(index.contested().len(), 0);
    assert_eq!(index.try_restore(&key(), soon), Err(Duration::from_secs(6)));
    assert_eq!(*index.contested(), BTreeSet::from([key()]));
    let again = start + RESTORE_INTERVAL;
    assert!(!index.forget_old(again), "it waits to be restored");
    assert_eq!(index.try_restore(&key(), again), Ok(()));
    assert!(!index.forget_old(again + RESTORE_INTERVAL / 2));
    assert!(index.forget_old(again + RESTORE_INTERVAL));
    assert_eq!(index.contested().len(), 0);
}

#[test]
fn a_change_of_ours_does_not_wait() {
    let mut index = index_with("10");
    let now = Instant::now();
    for _ in 0..3 {
        assert_eq!(index.try_restore(&key(), now), Ok(()));
    }
}

#[test]
fn a_complete_list_finds_deletions_that_were_missed() {
    let mut index = index_with("10");
    assert_eq!(index.retain(Some("mail"), &HashSet::new()), BTreeSet::new());
    assert_eq!(index.retain(None, &HashSet::new()), BTreeSet::from([key()]));
    assert!(matches!(index.known(&key()), Known::Stale(_)), "only a read shows the body");
    index.begin(&key());
    assert!(!index.finish(&key(), None));
    assert!(index.try_restore(&key(), Instant::now()).is_ok());
    assert!(matches!(index.known(&key()), Known::Absent));
}

#[test]
fn a_list_that_is_older_than_our_write_costs_one_read() {
    let mut index = ReportIndex::default();
    index.apply_list(None, Vec::new());
    index.begin(&key());
    assert!(index.retain(None, &HashSet::new()).is_empty(), "it is on the way");
    assert!(index.finish(&key(), Some(stored("11"))), "the list did not name it");
    assert!(matches!(index.known(&key()), Known::Stale(_)));
    index.begin(&key());
    assert!(!index.finish(&key(), Some(stored("11"))), "it is read");
    index.mark_settled(&key());
    assert!(matches!(index.known(&key()), Known::Fresh(_)));
    let now = Instant::now();
    assert!(index.mark_deleted(&key(), "12"));
    assert!(index.try_restore(&key(), now).is_ok(), "no restoration was spent on it");
}

#[test]
fn the_end_of_an_earlier_report_is_not_that_of_ours() {
    let mut index = index_with("10");
    assert!(!index.mark_deleted(&key(), "9"));
    index.begin(&key());
    assert!(!index.mark_deleted(&key(), "11"), "before the answer");
    assert!(!index.finish(&key(), Some(stored("12"))));
    assert!(matches!(index.known(&key()), Known::Fresh(_)));
    assert!(index.mark_deleted(&key(), "13"));
}

#[test]
fn nothing_is_written_before_the_reports_are_known() {
    let mut index = ReportIndex::default();
    assert!(!index.is_ready("shop"));
    index.apply_list(Some("shop"), Vec::new());
    assert!(index.is_ready("shop") && !index.is_ready("mail"));
    index.mark_lost(Some("shop"));
    assert!(!index.is_ready("shop"));
}

#[test]
fn a_report_whose_creation_was_carried_out_but_not_answered_is_known() {
    let mut index = ReportIndex::default();
    index.apply_list(None, Vec::new());
    index.begin(&key());
    assert!(!index.mark_changed(&key(), "11"), "it may be ours");
    index.mark_uncertain(&key());
    assert!(matches!(index.known(&key()), Known::Unread), "it is read before it is replaced or removed");
    assert_eq!(index.ours(), BTreeSet::from([key()]));
    index.begin(&key());
    index.mark_uncertain(&ReportKey::new("shop", "other"));
    assert!(matches!(index.known(&ReportKey::new("shop", "other")), Known::Absent), "nothing showed it");
}

/// Of a report that nothing wants: removed at the second 0.
fn index_after_a_removal(start: Instant) -> ReportIndex {
    let mut index = index_with("10");
    assert_eq!(index.try_remove(&key(), start), Ok(()));
    index.begin(&key());
    index.mark_removed(&key(), Some("10".to_owned()), start);
    assert!(!index.finish(&key(), None));
    index
}

#[test]
fn a_removed_report_that_comes_back_is_removed_once_in_an_hour() {
    let (start, hour) = (Instant::now(), Duration::from_hours(1));
    let mut index = index_after_a_removal(start);
    assert!(!index.forget_old(start), "nothing has come back");
    assert!(index.mark_changed(&key(), "12"), "another client made it");
    index.mark_settled(&key());
    assert_eq!(*index.returned(), BTreeSet::from([key()]));
    assert!(index.forget_old(start), "the status of the policy says it");
    let soon = start + hour / 4;
    assert_eq!(index.try_remove(&key(), soon), Err(hour / 4 * 3));
    assert!(index.is_removal_contested("shop", soon) && !index.is_removal_contested("mail", soon));
    assert!(!index.forget_old(soon), "as long as it is there");
    // The other installation is gone an hour later.
    let later = start + hour;
    assert_eq!(index.try_remove(&key(), later), Ok(()));
    assert!(!index.is_removal_contested("shop", later));
    index.begin(&key());
    index.mark_removed(&key(), Some("12".to_owned()), later);
    index.finish(&key(), None);
    assert!(!index.forget_old(later + Duration::from_mins(9)));
    assert!(index.forget_old(later + Duration::from_mins(10)));
    assert!(index.returned().is_empty());
}

#[test]
fn late_news_of_a_removed_report_and_our_own_write_are_no_return() {
    let start = Instant::now();
    let mut index = index_after_a_removal(start);
    index.mark_changed(&key(), "9");
    assert!(index.returned().is_empty(), "an event of the time before");
    index.mark_deleted(&key(), "11");
    index.mark_changed(&key(), "12");
    index.mark_wanted(&key());
    assert!(index.returned().is_empty(), "it is wanted again");

    let mut index = index_after_a_removal(start);
    index.mark_changed(&key(), "12");
    index.begin_term();
    assert!(index.returned().is_empty(), "the leader before may have written it");

    let mut index = index_with("10");
    index.begin(&key());
    assert!(!index.mark_changed(&key(), "12"), "while the removal is under way");
    index.mark_removed(&key(), Some("10".to_owned()), start);
    assert!(index.finish(&key(), None));
    assert_eq!(index.returned().len(), 1);
}
