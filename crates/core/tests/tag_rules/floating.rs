use tagwatch_core::tag::Confidence;
use tagwatch_core::tag::TagClass::{Floating, Unclassified};

use crate::{assert_class, assert_matched, classify_tag};

const CHANNELS: [&str; 31] = [
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
    "beta",
    "alpha",
    "rc",
    "preview",
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

#[test]
fn channel_and_branch_words_float_in_any_case() {
    assert_class(Floating, &CHANNELS);
    for word in CHANNELS {
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
fn one_number_alone_is_floating_and_doubtful() {
    for (tag, confidence) in [
        ("42", Confidence::Unknown),
        ("v13", Confidence::Unknown),
        ("123", Confidence::Unknown),
        ("1.27", Confidence::Pattern),
        ("1.x", Confidence::Pattern),
        ("42-alpine", Confidence::Pattern),
        ("qa-1", Confidence::Pattern),
        ("java11", Confidence::Pattern),
    ] {
        let found = classify_tag(tag);
        assert_eq!((found.class, found.confidence), (Floating, confidence), "{tag}");
    }
    assert_matched(&[("v13", "one number alone `v13`")]);
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
