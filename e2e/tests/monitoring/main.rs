//! The dashboards and alerts against a real Prometheus and a real Alertmanager, which watch a real tagwatch on a
//! real control plane.
// clippy knows a test by `#[test]`, which has no place here.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::unwrap_used)]
// What is compared are counts, which a float holds exactly.
#![allow(clippy::float_cmp)]

mod alertmanager;
mod authenticated;
mod copies;
mod grafana;
mod history;
mod labels;
mod on_call;
mod programs;
mod queries;
mod rules;
mod runner;
mod scenarios;
mod silence;
mod stage;
mod starting;
mod values;
mod webhook;

use std::process::ExitCode;

fn main() -> ExitCode {
    runner::run([
        alertmanager::tests(),
        authenticated::tests(),
        copies::tests(),
        grafana::tests(),
        labels::tests(),
        on_call::tests(),
        queries::tests(),
        rules::tests(),
        scenarios::tests(),
        silence::tests(),
        starting::tests(),
        values::tests(),
        webhook::tests(),
    ])
}
