//! The operator's policy: terms and a hook, before anything is spent and before images are handed out. The hooks are real servers
//! on loopback: denying, slow, broken, gone.

mod hook;

use gateway::auth::Scope;
use gateway::settings::Settings;
use gateway::settings::policy::WhenUnanswered;
use reqwest::Method;
use serde_json::{Value, json};

use super::edits::form;
use super::harness::{GENERATIONS, TestGateway, check_no_secret, file, log_lines, micros, plain, send, until, with};
use super::streams::events;
use hook::{Answer, Hook, SECRET};

/// Something that only a prompt holds.
const PROMPT: &str = "dunes with a zeppelinwort";

/// A request whose price is flat, $0.02 by its provider's list.
fn body() -> Value {
    json!({ "model": "xai/grok-imagine-image", "prompt": PROMPT, "size": "1024x1024" })
}

fn ask_before(settings: &mut Settings, hook: &Hook) {
    settings.policy.before_url = Some(hook.url("/before?token=of-the-operator"));
    settings.policy.secret = Some(SECRET.to_owned());
}

fn ask_after(settings: &mut Settings, hook: &Hook) {
    settings.policy.after_url = Some(hook.url("/after"));
    settings.policy.secret = Some(SECRET.to_owned());
}

async fn balance(gateway: &TestGateway) -> i64 {
    let account = gateway.database.account("default").await.expect("the database answers");
    account.expect("the default account").available_micros
}

/// What an admin is told of a refusal, against what its account is.
async fn told(gateway: &TestGateway, id: &str) -> (Value, Value) {
    let reader = gateway.new_key(&[Scope::Read], None).await.token;
    let path = format!("/v1/requests/{id}");
    let seen = send(gateway.anonymous(Method::GET, &path).bearer_auth(reader))
        .await
        .ok();
    assert!(seen["policy"].is_null(), "{seen}");
    (gateway.recorded(id).await, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_with_a_term_is_refused_before_anything_is_spent() {
    let gateway = TestGateway::with(|settings| {
        settings.policy.terms = vec!["red kite".to_owned(), "Zeppelinwort".to_owned()];
    })
    .await;
    for prompt in [
        PROMPT,
        "a ZEPPELINWORT!",
        "ｚｅｐｐｅｌｉｎｗｏｒｔ",
        "Red\nKite over dunes",
    ] {
        let reply = gateway.generate(with(body(), json!({ "prompt": prompt }))).await;
        let error = reply.error(400, "CONTENT_POLICY_VIOLATION");
        assert_eq!(
            (&error["type"], &error["param"], &error["metadata"]),
            (
                &json!("image_generation_user_error"),
                &json!("prompt"),
                &json!({ "source": "gateway", "stage": "input", "categories": [] })
            )
        );
        let message =
            "This gateway's policy does not allow this request: its prompt holds a term that is not allowed here";
        assert_eq!(error["message"], message);
        let (row, seen) = told(&gateway, &reply.id()).await;
        assert_eq!(
            (&row["status"], &row["error_code"], &row["cost"]),
            (&json!("rejected"), &json!("CONTENT_POLICY_VIOLATION"), &Value::Null)
        );
        let term = if prompt.starts_with("Red") {
            "red kite"
        } else {
            "Zeppelinwort"
        };
        let record = json!({ "moment": "before", "by": "terms", "term": term });
        assert_eq!(row["policy"], record);
        assert!(!seen.to_string().contains("eppelinwort"), "{seen}");
    }
    // Every way of asking goes the same way.
    let edit = form("openai/gpt-image-1-mini").part(
        "image",
        file(plain((96, 96), [1, 2, 3, 255], imaging::ImageFormat::Png)),
    );
    let edit = send(
        gateway
            .request(Method::POST, super::harness::EDITS)
            .multipart(edit.text("prompt", PROMPT)),
    )
    .await;
    assert!(matches!(edit.status.as_u16(), 400), "{}", edit.text());
    let later = gateway
        .request(Method::POST, GENERATIONS)
        .header("prefer", "respond-async");
    send(later.json(&body())).await.error(400, "CONTENT_POLICY_VIOLATION");
    let stream = gateway.generate(with(body(), json!({ "stream": true }))).await;
    stream.error(400, "CONTENT_POLICY_VIOLATION");
    // What only a part of a word looks like is none, and a question of the price is no generation.
    gateway
        .generate(with(body(), json!({ "prompt": "zeppelinworts, kites, a kite in red" })))
        .await
        .ok();
    let dry = gateway.request(Method::POST, &format!("{GENERATIONS}?dryRun=true"));
    send(dry.json(&body())).await.ok();
    assert_eq!(gateway.bill().await.len(), 1);
    assert!(!log_lines("the operator's policy denied a generation").is_empty());
    check_no_secret(&["zeppelinwort", "Zeppelinwort"]);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_is_told_what_is_asked_and_its_no_is_the_answer() {
    let hook = Hook::start(Answer::Deny("no zeppelins here")).await;
    let gateway = TestGateway::with(|settings| ask_before(settings, &hook)).await;
    let before = balance(&gateway).await;
    let reply = gateway.generate(with(body(), json!({ "n": 2, "user": "u-7" }))).await;
    let error = reply.error(400, "CONTENT_POLICY_VIOLATION");
    assert_eq!(
        error["message"],
        "This gateway's policy does not allow this request: no zeppelins here"
    );
    assert_eq!(error["metadata"]["categories"], json!(["test"]));
    let call = hook.next().await;
    assert_eq!(call.path, "/before");
    call.check_signature();
    let message = call.json();
    assert_eq!(message["type"], "generation.before");
    let data = &message["data"];
    for (name, value) in [
        ("id", json!(reply.id())),
        ("account_id", json!("default")),
        ("model", json!("grok-imagine-image")),
        ("providers", json!(["xai"])),
        ("prompt", json!(PROMPT)),
        ("size", json!("1024x1024")),
        ("n", json!(2)),
        ("input_images", json!(0)),
        ("user", json!("u-7")),
        ("endpoint", json!(GENERATIONS)),
        ("estimate_usd", json!(0.04)),
    ] {
        assert_eq!(data[name], value, "{name} of {data}");
    }
    assert!(data["key_id"].is_string());
    let (row, _) = told(&gateway, &reply.id()).await;
    let record = json!({ "moment": "before", "by": "hook", "reason": "no zeppelins here", "categories": ["test"] });
    assert_eq!((&row["status"], &row["policy"]), (&json!("rejected"), &record));
    assert_eq!(
        (balance(&gateway).await, gateway.upstream_calls().await.len()),
        (before, 0)
    );
    // Once it says yes, the same goes.
    hook.answer(Answer::Allow);
    gateway.generate(body()).await.ok();
    // A denial does not use up the caller's own key.
    let keyed = || {
        gateway
            .request(Method::POST, GENERATIONS)
            .header("idempotency-key", "once")
            .json(&body())
    };
    hook.answer(Answer::Deny("not now"));
    send(keyed()).await.error(400, "CONTENT_POLICY_VIOLATION");
    hook.answer(Answer::Allow);
    send(keyed()).await.ok();
    check_no_secret(&["zeppelinwort", "of-the-operator"]);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_cannot_be_asked_stops_everything_or_nothing() {
    for (answer, cause) in [
        (Answer::Status(500), "HTTP status 500"),
        (Answer::Text("<html>"), "no JSON"),
        (Answer::Text("{\"decision\":\"perhaps\"}"), "no 'decision'"),
        (Answer::Silence, "did not answer in time"),
        (Answer::Redirect, "HTTP status 302"),
        (Answer::Endless, "larger than"),
        (Answer::Cut, "cannot be reached"),
    ] {
        let hook = Hook::start(answer).await;
        for when_unanswered in [WhenUnanswered::Deny, WhenUnanswered::Allow] {
            let gateway = TestGateway::with(|settings| {
                ask_before(settings, &hook);
                settings.policy.timeout_ms = 1_000;
                settings.policy.when_unanswered = when_unanswered;
            })
            .await;
            let reply = gateway.generate(body()).await;
            if when_unanswered == WhenUnanswered::Allow {
                reply.ok();
                gateway.finish().await;
                continue;
            }
            let error = reply.error(503, "POLICY_UNAVAILABLE");
            assert_eq!(error["type"], "server_error");
            assert_eq!(
                (reply.header("x-should-retry"), reply.header("retry-after")),
                ("true", "5")
            );
            let (row, _) = told(&gateway, &reply.id()).await;
            let unanswered = row["policy"]["unanswered"].as_str().expect("a cause");
            assert!(unanswered.contains(cause), "{unanswered}");
            assert!(gateway.upstream_calls().await.is_empty());
            gateway.finish().await;
        }
    }
    // Nobody is there at all.
    let gone = Hook::start(Answer::Allow).await.gone().await;
    let gateway = TestGateway::with(|settings| settings.policy.before_url = Some(gone)).await;
    gateway.generate(body()).await.error(503, "POLICY_UNAVAILABLE");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_is_told_and_withheld_at_the_operators_cost() {
    let hook = Hook::start(Answer::Allow).await;
    let gateway = TestGateway::with(|settings| ask_after(settings, &hook)).await;
    let made = gateway.generate(body()).await;
    let cost = micros(&made.ok()["metadata"]["cost"]);
    let call = hook.next().await;
    call.check_signature();
    let message = call.json();
    assert_eq!(
        (&message["type"], call.path.as_str()),
        (&json!("generation.after"), "/after")
    );
    let data = &message["data"];
    for (name, value) in [
        ("id", json!(made.id())),
        ("model", json!("grok-imagine-image")),
        ("provider", json!("xai")),
        ("outcome", json!("completed")),
        ("cost_usd", json!(0.02)),
    ] {
        assert_eq!(data[name], value, "{name} of {data}");
    }
    assert_eq!(
        data["images"][0]["url"],
        Value::Null,
        "links are told where that is set"
    );
    assert!(!data.to_string().contains("zeppelinwort"));
    assert_eq!(balance(&gateway).await, -cost);

    hook.answer(Answer::Deny("looks like a zeppelin"));
    let reply = gateway.generate(body()).await;
    let error = reply.error(400, "CONTENT_POLICY_VIOLATION");
    assert_eq!(error["metadata"]["stage"], "output");
    assert_eq!(reply.header("x-should-retry"), "false");
    hook.next().await;
    let (row, seen) = told(&gateway, &reply.id()).await;
    assert_eq!(
        (&row["status"], &row["cost"], &row["policy"]["moment"]),
        (&json!("rejected"), &Value::Null, &json!("after"))
    );
    let attempt = &row["attempts"][0];
    assert_eq!(
        (
            &attempt["outcome"],
            &attempt["code"],
            &attempt["spent"],
            &attempt["cost"]
        ),
        (&json!("failed"), &json!("withheld"), &json!("yes"), &json!(0.02))
    );
    assert!(seen["result"].is_null(), "{seen}");
    assert_eq!(balance(&gateway).await, -cost, "the caller pays for what is delivered");
    let postings = gateway.get("/v1/accounts/default/postings").await.ok();
    let kinds: Vec<&str> = postings["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["kind"].as_str())
        .collect();
    assert!(kinds.contains(&"undelivered"), "{kinds:?}");
    assert_eq!(gateway.bill().await.len(), 2);

    // A repeat under the caller's own key gets the same refusal, and nothing is made again.
    let keyed = || {
        gateway
            .request(Method::POST, GENERATIONS)
            .header("idempotency-key", "once")
            .json(&body())
    };
    send(keyed()).await.error(400, "CONTENT_POLICY_VIOLATION");
    hook.answer(Answer::Allow);
    let again = send(keyed()).await;
    again.error(400, "CONTENT_POLICY_VIOLATION");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(gateway.bill().await.len(), 3);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_told_where_that_is_set_and_lead_to_the_images() {
    let hook = Hook::start(Answer::Deny("no")).await;
    let gateway = TestGateway::with(|settings| {
        ask_after(settings, &hook);
        settings.policy.after_links = true;
    })
    .await;
    let reply = gateway
        .generate(with(body(), json!({ "response_format": "b64_json" })))
        .await;
    reply.error(400, "CONTENT_POLICY_VIOLATION");
    let data = hook.next().await.json()["data"].clone();
    let link = data["images"][0]["url"].as_str().expect("a link").to_owned();
    assert_eq!(send(gateway.client.get(&link)).await.status.as_u16(), 200);
    let (row, _) = told(&gateway, &reply.id()).await;
    assert!(row["result"].is_null() && !row.to_string().contains("/media/"), "{row}");
    hook.answer(Answer::Allow);
    let answer = gateway.generate(body()).await.ok();
    let told_link = hook.next().await.json()["data"]["images"][0]["url"].clone();
    assert_eq!(answer["data"][0]["url"], told_link, "it is stored once");
    // A key that has no images kept has none stored for it either.
    let key = send(
        gateway
            .request(Method::POST, "/v1/keys")
            .json(&json!({ "media_ttl_s": 0 })),
    )
    .await
    .json();
    let own = gateway
        .anonymous(Method::POST, GENERATIONS)
        .bearer_auth(key["key"].as_str().expect("a key"));
    send(own.json(&body())).await.ok();
    assert_eq!(hook.next().await.json()["data"]["images"][0]["url"], Value::Null);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_shown_before_it_was_looked_at_and_failures_are_told() {
    let hook = Hook::start(Answer::Deny("no")).await;
    let gateway = TestGateway::with(|settings| ask_after(settings, &hook)).await;
    let stream = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "stream": true, "partial_images": 2 });
    let read = events(&gateway.generate(stream.clone()).await);
    let names: Vec<&str> = read.events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["error"], "no partial image goes out");
    assert_eq!(read.events[0].1["error"]["code"], "CONTENT_POLICY_VIOLATION");
    hook.next().await;
    hook.answer(Answer::Allow);
    let read = events(&gateway.generate(stream).await);
    let names: Vec<&str> = read.events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["image_generation.completed"]);
    hook.next().await;
    // What gave no image is told, too.
    let failed =
        json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: status=500]]", "quality": "low" });
    let reply = gateway.generate(failed).await;
    let data = hook.next().await.json()["data"].clone();
    assert_eq!(
        (&data["id"], &data["outcome"], &data["error_code"]),
        (&json!(reply.id()), &json!("failed"), &reply.json()["error"]["code"])
    );
    // Whom nobody answers is told so, and does not pay.
    hook.answer(Answer::Status(500));
    let before = balance(&gateway).await;
    let reply = gateway.generate(body()).await;
    reply.error(503, "POLICY_UNAVAILABLE");
    assert_eq!(reply.header("x-should-retry"), "false");
    assert_eq!(balance(&gateway).await, before);
    // An image that is fetched later is looked at before it can be.
    hook.answer(Answer::Deny("no"));
    let later = gateway
        .request(Method::POST, GENERATIONS)
        .header("prefer", "respond-async");
    let id = send(later.json(&body())).await.json()["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let row = until("its end", async || {
        let row = gateway.recorded(&id).await;
        (row["status"] != "processing").then_some(row)
    })
    .await;
    assert_eq!((&row["status"], &row["result"]), (&json!("rejected"), &Value::Null));
    gateway.finish().await;
}
