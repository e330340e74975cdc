//! Images at places where their kind has none: each image of a document is judged, or in a note.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tagwatch_core::kinds::{TemplateStep, WorkloadKind, built_in};
use tagwatch_scan::report::{NoteCode, ScanReport};

use crate::support::{codes, message, scan_files, scan_stdin};

/// Objects that are made up for each version of each kind.
const OBJECTS: u64 = 80;

/// `SplitMix64` (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// Objects with two images at their right places: of each version of each built-in kind.
fn objects() -> Vec<Value> {
    let version = |kind: &WorkloadKind| {
        let (group, name) = (kind.group().to_owned(), kind.kind().to_owned());
        let objects = kind.versions.iter().map(move |version| {
            let api_version = if group.is_empty() {
                version.version.clone()
            } else {
                format!("{group}/{}", version.version)
            };
            let mut object = json!({"metadata": {"labels": {"app": "a"}}, "spec": {
                "containers": [{
                    "name": "a",
                    "image": "registry.example.com/a:1.2.3",
                    "args": ["--a", "b"],
                    "env": [{"name": "A", "value": "b"}],
                    "resources": {"limits": {"cpu": 1}},
                }],
                "volumes": [{"name": "v", "image": {"reference": "registry.example.com/v:1.2.3"}}],
                "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            }});
            for step in version.templates[0].steps().iter().rev() {
                let TemplateStep::Field(field) = step else { panic!("{step:?} in a built-in kind") };
                object = json!({ field.as_str(): object });
            }
            object["apiVersion"] = api_version.into();
            object["kind"] = name.as_str().into();
            object["metadata"] = json!({"name": "a", "labels": {"app": "a"}});
            object
        });
        objects.collect::<Vec<_>>()
    };
    built_in().iter().flat_map(|kind| version(kind)).collect()
}

/// A field that names one image.
fn field(random: &mut Random, image: &str) -> (&'static str, Value) {
    let lists =
        ["Containers", "containers", "ephemeralContainers", "initContainers", "initcontainers", "volumes"];
    match random.below(8) {
        0 => ("image", json!(image)),
        6 => ("initContainers", json!([{"name": "b", "image": image}])),
        1 => (lists[random.below(lists.len())], json!([{"name": "b", "image": image}])),
        2 => ("initContainer", json!({"name": "b", "image": image})),
        3 => ("proxyImage", json!(image)),
        4 => ("toolImages", json!([image])),
        5 => ("agent", json!({"repository": "registry.example.com/agent", "tag": "1.2.3"})),
        _ => ("manifest", json!(format!("kind: Pod\nspec:\n  containers:\n  - image: {image}\n"))),
    }
}

/// A field of a custom kind that holds one image, in one of the forms that are known.
fn custom_field(random: &mut Random, image: &str) -> (&'static str, Value) {
    const ONE: [&str; 17] = [
        "IMAGE_NAME",
        "RELATED_IMAGE_PROXY_V2",
        "base-image",
        "baseImage",
        "containerImage",
        "image",
        "imageName",
        "imageOverride",
        "imageRef",
        "imageReference",
        "imageURI",
        "imageURL",
        "image_name",
        "image_uri",
        "proxy_image",
        "runnerImage",
        "web.image",
    ];
    const SEVERAL: [&str; 7] =
        ["imageList", "imageNames", "image_list", "images", "imageRefs", "relatedImages", "tool-images"];
    const NAMES: [&str; 4] = ["RELATED_IMAGE_WEB", "WEB_IMAGE", "image", "proxyImage"];
    let (repository, tag) = image.rsplit_once(':').unwrap();
    let one = ONE[random.below(ONE.len())];
    let manifest =
        json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "image": image}]}});
    let form = random.below(3);
    let in_text = |text: String| match form {
        0 => text,
        1 => json!({"data": {"a": text}}).to_string(),
        _ => json!({"a": {"b": json!([text]).to_string()}}).to_string(),
    };
    match random.below(22) {
        0..6 => (one, json!(image)),
        6 => (SEVERAL[random.below(SEVERAL.len())], json!([image])),
        7 => (SEVERAL[random.below(SEVERAL.len())], json!({"web": image})),
        8 => (SEVERAL[random.below(SEVERAL.len())], json!(format!("- {image}\n"))),
        9 => (one, json!({"repository": repository, "version": tag})),
        10 => (one, json!({"repo": repository, "tag": tag})),
        11 => (one, json!({"name": repository, "newTag": tag})),
        12 => ("image", json!([image])),
        13 => ("images", json!([{"name": repository, "newTag": tag}])),
        14 => ("agent", json!({"repository": repository, "tag": tag})),
        15 => ("agent", json!({"webImageRepository": repository, "webImageTag": tag})),
        16 => ("set", json!({"web.image.repository": repository, "web.image.tag": tag})),
        17 => ("env", json!([{"name": NAMES[random.below(NAMES.len())], "value": image}])),
        18 => ("args", json!([(format!("--web-image={image}")), "--verbose"])),
        19 => ("args", json!(["--web-image", image])),
        20 => (
            "changes",
            json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]),
        ),
        _ => {
            let texts = [
                manifest.to_string(),
                format!("image: {image}"),
                format!("WEB_IMAGE={image}\n"),
                block(&manifest),
            ];
            ("text", json!(in_text(texts[random.below(texts.len())].clone())))
        }
    }
}

/// The same field with words in place of the image.
fn in_words(value: &Value, image: &str) -> Value {
    let (repository, tag) = image.rsplit_once(':').unwrap();
    match value {
        Value::String(text) => {
            text.replace(image, "a boat").replace(repository, "A boat").replace(tag, "a sail").into()
        }
        Value::Array(items) => items.iter().map(|item| in_words(item, image)).collect(),
        Value::Object(fields) => {
            let parts = ["registry", "repository", "repo", "newTag", "tag", "version"];
            let is_part = |key: &String| parts.contains(&key.rsplit('.').next().unwrap_or_default());
            // A path to a part of an image names one, whatever it is set to.
            let fields = fields.iter().filter(|(key, _)| !(key.contains('.') && is_part(key)));
            fields.map(|(key, value)| (key.clone(), in_words(value, image))).collect()
        }
        other => other.clone(),
    }
}

/// An object of an unknown kind.
fn custom_object() -> Value {
    json!({
        "apiVersion": "ops.example.com/v1",
        "kind": "Thing",
        "metadata": {"name": "a"},
        "spec": {
            "title": "A picture of a boat: with a sail",
            "schedule": "10:30",
            "template": {"metadata": {}, "parts": [{"name": "a", "size": "16:9"}, {"name": "b", "labels": {}}]},
            "pods": {"spec": {"containers": [{"name": "main", "args": ["--ratio=16:9", "--name", "a"]}]}},
            "config": {"a.b": {"c": "key=value\nother: a\n"}},
        },
    })
}

#[test]
fn an_image_at_any_place_of_a_custom_kind_is_in_a_note_and_words_are_in_none() {
    let mut random = Random(2);
    assert_eq!(codes(&scan_stdin(block(&custom_object()))), []);
    let mut counted = 0;
    for number in 0..2000 {
        let image = format!("registry.example.com/odd/a{number}:1.2.{number}");
        let (name, value) = custom_field(&mut random, &image);
        let place = random.below(14);
        let with = |value: Value| {
            let mut object = custom_object();
            let is_added = add(&mut object, &mut { place }, &(name, value));
            let list = json!({"apiVersion": "v1", "kind": "List", "items": [object]});
            is_added.then(|| [block(&object), object.to_string(), block(&list), list.to_string()])
        };
        let words = with(in_words(&value, &image));
        for (text, without) in with(value).into_iter().flatten().zip(words.into_iter().flatten()) {
            let report = scan_stdin(&text);
            assert_eq!(images(&report), [0, 1], "{text}\n{:?}", report.notes);
            assert_eq!(codes(&report), [NoteCode::KindNotCovered], "{text}");
            let report = scan_stdin(&without);
            assert_eq!(codes(&report), [], "{without}\n{:?}", report.notes);
            counted += 1;
        }
    }
    assert!(counted > 4000, "{counted}");
}

/// Adds a field to one of the mappings, but to labels and what is an image by its parts. Whether it did not have one.
fn add(value: &mut Value, countdown: &mut usize, field: &(&'static str, Value)) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().any(|item| add(item, countdown, field)),
        Value::Object(mapping) => {
            if *countdown == 0 {
                *countdown = usize::MAX;
                let is_new = !mapping.contains_key(field.0);
                if is_new {
                    mapping.insert(field.0.to_owned(), field.1.clone());
                }
                return is_new;
            }
            *countdown -= 1;
            mapping
                .iter_mut()
                .filter(|(key, _)| !["agent", "labels"].contains(&key.as_str()))
                .any(|(_, value)| add(value, countdown, field))
        }
        _ => false,
    }
}

/// A value in block style, as people write it.
fn write_block(value: &Value, indent: usize, out: &mut String) {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(mapping) => {
            for (key, value) in mapping {
                write!(out, "{margin}{key}:").unwrap();
                write_value(value, indent + 2, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                let mut text = String::new();
                write_block(item, indent + 2, &mut text);
                write!(out, "{margin}- {}", text.trim_start()).unwrap();
            }
        }
        scalar => writeln!(out, "{margin}{scalar}").unwrap(),
    }
}

fn write_value(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(_) | Value::Array(_) => {
            out.push('\n');
            write_block(value, indent, out);
        }
        Value::String(text) if text.contains('\n') => {
            out.push_str(" |\n");
            text.lines().for_each(|line| writeln!(out, "{:indent$}{line}", "").unwrap());
        }
        scalar => writeln!(out, " {scalar}").unwrap(),
    }
}

fn block(value: &Value) -> String {
    let mut out = String::new();
    write_block(value, 0, &mut out);
    out
}

/// Images that are judged, and those that notes count.
fn images(report: &ScanReport) -> [u64; 2] {
    [u64::try_from(report.images.len()).unwrap(), report.summary.uncovered_images]
}

#[test]
fn an_image_at_any_place_of_a_built_in_kind_is_judged_or_in_a_note() {
    let mut random = Random(1);
    let (mut judged, mut counted) = (0, 0);
    for object in objects() {
        let text = block(&object);
        assert_eq!(images(&scan_stdin(&text)), [2, 0], "{text}");
        for number in 0..OBJECTS {
            let mut object = object.clone();
            let mut added = 0;
            for other in 0..=random.below(3) {
                let field = field(&mut random, &format!("registry.example.com/odd/{number}-{other}:1.2.3"));
                added += u64::from(add(&mut object, &mut random.below(14), &field));
            }
            let kind = object["kind"].as_str().unwrap();
            let list = json!({"apiVersion": "v1", "kind": "List", "items": [object]});
            let typed =
                json!({"apiVersion": object["apiVersion"], "kind": format!("{kind}List"), "items": [object]});
            let forms = [block(&object), object.to_string(), block(&list), list.to_string(), block(&typed)];
            for text in forms {
                let report = scan_stdin(&text);
                let found = images(&report);
                assert_eq!(found.iter().sum::<u64>(), 2 + added, "{text}\n{:?}", report.notes);
                let noted = report.notes.iter().filter(|note| note.code == NoteCode::KindNotCovered).count();
                assert_eq!(noted, usize::from(found[1] > 0), "{text}\n{:?}", report.notes);
                judged += found[0] - 2;
                counted += found[1];
            }
        }
    }
    assert!(judged > 50 && counted > 2000, "{judged} {counted}");
}

#[test]
fn a_note_says_where_a_kind_has_its_containers() {
    let deployment =
        |spec: &str| format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\nspec: {spec}\n");
    for (spec, path) in [
        ("{image: 'a:1'}", "spec.image"),
        ("{containers: [{name: a, image: 'a:1'}]}", "spec.containers[*].image"),
        ("{template: {containers: [{name: a, image: 'a:1'}]}}", "spec.template.containers[*].image"),
        (
            "{template: {spec: {initcontainers: [{image: 'a:1'}]}}}",
            "spec.template.spec.initcontainers[*].image",
        ),
        ("{template: {spec: {initContainer: {image: 'a:1'}}}}", "spec.template.spec.initContainer.image"),
    ] {
        let report = scan_stdin(deployment(spec));
        assert_eq!(
            message(&report, NoteCode::KindNotCovered),
            format!(
                "1 image of kind Deployment (apps/v1) is not judged: {path}; containers of this kind are in spec.template.spec"
            )
        );
    }
}

/// Labels, statuses and volumes on block devices name no image of containers.
#[test]
fn what_is_no_image_of_a_container_is_in_no_note() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels: {image: 'a:1'}\n  annotations: {image: 'a:1'}\nspec:\n  \
               containers: [{name: a, image: 'nginx:1.27.3'}]\n  volumes: [{name: v, rbd: {monitors: [a], image: \
               foo}}]\nstatus: {containerStatuses: [{image: 'a:1'}]}\n";
    let volume = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {rbd: {monitors: [a], image: foo}}\n";
    let definition =
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {image: 'a:1'}\n";
    for text in [pod, volume, definition] {
        assert_eq!(codes(&scan_stdin(text)), [], "{text}");
    }
}

/// Each is a document with one image that nothing reads, with the path in its note.
#[test]
fn images_at_odd_places_of_other_documents_are_counted() {
    let object = |api_version: &str, kind: &str, rest: &str| {
        format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n{rest}\n")
    };
    for (file, text, path) in [
        ("a.yaml", object("v1", "Service", "spec: {image: 'a:1'}"), "spec.image"),
        ("a.yaml", object("v1", "Namespace", "spec: {image: 'a:1'}"), "spec.image"),
        ("a.yaml", object("policy/v1", "Eviction", "a: [{image: 'a:1'}]"), "a[*].image"),
        ("a.yaml", object("v1", "ConfigMap", "image: a:1"), "image"),
        ("a.yaml", object("v1", "ConfigMap", "data: {WEB_IMAGE: 'a:1'}"), "data.WEB_IMAGE"),
        (
            "a.yaml",
            object(
                "v1",
                "ConfigMap",
                "data:\n  values.yaml: |\n    web:\n      image: {repository: a, tag: 1}",
            ),
            "data.values.yaml",
        ),
        ("a.yaml", object("v1", "List", "items: []\nimage: a:1"), "image"),
        ("a.yaml", object("v1", "PodList", "items: {image: 'a:1'}"), "items.image"),
        (
            "a.yaml",
            object(
                "apps/v1",
                "Deployment",
                "items: []\nspec: {template: {spec: {containers: [{image: 'a:1'}]}}}",
            ),
            "spec.template.spec.containers[*].image",
        ),
        ("a.yaml", object("builtin", "PatchTransformer", "patch: ''\nimage: a:1"), "image"),
        ("kustomization.yaml", "resources: []\nimage: a:1\n".to_owned(), "image"),
        ("kustomization.yaml", "images: [{name: a, image: 'a:1'}]\n".to_owned(), "images[*].image"),
        ("compose.yaml", "services: {a: {build: .}}\nx-web: {image: 'a:1'}\n".to_owned(), "x-web.image"),
        (
            "compose.yaml",
            "services: {a: {build: ., volumes: [{type: image, source: 'a:1', target: /a}]}}\n".to_owned(),
            "services.a.volumes[*]",
        ),
        ("values-a.yaml", "web: [{sidecar: {repository: a, tag: 1}}]\n".to_owned(), "web[*].sidecar"),
    ] {
        let report = scan_files(&[(file, &text)]);
        assert_eq!(images(&report), [0, 1], "{text}\n{:?}", report.notes);
        let is_named = |message: &str| message.contains(&format!(" not judged: {path}"));
        assert!(report.notes.iter().any(|note| is_named(&note.message)), "{text}\n{:?}", report.notes);
    }
}

#[test]
fn an_image_of_an_extension_field_that_a_service_takes_over_is_judged_once() {
    let text = "x-web: &web {image: 'nginx:1.27.3'}\nservices: {a: {<<: *web}}\n";
    assert_eq!(images(&scan_files(&[("compose.yaml", text)])), [1, 0]);
}
