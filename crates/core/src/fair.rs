//! Which entry a full table gives up, so that who fills it displaces only entries of their own.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// User names of service accounts, `system:serviceaccount:NAMESPACE:NAME` (`MakeUsername` in
/// `k8s.io/apiserver/pkg/authentication/serviceaccount/util.go`).
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// Picks the oldest entry of the group that holds the most entries; of groups that hold as many, the one with the oldest
/// entry. `None` for an empty table.
///
/// A group with fewer entries than another one never loses an entry.
pub fn oldest_of_largest<K, G: Ord, T: Ord>(entries: impl IntoIterator<Item = (K, G, T)>) -> Option<K> {
    let mut groups: BTreeMap<G, (usize, T, K)> = BTreeMap::new();
    for (key, group, age) in entries {
        match groups.get_mut(&group) {
            Some((count, oldest, found)) => {
                *count += 1;
                if age < *oldest {
                    (*oldest, *found) = (age, key);
                }
            }
            None => {
                groups.insert(group, (1, age, key));
            }
        }
    }
    let largest = groups.into_values().max_by(|(count, oldest, _), (other_count, other_oldest, _)| {
        (count, Reverse(oldest)).cmp(&(other_count, Reverse(other_oldest)))
    });
    largest.map(|(_, _, key)| key)
}

/// The group of an account: all service accounts of a namespace are one, since the owner of a namespace creates as many
/// of them as they like. Every other user is a group alone.
pub fn account_group(user: &str) -> &str {
    let namespace = user.strip_prefix(SERVICE_ACCOUNT).and_then(|account| account.find(':'));
    namespace.map_or(user, |end| &user[..SERVICE_ACCOUNT.len() + end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_group_loses_its_oldest() {
        let entries = [("a1", 'a', 1), ("b1", 'b', 5), ("b2", 'b', 4), ("c1", 'c', 0)];
        assert_eq!(oldest_of_largest(entries), Some("b2"));
        assert_eq!(oldest_of_largest([("a1", 'a', 1), ("c1", 'c', 0)]), Some("c1"), "as many in each");
        assert_eq!(oldest_of_largest::<&str, char, u8>([]), None);
    }

    #[test]
    fn service_accounts_of_a_namespace_are_one_group() {
        for (user, group) in [
            ("system:serviceaccount:shop:web", "system:serviceaccount:shop"),
            ("system:serviceaccount:shop", "system:serviceaccount:shop"),
            ("jane@example.com", "jane@example.com"),
            ("oidc:jane", "oidc:jane"),
            ("", ""),
        ] {
            assert_eq!(account_group(user), group, "{user}");
        }
    }
}
