//! The Helm chart and `config/default` install the same objects, and a real API server takes them.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{DynamicObject, ListParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::Value;
use tagwatch_e2e::{ControlPlane, Options, checkout, eventually, helm, samples::config, tagwatch_binary};
use tokio::{process::Command, sync::OnceCell};

use crate::{
    readme,
    shell::{Shell, finish},
};

const CRDS: [&str; 2] = ["clusterpolicyreports.wgpolicyk8s.io", "policyreports.wgpolicyk8s.io"];
const POLICY_CRD: &str = "tagpolicies.tagwatch.dev";

/// Objects by kind and name.
pub(crate) type Objects = BTreeMap<(String, String), Value>;

pub(crate) fn objects(yaml: &str) -> Result<Objects> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml)?;
    let mut objects = Objects::new();
    for object in documents.into_iter().filter(|document| !document.is_null()) {
        let key = (text(&object["kind"])?, text(&object["metadata"]["name"])?);
        ensure!(!objects.contains_key(&key), "{key:?} stands there twice");
        objects.insert(key, object);
    }
    Ok(objects)
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().with_context(|| format!("no text: {value}"))?.to_owned())
}

/// `helm template`, or what it says against these values.
pub(crate) async fn rendered(args: &[&str]) -> Result<Result<String, String>> {
    let mut template = Command::new(helm().await?);
    template
        .arg("template")
        .arg("tagwatch")
        .arg(checkout().join("charts/tagwatch"))
        .args(["--namespace", "tagwatch"]);
    let output = template.args(args).kill_on_drop(true).output().await?;
    let words = String::from_utf8(output.stderr)?;
    Ok(if output.status.success() { Ok(String::from_utf8(output.stdout)?) } else { Err(words) })
}

pub(crate) async fn chart(args: &[&str]) -> Result<Objects> {
    objects(&rendered(args).await?.map_err(anyhow::Error::msg)?)
}

async fn cluster() -> Result<&'static ControlPlane> {
    static CLUSTER: OnceCell<ControlPlane> = OnceCell::const_new();
    CLUSTER.get_or_try_init(|| ControlPlane::start(Options::default())).await
}

async fn kustomized(path: &str) -> Result<Objects> {
    let folder = config(path);
    objects(&cluster().await?.kubectl(&["kustomize", &folder.display().to_string()]).await?)
}

#[tokio::test]
async fn the_chart_installs_what_config_default_installs() -> Result<()> {
    let mut by_kustomize = kustomized("default").await?;
    let mut by_helm = chart(&["--include-crds"]).await?;
    // Helm makes the namespace by `--create-namespace`.
    by_kustomize
        .remove(&("Namespace".to_owned(), "tagwatch".to_owned()))
        .context("no namespace in config")?;
    // Helm installs the definition from crds/ as it is, without labels.
    let policy_crd = ("CustomResourceDefinition".to_owned(), POLICY_CRD.to_owned());
    let [ours, theirs] = [&mut by_kustomize, &mut by_helm].map(|objects| objects.remove(&policy_crd));
    let spec = |crd: Option<Value>| Some(with_floats(crd?["spec"].clone()));
    ensure!(ours.is_some() && spec(ours) == spec(theirs), "the definitions of TagPolicy differ");
    without_helms_labels(&mut by_helm)?;
    assert_eq!(by_kustomize.len(), 13);
    assert_eq!(by_helm, by_kustomize);
    Ok(())
}

/// Labels that only Helm sets.
fn without_helms_labels(objects: &mut Objects) -> Result<()> {
    for object in objects.values_mut() {
        let labels = object["metadata"]["labels"].as_object_mut().context("no labels")?;
        labels.remove("helm.sh/chart").context("no helm.sh/chart")?;
        labels.remove("app.kubernetes.io/managed-by").context("no app.kubernetes.io/managed-by")?;
    }
    Ok(())
}

/// The chart's switches of monitoring.
pub(crate) const MONITORING: &str = "monitoring.serviceMonitor.enabled=true,monitoring.prometheusRule.enabled=true,\
                          monitoring.dashboards.enabled=true";

/// What the chart's switches of monitoring add.
pub(crate) async fn monitoring(values: &str) -> Result<Objects> {
    let mut added = chart(&["--set", &format!("{MONITORING}{values}")]).await?;
    for (key, object) in chart(&[]).await? {
        ensure!(added.remove(&key) == Some(object), "{key:?} has changed");
    }
    Ok(added)
}

#[tokio::test]
async fn the_chart_monitors_as_config_monitoring_does() -> Result<()> {
    let mut by_helm = monitoring("").await?;
    without_helms_labels(&mut by_helm)?;
    // A literal block keeps no blank at its end.
    let mut by_kustomize = kustomized("monitoring").await?;
    for object in by_kustomize.values_mut().chain(by_helm.values_mut()) {
        for text in object["data"].as_object_mut().into_iter().flat_map(|data| data.values_mut()) {
            *text = text.as_str().context("no text")?.trim_end().into();
        }
    }
    assert_eq!(by_kustomize.len(), 5);
    assert_eq!(by_helm, by_kustomize);
    Ok(())
}

/// Helm and kustomize do not write numbers alike.
fn with_floats(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.into_iter().map(with_floats).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, field)| (name, with_floats(field))).collect(),
        other => other,
    }
}

#[tokio::test]
async fn addresses_labels_and_protected_namespaces_are_values() -> Result<()> {
    let values = ",monitoring.labels.release=stack,monitoring.consoleUrl=https://c.example.com/,\
                  monitoring.grafanaUrl=https://g.example.com,monitoring.runbookUrl=https://r.example.com,\
                  monitoring.prometheusRule.protectedNamespaces=live-.*";
    let objects = monitoring(values).await?;
    for kind in ["ServiceMonitor", "PrometheusRule"] {
        let object = &objects[&(kind.to_owned(), "tagwatch".to_owned())];
        assert_eq!(object["metadata"]["labels"]["release"], "stack", "{kind}");
    }
    let all = serde_json::to_string(&objects.values().collect::<Vec<_>>())?;
    for there in
        ["https://c.example.com", "https://g.example.com/d/", "https://r.example.com/Tagwatch", "live-.*"]
    {
        assert!(all.contains(there), "{there}");
    }
    for gone in ["localhost", "tagwatch.dev/docs", "prod(uction)"] {
        assert!(!all.contains(gone), "{gone}");
    }
    Ok(())
}

#[tokio::test]
async fn without_authentication_probes_and_scrapes_are_plain_and_no_reviews_are_granted() -> Result<()> {
    let objects = chart(&["--set", &format!("{MONITORING},metrics.auth=none")]).await?;
    let container = &objects[&("Deployment".to_owned(), "tagwatch".to_owned())]["spec"]["template"]["spec"]["containers"]
        [0];
    for probe in ["livenessProbe", "readinessProbe"] {
        assert_eq!(container[probe]["httpGet"]["scheme"], "HTTP");
    }
    let monitor = &objects[&("ServiceMonitor".to_owned(), "tagwatch".to_owned())];
    assert_eq!(monitor["spec"]["endpoints"][0]["scheme"], "http");
    assert!(!serde_json::to_string(&objects.values().collect::<Vec<_>>())?.contains("tokenreviews"));
    Ok(())
}

#[tokio::test]
async fn probes_have_a_port_that_no_other_client_can_take_up() -> Result<()> {
    for auth in ["token", "none"] {
        let objects = chart(&["--set", &format!("metrics.auth={auth},health.port=9000")]).await?;
        let of = |kind: &str| &objects[&(kind.to_owned(), "tagwatch".to_owned())]["spec"];
        let container = &of("Deployment")["template"]["spec"]["containers"][0];
        for probe in ["livenessProbe", "readinessProbe"] {
            let get = &container[probe]["httpGet"];
            assert_eq!((&get["port"], &get["scheme"]), (&"health".into(), &"HTTP".into()), "{auth}: {probe}");
        }
        let ports = container["ports"].as_array().context("no ports")?;
        ensure!(
            ports.iter().any(|port| port["name"] == "health" && port["containerPort"] == 9000),
            "{ports:?}"
        );
        let args = container["args"].to_string();
        ensure!(args.contains("--health-address=0.0.0.0:9000"), "{args}");
        // Pods reach the other ports alone.
        for kind in ["Service", "NetworkPolicy"] {
            ensure!(!of(kind).to_string().contains("health"), "{kind}: {}", of(kind));
        }
        assert_eq!(of("NetworkPolicy")["ingress"][0]["ports"][0]["port"], "metrics");
    }
    let without = chart(&["--set", "networkPolicy.enabled=false"]).await?;
    ensure!(!without.keys().any(|(kind, _)| kind == "NetworkPolicy"));
    Ok(())
}

/// `helm template` of a release with another name.
#[tokio::test]
async fn a_release_names_what_is_its_own() -> Result<()> {
    let mut template = Command::new(helm().await?);
    let chart = checkout().join("charts/tagwatch");
    template.arg("template").arg("second").arg(chart).args(["--namespace", "tagwatch"]).kill_on_drop(true);
    let objects = objects(&String::from_utf8(template.output().await?.stdout)?)?;
    let of = |kind: &str, name: &str| &objects[&(kind.to_owned(), name.to_owned())];
    let deployment = of("Deployment", "second-tagwatch");
    let args = deployment["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
    ensure!(args.contains("--instance=second"), "{args}");
    assert_eq!(of("Role", "second-tagwatch")["rules"][1]["resourceNames"][0], "second-proven-tags");
    let extensions = &of("ClusterRole", "second-tagwatch-extensions")["aggregationRule"];
    assert_eq!(
        extensions["clusterRoleSelectors"][0]["matchLabels"]["app.kubernetes.io/instance"], "second",
        "what another release is granted is not its own"
    );
    Ok(())
}

/// It asks for a token whether or not the metrics do.
#[tokio::test]
async fn the_console_can_ask_who_comes_and_show_a_certificate() -> Result<()> {
    for auth in ["token", "none"] {
        let values = format!("console.enabled=true,metrics.auth={auth},metrics.tls.secretName=own");
        let objects = chart(&["--set", &values]).await?;
        let role = &objects[&("ClusterRole".to_owned(), "tagwatch".to_owned())]["rules"];
        for reviews in ["tokenreviews", "subjectaccessreviews"] {
            let granted = role.as_array().into_iter().flatten().any(|rule| rule["resources"][0] == reviews);
            assert!(granted, "{auth}: {role}");
        }
        let spec = &objects[&("Deployment".to_owned(), "tagwatch".to_owned())]["spec"]["template"]["spec"];
        assert_eq!(spec["volumes"][0]["secret"]["secretName"], "own", "{auth}");
        let arguments = serde_json::to_string(&spec["containers"][0]["args"])?;
        for argument in
            ["--console-address=0.0.0.0:8090", "--metrics-tls-cert=/etc/tagwatch/metrics-tls/tls.crt"]
        {
            assert!(arguments.contains(argument), "{auth}: {arguments}");
        }
    }
    let install = "helm install tagwatch charts/tagwatch --namespace tagwatch --dry-run=client \
                   --set console.enabled=true,console.port=9090";
    let printed = String::from_utf8(Shell::on(cluster().await?).await?.run(install).await?.stdout)?;
    let (_, notes) = printed.split_once("NOTES:").with_context(|| printed.clone())?;
    for line in ["  https://localhost:9090\n", "port-forward service/tagwatch 9090:console\n"] {
        assert!(notes.contains(line), "{notes}");
    }
    Ok(())
}

#[tokio::test]
async fn the_chart_grants_nodes_when_asked_to() -> Result<()> {
    let mut ours = chart(&["--set", "rbac.nodes=true"]).await?;
    grants_the_same(&mut ours, "nodes").await?;
    assert_eq!(ours, chart(&[]).await?);
    Ok(())
}

#[tokio::test]
async fn the_chart_grants_events_and_asks_for_them() -> Result<()> {
    let mut ours = chart(&["--set", "controller.events=true"]).await?;
    grants_the_same(&mut ours, "events").await?;
    let deployment = &ours[&("Deployment".to_owned(), "tagwatch".to_owned())];
    let args = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
    ensure!(args.as_array().context("no arguments")?.contains(&"--events".into()), "{args}");
    Ok(())
}

#[tokio::test]
async fn the_chart_mounts_certificates_of_registries() -> Result<()> {
    let ours = chart(&["--set", "controller.registryCertificates=authorities"]).await?;
    let pod = &ours[&("Deployment".to_owned(), "tagwatch".to_owned())]["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"][0]["configMap"]["name"], "authorities", "{pod}");
    let container = &pod["containers"][0];
    let path = &container["volumeMounts"][0]["mountPath"];
    let env = container["env"].as_array().context("no environment")?;
    let value =
        |name: &str| env.iter().find(|variable| variable["name"] == name).map(|found| &found["value"]);
    assert_eq!(value("SSL_CERT_DIR"), Some(path), "{container}");
    // The public ones are still trusted.
    assert_eq!(value("SSL_CERT_FILE"), Some(&"/etc/ssl/certs/ca-certificates.crt".into()), "{container}");
    Ok(())
}

/// Takes the `ClusterRole` of one extension out of the chart's objects, which is that of a folder of `config/rbac`.
async fn grants_the_same(ours: &mut Objects, name: &str) -> Result<()> {
    let role = ("ClusterRole".to_owned(), format!("tagwatch-{name}"));
    let mut theirs = ours.remove(&role).context("no ClusterRole in the chart")?;
    let labels = theirs["metadata"]["labels"].as_object_mut().context("no labels")?;
    for added in ["helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"] {
        labels.remove(added).context(added)?;
    }
    assert_eq!(Objects::from([(role, theirs)]), kustomized(&format!("rbac/{name}")).await?);
    Ok(())
}

#[tokio::test]
async fn the_image_has_the_version_of_the_workspace() -> Result<()> {
    let deployment = &kustomized("default").await?[&("Deployment".to_owned(), "tagwatch".to_owned())];
    let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, concat!("tagwatch:", env!("CARGO_PKG_VERSION")));
    Ok(())
}

#[tokio::test]
async fn the_chart_brings_both_definitions_of_the_report_api_when_asked_to_and_keeps_them() -> Result<()> {
    let mut with_crds = chart(&["--set", "crds.install=true"]).await?;
    let mut theirs = Objects::new();
    for name in CRDS {
        let key = ("CustomResourceDefinition".to_owned(), name.to_owned());
        let mut crd = with_crds.remove(&key).with_context(|| format!("no {name} in the chart"))?;
        let annotations = crd["metadata"].as_object_mut().and_then(|metadata| metadata.remove("annotations"));
        assert_eq!(annotations.context("no annotations")?["helm.sh/resource-policy"], "keep", "{name}");
        theirs.insert(key, crd);
    }
    assert_eq!(with_crds, chart(&[]).await?);
    assert_eq!(theirs, kustomized("crd").await?);
    Ok(())
}

#[tokio::test]
async fn the_right_to_read_custom_kinds_is_asked_for() -> Result<()> {
    let role = ("ClusterRole".to_owned(), "tagwatch-custom-kinds".to_owned());
    let mut with_kinds = chart(&["--set", "rbac.customKinds=true"]).await?;
    let theirs = with_kinds.remove(&role).context("no ClusterRole in the chart")?;
    assert_eq!(with_kinds, chart(&[]).await?);

    let ours = &kustomized("rbac/custom-kinds").await?[&role];
    assert_eq!(theirs["rules"], ours["rules"]);
    let label = "tagwatch.dev/aggregate-to-controller";
    for found in [&theirs, ours] {
        assert_eq!(found["metadata"]["labels"][label], "true");
    }
    let aggregate = ("ClusterRole".to_owned(), "tagwatch-extensions".to_owned());
    let selectors = with_kinds[&aggregate]["aggregationRule"]["clusterRoleSelectors"].as_array();
    for selector in selectors.context("no selectors")? {
        assert_eq!(selector["matchLabels"][label], "true");
    }
    Ok(())
}

#[tokio::test]
async fn values_are_checked() -> Result<()> {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let image = format!("image.registry=registry.example.com:5000,image.digest={digest}");
    let deployment = &chart(&["--set", &image]).await?[&("Deployment".to_owned(), "tagwatch".to_owned())];
    assert_eq!(
        deployment["spec"]["template"]["spec"]["containers"][0]["image"],
        format!("registry.example.com:5000/tagwatch:{}@{digest}", env!("CARGO_PKG_VERSION"))
    );
    for (values, complaint) in [
        ("rbac.customKind=true", "additional properties 'customKind' not allowed"),
        ("imgae.tag=1", "additional properties 'imgae' not allowed"),
        ("policy.name=Default", "at '/policy/name'"),
        ("controller.logFromat=text", "additional properties 'logFromat' not allowed"),
        ("image.digest=sha256:12", "at '/image/digest'"),
        ("controller.namespaces={a},controller.excludeNamespaces={b}", "exclude each other"),
        ("metrics.auth=basic", "at '/metrics/auth'"),
        ("monitoring.grafanaUrl=grafana", "at '/monitoring/grafanaUrl'"),
        ("metrics.auth=none,metrics.tls.secretName=tls", "is for metrics.auth=token and for the console"),
        ("serviceAccount.create=false", "serviceAccount.name is needed"),
    ] {
        let words = rendered(&["--set", values]).await?.expect_err(values);
        assert!(words.contains(complaint), "{values}: {words}");
    }
    Ok(())
}

/// The same document as in a file and in `kubectl apply`.
#[tokio::test]
async fn a_policy_can_be_a_value() -> Result<()> {
    let spec = r#"policy.spec={"profile":"strict","scope":{"excludePresets":["system-namespaces"]}}"#;
    let policy = &chart(&["--set-json", spec]).await?[&("TagPolicy".to_owned(), "default".to_owned())];
    assert_eq!(policy["spec"]["profile"], "strict");
    let mut check = Shell::new().await?.command(tagwatch_binary()?)?;
    check.args(["policy", "check", "-"]);
    let output = finish(check, &policy.to_string()).await?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[tokio::test]
async fn tagwatch_has_nothing_against_its_own_chart() -> Result<()> {
    let manifests = rendered(&[]).await?.map_err(anyhow::Error::msg)?;
    let mut scan = Shell::new().await?.command(tagwatch_binary()?)?;
    scan.args(["scan", "-", "-o", "json", "--fail-on", "warn"]);
    let output = finish(scan, &manifests).await?;
    let printed = String::from_utf8(output.stdout)?;
    let said: Value = serde_json::from_str(&printed)?;
    assert!(output.status.success() && said["summary"]["workloads"] == 1, "{printed}");
    Ok(())
}

/// The README's commands, on a cluster: Helm first, whose CRDs outlive it, then kustomize, whose pod must pass
/// Pod Security.
#[tokio::test]
async fn the_readmes_ways_to_install() -> Result<()> {
    let cluster = cluster().await?;
    let shell = Shell::on(cluster).await?;
    let run = async |script: &str| {
        let output = shell.run(&format!("set -e\n{script}")).await?;
        let printed = String::from_utf8(output.stdout)?;
        ensure!(output.status.success() && !printed.contains("Warning"), "{script}\n{printed}");
        Ok(printed)
    };
    let printed = run(&readme::block("sh", "helm install")?).await?;
    assert_eq!(printed.lines().filter(|line| line.starts_with("  kubectl ")).count(), 3, "{printed}");
    run("helm uninstall tagwatch --namespace tagwatch --wait").await?;
    let crds = CRDS.join(" ");
    run(&format!("kubectl get crd {crds}")).await.context("uninstalled, the CRDs are to stay")?;

    run(&format!("kubectl delete crd {crds} {POLICY_CRD}")).await?;
    run("kubectl delete namespace tagwatch").await?;
    run(&readme::block("sh", "kubectl apply -k config/default")?).await?;
    both_pods(cluster).await
}

/// The ReplicaSet gets its pods only if the namespace's level `restricted` lets them through.
async fn both_pods(cluster: &ControlPlane) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(cluster.client().await?, "tagwatch");
    let events: Api<DynamicObject> = Api::namespaced_with(
        cluster.client().await?,
        "tagwatch",
        &ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Event")),
    );
    let made = eventually(Duration::from_mins(1), "both replicas have a pod", async || {
        let found = pods.list(&ListParams::default()).await?.items;
        let messages: Vec<String> = events
            .list(&ListParams::default())
            .await?
            .items
            .iter()
            .map(|event| event.data["message"].to_string())
            .collect();
        ensure!(found.len() == 2, "{} pods; events: {messages:?}", found.len());
        Ok(())
    });
    made.await
}
