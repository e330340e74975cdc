use tagwatch_core::tag::TagClass::{Floating, Unclassified, Unique, Version};

use crate::{assert_class, assert_matched};

#[test]
fn a_git_sha_of_7_to_40_or_64_digits() {
    let sha1 = "e83c5163316f89bfbde7d9ab23ca2e25604af290";
    let sha256 = "a".repeat(63) + "1";
    assert_class(
        Unique,
        &["9f8e7d6", "0a1b2c3d", sha1, &sha256, "1A2B3C4", "main-1a2b3c4", "1a2b3c4-alpine"],
    );
    assert_class(
        Unique,
        &["main_1a2b3c4", "main.1a2b3c4", "feature-x-1a2b3c4", &format!("sha256-{sha256}.sig")],
    );
    assert_class(
        Unclassified,
        &["9f8e7d", "abc123", &format!("{sha1}a"), &sha256[1..], "1a2b3c4z", "x1a2b3c4"],
    );
}

#[test]
fn a_git_sha_is_looked_for_before_any_word_list() {
    assert_class(
        Unique,
        &["befacaad", "deadbeef", "defaced", "latest-deadbeef", "deadbeef-latest", "1.2.3-dev-deadbeef"],
    );
}

#[test]
fn a_git_sha_behind_g_may_be_all_digits() {
    assert_class(Unique, &["g2414721", "v1.2.3-14-g2414721", "1.2-0-gdeadbee", "sha-9fceb02", "git-9f8e7d6"]);
    assert_class(Unclassified, &["g241472", "gabcdeg1", "sha-9fceb", "git-main-x"]);
    assert_matched(&[("v1.2.3-14-g2414721", "git SHA `g2414721`"), ("sha-9fceb02", "git SHA `9fceb02`")]);
}

#[test]
fn a_uuid() {
    assert_class(
        Unique,
        &["3f2504e0-4f89-11d3-9a0c-0305e82c3301", "run-3F2504E0-4F89-11D3-9A0C-0305E82C3301"],
    );
    assert_matched(&[(
        "pr-3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "UUID `3f2504e0-4f89-11d3-9a0c-0305e82c3301`",
    )]);
}

#[test]
fn a_date_or_time() {
    assert_class(Unique, &["20240110", "v20240110", "2024-01-10", "v2024-01-10", "2024_01_10", "2024-1-9"]);
    assert_class(
        Unique,
        &["jammy-20240111", "nightly-2024-01-10", "main-2024-01-10-debug", "10-01-2024", "01-31-2024"],
    );
    assert_class(
        Unique,
        &["2024-01-10T15-30-00Z", "RELEASE.2024-01-10T15-30-00Z", "20240110T153000Z", "20240110-1530"],
    );
    assert_class(
        Unique,
        &["202401101530", "20240110153000", "1704881234", "1704881234567", "dev-20240110.1"],
    );
    assert_class(Unique, &["2.3.0.dev20240110-cuda12.1", "nightly20240110", "20240110rc1"]);
    assert_matched(&[
        ("main-2024-01-10", "date `2024-01-10`"),
        ("v20240110", "date `v20240110`"),
        ("1704881234", "Unix time `1704881234`"),
        ("1704881234567", "Unix time `1704881234567`"),
    ]);
}

#[test]
fn a_date_has_to_be_possible_and_whole() {
    assert_class(
        Unclassified,
        &["2024-13-10", "2024-01-32", "2024-01-10x", "2024-01", "v20241310", "1024-01-10"],
    );
    assert_class(Unclassified, &["2024", "app-2024"]);
}

#[test]
fn a_dotted_date_is_a_version() {
    assert_class(Version, &["2024.01.10", "v2024.01.10", "nightly-2024.01.10", "2024.01.10-alpine"]);
    assert_class(Floating, &["2024.01", "2024.01.10-nightly"]);
}

#[test]
fn a_build_number() {
    assert_class(
        Unique,
        &["12345", "123456", "987654321", "main-12345", "b12345", "1.2.3-b12345", "1.29.1-12345.2"],
    );
    assert_class(Unclassified, &["1234", "b1234", "app-1234", "b12345x"]);
    assert_class(
        Unique,
        &["build-1", "build.45", "build_45", "v1.2.3-build.45", "1.2.3-build45", "ci-98765", "CI-7"],
    );
    assert_class(Unique, &["run-5", "run42", "test-run-5", "BUILD123"]);
    assert_class(
        Unclassified,
        &["build", "ci", "run", "build-x", "builds-12", "rerun-5", "build-1.2", "runx5"],
    );
    assert_class(Version, &["build-1.2.3", "ci_1.2.3.4"]);
    assert_matched(&[("v1.2.3-build.45", "build number `build.45`"), ("main-12345", "build number `12345`")]);
}

#[test]
fn the_number_of_a_ticket_or_change_request_is_no_build_number() {
    assert_class(
        Unclassified,
        &["JIRA-123", "JIRA-12345", "feature-OPS-12345-login", "pr-12", "pr-12345", "PR-12345"],
    );
    assert_class(
        Unique,
        &["JIRA-12345-1a2b3c4", "pr-123-9f8e7d6", "SNAPSHOT-12345", "JIRA-20240110", "x-12345"],
    );
}

#[test]
fn a_revision_suffix() {
    assert_class(
        Unique,
        &["1.27.3-r0", "1.2.3-r45", "1.2.3-debian-12-r5", "1.2.3-debian-12-r5-amd64", "1.27-r1"],
    );
    assert_class(Version, &["1.2.3-rc1", "1.2.3.r5", "1.2.3-r", "1.2.3-r5a"]);
    assert_class(Unclassified, &["r5", "app-r5.1"]);
    assert_matched(&[("1.2.3-debian-12-r5", "revision `r5`")]);
}

#[test]
fn vendor_build_metadata() {
    assert_class(Unique, &["v1.27.3-gke.2700", "v1.15.5-eksbuild.1", "1.28-gke.1", "v1.28.2-eks-a1b2c3d"]);
    assert_class(Version, &["v1.27.3-gke", "v1.27.3-acme.1"]);
    assert_class(Unclassified, &["gke.1", "app-gke-1"]);
    assert_matched(&[("v1.27.3-gke.2700", "vendor build `gke.2700`")]);
}
