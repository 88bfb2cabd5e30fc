//! Conversion from each format to each other, beside other libraries at equal quality: time, bytes, and how near the result is
//! to the picture it was made from (SSIMULACRA2: 100 is the same, 90 cannot be told apart beside each other).
//!
//! `PICTOR_BENCH_PEERS` names programs that convert as well, as JSON: `{"sharp": ["node", "worker.mjs"]}`. Each reads a line
//! of JSON an order (`from`, `to`, `quality`, `into`, `runs`) and answers a line of JSON (`ms`, the median of these runs, or
//! `error`). A peer's quality is the least at which its result is as near as ours at the default.
#![expect(clippy::print_stdout, reason = "a benchmark tells its figures")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use imaging::{Bitmap, DecodeLimits, ImageFormat, decode, encode};
use serde_json::{Value, json};
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Runs of each measurement; the median counts.
const RUNS: usize = 5;
/// How much worse a peer's picture may be than ours and still be as good.
const SCORE_SLACK: f64 = 0.3;
/// A real picture of this repository, beside a drawn one.
const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/first-image.jpg");
const SIDE_PX: u32 = 1024;

/// A program that converts.
struct Peer {
    name: String,
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(name: &str, words: &[String]) -> Outcome<Self> {
        let (program, arguments) = words.split_first().ok_or("a peer without a program")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().ok_or("no pipe to a peer")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no pipe from a peer")?);
        Ok(Self {
            name: name.to_owned(),
            child,
            orders,
            answers,
        })
    }

    /// Milliseconds of one conversion into the file `into`.
    fn convert(&mut self, from: &Path, to: ImageFormat, quality: u8, into: &Path, runs: usize) -> Outcome<f64> {
        let order = json!({ "from": from, "to": to.to_string(), "quality": quality, "into": into, "runs": runs });
        writeln!(self.orders, "{order}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let told: Value = serde_json::from_str(&line).map_err(|error| format!("{}: {error}: {line}", self.name))?;
        told["ms"].as_f64().ok_or_else(|| told.to_string().into())
    }

    /// The conversion at the least quality whose result is as near to `original` as `score`: time, bytes, score, quality. The
    /// best there is, if none is.
    fn as_good(&mut self, from: &Path, to: ImageFormat, original: &Bitmap, score: f64, into: &Path) -> Outcome<Value> {
        let (mut low, mut high) = (1, 100);
        let has_quality = matches!(to, ImageFormat::Jpeg | ImageFormat::Webp | ImageFormat::Avif);
        while has_quality && low < high {
            let middle = (low + high) / 2;
            self.convert(from, to, middle, into, 1)?;
            if nearness(original, &std::fs::read(into)?)? >= score - SCORE_SLACK {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let ms = self.convert(from, to, high, into, RUNS)?;
        let bytes = std::fs::read(into)?;
        Ok(
            json!({ "ms": ms, "bytes": bytes.len(), "score": nearness(original, &bytes)?, "quality": has_quality.then_some(high) }),
        )
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn peers() -> Outcome<Vec<Peer>> {
    let Ok(text) = std::env::var("PICTOR_BENCH_PEERS") else {
        return Ok(Vec::new());
    };
    let named: BTreeMap<String, Vec<String>> = serde_json::from_str(&text)?;
    named.iter().map(|(name, words)| Peer::start(name, words)).collect()
}

fn rgb(bitmap: &Bitmap) -> Outcome<Rgb> {
    let unit = |value: u8| f32::from(value) / 255.0;
    let flat = bitmap.clone().flatten_on([255; 3]);
    let pixels = flat
        .rgba()
        .chunks_exact(4)
        .map(|of| [unit(of[0]), unit(of[1]), unit(of[2])]);
    let (width, height) = (flat.width_px() as usize, flat.height_px() as usize);
    Rgb::new(
        pixels.collect(),
        width,
        height,
        TransferCharacteristic::SRGB,
        ColorPrimaries::BT709,
    )
    .map_err(|error| error.to_string().into())
}

/// How near a file is to a picture.
fn nearness(original: &Bitmap, file: &[u8]) -> Outcome<f64> {
    let made = decode(file, &DecodeLimits::default())?;
    Ok(compute_frame_ssimulacra2(rgb(original)?, rgb(&made)?)?)
}

/// Slow changes, edges and grain.
fn drawn() -> Outcome<Bitmap> {
    let mut noise = 12_345_u32;
    let mut rgba = Vec::with_capacity((SIDE_PX * SIDE_PX * 4) as usize);
    for y in 0..SIDE_PX {
        for x in 0..SIDE_PX {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (noise >> 28) as f32;
            let (fx, fy) = (x as f32 / 90.0, y as f32 / 70.0);
            let wave = (fx.sin() + (fy + fx * 0.3).cos()) * 40.0;
            let stripe = if (x / 64 + y / 96) % 5 == 0 { 70.0 } else { 0.0 };
            let red = 120.0 + wave + grain;
            rgba.extend([red as u8, (90.0 + stripe + grain) as u8, (160.0 - wave) as u8, 255]);
        }
    }
    Ok(Bitmap::new(SIDE_PX, SIDE_PX, rgba)?)
}

fn median_ms<T>(mut run: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let _ = std::hint::black_box(run());
            start.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

fn ours(file: &[u8], to: ImageFormat, original: &Bitmap) -> Outcome<(Value, f64)> {
    let limits = DecodeLimits::default();
    let convert = || decode(file, &limits).and_then(|bitmap| encode(&bitmap, to, None));
    let made = convert()?;
    let score = nearness(original, &made)?;
    let told = json!({ "ms": median_ms(convert), "bytes": made.len(), "score": score });
    Ok((told, score))
}

fn row(name: &str, told: &Value, ours: &Value) -> String {
    let number = |value: &Value, field: &str| value[field].as_f64().unwrap_or(f64::NAN);
    format!(
        "{name:>8} {:>8.1} ms {:>9.0} bytes  score {:>5.1}  x {:.2}",
        number(told, "ms"),
        number(told, "bytes"),
        number(told, "score"),
        number(told, "ms") / number(ours, "ms")
    )
}

fn main() -> Outcome<()> {
    let folder = std::env::temp_dir().join(format!("pictor-convert-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut peers = peers()?;
    let photo = decode(&std::fs::read(PICTURE)?, &DecodeLimits::default())?.to_srgb();
    let mut rows = Vec::new();
    println!("x: how many times longer than Pictor takes, at equal quality");
    for (picture, original) in [("picture", photo), ("drawing", drawn()?)] {
        for from in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Webp,
            ImageFormat::Avif,
        ] {
            let source: PathBuf = folder.join(format!("source.{from}"));
            std::fs::write(&source, encode(&original, from, Some(95))?)?;
            let file = std::fs::read(&source)?;
            let original = decode(&file, &DecodeLimits::default())?;
            for to in ImageFormat::ALL.into_iter().filter(|to| *to != from) {
                println!("{picture}, {from} to {to}");
                let (own, score) = ours(&file, to, &original)?;
                println!("{}", row("Pictor", &own, &own));
                let mut told = serde_json::Map::from_iter([("Pictor".to_owned(), own.clone())]);
                for peer in &mut peers {
                    let made = peer.as_good(&source, to, &original, score, &folder.join(format!("made.{to}")));
                    let made = made.unwrap_or_else(|error| json!({ "error": error.to_string() }));
                    println!("{}", row(&peer.name, &made, &own));
                    told.insert(peer.name.clone(), made);
                }
                rows.push(json!({ "picture": picture, "from": from.to_string(), "to": to.to_string(), "by": told }));
            }
        }
    }
    std::fs::remove_dir_all(&folder)?;
    if let Ok(into) = std::env::var("PICTOR_BENCH_INTO") {
        let told = json!({ "runs": RUNS, "score": "SSIMULACRA2", "rows": rows });
        std::fs::write(into, format!("{told:#}\n"))?;
    }
    Ok(())
}
