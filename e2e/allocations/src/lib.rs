//! An allocator that counts the bytes that each thread has allocated and not freed. Where all of a test runs on one thread,
//! that is the memory in use, and two runs of the test count the same.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Without a destructor, and made without an allocation.
    static HELD: Cell<i64> = const { Cell::new(0) };
}

/// What this thread has allocated and not freed, in bytes; what it frees of other threads counts against it. Always 0 unless
/// [`CountingAllocator`] is the allocator of the program.
#[must_use]
pub fn held() -> i64 {
    HELD.get()
}

fn count(bytes: i64) {
    // The last of a thread are freed when its variables are gone.
    let _ = HELD.try_with(|held| held.set(held.get().wrapping_add(bytes)));
}

/// No layout is larger than `isize::MAX`.
fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The allocator of the system, with a count.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

// SAFETY: every call is passed on to the allocator of the system as it is; counting allocates nothing.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps what `GlobalAlloc::alloc` asks for.
        let memory = unsafe { System.alloc(layout) };
        if !memory.is_null() {
            count(signed(layout.size()));
        }
        memory
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps what `GlobalAlloc::alloc_zeroed` asks for.
        let memory = unsafe { System.alloc_zeroed(layout) };
        if !memory.is_null() {
            count(signed(layout.size()));
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps what `GlobalAlloc::dealloc` asks for, and `memory` came from the system's.
        unsafe { System.dealloc(memory, layout) };
        count(-signed(layout.size()));
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps what `GlobalAlloc::realloc` asks for, and `memory` came from the system's.
        let moved = unsafe { System.realloc(memory, layout, size) };
        if !moved.is_null() {
            count(signed(size) - signed(layout.size()));
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[global_allocator]
    static ALLOCATOR: CountingAllocator = CountingAllocator;

    #[test]
    fn a_thread_counts_what_it_has_allocated_and_not_freed() {
        let before = held();
        let mut memory: Vec<u8> = Vec::with_capacity(1_000);
        assert_eq!(held() - before, 1_000);
        memory.reserve_exact(5_000);
        assert_eq!(held() - before, 5_000);
        let zeroes = vec![0_u8; 300];
        thread::scope(|scope| {
            scope.spawn(|| drop(vec![1_u8; 70_000]));
        });
        assert!((5_300..20_000).contains(&(held() - before)), "{}", held() - before);
        drop((memory, zeroes));
        assert!(held() - before < 15_000, "{}", held() - before);
    }
}
