//! What is measured beside what is wanted.

use std::time::Duration;

const MIB: f64 = 1_048_576.0;

/// Goals, as rows of a table.
#[derive(Debug, Default)]
pub(crate) struct Goals {
    rows: Vec<String>,
    missed: usize,
}

impl Goals {
    pub(crate) fn at_most(&mut self, what: &str, measured: f64, goal: f64) {
        self.add(what, measured, "at most", goal, measured <= goal);
    }

    pub(crate) fn at_least(&mut self, what: &str, measured: f64, goal: f64) {
        self.add(what, measured, "at least", goal, measured >= goal);
    }

    /// A goal that could not be compared with a figure.
    pub(crate) fn not_measured(&mut self, what: &str, why: &str, goal: f64) {
        self.rows.push(format!("| {what} | {why} | at least {goal} | – |\n"));
    }

    fn add(&mut self, what: &str, measured: f64, wanted: &str, goal: f64, is_met: bool) {
        self.missed += usize::from(!is_met);
        let met = if is_met { "yes" } else { "no" };
        self.rows.push(format!("| {what} | {measured:.1} | {wanted} {goal} | {met} |\n"));
    }

    pub(crate) fn are_met(&self) -> bool {
        self.missed == 0
    }

    pub(crate) fn summary(&self) -> String {
        let Self { rows, missed } = self;
        let count = match missed {
            0 => "All goals that were measured are met.".to_owned(),
            missed => format!("Goals that are missed: {missed}."),
        };
        format!("\n| What | Measured | Goal | Met |\n|---|---|---|---|\n{}\n{count}\n", rows.concat())
    }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MIB
}
