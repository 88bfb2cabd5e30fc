//! Replicas are replaced one by one while callers go on: nobody hears of it. With `PICTOR_TEST_PREVIOUS` those that are replaced
//! are of the program that it names, an earlier release; without it they are of this one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::harness::{GENERATIONS, Process, Reply, Site, send, try_send, until};

/// The variable that names the earlier program.
const PREVIOUS_VARIABLE: &str = "PICTOR_TEST_PREVIOUS";
/// Callers who ask one request after the other.
const CALLERS: usize = 6;
/// Answers that are waited for in each phase: each caller has some, of each kind.
const ANSWERS: usize = 24;
/// How often a balancer looks for a replica that is ready, and how many times.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS_MAX: usize = 1_000;
/// As long as the balancer of this test could need to hear that a replica stops.
const DRAIN: (&str, &str) = ("PICTOR_LIMITS_DRAIN_S", "2");

/// A balancer: it asks `/readyz` before each request, and goes elsewhere when a connection is refused, as nothing was sent then.
#[derive(Default)]
struct Balancer {
    /// Addresses and keys.
    replicas: Mutex<Vec<(String, String)>>,
    turn: AtomicUsize,
}

impl Balancer {
    fn add(&self, process: &Process) {
        let replica = (process.base.clone(), process.key.clone());
        self.replicas
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(replica);
    }

    fn remove(&self, process: &Process) {
        let mut replicas = self.replicas.lock().unwrap_or_else(PoisonError::into_inner);
        replicas.retain(|(base, _)| *base != process.base);
    }

    fn next(&self) -> (String, String) {
        let replicas = self.replicas.lock().unwrap_or_else(PoisonError::into_inner);
        replicas[self.turn.fetch_add(1, Ordering::Relaxed) % replicas.len()].clone()
    }

    async fn send(&self, client: &Client, body: &Value, key: &str) -> Reply {
        let mut ticks = tokio::time::interval(LOOK);
        for _ in 0..LOOKS_MAX {
            ticks.tick().await;
            let (base, token) = self.next();
            let ready = client.get(format!("{base}/readyz")).send().await;
            if ready.is_ok_and(|ready| ready.status() == StatusCode::OK) {
                let request = client.post(format!("{base}{GENERATIONS}")).bearer_auth(token);
                match try_send(request.header("idempotency-key", key).json(body)).await {
                    Err(error) if error.is_connect() => {}
                    answer => return answer.unwrap_or_else(|error| panic!("{key}: {error}")),
                }
            }
        }
        panic!("{key}: no replica takes a request");
    }
}

/// What callers do and have.
#[derive(Default)]
struct Load {
    balancer: Balancer,
    answers: Mutex<Vec<(String, Value)>>,
    is_over: std::sync::atomic::AtomicBool,
}

fn body_of(key: &str, number: usize) -> Value {
    let model = [
        "openai/gpt-image-1-mini",
        "fal/flux.1-schnell",
        "replicate/flux.1-schnell",
    ][number % 3];
    json!({ "model": model, "prompt": format!("dunes {key}"), "response_format": "url" })
}

impl Load {
    async fn call(&self, caller: usize) {
        // Each request has a connection of its own, as one that a stopping replica closes tells nobody who is late.
        let client = Client::builder()
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build()
            .expect("a client");
        for number in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let key = format!("{caller}-{number}");
            let body = body_of(&key, caller + number);
            let answer = self.balancer.send(&client, &body, &key).await.ok();
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.push((key, answer));
        }
    }

    fn count(&self) -> usize {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Waits until so many more requests were answered.
    async fn goes_on(&self) {
        let wanted = self.count() + ANSWERS;
        until("answers", async || (self.count() >= wanted).then_some(())).await;
    }
}

/// Takes a replica out: it is told to stop, and ends by itself.
async fn leave(load: &Load, mut process: Process) {
    process.terminate();
    let status = process.ended().await;
    assert!(status.success(), "{status}: {:#?}", process.log().await);
    load.balancer.remove(&process);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_are_replaced_under_load_without_an_error() {
    let site = Site::new().await;
    let previous = std::env::var(PREVIOUS_VARIABLE).ok();
    let program = previous.as_deref().unwrap_or(env!("CARGO_BIN_EXE_pictor"));
    let load = Arc::new(Load::default());
    let (first, second) = (
        site.serve_version(program, &[DRAIN]).await,
        site.serve_version(program, &[DRAIN]).await,
    );
    load.balancer.add(&first);
    load.balancer.add(&second);
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let load = Arc::clone(&load);
            tokio::spawn(async move { load.call(caller).await })
        })
        .collect();
    load.goes_on().await;
    // The new one changes the tables under the others, and they serve together.
    let third = site.serve(&[DRAIN]).await;
    load.balancer.add(&third);
    load.goes_on().await;
    leave(&load, first).await;
    load.goes_on().await;
    let fourth = site.serve(&[DRAIN]).await;
    load.balancer.add(&fourth);
    leave(&load, second).await;
    load.goes_on().await;
    load.is_over.store(true, Ordering::Relaxed);
    for caller in join_all(callers).await {
        caller.expect("every request was answered");
    }
    let answers = std::mem::take(&mut *load.answers.lock().unwrap_or_else(PoisonError::into_inner));
    assert_eq!(site.submits().await, answers.len(), "each was asked for once");
    // Whoever answered, the new ones know it.
    for (key, answer) in answers.iter().step_by(ANSWERS / 4) {
        let (caller, number) = key.split_once('-').expect("a key of ours");
        let place = |text: &str| text.parse::<usize>().expect("a number");
        let body = body_of(key, place(caller) + place(number));
        let again = send(third.generation(&body, key)).await;
        assert_eq!(again.header("idempotent-replayed"), "true", "{key}");
        assert_eq!(again.json()["id"], answer["id"]);
        assert_eq!(third.images(&again.ok()).await, 1);
    }
    third.stop().await;
    fourth.stop().await;
    site.finish().await;
}
