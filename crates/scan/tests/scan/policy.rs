//! Policies from files: what is wrong with them, with line and column, and what they change.

use crate::support::{folder, notes, pod};
use std::path::Path;
use tagwatch_core::engine::Engine;
use tagwatch_scan::output::{self, Format, Style};
use tagwatch_scan::report::ScanReport;
use tagwatch_scan::{ExitStatus, FailOn, PolicyExemptions, PolicyFile, ScanOptions, scan};

const HEAD: &str = "apiVersion: tagwatch.dev/v1alpha1\nkind: TagPolicy\n";

fn read(text: &str) -> Result<PolicyFile, String> {
    PolicyFile::read(Path::new("-"), &mut text.as_bytes()).map_err(|error| error.to_string())
}

fn errors(text: &str) -> String {
    read(&format!("{HEAD}{text}")).unwrap_err().replace("<stdin>:", "")
}

/// Scans a manifest by a policy, on the third of a month.
fn judge(policy: &str, manifest: &str) -> ScanReport {
    let file = read(&format!("{HEAD}{policy}")).unwrap();
    let engine = Engine::new(file.policy.clone()).on("2027-01-03".parse().unwrap());
    let options = ScanOptions {
        paths: vec!["-".into()],
        policy_exemptions: Some(PolicyExemptions::from(&file)),
        ..ScanOptions::default()
    };
    scan(&engine, &options, &mut manifest.as_bytes())
}

fn findings(report: &ScanReport) -> Vec<String> {
    let line = |finding: &tagwatch_scan::report::FindingEntry| {
        let reason = finding.exemption.as_ref().map(|exemption| format!(" ({})", exemption.reason));
        format!("{} {}{}", finding.rule, finding.result.as_str(), reason.unwrap_or_default())
    };
    report.findings.iter().map(line).collect()
}

#[test]
fn an_error_names_line_and_column_and_what_was_meant() {
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
        ("spce: {}\n", "3:1: there is no field \"spce\"; did you mean spec?"),
        ("spec: {}\n---\na: b\n", "5:1: a second document; expected one TagPolicy"),
        ("spec: [\n", "3:7: this is no valid YAML: unclosed bracket '['"),
    ];
    let ids: Vec<&str> = tagwatch_core::rules::registry().iter().map(|rule| rule.meta().id).collect();
    let errors = |text: &str| errors(text).replace(&ids.join(", "), "RULES");
    let wrong: Vec<String> = cases
        .iter()
        .filter(|(text, error)| errors(text) != *error)
        .map(|(text, _)| format!("{text}{}", errors(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert_eq!(
        read("kind: Pod\napiVersion: v1\n").unwrap_err(),
        "<stdin>:2:13: apiVersion must be tagwatch.dev/v1alpha1"
    );
    assert_eq!(read("").unwrap_err(), "<stdin>:1:1: the file is empty; expected a TagPolicy");
}

/// Whatever is written: an answer of a size that somebody reads, and none from a crash.
#[test]
fn a_policy_of_any_size_gets_a_short_answer() {
    let deep = format!("{}a{}", "{a,".repeat(126), "}".repeat(126));
    let rules: String = (0..5000).map(|number| format!("    wrong-{number}: {{}}\n")).collect();
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
        let told = errors(&format!("spec:\n{spec}"));
        assert!(
            told.contains(expected) && told.len() < 60_000,
            "{expected}: {}",
            &told[..told.len().min(500)]
        );
    }
}

#[test]
fn a_baseline_of_thousands_of_workloads_is_a_policy() {
    let exemptions: String = (0..10_000)
        .map(|number| {
            format!(
                "  - match:\n      namespaces:\n      - team-{}\n      kinds:\n      - Deployment\n      names:\n      \
                 - workload-{number}\n      containers:\n      - app\n    rules:\n    - latest-tag\n    - \
                 stale-pull-policy\n    reason: found on the first day of tagwatch\n    expires: 2027-03-31\n",
                number % 100
            )
        })
        .collect();
    let policy = read(&format!("{HEAD}spec:\n  exemptions:\n{exemptions}")).unwrap();
    assert_eq!(policy.spec.exemptions.len(), 10_000);
}

#[test]
fn an_override_switches_on_only_what_it_says() {
    let policy = "\
spec:
  rules:
    missing-tag: {enabled: false}
  overrides:
  - match: {names: [web-*]}
    rules: {missing-tag: {severity: low}}
  - match: {names: [web-2]}
    rules: {missing-tag: {enabled: true}}
";
    assert_eq!(findings(&judge(policy, &pod("web-1", "nginx"))), [""; 0]);
    let report = judge(policy, &pod("web-2", "nginx"));
    assert_eq!(findings(&report), ["missing-tag fail"]);
    assert_eq!(report.findings[0].severity.as_str(), "low");
}

#[test]
fn what_kubectl_prints_is_a_policy() {
    let text = "\
apiVersion: v1
kind: List
";
    assert!(read(text).is_err());
    let printed = format!(
        "{HEAD}metadata:\n  name: default\n  generation: 3\n  uid: 0\nspec:\n  profile: strict\n  \
         annotations:\n    enabled: true\nstatus:\n  conditions: []\n"
    );
    assert_eq!(read(&printed).unwrap().policy.profile().as_str(), "strict");
    let json =
        "{\"apiVersion\":\"tagwatch.dev/v1alpha1\",\"kind\":\"TagPolicy\",\"spec\":{\"profile\":\"always\"}}";
    assert_eq!(read(json).unwrap().policy.profile().as_str(), "always");
}

#[test]
fn a_policy_is_found_upward() {
    let folder = folder(&[(".tagwatch.yaml", HEAD), ("a/b/c.yaml", "")]);
    let found = PolicyFile::find_upward(&folder.path().join("a/b"));
    assert_eq!(found, Some(folder.path().join(".tagwatch.yaml")));
}

#[test]
fn rules_and_overrides_apply_in_their_order() {
    let policy = "\
spec:
  rules:
    missing-tag: {enabled: false}
    unpinned-image: {severity: low, result: warn}
  overrides:
  - match: {images: [docker.io/]}
    rules: {unpinned-image: {result: fail}}
  - match: {names: [web-*]}
    rules: {unpinned-image: {enabled: false}}
";
    assert_eq!(findings(&judge(policy, &pod("api", "ghcr.io/acme/api:1.4.2"))), ["unpinned-image warn"]);
    let report = judge(policy, &pod("api", "nginx"));
    assert_eq!(findings(&report), ["unpinned-image fail"]);
    assert_eq!(report.findings[0].severity.as_str(), "low");
    assert_eq!(findings(&judge(policy, &pod("web-1", "nginx"))), [""; 0]);
}

#[test]
fn declared_words_patterns_and_immutable_globs_decide_on_the_class() {
    let policy = "\
spec:
  rules:
    floating-tag: {words: [blue], patterns: ['v\\d+\\.\\d+\\.0']}
  immutable: ['registry.corp/:main']
  admission: {alwaysPullImages: true}
";
    let class = |image: &str| judge(policy, &pod("p", image)).images[0].tag_class.as_str();
    assert_eq!(class("app:blue-web"), "floating");
    assert_eq!(class("app:bluebird"), "unclassified");
    assert_eq!(class("app:v1.2.0"), "floating");
    assert_eq!(class("app:v1.2.3"), "version");
    assert_eq!(class("registry.corp/app:main"), "declared-immutable");
    let stale = pod("p", "app:main\n      imagePullPolicy: IfNotPresent");
    assert_eq!(findings(&judge(policy, &stale)), ["floating-tag warn"]);
}

#[test]
fn an_exemption_counts_through_its_last_day() {
    let policy = |expires: &str| {
        format!(
            "spec:\n  exemptions:\n  - match: {{names: [web]}}\n    rules: [missing-tag]\n    reason: moved in May\n    \
             expires: {expires}\n"
        )
    };
    let report = judge(&policy("2027-01-03"), &pod("web", "nginx"));
    assert_eq!(findings(&report), ["missing-tag skip (moved in May)"]);
    assert_eq!((report.summary.results.skip, notes(&report)), (1, vec![]));
    assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean);
    let mut table = Vec::new();
    output::write(Format::Table, &report, &mut table, Style::default()).unwrap();
    assert!(String::from_utf8(table).unwrap().contains("\n  exempt until 2027-01-03: moved in May\n"));
    let report = judge(&policy("2027-01-02"), &pod("web", "nginx"));
    assert_eq!(
        (findings(&report), notes(&report)),
        (vec!["missing-tag fail".to_owned()], vec!["5:5 expired-exemption".to_owned()])
    );
    let report = judge(&policy("2027-01-03"), &pod("api", "nginx"));
    assert_eq!(
        (findings(&report), notes(&report)),
        (vec!["missing-tag fail".to_owned()], vec!["5:5 unused-exemption".to_owned()])
    );
}

fn annotated(annotations: &str) -> String {
    pod("web", "nginx")
        .replace("  name: web\n", &format!("  name: web\n  namespace: shop\n  annotations: {annotations}\n"))
}

#[test]
fn annotations_exempt_where_they_give_a_reason_and_the_policy_allows_it() {
    let cases = [
        ("{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why}", "", "skip (why)", None),
        ("{tagwatch.dev/ignore: app/missing-tag, tagwatch.dev/ignore-reason: why}", "", "skip (why)", None),
        (
            "{tagwatch.dev/ignore: db/missing-tag, tagwatch.dev/ignore-reason: why}",
            "",
            "fail",
            Some("unused-exemption"),
        ),
        ("{tagwatch.dev/ignore: missing-tag}", "", "fail", Some("exemption-not-honoured")),
        (
            "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why, tagwatch.dev/ignore-until: soon}",
            "",
            "fail",
            Some("exemption-not-honoured"),
        ),
        (
            "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why, tagwatch.dev/ignore-until: 2027-01-02}",
            "",
            "fail",
            Some("expired-exemption"),
        ),
        (
            "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why, tagwatch.dev/ignore-until: 2027-02-03}",
            "annotations: {maxDays: 30}",
            "fail",
            Some("exemption-not-honoured"),
        ),
        (
            "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why, tagwatch.dev/ignore-until: 2027-02-02}",
            "annotations: {maxDays: 30}",
            "skip (why)",
            None,
        ),
        (
            "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why}",
            "annotations: {enabled: false}",
            "fail",
            Some("exemption-not-honoured"),
        ),
    ];
    for (annotations, policy, result, note) in cases {
        let report = judge(&format!("spec: {{{policy}}}\n"), &annotated(annotations));
        assert_eq!(findings(&report), [format!("missing-tag {result}")], "{annotations} {policy}");
        let note = note.map(|code| format!("6:38 {code}"));
        assert_eq!(notes(&report), Vec::from_iter(note), "{annotations} {policy}: {:?}", report.notes);
    }
}

#[test]
fn a_namespace_among_the_inputs_decides_on_scope_and_annotations() {
    let namespace = |labels: &str| {
        format!(
            "{}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {labels}, annotations: \
             {{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: legacy}}}}\n",
            annotated("{}")
        )
    };
    let scope = "spec: {scope: {namespaceSelector: {matchLabels: {judged: 'yes'}}}}\n";
    assert_eq!(findings(&judge(scope, &namespace("{judged: 'yes'}"))), ["missing-tag skip (legacy)"]);
    let out = judge(scope, &namespace("{}"));
    assert_eq!((findings(&out), notes(&out)), (vec![], vec!["1:1 out-of-scope".to_owned()]));
    let unknown = judge(scope, &annotated("{}"));
    assert_eq!(
        (findings(&unknown), notes(&unknown)),
        (vec!["missing-tag fail".to_owned()], vec!["1:1 undecided-scope".to_owned()])
    );
    let allowed =
        "spec: {annotations: {namespaceSelector: {matchExpressions: [{key: free, operator: Exists}]}}}\n";
    assert_eq!(findings(&judge(allowed, &namespace("{}"))), ["missing-tag fail"]);
    assert_eq!(findings(&judge(allowed, &namespace("{free: 'yes'}"))), ["missing-tag skip (legacy)"]);
    let annotations = "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why}";
    let undecided = judge(allowed, &annotated(annotations));
    assert_eq!(
        (findings(&undecided), notes(&undecided)),
        (vec!["missing-tag skip (why)".to_owned()], vec!["6:38 undecided-exemption".to_owned()])
    );
}

#[test]
fn presets_leave_out_what_the_provider_brings() {
    let policy = "spec: {scope: {excludePresets: [system-namespaces, managed-add-ons]}}\n";
    let judged = |namespace: &str| judge(policy, &annotated("{}").replace("shop", namespace)).images.len();
    assert_eq!(
        ["kube-system", "gke-managed-cim", "openshift", "shop", "kube-systems"].map(judged),
        [0, 0, 0, 1, 1]
    );
}

#[test]
fn a_declared_kind_is_read_by_its_template_paths() {
    let policy = "\
spec:
  workloads:
  - {group: example.com, version: v1, kind: Show, templatePath: 'spec.acts[*].template'}
  - {group: example.com, version: v1, kind: Show, templatePath: spec.cast.*.template}
";
    let show = "\
apiVersion: example.com/v1
kind: Show
metadata: {name: web}
spec:
  acts: [{template: {spec: {containers: [{name: app, image: nginx}]}}}]
  cast: {lead: {template: {spec: {containers: [{name: app, image: 'nginx:1.27.3'}]}}}}
";
    let report = judge(policy, show);
    assert_eq!((findings(&report), notes(&report)), (vec!["missing-tag fail".to_owned()], vec![]));
    let paths: Vec<&str> = report.images.iter().map(|image| image.place.field_path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "spec.acts[0].template.spec.containers[0].image",
            "spec.cast.lead.template.spec.containers[0].image"
        ]
    );
    assert_eq!(notes(&judge("spec: {}\n", show)), ["5:29 kind-not-covered"]);
}

#[test]
fn a_policy_wins_over_the_table_of_custom_kinds() {
    let policy = "\
spec:
  workloads:
  - {group: argoproj.io, version: v2, kind: Rollout, templatePath: spec.blue.template}
";
    let rollout = |version: &str| {
        format!(
            "apiVersion: argoproj.io/{version}\nkind: Rollout\nmetadata: {{name: web}}\nspec:\n  blue: {{template: \
             {{spec: {{containers: [{{image: nginx}}]}}}}}}\n"
        )
    };
    assert_eq!(findings(&judge(policy, &rollout("v2"))), ["missing-tag fail"]);
    assert_eq!(notes(&judge(policy, &rollout("v1alpha1"))), ["5:28 kind-not-covered"]);
}

#[test]
fn a_template_path_that_is_none_is_an_error_with_its_place() {
    let policy = |path: &str| {
        format!(
            "{HEAD}spec:\n  workloads:\n  - {{group: a.io, version: v1, kind: B, templatePath: '{path}'}}\n"
        )
    };
    for (path, expected) in [
        ("spec.tasks[0].template", "brackets are understood as `[*]` behind a field only"),
        ("spec..template", "is empty"),
        ("spec.*Specs.template", "`*` stands for each value of a mapping"),
        ("", "this is empty"),
    ] {
        let error = read(&policy(path)).unwrap_err();
        assert!(error.contains("spec.workloads[0].templatePath: ") && error.contains(expected), "{error}");
    }
    let built_in = policy("spec.template").replace("a.io", "apps").replace("kind: B", "kind: Deployment");
    assert!(read(&built_in).unwrap_err().contains("this kind is built in"));
}

#[test]
fn the_template_of_a_workload_can_exempt_and_an_unknown_rule_is_named() {
    let deployment = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      annotations: {tagwatch.dev/ignore: 'missing-tag, latest', tagwatch.dev/ignore-reason: why}
    spec: {containers: [{name: app, image: nginx}]}
";
    let report = judge("spec: {}\n", deployment);
    assert_eq!(findings(&report), ["missing-tag skip (why)"]);
    assert_eq!(notes(&report), ["7:42 exemption-not-honoured"]);
    assert!(report.notes[0].message.ends_with("there is no rule \"latest\"; did you mean latest-tag?"));
}

/// Whatever is cut off: a policy, or an error with a place, and never a control character.
#[test]
fn a_policy_that_is_cut_off_or_hostile_never_crashes() {
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

/// What one workload has no use for, another one has: only what none of them needs is unused.
#[test]
fn an_annotation_on_a_namespace_is_told_once_for_all_that_is_in_it() {
    let manifest = |ignored: &str| {
        let pods: Vec<String> = ["nginx", "nginx:latest"]
            .iter()
            .zip(["a", "b"])
            .map(|(image, name)| {
                format!(
                    "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{containers: \
                     [{{name: app, image: '{image}'}}]}}\n---\n"
                )
            })
            .collect();
        format!(
            "{}apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, annotations: {{tagwatch.dev/ignore: \
             '{ignored}', tagwatch.dev/ignore-reason: legacy}}}}\n",
            pods.concat()
        )
    };
    let used = judge("spec: {}\n", &manifest("missing-tag, latest-tag"));
    assert_eq!((findings(&used).len(), notes(&used)), (2, vec![]), "{:?}", used.notes);
    let unused = judge("spec: {}\n", &manifest("unclassified-tag"));
    assert_eq!(notes(&unused), ["1:1 unused-exemption"]);
    assert!(
        unused.notes[0].message.starts_with("tagwatch.dev/ignore of Namespace shop: "),
        "{:?}",
        unused.notes
    );
}
