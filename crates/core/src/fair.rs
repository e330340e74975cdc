//! Which entry a full table gives up, and which ones a list names that is cut, so that who fills it displaces only entries
//! of their own.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::iter::from_fn;

/// User names of service accounts, `system:serviceaccount:NAMESPACE:NAME` (`MakeUsername` in
/// `k8s.io/apiserver/pkg/authentication/serviceaccount/util.go`).
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// How many entries a table holds at most.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// All together.
    pub entries: usize,
    /// Those of one account.
    pub of_account: usize,
}

/// Picks the entry that a table gives up before it takes one more of an account: the account's own oldest one where it
/// has as many as it may have; else, in a full table, the oldest one of the largest account of the largest
/// [group](account_group). So an account never loses an entry while another one of its group has more. `None` while there is
/// room. Entries come with their account and their age.
pub fn evict<'a, K, T: Ord>(
    entries: impl Iterator<Item = (K, &'a str, T)> + Clone,
    account: &str,
    capacity: Capacity,
) -> Option<K> {
    let own = entries.clone().filter(|(_, owner, _)| *owner == account);
    if own.clone().count() >= capacity.of_account {
        return own.min_by(|(_, _, age), (_, _, other)| age.cmp(other)).map(|(key, _, _)| key);
    }
    if entries.clone().count() < capacity.entries {
        return None;
    }
    let by_group = entries.clone().map(|(_, owner, age)| (account_group(owner), account_group(owner), age));
    let largest = oldest_of_largest(by_group)?;
    oldest_of_largest(entries.filter(|(_, owner, _)| account_group(owner) == largest))
}

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

/// The first item of each group, then the second of each that has one, and so on: however many items a group has, it
/// takes the place of no other group's first ones.
pub fn in_turn<I: IntoIterator>(groups: impl IntoIterator<Item = I>) -> impl Iterator<Item = I::Item> {
    let mut waiting: VecDeque<I::IntoIter> = groups.into_iter().map(IntoIterator::into_iter).collect();
    from_fn(move || {
        while let Some(mut group) = waiting.pop_front() {
            if let Some(item) = group.next() {
                waiting.push_back(group);
                return Some(item);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_has_its_turn() {
        let groups = [vec!["a1", "a2", "a3"], vec![], vec!["c1"], vec!["d1", "d2"]];
        assert_eq!(in_turn(groups).collect::<Vec<_>>(), ["a1", "c1", "d1", "a2", "d2", "a3"]);
        assert_eq!(in_turn::<[u8; 0]>([]).next(), None);
    }

    #[test]
    fn the_largest_group_loses_its_oldest() {
        let entries = [("a1", 'a', 1), ("b1", 'b', 5), ("b2", 'b', 4), ("c1", 'c', 0)];
        assert_eq!(oldest_of_largest(entries), Some("b2"));
        assert_eq!(oldest_of_largest([("a1", 'a', 1), ("c1", 'c', 0)]), Some("c1"), "as many in each");
        assert_eq!(oldest_of_largest::<&str, char, u8>([]), None);
    }

    #[test]
    fn an_account_displaces_itself_before_others() {
        let (shop, capacity) = ("system:serviceaccount:shop:", Capacity { entries: 5, of_account: 2 });
        let robots = ["a", "b", "c"].map(|name| format!("{shop}{name}"));
        let [a, b, c] = robots.each_ref().map(String::as_str);
        let entries = [(1, "jane", 0), (2, a, 5), (3, a, 4), (4, b, 3)];
        assert_eq!(evict(entries.into_iter(), "joe", capacity), None, "there is room");
        assert_eq!(evict(entries.into_iter(), a, capacity), Some(3));
        let full = entries.into_iter().chain([(5, c, 6)]);
        assert_eq!(
            evict(full.clone(), "joe", capacity),
            Some(3),
            "the oldest of the account with the most, of the namespace with the most"
        );
        assert_eq!(evict(full, a, capacity), Some(3));
    }

    #[test]
    fn of_the_largest_group_the_largest_account_loses_its_oldest() {
        let (shop, capacity) = ("system:serviceaccount:shop:", Capacity { entries: 5, of_account: 3 });
        let [web, robot] = ["web", "robot"].map(|name| format!("{shop}{name}"));
        let entries =
            [(1, &*web, 0), (2, &*robot, 2), (3, &*robot, 1), (4, "jane", 0), (5, "jane", 0)].into_iter();
        assert_eq!(evict(entries.clone(), "joe", capacity), Some(3), "the group has three, jane two");
        let other = format!("{shop}other");
        assert_eq!(evict(entries, &other, capacity), Some(3), "by one of the group, too");
        let alike = [(1, &*web, 1), (2, &*robot, 0), (3, "jane", 0)].into_iter();
        let capacity = Capacity { entries: 3, of_account: 3 };
        assert_eq!(evict(alike, "joe", capacity), Some(2), "as many each: the oldest");
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
