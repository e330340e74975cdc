//! Arguments of `tagwatch run` about its replicas. Names, meaning and defaults are those of Kubernetes' own components
//! (`--leader-elect` of kube-controller-manager).

use std::time::Duration;

use k8s_openapi::jiff::SignedDuration;
use tagwatch_controller::{LeaseOptions, LeaseTiming};

/// Which of several replicas writes.
#[derive(Debug, clap::Args)]
pub(crate) struct LeaseArgs {
    /// Write only while holding a Lease, so that several replicas may run
    ///
    /// The lease has the name of the installation (--instance), in tagwatch's own namespace. Needs the right to create, get,
    /// update and watch it. A replica without it keeps up to date, serves its endpoints, and takes over.
    #[arg(long, requires = "own_namespace", env = "TAGWATCH_LEADER_ELECT")]
    leader_elect: bool,

    /// How long other replicas wait after the last renewal that they saw, in whole seconds
    #[arg(long = "leader-elect-lease-duration", value_name = "DURATION", default_value = "15s", value_parser = duration)]
    lease_duration: Duration,

    /// How long the leader goes on writing after its last renewal
    #[arg(long = "leader-elect-renew-deadline", value_name = "DURATION", default_value = "10s", value_parser = duration)]
    renew_deadline: Duration,

    /// Time between two attempts to take or renew the lease
    #[arg(long = "leader-elect-retry-period", value_name = "DURATION", default_value = "2s", value_parser = duration)]
    retry_period: Duration,
}

impl LeaseArgs {
    /// The lease of this installation; `None` for a single replica.
    ///
    /// # Errors
    /// The times do not fit together, or the system has no random numbers for the replica's identity.
    pub(crate) fn options(
        self,
        instance: &str,
        namespace: Option<&str>,
    ) -> anyhow::Result<Option<LeaseOptions>> {
        let Self { leader_elect, lease_duration, renew_deadline, retry_period } = self;
        let timing = LeaseTiming { lease_duration, renew_deadline, retry_period };
        timing.check().map_err(anyhow::Error::msg)?;
        let Some(namespace) = namespace.filter(|_| leader_elect) else { return Ok(None) };
        Ok(Some(LeaseOptions {
            namespace: namespace.to_owned(),
            name: instance.to_owned(),
            identity: identity()?,
            timing,
        }))
    }
}

/// The host's name, which in a cluster is the pod's, and a random number: a container that is restarted keeps the name, and
/// must not take a lease for its own that it held before.
fn identity() -> anyhow::Result<String> {
    let host = hostname::get()?.to_string_lossy().into_owned();
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(format!("{host}_{:016x}", u64::from_be_bytes(random)))
}

/// A length of time as Kubernetes writes it: `15s`, `500ms`, `1m30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    let length = parsed.and_then(|length| Duration::try_from(length).ok());
    length.ok_or_else(|| "expected a length of time such as 15s, 500ms or 1m30s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_kubernetes_writes_them() {
        for (text, millis) in [("15s", 15_000), ("500ms", 500), ("1m30s", 90_000), ("1h", 3_600_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for wrong in ["", "15", "-15s", "soon"] {
            assert!(duration(wrong).unwrap_err().starts_with("expected"), "{wrong}");
        }
    }

    #[test]
    fn a_restarted_replica_has_another_identity() {
        assert_ne!(identity().unwrap(), identity().unwrap());
    }
}
