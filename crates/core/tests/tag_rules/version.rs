use tagwatch_core::tag::TagClass::{Floating, Unclassified, Unique, Version};

use crate::{assert_class, assert_matched};

#[test]
fn three_or_more_numbers_are_a_version() {
    assert_class(
        Version,
        &["1.27.3", "v1.27.3", "V1.27.3", "ver1.2.3", "3.9.0.1", "0.0.1", "2024.10.5", "1_2_3"],
    );
    assert_class(Floating, &["1.27", "1_27", "v1", "1.2.x", "1.2.3.x"]);
    assert_class(Unclassified, &["x1.2.3", "1.2rc1", "1.2.Final", "1.x.3"]);
}

#[test]
fn two_numbers_with_a_release_are_a_version() {
    assert_class(
        Version,
        &["8.9-1160", "1.0-123", "1.0-b123", "3.8_1", "v1.0-2", "1.0_b7", "8.9-1160.1", "1.27-2-alpine"],
    );
    assert_class(Version, &["app-1.0-123", "release-1.2-3", "alpine-3.19-1"]);
    assert_matched(&[
        ("8.9-1160", "version with a release `8.9-1160`"),
        ("app-1.0-b12-slim", "version with a release `1.0-b12`"),
    ]);
    assert_class(
        Floating,
        &["1.0-beta2", "1.0-x", "1.0-p1", "1.0-2.x", "1.x-2", "1-123", "1.0-alpine-2", "1.0-123-SNAPSHOT"],
    );
    // Two versions side by side.
    assert_class(Floating, &["9.6-3.2", "1.0-1.2"]);
    assert_class(Unique, &["8.9-1160123", "1.0-r1", "1.0-build5"]);
}

#[test]
fn any_suffix_without_a_moving_word_leaves_it_a_version() {
    assert_class(
        Version,
        &["v1.2.3-rc.1", "1.2.3-rc1", "3.13.0b2", "1.2.3.Final", "1.2.3.RELEASE", "1.2.3-M1"],
    );
    assert_class(Version, &["1.27.3-alpine3.19", "2.44.1-py311-cpu", "1.2.3-2", "1.5.2_v1", "17.0.9_9-jdk"]);
    assert_class(
        Version,
        &["1.2.3-feature-login", "12.4.1-devel-ubuntu22.04", "1.2.3-prod", "1.2.3-release"],
    );
}

#[test]
fn numbered_or_not_alpha_beta_rc_preview_stable_and_lts_leave_it_a_version() {
    for word in ["alpha", "beta", "rc", "preview", "stable", "lts"] {
        for suffix in ["", "1", ".1", "-1"] {
            assert_class(Version, &[&format!("1.2.3-{word}{suffix}"), &format!("v1.2.3.{word}{suffix}")]);
        }
    }
}

#[test]
fn a_moving_suffix_makes_a_version_float() {
    assert_class(
        Floating,
        &["1.2.3-SNAPSHOT", "1.4.0-SNAPSHOT-alpine", "1.0-SNAPSHOT", "app-1.2.3-SNAPSHOT"],
    );
    for word in [
        "snapshot", "latest", "dev", "develop", "nightly", "edge", "canary", "main", "master", "trunk",
        "head", "unstable", "testing", "next",
    ] {
        let upper = word.to_uppercase();
        let tags = [
            format!("1.2.3-{word}"),
            format!("v1.2-{upper}-slim"),
            format!("1.2.3.{word}"),
            format!("a-1.2.3_{word}.4"),
        ];
        assert_class(Floating, &tags.each_ref().map(String::as_str));
    }
    assert_class(Floating, &["1.2.3dev", "1_2_3-dev"]);
    assert_matched(&[("1.4.0-SNAPSHOT-alpine", "version with the moving suffix `SNAPSHOT`")]);
}

#[test]
fn a_moving_suffix_is_a_whole_part() {
    assert_class(
        Version,
        &["1.2.3-developer", "1.2.3-mainline2", "1.2.3-latestish", "1.2.3-dev1", "1.2.3-edgy"],
    );
}

#[test]
fn a_version_stands_behind_prefix_words_too() {
    assert_class(
        Version,
        &["release-1.2.3", "controller-v1.10.1", "ingress-nginx-controller-v1.10.1", "app_1.2.3"],
    );
    assert_class(
        Version,
        &["java11-1.2.3", "alpine3.19-1.2.3", "ubuntu-22.04-1.2.3", "release.1.2.3", "v-1.2.3"],
    );
    assert_class(Version, &["stable-2.14.1", "edge-24.1.1", "main-1.2.3", "v1beta1-1.2.3", "app-1-2.3.4"]);
    assert_matched(&[("controller-v1.10.1-alpine", "full version `v1.10.1`")]);
}

#[test]
fn a_partial_version_at_the_head_is_the_images_own() {
    assert_class(Floating, &["3-openjdk-17.0.2", "1.27-alpine-3.19.1", "2.x-jdk-17.0.2"]);
}

#[test]
fn the_version_that_hangs_on_a_word_is_the_words() {
    assert_class(Floating, &["php8.2.14-apache", "alpine3.19.1", "foo-python3.11.7"]);
    assert_class(Unclassified, &["foo3.11.7", "app1.2.3-x"]);
}
