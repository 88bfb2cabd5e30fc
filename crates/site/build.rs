//! Names assets by what they hold, compresses them, and gathers the guides.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// One asset on its way into the program.
struct Asset {
    /// The name by which templates call it.
    name: String,
    /// The name under which it is served.
    served: String,
    content_type: &'static str,
    bytes: Vec<u8>,
}

/// Quality of brotli's compression, 0 to 11: past this the build takes longer and the files are hardly smaller.
const BROTLI_QUALITY: i32 = 9;
/// Size of brotli's window, as a power of two.
const BROTLI_WINDOW: i32 = 22;

fn main() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it"));
    assets(&root.join("assets"), &out);
    guides(&root.join("../../docs"), &out);
    crates(&root, &out);
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// Files of a folder with one of these endings, by name.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|ending| endings.iter().any(|known| ending == *known))
        })
        .collect();
    found.sort();
    for path in &found {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    found
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("a file").to_string_lossy().into_owned()
}

/// 64 bits of FNV-1a: a name for a version, no defence.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn asset(name: &str, bytes: Vec<u8>) -> Asset {
    let (stem, ending) = name.rsplit_once('.').expect("every asset has an ending");
    let content_type = match ending {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "webp" => "image/webp",
        "png" => "image/png",
        other => panic!("no content type is known for .{other}"),
    };
    Asset {
        name: name.to_owned(),
        served: format!("{stem}.{:016x}.{ending}", hash(&bytes)),
        content_type,
        bytes,
    }
}

fn assets(folder: &Path, out: &Path) {
    let mut all: Vec<Asset> = files(&folder.join("fonts"), &["woff2"])
        .iter()
        .map(|path| asset(&name_of(path), read(path)))
        .collect();
    let mut css = String::new();
    for part in ["tokens.css", "site.css"] {
        let path = folder.join(part);
        println!("cargo::rerun-if-changed={}", path.display());
        css.push_str(&String::from_utf8(read(&path)).expect("a style sheet is text"));
    }
    for font in &all {
        css = css.replace(&format!("url(fonts/{})", font.name), &format!("url({})", font.served));
    }
    all.push(asset("site.css", css.into_bytes()));
    let others = files(folder, &["svg", "png"]);
    let scripts = files(&folder.join("js"), &["js"]);
    for path in others.iter().chain(&scripts) {
        if name_of(path) != "icons.svg" {
            all.push(asset(&name_of(path), read(path)));
        }
    }
    link_modules(&mut all);
    let mut table = String::from("static ASSETS: &[Asset] = &[\n");
    for asset in &all {
        let file = |ending: &str, bytes: &[u8]| {
            let path = out.join(format!("{}{ending}", asset.served));
            fs::write(&path, bytes).expect("the build folder is writable");
            format!("include_bytes!({:?})", path.display().to_string())
        };
        let plain = file("", &asset.bytes);
        let is_packed = matches!(asset.content_type, "font/woff2" | "image/webp" | "image/png");
        let compressed = |packed: Vec<u8>, ending: &str| {
            if is_packed || packed.len() >= asset.bytes.len() {
                "None".to_owned()
            } else {
                format!("Some({})", file(ending, &packed))
            }
        };
        let gzip = compressed(gzip(&asset.bytes), ".gz");
        let brotli = compressed(brotli(&asset.bytes), ".br");
        writeln!(
            table,
            "Asset {{ name: {:?}, path: {:?}, content_type: {:?}, plain: {plain}, gzip: {gzip}, brotli: {brotli} }},",
            asset.name,
            format!("/assets/{}", asset.served),
            asset.content_type,
        )
        .expect("writing to a string");
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table).expect("the build folder is writable");
}

/// Puts the served names into modules that import others by `./name.js`. One that is imported comes first, since its name is
/// part of what the importing one holds.
fn link_modules(all: &mut [Asset]) {
    let mut waiting: Vec<usize> = (0..all.len())
        .filter(|index| all[*index].name.ends_with(".js"))
        .collect();
    let mut linked: Vec<(String, String)> = Vec::new();
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|index| {
            let text = String::from_utf8(all[*index].bytes.clone()).expect("a script is text");
            let known = linked
                .iter()
                .fold(text, |text, (name, served)| text.replace(name, served));
            // What is left names one that waits itself.
            let is_left = known.split("\"./").skip(1).any(|rest| {
                rest.split('"')
                    .next()
                    .is_some_and(|name| all.iter().any(|other| other.name == name))
            });
            if !is_left {
                let made = asset(&all[*index].name, known.into_bytes());
                linked.push((format!("\"./{}\"", made.name), format!("\"./{}\"", made.served)));
                all[*index] = made;
            }
            is_left
        });
        assert!(waiting.len() < before, "scripts import each other in a circle");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes).expect("writing to memory");
    writer.finish().expect("writing to memory")
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &bytes[..], &mut packed, &parameters).expect("writing to memory");
    packed
}

/// Every guide by its name, and the list that puts them into groups.
fn guides(folder: &Path, out: &Path) {
    let list = folder.join("guides.toml");
    println!("cargo::rerun-if-changed={}", list.display());
    let text = fs::read_to_string(&list).unwrap_or_default();
    let mut table = format!("static LIST: &str = {text:?};\nstatic TEXTS: &[(&str, &str)] = &[\n");
    for path in files(folder, &["md"]) {
        let text = String::from_utf8(read(&path)).expect("a guide is text");
        let name = name_of(&path);
        writeln!(table, "({:?}, {text:?}),", name.trim_end_matches(".md")).expect("writing to a string");
    }
    table.push_str("];\n");
    fs::write(out.join("guides.rs"), table).expect("the build folder is writable");
}

/// The crates that the program is made of, each with its version and license.
fn crates(root: &Path, out: &Path) {
    println!("cargo::rerun-if-changed={}", root.join("../../Cargo.lock").display());
    let found = tree(root).map(|lines| shipped(&lines)).unwrap_or_default();
    let mut table = String::from("static CRATES: &[(&str, &str, &str)] = &[\n");
    for (name, version, license) in found {
        writeln!(table, "({name:?}, {version:?}, {license:?}),").expect("writing to a string");
    }
    table.push_str("];\n");
    fs::write(out.join("crates.rs"), table).expect("the build folder is writable");
}

/// What cargo says that the program needs when it runs, a crate a line: `name version (...)`, a tab, its license. `None` where it
/// cannot tell, as in some sandboxes of package builders: the list is then empty, and the page says so.
fn tree(root: &Path) -> Option<String> {
    let cargo = std::env::var_os("CARGO")?;
    let target = std::env::var("TARGET").ok()?;
    let output = std::process::Command::new(cargo)
        .args(["tree", "--package", "gateway", "--edges", "normal", "--prefix", "none"])
        .args([
            "--format",
            "{p}\t{l}",
            "--no-dedupe",
            "--locked",
            "--offline",
            "--target",
            &target,
        ])
        .current_dir(root)
        .output()
        .ok()?;
    output.status.success().then_some(())?;
    String::from_utf8(output.stdout).ok()
}

/// Those that others wrote, each once.
fn shipped(lines: &str) -> std::collections::BTreeSet<(String, String, String)> {
    let own = |line: &&str| !line.contains("(/");
    let parts = |line: &str| {
        let (package, license) = line.split_once('\t')?;
        let mut words = package.split(' ');
        let name = words.next()?.to_owned();
        let version = words.next()?.trim_start_matches('v').to_owned();
        Some((name, version, license.trim().to_owned()))
    };
    lines.lines().filter(own).filter_map(parts).collect()
}
