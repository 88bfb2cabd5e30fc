//! What people without a key do in the arena and the gallery: prompts of their own, publishing, reports; and what the desk says.

use axum::{Json, Router, routing};
use gateway::settings::Settings;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::super::harness::{TestGateway, send, until};
use super::super::sessions::{form, of_page, signed_in, visitor};
use super::{Browser, COMPETITION, MODELS, between, board, board_of, hang, pictures, post};

/// The rest of a page after its head, where nothing names a model by a picture that is not on it.
fn main_of(html: &str) -> &str {
    html.split_once("<main").expect("a page").1
}

async fn page(gateway: &TestGateway, path: &str) -> String {
    send(gateway.anonymous(Method::GET, path)).await.text()
}

/// Puts a prompt of the visitor's own to two models. Returns the page of the pair, and its id.
async fn ask(gateway: &TestGateway, browser: &Browser, prompt: &str) -> (String, String) {
    let fields = [("prompt", prompt), ("form_token", "")];
    let asked = browser.send(gateway, "/arena/prompts", &fields).await;
    assert_eq!(asked.status(), StatusCode::SEE_OTHER);
    assert_eq!(asked.headers()["location"], "/arena");
    let session = asked.headers().get_all("set-cookie").iter();
    assert!(
        session
            .filter_map(|set| set.to_str().ok())
            .any(|set| set.starts_with("pictor_session="))
    );
    let html = read(gateway, browser, "/arena").await;
    let battle = between(&html, "name=\"battle\" value=\"", "\"").to_owned();
    (html, battle)
}

async fn read(gateway: &TestGateway, browser: &Browser, path: &str) -> String {
    let reply = browser.get(&format!("{}{path}", gateway.base)).await;
    reply.text().await.expect("a page")
}

async fn vote(gateway: &TestGateway, browser: &Browser, battle: &str) {
    let fields = [("battle", battle), ("vote", "left")];
    let voted = browser.send(gateway, "/arena/votes", &fields).await;
    assert_eq!(voted.status(), StatusCode::SEE_OTHER);
}

async fn hung(gateway: &TestGateway, state: &str) -> Vec<Value> {
    let list = gateway.get(&format!("/v1/arena/exhibits?state={state}")).await.ok();
    list["data"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_of_ones_own_is_a_blind_pair_and_its_vote_counts() {
    let gateway = TestGateway::embedded().await;
    // Nothing hangs in any competition.
    let (browser, html) = Browser::new(&gateway).await;
    assert!(
        html.contains("No pairs yet") && html.contains("A prompt of your own"),
        "{html}"
    );
    let (html, battle) = ask(&gateway, &browser, "a glass whale <b>").await;
    assert!(html.contains("a glass whale &lt;b&gt;"), "{html}");
    assert_eq!(pictures(&html).len(), 2);
    let own = hung(&gateway, "private").await;
    assert_eq!(own.len(), 2);
    for exhibit in &own {
        let name = exhibit["name"].as_str().expect("a name");
        assert!(!main_of(&html).contains(name), "{name} is told before the vote");
        assert!(!page(&gateway, "/gallery").await.contains("glass whale"));
    }
    vote(&gateway, &browser, &battle).await;
    board_of(&gateway, 1).await;
    let mode = gateway.get("/v1/arena/leaderboard?board=mode:image-edit").await.ok();
    assert_eq!(mode["votes"]["total"], 0);
    let path = format!("/arena/battles/{battle}");
    let told = read(&gateway, &browser, &path).await;
    assert!(told.contains("Publish both") && told.contains("Look closer"), "{told}");
    // Published, both wait for the operator; a second time changes nothing.
    let publish = async || {
        let offered = browser.send(&gateway, "/arena/published", &[("battle", &battle)]).await;
        assert_eq!(offered.status(), StatusCode::SEE_OTHER);
    };
    publish().await;
    publish().await;
    assert_eq!(hung(&gateway, "waiting").await.len(), 2);
    // What the operator takes down stays down, whoever asked for it.
    let down = format!("/v1/arena/exhibits/{}", own[0]["id"].as_str().expect("an id"));
    let hide = gateway
        .request(Method::PATCH, &down)
        .json(&json!({ "state": "hidden" }));
    send(hide).await.ok();
    publish().await;
    assert_eq!(hung(&gateway, "waiting").await.len(), 1);
    assert_eq!(hung(&gateway, "hidden").await[0]["id"], own[0]["id"]);
    assert!(!read(&gateway, &browser, &path).await.contains("Publish both"));
    let stranger = Browser::new(&gateway).await.0;
    let stolen = stranger
        .send(&gateway, "/arena/published", &[("battle", &battle)])
        .await;
    assert_eq!(stolen.status(), StatusCode::NOT_FOUND);
    let empty = browser.send(&gateway, "/arena/prompts", &[("prompt", " ")]).await;
    assert_eq!(empty.status(), StatusCode::BAD_REQUEST);
    gateway.finish().await;
}

/// Pictures on show are kept; those of a prompt of one's own have the time of media to be published in, or of their pair.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_publishes_of_a_prompt_of_ones_own_is_removed() {
    let gateway = TestGateway::embedded().await;
    let (browser, _) = Browser::new(&gateway).await;
    let (_, published) = ask(&gateway, &browser, "a glass whale").await;
    vote(&gateway, &browser, &published).await;
    browser
        .send(&gateway, "/arena/published", &[("battle", &published)])
        .await;
    let (html, battle) = ask(&gateway, &browser, "a brass owl").await;
    vote(&gateway, &browser, &battle).await;
    let files = || std::fs::read_dir(gateway.data_dir.join("media/arena")).map_or(0, Iterator::count);
    assert_eq!(files(), 4);
    gateway.clock.advance_s(2 * 3_600 - 1);
    // A gateway looks as soon as it starts.
    let early = gateway.replica().await;
    assert_eq!(hung(&early, "private").await.len(), 2);
    early.finish().await;
    assert_eq!((files(), hung(&gateway, "private").await.len()), (4, 2));
    gateway.clock.advance_s(1);
    let replica = gateway.replica().await;
    until("the removal", async || {
        hung(&replica, "private").await.is_empty().then_some(())
    })
    .await;
    replica.finish().await;
    assert_eq!(files(), 2);
    assert_eq!(hung(&gateway, "waiting").await.len(), 2);
    // What was said of them still counts.
    board_of(&gateway, 2).await;
    let told = read(&gateway, &browser, &format!("/arena/battles/{battle}")).await;
    assert!(
        told.contains("This picture was removed") && !told.contains("Publish both"),
        "{told}"
    );
    assert!(!told.contains("brass owl"));
    for path in pictures(&html) {
        assert_eq!(
            send(gateway.anonymous(Method::GET, &path)).await.status,
            StatusCode::NOT_FOUND
        );
    }
    // Nor does the operator bring back what is gone.
    let gone = hung(&gateway, "hidden").await[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let show = gateway.request(Method::PATCH, &format!("/v1/arena/exhibits/{gone}"));
    send(show.json(&json!({ "state": "shown" })))
        .await
        .error(404, "INVALID_REQUEST");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_of_ones_own_are_the_operator_s_to_allow() {
    let off = |settings: &mut Settings| settings.visitors.arena_prompts = false;
    let gateway = TestGateway::embedded_with(off).await;
    let (browser, html) = Browser::new(&gateway).await;
    assert!(!html.contains("A prompt of your own"));
    let refused = browser.send(&gateway, "/arena/prompts", &[("prompt", "a whale")]).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(refused.text().await.expect("a page").contains("visitors.arena_prompts"));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_visitors_publish_waits_and_is_their_own_alone() {
    let gateway = TestGateway::embedded().await;
    let (one, other) = (visitor(&gateway).await, visitor(&gateway).await);
    let order = json!({ "model": "mock-image", "prompt": "x", "size": "64x64", "response_format": "url" });
    let made = send(of_page(&gateway, Method::POST, "/openai/v1/images/generations", &one).json(&order))
        .await
        .ok();
    let publish = json!({ "request_id": made["id"], "prompt": "a quiet harbor" });
    let path = "/v1/arena/exhibits";
    // Visitors share an account: another's request is not to be found all the same.
    let foreign = send(of_page(&gateway, Method::POST, path, &other).json(&publish)).await;
    foreign.error(404, "INVALID_REQUEST");
    let hung = send(of_page(&gateway, Method::POST, path, &one).json(&publish)).await;
    assert_eq!((hung.status.as_u16(), &hung.json()["state"]), (201, &json!("waiting")));
    let id = hung.json()["id"].as_str().expect("an id").to_owned();
    send(of_page(&gateway, Method::POST, path, &other).json(&publish))
        .await
        .error(404, "INVALID_REQUEST");
    assert!(!page(&gateway, "/gallery").await.contains("quiet harbor"));
    assert_eq!(
        send(gateway.anonymous(Method::GET, &format!("/gallery/{id}")))
            .await
            .status,
        404
    );
    let own = format!("{path}/{id}");
    let hide = json!({ "state": "hidden" });
    send(of_page(&gateway, Method::PATCH, &own, &other).json(&hide))
        .await
        .error(404, "INVALID_REQUEST");
    // The desk lets it in.
    let admin = signed_in(&gateway, &gateway.key).await;
    let desk = send(of_page(&gateway, Method::GET, "/app/arena", &admin)).await.text();
    assert!(
        desk.contains("a quiet harbor") && desk.contains(&format!("/app/arena/pictures/{id}.webp")),
        "{desk}"
    );
    let thumb = send(of_page(
        &gateway,
        Method::GET,
        &format!("/app/arena/pictures/{id}.webp"),
        &admin,
    ))
    .await;
    assert_eq!(
        (thumb.status.as_u16(), thumb.header("content-type")),
        (200, "image/webp")
    );
    let token = between(&desk, "name=\"form_token\" value=\"", "\"");
    let fields = [("form_token", token), ("state", "shown")];
    let let_in = form(&gateway, &format!("/app/arena/exhibits/{id}"), &admin, &fields).await;
    assert_eq!(
        (let_in.status, let_in.header("location")),
        (StatusCode::SEE_OTHER, "/app/arena")
    );
    let shown = page(&gateway, &format!("/gallery/{id}")).await;
    for part in ["a quiet harbor", "Use settings", "Report this picture"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // It is withdrawn by who published it.
    send(of_page(&gateway, Method::PATCH, &own, &one).json(&hide))
        .await
        .ok();
    let gone = async || {
        let page = gateway.anonymous(Method::GET, &format!("/gallery/{id}"));
        assert_eq!(send(page).await.status, 404);
    };
    gone().await;
    // Others do not remove it; the desk does, for good.
    let stolen = send(of_page(&gateway, Method::DELETE, &own, &other)).await;
    stolen.error(404, "INVALID_REQUEST");
    let path = format!("/app/arena/exhibits/{id}/removed");
    let removed = form(&gateway, &path, &admin, &[("form_token", token)]).await;
    assert_eq!(removed.header("location"), "/app/arena", "{}", removed.text());
    let show = form(&gateway, &format!("/app/arena/exhibits/{id}"), &admin, &fields).await;
    assert_eq!(show.status, StatusCode::NOT_FOUND);
    gone().await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_reported_and_taken_down_and_machines_have_opinions() {
    let gateway = TestGateway::embedded().await;
    hang(&gateway, &MODELS[..2]).await;
    let hung = gateway.get("/v1/arena/exhibits").await.ok();
    let id = hung["data"][0]["id"].as_str().expect("an id").to_owned();
    let other = hung["data"][1]["id"].as_str().expect("an id").to_owned();
    let (browser, _) = Browser::new(&gateway).await;
    let path = format!("/gallery/{id}/reports");
    let reported = browser.send(&gateway, &path, &[("reason", "a face <b>")]).await;
    assert_eq!(
        reported.headers()["location"],
        format!("/gallery/{id}?reported=1").as_str()
    );
    let empty = browser.send(&gateway, &path, &[("reason", " ")]).await;
    assert_eq!(empty.status(), StatusCode::BAD_REQUEST);
    let by_key = format!("/v1/arena/exhibits/{id}/reports");
    let first = post(&gateway, &by_key, json!({ "reason": "a hand" })).await;
    let second = post(&gateway, &by_key, json!({ "reason": "and a foot" })).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 200));
    assert_eq!(first.json(), second.json(), "the second of one person changes nothing");
    let waiting = gateway.get("/v1/arena/reports").await.ok();
    assert_eq!(waiting["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(waiting["data"][0]["exhibit"]["competition"], COMPETITION);
    // A machine says something of the other, which is marked and counts for nothing.
    let opinion = format!("/v1/arena/exhibits/{other}/opinion");
    let said = json!({ "judge": "eye-1", "plus": ["clear <shapes>"], "minus": ["no third circle"] });
    send(gateway.request(Method::PUT, &opinion).json(&said)).await.ok();
    let told = page(&gateway, &format!("/gallery/{other}?beside={id}")).await;
    for part in ["A machine’s opinion", "eye-1", "clear &lt;shapes&gt;", "data-closer"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(board(&gateway).await["votes"]["total"], 0);
    send(
        gateway
            .request(Method::PUT, &opinion)
            .json(&json!({ "judge": "eye-1", "plus": [1] })),
    )
    .await
    .fault("plus");
    send(gateway.request(Method::DELETE, &opinion)).await.ok();
    assert!(!page(&gateway, &format!("/gallery/{other}")).await.contains("eye-1"));
    // Both models' pictures of the same order stand beside each other.
    let compared = page(&gateway, "/compare/gpt-image-1-mini/flux.1-schnell").await;
    assert!(compared.contains("On the same prompts"), "{compared}");
    assert!(compared.contains(&format!("/gallery/{id}.webp")) && compared.contains(&format!("/gallery/{other}.webp")));
    // A pair that is in somebody's hand shows it no longer once it is hidden, and is not handed out again.
    let pair = async || pictures(&read(&gateway, &browser, "/arena").await);
    let held = pair().await;
    let hide = async |state: &str| {
        let path = format!("/v1/arena/exhibits/{id}");
        send(gateway.request(Method::PATCH, &path).json(&json!({ "state": state })))
            .await
            .ok();
    };
    hide("hidden").await;
    let mut seen = Vec::new();
    for picture in &held {
        seen.push(
            browser
                .get(&format!("{}{picture}", gateway.base))
                .await
                .status()
                .as_u16(),
        );
    }
    seen.sort_unstable();
    assert_eq!(seen, [200, 404]);
    assert_eq!(pair().await, [""; 0], "no other pair is left");
    hide("shown").await;
    assert_eq!(pair().await, held);
    // Upheld, all that wait on the picture are answered, and it is gone.
    let report = format!(
        "/v1/arena/reports/{}",
        waiting["data"][0]["id"].as_str().expect("an id")
    );
    send(
        gateway
            .request(Method::PATCH, &report)
            .json(&json!({ "state": "upheld" })),
    )
    .await
    .ok();
    assert_eq!(gateway.get("/v1/arena/reports").await.ok()["data"], json!([]));
    assert_eq!(
        send(gateway.anonymous(Method::GET, &format!("/gallery/{id}.webp")))
            .await
            .status,
        404
    );
    assert_eq!(
        browser.send(&gateway, &path, &[("reason", "gone")]).await.status(),
        StatusCode::NOT_FOUND
    );
    let late = gateway.request(Method::PUT, &format!("/v1/arena/exhibits/{id}/opinion"));
    send(late.json(&said)).await.error(404, "INVALID_REQUEST");
    let reads = gateway.new_key(&[gateway::auth::Scope::Read], None).await;
    let request = gateway
        .anonymous(Method::GET, "/v1/arena/reports")
        .bearer_auth(&reads.token);
    send(request).await.error(403, "PERMISSION_DENIED");
    gateway.finish().await;
}

/// A model of the operator's own, as the command line asks it: an API with chat completions that sees pictures.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_asks_a_judge_about_what_nothing_is_said_of() {
    let gateway = TestGateway::embedded().await;
    hang(&gateway, &MODELS[..2]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let answer = async |Json(asked): Json<Value>| {
        let content = &asked["messages"][0]["content"];
        let sees = content[1]["image_url"]["url"].as_str().unwrap_or_default();
        assert!(sees.starts_with("data:image/webp;base64,"), "{sees}");
        let said = r#"Here: {"plus": ["three circles"], "minus": []}"#;
        Json(json!({ "choices": [{ "message": { "content": said } }] }))
    };
    let judge = Router::new().route("/v1/chat/completions", routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, judge).await });
    let run = async || {
        let arguments = [
            "arena",
            "judge",
            "--judge-url",
            &url,
            "--judge-model",
            "eye-2",
            "--url",
            &gateway.base,
            "--key",
            &gateway.key,
        ];
        gateway.pictor(&arguments).await.ok().to_owned()
    };
    let told = run().await;
    assert!(told.contains("2 pictures judged by eye-2"), "{told}");
    let told = run().await;
    assert!(
        told.contains("0 pictures judged") && told.contains("2 were judged before"),
        "{told}"
    );
    let hung = gateway.get("/v1/arena/exhibits").await.ok();
    assert_eq!(hung["data"][0]["opinion"]["plus"], json!(["three circles"]));
    gateway.finish().await;
}
