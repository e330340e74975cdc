//! The name of a workload's report: readable, unique, and a valid DNS subdomain.

use tagwatch_core::kinds::{find_watched, group_of};

use super::{MANAGER, hex};

/// Longest name of an object (RFC 1123 subdomain, `k8s.io/apimachinery/pkg/util/validation`).
const MAX_NAME: usize = 253;
/// Longest kind in a name, the length of a DNS label, which real kinds keep.
const MAX_KIND: usize = 63;
/// Hex digits of the UID that the name of a built-in object's report ends with.
const UID_DIGITS: usize = 8;
/// Hex digits that other names end with: too many for another object with the same ones to be found.
const IDENTITY_DIGITS: usize = 20;

/// Name of the report of an object, a valid DNS subdomain whatever the parts hold: `tagwatch-<kind>-<name, cut>-<8 hex of
/// the uid>` for the built-in kinds that are watched. Other engines use the bare UID, and meet each other there.
///
/// A user who may create a pod can write any other kind, name and UID into its owner reference, and must not take the name
/// of another report that way. So those names end with digits of a hash of all parts, which are more: no kind, name and
/// UID of such an owner, joined, are the name of a report of a built-in object, or of another owner. A built-in kind has
/// reports of objects that were read alone, whose UIDs the API server makes: what names one that is missing, or that may not
/// be read, is not reported under it.
pub fn report_name(api_version: &str, kind: &str, name: &str, uid: &str) -> String {
    let digits = match find_watched(api_version, kind) {
        Some(_) => uid_digits(uid),
        None => identity_digits([group_of(api_version), kind, name, uid]),
    };
    joined(kind, name, &digits)
}

/// Name of the report of an object of a manifest, which has no UID. Names that are alike as a part of this one, such as `a.b`
/// and `a-b`, have reports of their own.
pub fn report_name_without_uid(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> String {
    joined(kind, name, &identity_digits([api_version, kind, namespace.unwrap_or_default(), name]))
}

fn joined(kind: &str, name: &str, digits: &str) -> String {
    let kind = dns_label(kind, MAX_KIND);
    let separators = 3;
    let name = dns_label(name, MAX_NAME - MANAGER.len() - kind.len() - digits.len() - separators);
    let parts = [MANAGER, &kind, &name, digits];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// Digits of a hash of these parts. As JSON, no two lists of parts are one text.
fn identity_digits(parts: [&str; 4]) -> String {
    hex::encode(&hex::sha256_of_json(&parts)[..IDENTITY_DIGITS / 2])
}

/// At most `max` characters of `a-z`, `0-9` and, between those, `-`.
fn dns_label(text: &str, max: usize) -> String {
    let label: String = text
        .chars()
        .take(max)
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .collect();
    label.trim_matches('-').to_owned()
}

/// The first digits of the UID, or of its hash where it does not begin with hex digits.
fn uid_digits(uid: &str) -> String {
    match uid.get(..UID_DIGITS) {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => digits.to_ascii_lowercase(),
        _ => hex::sha256(uid.as_bytes())[..UID_DIGITS].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const UID: &str = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";

    /// What the API server requires of a name: `IsDNS1123Subdomain` of `k8s.io/apimachinery/pkg/util/validation`.
    fn is_dns_subdomain(name: &str) -> bool {
        let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        name.len() <= 253
            && name.split('.').all(|part| {
                part.starts_with(alphanumeric)
                    && part.ends_with(alphanumeric)
                    && part.chars().all(|c| alphanumeric(c) || c == '-')
            })
    }

    #[test]
    fn names_kind_name_and_uid() {
        assert_eq!(report_name("apps/v1", "Deployment", "web", UID), "tagwatch-deployment-web-1b4e28ba");
        assert_eq!(
            report_name("v1", "Pod", "kube-apiserver-node1.example.com", UID),
            "tagwatch-pod-kube-apiserver-node1-example-com-1b4e28ba"
        );
    }

    /// What a user may write into an owner reference, against the names of built-in objects and against each other.
    #[test]
    fn no_owner_that_a_user_makes_up_takes_the_name_of_another_report() {
        let built_in =
            [("Deployment", "web"), ("Deployment", "x-y"), ("Deployment", "a.b"), ("Pod", "e-vil")].map(
                |(kind, name)| {
                    let api_version = if kind == "Pod" { "v1" } else { "apps/v1" };
                    report_name(api_version, kind, name, UID)
                },
            );
        assert_eq!(report_name("apps/v1beta2", "Deployment", "web", UID), built_in[0], "the same kind");
        let mut names = BTreeSet::from(built_in);
        let written = [
            ("evil.example/v1", "Deployment", "web", UID),
            ("v1", "Deployment", "web", UID),
            ("apps/v1", "deployment", "web", UID),
            ("", "Deployment\0", "web", UID),
            ("apps/v1", "Deployment-web", "-", UID),
            ("apps/v1", "Deployment-x", "y", UID),
            ("apps/v1", "Deployment-a", "b", UID),
            ("v1", "Pod-e", "vil", UID),
            ("example.com/v1", "App", "y", "11111111-a"),
            ("example.com/v1", "App", "y", "11111111-b"),
            ("example.com/v1", "App-y", "", "11111111-a"),
            ("example.com/v1", "App", "", "y-11111111-a"),
            ("argoproj.io/v1alpha1", "Rollout", "web", UID),
        ];
        let expected = names.len() + written.len();
        for (api_version, kind, name, uid) in written {
            let report = report_name(api_version, kind, name, uid);
            assert!(is_dns_subdomain(&report), "{report}");
            names.insert(report);
        }
        assert_eq!(names.len(), expected, "{names:#?}");
        let report = report_name("argoproj.io/v1alpha1", "Rollout", "web", UID);
        assert_eq!(report_name("argoproj.io/v1", "Rollout", "web", UID), report, "the same kind");
        assert!(report.starts_with("tagwatch-rollout-web-"), "{report}");
    }

    #[test]
    fn objects_of_manifests_have_names_of_their_own() {
        let objects = [
            ("apps/v1", "Deployment", Some("shop"), "a.b"),
            ("apps/v1", "Deployment", Some("shop"), "a-b"),
            ("apps/v1", "Deployment", Some("mail"), "a-b"),
            ("apps/v1", "Deployment", None, "a-b"),
            ("extensions/v1beta1", "Deployment", None, "a-b"),
            ("evil.example/v1", "Deployment", Some("shop"), "a-b"),
            ("evil.example/v1", "Deployment-a", Some("shop"), "b"),
        ];
        let name = |(api_version, kind, namespace, name)| {
            let report = report_name_without_uid(api_version, kind, namespace, name);
            assert!(is_dns_subdomain(&report) && report.starts_with("tagwatch-deployment-a-b-"), "{report}");
            report
        };
        assert_eq!(BTreeSet::from(objects.map(name)).len(), objects.len());
    }

    #[test]
    fn a_uid_without_hex_digits_is_hashed() {
        let odd = report_name("v1", "Pod", "web", "not-a-uid");
        assert!(is_dns_subdomain(&odd), "{odd}");
        assert_ne!(odd, report_name("v1", "Pod", "web", "not-a-uid-either"));
        assert_ne!(report_name("v1", "Pod", "web", ""), report_name("v1", "Pod", "web", "é"));
    }

    #[test]
    fn whatever_the_parts_hold_the_name_is_valid() {
        let long = "n".repeat(300);
        let parts = ["", "-", "...", "日本語", "\u{1b}[31m\0", "a.b-", "UPPER_case", "é", long.as_str()];
        for kind in parts {
            for name in parts {
                for uid in parts {
                    let report = report_name("example.com/v1", kind, name, uid);
                    assert!(is_dns_subdomain(&report), "{report:?}");
                    assert!(report.starts_with("tagwatch-"), "{report:?}");
                }
            }
        }
        assert_eq!(report_name("v1", &long, &long, UID).len(), 253);
    }
}
