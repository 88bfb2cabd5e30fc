//! The whole test-suite: tidy, Rust tests, and the official SDKs end to end.

mod debian;
mod node;
mod python;
mod rust;
mod stamp;

use crate::steps::Steps;
use crate::{Outcome, repository, tidy};

/// The variable by which the SDK tests find the program.
const PROGRAM_VARIABLE: &str = "SDK_TESTS_PICTOR";

/// A part of the suite that can be run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Tidy,
    Rust,
    Python,
    Node,
}

impl Part {
    /// The part of this name.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn named(name: &str) -> Outcome<Self> {
        match name {
            "tidy" => Ok(Self::Tidy),
            "rust" => Ok(Self::Rust),
            "python" => Ok(Self::Python),
            "node" => Ok(Self::Node),
            other => Err(format!("--only takes rust, python, node or tidy, not `{other}`")),
        }
    }
}

/// Runs the suite, or one part of it. The first failure ends it.
///
/// # Errors
/// Which step failed, and how.
pub(crate) fn run(only: Option<Part>) -> Outcome {
    let wants = |part| only.is_none_or(|only| only == part);
    let mut steps = Steps::new();
    if wants(Part::Tidy) {
        steps.step("tidy", || tidy::run(&repository::root()))?;
    }
    let python = wants(Part::Python);
    let node = wants(Part::Node);
    if python || node {
        steps.step("tools of the SDK tests", || {
            debian::provide(python, node)?;
            if python {
                python::install()?;
            }
            if node {
                node::install()?;
            }
            Ok(())
        })?;
    }
    if only != Some(Part::Tidy) {
        steps.step("build", rust::build)?;
    }
    if wants(Part::Rust) {
        steps.step("Rust tests", rust::test)?;
    }
    if python {
        steps.step("official SDKs: Python", python::test)?;
    }
    if node {
        steps.step("official SDKs: Node", node::test)?;
    }
    steps.summary();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named() {
        assert_eq!(Part::named("node"), Ok(Part::Node));
        assert!(Part::named("ruby").is_err_and(|why| why.contains("`ruby`")));
    }
}
