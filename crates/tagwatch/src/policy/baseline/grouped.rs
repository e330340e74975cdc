//! Groups exemptions, so that the policy stays small: `kubectl apply` stores it in an annotation, and annotations are
//! limited to 256 KiB.

use std::collections::BTreeMap;

use tagwatch_core::policy::{ExemptionSpec, MatchSpec};

/// The most names in one list.
const MAX_NAMES: usize = 256;

/// What two exemptions have in common when they differ in one list of names only.
type Key = ([Vec<String>; 4], Vec<String>, String, Option<String>);

/// Joins exemptions that differ in one list only: first the containers of a workload, then workloads, then namespaces.
/// An exemption covers every combination of its names, so the result exempts exactly the same. An empty list means
/// everything and is never joined.
pub(super) fn grouped(exemptions: Vec<ExemptionSpec>) -> Vec<ExemptionSpec> {
    let containers = joined(exemptions, |matches| &mut matches.containers);
    let names = joined(containers, |matches| &mut matches.names);
    joined(names, |matches| &mut matches.namespaces)
}

fn joined(
    exemptions: Vec<ExemptionSpec>,
    list: impl Fn(&mut MatchSpec) -> &mut Vec<String>,
) -> Vec<ExemptionSpec> {
    let mut groups: BTreeMap<(bool, Key), (ExemptionSpec, Vec<String>)> = BTreeMap::new();
    for mut exemption in exemptions {
        let names = std::mem::take(list(&mut exemption.matches));
        let group = groups.entry((names.is_empty(), key(&exemption)));
        group.or_insert_with(|| (exemption, Vec::new())).1.extend(names);
    }
    let mut joined = Vec::new();
    for (exemption, mut names) in groups.into_values() {
        names.sort();
        names.dedup();
        let chunks = if names.is_empty() { vec![&[][..]] } else { names.chunks(MAX_NAMES).collect() };
        for names in chunks {
            let mut exemption = exemption.clone();
            *list(&mut exemption.matches) = names.to_vec();
            joined.push(exemption);
        }
    }
    joined
}

fn key(exemption: &ExemptionSpec) -> Key {
    let ExemptionSpec { matches, rules, reason, expires } = exemption;
    // A baseline names no images.
    let MatchSpec { namespaces, kinds, names, containers, images: _ } = matches;
    let lists = [namespaces, kinds, names, containers].map(Clone::clone);
    (lists, rules.clone(), reason.clone(), expires.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemption(place: &str, rules: &[&str]) -> ExemptionSpec {
        let list = |name: &str| if name.is_empty() { Vec::new() } else { vec![name.to_owned()] };
        let [namespace, name, container] = place.split('/').collect::<Vec<_>>()[..] else {
            panic!("{place}")
        };
        ExemptionSpec {
            matches: MatchSpec {
                namespaces: list(namespace),
                kinds: list("Deployment"),
                names: list(name),
                containers: list(container),
                images: Vec::new(),
            },
            rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
            reason: "found".to_owned(),
            expires: None,
        }
    }

    fn shown(exemptions: &[ExemptionSpec]) -> Vec<String> {
        let show = |exemption: &ExemptionSpec| {
            let MatchSpec { namespaces, names, containers, .. } = &exemption.matches;
            let lists = [namespaces, names, containers].map(|list| list.join(","));
            format!("{} {}", lists.join("/"), exemption.rules.join(","))
        };
        let mut shown: Vec<String> = exemptions.iter().map(show).collect();
        shown.sort();
        shown
    }

    #[test]
    fn what_differs_in_one_list_is_joined_and_nothing_else() {
        let found = [
            exemption("shop/web/app", &["latest-tag"]),
            exemption("shop/web/proxy", &["latest-tag"]),
            exemption("shop/api/app", &["latest-tag"]),
            exemption("shop/api/proxy", &["latest-tag"]),
            exemption("mail/web/app", &["latest-tag"]),
            exemption("mail/web/proxy", &["latest-tag"]),
            exemption("mail/web/side", &["missing-tag"]),
            exemption("/web/app", &["latest-tag"]),
        ];
        assert_eq!(
            shown(&grouped(found.into())),
            [
                "/web/app latest-tag",
                "mail/web/app,proxy latest-tag",
                "mail/web/side missing-tag",
                "shop/api,web/app,proxy latest-tag"
            ]
        );
        let everywhere =
            ["shop", "mail"].map(|namespace| exemption(&format!("{namespace}/web/app"), &["latest-tag"]));
        assert_eq!(shown(&grouped(everywhere.into())), ["mail,shop/web/app latest-tag"]);
    }

    #[test]
    fn two_thousand_workloads_stay_small() {
        let found: Vec<ExemptionSpec> =
            (0..2_000).map(|index| exemption(&format!("shop/web-{index:04}/app"), &["latest-tag"])).collect();
        let grouped = grouped(found);
        assert_eq!(grouped.len(), 2_000_usize.div_ceil(MAX_NAMES));
        assert_eq!(grouped.iter().map(|exemption| exemption.matches.names.len()).sum::<usize>(), 2_000);
    }
}
