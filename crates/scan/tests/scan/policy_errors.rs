//! Errors in policy files, with line and column.

use crate::policy::{HEAD, read};

fn errors(text: &str) -> String {
    read(&format!("{HEAD}{text}")).unwrap_err().replace("<stdin>:", "")
}

/// Policies and their errors; `RULES` is a placeholder for the names of all rules.
fn assert_errors(cases: &[(&str, &str)]) {
    let ids: Vec<&str> = tagwatch_core::rules::all().map(|rule| rule.id).collect();
    let shown = |text: &str| errors(text).replace(&ids.join(", "), "RULES");
    let wrong: Vec<String> = cases
        .iter()
        .filter(|(text, error)| shown(text) != *error)
        .map(|(text, _)| format!("{text}{}", shown(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn all_mistakes_are_reported_in_the_order_of_the_file() {
    assert_errors(&[
        (
            "spec:\n  profil: strict\n  rules:\n    latest-tags: {}\n    floating-tag: {result: off}\n    \
             missing-tag:\n  immutable: [ok, 'a b']\n  exemptions:\n  - {match: {names: [a]}, rules: ['*', \
             no-such], reason: ' '}\n  - {}\n",
            "4:3: spec.profil: there is no field \"profil\"; did you mean profile?\n\
             6:5: spec.rules.latest-tags: there is no rule \"latest-tags\"; did you mean latest-tag?\n\
             7:28: spec.rules.floating-tag.result: expected one of fail, warn, found a boolean; write enabled: false \
             to switch the rule off\n\
             8:16: spec.rules.missing-tag: expected a mapping, found nothing; write {} to switch the rule on\n\
             9:19: spec.immutable[1]: the glob `a b` is invalid: no repository of an image holds ` `, so it would \
             match nothing\n\
             11:40: spec.exemptions[0].rules[1]: there is no rule \"no-such\"; expected one of: RULES\n\
             11:58: spec.exemptions[0].reason: this is empty; expected why this is exempt; reports show it\n\
             12:5: spec.exemptions[1].match: this field is missing\n\
             12:5: spec.exemptions[1].reason: this field is missing\n\
             12:5: spec.exemptions[1].rules: this field is missing",
        ),
        ("spec: [strict]\n", "3:7: spec: expected a mapping, found a list"),
        ("spec: []\n", "3:7: spec: expected a mapping, found a list"),
        (
            "spec:\n  rules: {latest-tag: [false]}\n  scope: [[dev-*]]\n",
            "4:23: spec.rules.latest-tag: expected a mapping, found a list\n\
             5:10: spec.scope: expected a mapping, found a list",
        ),
        (
            "spec:\n  overrides:\n  - nonsense\n  - match: {names: [a]}\n    rules: {floating-tag: {words: [x]}, \
             latest-tag: {}}\n",
            "5:5: spec.overrides[0]: expected a mapping, found text\n\
             7:28: spec.overrides[1].rules.floating-tag.words: not in an override: what floats is the same everywhere; \
             move it to spec.rules\n\
             7:53: spec.overrides[1].rules.latest-tag: nothing is set; expected what is different here, such as \
             enabled: true",
        ),
        (
            "spec:\n  overrides:\n  - nonsense\n  - match: {names: ['a[']}\n    rules: {latest-tag: {enabled: false}}\n",
            "5:5: spec.overrides[0]: expected a mapping, found text\n\
             6:21: spec.overrides[1].match.names[0]: the glob `a[` is invalid: unclosed character class; missing ']'",
        ),
        (
            "spec:\n  annotations: {maxDays: 5000, namespaceSelector: {}}\n  metricLabels: [a/b/c, UPPER/x, team]\n",
            "4:26: spec.annotations.maxDays: 5000 is not allowed; expected a whole number from 1 to 3650\n\
             4:51: spec.annotations.namespaceSelector: nothing is named; expected one of matchExpressions, \
             matchLabels\n\
             5:18: spec.metricLabels[0]: this is no name of a label; expected one such as team or example.com/team\n\
             5:25: spec.metricLabels[1]: this is no name of a label; expected one such as team or example.com/team",
        ),
        (
            "spec:\n  rules: {latest-tag: {tags: [1.27]}}\n",
            "4:31: spec.rules.latest-tag.tags[0]: expected text, found a number; put it in quotes",
        ),
    ]);
}

#[test]
fn an_error_has_line_column_and_a_suggestion() {
    let cases = [
        (
            "spec:\n  profil: strict\n",
            "4:3: spec.profil: there is no field \"profil\"; did you mean profile?",
        ),
        (
            "spec: {profile: strikt}\n",
            "3:17: spec.profile: there is no profile \"strikt\"; did you mean strict?",
        ),
        (
            "spec:\n  rules:\n    latest-tags: {}\n",
            "5:5: spec.rules.latest-tags: there is no rule \"latest-tags\"; did you mean latest-tag?",
        ),
        (
            "spec:\n  rules:\n    latest-tag:\n      result: fial\n",
            "6:15: spec.rules.latest-tag.result: there is no value \"fial\"; did you mean fail?",
        ),
        (
            "spec:\n  rules:\n    latest-tag: {allowed: [Always]}\n",
            "5:18: spec.rules.latest-tag.allowed: latest-tag does not take allowed; it takes tags",
        ),
        ("spec:\n  immutable: nginx\n", "4:14: spec.immutable: expected a list, found text"),
        (
            "spec:\n  immutable: [\"registry.corp*/app\"]\n",
            "4:15: spec.immutable[0]: the glob `registry.corp*/app` is invalid: its registry has no boundary, so it \
             matches hosts of strangers too (`corp.example*` matches corp.example.evil.test); write the host out, \
             or only its subdomains as `*.corp.example`",
        ),
        (
            "spec:\n  exemptions:\n  - match: {names: [\"a[\"]}\n    rules: [\"*\"]\n    reason: x\n",
            "5:21: spec.exemptions[0].match.names[0]: the glob `a[` is invalid: unclosed character class; missing ']'",
        ),
        (
            "spec:\n  exemptions:\n  - match: {names: [a]}\n    rules: [latest-tag]\n    reason: ''\n    expires: 2027-02-30\n",
            "7:13: spec.exemptions[0].reason: this is empty; expected why this is exempt; reports show it\n\
             8:14: spec.exemptions[0].expires: \"2027-02-30\" is no date; expected YYYY-MM-DD, such as 2027-01-31",
        ),
        (
            "spec:\n  exemptions:\n  - match: {names: [a]}\n    rules: [latest-tag]\n",
            "5:5: spec.exemptions[0].reason: this field is missing",
        ),
        (
            "spec:\n  exemptions:\n  - match: {}\n    rules: []\n    reason: x\n",
            "5:12: spec.exemptions[0].match: nothing is named; expected one of namespaces, kinds, names, containers, \
             images\n\
             6:12: spec.exemptions[0].rules: no rule is named; expected names of rules, or * for all",
        ),
        (
            "spec:\n  rules:\n    floating-tag:\n      patterns: ['(', '\\w{400}']\n",
            "6:18: spec.rules.floating-tag.patterns[0]: this is no regular expression: unclosed group\n\
             6:23: spec.rules.floating-tag.patterns[1]: the regular expression is too large: compiled it takes more \
             than 262144 bytes",
        ),
        ("spce: {}\n", "3:1: there is no field \"spce\"; did you mean spec?"),
        ("spec: {}\n---\na: b\n", "5:1: a second document; expected one TagPolicy"),
        (
            "spec: {}\nspec: {profile: strict}\n",
            "4:1: the key \"spec\" is written twice, first in line 3; kubectl keeps the last value",
        ),
        ("spec: [\n", "3:7: this is no valid YAML: unclosed bracket '['"),
    ];
    assert_errors(&cases);
    assert_eq!(
        read("kind: Pod\napiVersion: v1\n").unwrap_err(),
        "<stdin>:2:13: apiVersion must be tagwatch.dev/v1alpha1"
    );
    assert_eq!(read("").unwrap_err(), "<stdin>:1:1: the file is empty; expected a TagPolicy");
}

/// Any content gives messages of a readable size, and no crash.
#[test]
fn errors_in_a_policy_of_any_size_stay_short() {
    let deep = format!("{}a{}", "{a,".repeat(126), "}".repeat(126));
    let rules: Vec<String> = (0..5000).map(|number| format!("    wrong-{number}: {{}}\n")).collect();
    let rules = rules.concat();
    for (spec, expected) in [
        (format!("  scope: {{namespaces: ['{deep}']}}\n"), "nested too deeply"),
        (format!("  immutable: ['nginx{}']\n", "?".repeat(150_000)), "150005 characters; at most 512"),
        (format!("  immutable: ['{}']\n", "?".repeat(900_000)), "900000 characters; at most 512"),
        (format!("  scope: {{namespaces: ['{}']}}\n", "{".repeat(200_000)), "at most 512"),
        (format!("  {}: 1\n", "f".repeat(900)), "there is no field"),
        (
            format!("  rules: {{floating-tag: {{patterns: [{}]}}}}\n", "a, ".repeat(2000)),
            "2000 entries; at most 64",
        ),
        (format!("  rules:\n{rules}"), "and more mistakes from here on: 950"),
    ] {
        let shown = errors(&format!("spec:\n{spec}"));
        assert!(
            shown.contains(expected) && shown.len() < 60_000,
            "{expected}: {}",
            &shown[..shown.len().min(500)]
        );
    }
}

#[test]
fn a_baseline_of_thousands_of_workloads_is_a_valid_policy() {
    let exemptions: Vec<String> = (0..10_000)
        .map(|number| {
            format!(
                "  - match:\n      namespaces:\n      - team-{}\n      kinds:\n      - Deployment\n      names:\n      \
                 - workload-{number}\n      containers:\n      - app\n    rules:\n    - latest-tag\n    - \
                 stale-pull-policy\n    reason: found on the first day of tagwatch\n    expires: 2027-03-31\n",
                number % 100
            )
        })
        .collect();
    let policy = read(&format!("{HEAD}spec:\n  exemptions:\n{}", exemptions.concat())).unwrap();
    assert_eq!(policy.spec.exemptions.len(), 10_000);
}

/// Any truncation gives a policy or an error with a position, and no control character.
#[test]
fn a_truncated_or_hostile_policy_never_crashes() {
    let policy = format!(
        "{HEAD}spec:\n  profile: \"s\\e[31m\"\n  rules: {{\"\\u202e\": {{}}, floating-tag: {{patterns: [\"(\\e\"], words: \
         [\"\\0\"]}}}}\n  immutable: [\"\\e[\"]\n  metricLabels: [\"\\e\"]\n  exemptions:\n  - match: {{names: \
         [\"[\\e\"]}}\n    rules: [\"\\e\"]\n    reason: \"\"\n    expires: \"\\e\"\n    \"\\e\": x\n"
    );
    let mut refused = 0;
    for end in 0..=policy.len() {
        if let Err(error) = read(&policy[..end]) {
            refused += 1;
            assert!(!error.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{error:?}");
            assert!(error.lines().all(|line| line.starts_with("<stdin>:")), "{error}");
        }
    }
    assert!(refused > policy.len() / 2, "{refused} of {}", policy.len());
}
