//! The profiles: what they switch on, and their pages.

use tagwatch_core::docs;
use tagwatch_core::policy::Profile;

fn rules(profile: Profile) -> Vec<&'static str> {
    profile.rules().enabled().map(|(rule, _)| rule.id).collect()
}

#[test]
fn each_profile_has_the_rules_of_the_design() {
    assert_eq!(
        rules(Profile::Recommended),
        [
            "missing-tag",
            "latest-tag",
            "floating-tag",
            "unclassified-tag",
            "invalid-image-reference",
            "stale-pull-policy",
            "pull-policy-never",
            "moved-tag",
            "mixed-digests",
            "image-pull-failing"
        ]
    );
    assert_eq!(
        rules(Profile::Strict),
        [
            "unpinned-image",
            "invalid-image-reference",
            "stale-pull-policy",
            "pull-policy-never",
            "moved-tag",
            "mixed-digests",
            "image-pull-failing"
        ]
    );
    assert_eq!(
        rules(Profile::Always),
        [
            "missing-tag",
            "latest-tag",
            "floating-tag",
            "unclassified-tag",
            "invalid-image-reference",
            "pull-policy-not-always",
            "moved-tag",
            "mixed-digests",
            "image-pull-failing"
        ]
    );
    assert_eq!(rules(Profile::Datadog), ["kubernetes-image-pull-policy-of-container-is-not-always"]);
    assert_eq!(
        rules(Profile::Magalix),
        ["missing-tag", "latest-tag", "invalid-image-reference", "pull-policy-not-allowed"]
    );
}

#[test]
fn a_page_lists_the_rules_of_its_profile() {
    for profile in Profile::ALL {
        let page = docs::render_profile_markdown(profile, "../rules");
        assert!(page.starts_with(&format!("# Profile {profile}\n\n{}", profile.meta().summary)));
        let listed: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| [`")).collect();
        let listed: Vec<&str> = listed.into_iter().filter_map(|row| Some(row.split_once('`')?.0)).collect();
        assert_eq!(listed, rules(profile));
        assert!(docs::render_profile_index().contains(&format!("({profile}.md)")));
    }
}

#[test]
fn a_profile_is_found_by_its_name_alone() {
    for profile in Profile::ALL {
        assert_eq!(profile.as_str().parse(), Ok(profile));
    }
    let error = |name: &str| name.parse::<Profile>().expect_err(name).to_string();
    assert_eq!(error("strikt"), "there is no profile \"strikt\"; did you mean strict?");
    assert_eq!(
        error("\u{1b}"),
        "there is no profile \"\\u{1b}\"; expected one of: recommended, strict, always, datadog, magalix"
    );
}
