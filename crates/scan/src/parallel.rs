//! Work on many things by several threads, with results in the order of the things.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, Builder};

/// Most threads that work at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Threads(Option<NonZeroUsize>);

impl Threads {
    /// So many; without a number as many as the machine runs at once.
    pub(crate) fn new(threads: Option<NonZeroUsize>) -> Self {
        Self(threads)
    }

    /// Their number. To ask the machine takes as long as to scan a small file, so one file is scanned without.
    pub(crate) fn get(self) -> NonZeroUsize {
        static OF_MACHINE: OnceLock<NonZeroUsize> = OnceLock::new();
        let of_machine =
            || *OF_MACHINE.get_or_init(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
        self.0.unwrap_or_else(of_machine)
    }
}

/// Maps each item by one of so many threads at most, the calling one among them. Each thread has a state of its own, such as
/// a buffer. The items are taken one by one, under a lock.
pub(crate) fn map<T, R: Send, S>(
    items: impl Iterator<Item = T> + Send,
    threads: Threads,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, T) -> R + Sync,
) -> Vec<R> {
    let most = items.size_hint().1.unwrap_or(usize::MAX);
    let others = if most > 1 { 1..threads.get().get().min(most) } else { 0..0 };
    let next = Mutex::new(items.enumerate());
    let take = || next.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || {
        let (mut state, mut done) = (state(), Vec::new());
        while let Some((index, item)) = take() {
            done.push((index, work(&mut state, item)));
        }
        done
    };
    if others.is_empty() {
        return run().into_iter().map(|(_, result)| result).collect();
    }
    let done = thread::scope(|scope| {
        // A thread that cannot be started leaves its work to the others.
        let others: Vec<_> = others.map_while(|_| Builder::new().spawn_scoped(scope, run).ok()).collect();
        let mut done = vec![run()];
        done.extend(
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic))),
        );
        done
    });
    // Each result is moved to its place, where sorting would move it many times.
    let mut results = Vec::new();
    results.resize_with(done.iter().map(Vec::len).sum(), || None);
    for (index, result) in done.into_iter().flatten() {
        if let Some(place) = results.get_mut(index) {
            *place = Some(result);
        }
    }
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items_whatever_the_threads() {
        let items: Vec<u64> = (0..1000).collect();
        let expected: Vec<u64> = items.iter().map(|item| item * 2).collect();
        for threads in [1, 2, 7] {
            let threads = Threads::new(NonZeroUsize::new(threads));
            assert_eq!(map(items.iter(), threads, || (), |(), item| item * 2), expected);
        }
        assert_eq!(map([0_u64; 0].into_iter(), Threads::new(None), || (), |(), item| item), [0; 0]);
    }
}
