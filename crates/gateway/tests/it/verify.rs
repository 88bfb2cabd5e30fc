//! `pictor catalog verify`: what a provider itself tells of its models, held against the catalogue. Providers are emulators, whose tables
//! are not the catalogue's.

use serde_json::{Value, json};

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
    let dir = site.data_dir().join("own/models");
    std::fs::create_dir_all(&dir).expect("a folder");
    let changed = shown.ok().replace("unit_price = \"0.02\"", "unit_price = \"0.03\"");
    std::fs::write(dir.join("own.toml"), changed).expect("a file");
    let own = site.data_dir().join("own");
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
    let dir = site.data_dir().join("own/models");
    std::fs::create_dir_all(&dir).expect("a folder");
    let changed = shown.ok().replace(
        "model = \"recraft-ai/recraft-crisp-upscale\"",
        "model = \"recraft-ai/recraft-crispest\"",
    );
    std::fs::write(dir.join("own.toml"), changed).expect("a file");
    let own = site.data_dir().join("own");
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
