//! What is known of the lease, and what follows from it. No request and no clock: the caller brings both.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::{Timestamp, ToSpan};
use tokio::time::Instant;

use super::options::LeaseOptions;

/// The lease as this replica last saw it.
#[derive(Debug)]
pub(super) struct LeaseRecord {
    options: LeaseOptions,
    seen: Option<SeenLease>,
}

#[derive(Debug)]
struct SeenLease {
    lease: Lease,
    /// When this replica first saw this spec.
    changed: Instant,
}

/// What a candidate does.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// There is no lease.
    Create(Lease),
    /// It is ours, free, or was not renewed in time.
    Replace(Lease),
    /// Another replica holds it, for so long at least.
    Wait(Duration),
}

impl LeaseRecord {
    pub(super) fn new(options: LeaseOptions) -> Self {
        Self { options, seen: None }
    }

    /// Takes over what the API server holds. Metadata alone does not count as a renewal.
    pub(super) fn observe(&mut self, lease: Option<Lease>, now: Instant) {
        let before = self.seen.take();
        self.seen = lease.map(|lease| {
            let unchanged = before.filter(|before| before.lease.spec == lease.spec);
            SeenLease { lease, changed: unchanged.map_or(now, |before| before.changed) }
        });
    }

    /// The lease with a renewal, while the record names this replica: it is sent without reading the lease again, and its
    /// resource version makes it fail if another replica came between.
    pub(super) fn renewal(&self, time: Timestamp) -> Option<Lease> {
        let seen = self.seen.as_ref().filter(|seen| self.is_ours(&seen.lease))?;
        Some(Lease { spec: Some(self.spec(Some(&seen.lease), time)), ..seen.lease.clone() })
    }

    /// What follows from the record.
    pub(super) fn step(&self, now: Instant, time: Timestamp) -> Step {
        let Some(seen) = &self.seen else {
            let metadata = ObjectMeta { name: Some(self.options.name.clone()), ..ObjectMeta::default() };
            return Step::Create(Lease { metadata, spec: Some(self.spec(None, time)) });
        };
        let left = (seen.changed + duration(&seen.lease)).saturating_duration_since(now);
        if holder(&seen.lease).is_some() && !self.is_ours(&seen.lease) && !left.is_zero() {
            return Step::Wait(left);
        }
        let spec = self.spec(Some(&seen.lease), time);
        Step::Replace(Lease { spec: Some(spec), ..seen.lease.clone() })
    }

    /// The lease given back, if it is ours: the next replica need not wait.
    pub(super) fn release(&self, time: Timestamp) -> Option<Lease> {
        let seen = self.seen.as_ref().filter(|seen| self.is_ours(&seen.lease))?;
        let spec = LeaseSpec {
            holder_identity: None,
            // As short as the API permits.
            lease_duration_seconds: Some(1),
            ..self.spec(Some(&seen.lease), time)
        };
        Some(Lease { spec: Some(spec), ..seen.lease.clone() })
    }

    /// Who holds it, for logs.
    pub(super) fn holder(&self) -> Option<&str> {
        self.seen.as_ref().and_then(|seen| holder(&seen.lease))
    }

    fn is_ours(&self, lease: &Lease) -> bool {
        holder(lease) == Some(&self.options.identity)
    }

    /// The spec by which this replica holds the lease. Fields that we do not know stay.
    fn spec(&self, before: Option<&Lease>, time: Timestamp) -> LeaseSpec {
        let old = before.and_then(|lease| lease.spec.clone()).unwrap_or_default();
        let is_ours = before.is_some_and(|lease| self.is_ours(lease));
        let seconds = self.options.timing.lease_duration.as_secs();
        let acquired = if is_ours { old.acquire_time.clone() } else { None };
        // The first holder is no transition.
        let transitions = old.lease_transitions.unwrap_or_default();
        let changes = before.is_some() && !is_ours;
        // A clock that stands still must not make a renewal look like none.
        let is_same = old.renew_time.as_ref().is_some_and(|renewed| renewed.0 == time);
        let renewed = if is_same { time.saturating_add(1.microsecond()).unwrap_or(time) } else { time };
        LeaseSpec {
            holder_identity: Some(self.options.identity.clone()),
            lease_duration_seconds: Some(i32::try_from(seconds).unwrap_or(i32::MAX)),
            acquire_time: Some(acquired.unwrap_or(MicroTime(time))),
            renew_time: Some(MicroTime(renewed)),
            lease_transitions: Some(transitions.saturating_add(i32::from(changes))),
            ..old
        }
    }
}

/// Nobody holds a lease with an empty name.
fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// How long its holder has it after a renewal, as the holder wrote it.
fn duration(lease: &Lease) -> Duration {
    let seconds = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::LeaseTiming;

    const TIME: Timestamp = Timestamp::UNIX_EPOCH;

    fn record(identity: &str) -> LeaseRecord {
        LeaseRecord::new(LeaseOptions {
            namespace: "tagwatch".to_owned(),
            name: "tagwatch".to_owned(),
            identity: identity.to_owned(),
            timing: LeaseTiming::default(),
        })
    }

    /// What the API server holds after a candidate took the lease.
    fn held_by(identity: &str) -> Lease {
        match record(identity).step(Instant::now(), TIME) {
            Step::Create(lease) => lease,
            step => panic!("{step:?}"),
        }
    }

    fn renewed(lease: &Lease, by: &str) -> Lease {
        let mut record = record(by);
        record.observe(Some(lease.clone()), Instant::now());
        record.renewal(TIME + Duration::from_secs(2)).unwrap()
    }

    fn spec(lease: &Lease) -> &LeaseSpec {
        lease.spec.as_ref().unwrap()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn without_a_lease_one_is_created() {
        let lease = held_by("a");
        assert_eq!(spec(&lease).holder_identity.as_deref(), Some("a"));
        assert_eq!(
            (spec(&lease).lease_duration_seconds, spec(&lease).lease_transitions),
            (Some(15), Some(0))
        );
    }

    #[test]
    fn a_held_lease_is_taken_once_it_was_not_renewed_for_its_duration() {
        let (mut b, start) = (record("b"), Instant::now());
        b.observe(Some(held_by("a")), start);
        assert_eq!(b.step(start + seconds(1), TIME), Step::Wait(seconds(14)));
        assert_eq!(b.renewal(TIME), None);
        let Step::Replace(taken) = b.step(start + seconds(15), TIME) else { panic!("it is due") };
        assert_eq!((b.holder(), spec(&taken).holder_identity.as_deref()), (Some("a"), Some("b")));
        assert_eq!(spec(&taken).lease_transitions, Some(1));
    }

    #[test]
    fn only_changes_that_were_seen_count_and_not_the_times_in_the_record() {
        let (mut b, start) = (record("b"), Instant::now());
        let mut lease = held_by("a");
        for (field, shift) in [("ten years ahead", 315_360_000), ("ten years behind", -315_360_000)] {
            lease.spec.as_mut().unwrap().renew_time = Some(MicroTime(Timestamp::new(shift, 0).unwrap()));
            b.observe(Some(lease.clone()), start);
            assert_eq!(b.step(start, TIME), Step::Wait(seconds(15)), "{field}");
        }
        // A label is no renewal, and neither is reading the same again.
        lease.metadata.labels = Some([("a".to_owned(), "b".to_owned())].into());
        b.observe(Some(lease.clone()), start + seconds(9));
        assert_eq!(b.step(start + seconds(9), TIME), Step::Wait(seconds(6)));
        b.observe(Some(renewed(&lease, "a")), start + seconds(10));
        assert_eq!(b.step(start + seconds(10), TIME), Step::Wait(seconds(15)));
    }

    #[test]
    fn the_duration_that_the_holder_wrote_counts() {
        let (mut b, start) = (record("b"), Instant::now());
        let mut lease = held_by("a");
        for (written, left) in [(Some(60), 60), (Some(1), 1), (Some(-5), 0), (None, 0)] {
            lease.spec.as_mut().unwrap().lease_duration_seconds = written;
            b.observe(Some(lease.clone()), start);
            match b.step(start, TIME) {
                Step::Wait(wait) => assert_eq!(wait, seconds(left)),
                step => assert!(left == 0 && matches!(step, Step::Replace(_)), "{written:?}: {step:?}"),
            }
        }
    }

    #[test]
    fn a_released_lease_is_taken_at_once_and_keeps_its_transitions() {
        let (mut a, mut b, start) = (record("a"), record("b"), Instant::now());
        a.observe(Some(held_by("a")), start);
        let free = a.release(TIME).unwrap();
        assert_eq!(
            (spec(&free).holder_identity.as_deref(), spec(&free).lease_duration_seconds),
            (None, Some(1))
        );
        b.observe(Some(free.clone()), start);
        let Step::Replace(taken) = b.step(start, TIME) else { panic!("it is free") };
        assert_eq!((holder(&taken), spec(&taken).lease_transitions), (Some("b"), Some(1)));
        a.observe(Some(taken), start);
        assert_eq!((a.release(TIME), a.renewal(TIME)), (None, None), "it is another's");
    }

    #[test]
    fn a_renewal_keeps_when_it_was_acquired_and_what_we_do_not_know() {
        let mut a = record("a");
        let mut lease = held_by("a");
        lease.metadata.resource_version = Some("7".to_owned());
        lease.spec.as_mut().unwrap().strategy = Some("OldestEmulationVersion".to_owned());
        a.observe(Some(lease.clone()), Instant::now());
        let later = TIME + Duration::from_secs(2);
        let renewal = a.renewal(later).unwrap();
        let expected = LeaseSpec { renew_time: Some(MicroTime(later)), ..spec(&lease).clone() };
        assert_eq!((spec(&renewal), &renewal.metadata), (&expected, &lease.metadata));
        let again = a.renewal(TIME).unwrap();
        assert_ne!(again.spec, lease.spec, "on a clock that stands still, too");
        // After a restart under one name, as of a StatefulSet, the lease is ours without a wait.
        assert!(matches!(a.step(Instant::now(), later), Step::Replace(_)));
    }
}
