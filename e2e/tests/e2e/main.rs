//! tagwatch against a real control plane.
//!
//! One etcd, API server and controller manager serve most tests; each has a namespace of its own and a real
//! `tagwatch run` with the rights that `config/rbac` gives. Tests that break the server, or need all of a
//! cluster, start one for themselves.
// clippy knows a test by `#[test]`, which has no place here.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::unwrap_used)]
// What is compared are counts and Unix seconds, which a float holds exactly.
#![allow(clippy::float_cmp)]

mod agreement;
mod checks;
mod cluster;
mod contract;
mod controller;
mod https;
mod metrics;
mod objects;
mod policies;
mod report;
mod runner;
mod test_env;

mod canonical_crds;
mod console;
mod crowd;
mod custom_kinds;
mod deletion;
mod drift;
mod drift_fleet;
mod drift_memory;
mod drift_registry;
mod events;
mod exemptions;
mod files_agree;
mod foreign_writers;
mod history;
mod hostile;
mod instances;
mod issues;
mod kinds;
mod kustomize_agrees;
mod line;
mod lost_namespace;
mod many;
mod metrics_auth;
mod namespaces;
mod outages;
mod owners;
mod policy;
mod policy_verdicts;
mod rbac;
mod remedies;
mod replicas;
mod report_api;
mod restart;
mod samples;
mod scan_agrees;
mod scan_cluster;
mod scan_outputs;
mod series_cap;
mod shutdown;
mod terminating;
mod transformers_agree;
mod unwritten;
mod update;
mod watch_list;

use std::process::ExitCode;

fn main() -> ExitCode {
    runner::run([
        agreement::tests(),
        canonical_crds::tests(),
        console::tests(),
        contract::tests(),
        crowd::tests(),
        custom_kinds::tests(),
        deletion::tests(),
        drift::tests(),
        drift_memory::tests(),
        drift_registry::tests(),
        events::tests(),
        exemptions::tests(),
        foreign_writers::tests(),
        history::tests(),
        hostile::tests(),
        instances::tests(),
        issues::tests(),
        kinds::tests(),
        files_agree::tests(),
        kustomize_agrees::tests(),
        transformers_agree::tests(),
        lost_namespace::tests(),
        many::tests(),
        metrics_auth::tests(),
        namespaces::tests(),
        outages::tests(),
        owners::tests(),
        policy::tests(),
        policy_verdicts::tests(),
        rbac::tests(),
        remedies::tests(),
        replicas::tests(),
        report_api::tests(),
        restart::tests(),
        samples::tests(),
        scan_agrees::tests(),
        scan_cluster::tests(),
        scan_outputs::tests(),
        series_cap::tests(),
        shutdown::tests(),
        terminating::tests(),
        unwritten::tests(),
        update::tests(),
        watch_list::tests(),
    ])
}
