//! Which crate may use which, and what the pure one must do without.

use super::source::Source;
use super::{Violation, imports};
use crate::Outcome;
use std::path::Path;

/// The crate that decides: no async, clock, randomness or I/O.
pub(super) const PURE: &str = "planner";

/// Our crates, and those of ours that each may use. Emulators and adapters share nothing, or they would share mistakes.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("planner", &[]),
    ("imaging", &[]),
    ("ratings", &[]),
    ("providers", &["planner"]),
    ("scenes", &[]),
    ("sandbox", &["imaging", "scenes"]),
    ("site", &["planner"]),
    (
        "gateway",
        &[
            "planner",
            "imaging",
            "ratings",
            "providers",
            "scenes",
            "sandbox",
            "site",
        ],
    ),
    ("fuzz", &["planner", "imaging", "providers", "gateway"]),
    ("xtask", &[]),
];

/// Beginnings of the names of crates that the pure one must not use.
const IMPURE: [&str; 24] = [
    "async-",
    "axum",
    "chrono",
    "clap",
    "fastrand",
    "fs-err",
    "futures",
    "getrandom",
    "http",
    "hyper",
    "indicatif",
    "mio",
    "object_store",
    "rand",
    "reqwest",
    "rustls",
    "sqlx",
    "tempfile",
    "time",
    "tokio",
    "tower",
    "tracing",
    "ureq",
    "uuid",
];

/// Sections of a manifest that name dependencies.
const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Parts of paths by which clocks, files and chance come in.
const IMPURE_PATHS: [&[&str]; 14] = [
    &["std", "fs"],
    &["std", "net"],
    &["std", "env"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "io", "stdin"],
    &["std", "io", "stdout"],
    &["std", "io", "stderr"],
    &["std", "time", "*"],
    &["SystemTime"],
    &["Instant"],
    &["Timestamp", "now"],
    &["Zoned", "now"],
    &["RandomState"],
];

/// One crate's manifest.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    text: String,
    manifest: toml::Table,
}

/// The manifests under `crates/`, in order of name.
pub(super) fn read(root: &Path) -> Outcome<Vec<Member>> {
    let folder = root.join("crates");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut members = Vec::new();
    for folder in entries.flatten().map(|entry| entry.path()) {
        let file = folder.join("Cargo.toml");
        // A folder without a manifest is being made or taken away.
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        members.push(member(name, text)?);
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(members)
}

fn member(name: String, text: String) -> Outcome<Member> {
    let manifest = text
        .parse::<toml::Table>()
        .map_err(|error| format!("crates/{name}/Cargo.toml: {error}"))?;
    Ok(Member { name, text, manifest })
}

/// The import table.
pub(super) fn check(members: &[Member]) -> Vec<Violation> {
    let ours: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    members.iter().flat_map(|member| check_member(member, &ours)).collect()
}

fn check_member(member: &Member, ours: &[&str]) -> Vec<Violation> {
    let file = format!("crates/{}/Cargo.toml", member.name);
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == member.name) else {
        return vec![Violation::new(&file, 1, "a crate that the import table does not know")];
    };
    let mut found = Vec::new();
    for (section, name, settings) in dependencies(&member.manifest) {
        let line = line_of(&member.text, &name);
        if ours.contains(&name.as_str()) && !allowed.contains(&name.as_str()) {
            let what = format!("`{}` must not use `{name}`", member.name);
            found.push(Violation::new(&file, line, what));
        }
        if member.name == PURE && section != "dev-dependencies" {
            if IMPURE.iter().any(|beginning| name.starts_with(beginning)) {
                let what = format!("`{name}`: async, clocks, randomness and I/O stay out of the pure crate");
                found.push(Violation::new(&file, line, what));
            }
            if name == "jiff" && settings.to_string().contains("\"std\"") {
                found.push(Violation::new(
                    &file,
                    line,
                    "`jiff` with `std` reads the clock: time is an argument here",
                ));
            }
        }
    }
    found
}

fn dependencies(manifest: &toml::Table) -> Vec<(&'static str, String, toml::Value)> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let tables = targets
        .into_iter()
        .flat_map(|targets| targets.values().filter_map(toml::Value::as_table));
    let mut found = Vec::new();
    for table in std::iter::once(manifest).chain(tables) {
        for section in SECTIONS {
            let listed = table.get(section).and_then(toml::Value::as_table);
            for (key, settings) in listed.into_iter().flatten() {
                let package = settings.get("package").and_then(toml::Value::as_str).unwrap_or(key);
                found.push((section, package.to_owned(), settings.clone()));
            }
        }
    }
    found
}

fn line_of(text: &str, name: &str) -> usize {
    let names = |line: &str| {
        line.trim_start()
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with([' ', '.', '=']))
            || line.contains(&format!("\"{name}\""))
    };
    text.lines().position(names).map_or(1, |index| index + 1)
}

/// Clocks, files and chance in the pure crate's own code.
pub(super) fn check_purity(source: &Source) -> Vec<Violation> {
    let is_impure = |path: &[String]| {
        IMPURE_PATHS
            .iter()
            .any(|impure| path.windows(impure.len()).any(|part| part == *impure))
    };
    imports::read(source)
        .into_iter()
        .filter(|import| is_impure(&import.path))
        .map(|import| {
            let what = format!(
                "`{}` in the pure crate: time, files and chance come in as arguments",
                import.path.join("::")
            );
            Violation::new(&source.path, import.line, what)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, text: &str) -> Vec<String> {
        let member = member(name.to_owned(), text.to_owned()).expect("a manifest");
        let ours = ["planner", "imaging", "providers", "sandbox", "gateway"];
        check_member(&member, &ours).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_table_is_kept() {
        assert!(
            told(
                "providers",
                "[dependencies]\nplanner.workspace = true\ntokio.workspace = true\n"
            )
            .is_empty()
        );
        assert_eq!(
            told(
                "sandbox",
                "[dependencies]\nimaging.workspace = true\nproviders.workspace = true\n"
            ),
            ["crates/sandbox/Cargo.toml:3: `sandbox` must not use `providers`"]
        );
        assert_eq!(
            told("imaging", "[dev-dependencies]\nplanner = { path = \"../planner\" }\n").len(),
            1
        );
        assert_eq!(
            told(
                "imaging",
                "[target.'cfg(unix)'.dependencies]\nx = { package = \"planner\" }\n"
            )
            .len(),
            1
        );
        assert_eq!(told("newcomer", "").len(), 1);
    }

    #[test]
    fn the_pure_crate_stays_pure() {
        assert_eq!(
            told(
                "planner",
                "[dependencies]\ntokio-util.workspace = true\nserde.workspace = true\n"
            )
            .len(),
            1
        );
        assert_eq!(
            told(
                "planner",
                "[dependencies]\njiff = { workspace = true, features = [\"std\"] }\n"
            )
            .len(),
            1
        );
        assert!(
            told(
                "planner",
                "[dependencies]\njiff.workspace = true\n[dev-dependencies]\nrand = \"1\"\n"
            )
            .is_empty()
        );
        let text = "//! X.\nfn a() { std::time::Instant::now(); }\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        let source = Source::of("crates/planner/src/a.rs", text);
        assert_eq!(check_purity(&source).len(), 1);
    }
}
