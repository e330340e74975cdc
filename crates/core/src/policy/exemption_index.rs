//! Finds the exemptions that can match a workload without walking over all of them: a baseline has thousands, each for
//! one workload by its name.

use std::collections::HashMap;

use super::Exemption;
use crate::text::UntrustedText;
use crate::workload::WorkloadId;

/// Most pairs of a namespace and a name under which one exemption is indexed.
const MAX_ENTRIES: usize = 64;

/// A namespace and a name; `None` for any.
type Words = (Option<Box<str>>, Option<Box<str>>);

/// Exemptions by the namespaces and names that they spell out. The index narrows down; the matcher decides.
#[derive(Debug, Clone, Default)]
pub(super) struct ExemptionIndex {
    by_words: HashMap<Words, Vec<usize>>,
}

impl ExemptionIndex {
    pub(super) fn of(exemptions: &[Exemption]) -> Self {
        let mut index = Self::default();
        for (number, exemption) in exemptions.iter().enumerate() {
            let (namespaces, names) = exemption.matcher.literals();
            let (mut namespaces, mut names) = (options(namespaces), options(names));
            if namespaces.len().saturating_mul(names.len()) > MAX_ENTRIES {
                // Keeps the longer list, which narrows down more.
                if namespaces.len() > names.len() {
                    names = vec![None];
                } else {
                    namespaces = vec![None];
                }
            }
            for namespace in &namespaces {
                for name in &names {
                    let key = (namespace.map(Box::from), name.map(Box::from));
                    let entered = index.by_words.entry(key).or_default();
                    if entered.last() != Some(&number) {
                        entered.push(number);
                    }
                }
            }
        }
        index
    }

    /// Every exemption that can match a workload, by its number, in order.
    pub(super) fn candidates(&self, id: &WorkloadId) -> Vec<usize> {
        let name = id.name.raw();
        let mut found: Vec<usize> = Vec::new();
        let namespaces = [None, id.namespace.as_ref().map(UntrustedText::raw)];
        let distinct = if namespaces[1].is_none() { &namespaces[..1] } else { &namespaces };
        for namespace in distinct {
            for name in [None, Some(name)] {
                let key = (namespace.map(Box::from), name.map(Box::from));
                found.extend(self.by_words.get(&key).into_iter().flatten());
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The literals, or one `None` (any) where the exemption names none or has a wildcard.
fn options(literals: Option<Vec<&str>>) -> Vec<Option<&str>> {
    literals.map_or_else(|| vec![None], |literals| literals.into_iter().map(Some).collect())
}

#[cfg(test)]
mod tests {
    use crate::policy::subject::Subject;
    use crate::policy::{ExemptionSpec, MatchSpec, Policy, TagPolicySpec};
    use crate::workload::WorkloadId;

    const NAMES: [&str; 5] = ["web", "api", "web-1", "db", "a*b"];
    const GLOBS: [&str; 7] = ["web", "api", "web*", "d?", "{web,db}", "[a]*b", "a"];

    /// A generator without a seed from outside: the same exemptions each time.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).expect("31 bits") % bound
        }

        fn some(&mut self, most: usize) -> Vec<String> {
            let count = self.below(most + 1);
            (0..count).map(|_| GLOBS[self.below(GLOBS.len())].to_owned()).collect()
        }
    }

    fn exemption(numbers: &mut Numbers) -> ExemptionSpec {
        let mut matches = MatchSpec {
            namespaces: numbers.some(3),
            names: numbers.some(3),
            kinds: if numbers.below(2) == 0 { Vec::new() } else { vec!["Deployment".to_owned()] },
            ..MatchSpec::default()
        };
        match numbers.below(20) {
            0 => matches.names = (0..100).map(|n| format!("n{n}")).chain(["web".to_owned()]).collect(),
            1 => matches.namespaces = (0..100).map(|n| format!("n{n}")).chain(["db".to_owned()]).collect(),
            _ => {}
        }
        if matches == MatchSpec::default() {
            matches.names.push("web".to_owned());
        }
        ExemptionSpec { matches, rules: vec!["*".to_owned()], reason: "why".to_owned(), expires: None }
    }

    #[test]
    fn the_index_leaves_out_nothing_that_matches() {
        let mut numbers = Numbers(7);
        let exemptions = (0..400).map(|_| exemption(&mut numbers)).collect();
        let policy = Policy::compile(&TagPolicySpec { exemptions, ..TagPolicySpec::default() });
        let policy = policy.expect("a valid policy");
        let mut matched = 0;
        for namespace in NAMES.map(Some).into_iter().chain([None]) {
            for (name, kind) in NAMES.into_iter().flat_map(|name| [(name, "Deployment"), (name, "Pod")]) {
                let id = WorkloadId {
                    namespace: namespace.map(Into::into),
                    name: name.into(),
                    kind: kind.into(),
                    api_version: if kind == "Pod" { "v1" } else { "apps/v1" }.into(),
                };
                let walked: Vec<usize> = policy.exemptions_for(&id).map(|(index, _)| index).collect();
                let candidates = policy.exemption_index.candidates(&id);
                let subject = Subject::new(&id, &policy.kinds);
                let admitted = |&index: &usize| policy.exemptions[index].matcher.admits_workload(&subject);
                let found: Vec<usize> = candidates.into_iter().filter(admitted).collect();
                assert_eq!(found, walked, "{namespace:?}/{kind}/{name}");
                matched += walked.len();
            }
        }
        assert!(matched > 1000, "{matched} matches are no test");
    }

    #[test]
    fn an_exemption_by_name_is_looked_at_for_its_workload_alone() {
        let exemptions = (0..500).map(|number| ExemptionSpec {
            matches: MatchSpec {
                namespaces: vec!["shop".to_owned()],
                names: vec![format!("web-{number}")],
                ..MatchSpec::default()
            },
            rules: vec!["*".to_owned()],
            reason: "why".to_owned(),
            expires: None,
        });
        let spec = TagPolicySpec { exemptions: exemptions.collect(), ..TagPolicySpec::default() };
        let policy = Policy::compile(&spec).expect("a valid policy");
        let id = WorkloadId {
            namespace: Some("shop".into()),
            name: "web-7".into(),
            kind: "Deployment".into(),
            api_version: "apps/v1".into(),
        };
        assert_eq!(policy.exemption_index.candidates(&id), [7]);
    }
}
