//! How much the gateway grows while one large upstream answer passes through it, unconverted.

use super::http;
use super::server::Server;
use crate::{Outcome, console};
use serde_json::{Value, json};

/// Growth allowed, whatever the answer's size. In bytes.
const MARK_BYTES: u64 = 8 * 1024 * 1024;
/// The upstream's image, in bytes; base64 adds a third on the wire.
const IMAGE_BYTES: u64 = 32 * 1024 * 1024;
/// Small answers first: connections, threads and the allocator's own pools are no part of the growth.
const WARM_UP_CALLS: usize = 8;
/// Large answers of each kind; the worst counts.
const ROUNDS: usize = 3;
/// An offer that is asked for PNG and answers it, so that nothing is converted.
const MODEL: &str = "openai/gpt-image-1";
const MEBIBYTE: f64 = 1024.0 * 1024.0;

pub(super) fn run() -> Outcome {
    let sandbox = Server::start(&["sandbox", "--listen", "127.0.0.1:0"], &[])?;
    let data = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let upstream = format!("{}/openai/v1", sandbox.url);
    let gateway = Server::start(
        &["serve"],
        &[
            ("PICTOR_LISTEN", "127.0.0.1:0"),
            ("PICTOR_DATA_DIR", &data.path().to_string_lossy()),
            ("PICTOR_OPENAI_BASE_URL", &upstream),
            ("PICTOR_OPENAI_API_KEY", "sk-sandbox"),
        ],
    )?;
    let key = std::fs::read_to_string(data.path().join("first-key"))
        .map_err(|error| format!("the gateway wrote no first key: {error}"))?;
    let key = key.trim();
    for format in ["url", "b64_json"].into_iter().cycle().take(WARM_UP_CALLS) {
        generate(&gateway, key, format, "")?;
    }
    console::line(&format!(
        "\none answer of {:.0} MiB through the gateway; growth allowed: {:.0} MiB\n",
        mebibytes(IMAGE_BYTES),
        mebibytes(MARK_BYTES)
    ));
    console::line("  response_format   before MiB   peak MiB   growth MiB   growth / image");
    let mut worst = 0;
    for format in ["url", "b64_json"] {
        for _ in 0..ROUNDS {
            let growth = growth(&gateway, key, format)?;
            worst = worst.max(growth);
        }
    }
    if worst > MARK_BYTES {
        return Err(format!("memory grew by {:.1} MiB, above the mark", mebibytes(worst)));
    }
    console::line(&format!("\nworst growth {:.1} MiB: below the mark", mebibytes(worst)));
    Ok(())
}

fn growth(gateway: &Server, key: &str, format: &str) -> Outcome<u64> {
    gateway.reset_peak()?;
    let before = gateway.memory("VmRSS")?;
    let bytes = generate(gateway, key, format, &format!(" [[fault: huge={IMAGE_BYTES}]]"))?;
    let peak = gateway.memory("VmHWM")?;
    if bytes < IMAGE_BYTES {
        return Err(format!(
            "only {bytes} bytes came back: the large answer did not pass through"
        ));
    }
    let growth = peak.saturating_sub(before);
    console::line(&format!(
        "  {format:<15} {:>12.1} {:>10.1} {:>12.1} {:>15.1}%",
        mebibytes(before),
        mebibytes(peak),
        mebibytes(growth),
        100.0 * mebibytes(growth) / mebibytes(IMAGE_BYTES)
    ));
    Ok(growth)
}

/// One generation, its image fetched; how many bytes of image or base64 came back.
fn generate(gateway: &Server, key: &str, format: &str, switches: &str) -> Outcome<u64> {
    let body = json!({
        "model": MODEL,
        "prompt": format!("A serene mountain landscape at sunset{switches}"),
        "size": "1024x1024",
        "quality": "low",
        "response_format": format,
    });
    let answer = http::post(&format!("{}/openai/v1/images/generations", gateway.url), key, &body)?.success()?;
    if format == "b64_json" {
        return Ok(answer.body_bytes);
    }
    let link = answer
        .json()?
        .pointer("/data/0/url")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let link = link.ok_or("the answer has no link")?;
    Ok(http::get(&link)?.success()?.body_bytes)
}

/// For print only.
#[expect(clippy::cast_precision_loss, reason = "a figure with one decimal")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MEBIBYTE
}
