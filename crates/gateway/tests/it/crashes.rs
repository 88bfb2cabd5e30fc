//! `kill -9` at every stage of a generation and at any moment: nothing is left open, and who asks again gets an image.

mod losses;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::harness::{Process, Reply, Site, send, try_send, until};

/// Makes a process stop at a stage.
const STOP_AFTER: &str = "PICTOR_TEST_STOP_AFTER";
/// Stages of a generation in their order. Only jobs of a queue are accepted.
const STAGES: [&str; 10] = [
    "parse", "plan", "reserve", "record", "accept", "execute", "process", "store", "settle", "respond",
];
/// The caller's own key of a request.
const KEY: &str = "once-only";
/// Calls whose job can be found again.
const HANDLES: &str = "SELECT COUNT(*) FROM attempts WHERE handle IS NOT NULL";
/// Images that are on record.
const STORED: &str = "SELECT COUNT(*) FROM media";

/// What is asked for while the process dies.
#[derive(Clone)]
struct Case {
    body: Value,
    images: usize,
    /// Calls that make them all.
    calls: usize,
    is_queued: bool,
}

fn sync() -> Case {
    Case {
        body: json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "size": "1024x1024" }),
        images: 1,
        calls: 1,
        is_queued: false,
    }
}

fn queued() -> Case {
    Case {
        body: json!({ "model": "fal/flux.1-schnell", "prompt": "dunes", "size": "512x512" }),
        images: 1,
        calls: 1,
        is_queued: true,
    }
}

/// Four images of offers that make one a call.
fn four(model: &str, is_queued: bool) -> Case {
    Case {
        body: json!({ "model": model, "prompt": "dunes", "n": 4, "size": "1024x1024" }),
        images: 4,
        calls: 4,
        is_queued,
    }
}

/// How it must end: the images of the first try where they can be had, and one more try where it is not known.
struct End {
    images: usize,
    /// Whether the first try's answer is given.
    is_replay: bool,
    /// Calls in which a provider was asked for images; the least and the most.
    calls: (usize, usize),
}

impl Case {
    /// `jobs` is how many of its jobs the process left on record.
    fn end(&self, stage: &str, jobs: usize) -> End {
        let end = |is_replay, tries| End {
            images: self.images,
            is_replay,
            calls: (tries * self.calls, tries * self.calls),
        };
        match stage {
            // Nothing was sent.
            "parse" | "plan" | "reserve" => end(false, 1),
            // One call stopped, the others went on until the process died. Jobs on record are finished. What became of the
            // other calls nobody knows, so they are asked for once more: beside the jobs, or with all of it when there is
            // none. The one that stopped before it was sent is asked for once in any case.
            "record" | "accept" => End {
                images: self.images,
                is_replay: jobs > 0,
                calls: (self.calls, 2 * self.calls - jobs.max(1)),
            },
            "execute" | "process" if !self.is_queued => end(false, 2),
            _ => end(true, 1),
        }
    }
}

/// Serves, asks, and kills the process as soon as `stage` is over. Returns how many jobs it left on record.
async fn dies_after(site: &Site, stage: &str, body: &Value, variables: &[(&str, &str)]) -> usize {
    let mut process = site.serve(&[&[(STOP_AFTER, stage)], variables].concat()).await;
    let call = tokio::spawn(try_send(process.generation(body, KEY)));
    process.until_says(&format!("stopped after {stage}")).await;
    if stage == "accept" {
        // It is written before anything else is done for the job.
        assert!(site.number(HANDLES).await > 0, "a job on record");
    }
    if stage == "store" {
        // Images go on record with the end of their generation, or a moment later without it.
        let images = body["n"].as_i64().unwrap_or(1);
        until("images on record", async || {
            (site.number(STORED).await == images).then_some(())
        })
        .await;
    }
    process.kill();
    let answer = call.await.expect("the caller waits");
    assert!(answer.is_err(), "nothing was answered: {answer:?}");
    usize::try_from(site.number(HANDLES).await).expect("a count")
}

fn is_replay(reply: &Reply) -> bool {
    reply.header("idempotent-replayed") == "true"
}

/// The requests on record, oldest first.
async fn requests(process: &Process) -> Vec<Value> {
    let list = process.get("/v1/requests?limit=100").await.ok();
    let mut requests = list["data"].as_array().cloned().expect("a list");
    requests.reverse();
    requests
}

/// What is told of the request that was lost, when it was on record.
fn check_first(requests: &[Value], stage: &str, end: &End) {
    let first = &requests[0];
    let told = (first["status"].as_str().expect("a state"), first["error_code"].as_str());
    match stage {
        _ if end.is_replay => assert_eq!(told, ("completed", None)),
        "parse" | "plan" => assert_eq!(told, ("completed", None), "the first one was never on record"),
        // From here on its calls are on record: nobody can know that none was sent.
        _ => assert_eq!(told, ("upstream_failure", Some("OUTCOME_UNKNOWN"))),
    }
    let last = requests.last().expect("a request");
    assert_eq!(last["status"], "completed");
}

async fn survives(case: Case, stage: &'static str) {
    let site = Site::new().await;
    let jobs = dies_after(&site, stage, &case.body, &[]).await;
    let process = site.serve(&[]).await;
    // It comes back at once: while the dead process may still be alive, as far as anybody knows.
    let reply = send(process.generation(&case.body, KEY)).await;
    let answer = reply.ok();
    let end = case.end(stage, jobs);
    assert_eq!(process.images(&answer).await, end.images);
    assert_eq!(is_replay(&reply), end.is_replay);
    process.until_settled().await;
    check_first(&requests(&process).await, stage, &end);
    let calls = site.submits().await;
    assert!((end.calls.0..=end.calls.1).contains(&calls), "{calls} calls");
    // Whoever asks once more gets the same.
    let again = send(process.generation(&case.body, KEY)).await;
    assert!(is_replay(&again));
    assert_eq!(again.ok()["id"], answer["id"]);
    assert_eq!(process.images(&again.ok()).await, end.images);
    process.stop().await;
    site.finish().await;
}

/// Kills at every stage, all of them at one time: each waits until a lease is over.
async fn survives_at_every_stage(case: Case) {
    let stages = STAGES.into_iter().filter(|stage| case.is_queued || *stage != "accept");
    let tests = stages.map(async |stage| {
        let test = AssertUnwindSafe(survives(case.clone(), stage)).catch_unwind();
        test.await.is_err().then_some(stage)
    });
    let failed: Vec<&str> = join_all(tests).await.into_iter().flatten().collect();
    assert!(
        failed.is_empty(),
        "killed after these stages, it does not end well: {failed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_answers_at_once_survives_at_every_stage() {
    survives_at_every_stage(sync()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_queue_survives_at_every_stage() {
    survives_at_every_stage(queued()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_calls_survive_at_every_stage() {
    survives_at_every_stage(four("gemini/gemini-2.5-flash-image", false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_jobs_of_a_queue_survive_at_every_stage() {
    survives_at_every_stage(four("fal/flux.2-pro", true)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_is_charged_where_the_operator_says_so() {
    let site = Site::new().await;
    let body = sync().body;
    let charge = ("PICTOR_WHEN_OUTCOME_UNKNOWN", "charge");
    dies_after(&site, "execute", &body, &[charge]).await;
    let mut process = site.serve(&[charge]).await;
    process.until_settled().await;
    let lost = process.newest().await;
    assert_eq!(lost["status"], "upstream_failure");
    assert_eq!(lost["error_code"], "OUTCOME_UNKNOWN");
    assert_eq!(lost["cost"], lost["estimate"]);
    assert!(lost["cost"].as_f64().is_some_and(|cost| cost > 0.0), "{lost}");
    let message = lost["error_message"].as_str().expect("a message");
    assert!(message.ends_with("What was held was charged."), "{message}");
    process.until_says("What was held was charged.").await;
    site.verify().await;
    // The next try is charged for its image.
    let reply = send(process.generation(&body, KEY)).await;
    assert_eq!(process.images(&reply.ok()).await, 1);
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_finished_however_long_nobody_was_there() {
    let site = Site::new().await;
    let body = queued().body;
    dies_after(&site, "accept", &body, &[]).await;
    // An hour passes: longer than any deadline.
    let hour_micros = 3_600_000_000_i64;
    site.execute(&format!(
        "UPDATE generations SET created_at = created_at - {hour_micros}, deadline_at = deadline_at - {hour_micros}"
    ))
    .await;
    site.execute(&format!(
        "UPDATE reservations SET expires_at = expires_at - {hour_micros}"
    ))
    .await;
    let process = site.serve(&[]).await;
    let reply = send(process.generation(&body, KEY)).await;
    assert_eq!(process.images(&reply.ok()).await, 1);
    assert!(is_replay(&reply));
    assert_eq!(site.submits().await, 1);
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_abandoned_job_and_a_running_one_only_as_many_images_are_taken_as_were_asked_for() {
    for n in [1, 3] {
        let site = Site::new().await;
        let prompt = "dunes [[fault: provider=fal media=410]]";
        let body =
            json!({ "model": "flux.1-schnell", "prompt": prompt, "aspect_ratio": "1:1", "resolution": "0.25", "n": n });
        // The first offer makes the images and loses the files; the second one has begun.
        let mut process = site.serve(&[(STOP_AFTER, "accept:2")]).await;
        let call = tokio::spawn(try_send(process.generation(&body, KEY)));
        process.until_says("stopped after accept").await;
        process.kill();
        assert!(call.await.expect("the caller waits").is_err());
        let process = site.serve(&[]).await;
        let reply = send(process.generation(&body, KEY)).await;
        assert_eq!(process.images(&reply.ok()).await, n);
        process.until_settled().await;
        let newest = process.newest().await;
        assert!(newest["cost"].as_f64() <= newest["estimate"].as_f64(), "{newest}");
        assert_eq!(newest["result"]["data"].as_array().map(Vec::len), Some(n));
        process.stop().await;
        site.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_was_stored_is_found_again_behind_a_job_that_failed() {
    let site = Site::new().await;
    let prompt = "dunes [[fault: provider=fal media=410]]";
    let body = json!({ "model": "flux.1-schnell", "prompt": prompt, "aspect_ratio": "1:1", "resolution": "0.25" });
    dies_after(&site, "store", &body, &[]).await;
    let submits = site.submits().await;
    let process = site.serve(&[]).await;
    let reply = send(process.generation(&body, KEY)).await;
    assert!(is_replay(&reply));
    assert_eq!(process.images(&reply.ok()).await, 1);
    assert_eq!(site.submits().await, submits, "nothing is asked for once more");
    process.stop().await;
    // With its one file: nothing was stored twice.
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_refused_meanwhile_says_why() {
    let site = Site::new().await;
    let mut body = queued().body;
    body["prompt"] = json!("dunes [[fault: moderation]]");
    dies_after(&site, "accept", &body, &[]).await;
    let process = site.serve(&[]).await;
    process.until_settled().await;
    let refused = process.newest().await;
    assert_eq!(refused["error_code"], "CONTENT_POLICY_VIOLATION", "{refused}");
    assert_eq!(refused["status"], "rejected");
    assert_eq!(refused["attempts"][0]["code"], "content_policy");
    // It cost nothing, so it may be asked again: and is refused again.
    let again = send(process.generation(&body, KEY)).await;
    again.error(400, "CONTENT_POLICY_VIOLATION");
    process.stop().await;
    site.finish().await;
}

/// Submits of each round after which its process is killed.
const KILLED_AFTER: [usize; 4] = [1, 4, 9, 14];
/// Requests of a round, of three kinds.
const REQUESTS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn deaths_among_many_requests_leave_nothing_open() {
    let site = Site::new().await;
    let kinds = [sync(), queued(), four("fal/flux.2-pro", true)];
    let case = |place: usize| &kinds[place % kinds.len()];
    let key = |round: usize, place: usize| format!("{round}-{place}");
    for (round, submits) in KILLED_AFTER.into_iter().enumerate() {
        let mut process = site.serve(&[]).await;
        let before = site.submits().await;
        let requests = (0..REQUESTS).map(|place| process.generation(&case(place).body, &key(round, place)));
        let calls: Vec<_> = requests.map(|request| tokio::spawn(try_send(request))).collect();
        until("calls", async || {
            (site.submits().await >= before + submits).then_some(())
        })
        .await;
        process.kill();
        for call in calls {
            if let Ok(reply) = call.await.expect("the caller waits") {
                reply.ok();
            }
        }
    }
    let process = site.serve(&[]).await;
    let retries = (0..KILLED_AFTER.len() * REQUESTS).map(async |number| {
        let (round, place) = (number / REQUESTS, number % REQUESTS);
        let reply = send(process.generation(&case(place).body, &key(round, place))).await;
        let images = process.images(&reply.ok()).await;
        assert!((1..=case(place).images).contains(&images), "{images} images");
    });
    join_all(retries).await;
    process.until_settled().await;
    let noted = site.number("SELECT COUNT(*) FROM attempts").await;
    let submits = site.submits().await as i64;
    assert!(submits <= noted, "{submits} calls, and {noted} of them on record");
    process.stop().await;
    site.finish_after_kills().await;
}
