//! Pages of what is not there, and why.

use axum::response::Response;
use tagwatch_core::text::UntrustedText;

use crate::absence::Absence;
use crate::auth::AuthenticatedRequest;
use crate::http::Problem;
use crate::source::Source;
use crate::url::address;

/// Kinds whose objects are mostly controlled by another one.
const CONTROLLED: [&str; 3] = ["Pod", "ReplicaSet", "Job"];

/// What the address names.
pub(super) struct Missing<'a> {
    pub(super) namespace: &'a str,
    /// Kind and name of a workload; `None` for the namespace itself.
    pub(super) workload: Option<(&'a str, &'a str)>,
}

impl Missing<'_> {
    /// Says why there is no page. About a namespace that the caller may not see, the answer is the same whether or not it
    /// exists.
    pub(super) fn refuse(&self, request: &AuthenticatedRequest, source: &dyn Source) -> Response {
        let namespace = UntrustedText::from(self.namespace);
        let lines = if request.view.sees(&namespace) {
            self.reasons(source.absence(self.namespace, self.workload))
        } else {
            self.hidden()
        };
        request.frame.refuse(&Problem::not_found(lines))
    }

    fn hidden(&self) -> Vec<String> {
        let namespace = shown(self.namespace);
        vec![
            match self.workload {
                Some(_) => {
                    "There is no such workload with results, or you may not see its namespace.".to_owned()
                }
                None => "There is no such namespace with results, or you may not see it.".to_owned(),
            },
            format!(
                "You see a namespace when you may list policyreports in it. Check with: kubectl auth can-i list \
                 policyreports.wgpolicyk8s.io --namespace {namespace}"
            ),
        ]
    }

    fn reasons(&self, absence: Absence) -> Vec<String> {
        let namespace = shown(self.namespace);
        let (kind, name) = self.workload.map(|(kind, name)| (shown(kind), shown(name))).unzip();
        let kind = kind.unwrap_or_default();
        let [reason, fix] = match absence {
            Absence::Starting => [
                "tagwatch has started and has not checked everything yet.".to_owned(),
                "Try again in a minute.".to_owned(),
            ],
            Absence::NamespaceNotWatched => [
                format!("This installation does not watch the namespace {namespace}."),
                "It watches what --namespaces and --exclude-namespaces select (namespaces in the chart).".to_owned(),
            ],
            Absence::NamespaceNotKnown => [
                format!("There is no namespace {namespace}."),
                "It was deleted, or its name is another one.".to_owned(),
            ],
            Absence::OutOfScope => [
                format!("The namespace {namespace} is outside the scope of the policy, so nothing in it is checked."),
                "spec.scope of the TagPolicy decides that.".to_owned(),
            ],
            Absence::KindWithoutPods => [
                format!("A {kind} names no image, so tagwatch has nothing to check in it."),
                "Look for the workload that it belongs to, such as a Deployment.".to_owned(),
            ],
            Absence::KindSpelledOtherwise(known) => [
                format!(
                    "There is no {} {} with containers in the namespace {namespace}.",
                    shown(&known),
                    name.unwrap_or_default()
                ),
                format!("{kind} is {} in addresses, which are case-sensitive.", shown(&known)),
            ],
            Absence::ReportedUnder(top_kind, top_name) => [
                format!(
                    "{kind} {} is checked and reported under {} {}, which controls it.",
                    name.unwrap_or_default(),
                    shown(&top_kind),
                    shown(&top_name)
                ),
                format!(
                    "Look at {}.",
                    address("/workloads", &[&self.namespace.into(), &(&*top_kind).into(), &(&*top_name).into()])
                ),
            ],
            Absence::NamespaceEmpty => [
                format!("There is no workload with containers in the namespace {namespace}."),
                "A namespace has a page once a workload in it was checked.".to_owned(),
            ],
            Absence::KindNotWatched => [
                format!("tagwatch does not watch the kind {kind}."),
                "If its objects hold a pod template, declare the kind in spec.workloads of the TagPolicy, with the path \
                 of the template. Its pods, if it has any, are reported under the object that controls them."
                    .to_owned(),
            ],
            Absence::KindForbidden => [
                format!("tagwatch has no right to list and watch the kind {kind}."),
                "Grant list and watch on it to the service account of tagwatch.".to_owned(),
            ],
            Absence::KindNotServed => [
                format!("The policy declares the kind {kind}, and the API server does not serve it."),
                "Install its definition, or correct group and version in spec.workloads.".to_owned(),
            ],
            Absence::NotKnown => match name {
                Some(name) if CONTROLLED.contains(&kind.as_str()) => [
                    format!("tagwatch reports no {kind} {name} in the namespace {namespace}."),
                    format!(
                        "A {kind} that another object controls is reported under that object, such as its Deployment or \
                         CronJob."
                    ),
                ],
                Some(name) => [
                    format!("There is no {kind} {name} with containers in the namespace {namespace}."),
                    "It was deleted, or its kind or name is another one: addresses are case-sensitive.".to_owned(),
                ],
                None => [
                    format!("There is no workload in the namespace {namespace}, or no such namespace."),
                    "A namespace has a page once a workload in it was checked.".to_owned(),
                ],
            },
        };
        vec![reason, fix]
    }
}

/// Text of an address, as a line of a page shows it.
fn shown(text: &str) -> String {
    UntrustedText::from(&text[..text.floor_char_boundary(256)]).terminal()
}
