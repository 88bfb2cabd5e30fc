//! The whole test-suite: tidy, Rust tests on both databases, the official SDKs end to end, the site in a browser, and a short
//! run of the fault runner. Beside it, parts that are run by their names alone: programs of others, whose packages are many.

mod node;
mod previous;
mod python;
mod rust;
mod site;
mod stamp;

use crate::postgres::{self, Cluster, Durability};
use crate::steps::{Line, Steps};
use crate::{Outcome, debian, faults, repository, steps, tidy};

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
    /// The site's part over every model, with every sample.
    Pages,
    Clients,
    Deploy,
    /// The front-door tests on days to come.
    Later,
    /// The replacement of the previous release, which it builds, under load.
    Upgrade,
    Faults,
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
            "pages" => Ok(Self::Pages),
            "clients" => Ok(Self::Clients),
            "deploy" => Ok(Self::Deploy),
            "later" => Ok(Self::Later),
            "upgrade" => Ok(Self::Upgrade),
            "faults" => Ok(Self::Faults),
            other => Err(format!(
                "--only takes rust, postgres, python, node, site, pages, clients, deploy, later, upgrade, faults or tidy, not `{other}`"
            )),
        }
    }
}

/// Whether a run of all parts, or of one, has this one.
fn is_wanted(only: Option<Part>, part: Part) -> bool {
    only.map_or(
        ![Part::Pages, Part::Clients, Part::Deploy, Part::Later, Part::Upgrade].contains(&part),
        |only| only == part,
    )
}

/// Runs the suite, or one part of it. A part that fails does not keep the next from running.
///
/// # Errors
/// Which steps failed, and how.
pub(crate) fn run(only: Option<Part>) -> Outcome {
    let mut steps = Steps::new();
    run_parts(only, &mut steps);
    steps.summary();
    steps.outcome()
}

fn run_parts(only: Option<Part>, steps: &mut Steps) {
    let wants = |part| is_wanted(only, part);
    if wants(Part::Tidy) {
        steps.step("tidy", || tidy::run(&repository::root()));
    }
    if only == Some(Part::Tidy) {
        return;
    }
    if only != Some(Part::Rust) && !steps.step("tools of the tests", || provide_tools(wants)) {
        return;
    }
    if !steps.step("build", rust::build) {
        return;
    }
    if wants(Part::Rust) {
        steps.step("Rust tests", rust::test);
    }
    if wants(Part::Postgres) {
        steps.step("Rust tests on PostgreSQL", || {
            let cluster = Cluster::start(Durability::None)?;
            rust::test_on_postgres(&cluster.url())
        });
    }
    // Each of these lines uses about one core.
    steps.beside(vec![sdks(wants), browser(wants)]);
    if wants(Part::Clients) {
        steps.step("clients of others", || python::CLIENTS.test());
    }
    if wants(Part::Deploy) {
        steps.step("deployment", || python::DEPLOY.test());
    }
    if wants(Part::Later) {
        steps.step("Rust tests on days to come", rust::test_later);
    }
    if wants(Part::Upgrade) {
        steps.step("replacement of the previous release", upgrade);
    }
    if wants(Part::Faults) {
        steps.step("faults, a short run", || faults::run(&faults::SHORT));
    }
}

/// On SQLite, and on PostgreSQL.
fn upgrade() -> Outcome {
    let program = previous::build()?;
    rust::test_replacement(&program, None)?;
    let cluster = Cluster::start(Durability::None)?;
    rust::test_replacement(&program, Some(&cluster.url()))
}

fn sdks(wants: impl Fn(Part) -> bool) -> Line<'static> {
    let mut line: Line<'static> = Vec::new();
    if wants(Part::Python) {
        line.push(("official SDKs: Python", Box::new(|| python::SDKS.test())));
    }
    if wants(Part::Node) {
        line.push(("official SDKs: Node", Box::new(node::test)));
    }
    line
}

fn browser(wants: impl Fn(Part) -> bool) -> Line<'static> {
    let mut line: Line<'static> = Vec::new();
    if wants(Part::Site) {
        line.push(("site in a browser", Box::new(site::test)));
    }
    if wants(Part::Pages) {
        line.push(("every model's page, and every sample", Box::new(site::test_all)));
    }
    line
}

fn provide_tools(wants: impl Fn(Part) -> bool) -> Outcome {
    let mut packages = Vec::new();
    if wants(Part::Postgres) || wants(Part::Upgrade) {
        packages.extend(postgres::missing());
    }
    if wants(Part::Python) || wants(Part::Clients) || wants(Part::Deploy) {
        packages.extend(python::missing());
    }
    if wants(Part::Deploy) {
        let programs = [("promtool", "prometheus"), ("systemd-analyze", "systemd")];
        let missing = programs.iter().filter(|(name, _)| !steps::works(name, &["--version"]));
        packages.extend(missing.map(|(_, package)| *package));
    }
    // Samples are run as readers run them, with the clients that the SDKs' tests have.
    if wants(Part::Pages) {
        packages.extend(python::missing());
        packages.extend(site::missing());
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
    if wants(Part::Python) || wants(Part::Pages) {
        python::SDKS.install()?;
    }
    if wants(Part::Clients) {
        python::CLIENTS.install()?;
    }
    if wants(Part::Deploy) {
        python::DEPLOY.install()?;
    }
    if wants(Part::Node) || wants(Part::Pages) {
        node::install()?;
    }
    if wants(Part::Site) || wants(Part::Pages) {
        site::install()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_run_by_its_name_alone_is_no_part_of_the_whole() {
        assert!(is_wanted(None, Part::Python) && !is_wanted(None, Part::Clients));
        assert!(is_wanted(Some(Part::Clients), Part::Clients) && !is_wanted(Some(Part::Clients), Part::Python));
    }

    #[test]
    fn parts_are_named() {
        assert_eq!(Part::named("node"), Ok(Part::Node));
        assert_eq!(Part::named("postgres"), Ok(Part::Postgres));
        assert_eq!(Part::named("clients"), Ok(Part::Clients));
        assert!(Part::named("ruby").is_err_and(|why| why.contains("`ruby`")));
    }
}
