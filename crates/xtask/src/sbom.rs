//! What the program is made of, as a CycloneDX document: every crate that is linked into it on some platform, with its licence and checksum.

use crate::{Outcome, console, environment, repository};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The crate of the program.
const PROGRAM: &str = "gateway";

/// Writes the document to `file`, or to `target/pictor.cdx.json`.
///
/// # Errors
/// Cargo fails, or the file cannot be written.
pub(crate) fn run(file: Option<&str>) -> Outcome {
    let root = repository::root();
    let mut cargo = environment::cargo();
    cargo.args(["metadata", "--format-version", "1", "--locked"]);
    let output = cargo.output().map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo's answer is not JSON: {error}"))?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).map_err(|error| format!("Cargo.lock: {error}"))?;
    let document = document(&metadata, &checksums(&lock)?)?;
    let path = file.map_or_else(|| repository::target().join("pictor.cdx.json"), Into::into);
    let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
    std::fs::write(&path, text + "\n").map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    let count = document["components"].as_array().map_or(0, Vec::len);
    console::line(&format!("{count} components: {}", path.display()));
    Ok(())
}

/// SHA-256 of each package by name and version.
fn checksums(lock: &str) -> Outcome<BTreeMap<(String, String), String>> {
    let lock: toml::Table = lock.parse().map_err(|error| format!("Cargo.lock: {error}"))?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let told = packages.into_iter().flatten().filter_map(|package| {
        let text = |name: &str| package.get(name)?.as_str().map(ToOwned::to_owned);
        Some(((text("name")?, text("version")?), text("checksum")?))
    });
    Ok(told.collect())
}

fn document(metadata: &Value, checksums: &BTreeMap<(String, String), String>) -> Outcome<Value> {
    let packages = list(&metadata["packages"]);
    let program = packages
        .iter()
        .find(|package| package["name"] == PROGRAM)
        .ok_or("there is no such crate")?;
    let linked = linked(metadata, &program["id"]);
    let mut components: Vec<Value> = packages
        .iter()
        .filter(|package| linked.contains(&text(&package["id"])))
        .map(|package| component(package, checksums))
        .collect();
    components.sort_by_key(|component| text(&component["bom-ref"]));
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": "pictor", "name": "pictor", "version": program["version"],
                "licenses": [{ "expression": program["license"] }],
            },
        },
        "components": components,
    }))
}

/// The ids of what is linked into a package, itself left out: neither what only tests nor what only builds need.
fn linked(metadata: &Value, program: &Value) -> BTreeSet<String> {
    let nodes: BTreeMap<String, &Value> = list(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| (text(&node["id"]), node))
        .collect();
    let mut seen = BTreeSet::new();
    let mut open = vec![text(program)];
    while let Some(id) = open.pop() {
        let Some(node) = nodes.get(&id) else { continue };
        for dependency in list(&node["deps"]) {
            let is_linked = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            let package = text(&dependency["pkg"]);
            if is_linked && seen.insert(package.clone()) {
                open.push(package);
            }
        }
    }
    seen
}

fn component(package: &Value, checksums: &BTreeMap<(String, String), String>) -> Value {
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    let purl = format!("pkg:cargo/{name}@{version}");
    let mut component = json!({ "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl });
    if let Some(license) = package["license"].as_str() {
        // A slash was once the word for "or".
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if let Some(sum) = checksums.get(&(name, version)) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    component
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_is_listed_and_what_tests_need_is_not() {
        let package = |name: &str| json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0" });
        let dependency = |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [package(PROGRAM), package("a"), package("b"), package("c")],
            "resolve": { "nodes": [
                { "id": PROGRAM, "deps": [dependency("a", Value::Null), dependency("c", json!("dev"))] },
                { "id": "a", "deps": [dependency("b", Value::Null)] },
                { "id": "b", "deps": [] },
            ] },
        });
        let sums = checksums("[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"00ff\"\n").expect("a lock");
        let document = document(&metadata, &sums).expect("a document");
        let components = list(&document["components"]);
        let names: Vec<String> = components.iter().map(|component| text(&component["name"])).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(components[0]["hashes"][0]["content"], "00ff");
        assert_eq!(components[0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
    }
}
