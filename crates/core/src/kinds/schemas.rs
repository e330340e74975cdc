//! The forms in which kinds of the table describe containers, each named after its upstream type.

use super::container_schema::{ContainerPlace, ContainerSchema, DefaultsFrom, NestedSchema};
use crate::workload::ContainerType::{Container, ImageVolume, Init, Sidecar};

const fn place(path: &'static str, container_type: crate::workload::ContainerType) -> ContainerPlace {
    ContainerPlace::new(path, container_type)
}

const fn nested(path: &'static str, schema: &'static ContainerSchema) -> NestedSchema {
    NestedSchema::new(path, schema)
}

const fn form(
    name: &'static str,
    containers: &'static [ContainerPlace],
    nested: &'static [NestedSchema],
) -> ContainerSchema {
    ContainerSchema { name, containers, nested, pull_secrets: &[], parameters: None }
}

/// The documentation of argoproj/argo-workflows, "Workflow Variables".
const ARGO: (&str, &str) = ("{{", "}}");
/// The documentation of tektoncd/pipeline, "Variable Substitutions Supported by Tasks and Pipelines".
const TEKTON: (&str, &str) = ("$(", ")");

const PULL_SECRETS: &[&str] = &["imagePullSecrets"];

// argoproj/argo-workflows, pkg/apis/workflow/v1alpha1/workflow_types.go: Template, WorkflowStep, DAGTask, WorkflowSpec.
// A manifest in a `resource` template and a `podSpecPatch` are texts.

static TEMPLATE: ContainerSchema = form(
    "Template",
    &[
        place("container", Container).defaults(DefaultsFrom::Enclosing, "container"),
        place("script", Container).defaults(DefaultsFrom::Enclosing, "script"),
        place("containerSet.containers[*]", Container),
        place("initContainers[*]", Init),
        place("sidecars[*]", Sidecar),
        place("volumes[*]", ImageVolume),
    ],
    &[nested("steps[*][*]", &WORKFLOW_STEP), nested("dag.tasks[*]", &WORKFLOW_STEP)],
);

static WORKFLOW_STEP: ContainerSchema = form("WorkflowStep", &[], &[nested("inline", &TEMPLATE)]);

static WORKFLOW_SPEC: ContainerSchema = ContainerSchema {
    pull_secrets: PULL_SECRETS,
    ..form(
        "WorkflowSpec",
        &[place("volumes[*]", ImageVolume)],
        &[
            nested("templates[*]", &TEMPLATE).with_defaults("templateDefaults"),
            nested("templateDefaults", &TEMPLATE).partial(),
            nested("executorPlugins[*]", &EXECUTOR_PLUGIN),
        ],
    )
};

pub(super) static WORKFLOW: ContainerSchema =
    form("Workflow", &[], &[nested("spec", &WORKFLOW_SPEC)]).taking(ARGO);

pub(super) static CRON_WORKFLOW: ContainerSchema =
    form("CronWorkflow", &[], &[nested("spec.workflowSpec", &WORKFLOW_SPEC)]).taking(ARGO);

pub(super) static EXECUTOR_PLUGIN: ContainerSchema =
    form("ExecutorPlugin", &[place("spec.sidecar.container", Sidecar)], &[]);

// tektoncd/pipeline, pkg/apis/pipeline: v1/container_types.go, task_types.go, taskrun_types.go, pipeline_types.go,
// pipelinerun_types.go; v1beta1/stepaction_types.go; pod/template.go. A step without an image gets that of the
// `stepTemplate`, or names a StepAction by `ref` (v1/container_validation.go); sidecars have no such defaults.

static TASK_SPEC: ContainerSchema = form(
    "TaskSpec",
    &[
        place("stepTemplate", Container).named("stepTemplate").partial(),
        place("steps[*]", Container).defaults(DefaultsFrom::Mapping, "stepTemplate").or_reference("ref"),
        place("sidecars[*]", Sidecar),
        place("volumes[*]", ImageVolume),
    ],
    &[],
);

static PIPELINE_TASK: ContainerSchema =
    form("PipelineTask", &[], &[nested("taskSpec", &TASK_SPEC), nested("pipelineSpec", &PIPELINE_SPEC)]);

static PIPELINE_SPEC: ContainerSchema =
    form("PipelineSpec", &[], &[nested("tasks[*]", &PIPELINE_TASK), nested("finally[*]", &PIPELINE_TASK)]);

static POD_TEMPLATE: ContainerSchema = ContainerSchema {
    pull_secrets: PULL_SECRETS,
    ..form("PodTemplate", &[place("volumes[*]", ImageVolume)], &[])
};

pub(super) static TASK: ContainerSchema = form("Task", &[], &[nested("spec", &TASK_SPEC)]).taking(TEKTON);

pub(super) static TASK_RUN: ContainerSchema =
    form("TaskRun", &[], &[nested("spec.taskSpec", &TASK_SPEC), nested("spec.podTemplate", &POD_TEMPLATE)])
        .taking(TEKTON);

pub(super) static PIPELINE: ContainerSchema =
    form("Pipeline", &[], &[nested("spec", &PIPELINE_SPEC)]).taking(TEKTON);

pub(super) static PIPELINE_RUN: ContainerSchema = form(
    "PipelineRun",
    &[],
    &[
        nested("spec.pipelineSpec", &PIPELINE_SPEC),
        nested("spec.taskRunTemplate.podTemplate", &POD_TEMPLATE),
        nested("spec.taskRunSpecs[*].podTemplate", &POD_TEMPLATE),
        // v1beta1.
        nested("spec.podTemplate", &POD_TEMPLATE),
        nested("spec.taskRunSpecs[*].taskPodTemplate", &POD_TEMPLATE),
    ],
)
.taking(TEKTON);

pub(super) static STEP_ACTION: ContainerSchema =
    form("StepAction", &[place("spec", Container).named("step")], &[]).taking(TEKTON);

// prometheus-operator/prometheus-operator, pkg/apis/monitoring: v1/prometheus_types.go, alertmanager_types.go,
// thanos_types.go, v1alpha1/prometheusagent_types.go. The operator has a default for each image. It patches the
// `containers` that have the name of one of its own, so those need no image. The names are those of the pods' containers.

const OPERATED: &[NestedSchema] = &[nested("spec", &OPERATED_SPEC)];

static OPERATED_SPEC: ContainerSchema = ContainerSchema {
    pull_secrets: PULL_SECRETS,
    ..form(
        "CommonPrometheusFields",
        &[
            place("containers[*]", Container).partial(),
            place("initContainers[*]", Init).partial(),
            place("volumes[*]", ImageVolume),
        ],
        &[],
    )
};

pub(super) static PROMETHEUS: ContainerSchema = form(
    "Prometheus",
    &[
        place("spec", Container).named("prometheus").partial(),
        place("spec.thanos", Container).named("thanos-sidecar").partial(),
    ],
    OPERATED,
);

pub(super) static PROMETHEUS_AGENT: ContainerSchema =
    form("PrometheusAgent", &[place("spec", Container).named("prometheus").partial()], OPERATED);

pub(super) static ALERTMANAGER: ContainerSchema =
    form("Alertmanager", &[place("spec", Container).named("alertmanager").partial()], OPERATED);

pub(super) static THANOS_RULER: ContainerSchema =
    form("ThanosRuler", &[place("spec", Container).named("thanos-ruler").partial()], OPERATED);

// kubevirt/kubevirt: staging/src/kubevirt.io/api/core/v1/schema.go, types.go. A disk, and a kernel with its initrd, are
// containers of the pod that runs the machine.

static MACHINE: ContainerSchema = form(
    "VirtualMachineInstanceSpec",
    &[place("domain.firmware.kernelBoot.container", Container).named("kernel-boot")],
    &[nested("volumes[*]", &MACHINE_VOLUME)],
);

static MACHINE_VOLUME: ContainerSchema = form("Volume", &[place("containerDisk", Container)], &[]);

pub(super) static VIRTUAL_MACHINE_INSTANCE: ContainerSchema =
    form("VirtualMachineInstance", &[], &[nested("spec", &MACHINE)]);

/// A replica set of machines has the same place.
pub(super) static VIRTUAL_MACHINE: ContainerSchema =
    form("VirtualMachine", &[], &[nested("spec.template.spec", &MACHINE)]);
