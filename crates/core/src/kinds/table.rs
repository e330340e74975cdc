//! The kinds that tagwatch knows, as data. Each group names the upstream files that its paths come from.
//!
//! Not here, since they hold no pod template in a form that says what will run: `OpenKruise` `SidecarSet`
//! (cluster-scoped; its containers are judged in the pods that get them), Kubeflow Trainer's `TrainJob` (it names a
//! runtime; the `JobSet` that is made of both is here).

use super::{
    ContainerSchema, Controls, KindEntry, KindRole, KindTraits, REVISION_ANNOTATIONS, RolloutStatus,
    Siblings, schemas,
};

const TEMPLATE: &[&str] = &["spec.template"];

/// A custom kind with pod templates at these paths.
const fn kind(
    group: &'static str,
    versions: &'static [&'static str],
    kind: &'static str,
    plural: &'static str,
    templates: &'static [&'static str],
) -> KindEntry {
    KindEntry { group, versions, kind, plural, templates, containers: None, traits: KindTraits::CUSTOM }
}

/// A custom kind that is read in manifests alone, since it describes containers in a form of its own. In a cluster, its
/// pods are reported under the object that controls them.
const fn form(
    group: &'static str,
    versions: &'static [&'static str],
    name: &'static str,
    plural: &'static str,
    containers: &'static ContainerSchema,
) -> KindEntry {
    KindEntry { containers: Some(containers), ..kind(group, versions, name, plural, &[]).not_watched() }
}

/// A kind of Kubernetes itself in the version that a current API server serves, with one template.
const fn built_in(
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    role: KindRole,
    rollout: RolloutStatus,
) -> KindEntry {
    let traits = KindTraits::built_in(role, rollout);
    KindEntry { group, versions: V1, kind, plural, templates: TEMPLATE, containers: None, traits }
}

impl KindEntry {
    /// With the conditions that say `True` when an object has ended for good.
    const fn ends_by(self, ends_by: &'static [&'static str]) -> Self {
        Self { traits: KindTraits { ends_by, ..self.traits }, ..self }.runs()
    }

    /// Its objects run to an end, whether a condition says so or not.
    const fn runs(self) -> Self {
        Self { traits: KindTraits { siblings: Siblings::Runs, ..self.traits }, ..self }
    }

    /// Of the objects that one owner controls, the newest replaces those before.
    const fn supersedes(self) -> Self {
        Self { traits: KindTraits { siblings: Siblings::Revisions, ..self.traits }, ..self }
    }

    /// Its objects control these kinds alone.
    const fn controls(self, kinds: &'static [(&'static str, &'static str)]) -> Self {
        Self { traits: KindTraits { controls: Controls::Only(kinds), ..self.traits }, ..self }
    }

    /// Its controller numbers rollouts in an annotation of what it makes for each of them.
    const fn numbers_in(self, annotation: &'static str) -> Self {
        Self { traits: KindTraits { revision_annotation: Some(annotation), ..self.traits }, ..self }
    }

    /// Its pod template cannot be changed.
    const fn immutable(self) -> Self {
        Self { traits: KindTraits { is_template_immutable: true, ..self.traits }, ..self }
    }

    const fn at(self, templates: &'static [&'static str]) -> Self {
        Self { templates, ..self }
    }

    /// A kind between an owner and what it owns.
    const fn links(self) -> Self {
        Self { templates: &[], traits: KindTraits { role: KindRole::Link, ..self.traits }, ..self }
    }

    /// A kind that is read in manifests alone: nothing of its objects runs.
    const fn not_watched(self) -> Self {
        Self { traits: KindTraits { is_watched: false, ..self.traits }, ..self }
    }
}

const V1: &[&str] = &["v1"];
const TEKTON: &[&str] = &["v1", "v1beta1", "v1alpha1"];
const KUBEVIRT: &[&str] = &["v1", "v1alpha3"];
const KRUISE: &[&str] = &["v1beta1", "v1alpha1"];
const PODS: &[(&str, &str)] = &[("", "Pod")];
const KUBEFLOW_ENDS: &[&str] = &["Succeeded", "Failed"];

pub(super) const TABLE: &[KindEntry] = &[
    // kubernetes/api: apps/v1, batch/v1 and core/v1, types.go. What each controls: kubernetes/kubernetes,
    // pkg/controller; drivers of Spark are Pods that control the Pods of their executors.
    built_in("apps", "Deployment", "deployments", KindRole::Workload, RolloutStatus::Deployment)
        .controls(&[("apps", "ReplicaSet")])
        .numbers_in(REVISION_ANNOTATIONS[0]),
    built_in("apps", "StatefulSet", "statefulsets", KindRole::Workload, RolloutStatus::StatefulSet)
        .controls(PODS),
    built_in("apps", "DaemonSet", "daemonsets", KindRole::Workload, RolloutStatus::DaemonSet).controls(PODS),
    built_in("apps", "ReplicaSet", "replicasets", KindRole::Dependent, RolloutStatus::Immediate)
        .controls(PODS),
    built_in(
        "",
        "ReplicationController",
        "replicationcontrollers",
        KindRole::Dependent,
        RolloutStatus::Immediate,
    )
    .controls(PODS),
    // The Job controller sets one of these two conditions when the Job has ended, and never takes it back. Its template
    // is immutable (kubernetes/kubernetes, pkg/apis/batch/validation).
    built_in("batch", "Job", "jobs", KindRole::Dependent, RolloutStatus::Immediate)
        .ends_by(&["Complete", "Failed"])
        .controls(PODS)
        .immutable(),
    built_in("batch", "CronJob", "cronjobs", KindRole::Workload, RolloutStatus::Immediate)
        .at(&["spec.jobTemplate.spec.template"])
        .controls(&[("batch", "Job")]),
    built_in("", "Pod", "pods", KindRole::Dependent, RolloutStatus::Immediate).at(&[""]).controls(PODS),
    built_in("", "PodTemplate", "podtemplates", KindRole::Workload, RolloutStatus::Immediate)
        .at(&["template"])
        .not_watched(),
    // argoproj/argo-rollouts: pkg/apis/rollouts/v1alpha1/types.go, experiment_types.go. A Rollout with
    // spec.workloadRef has no template of its own: its ReplicaSets lend theirs.
    kind("argoproj.io", &["v1alpha1"], "Rollout", "rollouts", TEMPLATE).numbers_in(REVISION_ANNOTATIONS[1]),
    kind("argoproj.io", &["v1alpha1"], "Experiment", "experiments", &["spec.templates[*].template"]),
    // knative/serving: pkg/apis/serving/v1/service_types.go, configuration_types.go, revision_types.go. A Revision
    // links a Configuration and a Deployment; its own spec is a copy of the template.
    kind("serving.knative.dev", V1, "Service", "services", TEMPLATE),
    kind("serving.knative.dev", V1, "Configuration", "configurations", TEMPLATE),
    kind("serving.knative.dev", V1, "Revision", "revisions", &[]).links().supersedes(),
    // openkruise/kruise: apis/apps/v1beta1 and v1alpha1, *_types.go.
    kind("apps.kruise.io", KRUISE, "CloneSet", "clonesets", TEMPLATE),
    kind("apps.kruise.io", KRUISE, "StatefulSet", "statefulsets", TEMPLATE),
    kind("apps.kruise.io", KRUISE, "DaemonSet", "daemonsets", TEMPLATE),
    kind("apps.kruise.io", KRUISE, "BroadcastJob", "broadcastjobs", TEMPLATE)
        .ends_by(&["Complete", "Failed"]),
    kind(
        "apps.kruise.io",
        KRUISE,
        "AdvancedCronJob",
        "advancedcronjobs",
        &["spec.template.jobTemplate.spec.template", "spec.template.broadcastJobTemplate.spec.template"],
    ),
    kind(
        "apps.kruise.io",
        KRUISE,
        "UnitedDeployment",
        "uniteddeployments",
        &[
            "spec.template.statefulSetTemplate.spec.template",
            "spec.template.advancedStatefulSetTemplate.spec.template",
            "spec.template.cloneSetTemplate.spec.template",
            "spec.template.deploymentTemplate.spec.template",
        ],
    ),
    // kubernetes-sigs/jobset: api/jobset/v1/jobset_types.go, api/jobset/v1alpha2/jobset_types.go.
    kind(
        "jobset.x-k8s.io",
        &["v1", "v1alpha2"],
        "JobSet",
        "jobsets",
        &["spec.replicatedJobs[*].template.spec.template"],
    )
    .ends_by(&["Completed", "Failed"]),
    // kubernetes-sigs/lws: api/leaderworkerset/v1/leaderworkerset_types.go.
    kind(
        "leaderworkerset.x-k8s.io",
        V1,
        "LeaderWorkerSet",
        "leaderworkersets",
        &["spec.leaderWorkerTemplate.leaderTemplate", "spec.leaderWorkerTemplate.workerTemplate"],
    ),
    // kubeflow/training-operator: pkg/apis/kubeflow.org/v1/*_types.go; kubeflow/mpi-operator:
    // pkg/apis/kubeflow/v2beta1/types.go.
    kind("kubeflow.org", V1, "PyTorchJob", "pytorchjobs", &["spec.pytorchReplicaSpecs.*.template"])
        .ends_by(KUBEFLOW_ENDS),
    kind("kubeflow.org", V1, "TFJob", "tfjobs", &["spec.tfReplicaSpecs.*.template"]).ends_by(KUBEFLOW_ENDS),
    kind("kubeflow.org", &["v2beta1", "v1"], "MPIJob", "mpijobs", &["spec.mpiReplicaSpecs.*.template"])
        .ends_by(KUBEFLOW_ENDS),
    kind("kubeflow.org", V1, "XGBoostJob", "xgboostjobs", &["spec.xgbReplicaSpecs.*.template"])
        .ends_by(KUBEFLOW_ENDS),
    kind("kubeflow.org", V1, "PaddleJob", "paddlejobs", &["spec.paddleReplicaSpecs.*.template"])
        .ends_by(KUBEFLOW_ENDS),
    kind("kubeflow.org", V1, "JAXJob", "jaxjobs", &["spec.jaxReplicaSpecs.*.template"])
        .ends_by(KUBEFLOW_ENDS),
    // kubeflow/kubeflow: components/notebook-controller/api/v1/notebook_types.go.
    kind("kubeflow.org", &["v1", "v1beta1"], "Notebook", "notebooks", TEMPLATE),
    // ray-project/kuberay: ray-operator/apis/ray/v1/raycluster_types.go, rayjob_types.go, rayservice_types.go,
    // raycronjob_types.go. A RayService makes another RayCluster to upgrade, and a RayJob one for each attempt.
    kind(
        "ray.io",
        &["v1", "v1alpha1"],
        "RayCluster",
        "rayclusters",
        &["spec.headGroupSpec.template", "spec.workerGroupSpecs[*].template"],
    )
    .supersedes(),
    kind(
        "ray.io",
        &["v1", "v1alpha1"],
        "RayJob",
        "rayjobs",
        &[
            "spec.rayClusterSpec.headGroupSpec.template",
            "spec.rayClusterSpec.workerGroupSpecs[*].template",
            "spec.submitterPodTemplate",
        ],
    )
    .runs(),
    kind(
        "ray.io",
        &["v1", "v1alpha1"],
        "RayService",
        "rayservices",
        &[
            "spec.rayClusterConfig.headGroupSpec.template",
            "spec.rayClusterConfig.workerGroupSpecs[*].template",
        ],
    ),
    kind(
        "ray.io",
        V1,
        "RayCronJob",
        "raycronjobs",
        &[
            "spec.jobTemplate.rayClusterSpec.headGroupSpec.template",
            "spec.jobTemplate.rayClusterSpec.workerGroupSpecs[*].template",
            "spec.jobTemplate.submitterPodTemplate",
        ],
    ),
    // volcano-sh/apis: pkg/apis/batch/v1alpha1/job.go.
    kind("batch.volcano.sh", &["v1alpha1"], "Job", "jobs", &["spec.tasks[*].template"]).runs(),
    // kedacore/keda: apis/keda/v1alpha1/scaledjob_types.go.
    kind("keda.sh", &["v1alpha1"], "ScaledJob", "scaledjobs", &["spec.jobTargetRef.template"]),
    // openshift/api: apps/v1/types.go.
    kind("apps.openshift.io", V1, "DeploymentConfig", "deploymentconfigs", TEMPLATE)
        .numbers_in(REVISION_ANNOTATIONS[2]),
    // argoproj/argo-workflows: pkg/apis/workflow/v1alpha1/*_types.go.
    form("argoproj.io", &["v1alpha1"], "Workflow", "workflows", &schemas::WORKFLOW),
    form("argoproj.io", &["v1alpha1"], "CronWorkflow", "cronworkflows", &schemas::CRON_WORKFLOW),
    form("argoproj.io", &["v1alpha1"], "WorkflowTemplate", "workflowtemplates", &schemas::WORKFLOW),
    form(
        "argoproj.io",
        &["v1alpha1"],
        "ClusterWorkflowTemplate",
        "clusterworkflowtemplates",
        &schemas::WORKFLOW,
    ),
    // argoproj/argo-workflows: pkg/plugins/spec/plugin_types.go. A file of the executor, no object of the API server.
    form("argoproj.io", &["v1alpha1"], "ExecutorPlugin", "executorplugins", &schemas::EXECUTOR_PLUGIN),
    // tektoncd/pipeline: pkg/apis/pipeline/v1, v1beta1 and v1alpha1, *_types.go. v1alpha1 of all but StepAction, and
    // ClusterTask, are no longer served; manifests have them still.
    form("tekton.dev", TEKTON, "Task", "tasks", &schemas::TASK),
    form("tekton.dev", &["v1beta1", "v1alpha1"], "ClusterTask", "clustertasks", &schemas::TASK),
    form("tekton.dev", TEKTON, "TaskRun", "taskruns", &schemas::TASK_RUN),
    form("tekton.dev", TEKTON, "Pipeline", "pipelines", &schemas::PIPELINE),
    form("tekton.dev", TEKTON, "PipelineRun", "pipelineruns", &schemas::PIPELINE_RUN),
    form("tekton.dev", &["v1beta1", "v1alpha1"], "StepAction", "stepactions", &schemas::STEP_ACTION),
    // prometheus-operator/prometheus-operator: pkg/apis/monitoring/v1 and v1alpha1, *_types.go.
    form("monitoring.coreos.com", V1, "Prometheus", "prometheuses", &schemas::PROMETHEUS),
    form(
        "monitoring.coreos.com",
        &["v1alpha1"],
        "PrometheusAgent",
        "prometheusagents",
        &schemas::PROMETHEUS_AGENT,
    ),
    form("monitoring.coreos.com", V1, "Alertmanager", "alertmanagers", &schemas::ALERTMANAGER),
    form("monitoring.coreos.com", V1, "ThanosRuler", "thanosrulers", &schemas::THANOS_RULER),
    // kubevirt/kubevirt: staging/src/kubevirt.io/api/core/v1/types.go.
    form("kubevirt.io", KUBEVIRT, "VirtualMachine", "virtualmachines", &schemas::VIRTUAL_MACHINE),
    form(
        "kubevirt.io",
        KUBEVIRT,
        "VirtualMachineInstance",
        "virtualmachineinstances",
        &schemas::VIRTUAL_MACHINE_INSTANCE,
    ),
    form(
        "kubevirt.io",
        KUBEVIRT,
        "VirtualMachineInstanceReplicaSet",
        "virtualmachineinstancereplicasets",
        &schemas::VIRTUAL_MACHINE,
    ),
];
