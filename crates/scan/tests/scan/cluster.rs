//! Reports on the objects of a cluster: they are in no file.

use tagwatch_core::engine::Engine;
use tagwatch_core::workload::{
    Container, ContainerType, IgnoreAnnotations, Limit, Namespace, Origin, Unfollowed, UnfollowedController,
    Workload, WorkloadId,
};
use tagwatch_scan::output::Format;
use tagwatch_scan::report::{NoteCode, ScanReport};
use tagwatch_scan::{ClusterReport, ExitStatus, FailOn};

use crate::support::written;

fn deployment(namespace: &str, image: &str) -> Workload {
    let id = WorkloadId {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: Some(namespace.into()),
        name: "web".into(),
    };
    let container = Container {
        name: "app".into(),
        container_type: ContainerType::Container,
        image: image.into(),
        pull_policy: Some("Always".into()),
        field_path: "spec.template.spec.containers[0].image".to_owned(),
        observed: None,
        drift: None,
    };
    Workload::new(id, Origin::Cluster, vec![container])
}

fn report(workloads: Vec<Workload>, remarks: &[(NoteCode, &str)]) -> ScanReport {
    let engine = Engine::recommended().on("2027-01-31".parse().unwrap()).in_cluster();
    let mut report = ClusterReport::new(&engine, false);
    report.know_namespace("shop", &Namespace::default());
    for workload in workloads {
        report.add(workload);
    }
    for (code, message) in remarks {
        report.remark(*code, message);
    }
    report.finish(3, None, true)
}

#[test]
fn an_object_of_a_cluster_is_named_and_has_no_line() {
    let report = report(vec![deployment("shop", "nginx:latest"), deployment("other", "nginx:1.27.3")], &[]);
    assert_eq!(report.exit_status(FailOn::Fail), ExitStatus::Findings);
    let place = &report.findings[0].place;
    assert_eq!((place.file.raw(), place.line, place.column), ("shop/Deployment/web", 1, 1));
    let table = written(Format::Table, &report);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[..3], ["Deployment shop/web  app", "  image: nginx:latest", "  fail  high  latest-tag"]);
    assert_eq!(
        lines.last(),
        Some(&"3 objects, 2 workloads and 2 images read: 1 fail, 0 error, 0 warn, 0 skip, 3 pass")
    );
    let wide = written(Format::Wide, &report);
    assert!(wide.lines().nth(1).unwrap().starts_with("shop/Deployment/web  fail    high"), "{wide}");
    assert!(written(Format::Sarif, &report).contains("\"uri\": \"shop/Deployment/web\""));
}

#[test]
fn a_note_on_an_object_names_it() {
    let without_reason = |key: &str| (key == IgnoreAnnotations::IGNORE).then_some("all");
    let workload = Workload {
        ignore: IgnoreAnnotations::from_annotations(without_reason),
        ..deployment("shop", "nginx:latest")
    };
    let report = report(vec![workload], &[]);
    let note = report.notes.iter().find(|note| note.code == NoteCode::ExemptionNotHonoured).unwrap();
    assert_eq!((note.file.raw(), note.line, note.column), ("shop/Deployment/web", 1, 1));
}

#[test]
fn what_may_not_be_listed_makes_the_report_partial() {
    let refused = [(NoteCode::NotPermitted, "no right to list jobs")];
    let partial = report(vec![deployment("shop", "nginx:latest")], &refused);
    assert_eq!(partial.exit_status(FailOn::Fail), ExitStatus::IncompleteInput);
    assert_eq!(partial.notes[0].file.raw(), "<cluster>");
    let clean = report(
        vec![deployment("shop", "nginx:1.27.3")],
        &[(NoteCode::NodesNotRead, "no right to list nodes")],
    );
    assert_eq!(clean.exit_status(FailOn::Fail), ExitStatus::Clean);
    let none = report(Vec::new(), &[]);
    assert_eq!(
        none.nothing_judged().as_deref(),
        Some("nothing was judged: no workload was found in the cluster, or in its namespace")
    );
    assert_eq!(none.exit_status(FailOn::Fail), ExitStatus::IncompleteInput);
}

#[test]
fn what_exceeds_a_limit_is_named_and_makes_the_report_partial() {
    let workload = Workload {
        limits: [Limit::Containers, Limit::Dependents].into(),
        ..deployment("shop", "nginx:1.27.3")
    };
    let report = report(vec![workload, deployment("other", "nginx:1.27.3")], &[]);
    let notes: Vec<_> =
        report.notes.iter().map(|note| (note.file.raw(), note.code, &*note.message)).collect();
    let too_large = |message| ("shop/Deployment/web", NoteCode::WorkloadTooLarge, message);
    let expected = [
        "Deployment web is not checked completely: there are more containers than are checked of one workload",
        "Deployment web is not checked completely: it owns more objects than are followed to their pods",
    ];
    assert_eq!(notes, expected.map(too_large));
    assert_eq!(report.exit_status(FailOn::Fail), ExitStatus::IncompleteInput);
    for format in [Format::Json, Format::Sarif, Format::Junit, Format::Github] {
        let text = written(format, &report);
        assert!(text.contains("it owns more objects than are followed to their pods"), "{text}");
    }
}

#[test]
fn a_workload_beside_its_controller_says_why() {
    let owner = WorkloadId {
        api_version: "apps/v1".into(),
        kind: "ReplicaSet".into(),
        namespace: Some("shop".into()),
        name: "web-1".into(),
    };
    let workload = Workload {
        unfollowed: Some(UnfollowedController { id: owner, why: Unfollowed::Missing }),
        ..deployment("shop", "nginx:1.27.3")
    };
    let report = report(vec![workload], &[]);
    let note = &report.notes[0];
    assert_eq!(
        (note.code, &*note.message),
        (
            NoteCode::UnfollowedController,
            "Deployment web is reported on its own: it names ReplicaSet web-1 (apps/v1) as its controller, which does \
             not exist"
        )
    );
    assert_eq!(report.exit_status(FailOn::Fail), ExitStatus::Clean);
}
