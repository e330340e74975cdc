use tagwatch_core::tag::Confidence;
use tagwatch_core::tag::TagClass::{Floating, Unclassified, Unique};

use crate::{assert_class, assert_matched, classify, classify_tag};

const CHANNELS: [&str; 27] = [
    "head",
    "canary",
    "main",
    "master",
    "trunk",
    "develop",
    "dev",
    "devel",
    "development",
    "edge",
    "nightly",
    "snapshot",
    "stable",
    "testing",
    "test",
    "unstable",
    "next",
    "current",
    "lts",
    "release",
    "prod",
    "production",
    "staging",
    "qa",
    "rolling",
    "mainline",
    "experimental",
];

const ENVIRONMENTS: [&str; 6] = ["uat", "preprod", "integration", "sandbox", "stage", "preproduction"];

const PRE_RELEASES: [&str; 4] = ["alpha", "beta", "rc", "preview"];

fn confidence(image: &str) -> Confidence {
    let found = classify(image);
    assert_eq!(found.class, Floating, "{image}: {found:?}");
    found.confidence
}

fn confidence_of_tag(tag: &str) -> Confidence {
    confidence(&format!("registry.example.com/app:{tag}"))
}

#[test]
fn channel_and_branch_words_float_in_any_case() {
    for word in CHANNELS.into_iter().chain(PRE_RELEASES) {
        assert_class(Floating, &[word]);
        assert_class(Floating, &[&word.to_uppercase()]);
    }
    assert_class(Floating, &["Latest", "LATEST", "lAtEsT"]);
}

#[test]
fn words_count_as_whole_parts_only() {
    assert_class(
        Unclassified,
        &["mainline2", "developer", "stablehlo", "latestish", "betamax", "remain", "testament"],
    );
    for word in CHANNELS {
        assert_class(Unclassified, &[&format!("{word}2"), &format!("x{word}"), &format!("{word}x")]);
    }
    for word in PRE_RELEASES {
        assert_class(Unclassified, &[&format!("x{word}"), &format!("{word}x"), &format!("{word}2x")]);
    }
    assert_class(Unclassified, &["alpinist", "xubuntu", "slimmer", "nodes", "pythonic3", "cudax", "gpus"]);
}

#[test]
fn partial_versions_float() {
    assert_class(
        Floating,
        &[
            "1", "1.27", "v2", "v1.27", "ver2", "22.04", "1.x", "1.X", "1.2.x", "v1.27.x", "1.x.x", "0",
            "2024.1",
        ],
    );
    assert_class(Unclassified, &["1234", "2404", "v1234", "x", "v", "v1beta1", "1b", "q3", "1.z5"]);
    assert_matched(&[("1.27-alpine", "partial version `1.27`"), ("1.x", "partial version `1.x`")]);
}

#[test]
fn environments_float() {
    for word in ENVIRONMENTS {
        assert_class(Floating, &[word, &word.to_uppercase(), &format!("{word}-eu"), &format!("web-{word}")]);
        assert_eq!(confidence_of_tag(word), Confidence::Pattern, "{word}");
    }
    assert_class(Unclassified, &["uats", "sandboxed", "integrations", "my-sandbox-box", "pre-prod-eu"]);
}

#[test]
fn a_stage_before_a_release_floats_with_its_number() {
    for word in PRE_RELEASES {
        for tag in [format!("{word}1"), format!("{word}12-alpine"), format!("web-{word}3")] {
            assert_eq!(confidence_of_tag(&tag), Confidence::Pattern, "{tag}");
        }
    }
    assert_matched(&[("rc1", "channel or branch `rc1`"), ("RC1", "channel or branch `RC1`")]);
}

#[test]
fn one_number_alone_is_floating_and_doubtful() {
    for (tag, confidence) in [
        ("42", Confidence::Unknown),
        ("v13", Confidence::Unknown),
        ("123", Confidence::Unknown),
        ("1-71", Confidence::Unknown),
        ("1.x", Confidence::Pattern),
        ("42-alpine", Confidence::Pattern),
        ("java11", Confidence::Pattern),
    ] {
        assert_eq!(confidence_of_tag(tag), confidence, "{tag}");
    }
    assert_matched(&[("v13", "one number alone `v13`"), ("1-71", "number with a release `1-71`")]);
}

#[test]
fn a_branch_with_a_number_is_floating_and_doubtful() {
    for tag in [
        "main-1234",
        "main-1",
        "main_12",
        "develop.42",
        "MASTER-7",
        "qa-1",
        "rc-2",
        "uat-12",
        "stable-v2",
        "main-1234-alpine",
        "release-1",
        "release-1.2",
        "web-main-12",
        "tip-9",
    ] {
        assert_eq!(confidence_of_tag(tag), Confidence::Unknown, "{tag}");
    }
    assert_matched(&[
        ("main-1234", "channel or branch with a number `main-1234`"),
        ("release-1.2-web", "channel or branch with a number `release-1.2`"),
    ]);
    for tag in ["main", "main-eu", "prod-us-east-1", "release-2.x", "main-12-latest", "1234-main", "3-beta"] {
        assert_eq!(confidence_of_tag(tag), Confidence::Pattern, "{tag}");
    }
    assert_class(Unique, &["main-12345", "main-1a2b3c4"]);
    assert_class(Unclassified, &["pr-1234", "app-1234", "main1234"]);
}

#[test]
fn two_numbers_float_for_certain_where_the_publisher_moves_them() {
    for tag in ["1.27", "v1.27", "22.04", "1_27", "1.27-alpine", "1.27-rc1", "2024.1"] {
        for (name, expected) in [
            ("nginx", Confidence::Pattern),
            ("docker.io/library/nginx", Confidence::Pattern),
            ("bitnami/nginx", Confidence::Pattern),
            ("mcr.microsoft.com/dotnet/aspnet", Confidence::Pattern),
            ("registry.example.com/app", Confidence::Unknown),
            ("jenkins/jenkins", Confidence::Unknown),
            ("registry.example.com/library/nginx", Confidence::Unknown),
        ] {
            let image = format!("{name}:{tag}");
            assert_eq!(confidence(&image), expected, "{image}");
        }
    }
    for tag in ["1.x", "1.27.x", "1.27-latest", "1.27-SNAPSHOT"] {
        assert_eq!(confidence_of_tag(tag), Confidence::Pattern, "{tag}");
    }
    assert_eq!(confidence("nginx:release-1.27"), Confidence::Pattern);
}

#[test]
fn a_placeholder_in_underscores_is_no_known_tag() {
    assert_class(Unclassified, &["__TAG__", "__IMAGE_TAG__"]);
}

#[test]
fn distribution_words_float_with_and_without_a_version() {
    for word in [
        "alpine",
        "bookworm",
        "bullseye",
        "buster",
        "sid",
        "jammy",
        "focal",
        "xenial",
        "ubuntu",
        "debian",
        "ubi",
        "centos",
        "rockylinux",
        "el",
        "amazonlinux",
        "nanoserver",
        "scratch",
        "wolfi",
        "busybox",
        "slim",
        "trixie",
        "noble",
        "stretch",
        "jessie",
        "bionic",
        "resolute",
        "fedora",
        "almalinux",
        "oraclelinux",
        "windowsservercore",
    ] {
        assert_class(
            Floating,
            &[word, &format!("{word}8"), &format!("{word}-3.19"), &format!("foo-{word}22.04")],
        );
    }
    assert_class(
        Floating,
        &[
            "ubi8",
            "ubuntu22.04",
            "ubuntu2204",
            "alpine3.23",
            "alpine3.x",
            "amazonlinux2023",
            "cbl-mariner2.0",
        ],
    );
    assert_class(
        Floating,
        &["ltsc2022", "nanoserver-1809", "windowsservercore-ltsc2022", "stream9", "al2023", "rawhide"],
    );
    assert_class(Unclassified, &["stream", "al", "win", "cu", "ltsc"]);
}

#[test]
fn variant_runtime_and_platform_words_float_with_and_without_a_version() {
    for word in [
        "fpm",
        "apache",
        "cli",
        "zts",
        "jdk",
        "jre",
        "java",
        "php",
        "python",
        "py",
        "node",
        "cuda",
        "management",
        "debug",
        "nonroot",
        "gpu",
        "cpu",
        "full",
        "onbuild",
        "uclibc",
        "amd64",
        "arm64",
        "rocm",
        "cudnn",
        "ruby",
        "golang",
        "dind",
        "s390x",
        "ppc64le",
        "riscv64",
        "armv7",
        "linux",
        "windows",
    ] {
        assert_class(Floating, &[word, &format!("{word}-alpine"), &format!("web-{word}")]);
    }
    assert_class(
        Floating,
        &["java11", "php8.2", "py311", "python3.11-slim", "node20-alpine", "cuda12.1-runtime", "cu118"],
    );
    assert_class(
        Floating,
        &["x86_64", "linux-x86_64", "linux_amd64", "arm32v7", "jdk17-temurin", "debug-nonroot"],
    );
    assert_matched(&[("php8.2-apache", "runtime `php8.2`"), ("web-arm64", "platform `arm64`")]);
}

#[test]
fn a_listed_word_as_head_or_last_part() {
    assert_class(
        Floating,
        &["latest-alpine", "humble-latest", "prod-us-east-1", "us-east-1-prod", "test-image", "foo_latest"],
    );
    assert_class(Floating, &["latest_alpine", "main.debug", "_latest", "latest-", "v1beta1-dev"]);
    assert_class(Unclassified, &["v-next-gen", "feature-main-fix", "my-dev-box", "a-latest-b"]);
}

#[test]
fn a_partial_version_as_head() {
    assert_class(
        Floating,
        &["1.27-alpine", "3-management", "23.11-py3", "2-web", "12-factor", "9-minimal", "1.27.alpine"],
    );
    assert_class(Unclassified, &["1234-web", "2b-web", "1.2rc1-web"]);
}

#[test]
fn a_partial_version_behind_a_listed_word() {
    assert_class(
        Floating,
        &["release-1.2", "release-2.x", "foo-alpine-3.19-bar", "us-prod-1-b", "foo-jdk17-2.1-bar"],
    );
    assert_class(
        Unclassified,
        &["pr-12", "app-12", "app-1.27", "feature-1.x", "tag-v0.1", "foo-alpine-bar-3"],
    );
    assert_matched(&[("foo-alpine-3.19-bar", "distribution `alpine-3.19`")]);
}

#[test]
fn nothing_is_guessed_from_letters_alone() {
    assert_class(
        Unclassified,
        &["web", "worker", "api", "backend", "frontend", "server", "nginx", "redis", "postgres"],
    );
    assert_class(
        Unclassified,
        &["iron", "hydrogen", "humble", "jod", "blue", "green", "demo", "sample", "customer-a", "z"],
    );
    assert_class(
        Unclassified,
        &["feature-login", "hotfix", "user-joe", "_internal", "TICKET-7", "gopher", "ollama"],
    );
    assert_eq!(classify_tag("web").confidence, Confidence::Unknown);
    assert_eq!(classify_tag("web").matched, None);
}
