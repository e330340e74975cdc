//! Addresses from which a token was allowed lately: that of a scraper, or of a user of the console. They come before others,
//! in the budget of reviews and for a connection.

use std::collections::HashMap;
use std::time::Duration;

use tagwatch_console::Peer;
use tokio::time::Instant;

/// Addresses that are known: beyond it, the one that was let in least lately is no longer.
const MAX_KNOWN: usize = 256;
/// How long an address is known after a token from it was allowed.
pub(super) const KNOWN_TTL: Duration = Duration::from_hours(24);

/// The known addresses, each with the time at which a token from it was last allowed.
#[derive(Debug, Default)]
pub(crate) struct KnownPeers(HashMap<Peer, Instant>);

impl KnownPeers {
    /// A token from this address is allowed.
    pub(crate) fn mark(&mut self, peer: Peer, now: Instant) {
        if self.0.len() >= MAX_KNOWN && !self.0.contains_key(&peer) {
            let oldest = self.0.iter().min_by_key(|(_, at)| **at).map(|(peer, _)| *peer);
            oldest.and_then(|peer| self.0.remove(&peer));
        }
        self.0.insert(peer, now);
    }

    pub(crate) fn is_known(&self, peer: Peer, now: Instant) -> bool {
        self.0.get(&peer).is_some_and(|at| now.saturating_duration_since(*at) < KNOWN_TTL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_known_for_a_day() {
        let (mut known, start) = (KnownPeers::default(), Instant::now());
        let peer = |number: u32| Peer::of(std::net::Ipv4Addr::from(number).into());
        for number in 0..1_000 {
            known.mark(peer(number), start + Duration::from_millis(number.into()));
        }
        assert_eq!(known.0.len(), MAX_KNOWN);
        assert!(known.is_known(peer(999), start + KNOWN_TTL) && !known.is_known(peer(0), start));
        assert!(!known.is_known(peer(999), start + KNOWN_TTL + Duration::from_secs(1)));
    }
}
