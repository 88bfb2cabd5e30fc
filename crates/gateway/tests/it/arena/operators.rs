//! What operators do for the arena: entries, the demonstration, pictures on show, suggestions.

use super::super::harness::{TestGateway, decoded, plain, send};
use super::{Browser, COMPETITION, MODELS, board, hang, post};
use imaging::ImageFormat;
use reqwest::{Method, StatusCode};
use sandbox::SandboxConfig;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_published_by_their_owner_and_taken_down() {
    let gateway = TestGateway::embedded().await;
    let asked = json!({ "model": "gpt-image-1-mini", "prompt": "a red barn", "response_format": "url" });
    let made = gateway.generate(asked).await.ok();
    let publish = json!({ "request_id": made["id"], "prompt": "a red barn <&>", "settings": { "quality": "low" } });
    let hung = post(&gateway, "/v1/arena/exhibits", publish.clone()).await;
    assert_eq!(hung.status, 201, "{}", hung.text());
    let id = hung.json()["id"].as_str().expect("an id").to_owned();
    let twice = post(&gateway, "/v1/arena/exhibits", publish).await.json();
    assert_eq!(twice["id"].as_str(), Some(id.as_str()), "a picture hangs once");
    let gallery = || async {
        send(gateway.anonymous(Method::GET, "/gallery?model=gpt-image-1-mini"))
            .await
            .text()
    };
    let html = gallery().await;
    assert!(
        html.contains("a red barn &lt;&amp;&gt;") && html.contains("1 picture<"),
        "{html}"
    );
    let file = send(gateway.anonymous(Method::GET, &format!("/gallery/{id}.webp"))).await;
    assert_eq!((file.status.as_u16(), file.header("content-type")), (200, "image/webp"));
    let stranger = gateway.new_key(&[gateway::auth::Scope::Generate], None).await;
    let hide = |token: &str| {
        let request = gateway.anonymous(Method::PATCH, &format!("/v1/arena/exhibits/{id}"));
        request
            .bearer_auth(token.to_owned())
            .json(&json!({ "state": "hidden" }))
    };
    assert_eq!(
        send(hide(&stranger.token)).await.status,
        200,
        "a key of the same account is its owner's"
    );
    assert!(gallery().await.contains("0 pictures<"));
    let gone = send(gateway.anonymous(Method::GET, &format!("/gallery/{id}.webp"))).await;
    assert_eq!(gone.status, 404);
    // Removed, it is gone for its owner too.
    let own = format!("/v1/arena/exhibits/{id}");
    let visitor = gateway.anonymous(Method::DELETE, &own);
    assert_eq!(send(visitor).await.status, 401);
    let files = || std::fs::read_dir(gateway.data_dir.join("media/arena")).map_or(0, Iterator::count);
    assert_eq!(files(), 1);
    let removed = send(gateway.request(Method::DELETE, &own)).await.ok();
    assert_eq!(removed, json!({ "id": id, "object": "exhibit", "deleted": true }));
    assert_eq!(files(), 0);
    send(gateway.request(Method::DELETE, &own))
        .await
        .error(404, "INVALID_REQUEST");
    send(hide(&gateway.key)).await.error(404, "INVALID_REQUEST");
    let again = json!({ "request_id": made["id"], "prompt": "a red barn" });
    post(&gateway, "/v1/arena/exhibits", again)
        .await
        .error(409, "INVALID_REQUEST");
    let absent = post(
        &gateway,
        "/v1/arena/exhibits",
        json!({ "request_id": "req_none", "prompt": "x" }),
    )
    .await;
    absent.error(404, "INVALID_REQUEST");
    post(&gateway, "/v1/arena/exhibits", json!({ "prompt": "x" }))
        .await
        .error(400, "INVALID_REQUEST");
    gateway.finish().await;
}

/// What the sandbox's demonstration leaves is out of sight where a provider is real.
#[tokio::test(flavor = "multi_thread")]
async fn a_demonstration_fills_the_board_and_only_where_nobody_is_real() {
    let gateway = TestGateway::embedded().await;
    hang(&gateway, &MODELS[..3]).await;
    let drawn = post(&gateway, "/v1/arena/demo", json!({ "votes": 600 })).await;
    assert_eq!(
        (drawn.status.as_u16(), drawn.json()["votes"].as_u64()),
        (201, Some(600))
    );
    let told = board(&gateway).await;
    assert_eq!(told["data"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        told["trust"]["set_aside"]["voters"], 0,
        "without preference: {}",
        told["trust"]
    );
    assert!(told["history"].as_array().is_some_and(|days| days.len() > 10));
    let page = send(gateway.anonymous(Method::GET, "/leaderboard")).await.text();
    for part in ["Can you trust it?", "Rating and price", "Over time", "GPT Image 1 Mini"] {
        assert!(page.contains(part), "{part}");
    }
    let model = send(gateway.anonymous(Method::GET, "/models/openai/gpt-image-1-mini"))
        .await
        .text();
    for part in [
        "In the arena",
        "Against others",
        "Geometric Composition",
        "All of it: 1 picture",
    ] {
        assert!(model.contains(part), "{part}");
    }
    let text = send(gateway.anonymous(Method::GET, "/models/openai/gpt-image-1-mini/llms.txt"))
        .await
        .text();
    assert!(
        text.contains("## In the arena") && text.contains("Competition \"Geometric Composition\": rank"),
        "{text}"
    );
    let tried = json!({ "model": MODELS[0], "prompt": "a lamp", "size": "1024x1024", "response_format": "url" });
    let drawn = gateway.generate(tried.clone()).await.ok();
    gateway.clock.advance_s(61);
    // With credentials none of it is there, nor counts a call to an emulator as one to the provider.
    let emulators = sandbox::start(SandboxConfig::default()).await.expect("a free port");
    let real = gateway.made_real(&emulators).await;
    let refused = post(&real, "/v1/arena/demo", json!({})).await;
    refused.error(409, "INVALID_REQUEST");
    let told = board(&real).await;
    assert_eq!((&told["sandbox"], &told["votes"]["total"]), (&json!(false), &json!(0)));
    let entry = json!({ "competition": COMPETITION, "request_id": drawn["id"] });
    let late = post(&real, "/v1/arena/entries", entry).await;
    assert_eq!((late.status.as_u16(), &late.json()["sandbox"]), (201, &json!(true)));
    assert_eq!(real.get("/v1/arena/exhibits").await.ok()["data"], json!([]));
    let shown = async || {
        send(real.anonymous(Method::GET, "/models/openai/gpt-image-1-mini"))
            .await
            .text()
    };
    let before = shown().await;
    assert!(
        before.contains("No calls yet") && !before.contains("Geometric Composition"),
        "{before}"
    );
    real.generate(tried).await.ok();
    gateway.clock.advance_s(61);
    assert!(shown().await.contains("100.0 % of 1"));
    real.finish().await;
    emulators.shutdown().await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_makes_missing_entries_within_a_budget() {
    let gateway = TestGateway::embedded().await;
    let run = |budget: &'static str| {
        let gateway = &gateway;
        async move {
            let url = gateway.base.as_str();
            let key = gateway.key.as_str();
            let arguments = [
                "arena",
                "run",
                "--competition",
                COMPETITION,
                "--model",
                "flux.1-schnell",
                "--model",
                "gpt-image-1-mini",
                "--budget",
                budget,
                "--url",
                url,
                "--key",
                key,
            ];
            gateway.pictor(&arguments).await.ok().to_owned()
        }
    };
    let poor = run("0.0001").await;
    assert!(
        poor.contains("0 entries made") && poor.contains("past the budget"),
        "{poor}"
    );
    let rich = run("1").await;
    assert!(rich.contains("2 entries made"), "{rich}");
    let again = run("1").await;
    assert!(again.contains("every entry is there"), "{again}");
    let listed = gateway.get("/v1/arena/exhibits").await.ok();
    assert_eq!(listed["total"], 2);
    assert!(
        !listed.to_string().contains("unnamed"),
        "what the sandbox is told is not shown"
    );
    let leaderboard = gateway
        .pictor(&["arena", "leaderboard", "--url", &gateway.base, "--key", &gateway.key])
        .await;
    assert!(leaderboard.ok().contains("RANK"));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_suggest_prompts_and_the_operator_takes_or_leaves_them() {
    let gateway = TestGateway::embedded().await;
    hang(&gateway, &MODELS[..2]).await;
    let (browser, _) = Browser::new(&gateway).await;
    let sent = browser
        .send(&gateway, "/arena/suggestions", &[("prompt", "a glass whale <b>")])
        .await;
    assert_eq!(
        (sent.status(), sent.headers()["location"].as_bytes()),
        (StatusCode::SEE_OTHER, b"/arena?suggested=1".as_slice())
    );
    let page = browser
        .get(&format!("{}/arena?suggested=1", gateway.base))
        .await
        .text()
        .await
        .expect("a page");
    assert!(page.contains("Your prompt waits"));
    let empty = browser.send(&gateway, "/arena/suggestions", &[("prompt", " ")]).await;
    assert_eq!(empty.status(), StatusCode::BAD_REQUEST);
    let waiting = gateway.get("/v1/arena/suggestions").await.ok();
    assert_eq!(waiting["data"][0]["prompt"], "a glass whale <b>");
    let path = format!(
        "/v1/arena/suggestions/{}",
        waiting["data"][0]["id"].as_str().expect("an id")
    );
    send(gateway.request(Method::PATCH, &path).json(&json!({ "state": "taken" })))
        .await
        .ok();
    assert_eq!(gateway.get("/v1/arena/suggestions").await.ok()["data"], json!([]));
    assert_eq!(
        gateway.get("/v1/arena/suggestions?state=taken").await.ok()["data"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    for number in 0..9 {
        let more = post(
            &gateway,
            "/v1/arena/suggestions",
            json!({ "prompt": format!("number {number}"), "voter": "much" }),
        )
        .await;
        assert_eq!(more.status, 201);
    }
    post(
        &gateway,
        "/v1/arena/suggestions",
        json!({ "prompt": "the tenth", "voter": "much" }),
    )
    .await;
    let much = post(
        &gateway,
        "/v1/arena/suggestions",
        json!({ "prompt": "too much", "voter": "much" }),
    )
    .await;
    much.error(429, "RATE_LIMITED");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_competition_of_edits_starts_from_the_operators_own_picture() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let competitions = folder.path().join("competitions");
    std::fs::create_dir(&competitions).expect("a folder");
    let text = "id = \"mug\"\nname = \"The Mug\"\nmode = \"image-edit\"\nprompt = \"make it blue\"\nsize = \"1024x1024\"\n\
                source_file = \"mug.jpg\"\nmodels = [\"gpt-image-1-mini\"]\n";
    std::fs::write(competitions.join("mug.toml"), text).expect("a file");
    let red = plain((1_200, 900), [200, 40, 40, 255], ImageFormat::Jpeg);
    std::fs::write(competitions.join("mug.jpg"), red).expect("a file");
    // Entries are made without the site, too.
    let gateway = TestGateway::embedded_with(|settings| {
        settings.catalog_dir = Some(folder.path().to_owned());
        settings.site = false;
    })
    .await;
    let listed = gateway.get("/v1/arena/competitions").await.ok();
    let own = listed["data"].as_array().into_iter().flatten();
    let own = own.filter(|own| own["id"] == "mug").collect::<Vec<_>>();
    let source = own[0]["source_url"].as_str().expect("an address");
    let picture = decoded(&send(gateway.client.get(source)).await.body);
    assert_eq!((picture.width_px(), picture.height_px()), (1_024, 768));
    let run = [
        "arena",
        "run",
        "--competition",
        "mug",
        "--budget",
        "1",
        "--url",
        &gateway.base,
        "--key",
        &gateway.key,
    ];
    let told = gateway.pictor(&run).await.ok().to_owned();
    assert!(
        told.contains("1 entries made") || told.contains("1 entry made"),
        "{told}"
    );
    gateway.finish().await;
}
