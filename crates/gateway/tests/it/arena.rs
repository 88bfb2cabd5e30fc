//! The arena through the front door: blind pairs, votes and taking them back, boards, whose votes count, the gallery.

mod operators;
mod visitors;

use imaging::{DecodeLimits, decode};
use reqwest::{Client, Method, StatusCode, redirect};
use serde_json::{Value, json};

use super::harness::{Reply, TestGateway, send, until};

const COMPETITION: &str = "geometric-composition";
const MODELS: [&str; 4] = ["gpt-image-1-mini", "flux.1-schnell", "seedream-4", "recraft-v3"];

/// Entries of these models, as `pictor arena run` makes them.
pub(super) async fn hang(gateway: &TestGateway, models: &[&str]) {
    for model in models {
        let asked = json!({ "model": model, "prompt": format!("three circles {}", sandbox::UNNAMED), "size": "1024x1024", "response_format": "url" });
        let made = gateway.generate(asked).await.ok();
        let entry = json!({ "competition": COMPETITION, "request_id": made["id"] });
        let hung = send(gateway.request(Method::POST, "/v1/arena/entries").json(&entry)).await;
        assert_eq!(hung.status, 201, "{}", hung.text());
        assert_eq!(hung.json()["model"], *model);
    }
}

async fn post(gateway: &TestGateway, path: &str, body: Value) -> Reply {
    send(gateway.request(Method::POST, path).json(&body)).await
}

async fn battle(gateway: &TestGateway, voter: &str) -> Value {
    let reply = post(gateway, "/v1/arena/battles", json!({ "voter": voter })).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

async fn board(gateway: &TestGateway) -> Value {
    gateway.get("/v1/arena/leaderboard").await.ok()
}

/// The board once it counts so many votes: on a busy machine it follows a little later.
async fn board_of(gateway: &TestGateway, total: u64) -> Value {
    until("a board of these votes", async || {
        let told = board(gateway).await;
        (told["votes"]["total"] == total).then_some(told)
    })
    .await
}

/// A browser of its own, with its cookies.
struct Browser {
    client: Client,
    cookie: String,
}

impl Browser {
    async fn new(gateway: &TestGateway) -> (Self, String) {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .build()
            .expect("a client");
        let answer = client
            .get(format!("{}/arena", gateway.base))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let set = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
        let cookie = set.split(';').next().expect("a pair").to_owned();
        let html = answer.text().await.expect("a page");
        (Self { client, cookie }, html)
    }

    async fn get(&self, url: &str) -> reqwest::Response {
        let request = self.client.get(url).header("cookie", &self.cookie);
        request.send().await.expect("an answer")
    }

    async fn send(&self, gateway: &TestGateway, path: &str, form: &[(&str, &str)]) -> reqwest::Response {
        let body: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = self
            .client
            .post(format!("{}{path}", gateway.base))
            .header("cookie", &self.cookie)
            .header("origin", &gateway.base);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(body).send().await.expect("an answer")
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {text}"))
        .1;
    rest.split_once(after).expect("an end").0
}

fn pictures(html: &str) -> Vec<String> {
    let named = html.split("src=\"/arena/pictures/").skip(1);
    named
        .map(|rest| format!("/arena/pictures/{}", rest.split('"').next().expect("an end")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_tells_nothing_before_its_vote() {
    let gateway = TestGateway::embedded().await;
    hang(&gateway, &MODELS).await;
    let (browser, html) = Browser::new(&gateway).await;
    let main = html.split_once("<main").expect("a page").1;
    let catalog = super::harness::catalog();
    for model in MODELS {
        let model = catalog.model(model).expect("known");
        for name in [&model.id, &model.name, &model.creator_name] {
            assert!(!main.contains(name.as_str()), "{name} is told");
        }
    }
    for provider in ["openai", "fal", "replicate", "runware", "byteplus", "cost", "micros"] {
        assert!(!main.to_lowercase().contains(provider), "{provider} is told");
    }
    let paths = pictures(main);
    assert_eq!(paths.len(), 2);
    let mut told = Vec::new();
    for path in &paths {
        let answer = browser.get(&format!("{}{path}", gateway.base)).await;
        let mut headers: Vec<(String, String)> = answer
            .headers()
            .iter()
            .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
            .collect();
        headers.sort();
        let bytes = answer.bytes().await.expect("a picture");
        let picture = decode(&bytes, &DecodeLimits::default()).expect("it decodes");
        assert!(picture.icc().is_none());
        told.push((headers, bytes.len(), (picture.width_px(), picture.height_px())));
    }
    assert_eq!(told[0], told[1], "headers, length and size");
    assert_eq!(told[0].2, (512, 512));
    // Names are drawn anew for each pair, so that a picture is not known by its address.
    let (_, other) = Browser::new(&gateway).await;
    assert!(pictures(&other).iter().all(|path| !paths.contains(path)));
    // The same voter sees the same pair again, until it is skipped.
    let again = browser
        .get(&format!("{}/arena", gateway.base))
        .await
        .text()
        .await
        .expect("a page");
    assert_eq!(pictures(&again), paths);
    let skipped = browser
        .get(&format!("{}/arena?skip=1", gateway.base))
        .await
        .text()
        .await
        .expect("a page");
    assert_ne!(pictures(&skipped), paths);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_counts_once_names_the_models_and_can_be_taken_back() {
    let gateway = TestGateway::embedded().await;
    hang(&gateway, &MODELS[..2]).await;
    let (browser, html) = Browser::new(&gateway).await;
    let id = between(&html, "name=\"battle\" value=\"", "\"").to_owned();
    let (stranger, _) = Browser::new(&gateway).await;
    let refused = stranger
        .send(&gateway, "/arena/votes", &[("battle", &id), ("vote", "left")])
        .await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND, "another's pair");
    assert!(refused.text().await.expect("a page").contains("<h1"), "told as a page");
    let wrong = browser
        .send(&gateway, "/arena/votes", &[("battle", &id), ("vote", "best")])
        .await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let voted = browser
        .send(
            &gateway,
            "/arena/votes",
            &[("battle", &id), ("vote", "left"), ("decided_ms", "2500")],
        )
        .await;
    assert_eq!(voted.status(), StatusCode::SEE_OTHER);
    let place = voted.headers()["location"].to_str().expect("text").to_owned();
    let shown = browser
        .get(&format!("{}{place}", gateway.base))
        .await
        .text()
        .await
        .expect("a page");
    assert!(
        shown.contains("Your vote is in") && shown.contains("your choice"),
        "{shown}"
    );
    for name in ["GPT Image 1 Mini", "FLUX.1 schnell"] {
        assert!(shown.contains(name), "{name} is named now");
    }
    let twice = browser
        .send(&gateway, "/arena/votes", &[("battle", &id), ("vote", "right")])
        .await;
    assert_eq!(
        twice.headers()["location"],
        place.as_str(),
        "a second click leads to what the first one said"
    );
    assert_eq!(board_of(&gateway, 1).await["votes"]["left"], 1);
    // Too few votes for a rank are told all the same.
    let mut wins = 0;
    for path in ["openai/gpt-image-1-mini", "black-forest-labs/flux.1-schnell"] {
        let page = send(gateway.anonymous(Method::GET, &format!("/models/{path}")))
            .await
            .text();
        assert!(page.contains("waits for more votes"), "{page}");
        wins += usize::from(page.contains("won 1, tied 0, lost 0"));
    }
    assert_eq!(wins, 1);
    let back = browser
        .send(&gateway, "/arena/votes/taken-back", &[("battle", &id)])
        .await;
    assert_eq!(back.status(), StatusCode::SEE_OTHER);
    // It counts no more.
    board_of(&gateway, 0).await;
    let shown = browser
        .get(&format!("{}/arena/battles/{id}", gateway.base))
        .await
        .text()
        .await
        .expect("a page");
    assert!(shown.contains("taken back") && !shown.contains("your choice"));
    for (path, form) in [
        ("/arena/votes/taken-back", [("battle", id.as_str()), ("vote", "left")]),
        ("/arena/votes", [("battle", id.as_str()), ("vote", "left")]),
    ] {
        let again = browser.send(&gateway, path, &form).await;
        assert_eq!(again.status(), StatusCode::SEE_OTHER, "{path}");
    }
    // Of a replica, which knows no board of before.
    let replica = gateway.replica().await;
    assert_eq!(board(&replica).await["votes"]["total"], 0, "once taken back, for good");
    replica.finish().await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_vote_and_the_board_follows() {
    let gateway = TestGateway::embedded().await;
    let none = post(&gateway, "/v1/arena/battles", json!({})).await;
    none.error(409, "INVALID_REQUEST");
    hang(&gateway, &MODELS[..2]).await;
    let better = "flux.1-schnell";
    for number in 0..20 {
        let voter = format!("person {}", number % 5);
        let pair = battle(&gateway, &voter).await;
        assert!(
            pair["left"].get("model").is_none()
                && pair["prompt"].as_str().is_some_and(|prompt| prompt.contains("circles"))
        );
        // Which is which is known to nobody before the vote: a first vote and its reveal tell it to this test alone.
        let said = post(
            &gateway,
            "/v1/arena/votes",
            json!({ "battle": pair["id"], "vote": "as_good", "voter": voter, "decided_ms": 3000 }),
        )
        .await;
        assert_eq!(said.status, 201, "{}", said.text());
        let told = said.json();
        assert_eq!(told["vote"], "as_good");
        assert!(
            [&told["left"]["model"], &told["right"]["model"]]
                .iter()
                .any(|model| **model == better)
        );
    }
    let told = board_of(&gateway, 20).await;
    assert_eq!(
        (told["sandbox"].as_bool(), told["votes"]["as_good"].as_u64()),
        (Some(true), Some(20))
    );
    let rows = told["data"].as_array().expect("rows");
    assert_eq!(rows.len(), 2, "twenty votes each: both are ranked");
    for row in rows {
        assert!(
            (row["rating"].as_f64().expect("a number") - 1100.0).abs() < 0.2,
            "only ties: {row}"
        );
        assert_eq!(
            (row["rank"]["best"].as_u64(), row["rank"]["worst"].as_u64()),
            (Some(1), Some(2))
        );
    }
    let csv = send(gateway.anonymous(Method::GET, "/leaderboard.csv?board=mode:text-to-image")).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.text().lines().count(), 3, "{}", csv.text());
    let unknown = gateway.get("/v1/arena/leaderboard?board=mode:video").await;
    assert!(
        unknown.error(400, "INVALID_REQUEST")["message"]
            .as_str()
            .is_some_and(|text| text.contains("mode:image-edit"))
    );
    // Another key is another voter.
    let other = gateway.new_key(&[gateway::auth::Scope::Read], None).await;
    let pair = battle(&gateway, "person 1").await;
    let vote = gateway
        .anonymous(Method::POST, "/v1/arena/votes")
        .bearer_auth(&other.token);
    let refused = send(vote.json(&json!({ "battle": pair["id"], "vote": "left", "voter": "person 1" }))).await;
    refused.error(404, "INVALID_REQUEST");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_look_is_set_aside_visibly_and_can_be_taken_back_in() {
    let gateway = TestGateway::embedded().await;
    hang(&gateway, &MODELS[..3]).await;
    for _ in 0..14 {
        let pair = battle(&gateway, "lefty").await;
        let vote = json!({ "battle": pair["id"], "vote": "left", "voter": "lefty", "decided_ms": 4000 });
        assert_eq!(post(&gateway, "/v1/arena/votes", vote).await.status, 201);
    }
    let honest = battle(&gateway, "honest").await;
    post(
        &gateway,
        "/v1/arena/votes",
        json!({ "battle": honest["id"], "vote": "right", "voter": "honest" }),
    )
    .await;
    let told = board_of(&gateway, 1).await;
    assert!(
        told["trust"]["set_aside"]["votes"]
            .as_u64()
            .is_some_and(|votes| votes >= 11),
        "{told}"
    );
    let voters = gateway.get("/v1/arena/voters").await.ok();
    let found = &voters["data"][0];
    assert_eq!(
        (found["reason"].as_str(), voters["data"].as_array().map(Vec::len)),
        (Some("one_side"), Some(1))
    );
    let path = format!("/v1/arena/voters/{}", found["id"].as_str().expect("an id"));
    let restored = send(gateway.request(Method::PATCH, &path).json(&json!({ "counts": true })))
        .await
        .ok();
    assert!(restored["restored_at"].is_string());
    // They count again, and are not found anew.
    let told = board_of(&gateway, 15).await;
    assert_eq!(told["trust"]["set_aside"]["votes"], 0);
    let page = send(gateway.anonymous(Method::GET, "/leaderboard")).await.text();
    assert!(page.contains("Sandbox votes."), "marked as what they are");
    gateway.finish().await;
}
