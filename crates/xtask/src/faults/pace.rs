//! Waiting, in threads that have nothing else to do.

use std::time::Duration;

/// Waits that long.
#[expect(
    clippy::disallowed_methods,
    reason = "these threads wait for other processes, which send no event; nothing here is async"
)]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}
