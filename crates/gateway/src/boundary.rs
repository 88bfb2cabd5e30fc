//! Places in a generation where a test stops the process, to kill it there, or lets something fail.

/// Names the stage after which a test build stops: it says so on standard error and goes no further. `accept:2` is the
/// second time that the stage is over.
#[cfg(debug_assertions)]
const STOP_VARIABLE: &str = "PICTOR_TEST_STOP_AFTER";
/// Names what fails in a test build: `file:3:fail` lets the third write to the media store fail, `file:3:die` ends the
/// process there, `file:3:hang` lets it take longer than anything is waited for.
#[cfg(debug_assertions)]
const STRIKE_VARIABLE: &str = "PICTOR_TEST_STRIKE";

/// How long what hangs does. Longer than the journal, and whoever asks it, waits for anything.
#[cfg(debug_assertions)]
const HANG: std::time::Duration = std::time::Duration::from_secs(6);

/// Whether a request has come: what is done at the start is not struck.
#[cfg(debug_assertions)]
static BEGUN: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// A stage is over. In test builds, the process may be told to stop here.
#[cfg(debug_assertions)]
pub(crate) fn passed(stage: &str) {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicUsize, Ordering};
    static PASSED: AtomicUsize = AtomicUsize::new(0);
    BEGUN.store(true, Ordering::Relaxed);
    let Ok(wanted) = std::env::var(STOP_VARIABLE) else {
        return;
    };
    let (name, count) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if name != stage || PASSED.fetch_add(1, Ordering::Relaxed) + 1 != count.parse().unwrap_or(1) {
        return;
    }
    let _ = writeln!(std::io::stderr(), "stopped after {stage}");
    // Tasks that wait for this thread go to another one: all but this one goes on, as it would until a real death.
    tokio::task::block_in_place(|| {
        loop {
            std::thread::park();
        }
    });
}

/// A stage is over.
#[cfg(not(debug_assertions))]
pub(crate) const fn passed(_stage: &str) {}

/// Something outside is about to be used that may fail: `statement` for a write to the database, `file` for one to the media
/// store, `shelf` for one of an image that waits for it, `spool` for one to a file of the spool, `socket` for a piece of an
/// answer. In test builds, a test may have ordered that.
///
/// # Errors
/// When it is to fail.
#[cfg(debug_assertions)]
pub(crate) fn outside(kind: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicUsize, Ordering};
    static USED: AtomicUsize = AtomicUsize::new(0);
    let Ok(order) = std::env::var(STRIKE_VARIABLE) else {
        return Ok(());
    };
    let mut words = order.split(':');
    let (wanted, count, how) = (words.next(), words.next(), words.next());
    let count: Option<usize> = count.and_then(|count| count.parse().ok());
    if !BEGUN.load(Ordering::Relaxed) || wanted != Some(kind) || Some(USED.fetch_add(1, Ordering::Relaxed) + 1) != count
    {
        return Ok(());
    }
    let _ = writeln!(std::io::stderr(), "struck at {order}");
    match how {
        Some("die") => std::process::abort(),
        Some("hang") => {
            stand_still();
            Ok(())
        }
        _ => Err(std::io::Error::other("a test lets this fail")),
    }
}

#[cfg(debug_assertions)]
#[expect(
    clippy::disallowed_methods,
    reason = "the thread itself stands still, as in a call to a system that does not answer"
)]
fn stand_still() {
    std::thread::sleep(HANG);
}

/// Something outside is about to be used that may fail.
///
/// # Errors
/// Never here.
#[cfg(not(debug_assertions))]
pub(crate) const fn outside(_kind: &str) -> std::io::Result<()> {
    Ok(())
}
