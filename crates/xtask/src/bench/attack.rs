//! What one account's callers do to another's: a normal caller is measured while everything at once is done to the gateway
//! that takes its connections, memory, places or webhooks. The upstream gives a fixed picture, so drawing is not measured.

mod attackers;
pub(super) mod upstream;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::attackers::Target;
use super::http;
use super::server::Server;
use crate::{Outcome, console};

/// 99 of 100 requests of the normal caller end within this.
const P99_MARK: Duration = Duration::from_secs(2);
/// Memory of the gateway at its highest, in bytes.
const MEMORY_MARK_BYTES: u64 = 1 << 30;
/// Requests of the normal caller, one after the other.
const REQUESTS: usize = 300;
/// The fixed picture, in bytes.
const PICTURE_BYTES: usize = 512 << 10;
/// Sockets of the attackers, the receiver and the upstream, and some to spare.
const FILES: u64 = 8_192;
/// What works through OpenAI's protocol.
const MODEL: &str = "openai/gpt-image-1-mini";
const GENERATIONS: &str = "/openai/v1/images/generations";
const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// Runs it against a build of the program: `release` or `debug`.
pub(super) fn run(profile: &str) -> Outcome {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    if files < FILES {
        return Err(format!(
            "this process may have {files} files open, and the attack needs {FILES} (ulimit -n)"
        ));
    }
    let upstream = upstream::start(PICTURE_BYTES)?;
    let receiver = upstream::silent_receiver()?;
    let data = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let config = data.path().join("pictor.toml");
    // Behind a proxy, so that only the limits in all hold off connections.
    let text = "trusted_proxies = [\"127.0.0.1\"]\nfetch_hosts = [\"localhost\"]\n";
    std::fs::write(&config, text).map_err(|error| format!("cannot write {}: {error}", config.display()))?;
    let gateway = Server::of(
        profile,
        &["serve", "--config", &config.to_string_lossy()],
        &[
            ("PICTOR_LISTEN", "127.0.0.1:0"),
            ("PICTOR_DATA_DIR", &data.path().to_string_lossy()),
            ("PICTOR_OPENAI_BASE_URL", &upstream),
            ("PICTOR_OPENAI_API_KEY", "sk-bench"),
        ],
    )?;
    let admin = std::fs::read_to_string(data.path().join("first-key"))
        .map_err(|error| format!("the gateway wrote no first key: {error}"))?;
    let [normal, attacker] = ["normal", "attacker"].map(|account| key_of(&gateway.url, admin.trim(), account));
    let (normal, attacker) = (normal?, attacker?);
    let alone = measure(&gateway.url, &normal)?;
    tell("alone", &alone, gateway.memory("VmHWM")?);
    let stop = Arc::new(AtomicBool::new(false));
    let target = Target {
        url: gateway.url.clone(),
        key: attacker,
        receiver,
        stop: Arc::clone(&stop),
    };
    let attack = attackers::start(&target)?;
    let attacked = measure(&gateway.url, &normal);
    stop.store(true, Ordering::Relaxed);
    let memory = gateway.memory("VmHWM")?;
    console::line(&format!("  {}", attack.told()));
    let attacked = attacked?;
    tell("attacked", &attacked, memory);
    judge(&attacked, memory)
}

fn judge(attacked: &Figures, memory: u64) -> Outcome {
    let mut past = Vec::new();
    if attacked.p99 >= P99_MARK {
        past.push(format!("p99 is {:?}, above the mark of {P99_MARK:?}", attacked.p99));
    }
    if attacked.failed > 0 {
        past.push(format!(
            "{} requests of the normal caller failed: {}",
            attacked.failed, attacked.first_failure
        ));
    }
    if memory >= MEMORY_MARK_BYTES {
        past.push(format!("memory reached {:.0} MiB, above the mark", mebibytes(memory)));
    }
    if past.is_empty() {
        console::line("  a normal caller of another account is served all the same");
        Ok(())
    } else {
        Err(past.join("; "))
    }
}

/// What the normal caller saw.
struct Figures {
    p50: Duration,
    p99: Duration,
    slowest: Duration,
    failed: usize,
    first_failure: String,
}

fn tell(when: &str, figures: &Figures, memory: u64) {
    console::line(&format!(
        "  {when:<10} p50 {:>8.1?}  p99 {:>8.1?}  slowest {:>8.1?}  failed {:>3}  highest memory {:>6.0} MiB",
        figures.p50,
        figures.p99,
        figures.slowest,
        figures.failed,
        mebibytes(memory)
    ));
}

/// What an ordinary caller sends.
fn ask() -> Value {
    json!({ "model": MODEL, "prompt": "dunes", "quality": "low", "response_format": "b64_json" })
}

/// Asks for pictures, one after the other.
fn measure(url: &str, key: &str) -> Outcome<Figures> {
    let body = ask();
    let url = format!("{url}{GENERATIONS}");
    let mut times = Vec::new();
    let (mut failed, mut first_failure) = (0, String::new());
    for _ in 0..REQUESTS {
        let began = Instant::now();
        let answer = http::post(&url, key, &body).and_then(http::Answer::success);
        times.push(began.elapsed());
        if let Err(why) = answer {
            failed += 1;
            if first_failure.is_empty() {
                first_failure = why;
            }
        }
    }
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied();
    let figures = at(50).zip(at(99)).zip(times.last().copied());
    let ((p50, p99), slowest) = figures.ok_or("nothing was measured")?;
    Ok(Figures {
        p50,
        p99,
        slowest,
        failed,
        first_failure,
    })
}

/// An account of this name, and a key of it.
fn key_of(url: &str, admin: &str, account: &str) -> Outcome<String> {
    let made = |path: &str, body: Value| {
        let answer = http::post(&format!("{url}{path}"), admin, &body)?;
        if answer.status == 201 {
            answer.json()
        } else {
            Err(format!("{path}: HTTP {}", answer.status))
        }
    };
    made("/v1/accounts", json!({ "id": account, "billing_type": "postpaid" }))?;
    let key = made("/v1/keys", json!({ "account_id": account, "name": account }))?;
    let token = key.get("key").and_then(Value::as_str);
    token
        .map(str::to_owned)
        .ok_or_else(|| "the new key is not told".to_owned())
}

/// For print only.
#[expect(clippy::cast_precision_loss, reason = "a figure without decimals")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MEBIBYTE
}
