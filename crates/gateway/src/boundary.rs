//! Places between the stages of a generation where a test stops the process, to kill it there.

/// Names the stage after which a test build stops: it says so on standard error and goes no further.
#[cfg(debug_assertions)]
const VARIABLE: &str = "PICTOR_TEST_STOP_AFTER";

/// A stage is over. In test builds, the process may be told to stop here.
#[cfg(debug_assertions)]
pub(crate) fn passed(stage: &str) {
    use std::io::Write as _;
    if std::env::var(VARIABLE).is_ok_and(|wanted| wanted == stage) {
        let _ = writeln!(std::io::stderr(), "stopped after {stage}");
        // Tasks that wait for this thread go to another one: all but this one goes on, as it would until a real death.
        tokio::task::block_in_place(|| {
            loop {
                std::thread::park();
            }
        });
    }
}

/// A stage is over.
#[cfg(not(debug_assertions))]
pub(crate) const fn passed(_stage: &str) {}
