//! The cards of a workload's containers, and the change that each offers.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tagwatch_console::{Facts, Workload, remedies, remedy_of_container};
use tagwatch_core::engine::Engine;
use tagwatch_core::policy::Policy;
use tagwatch_core::rules;
use tagwatch_core::workload::ContainerType::{self, Container, ImageVolume, Init};

use super::support::{get, open};
use crate::fixture::{ContainerSpec, DRIFTED, MOVED, PRIVATE, demo, judged};

const IMAGES: [&str; 9] = [
    "nginx",
    "nginx:latest",
    "nginx:1.27",
    "nginx:1.27.3",
    "registry.example.com/web:stable",
    "registry.example.com/web:main",
    "registry.example.com/web:team-blue",
    "registry.example.com/web:${TAG}",
    "nginx:latest@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];
const PULL_POLICIES: [Option<&str>; 4] = [None, Some("Always"), Some("IfNotPresent"), Some("Never")];

fn engine(policy: &Value) -> Engine {
    let spec = serde_json::from_value(policy.clone()).expect("a policy");
    Engine::new(Policy::compile(&spec).expect("a valid policy")).on("2026-11-27".parse().expect("a day"))
}

fn open_rules(workload: &Workload) -> BTreeSet<&'static str> {
    workload.open().map(|issue| issue.rule.id).collect()
}

/// The image and the pull policy of a container after a patch of the manifest.
fn patched(patch: &str, kind: ContainerType, image: &str, pull: Option<&str>) -> (String, Option<String>) {
    let patch: Value = serde_saphyr::from_str(patch).expect("YAML");
    let item = &patch["spec"]["template"]["spec"][kind.list_field()][0];
    assert_eq!(item["name"], "web", "{patch}");
    let fields = if kind == ImageVolume { &item["image"] } else { item };
    let image = fields[kind.image_field()].as_str().unwrap_or(image);
    let pull = fields[kind.pull_policy_field()].as_str().or(pull);
    (image.replace("<digest>", &"ab".repeat(32)), pull.map(str::to_owned))
}

/// Policies under which, together, every rule that reads the manifest alone finds something.
fn policies() -> [Value; 6] {
    let rule = |parameters: Value| json!({ "profile": "recommended", "rules": parameters });
    [
        json!({ "profile": "recommended" }),
        json!({ "profile": "strict" }),
        json!({ "profile": "always" }),
        rule(json!({ "pull-policy-not-allowed": { "enabled": true, "allowed": ["IfNotPresent"] } })),
        rule(json!({ "pull-policy-not-allowed": { "enabled": true, "allowed": ["Always"] } })),
        rule(json!({ "needless-pull": { "enabled": true }, "unpinned-image": { "enabled": true } })),
    ]
}

/// Every image with every pull policy, in every kind of place.
fn manifests() -> impl Iterator<Item = (ContainerType, &'static str, Option<&'static str>)> {
    [Container, Init, ImageVolume].into_iter().flat_map(|kind| {
        IMAGES.into_iter().flat_map(move |image| PULL_POLICIES.map(|pull| (kind, image, pull)))
    })
}

/// Each way to fix an issue that is offered is applied to the manifest, and the core judges that: the issue is closed, and
/// no other one is opened.
#[test]
fn every_remedy_of_an_issue_closes_it() {
    let mut closed = BTreeSet::new();
    let parameters = json!({
        "outdated-image": { "enabled": true },
        "cached-private-image": { "enabled": true },
        "kubernetes-image-pull-policy-of-container-is-not-always": { "enabled": true },
    });
    let others = json!({ "profile": "recommended", "rules": parameters });
    for policy in policies().iter().chain([&others]) {
        let engine = engine(policy);
        for (kind, image, pull) in manifests() {
            let judged = |name: &str, image: &str, pull: Option<&str>| {
                judged(&engine, ("apps/v1", "Deployment", PRIVATE, name), &[("web", kind, image, pull)])
            };
            for before in ["web", DRIFTED, MOVED].map(|name| judged(name, image, pull)) {
                for issue in before.open() {
                    for remedy in remedies(&before, issue) {
                        let (new_image, new_pull) = patched(&remedy.patch, kind, image, pull);
                        // The rollout brings new pods.
                        let name = if new_image == image { before.name.raw() } else { "web" };
                        let after = open_rules(&judged(name, &new_image, new_pull.as_deref()));
                        let (rule, title) = (issue.rule.id, remedy.title);
                        let place = format!("{policy} {kind:?} {image} {pull:?} {rule}: {title}");
                        assert!(!after.contains(rule), "{place} leaves it");
                        assert!(after.is_subset(&open_rules(&before)), "{place} opens {after:?}");
                        closed.insert(rule);
                    }
                }
            }
        }
    }
    // Nothing can be added to what does not parse, and no change of the manifest makes a registry answer.
    let without = ["invalid-image-reference", "image-pull-failing"];
    let expected: BTreeSet<&str> =
        rules::all().map(|rule| rule.id).filter(|rule| !without.contains(rule)).collect();
    assert_eq!(closed, expected);
}

/// The patch is applied to the manifest, and the core judges that.
#[test]
fn a_fix_closes_all_that_it_claims_and_opens_nothing() {
    let (mut fixes, mut at_once, mut both) = (0, 0, 0);
    for policy in &policies() {
        let engine = engine(policy);
        for (kind, image, pull) in manifests() {
            let judged = |image: &str, pull: Option<&str>| {
                judged(&engine, ("apps/v1", "Deployment", "shop", "web"), &[("web", kind, image, pull)])
            };
            let before = judged(image, pull);
            let place = format!("{policy} {kind:?} {image} {pull:?}");
            let container = &before.containers[0];
            let Some(fix) = &container.fix else { continue };
            let issue = before.open().next().expect("an issue");
            let remedy = remedy_of_container(&before, container, issue).expect("a change");
            let (new_image, new_pull) = patched(&remedy.patch, kind, image, pull);
            assert_ne!((new_image.as_str(), new_pull.as_deref()), (image, pull), "{place}");
            let after = open_rules(&judged(&new_image, new_pull.as_deref()));
            let closes: BTreeSet<&'static str> = fix.closes.iter().copied().collect();
            assert!(!closes.is_empty() && closes.is_subset(&open_rules(&before)), "{place}: {closes:?}");
            assert!(closes.is_disjoint(&after), "{place}: {closes:?} leaves {after:?}\n{}", remedy.patch);
            assert!(after.is_subset(&open_rules(&before)), "{place}: it opens {after:?}");
            for issue in before.open().filter(|issue| closes.len() > 1 && closes.contains(issue.rule.id)) {
                let first = remedies(&before, issue).into_iter().next().map(|first| first.patch);
                assert_eq!(first.as_ref(), Some(&remedy.patch), "{place}: the page of {}", issue.rule.id);
            }
            let command = remedy.command.expect("a Deployment is changed in place");
            assert_eq!(command.contains("@'\"$digest\"'"), fix.pins, "{command}");
            assert_eq!(
                command.contains(&format!("/{}\"", kind.pull_policy_field())),
                fix.pull_policy.is_some(),
                "{command}"
            );
            fixes += 1;
            at_once += usize::from(closes.len() > 1);
            both += usize::from(fix.pins && fix.pull_policy.is_some());
        }
    }
    assert!(fixes > 200 && at_once > 50 && both > 5, "{fixes} {at_once} {both}");
}

#[tokio::test]
async fn a_container_has_one_card_with_its_image_once_and_one_fix() {
    let console = open(demo());
    let page = get(&console, "/workloads/shop/Deployment/cart").await;
    let (_, cards) = page.text.split_once("<h2 id=\"to-fix\"").expect("the cards");
    let (card, _) = cards.split_once("</article>").expect("its end");
    assert_eq!(card.matches("<bdi>registry.example.com/shop/cart:latest</bdi>").count(), 1, "{card}");
    for text in [
        "latest-tag</a>",
        "stale-pull-policy</a>",
        "<strong>One fix closes 2</strong>: Pin what the tag means today",
        "image: &quot;registry.example.com/shop/cart@sha256:&lt;digest&gt;&quot;",
        "kubectl patch deployment cart --namespace shop",
    ] {
        assert_eq!(card.matches(text).count(), 1, "{text} in\n{card}");
    }
    let clean = get(&console, "/workloads/payments/Deployment/gateway").await;
    assert_eq!(clean.count("To fix"), 0);
    clean.assert_holds("<h2>Containers</h2>");
}

#[tokio::test]
async fn where_the_object_has_no_such_place_no_fix_is_offered() {
    let console = open(demo());
    let page = get(&console, "/workloads/analytics/TrainingRun.ml.example.com/churn-model").await;
    page.assert_holds("The image was read from what this object made");
    assert_eq!(page.count("One fix"), 0);
    let job = get(&console, "/workloads/payments/Job/ledger-migration").await;
    job.assert_holds("One fix closes 2");
    job.assert_holds("apply it anew");
    assert_eq!(job.count("kubectl patch"), 0);
}

#[tokio::test]
async fn the_list_of_issues_says_which_ones_one_fix_closes_together() {
    let console = open(demo());
    let cart = get(&console, "/issues?name=cart").await;
    assert_eq!(cart.count("one fix closes 2"), 2);
    // The object does not contain this one; of the other there is one issue.
    for name in ["churn-model", "dashboards"] {
        let page = get(&console, &format!("/issues?name={name}")).await;
        page.assert_holds("class=\"rowlink\"");
        assert_eq!(page.count("one fix closes"), 0, "{name}");
    }
}

#[test]
fn the_first_remedy_of_a_pull_policy_that_is_never_right_is_a_pin_with_another_one() {
    let engine = engine(&json!({ "profile": "recommended" }));
    let workload = |image, pull| {
        judged(&engine, ("apps/v1", "Deployment", "shop", "web"), &[("web", Container, image, Some(pull))])
    };
    let titles = |workload: &Workload, rule: &str| {
        let issue = workload.open().find(|issue| issue.rule.id == rule).expect("an issue");
        remedies(workload, issue).into_iter().map(|remedy| (remedy.id, remedy.title)).collect::<Vec<_>>()
    };
    let pin_and_cache = "Pin what the tag means today, and let nodes use the copy they have";
    assert_eq!(
        titles(&workload("busybox", "Never"), "pull-policy-never"),
        [("pin", pin_and_cache), ("pull", "Pull at every start")]
    );
    assert_eq!(
        titles(&workload(IMAGES[8], "Never"), "pull-policy-never"),
        [("pull", "Let nodes use the copy they have")]
    );
}

#[tokio::test]
async fn what_a_row_promises_is_on_the_page_of_its_issue() {
    let engine = engine(&json!({ "profile": "recommended" }));
    let specs: [ContainerSpec<'_>; 1] =
        [("web", Container, "registry.example.com/x/y:latest", Some("Never"))];
    let workload = |kind| judged(&engine, kind, &specs);
    let deployment = workload(("apps/v1", "Deployment", "shop", "web"));
    let pod = workload(("v1", "Pod", "shop", "debug"));
    let ids: Vec<String> = deployment.open().map(|issue| issue.id.to_string()).collect();
    let facts = Facts { workloads: vec![Arc::new(deployment), Arc::new(pod)], ..demo() };
    let console = open(facts);
    let list = get(&console, "/issues?name=web").await;
    assert_eq!((ids.len(), list.count("one fix closes 2")), (2, 2));
    for id in ids {
        let script = get(&console, &format!("/issues/{id}/fix.sh")).await;
        for field in ["/image\"", "/imagePullPolicy\""] {
            script.assert_holds(field);
        }
        let page = get(&console, &format!("/issues/{id}")).await;
        page.assert_holds("<h3>Pin what the tag means today, and let nodes use the copy they have</h3>");
    }
    // Of a Pod, the image alone can be changed in place: the page of the tag offers that, and it closes one.
    let list = get(&console, "/issues?name=debug").await;
    assert_eq!((list.count("class=\"rowlink\""), list.count("one fix closes 2")), (2, 1));
}

#[test]
fn a_digest_is_not_pulled_at_every_start() {
    let engine = engine(&json!({ "profile": "recommended" }));
    let specs: [ContainerSpec<'_>; 1] = [("web", Container, IMAGES[8], Some("Never"))];
    let workload = judged(&engine, ("apps/v1", "Deployment", "shop", "web"), &specs);
    let container = &workload.containers[0];
    let issue = workload.open().next().expect("an issue");
    let remedy = remedy_of_container(&workload, container, issue).expect("a change");
    assert_eq!((remedy.title, remedy.note), ("Let nodes use the copy they have", None));
    // Where no other policy is allowed, it is no stopgap.
    let engine = self::engine(&json!({
        "profile": "recommended",
        "rules": { "pull-policy-not-allowed": { "enabled": true, "allowed": ["Always"] } },
    }));
    let workload = judged(&engine, ("apps/v1", "Deployment", "shop", "web"), &specs);
    let issue = workload.open().next().expect("an issue");
    let remedy = remedy_of_container(&workload, &workload.containers[0], issue).expect("a change");
    assert_eq!((remedy.title, remedy.note), ("Pull at every start", None));
}

#[test]
fn a_fix_that_leaves_something_names_what_it_closes() {
    let engine = engine(&json!({
        "profile": "recommended",
        "rules": { "pull-policy-not-allowed": { "enabled": true, "allowed": ["Never"] } },
    }));
    let specs: [ContainerSpec<'_>; 1] = [("web", Container, "nginx:latest", Some("Always"))];
    let workload = judged(&engine, ("apps/v1", "Deployment", "shop", "web"), &specs);
    let fix = workload.containers[0].fix.as_ref().expect("a fix");
    assert_eq!((fix.pins, fix.pull_policy, &*fix.closes), (true, None, &["latest-tag"][..]));
}
