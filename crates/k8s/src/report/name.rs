//! The name of a workload's report: readable, unique, and a valid DNS subdomain.

use tagwatch_core::kinds::{find_watched, group_of, watched};

use super::{MANAGER, hex};

/// Longest name of an object (RFC 1123 subdomain, `k8s.io/apimachinery/pkg/util/validation`).
const MAX_NAME: usize = 253;
/// Longest kind in a name, the length of a DNS label, which real kinds keep.
const MAX_KIND: usize = 63;
/// Hex digits of the UID that a shortened name ends with.
const UID_DIGITS: usize = 8;

/// Name of the report of an object: `tagwatch-<kind>-<name, cut>-<8 hex of the uid>`, a valid DNS subdomain
/// whatever the parts hold. Other engines use the bare UID, and meet each other there.
///
/// The kind has its group behind a dot where a watched kind of another group has the same name: a user who
/// may create a pod can write any owner into it, and must not take the name of a Deployment's report that way.
pub fn report_name(api_version: &str, kind: &str, name: &str, uid: &str) -> String {
    let kind = kind_part(api_version, kind);
    let uid = uid_digits(uid);
    let separators = 3;
    let name = dns_label(name, MAX_NAME - MANAGER.len() - kind.len() - uid.len() - separators);
    let parts = [MANAGER, &kind, &name, &uid];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn kind_part(api_version: &str, kind: &str) -> String {
    let label = dns_label(kind, MAX_KIND);
    let is_watched = find_watched(api_version, kind).is_some();
    if is_watched || !watched().any(|watched| watched.kind().eq_ignore_ascii_case(&label)) {
        return label;
    }
    let group = dns_label(group_of(api_version), MAX_KIND);
    if group.is_empty() { format!("{label}.core") } else { format!("{label}.{group}") }
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

    #[test]
    fn a_kind_that_only_looks_like_a_watched_one_cannot_take_its_name() {
        let real = report_name("apps/v1", "Deployment", "web", UID);
        assert_eq!(
            report_name("apps/v1beta2", "Deployment", "web", UID),
            real,
            "an older version is the same kind"
        );
        for (api_version, kind) in [
            ("evil.example/v1", "Deployment"),
            ("v1", "Deployment"),
            ("apps/v1", "deployment"),
            ("", "Deployment\0"),
        ] {
            let report = report_name(api_version, kind, "web", UID);
            assert!(is_dns_subdomain(&report), "{report}");
            // No name of a report of a built-in object holds a dot.
            assert!(report.contains('.') && !real.contains('.'), "{report}");
        }
        assert_eq!(
            report_name("argoproj.io/v1alpha1", "Rollout", "web", UID),
            "tagwatch-rollout-web-1b4e28ba"
        );
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
