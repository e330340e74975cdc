//! What a replica needs to run for the lease.

use std::time::Duration;

/// The `Lease` (`coordination.k8s.io/v1`) of the replica that writes.
#[derive(Debug, Clone)]
pub struct LeaseOptions {
    /// Namespace of the lease.
    pub namespace: String,
    /// Name of the lease.
    pub name: String,
    /// This replica, by a name that no other one has, nor this one before its restart.
    pub identity: String,
    /// How long it is held.
    pub timing: LeaseTiming,
}

/// How long a lease is held, with the meaning and the defaults of client-go's `LeaderElectionConfig`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTiming {
    /// How long other replicas wait after a renewal that they saw, in whole seconds.
    pub lease_duration: Duration,
    /// How long a leader writes after its last renewal.
    pub renew_deadline: Duration,
    /// Between two attempts.
    pub retry_period: Duration,
}

impl Default for LeaseTiming {
    fn default() -> Self {
        Self {
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

impl LeaseTiming {
    /// Checks that a leader stops before another one begins, and has time for more than one attempt before.
    ///
    /// # Errors
    /// What is wrong, with the names of the flags.
    pub fn check(&self) -> Result<(), &'static str> {
        let Self { lease_duration, renew_deadline, retry_period } = *self;
        if retry_period.is_zero() {
            return Err("--leader-elect-retry-period must be longer than 0s");
        }
        // As in client-go, whose retries are jittered by a factor of 1.2.
        if renew_deadline <= retry_period.mul_f64(1.2) {
            return Err(
                "--leader-elect-renew-deadline must be more than 1.2 times --leader-elect-retry-period",
            );
        }
        if lease_duration < renew_deadline + LEASE_MARGIN {
            return Err(
                "--leader-elect-lease-duration must be at least one second longer than --leader-elect-renew-deadline",
            );
        }
        if lease_duration.subsec_nanos() != 0 {
            return Err(
                "--leader-elect-lease-duration must be whole seconds: the API knows no fractions of it",
            );
        }
        if lease_duration > MAX_LEASE_DURATION {
            return Err("--leader-elect-lease-duration must be at most 1h");
        }
        Ok(())
    }
}

/// Before another replica may lead, the time by which writes have ended.
pub(super) const LEASE_MARGIN: Duration = Duration::from_secs(1);
/// Longest time for which a crash may leave a cluster without a leader.
const MAX_LEASE_DURATION: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_stops_before_another_one_begins() {
        let timing = |lease, renew, retry| LeaseTiming {
            lease_duration: Duration::from_secs_f64(lease),
            renew_deadline: Duration::from_secs_f64(renew),
            retry_period: Duration::from_secs_f64(retry),
        };
        assert_eq!(LeaseTiming::default().check(), Ok(()));
        assert_eq!(timing(3.0, 2.0, 0.5).check(), Ok(()));
        for (wrong, named) in [
            (timing(15.0, 10.0, 0.0), "--leader-elect-retry-period must be longer"),
            (timing(15.0, 2.4, 2.0), "--leader-elect-renew-deadline must be more"),
            (timing(10.5, 10.0, 2.0), "at least one second longer"),
            (timing(15.5, 10.0, 2.0), "whole seconds"),
            (timing(3_601.0, 10.0, 2.0), "at most 1h"),
        ] {
            let error = wrong.check().unwrap_err();
            assert!(error.contains(named), "{wrong:?}: {error}");
        }
    }
}
