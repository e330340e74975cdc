//! Small inputs that were read wrongly once, with what kubectl makes of them: `tests/fixtures/cases`.

use std::path::Path;

use serde_json::Value;

use crate::support::tagwatch;

/// A file, the numbers of workloads and images in it, its results by image (`!` for a fail, `?` for a warning), its notes, and
/// the exit status.
type Case = (&'static str, u64, u64, &'static [&'static str], &'static [&'static str], i32);

const WEB: &str = "! registry.example.com/shop/web:latest latest-tag";

const CASES: &[Case] = &[
    // The merge key stands later, so that kubectl applies `latest` in place of the digest.
    ("merge-order.yaml", 1, 1, &[WEB], &["10 duplicate-key"], 1),
    // Pods before and after one that is a raw template.
    ("one-template.yaml", 2, 2, &[WEB, WEB], &["9 helm-template"], 1),
    ("quoted-continuation.yaml", 1, 1, &[WEB], &[], 1),
    ("duplicate-key.yaml", 1, 1, &[WEB], &["5 duplicate-key"], 1),
    ("two-objects.json", 2, 2, &[WEB, WEB], &[], 1),
    (
        "workflows.yaml",
        3,
        7,
        &[
            "! registry.example.com/jobs/report:latest latest-tag",
            "? redis:7 floating-tag",
            "? redis:7 stale-pull-policy",
            "! python missing-tag",
            "! registry.example.com/ci/base:latest latest-tag",
            "! golang missing-tag",
            "? registry:2 floating-tag",
            "? registry:2 stale-pull-policy",
            "! quay.io/prometheus/prometheus:latest latest-tag",
        ],
        &["33 kind-not-covered"],
        1,
    ),
    // The patch is no manifest, and the base is judged as the overlay's `images` makes it.
    ("kustomize", 1, 1, &[], &["10 kustomize-image", "1 kustomize"], 0),
];

fn listed(report: &Value, field: &str, describe: impl Fn(&Value) -> Option<String>) -> Vec<String> {
    report[field].as_array().unwrap().iter().filter_map(describe).collect()
}

#[test]
fn inputs_that_were_read_wrongly_are_read_as_kubectl_reads_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
    let on_disk = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(on_disk, CASES.len(), "a row for each input");
    for (input, workloads, images, findings, notes, status) in CASES {
        let output = tagwatch(&folder, &["scan", input, "-o", "json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let summary = &report["summary"];
        assert_eq!(
            (&summary["workloads"], &summary["images"]),
            (&(*workloads).into(), &(*images).into()),
            "{input}"
        );
        let found = listed(&report, "findings", |finding| {
            let mark = match finding["result"].as_str()? {
                "fail" => '!',
                "warn" => '?',
                "pass" => return None,
                other => panic!("{other}"),
            };
            Some(format!("{mark} {} {}", finding["image"].as_str()?, finding["rule"].as_str()?))
        });
        assert_eq!(found, *findings, "{input}");
        let said =
            listed(&report, "notes", |note| Some(format!("{} {}", note["line"], note["code"].as_str()?)));
        assert_eq!(said, *notes, "{input}");
        assert_eq!(output.status.code(), Some(*status), "{input}");
    }
}

#[test]
fn what_a_later_merge_key_replaces_is_a_digest_that_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
    let text = std::fs::read_to_string(folder.join("merge-order.yaml")).unwrap();
    let (_, digest) = text.split_once("@sha256:").unwrap();
    let digits = digest.lines().next().unwrap();
    assert!(digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digits}");
    let own = text.replace("    <<: *base\n", "");
    let own = crate::support::folder(&[("own.yaml", &own)]);
    let transcript = crate::support::run(own.path(), &["scan", "own.yaml"]);
    assert!(transcript.starts_with("exit code: 0"), "alone it passes: {transcript}");
}

#[test]
fn the_workloads_of_a_kustomization_are_judged_as_it_replaces_their_images() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
    let output = tagwatch(&folder, &["scan", "kustomize", "-o", "json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let images = listed(&report, "images", |image| Some(image["image"].as_str()?.to_owned()));
    assert_eq!(images, ["registry.example.com/shop/web:1.4.2"]);
}
