//! Whatever a cluster or a manifest holds: no panic, messages within their limits that drive no terminal, and
//! evidence that reads back.

use std::collections::BTreeSet;

use tagwatch_core::engine::Engine;
use tagwatch_core::evidence;
use tagwatch_core::finding::Verdict;
use tagwatch_core::reference::MAX_BYTES;
use tagwatch_core::workload::{Container, ContainerType, ObservedPods, Origin};

use crate::support::{PodSpec, container, workload};

const TYPES: [ContainerType; 5] = [
    ContainerType::Container,
    ContainerType::Init,
    ContainerType::Sidecar,
    ContainerType::Ephemeral,
    ContainerType::ImageVolume,
];

/// Texts that a name, an image or a pull policy can hold in a manifest.
fn hostile() -> Vec<String> {
    let longest_valid = format!("registry.example/{}:{}", "a".repeat(230), "b".repeat(128));
    let mut texts: Vec<String> = [
        "",
        " ",
        "~",
        "null",
        "no",
        "1.27",
        "0x1f",
        "12:30:45",
        "2024-01-10",
        ".inf",
        "- a",
        "a: b",
        "a #b",
        "a:",
        ":a",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "'a'",
        "\"a\"",
        "{{ .x }}",
        "[a",
        "---",
        "...",
        "<<",
        "=",
        "$IMAGE:1.2",
        "\\n",
        "a\nb",
        "a\r\nb",
        "\ta",
        "a ",
        "\0",
        "\u{1b}[2J\u{1b}]0;x\u{7}",
        "\u{85}",
        "\u{9b}31m",
        "\u{2028}",
        "\u{202e}gpj",
        "\u{200b}",
        "\u{feff}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{e0041}",
        "\u{10ffff}",
        "ü",
        "🦀",
        "nginx",
        "nginx:latest",
        "nginx:1.27",
        "nginx:42",
        "app:checkout",
        "REGISTRY/web:1",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend(["a", "\u{1b}", "\u{202e}", "\"", "/"].map(|filler| filler.repeat(5000)));
    texts.extend([longest_valid, format!("{}/web:1.27", "A".repeat(600))]);
    texts
}

fn every_container(mut check: impl FnMut(&Container, &[Verdict])) {
    let observed = [None, Some(ObservedPods { pods: u32::MAX, always: u32::MAX, by_digest: u32::MAX })];
    for (index, text) in hostile().iter().enumerate() {
        for policy in [None, Some("Always"), Some("IfNotPresent"), Some("Never"), Some(text.as_str())] {
            let mut hostile = container(text, TYPES[index % TYPES.len()], text, policy);
            for (origin, observed) in [Origin::Cluster, Origin::Manifest].into_iter().zip(observed) {
                hostile.observed = observed;
                let verdicts = Engine::recommended().judge(&workload(origin, vec![hostile.clone()]));
                check(&hostile, &verdicts);
            }
        }
    }
}

#[test]
fn messages_keep_their_limit_and_drive_no_terminal() {
    every_container(|_, verdicts| {
        for finding in &verdicts[0].findings {
            let shown = format!("{}{}", finding.message, finding.resolution);
            assert!(finding.message.chars().count() <= 512, "{}", finding.message);
            assert!(finding.resolution.len() <= 1024, "{}", finding.resolution);
            assert!(
                !shown.chars().any(|c| c.is_control() || "\u{202e}\u{200b}\u{2028}".contains(c)),
                "{shown:?}"
            );
        }
    });
}

/// A cut reference would read as another image.
#[test]
fn a_message_holds_the_image_in_full_or_its_length() {
    let mut described = 0;
    every_container(|container, verdicts| {
        let image = container.image.terminal();
        for finding in verdicts[0].findings.iter().filter(|_| !image.is_empty()) {
            let raw = container.image.raw();
            let length = if raw.len() > MAX_BYTES {
                format!("an image reference of more than {MAX_BYTES} bytes")
            } else {
                format!("an image reference of {} characters", raw.chars().count())
            };
            let in_full = finding.message.contains(&image);
            assert!(in_full != finding.message.contains(&length), "{}", finding.message);
            described += usize::from(!in_full);
        }
    });
    assert!(described > 0, "no image was long enough to be described");
}

#[test]
fn evidence_reads_back_as_what_was_written() {
    let mut whole = 0;
    every_container(|container, _| {
        let yaml = evidence::snippet(container);
        assert!(yaml.len() <= evidence::MAX_BYTES);
        assert!(!yaml.chars().any(|c| c != '\n' && c.is_control()), "{yaml:?}");
        let spec: PodSpec = serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        let read: Vec<Container> = spec.located().into_iter().map(|located| located.container).collect();
        let [read] = &read[..] else { panic!("{yaml}") };
        if yaml.contains("# cut: ") {
            assert!(container.image.raw().starts_with(read.image.raw()), "{yaml}");
        } else {
            whole += 1;
            assert_eq!((&read.name, &read.image), (&container.name, &container.image), "{yaml}");
            assert_eq!(read.pull_policy, container.pull_policy, "{yaml}");
        }
    });
    assert!(whole > 100, "only {whole} snippets were not cut");
}

#[test]
fn each_type_of_place_has_words_and_a_field_of_its_own() {
    let words: BTreeSet<&str> = TYPES.iter().map(|kind| kind.words()).collect();
    let names: BTreeSet<&str> = TYPES.iter().map(|kind| kind.as_str()).collect();
    assert_eq!((words.len(), names.len()), (TYPES.len(), TYPES.len()));
}

/// An object can hold 256 KiB of annotations.
#[test]
fn annotations_without_end_exempt_nothing_and_are_told_in_a_few_remarks() {
    use tagwatch_core::workload::IgnoreAnnotations;
    let assess = |ignore: &str| {
        let mut workload =
            workload(Origin::Cluster, vec![container("web", ContainerType::Container, "nginx:latest", None)]);
        let annotations = [(IgnoreAnnotations::IGNORE, ignore), (IgnoreAnnotations::REASON, "known")];
        workload.ignore = IgnoreAnnotations::from_annotations(|key| {
            annotations.into_iter().find(|(known, _)| *known == key).map(|(_, text)| text)
        });
        let engine = Engine::recommended().on("2027-01-31".parse().unwrap());
        engine.assess(&workload, |image| engine.read_image(image))
    };
    let long = assess(&"latest-tag,".repeat(20_000));
    assert!(long.verdicts[0].findings.iter().all(|finding| finding.exemption.is_none()));
    let remarks: Vec<&str> = long.remarks.iter().map(|remark| remark.message.as_str()).collect();
    assert_eq!(remarks, ["tagwatch.dev/ignore is longer than 8192 bytes, so it exempts nothing"]);

    let many: Vec<String> = (0..600).map(|at| format!("no-rule-{at}")).collect();
    let remarks = assess(&many.join(",")).remarks;
    assert_eq!((remarks.len(), remarks[19].message.as_str()), (20, "581 more entries exempt nothing"));
}
