//! Images that no path leads to, as tools write them: each is in a note, and words that look like them are in none.

use tagwatch_scan::report::{NoteCode, ScanReport};

use crate::support::{codes, judged, message, notes, scan_stdin};

fn object(api_version: &str, kind: &str, rest: &str) -> String {
    format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n{rest}\n")
}

/// Images that notes count.
fn counted(report: &ScanReport) -> u64 {
    report.summary.uncovered_images
}

#[test]
fn parameters_and_patches_of_argo_cd_are_counted() {
    let application =
        |source: &str| object("argoproj.io/v1alpha1", "Application", &format!("spec:\n  {source}"));
    for (source, count) in [
        (
            "source: {helm: {parameters: [{name: image.tag, value: v1}, {name: image.repository, value: a/b}]}}",
            1,
        ),
        ("source: {helm: {parameters: [{name: global.image.registry, value: example.com}]}}", 1),
        (
            "source: {helm: {parameters: [{name: controller.image, value: 'a:1'}, {name: web.imageTag, value: b}]}}",
            2,
        ),
        (
            "source: {helm: {parameters: [{name: 'images[0]', value: 'a:1'}, {name: replicas, value: '2'}]}}",
            1,
        ),
        ("source: {helm: {values: 'image: nginx:1.27.3'}}", 1),
        ("source: {helm: {values: 'proxy: {image: shop/proxy, tag: 1.0.0}'}}", 1),
        (
            "source: {helm: {valuesObject: {image: {repository: a, tag: b}, side: {repository: c, tag: d}}}}",
            2,
        ),
        (
            "sources: [{kustomize: {images: ['a=b:2', 'c:3']}}, {helm: {values: '{image: {repository: a}}'}}]",
            3,
        ),
        (
            "source:\n    kustomize:\n      patches:\n      - patch: |\n          - {op: replace, path: \
             /spec/template/spec/containers/0/image, value: 'x:1'}",
            1,
        ),
    ] {
        let report = scan_stdin(application(source));
        assert_eq!(counted(&report), count, "{source}\n{:?}", report.notes);
    }
    let set = "spec:\n  generators:\n  - list: {elements: [{cluster: a, webImage: 'web:1'}]}\n  - matrix: {generators: \
               [{clusters: {template: {spec: {source: {helm: {parameters: [{name: image.tag, value: v2}]}}}}}}]}\n  \
               template: {spec: {source: {helm: {values: \"image:\\n  repository: a\\n  tag: {{tag}}\\n\"}}}}\n  \
               templatePatch: |\n    spec:\n      source:\n        helm:\n          values: |\n            image: \
               {repository: a, tag: b}\n";
    let report = scan_stdin(object("argoproj.io/v1alpha1", "ApplicationSet", set));
    assert_eq!(counted(&report), 4, "{:?}", report.notes);
}

/// Each sets one image in an object that is elsewhere.
#[test]
fn patches_and_mutations_of_any_kind_are_counted() {
    let operation = "{op: replace, path: /spec/template/spec/containers/0/image, value: 'x:1'}";
    let merge = "{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{name: a, image: 'x:1'}]}}}}";
    let flux = ("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
    let release = ("helm.toolkit.fluxcd.io/v2", "HelmRelease");
    let policy = ("kyverno.io/v1", "ClusterPolicy");
    for ((api_version, kind), spec) in [
        (flux, format!("{{patches: [{{patch: '[{}]'}}]}}", operation.replace('\'', ""))),
        (flux, format!("{{patchesJson6902: [{{target: {{kind: Deployment}}, patch: [{operation}]}}]}}")),
        (flux, format!("{{patchesStrategicMerge: [{merge}]}}")),
        (release, format!("{{postRenderers: [{{kustomize: {{patchesJson6902: [{{patch: [{operation}]}}]}}}}]}}")),
        (release, format!("{{postRenderers: [{{kustomize: {{patchesStrategicMerge: [{merge}]}}}}]}}")),
        (release, "{postRenderers: [{kustomize: {patches: [{patch: '{spec: {image: x:1}}'}]}}]}".to_owned()),
        (policy, "{rules: [{mutate: {patchesJson6902: \"- {op: add, path: /spec/containers/0/image, value: x:1}\\n\"}}]}".to_owned()),
        (policy, "{rules: [{mutate: {patchStrategicMerge: {spec: {containers: [{(name): '*', image: 'x:1'}]}}}}]}".to_owned()),
        (policy, "{rules: [{mutate: {patchStrategicMerge: {spec: {containers: [{+(image): 'x:1'}]}}}}]}".to_owned()),
        (("mutations.gatekeeper.sh/v1", "Assign"), "{location: 'spec.containers[name:*].image', parameters: {assign: {value: 'x:1'}}}".to_owned()),
        (("mutations.gatekeeper.sh/v1alpha1", "AssignImage"), "{location: 'spec.containers[name:*].image', parameters: {assignDomain: example.com, assignTag: ':v1'}}".to_owned()),
        (("policy.karmada.io/v1alpha1", "OverridePolicy"), "{overrideRules: [{overriders: {plaintext: [{path: /spec/image, operator: replace, value: 'x:1'}]}}]}".to_owned()),
        (("policy.karmada.io/v1alpha1", "OverridePolicy"), "{overrideRules: [{overriders: {imageOverrider: [{component: Tag, operator: replace, value: v1}]}}]}".to_owned()),
        (("a.io/v1", "Thing"), format!("{{changes: [{operation}]}}")),
        (("a.io/v1", "Thing"), "{changes: [{op: add, path: /spec/images/0, value: 'x:1'}]}".to_owned()),
        (("a.io/v1", "Thing"), "{changes: [{op: add, path: /spec/containers/-, value: {name: a, image: 'x:1'}}]}".to_owned()),
    ] {
        let report = scan_stdin(object(api_version, kind, &format!("spec: {spec}")));
        assert_eq!(counted(&report), 1, "{kind} {spec}\n{:?}", report.notes);
    }
    for spec in [
        // Patterns and conditions, and an operation on another field.
        "{rules: [{validate: {pattern: {spec: {containers: [{image: '!*:latest'}]}}}}]}",
        "{rules: [{mutate: {patchStrategicMerge: {spec: {containers: [{(image): '*:latest'}]}}}}]}",
        "{changes: [{op: replace, path: /metadata/labels/image, value: boat.png}, {op: remove, path: /spec/image}]}",
        "{changes: [{op: replace, path: /spec/replicas, value: 'x:1'}]}",
        "{location: spec.replicas, parameters: {assign: {value: 'x:1'}}}",
    ] {
        assert_eq!(
            codes(&scan_stdin(object("kyverno.io/v1", "ClusterPolicy", &format!("spec: {spec}")))),
            [],
            "{spec}"
        );
    }
}

/// Each is one text of a `ConfigMap`, a Secret or a custom kind.
#[test]
fn images_in_texts_of_any_form_are_counted() {
    let pod = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"a:1\"}]}}";
    let in_text = format!("{{\"data\":{{\"pod\":{}}}}}", serde_json::Value::from(pod));
    let in_two = format!("{{\"data\":{{\"map\":{}}}}}", serde_json::Value::from(in_text.as_str()));
    let deep =
        (0..8).fold(pod.to_owned(), |inner, _| format!("{{\"a\":{}}}", serde_json::Value::from(inner)));
    for (text, count) in [
        (pod, 1),
        (&in_text, 1),
        (&in_two, 1),
        ("{apiVersion: v1, kind: Pod, spec: {containers: [{name: a, image: 'a:1'}]}}", 1),
        ("spec: {containers: [{name: a, image: 'a:1'}]}", 1),
        ("image: a:1", 1),
        ("[{\"op\":\"replace\",\"path\":\"/spec/containers/0/image\",\"value\":\"a:1\"}]", 1),
        ("# settings\nPROXY_IMAGE=example.com/proxy:1\nexport WEB_IMAGE='web:2'\nIMAGE_TITLE=boat\n", 2),
        ("spark.kubernetes.container.image=example.com/spark:3.5.1\nspark.image.quality=high\n", 1),
        ("image.repository=example.com/web\nimage.tag=1.2.3\n", 1),
        ("IMAGE_REPOSITORY=example.com/web\nIMAGE_TAG=1.2.3\nLOGO_TAG=a\n", 1),
        ("[runners.kubernetes]\n  image = \"alpine:3.22\"\n  helper_image = \"example.com/helper:1\"\n", 2),
        ("#!/bin/sh\nhelm upgrade web --set image.repository=a/b,image.tag=1 --proxy-image p:1\n", 2),
        ("#!/bin/sh\nkubectl apply -f - <<EOF\nspec:\n  containers:\n  - image: a:1\nEOF\n", 1),
        ("run: --image=a:1 --image-name b", 1),
        // Deeper than texts are read.
        (&deep, 0),
    ] {
        let quoted = serde_json::Value::from(text);
        for (api_version, kind, field) in
            [("v1", "ConfigMap", "data"), ("v1", "Secret", "stringData"), ("a.io/v1", "Thing", "spec")]
        {
            let report = scan_stdin(object(api_version, kind, &format!("{field}: {{a: {quoted}}}")));
            assert_eq!(counted(&report), count, "{kind} {text}\n{:?}", report.notes);
        }
    }
    for text in [
        "image: a boat",
        "image: boat",
        "Note: the image is read from image=$(cat image)",
        "The image: pulled once, shown twice",
        "container_memory_rss{image!=\"\",container=\"a\"} > 10 and image=~\"a:1\"",
        "image.quality: high",
        "IMAGE_TAG=1.2.3\nIMAGE_RATIO=16:9\n",
        "ratio --image=boat --image-size 16:9",
        "select image = \"boat\" from images\n",
    ] {
        let quoted = serde_json::Value::from(text);
        for (api_version, kind, field) in [("v1", "ConfigMap", "data"), ("a.io/v1", "Thing", "spec")] {
            let report = scan_stdin(object(api_version, kind, &format!("{field}: {{a: {quoted}}}")));
            assert_eq!(codes(&report), [], "{kind} {text}\n{:?}", report.notes);
        }
    }
}

#[test]
fn keys_of_config_maps_that_name_images_are_counted() {
    for (data, count) in [
        ("{images: 'a:1 b:2'}", 2),
        ("{images: \"a:1\\nb:2 # c:3\\n\"}", 2),
        ("{images.txt: \"example.com/a:1\\n\\nexample.com/b:2\\n\"}", 2),
        ("{image-list: \"- a:1\\n- b:2\\n\"}", 2),
        ("{images.yaml: \"images: [a:1, b:2]\\n\"}", 2),
        ("{proxy-image: 'a:1', sidecar_image_name: 'b:1', RELATED_IMAGE_WEB: 'c:1'}", 3),
        ("{image.repository: example.com/a, image.tag: v1, web.image: 'b:1'}", 2),
        ("{WEB_IMAGE_REPO: example.com/a, WEB_IMAGE_TAG: v1}", 1),
        ("{images: none, image-list: 'a, b', IMAGE_TAG: v1, image.txt: boat, RELATED_IMAGE_WEB: none}", 0),
    ] {
        let report = scan_stdin(object("v1", "ConfigMap", &format!("data: {data}")));
        assert_eq!(counted(&report), count, "{data}\n{:?}", report.notes);
        assert_eq!(report.notes.len(), usize::from(count > 0), "{data}\n{:?}", report.notes);
    }
}

/// The texts are `kind: Pod\napiVersion: v1\nspec: {containers: [{image: 'a:1'}]}`, `WEB_IMAGE=a:1`, `boat` and a byte that is
/// no text.
#[test]
fn encoded_texts_are_decoded() {
    let pod = "a2luZDogUG9kCmFwaVZlcnNpb246IHYxCnNwZWM6IHtjb250YWluZXJzOiBbe2ltYWdlOiAnYToxJ31dfQo=";
    for (data, count) in [
        (format!("{{a: {pod}}}"), 1),
        ("{a: V0VCX0lNQUdFPWE6MQ==}".to_owned(), 1),
        ("{image: Ym9hdA==, b: /w==, c: no base64}".to_owned(), 0),
    ] {
        for text in [
            object("v1", "Secret", &format!("data: {data}")),
            object("v1", "ConfigMap", &format!("binaryData: {data}")),
            format!("data: {data}\napiVersion: v1\nkind: Secret\n"),
        ] {
            let report = scan_stdin(&text);
            assert_eq!(counted(&report), count, "{text}\n{:?}", report.notes);
            assert_eq!(report.notes.len(), usize::from(count > 0), "{text}\n{:?}", report.notes);
        }
    }
}

#[test]
fn values_of_charts_in_other_kinds_are_counted() {
    for (text, count) in [
        (
            object(
                "helm.cattle.io/v1",
                "HelmChart",
                "spec: {set: {image.tag: v1, image.repository: a/b, global.image.registry: r.io}}",
            ),
            2,
        ),
        (
            object(
                "helm.cattle.io/v1",
                "HelmChartConfig",
                "spec: {valuesContent: 'image: {repository: a, tag: b}'}",
            ),
            1,
        ),
        (
            object(
                "fleet.cattle.io/v1alpha1",
                "Bundle",
                "spec: {helm: {values: {image: {repository: a, tag: b}}}}",
            ),
            1,
        ),
        ("defaultNamespace: a\nhelm: {values: {image: {repository: a, tag: b}}}\n".to_owned(), 1),
    ] {
        let report = scan_stdin(&text);
        assert_eq!(counted(&report), count, "{text}\n{:?}", report.notes);
    }
}

#[test]
fn fields_in_other_forms_are_counted() {
    let thing = |spec: &str| object("a.io/v1", "Thing", &format!("spec: {spec}"));
    for (spec, count) in [
        ("{image: ['a:1', 'b:2']}", 2),
        ("{image: [{name: a, tag: b}, {repository: c, digest: d}]}", 2),
        ("{image: {repo: a/b, tag: v1}}", 1),
        ("{image: {repository: a, version: v1}}", 1),
        ("{image: {name: a, newTag: v1}}", 1),
        ("{image: {registry: example.com, name: a}}", 1),
        ("{image: {url: 'docker://example.com/a:1'}}", 1),
        ("{image: 'docker://example.com/a'}", 1),
        ("{images: [{name: a, newTag: v1}, {name: b, newName: c}]}", 2),
        ("{images: {web: {repository: a, tag: b}}}", 1),
        ("{image_name: 'a:1', image_uri: 'b:1', image-url: 'c:1', imageOverride: 'd:1'}", 4),
        ("{imageNames: ['a:1'], image_refs: ['b:1'], imageList: ['c:1']}", 3),
        ("{imageRef: 'a:1', containerImage: 'b:1', baseImage: 'c:1', runner-image: 'd:1'}", 4),
        ("{proxyImageRepository: a/b, proxyImageTag: v1, webImageRepo: c, webImageDigest: d}", 2),
        ("{env: [{name: RELATED_IMAGE_WEB, value: 'a:1'}, {name: WEB_IMAGE, value: 'b:1'}]}", 2),
        ("{params: [{name: image, default: 'a:1'}, {name: images, value: ['b:1']}]}", 2),
        ("{extraArgs: {proxy-image: 'a:1'}, args: [--web-image=b:1, --side-image, 'c:1']}", 3),
        ("{objects: [{apiVersion: v1, kind: Pod, spec: {image: 'a:1'}}]}", 1),
    ] {
        let report = scan_stdin(thing(spec));
        assert_eq!((counted(&report), report.notes.len()), (count, 1), "{spec}\n{:?}", report.notes);
    }
    for spec in [
        "{image: [boat, ship], images: [a, b], imageName: boat, image_url: 'https://example.com/boat.png'}",
        "{image: {name: boat, size: large, url: boat.png}, imageTag: '1'}",
        "{images: [{name: ubuntu, version: '22.04'}]}",
        "{env: [{name: IMAGE_RATIO, value: '16:9'}, {name: WEB_IMAGE, value: boat}], args: [--image, boat, 'a:1']}",
        "{columns: [{name: Image, jsonPath: .spec.image, type: string}]}",
        "{description: 'as in image=nginx:1.2', summary: 'image: nginx:1.2'}",
        "{template: {metadata: {labels: {image: 'a:1'}, annotations: {image: 'a:1', last: '{\"image\":\"a:1\"}'}}}}",
        // Objects in objects: what was, and what is described.
        "{objects: [{apiVersion: v1, kind: Pod, status: {image: 'a:1'}}]}",
        "{objects: [{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {image: 'a:1'}}]}",
        "{schema: {properties: {image: {type: string, description: an image}, images: {type: array}}, required: [image]}}",
    ] {
        assert_eq!(codes(&scan_stdin(thing(spec))), [], "{spec}");
    }
}

/// The container's own image is judged, what it gets for others is counted, once for a kind and file.
#[test]
fn flags_and_variables_of_containers_are_counted() {
    let container = "{name: a, image: 'nginx:1.27.3', args: [--proxy-image=x:1, --sidecar-image, 'b:1', --verbose], command: \
                     [/manager, -init-image=c:1], env: [{name: RELATED_IMAGE_WEB, value: 'example.com/d:1'}, {name: \
                     PROXY_IMAGE, value: 'e:1'}, {name: LOGO_IMAGE, value: boat.png}]}";
    let text = object(
        "apps/v1",
        "Deployment",
        &format!("spec: {{template: {{spec: {{containers: [{container}]}}}}}}"),
    );
    let report = scan_stdin(format!("{text}---\n{text}"));
    assert_eq!(judged(&report), ["a", "a"]);
    assert_eq!(
        message(&report, NoteCode::KindNotCovered),
        "10 images of kind Deployment (apps/v1) are not judged: spec.template.spec.containers[*].args[*], \
         spec.template.spec.containers[*].command[*], spec.template.spec.containers[*].env[*].value"
    );
    assert_eq!(report.notes.len(), 1);
    let plain = container
        .replace("image=", "picture=")
        .replace("--sidecar-image", "--sidecar")
        .replace("_IMAGE", "_PICTURE");
    let text =
        object("apps/v1", "Deployment", &format!("spec: {{template: {{spec: {{containers: [{plain}]}}}}}}"));
    assert_eq!(notes(&scan_stdin(text)), [""; 0]);
}

/// kubectl refuses it, also what is beside it: `kubectl label --local -f FILE x=y -o json` shows it.
#[test]
fn a_list_in_a_list_is_an_error() {
    let pod = |name: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{containers: [{{name: a, image: 'nginx:1.27.3'}}]}}}}"
        )
    };
    for (kind, inner) in [("List", "List"), ("List", "PodList"), ("PodList", "PodList"), ("List", "Pod")] {
        let text = format!(
            "apiVersion: v1\nkind: {kind}\nitems:\n- {{apiVersion: v1, kind: {inner}, items: [{}]}}\n- {}\n",
            pod("a"),
            pod("b")
        );
        let report = scan_stdin(&text);
        assert_eq!(
            (notes(&report), judged(&report)),
            (vec!["4:3 invalid-field".to_owned()], vec!["a", "b"]),
            "{text}"
        );
    }
    // Items that are none make no list of an item.
    let text = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {}\n",
        pod("a").replace("spec:", "items: null, spec:")
    );
    let report = scan_stdin(text);
    assert_eq!((notes(&report), judged(&report)), (Vec::new(), vec!["a"]));
}

#[test]
fn a_spec_that_is_a_text_is_an_error_and_its_images_are_counted() {
    for spec in ["'containers: [{name: a, image: a:1}]'", "|\n  containers:\n  - image: a:1\n"] {
        let report = scan_stdin(object("v1", "Pod", &format!("spec: {spec}")));
        assert_eq!(codes(&report), [NoteCode::InvalidField, NoteCode::KindNotCovered], "{spec}");
        assert_eq!(counted(&report), 1, "{spec}");
    }
}

/// One text that many aliases stand for is read once.
#[test]
fn aliases_of_a_long_text_take_no_time() {
    let text = "image: a:1\\n".repeat(20_000);
    let aliases = "*a, ".repeat(20_000);
    for (api_version, kind, field) in [("a.io/v1", "Thing", "spec"), ("v1", "ConfigMap", "other")] {
        let report = scan_stdin(object(api_version, kind, &format!("{field}: [&a \"{text}\", {aliases}]")));
        assert!(counted(&report) > 0, "{:?}", report.notes);
    }
    let aliases = (0..20_000).map(|number| format!(", k{number}: *a")).collect::<Vec<_>>().concat();
    let report = scan_stdin(object("v1", "ConfigMap", &format!("data: {{a: &a \"{text}\"{aliases}}}")));
    assert!(counted(&report) > 0, "{:?}", report.notes);
}

/// Trees in texts in trees, each as deep as it is read.
#[test]
fn texts_in_texts_do_not_overflow_the_stack() {
    let nest =
        |levels: usize, inner: &str| format!("{}{inner}{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let inner = (0..3).fold(nest(28, "{\"image\":\"a:1\"}"), |inner, _| nest(28, &text(&inner)));
    let spec = nest(500, &text(&nest(120, &text(&inner))));
    let report = scan_stdin(format!("{{\"apiVersion\":\"a.io/v1\",\"kind\":\"Thing\",\"spec\":{spec}}}"));
    assert_eq!(counted(&report), 1, "{:?}", codes(&report));
}
