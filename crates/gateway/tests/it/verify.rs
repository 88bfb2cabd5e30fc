//! `pictor catalog verify`: what a provider itself tells of its models, held against the catalogue. Providers are emulators, whose tables
//! are not the catalogue's.

use std::path::PathBuf;

use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::{Json, Router, routing};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::harness::Site;

/// Before the ends that the emulators announce.
const EARLY: &str = "2026-08-15";

/// What is found at a provider, model by model: the differences of one native model.
async fn found(site: &Site, provider: &str, on: &str) -> Value {
    let ran = site
        .pictor(&["catalog", "verify", "--provider", provider, "--on", on, "--json"])
        .await;
    serde_json::from_str(ran.wrote()).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

fn of<'a>(found: &'a Value, native: &str) -> Vec<(&'a str, &'a str)> {
    let models = found["models"].as_array().expect("a list");
    let own = models.iter().find(|model| model["native"] == native);
    let own = own.unwrap_or_else(|| panic!("{native} was not asked for"));
    let text = |value: &'a Value| value.as_str().expect("a text");
    let differences = own["differences"].as_array().expect("a list").iter();
    differences
        .map(|one| (text(&one["what"]), text(&one["toml"])))
        .collect()
}

/// A folder of one's own with this model.
fn own_model(site: &Site, text: &str) -> PathBuf {
    let own = site.data_dir().join("own");
    std::fs::create_dir_all(own.join("models")).expect("a folder");
    std::fs::write(own.join("models/own.toml"), text).expect("a file");
    own
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_are_held_against_openai_s_list() {
    let site = Site::new().await;
    let early = found(&site, "openai", EARLY).await;
    assert_eq!(of(&early, "gpt-image-1"), [], "the catalogue knows of its end");
    assert_eq!(of(&early, "gpt-image-2"), []);
    let unknown = early["unknown"].as_array().expect("a list");
    assert!(
        !unknown.contains(&json!("gpt-image-1.5-2025-12-16")),
        "an alias: {unknown:?}"
    );
    // The emulator lists models past their end, as a provider would that has not ended them.
    let late = found(&site, "openai", "2027-01-10").await;
    let [(what, toml)] = of(&late, "gpt-image-1.5")[..] else {
        panic!("{late:#}");
    };
    assert!(what.contains("past its announced end"), "{what}");
    assert_eq!(toml, "still_served = \"2027-01-10\"");
    site.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_held_against_those_that_an_api_shows() {
    let site = Site::new().await;
    let told = found(&site, "xai", EARLY).await;
    assert_eq!(of(&told, "grok-imagine-image-2.0"), []);
    assert_eq!(of(&told, "grok-imagine-image"), []);
    // A folder of one's own says otherwise.
    let shown = site.pictor(&["catalog", "show", "grok-imagine-image", "--toml"]).await;
    let changed = shown.ok().replace("unit_price = \"0.02\"", "unit_price = \"0.03\"");
    let own = own_model(&site, &changed);
    let variables = [("PICTOR_CATALOG_DIR", own.to_str().expect("a path"))];
    let ran = site
        .pictor_with(&variables, &["catalog", "verify", "--provider", "xai", "--on", EARLY])
        .await;
    let complaint = ran.failed();
    assert!(
        complaint.contains("difference(s) between the catalogue and what xAI tells"),
        "{complaint}"
    );
    let wrote = ran.wrote();
    assert!(wrote.contains("costs $0.02 for each output image"), "{wrote}");
    assert!(
        wrote.contains("components = [{ type = \"output\", metric = \"image\", unit_price = \"0.02\""),
        "{wrote}"
    );
    site.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_and_prices_are_held_against_fal_s_documents() {
    let site = Site::new().await;
    let told = found(&site, "fal", EARLY).await;
    for model in told["models"].as_array().expect("a list") {
        for one in model["differences"].as_array().expect("a list") {
            let what = one["what"].as_str().expect("a text");
            // Whatever an endpoint lacks or refuses is a mistake of the catalogue, or of the emulator.
            let is_grave = [
                "has no field",
                "does not take",
                "needs the field",
                "is not among",
                "costs $",
            ];
            assert!(!is_grave.iter().any(|word| what.starts_with(word)), "{model:#}");
        }
    }
    site.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_held_against_replicate_s_schemas() {
    let site = Site::new().await;
    let told = found(&site, "replicate", EARLY).await;
    for model in told["models"].as_array().expect("a list") {
        for one in model["differences"].as_array().expect("a list") {
            let what = one["what"].as_str().expect("a text");
            let is_grave = ["has no field", "does not take", "needs the field", "is not among"];
            assert!(!is_grave.iter().any(|word| what.starts_with(word)), "{model:#}");
        }
    }
    // A field that nobody has, and one that it does have by another name.
    let shown = site
        .pictor(&["catalog", "show", "recraft-crisp-upscale", "--toml"])
        .await;
    let changed = shown.ok().replace(
        "model = \"recraft-ai/recraft-crisp-upscale\"",
        "model = \"recraft-ai/recraft-crispest\"",
    );
    let own = own_model(&site, &changed);
    let variables = [("PICTOR_CATALOG_DIR", own.to_str().expect("a path"))];
    let ran = site
        .pictor_with(
            &variables,
            &["catalog", "verify", "--provider", "replicate", "--on", EARLY],
        )
        .await;
    let wrote = ran.wrote();
    assert!(
        wrote.contains("recraft-ai/recraft-crispest\n# is not among the provider's models\n"),
        "{wrote}"
    );
    assert!(
        wrote.contains("sunset = \"2026-08-15\"\nend_confirmed = \"2026-08-15\""),
        "{wrote}"
    );
    site.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_asked_is_told_why() {
    let site = Site::new().await;
    let unknown = site.pictor(&["catalog", "verify", "--provider", "nobody"]).await;
    assert_eq!(unknown.failed(), "there is no provider 'nobody'");
    let silent = site.pictor(&["catalog", "verify", "--provider", "bfl"]).await;
    let complaint = silent.failed();
    assert!(
        complaint.contains("'bfl' tells nothing of its models without cost")
            && complaint.contains("openai, xai, gemini"),
        "{complaint}"
    );
    let sandboxed = site
        .pictor_with(
            &[("PICTOR_SANDBOX", "always")],
            &["catalog", "verify", "--provider", "openai"],
        )
        .await;
    assert!(sandboxed.failed().contains("served by the sandbox"), "{sandboxed:?}");
    // The credential is not repeated, whatever the provider says of it.
    let refused = site
        .pictor_with(
            &[("PICTOR_OPENAI_API_KEY", "sk-invalid-and-secret")],
            &["catalog", "verify", "--provider", "openai"],
        )
        .await;
    let complaint = refused.failed();
    assert!(complaint.contains("/openai/v1/models answered 401"), "{complaint}");
    assert!(!complaint.contains("secret"), "{complaint}");
    let listed = site
        .pictor(&["catalog", "verify", "--provider", "gemini", "--on", EARLY])
        .await;
    assert!(listed.ok().contains("models agree"), "{listed:?}");
    site.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_drawn_with_their_sources() {
    let site = Site::new().await;
    let draw = async |seed: &str| {
        let ran = site.pictor(&["catalog", "sample", "--seed", seed, "--json"]).await;
        let rows: Vec<Value> = serde_json::from_str(ran.ok()).expect("a list");
        rows
    };
    let (one, again, other) = (draw("17").await, draw("17").await, draw("18").await);
    assert_eq!(one.len(), 60);
    assert_eq!(one, again);
    assert_ne!(one, other);
    for row in &one {
        for name in ["provider", "model", "of", "value", "source", "as_of"] {
            assert!(row[name].as_str().is_some_and(|text| !text.is_empty()), "{row}");
        }
    }
    let few = site
        .pictor(&["catalog", "sample", "--seed", "17", "--count", "3"])
        .await;
    assert_eq!(few.ok().lines().count(), 4, "heads and three rows: {}", few.ok());
    site.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_should_be_looked_at_is_told_for_any_day() {
    let site = Site::new().await;
    let unconfirmed = async |day: &str| {
        let ran = site.pictor(&["catalog", "stale", "--on", day, "--json"]).await;
        let rows: Vec<Value> = serde_json::from_str(ran.ok()).expect("a list");
        let rows = rows.into_iter().filter(|row| row["doubt"] == "unconfirmed");
        rows.map(|row| row["model"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(unconfirmed("2026-12-04").await.is_empty());
    assert_eq!(unconfirmed("2027-03-01").await, ["gpt-image-1-mini", "gpt-image-1.5"]);
    site.abandon().await;
}

/// Serves a provider's lists at an address of its own.
async fn serve(lists: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, lists).await });
    base
}

/// What fal would answer of these models: 404 as soon as one of them is not known.
async fn known_to_fal(RawQuery(query): RawQuery, unknown: &str) -> Result<Json<Value>, StatusCode> {
    let query = query.unwrap_or_default();
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let asked = pairs.filter(|(name, _)| name == "endpoint_id");
    let asked: Vec<String> = asked.map(|(_, id)| id.into_owned()).collect();
    if asked.iter().any(|id| id == unknown) {
        return Err(StatusCode::NOT_FOUND);
    }
    let model = |id: &String| json!({ "endpoint_id": id, "metadata": { "status": "active" } });
    let price = |id: &String| json!({ "endpoint_id": id, "unit_price": 77, "unit": "images" });
    Ok(Json(json!({
        "models": asked.iter().map(model).collect::<Vec<_>>(),
        "prices": asked.iter().map(price).collect::<Vec<_>>(),
    })))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_model_that_is_gone_does_not_cost_the_answer_of_its_neighbours() {
    const GONE: &str = "fal-ai/flux/schnell";
    let site = Site::new().await;
    let list = routing::get(|query: RawQuery| known_to_fal(query, GONE));
    let base = serve(
        Router::new()
            .route("/models", list.clone())
            .route("/models/pricing", list),
    )
    .await;
    let file = site.settings_file();
    let text = std::fs::read_to_string(&file).expect("settings");
    let end = text.find("/fal/api/v1").expect("the address of fal's API");
    let begin = text[..end].rfind('"').expect("a text") + 1;
    let own = format!("{}{base}{}", &text[..begin], &text[end + "/fal/api/v1".len()..]);
    std::fs::write(&file, own).expect("a file");
    let told = found(&site, "fal", EARLY).await;
    let models = told["models"].as_array().expect("a list");
    assert!(models.iter().any(|model| model["native"] == GONE), "{told:#}");
    for model in models {
        let differences = model["differences"].as_array().expect("a list");
        let says = |text: &str| {
            differences
                .iter()
                .any(|one| one["what"].as_str().is_some_and(|what| what.contains(text)))
        };
        let is_gone = model["native"] == GONE;
        assert_eq!(
            (says("is not among"), says("costs $77")),
            (is_gone, !is_gone),
            "{model:#}"
        );
    }
    site.abandon().await;
}

/// What stands on a page that was not read would count as gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_an_end_is_no_list() {
    let site = Site::new().await;
    let page =
        async || Json(json!({ "models": [{ "name": "models/gemini-2.5-flash-image" }], "nextPageToken": "more" }));
    let base = serve(Router::new().route("/models", routing::get(page))).await;
    let ran = site
        .pictor_with(
            &[("PICTOR_GEMINI_BASE_URL", &base)],
            &["catalog", "verify", "--provider", "gemini"],
        )
        .await;
    assert!(ran.failed().contains("does not end"), "{ran:?}");
    assert_eq!(ran.wrote(), "");
    site.abandon().await;
}

/// An offer whose edits cost something else than its pictures from text, by one native model: both are held against its price.
#[tokio::test(flavor = "multi_thread")]
async fn prices_of_every_mode_are_compared() {
    let site = Site::new().await;
    let shown = site.pictor(&["catalog", "show", "grok-imagine-image", "--toml"]).await;
    let price = |dollars: &str, modes: &str| {
        format!("{{ type = \"output\", metric = \"image\", unit_price = \"{dollars}\"{modes} }},")
    };
    let by_mode = [
        price("0.02", ", modes = [\"text-to-image\"]"),
        price("0.05", ", modes = [\"image-edit\"]"),
    ];
    let changed = shown.ok().replace(&price("0.02", ""), &by_mode.join("\n"));
    let own = own_model(&site, &changed);
    let variables = [("PICTOR_CATALOG_DIR", own.to_str().expect("a path"))];
    let ran = site
        .pictor_with(&variables, &["catalog", "verify", "--provider", "xai", "--on", EARLY])
        .await;
    let wrote = ran.wrote();
    assert!(wrote.contains("the catalogue says $0.05"), "{ran:?}");
    assert!(wrote.contains("modes = [\"image-edit\"]"), "{wrote}");
    assert!(!wrote.contains("modes = [\"text-to-image\"]"), "{wrote}");
    site.abandon().await;
}
