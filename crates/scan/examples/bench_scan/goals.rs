//! What is measured beside what is wanted.

use std::time::Duration;

const MIB: f64 = 1_048_576.0;

/// Goals that were compared with figures.
#[derive(Debug, Default)]
pub(crate) struct Goals {
    count: usize,
    missed: Vec<String>,
}

impl Goals {
    pub(crate) fn at_most(&mut self, what: &str, measured: f64, goal: f64) {
        self.add(what, measured, "at most", goal, measured <= goal);
    }

    pub(crate) fn at_least(&mut self, what: &str, measured: f64, goal: f64) {
        self.add(what, measured, "at least", goal, measured >= goal);
    }

    fn add(&mut self, what: &str, measured: f64, wanted: &str, goal: f64, is_met: bool) {
        self.count += 1;
        if !is_met {
            self.missed.push(format!("- {what}: {measured:.1}, wanted {wanted} {goal}\n"));
        }
    }

    pub(crate) fn are_met(&self) -> bool {
        self.missed.is_empty()
    }

    pub(crate) fn summary(&self) -> String {
        let Self { count, missed } = self;
        if missed.is_empty() {
            return format!("\nAll {count} goals are met.\n");
        }
        format!("\n{} of {count} goals are missed:\n\n{}", missed.len(), missed.concat())
    }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MIB
}
