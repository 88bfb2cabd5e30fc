//! The whole test-suite: tidy, Rust tests on both databases, the official SDKs end to end, and the site in a browser.

mod node;
mod python;
mod rust;
mod site;
mod stamp;

use crate::postgres::{self, Cluster, Durability};
use crate::steps::Steps;
use crate::{Outcome, debian, repository, tidy};

/// The variable by which the tests in Python and Node find the program.
const PROGRAM_VARIABLE: &str = "SDK_TESTS_PICTOR";

/// A part of the suite that can be run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Tidy,
    Rust,
    Postgres,
    Python,
    Node,
    Site,
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
            "postgres" => Ok(Self::Postgres),
            "python" => Ok(Self::Python),
            "node" => Ok(Self::Node),
            "site" => Ok(Self::Site),
            other => Err(format!(
                "--only takes rust, postgres, python, node, site or tidy, not `{other}`"
            )),
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
    if only.is_none_or(|only| ![Part::Tidy, Part::Rust].contains(&only)) {
        steps.step("tools of the tests", || provide_tools(wants))?;
    }
    if only != Some(Part::Tidy) {
        steps.step("build", rust::build)?;
    }
    if wants(Part::Rust) {
        steps.step("Rust tests", rust::test)?;
    }
    if wants(Part::Postgres) {
        steps.step("Rust tests on PostgreSQL", || {
            let cluster = Cluster::start(Durability::None)?;
            rust::test_on_postgres(&cluster.url())
        })?;
    }
    if wants(Part::Python) {
        steps.step("official SDKs: Python", python::test)?;
    }
    if wants(Part::Node) {
        steps.step("official SDKs: Node", node::test)?;
    }
    if wants(Part::Site) {
        steps.step("site in a browser", site::test)?;
    }
    steps.summary();
    Ok(())
}

fn provide_tools(wants: impl Fn(Part) -> bool) -> Outcome {
    let mut packages = Vec::new();
    if wants(Part::Postgres) {
        packages.extend(postgres::missing());
    }
    if wants(Part::Python) {
        packages.extend(python::missing());
    }
    if wants(Part::Node) {
        packages.extend(node::missing());
    }
    if wants(Part::Site) {
        packages.extend(site::missing());
    }
    packages.sort_unstable();
    packages.dedup();
    debian::install(&packages)?;
    if wants(Part::Python) {
        python::install()?;
    }
    if wants(Part::Node) {
        node::install()?;
    }
    if wants(Part::Site) {
        site::install()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named() {
        assert_eq!(Part::named("node"), Ok(Part::Node));
        assert_eq!(Part::named("postgres"), Ok(Part::Postgres));
        assert!(Part::named("ruby").is_err_and(|why| why.contains("`ruby`")));
    }
}
