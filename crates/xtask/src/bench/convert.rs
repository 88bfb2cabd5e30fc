//! Conversion beside Pillow and sharp: they are installed here, and the measuring is the image crate's own benchmark.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::path::PUBLISHED;
use crate::{Outcome, console, repository, steps};

/// What each peer is run from.
const PILLOW: &str = include_str!("convert/pillow.py");
const SHARP: &str = include_str!("convert/sharp.mjs");

/// Measures every pair of formats and keeps the figures.
pub(super) fn run() -> Outcome {
    let folder = repository::target().join("bench-converters");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut peers = serde_json::Map::new();
    for (name, installed) in [("Pillow", pillow(&folder)), ("sharp", sharp(&folder))] {
        match installed {
            Ok(words) => {
                peers.insert(name.to_owned(), words.into());
            }
            Err(why) => console::line(&format!("  {name} is left out: {why}")),
        }
    }
    let into = repository::root().join(PUBLISHED);
    std::fs::create_dir_all(&into).map_err(|error| error.to_string())?;
    let mut cargo = super::cargo();
    cargo
        .args(["bench", "-p", "imaging", "--bench", "convert"])
        .env("PICTOR_BENCH_PEERS", serde_json::Value::from(peers).to_string())
        .env("PICTOR_BENCH_INTO", into.join("convert.json"));
    steps::run(&mut cargo)
}

fn put(folder: &Path, name: &str, text: &str) -> Outcome<PathBuf> {
    let file = folder.join(name);
    std::fs::write(&file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(file)
}

fn words(all: [&Path; 2]) -> Vec<String> {
    all.map(|word| word.display().to_string()).to_vec()
}

fn pillow(folder: &Path) -> Outcome<Vec<String>> {
    let python = folder.join("python");
    if !python.join("lib").is_dir() {
        steps::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&python))?;
    }
    steps::run(Command::new(python.join("bin/pip")).args(["install", "--quiet", "pillow>=11.3"]))?;
    let script = put(folder, "pillow.py", PILLOW)?;
    Ok(words([&python.join("bin/python"), &script]))
}

fn sharp(folder: &Path) -> Outcome<Vec<String>> {
    let node = folder.join("node");
    std::fs::create_dir_all(&node).map_err(|error| error.to_string())?;
    if !node.join("node_modules/sharp").is_dir() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-save", "--prefix"])
            .arg(&node)
            .arg("sharp");
        steps::run(&mut npm)?;
    }
    let script = put(folder, "sharp.mjs", SHARP)?;
    let mut all = words([Path::new("node"), &script]);
    all.push(node.join("x.js").display().to_string());
    Ok(all)
}
