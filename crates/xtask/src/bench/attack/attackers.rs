//! What is done to the gateway, all of it at once.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{GENERATIONS, MODEL, ask};
use crate::Outcome;
use crate::bench::http;

const NEVER_READ: usize = 1_000;
const SILENT: usize = 1_000;
const HEAVY: usize = 24;
const ENDLESS: usize = 8;
const WEBHOOKS: usize = 100;
/// Bytes of a form without end that are sent at a time.
const PIECE_BYTES: usize = 64 << 10;
/// How far such a form goes: past the largest body.
const FORM_BYTES: usize = 300 << 20;

/// What is attacked, and as whom.
pub(super) struct Target {
    pub(super) url: String,
    pub(super) key: String,
    /// Where webhooks hang.
    pub(super) receiver: String,
    pub(super) stop: Arc<AtomicBool>,
}

/// An attack that goes on until it is stopped; dropped, its sockets close.
pub(super) struct Attack {
    sockets: Vec<TcpStream>,
    heavy: Arc<AtomicUsize>,
    endless: Arc<AtomicUsize>,
    hanging: usize,
}

impl Attack {
    /// What was done.
    pub(super) fn told(&self) -> String {
        format!(
            "{} sockets of callers who never read or never speak, {} heavy bodies by {HEAVY}, {} forms without end by {ENDLESS}, {} hanging webhooks",
            self.sockets.len(),
            self.heavy.load(Ordering::Relaxed),
            self.endless.load(Ordering::Relaxed),
            self.hanging
        )
    }
}

/// Begins all of it.
pub(super) fn start(target: &Target) -> Outcome<Attack> {
    let host = target.url.strip_prefix("http://").unwrap_or(&target.url).to_owned();
    let connect = || TcpStream::connect(&host).map_err(|error| format!("{host}: {error}"));
    let hanging = webhooks(target)?;
    let mut sockets = Vec::with_capacity(NEVER_READ + SILENT);
    let body = ask().to_string();
    let request = head(&host, &target.key, GENERATIONS, "application/json", body.len()) + &body;
    for _ in 0..NEVER_READ {
        let mut socket = connect()?;
        // One that is turned away has been sent to all the same.
        let _ = socket.write_all(request.as_bytes());
        sockets.push(socket);
    }
    for _ in 0..SILENT {
        sockets.push(connect()?);
    }
    let (heavy, endless) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..HEAVY {
        let (url, key) = (format!("{}{GENERATIONS}", target.url), target.key.clone());
        repeat(target, &heavy, move |_| {
            let _ = http::post(&url, &key, &heavy_body());
        });
    }
    for _ in 0..ENDLESS {
        let (host, key) = (host.clone(), target.key.clone());
        repeat(target, &endless, move |stop| form(&host, &key, stop));
    }
    Ok(Attack {
        sockets,
        heavy,
        endless,
        hanging,
    })
}

/// Does `work` again and again, on a thread of its own.
fn repeat(target: &Target, done: &Arc<AtomicUsize>, work: impl Fn(&AtomicBool) + Send + 'static) {
    let (stop, done) = (Arc::clone(&target.stop), Arc::clone(done));
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            work(&stop);
            done.fetch_add(1, Ordering::Relaxed);
        }
    });
}

/// Nearly a mebibyte of text, in nearly as many values as a body may have.
fn heavy_body() -> Value {
    let filler = "x".repeat(170);
    let items: Vec<Value> = (0..4_900).map(|_| json!({ "a": filler })).collect();
    json!({ "model": MODEL, "prompt": "dunes", "quality": "low", "n": 10, "more": items })
}

/// A form whose first boundary never comes.
fn form(host: &str, key: &str, stop: &AtomicBool) {
    let Ok(mut socket) = TcpStream::connect(host) else {
        return;
    };
    let head = head(
        host,
        key,
        "/openai/v1/images/edits",
        "multipart/form-data; boundary=b",
        FORM_BYTES,
    );
    let piece = vec![b'-'; PIECE_BYTES];
    let mut is_open = socket.write_all(head.as_bytes()).is_ok();
    let mut sent = 0;
    while is_open && sent < FORM_BYTES && !stop.load(Ordering::Relaxed) {
        is_open = socket.write_all(&piece).is_ok();
        sent += PIECE_BYTES;
    }
}

/// Orders generations whose ends are told to a receiver that never answers.
fn webhooks(target: &Target) -> Outcome<usize> {
    let url = format!("{}{GENERATIONS}", target.url);
    let body =
        json!({ "model": MODEL, "prompt": "dunes", "quality": "low", "async": true, "webhook_url": target.receiver });
    let mut taken = 0;
    for _ in 0..WEBHOOKS {
        if http::post(&url, &target.key, &body)?.status == 202 {
            taken += 1;
        }
    }
    if taken == 0 {
        return Err("no webhook was ordered: nothing would hang".to_owned());
    }
    Ok(taken)
}

fn head(host: &str, key: &str, path: &str, kind: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
    )
}
