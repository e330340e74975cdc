//! Users and controllers of the cluster.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::double::{Caller, Preconditions, Resource, Store, resource_named, seconds};
use crate::fault::spoil;

/// Changes objects as users and the controllers of a cluster do.
pub(crate) struct Actor<'a> {
    store: &'a mut Store,
    caller: &'a Caller,
}

impl<'a> Actor<'a> {
    pub(crate) fn new(store: &'a mut Store, caller: &'a Caller) -> Self {
        Self { store, caller }
    }

    /// Makes an object, or brings it to this state.
    #[expect(clippy::expect_used, reason = "a mistake in the bench ends it")]
    pub(crate) fn put(&mut self, plural: &str, object: Value) -> Arc<Value> {
        self.store.put(resource_named(plural), object, self.caller).expect("the scenario makes valid objects")
    }

    /// Changes an object, or makes it.
    pub(crate) fn edit(&mut self, plural: &str, namespace: &str, name: &str, edit: impl FnOnce(&mut Value)) {
        let resource = resource_named(plural);
        let stored = self.store.get(resource, namespace, name).map(|stored| (**stored).clone());
        let mut object = stored.unwrap_or_else(|| {
            let mut metadata = json!({ "name": name });
            if resource.namespaced {
                metadata["namespace"] = json!(namespace);
            }
            json!({ "metadata": metadata })
        });
        edit(&mut object);
        self.put(plural, object);
    }

    /// Deletes an object, if there is one.
    pub(crate) fn delete(&mut self, plural: &str, namespace: &str, name: &str) {
        let any = Preconditions::default();
        // It may be gone: two changes can hit the same report.
        drop(self.store.delete(resource_named(plural), namespace, name, &any, self.caller));
    }

    /// A user applies a workload with this tag.
    pub(crate) fn declare(&mut self, plural: &str, namespace: &str, name: &str, tag: &str) {
        let image = format!("registry.example.com/{namespace}/{name}:{tag}");
        let containers =
            json!({ "containers": [{ "name": "app", "image": image, "imagePullPolicy": "IfNotPresent" }] });
        let mut template = json!({ "metadata": { "labels": { "app": name } }, "spec": containers });
        if matches!(plural, "jobs" | "cronjobs") {
            template["spec"]["restartPolicy"] = json!("Never");
        }
        let selector = json!({ "matchLabels": { "app": name } });
        self.edit(plural, namespace, name, |object| match plural {
            "pods" => {
                object["spec"] = containers;
                object["spec"]["nodeName"] = json!("node-1");
            }
            "cronjobs" => {
                object["spec"] =
                    json!({ "schedule": "0 3 * * *", "jobTemplate": { "spec": { "template": template } } });
            }
            "jobs" => object["spec"] = json!({ "template": template }),
            "daemonsets" => object["spec"] = json!({ "selector": selector, "template": template }),
            "replicationcontrollers" => object["spec"] = json!({ "replicas": 1, "template": template }),
            _ => {
                object["spec"] = json!({ "replicas": 1, "selector": selector, "template": template });
            }
        });
    }

    /// The controllers bring the pods of a workload to its template.
    pub(crate) fn roll_out(&mut self, plural: &str, namespace: &str, name: &str) {
        let resource = resource_named(plural);
        let Some(owner) = self.store.get(resource, namespace, name).cloned() else { return };
        let generation = owner["metadata"]["generation"].as_i64().unwrap_or(1);
        match plural {
            "pods" => return self.start(namespace, name),
            "deployments" | "rollouts" => self.replace_set(resource, &owner, generation),
            "cronjobs" => {
                let job = self.dependent("jobs", resource, &owner, &format!("{name}-1"), |job| {
                    job["spec"] = owner["spec"]["jobTemplate"]["spec"].clone();
                });
                self.pod(resource_named("jobs"), &job, &format!("{name}-1-x"));
            }
            _ => {
                let pod = format!("{name}-0");
                self.delete("pods", namespace, &pod);
                self.pod(resource, &owner, &pod);
            }
        }
        self.edit(plural, namespace, name, |object| {
            let revision = format!("{name}-{generation}");
            object["status"] = json!({
                "observedGeneration": generation, "replicas": 1, "updatedReplicas": 1,
                "currentRevision": revision, "updateRevision": revision,
                "currentNumberScheduled": 1, "updatedNumberScheduled": 1,
            });
            if plural == "rollouts" {
                // Argo Rollouts write it as text.
                object["status"]["observedGeneration"] = json!(generation.to_string());
            }
        });
    }

    /// A Deployment gets an image, and a history without the sets of those before.
    pub(crate) fn redeploy(&mut self, namespace: &str, name: &str, tag: &str) {
        let plural = "deployments";
        self.declare(plural, namespace, name, tag);
        self.roll_out(plural, namespace, name);
        let sets: Vec<String> = self
            .store
            .objects(resource_named("replicasets"))
            .filter(|set| {
                set["spec"]["replicas"] == 0 && set["metadata"]["ownerReferences"][0]["name"] == name
            })
            .map(|set| place(set))
            .filter(|(of, _)| of == namespace)
            .map(|(_, set)| set)
            .collect();
        for set in sets {
            self.delete("replicasets", namespace, &set);
        }
    }

    /// A `ReplicaSet` for this generation, and none for those before.
    fn replace_set(&mut self, resource: &'static Resource, owner: &Value, generation: i64) {
        let (namespace, name) = place(owner);
        let revision = match resource.plural {
            "rollouts" => "rollout.argoproj.io/revision",
            _ => "deployment.kubernetes.io/revision",
        };
        // As the hash of the template in the name: no other owner, and no other rollout, has it.
        let uid = owner["metadata"]["uid"].to_string();
        let set_of = |generation: i64| format!("{name}-{}", &digits(&format!("{uid}{generation}"))[..8]);
        let set_name = set_of(generation);
        let set = self.dependent("replicasets", resource, owner, &set_name, |set| {
            set["metadata"]["annotations"] = json!({ revision: generation.to_string() });
            set["spec"] = owner["spec"].clone();
            set["status"] = json!({ "replicas": 1, "observedGeneration": 1 });
        });
        self.pod(resource_named("replicasets"), &set, &format!("{set_name}-x"));
        for earlier in 1..generation {
            let earlier = set_of(earlier);
            if self.store.get(resource_named("replicasets"), &namespace, &earlier).is_some() {
                self.edit("replicasets", &namespace, &earlier, |set| set["spec"]["replicas"] = json!(0));
            }
            self.delete("pods", &namespace, &format!("{earlier}-x"));
        }
    }

    /// Makes an object that another one controls.
    fn dependent(
        &mut self,
        plural: &str,
        owner_resource: &Resource,
        owner: &Value,
        name: &str,
        fill: impl FnOnce(&mut Value),
    ) -> Arc<Value> {
        let (namespace, owner_name) = place(owner);
        let mut object = json!({ "metadata": {
            "name": name, "namespace": namespace,
            "ownerReferences": [{
                "apiVersion": owner_resource.api_version(), "kind": owner_resource.kind, "name": owner_name,
                "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
            }],
        } });
        fill(&mut object);
        self.put(plural, object)
    }

    fn pod(&mut self, owner_resource: &Resource, owner: &Value, name: &str) {
        let (namespace, _) = place(owner);
        let spec = owner["spec"]["template"]["spec"].clone();
        self.dependent("pods", owner_resource, owner, name, |pod| {
            pod["spec"] = spec;
            pod["spec"]["nodeName"] = json!("node-1");
        });
        self.start(&namespace, name);
    }

    /// The kubelet runs a pod.
    fn start(&mut self, namespace: &str, name: &str) {
        let now = seconds(self.caller.now);
        self.edit("pods", namespace, name, |pod| {
            let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned();
            let repository = image.rsplit_once(':').map_or(&*image, |(repository, _)| repository);
            let repository = repository.split('@').next().unwrap_or_default().to_owned();
            let (digest, container) = (digits(&image), digits(&pod["metadata"]["uid"].to_string()));
            pod["status"] = json!({
                "phase": "Running", "startTime": now,
                "containerStatuses": [{
                    "name": "app", "image": image, "ready": true,
                    "imageID": format!("{repository}@sha256:{digest}"),
                    "containerID": format!("containerd://{container}"),
                    "state": { "running": { "startedAt": now } },
                }],
            });
        });
    }

    /// Kubelets and controllers write statuses that say nothing new.
    pub(crate) fn beat(&mut self) {
        let now = seconds(self.caller.now);
        for plural in ["pods", "deployments"] {
            let objects: Vec<Value> =
                self.store.objects(resource_named(plural)).map(|object| (**object).clone()).collect();
            for mut object in objects {
                object["status"]["conditions"] =
                    json!([{ "type": "Heartbeat", "status": "True", "lastHeartbeatTime": now }]);
                self.put(plural, object);
            }
        }
    }

    /// Another client changes the report of this number, or removes it.
    pub(crate) fn meddle(&mut self, number: usize, removes: bool) {
        let reports: Vec<Value> =
            self.store.objects(resource_named("policyreports")).map(|object| (**object).clone()).collect();
        if reports.is_empty() {
            return;
        }
        let mut report = reports[number % reports.len()].clone();
        if removes {
            let (namespace, name) = place(&report);
            return self.delete("policyreports", &namespace, &name);
        }
        spoil(&mut report);
        self.put("policyreports", report);
    }
}

fn place(object: &Value) -> (String, String) {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

/// 64 hex digits that stand for a text.
fn digits(text: &str) -> String {
    let part = |number: u8| {
        let mut hasher = DefaultHasher::new();
        (text, number).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    };
    (0..4).map(part).collect()
}
