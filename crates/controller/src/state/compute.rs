//! Work that takes more than a millisecond, on a thread that also runs tasks.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// Computes while another thread of the runtime goes on with the tasks of this one. How much there is to compute is the
/// caller's to bound.
pub(crate) fn compute<T>(work: impl FnOnce() -> T) -> T {
    // Tests have a runtime of one thread, which can hand nothing over.
    let can_hand_over =
        Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if can_hand_over { block_in_place(work) } else { work() }
}
