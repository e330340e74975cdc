//! The harness itself, against the control plane that all other tests trust.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::Job,
    core::v1::{self, ConfigMap, Pod, ServiceAccount},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;
use tagwatch_e2e::{
    Component, ControlPlane, Identity, JobPods, Kubelet, Namespace, Options, Scope, eventually,
};
use tokio::sync::OnceCell;

const LIMIT: Duration = Duration::from_mins(1);

/// One for the whole run. It ends with this process, whose end closes the launcher's standard input.
async fn shared() -> Result<&'static ControlPlane> {
    static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
    SHARED.get_or_try_init(|| ControlPlane::start(Options::default())).await
}

fn object<K: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<K> {
    serde_json::from_value(value).context("a fixture")
}

fn config_map(name: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        ..ConfigMap::default()
    }
}

#[tokio::test]
async fn kubectl_is_the_real_one() -> Result<()> {
    let cluster = shared().await?;
    let version: serde_json::Value =
        serde_json::from_str(&cluster.kubectl(&["version", "-o", "json"]).await?)?;
    let [client, server] = ["clientVersion", "serverVersion"].map(|of| version[of]["gitVersion"].clone());
    assert_eq!(client, server);
    assert!(server.as_str().is_some_and(|version| version.starts_with("v1.")), "{version}");
    let failure = cluster.kubectl(&["get", "nonsense"]).await.expect_err("there is no such kind").to_string();
    assert!(failure.contains("kubectl get nonsense: ") && failure.contains("nonsense"), "{failure}");
    Ok(())
}

#[tokio::test]
async fn audit_log_counts_requests_by_agent_and_user() -> Result<()> {
    let cluster = shared().await?;
    let namespace = Namespace::create(&cluster.client().await?, "audit").await?;
    let mark = cluster.audit_log().mark().await?;
    let maps: Api<ConfigMap> = namespace.api();
    maps.create(&PostParams::default(), &config_map("one")).await?;
    maps.get("one").await?;

    let account = ServiceAccount {
        metadata: ObjectMeta { name: Some("powerless".to_owned()), ..ObjectMeta::default() },
        ..ServiceAccount::default()
    };
    namespace.api().create(&PostParams::default(), &account).await?;
    let identity = Identity::ServiceAccount { namespace: namespace.name(), name: "powerless" };
    let theirs: Api<ConfigMap> = Api::namespaced(cluster.client_as(identity).await?, namespace.name());
    let refused = theirs.create(&PostParams::default(), &config_map("two")).await;
    assert!(matches!(&refused, Err(kube::Error::Api(status)) if status.code == 403), "{refused:?}");

    let since = cluster.audit_log().since(mark).await?;
    let here = since.matching(|request| request.object().0 == namespace.name()).of_resource("configmaps");
    let ours = here.by_agent("tagwatch-e2e/")?;
    assert_eq!(ours.by_user("admin")?.mutating().count(), 1, "{ours}");
    assert_eq!(ours.by_user("admin")?.count(), 2, "{ours}");
    let user = format!("system:serviceaccount:{}:powerless", namespace.name());
    let codes: Vec<u16> = ours.by_user(&user)?.iter().map(tagwatch_e2e::Request::code).collect();
    assert_eq!(codes, [403]);
    assert!(here.by_agent("nobody/").is_err());
    namespace.delete().await
}

#[tokio::test]
async fn kubeconfig_of_a_service_account_has_its_rights() -> Result<()> {
    let cluster = shared().await?;
    let folder = tempfile::tempdir()?;
    let identity = Identity::ServiceAccount { namespace: "kube-system", name: "default" };
    let path = cluster.kubeconfig_as(identity, folder.path()).await?;
    let path = path.to_str().context("a path in UTF-8")?;
    let who = cluster.kubectl(&["auth", "whoami", "--kubeconfig", path, "-o", "json"]).await?;
    let who: serde_json::Value = serde_json::from_str(&who)?;
    assert_eq!(who["status"]["userInfo"]["username"], "system:serviceaccount:kube-system:default");
    Ok(())
}

fn deployment(image: &str, replicas: u32) -> Result<Deployment> {
    object(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": {
                    "initContainers": [
                        { "name": "setup", "image": "busybox" },
                        { "name": "proxy", "image": "proxy:1", "restartPolicy": "Always" }
                    ],
                    "containers": [{ "name": "web", "image": image }]
                }
            }
        }
    }))
}

async fn available(deployments: &Api<Deployment>, replicas: i32) -> Result<()> {
    eventually(LIMIT, "the Deployment is available", || async {
        let web = deployments.get("web").await?;
        let (generation, status) = (web.metadata.generation, web.status.unwrap_or_default());
        let observed = status.observed_generation == generation;
        ensure!(observed && status.updated_replicas == Some(replicas), "{status:?}");
        ensure!(
            status.available_replicas == Some(replicas) && status.replicas == Some(replicas),
            "{status:?}"
        );
        Ok(())
    })
    .await
}

/// The image IDs of a pod's running containers, by name.
fn running(pod: &Pod) -> BTreeMap<String, String> {
    let status = pod.status.clone().unwrap_or_default();
    let lists =
        [status.init_container_statuses, status.container_statuses, status.ephemeral_container_statuses];
    let statuses = lists.into_iter().flatten().flatten();
    let running =
        statuses.filter(|status| status.state.as_ref().is_some_and(|state| state.running.is_some()));
    running.map(|status| (status.name, status.image_id)).collect()
}

fn ids<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(name, id)| (name.to_owned(), id.to_owned())).into()
}

#[tokio::test]
async fn kubelet_rolls_out_a_deployment() -> Result<()> {
    let client = shared().await?.client().await?;
    let namespace = Namespace::create(&client, "rollout").await?;
    let kubelet = Kubelet::new(client, "node")
        .with_digests(|reference| format!("sha256:of-{}", reference.replace([':', '/'], "-")))
        .watch(Scope::Namespaces(vec![namespace.name().to_owned()]), JobPods::Run);
    let deployments: Api<Deployment> = namespace.api();
    deployments.create(&PostParams::default(), &deployment("web:1", 2)?).await?;
    available(&deployments, 2).await?;
    deployments
        .patch("web", &PatchParams::apply("test").force(), &Patch::Apply(deployment("r.example/web:2", 1)?))
        .await?;
    available(&deployments, 1).await?;

    let pods: Api<Pod> = namespace.api();
    let pod = eventually(LIMIT, "the old pods are gone", || async {
        let mut items = pods.list(&ListParams::default()).await?.items;
        ensure!(items.len() == 1, "{} pods", items.len());
        items.pop().context("a pod")
    })
    .await?;
    let mut expected = ids([
        ("proxy", "docker.io/library/proxy@sha256:of-proxy-1"),
        ("web", "r.example/web@sha256:of-r.example-web-2"),
    ]);
    assert_eq!(running(&pod), expected);

    let debugger = json!({ "spec": { "ephemeralContainers": [{ "name": "debug", "image": "busybox:1" }] } });
    pods.patch_ephemeral_containers(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(debugger))
        .await?;
    expected.extend(ids([("debug", "docker.io/library/busybox@sha256:of-busybox-1")]));
    eventually(LIMIT, "the ephemeral container runs", || async {
        let running = running(&pods.get(&pod.name_any()).await?);
        ensure!(running == expected, "{running:?}");
        Ok(())
    })
    .await?;
    kubelet.stop().await?;
    namespace.delete().await
}

#[tokio::test]
async fn kubelet_binds_ends_and_removes_pods() -> Result<()> {
    let client = shared().await?.client().await?;
    let namespace = Namespace::create(&client, "bound").await?;
    let kubelet = Kubelet::new(client.clone(), "bound-node").binding();
    kubelet.register_node(Vec::new()).await?;
    let task = kubelet.clone().watch(Scope::Namespaces(vec![namespace.name().to_owned()]), JobPods::Succeed);
    let jobs: Api<Job> = namespace.api();
    let job: Job = object(json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "once" },
        "spec": { "template": { "spec": {
            "restartPolicy": "Never", "containers": [{ "name": "once", "image": "once:1" }]
        } } }
    }))?;
    jobs.create(&PostParams::default(), &job).await?;
    eventually(LIMIT, "the Job is complete", || async {
        let status = jobs.get("once").await?.status.unwrap_or_default();
        ensure!(status.succeeded == Some(1) && status.completion_time.is_some(), "{status:?}");
        Ok(())
    })
    .await?;

    let pods: Api<Pod> = namespace.api();
    let pod: Pod = object(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "alone" },
        "spec": { "containers": [{ "name": "alone", "image": "alone:1" }] }
    }))?;
    pods.create(&PostParams::default(), &pod).await?;
    eventually(LIMIT, "the pod runs on its node", || async {
        let pod = pods.get("alone").await?;
        ensure!(running(&pod).contains_key("alone"), "{:?}", pod.status);
        assert_eq!(pod.spec.unwrap_or_default().node_name.as_deref(), Some("bound-node"));
        Ok(())
    })
    .await?;
    // It is bound: the API server waits for the kubelet to confirm.
    pods.delete("alone", &DeleteParams::default()).await?;
    eventually(LIMIT, "the pod is gone", || async {
        ensure!(pods.get_opt("alone").await?.is_none(), "it is still there");
        Ok(())
    })
    .await?;
    task.stop().await?;
    Api::<v1::Node>::all(client).delete("bound-node", &DeleteParams::default()).await?;
    namespace.delete().await
}

#[tokio::test]
async fn namespace_is_gone_after_its_deletion() -> Result<()> {
    let client = shared().await?.client().await?;
    let namespace = Namespace::create(&client, "gone").await?;
    let name = namespace.name().to_owned();
    namespace.api().create(&PostParams::default(), &config_map("one")).await?;
    namespace.delete().await?;
    let namespaces: Api<v1::Namespace> = Api::all(client);
    eventually(LIMIT, "the namespace is gone", || async {
        let left = namespaces.get_opt(&name).await?;
        ensure!(left.is_none(), "{:?}", left.and_then(|namespace| namespace.status));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn dump_shows_what_is_there_and_what_is_not() -> Result<()> {
    let cluster = shared().await?;
    let namespace = Namespace::create(&cluster.client().await?, "dump").await?;
    namespace.api().create(&PostParams::default(), &deployment("dumped:1", 0)?).await?;
    let outcome: Result<()> = Err(anyhow::anyhow!("the reason"));
    let failure =
        format!("{:#}", cluster.explain(outcome, namespace.name(), None).await.expect_err("a failure"));
    assert!(failure.ends_with("the reason"), "{failure}");
    assert!(failure.contains("image: dumped:1"), "{failure}");
    assert!(failure.contains("doesn't have a resource type \"policyreports\""), "{failure}");
    namespace.delete().await
}

/// Components end and come back on the same port and data, and nothing of them is left in the end.
#[tokio::test]
async fn life_of_a_control_plane() -> Result<()> {
    let options = Options { feature_gates: Some("WatchList=false".to_owned()), ..Options::default() };
    let cluster = ControlPlane::start(options).await?;
    let client = cluster.client().await?;
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    maps.create(&PostParams::default(), &config_map("kept")).await?;
    let metrics = client.request_text(http::Request::get("/metrics").body(Vec::new())?).await?;
    let gate = metrics.lines().find(|line| line.starts_with("kubernetes_feature_enabled{name=\"WatchList\""));
    assert!(gate.is_some_and(|line| line.ends_with(" 0")), "{gate:?}");

    cluster.kill(Component::ApiServer).await?;
    assert!(maps.get("kept").await.is_err());
    let failure = cluster.kill(Component::ApiServer).await.expect_err("it is dead").to_string();
    assert_eq!(failure, "kill kube-apiserver: kube-apiserver does not run");
    cluster.restart(Component::ApiServer).await?;
    maps.get("kept").await?;
    cluster.stop(Component::Etcd).await?;
    cluster.restart(Component::Etcd).await?;
    eventually(LIMIT, "the API server has its store again", || async { Ok(maps.get("kept").await?) }).await?;

    let (processes, folder) = (cluster.processes(), cluster.data_dir().to_owned());
    assert_eq!(processes.len(), 4, "launcher, etcd, API server, controller manager");
    assert!(processes.iter().any(|pid| is_running(*pid)));
    cluster.shutdown().await?;
    let left: Vec<_> = processes.into_iter().filter(|pid| is_running(*pid)).collect();
    assert_eq!((left, folder.exists()), (vec![], false));
    Ok(())
}

fn is_running(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

#[tokio::test]
async fn a_refused_argument_is_reported_with_the_log() -> Result<()> {
    let options = Options { apiserver_args: vec!["--no-such-flag".to_owned()], ..Options::default() };
    let failure =
        ControlPlane::start(options).await.map(drop).expect_err("the API server knows no such flag");
    let failure = format!("{failure:#}");
    assert!(failure.contains("kube-apiserver ended by itself: exit status 1"), "{failure}");
    assert!(failure.contains("unknown flag: --no-such-flag"), "{failure}");
    Ok(())
}
