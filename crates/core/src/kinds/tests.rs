//! The table, and where its paths lead.

use std::collections::BTreeSet;

use super::*;

fn declared(version: &str, kind: &str, path: &str) -> CustomWorkload {
    CustomWorkload {
        group: "argoproj.io".to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        template_path: path.to_owned(),
    }
}

fn paths(kinds: &Kinds, kind: &str, version: &str) -> Option<Vec<String>> {
    let kind = kinds.get(&KindName::new("argoproj.io", kind))?;
    Some(kind.templates(version)?.iter().map(ToString::to_string).collect())
}

#[test]
fn every_entry_of_the_table_is_sound() {
    let mut names = BTreeSet::new();
    for entry in table() {
        assert!(names.insert((entry.group, entry.kind)), "{entry:?} stands there twice");
        assert!(!entry.versions.is_empty(), "{entry:?}");
        let reads = !entry.templates.is_empty() || entry.containers.is_some();
        assert_eq!(reads, entry.traits.role != KindRole::Link, "{entry:?}");
        assert!(entry.containers.is_none() || (entry.templates.is_empty() && !entry.traits.is_watched));
        assert!(entry.traits.is_built_in || entry.group.contains('.'), "{entry:?}");
        assert_eq!(entry.plural, entry.plural.to_lowercase(), "{entry:?}");
        for path in entry.templates.iter().filter(|path| !path.is_empty()) {
            assert_eq!(path.parse::<TemplatePath>().unwrap().to_string(), *path);
        }
    }
    assert_eq!(built_in().len() + Kinds::default().custom().count(), table().len());
    assert_eq!(Kinds::default().custom().count(), custom_table().chain(manifest_table()).count());
    assert_eq!(Kinds::default().watched_custom().count(), custom_table().count());
}

/// A form with all that it leads to, each once.
fn reachable(schema: &'static ContainerSchema, known: &mut Vec<&'static ContainerSchema>) {
    if !known.contains(&schema) {
        known.push(schema);
        schema.nested.iter().for_each(|nested| reachable(nested.schema, known));
    }
}

#[test]
fn every_path_of_a_form_is_read_as_it_is_written() {
    let mut schemas = Vec::new();
    manifest_table().filter_map(|entry| entry.containers).for_each(|schema| reachable(schema, &mut schemas));
    assert!(schemas.len() > 15, "{schemas:?}");
    for schema in schemas {
        let containers = schema
            .containers
            .iter()
            .flat_map(|place| std::iter::once(place.path).chain(place.defaults.map(|(_, path)| path)));
        let nested =
            schema.nested.iter().flat_map(|nested| std::iter::once(nested.path).chain(nested.defaults));
        for path in containers.chain(nested) {
            assert_eq!(TemplatePath::of_table(path).to_string(), path, "{schema:?}");
        }
        assert!(!schema.containers.is_empty() || !schema.nested.is_empty(), "{schema:?}");
    }
}

#[test]
fn the_paths_of_a_form_end_where_it_begins_again() {
    let paths = |kind: &str| {
        let entry = manifest_table().find(|entry| entry.kind == kind).unwrap();
        entry.containers.unwrap().paths()
    };
    assert_eq!(paths("StepAction"), ["spec.image"]);
    assert_eq!(
        paths("Pipeline"),
        [
            "spec.tasks[*].taskSpec.stepTemplate.image",
            "spec.tasks[*].taskSpec.steps[*].image",
            "spec.tasks[*].taskSpec.sidecars[*].image",
            "spec.tasks[*].taskSpec.volumes[*].image.reference",
            "spec.tasks[*].pipelineSpec.…",
            "spec.finally[*].taskSpec.stepTemplate.image",
            "spec.finally[*].taskSpec.steps[*].image",
            "spec.finally[*].taskSpec.sidecars[*].image",
            "spec.finally[*].taskSpec.volumes[*].image.reference",
            "spec.finally[*].pipelineSpec.…",
        ]
    );
    let workflow = paths("Workflow");
    assert!(workflow.contains(&"spec.templates[*].steps[*][*].inline.…".to_owned()), "{workflow:?}");
}

#[test]
fn a_form_leads_to_its_containers_with_what_they_inherit() {
    let container = || mapping("image", Value::Text);
    let step = |inline| Value::List(vec![Value::List(vec![mapping("inline", inline)])]);
    let template = Value::Mapping(vec![
        ("script", container()),
        ("steps", step(mapping("container", container()))),
        ("sidecars", container()),
    ]);
    let spec = Value::Mapping(vec![
        ("templates", Value::List(vec![template])),
        ("templateDefaults", Value::Mapping(vec![("container", container()), ("script", Value::Text)])),
        ("imagePullSecrets", Value::List(Vec::new())),
    ]);
    let root = mapping("spec", spec);
    let found = find_containers(
        &root,
        manifest_table().find(|entry| entry.kind == "Workflow").unwrap().containers.unwrap(),
    );
    let said: Vec<_> = found
        .containers
        .iter()
        .map(|found| (found.path.as_str(), found.is_partial, found.defaults.is_some(), found.enclosing.len()))
        .collect();
    assert_eq!(
        said,
        [
            ("spec.templates[0].script", false, false, 3),
            ("spec.templates[0].steps[0][0].inline.container", false, true, 5),
            ("spec.templateDefaults.container", true, false, 3),
        ]
    );
    let messages: Vec<String> = found.mismatches.iter().map(Mismatch::message).collect();
    assert_eq!(
        messages,
        [
            "spec.templates[0].sidecars must be a list, found a mapping",
            "spec.templateDefaults.script must be a mapping, found a string",
        ]
    );
    assert_eq!(found.pull_secrets.len(), 1);
}

#[test]
fn a_policy_wins_over_the_table_and_its_declarations_add_up() {
    let kinds = Kinds::new(&[
        declared("v2", "Rollout", "spec.blue.template"),
        declared("v2", "Rollout", "spec.green.template"),
        declared("v1", "Rollout", "spec.template"),
        declared("v1", "Show", "spec.acts[*].template"),
    ]);
    let both = ["spec.blue.template", "spec.green.template"].map(str::to_owned);
    assert_eq!(paths(&kinds, "Rollout", "v2"), Some(both.into()));
    assert_eq!(paths(&kinds, "Rollout", "v1"), Some(vec!["spec.template".to_owned()]));
    assert_eq!(paths(&kinds, "Rollout", "v1alpha1"), None, "of the table");
    assert_eq!(paths(&kinds, "Show", "v1"), Some(vec!["spec.acts[*].template".to_owned()]));
    assert_eq!(paths(&kinds, "Experiment", "v1alpha1").map(|paths| paths.len()), Some(1));
}

#[test]
fn a_revision_is_a_link_and_a_configuration_is_none() {
    let kinds = Kinds::default();
    let is_link = |kind: &str| {
        kinds.get(&KindName::new("serving.knative.dev", kind)).map(|kind| kind.traits.role == KindRole::Link)
    };
    assert_eq!(["Revision", "Configuration", "Route"].map(is_link), [Some(true), Some(false), None]);
}

#[test]
fn a_policy_does_not_replace_a_built_in_kind() {
    let mut deployment = declared("v1", "Deployment", "spec.other");
    deployment.group = "apps".to_owned();
    assert_eq!(Kinds::new(&[deployment]), Kinds::default());
}

#[test]
fn watched_kinds_are_found_whatever_the_version() {
    for kind in watched() {
        assert_eq!(find_watched(&kind.api_version(), kind.kind()), Some(kind));
    }
    let name = |api_version: &str, kind: &str| find_watched(api_version, kind).map(|kind| kind.kind());
    assert_eq!(name("apps/v1beta2", "Deployment"), Some("Deployment"));
    assert_eq!(name("batch/v1beta1", "CronJob"), Some("CronJob"));
    assert_eq!(name("v1", "PodTemplate"), None, "nothing of it runs");
}

#[test]
fn the_same_kind_of_another_group_is_another_kind() {
    assert_eq!(find_watched("apps.example.com/v1", "Deployment"), None);
    assert_eq!(find_watched("v1", "Deployment"), None);
    assert_eq!(find_watched("batch.volcano.sh/v1alpha1", "Job"), None);
    assert_eq!(find_watched("apps/v1", "deployment"), None);
}

#[test]
fn names_are_those_of_the_api() {
    let names = watched().map(|kind| format!("{}/{} {}", kind.api_version(), kind.plural, kind.kind()));
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            "apps/v1/deployments Deployment",
            "apps/v1/statefulsets StatefulSet",
            "apps/v1/daemonsets DaemonSet",
            "apps/v1/replicasets ReplicaSet",
            "v1/replicationcontrollers ReplicationController",
            "batch/v1/jobs Job",
            "batch/v1/cronjobs CronJob",
            "v1/pods Pod",
        ]
    );
}

/// Just enough of an object.
#[derive(Debug, PartialEq, Eq)]
enum Value {
    Null,
    Text,
    List(Vec<Value>),
    Mapping(Vec<(&'static str, Value)>),
}

impl Tree for &Value {
    fn value_type(self) -> ValueType {
        match self {
            Value::Null => ValueType::Null,
            Value::Text => ValueType::Other("string"),
            Value::List(_) => ValueType::List,
            Value::Mapping(_) => ValueType::Mapping,
        }
    }

    fn field(self, name: &str) -> Option<Self> {
        let Value::Mapping(entries) = self else { return None };
        entries.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    fn items(self) -> Vec<Self> {
        let Value::List(items) = self else { return Vec::new() };
        items.iter().collect()
    }

    fn entries(self) -> Vec<(String, Self)> {
        let Value::Mapping(entries) = self else { return Vec::new() };
        entries.iter().map(|(key, value)| ((*key).to_owned(), value)).collect()
    }
}

fn mapping(key: &'static str, value: Value) -> Value {
    Value::Mapping(vec![(key, value)])
}

/// Paths of what is found, and messages of what is in the way.
fn found(root: &Value, paths: &[&str]) -> (Vec<String>, Vec<String>) {
    let paths: Vec<TemplatePath> = paths.iter().map(|path| path.parse().unwrap()).collect();
    let FoundTemplates { templates, mismatches } = find_templates(root, &paths);
    let paths = templates.into_iter().map(|template| template.path);
    (paths.collect(), mismatches.iter().map(Mismatch::message).collect())
}

fn template() -> Value {
    mapping("spec", Value::Null)
}

#[test]
fn paths_become_concrete() {
    let jobs = Value::List(vec![mapping("template", template()), mapping("template", template())]);
    let roles = Value::Mapping(vec![
        ("Worker", mapping("template", template())),
        ("\u{1b}[31m", mapping("template", template())),
    ]);
    let root =
        mapping("spec", Value::Mapping(vec![("jobs", jobs), ("roles", roles), ("other", Value::Null)]));
    let paths =
        ["spec.roles.*.template", "spec.jobs[*].template", "spec.other.template", "spec.none.template"];
    let (paths, mismatches) = found(&root, &paths);
    assert_eq!(
        paths,
        [
            "spec.roles.Worker.template",
            "spec.roles.\\u{1b}[31m.template",
            "spec.jobs[0].template",
            "spec.jobs[1].template"
        ]
    );
    assert!(mismatches.is_empty(), "{mismatches:?}");
}

#[test]
fn what_is_in_the_way_is_told() {
    let root = mapping(
        "spec",
        Value::Mapping(vec![
            ("template", Value::Text),
            ("jobs", mapping("template", template())),
            ("roles", Value::List(vec![template()])),
        ]),
    );
    let (paths, mismatches) = found(
        &root,
        &["spec.template", "spec.template.inner", "spec.jobs[*].template", "spec.roles.*.template"],
    );
    assert!(paths.is_empty());
    assert_eq!(
        mismatches,
        [
            "spec.template must be a mapping, found a string",
            "spec.template must be a mapping, found a string",
            "spec.jobs must be a list, found a mapping",
            "spec.roles must be a mapping, found a list",
        ]
    );
    assert_eq!(found(&Value::Text, &["spec.template"]).1, ["the object must be a mapping, found a string"]);
}
