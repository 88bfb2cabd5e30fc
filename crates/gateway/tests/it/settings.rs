//! Settings: the file, and the environment over it.

mod example;

use std::path::{Path, PathBuf};

use gateway::settings::limits::Limits;
use gateway::settings::{Environment, SandboxUse, Settings, SettingsError};
use planner::failure::WhenMaybeBilled;
use planner::strategy::Strategy;
use tempfile::TempDir;

use super::harness::{Site, catalog};

/// A settings file in a folder of its own.
fn written(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("pictor.toml");
    std::fs::write(&path, text).expect("the file is written");
    (folder, path)
}

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn load(file: Option<&Path>, pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::load(file, &environment(pairs), &catalog())
}

fn message(text: &str, pairs: &[(&str, &str)]) -> String {
    let (_folder, path) = written(text);
    load(Some(&path), pairs).expect_err("a mistake is told").to_string()
}

#[test]
fn without_anything_the_defaults_hold() {
    let settings = load(None, &[]).expect("the defaults are legal");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8484");
    assert_eq!(settings.data_dir, Path::new("pictor-data"));
    assert_eq!(settings.sandbox, SandboxUse::Auto);
    assert_eq!(settings.limits, Limits::default());
    assert!(settings.providers.values().all(|own| own.credential.is_none()));
}

#[test]
fn a_provider_of_the_operators_own_folder_can_be_set_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("providers")).expect("a folder");
    let provider = "id = \"local\"\nname = \"Local\"\nprotocol = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
         sandbox_path = \"/openai/v1\"\nsandbox_credential = \"sk-sandbox\"\n";
    std::fs::write(folder.path().join("providers/local.toml"), provider).expect("the file is written");
    let (_kept, path) = written(&format!(
        "catalog_dir = {:?}\n[providers.local]\ncredential = \"sk-local\"\n",
        folder.path().display().to_string()
    ));
    let named = Settings::before_catalog(Some(&path), &environment(&[])).expect("a legal file");
    let catalog = gateway::builtin::catalog(named.catalog_dir.as_deref()).expect("a legal catalogue");
    let settings = Settings::load(Some(&path), &environment(&[]), &catalog).expect("its provider is known");
    assert_eq!(settings.providers["local"].credential.as_deref(), Some("sk-local"));
}

#[test]
fn the_environment_goes_before_the_file() {
    let (_folder, path) = written(
        "listen = \"127.0.0.1:1000\"\ndata_dir = \"from-file\"\nsandbox = \"never\"\ndefault_model = \"gpt-image-1\"\n\
         [limits]\ninput_images = 3\nmedia_ttl_s = 7\n[providers.openai]\ncredential = \"sk-file\"\nbase_url = \"http://file.example/v1\"\n",
    );
    let settings = load(
        Some(&path),
        &[
            ("PICTOR_LISTEN", "127.0.0.1:2000"),
            ("PICTOR_SANDBOX", "always"),
            ("PICTOR_FETCH_HOSTS", "a.example, b.example,,"),
            ("PICTOR_WHEN_MAYBE_BILLED", "never"),
            ("PICTOR_FAILOVER_ON_CONTENT_POLICY", "true"),
            ("PICTOR_LOG_JSON", "true"),
            ("PICTOR_KNOWN_CLIENTS", "false"),
            ("PICTOR_PUBLIC_URL", "https://images.example"),
            ("PICTOR_METRICS_LISTEN", "127.0.0.1:3000"),
            ("PICTOR_STRATEGY", "fastest"),
            ("PICTOR_MARKUP_PERCENT", "12.5"),
            ("PICTOR_BOOKKEEPING", "false"),
            ("PICTOR_LIMITS_INPUT_IMAGES", "5"),
            ("PICTOR_OPENAI_API_KEY", "sk-environment"),
            ("PICTOR_OPENAI_BASE_URL", "http://environment.example/v1"),
            ("PICTOR_UNRELATED", "x"),
        ],
    )
    .expect("legal settings");
    assert_eq!(settings.listen.port(), 2000);
    assert_eq!(
        settings.data_dir,
        Path::new("from-file"),
        "what no variable names stays"
    );
    assert_eq!(settings.default_model.as_deref(), Some("gpt-image-1"));
    assert_eq!(settings.sandbox, SandboxUse::Always);
    assert_eq!(settings.fetch_hosts, ["a.example", "b.example"]);
    assert_eq!(settings.when_maybe_billed, WhenMaybeBilled::Never);
    assert!(settings.failover_on_content_policy && settings.log_json);
    assert!(!settings.known_clients && !settings.bookkeeping, "on by default");
    assert_eq!(settings.metrics_listen.map(|address| address.port()), Some(3000));
    assert_eq!(
        (settings.strategy, settings.markup_percent.to_string()),
        (Strategy::Fastest, "12.5".to_owned())
    );
    assert_eq!(settings.public_url.as_deref(), Some("https://images.example"));
    assert_eq!((settings.limits.input_images, settings.limits.media_ttl_s), (5, 7));
    let openai = &settings.providers["openai"];
    assert_eq!(openai.credential.as_deref(), Some("sk-environment"));
    assert_eq!(openai.credential_origin.as_deref(), Some("PICTOR_OPENAI_API_KEY"));
    assert_eq!(openai.base_url.as_deref(), Some("http://environment.example/v1"));
}

#[test]
fn credentials_are_looked_for_in_order_and_never_are_pictors_own_keys() {
    let origin = |pairs: &[(&str, &str)], provider: &str| {
        let settings = load(None, pairs).expect("legal settings");
        let own = &settings.providers[provider];
        own.credential
            .clone()
            .map(|credential| (credential, own.credential_origin.clone().expect("an origin")))
    };
    let found = |credential: &str, origin: &str| Some((credential.to_owned(), origin.to_owned()));
    assert_eq!(
        origin(&[("OPENAI_API_KEY", "sk-1")], "openai"),
        found("sk-1", "OPENAI_API_KEY")
    );
    assert_eq!(
        origin(
            &[("OPENAI_API_KEY", "sk-1"), ("PICTOR_OPENAI_API_KEY", "sk-2")],
            "openai"
        ),
        found("sk-2", "PICTOR_OPENAI_API_KEY")
    );
    assert_eq!(origin(&[("FAL_KEY", "a:b")], "fal"), found("a:b", "FAL_KEY"));
    assert_eq!(
        origin(&[("REPLICATE_API_TOKEN", "r8_1")], "replicate"),
        found("r8_1", "REPLICATE_API_TOKEN")
    );
    assert_eq!(
        origin(&[("OPENAI_API_KEY", "pk_abc.def")], "openai"),
        None,
        "that key is for Pictor's clients"
    );
    assert_eq!(origin(&[("OPENAI_API_KEY", "")], "openai"), None);
    assert_eq!(origin(&[("PICTOR_OPENAI_API_KEY", "")], "openai"), None);
    assert_eq!(origin(&[("OPENAI_API_KEY", "sk-1")], "fal"), None);

    let (_folder, path) = written("[providers.openai]\ncredential = \"sk-file\"\n");
    let settings = load(Some(&path), &[("OPENAI_API_KEY", "sk-fallback")]).expect("legal settings");
    assert_eq!(
        settings.providers["openai"].credential.as_deref(),
        Some("sk-file"),
        "a fallback is no override"
    );
    assert!(
        !format!("{settings:?}").contains("sk-file"),
        "a credential is not printed"
    );
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, says) in [
        ("listne = \"127.0.0.1:1\"\n", "listne"),
        ("listen = 7\n", "listen"),
        ("listen = \"nowhere\"\n", "listen"),
        ("sandbox = \"maybe\"\n", "sandbox"),
        ("[limits]\njson_body_byte = 1\n", "json_body_byte"),
        ("[limits]\njson_body_bytes = -1\n", "json_body_bytes"),
        ("[limits]\njson_body_bytes = \"1 MB\"\n", "json_body_bytes"),
        ("[providers.openai]\nkey = \"sk\"\n", "key"),
        ("[providers.nobody]\ncredential = \"x\"\n", "nobody"),
        ("[providers.openia]\ncredential = \"x\"\n", "did you mean 'openai'?"),
        (
            "[priorities]\nrepliacte = { group = 1 }\n",
            "priorities.repliacte: the catalogue has no provider 'repliacte'; did you mean 'replicate'?",
        ),
        ("[priorities]\nfal = { grup = 1 }\n", "grup"),
        ("[priorities]\nfal = { weight = -1 }\n", "weight"),
        ("strategy = \"nearest\"\n", "cheapest"),
        ("[providers.openai]\ncredential = { comand = [\"x\"] }\n", "comand"),
        (
            "[providers.openai]\ncredential = { command = [] }\n",
            "command is a list",
        ),
        (
            "[providers.openai]\ncredential = { file = \"a\", command = [\"x\"] }\n",
            "one of file and command",
        ),
        ("default_model = { command = [\"x\"] }\n", "line 1"),
        (
            "[providers.openai]\ncredentials = [{ name = \"a\" }]\n",
            "providers.openai.credentials: 'a': it has no",
        ),
        (
            "[providers.openai]\ncredential = \"x\"\ncredentials = [{ credential = \"y\" }]\n",
            "leave one out",
        ),
        (
            "[providers.openai]\ncredentials = [{ credential = \"y\", weight = 0 }]\n",
            "'1': weight must be from 1 to 1000, not 0",
        ),
        (
            "[providers.openai]\ncredentials = [{ name = \"2\", credential = \"y\" }, { credential = \"z\" }]\n",
            "'2': another one has its name",
        ),
        (
            "[providers.openai]\ncredentials = [{ name = \"a b\", credential = \"y\" }]\n",
            "a name has up to 40 letters",
        ),
        ("markup_percent = -0.5\n", "must be from 0 to 1000, not -0.5"),
        ("markup_percent = 1000.01\n", "line 1"),
        ("markup_percent = \"ten\"\n", "markup_percent"),
        ("metrics_listen = \"nowhere\"\n", "metrics_listen"),
        ("listen = \n", "line 1"),
    ] {
        let told = message(text, &[]);
        assert!(told.contains(says) && told.contains("pictor.toml"), "{text}: {told}");
    }
    for (name, value) in [
        ("PICTOR_LISTEN", "nowhere"),
        ("PICTOR_SANDBOX", "maybe"),
        ("PICTOR_LIMITS_INPUT_IMAGES", "many"),
        ("PICTOR_LIMITS_INPUT_IMAGES", "-1"),
        ("PICTOR_LIMITS_NO_SUCH_LIMIT", "1"),
        ("PICTOR_LOG_JSON", "perhaps"),
        ("PICTOR_KNOWN_CLIENTS", "some"),
        ("PICTOR_WHEN_MAYBE_BILLED", "often"),
        ("PICTOR_STRATEGY", "nearest"),
        ("PICTOR_MARKUP_PERCENT", "1001"),
        ("PICTOR_MARKUP_PERCENT", "ten"),
        ("PICTOR_METRICS_LISTEN", "9484"),
    ] {
        let told = load(None, &[(name, value)]).expect_err("a mistake is told").to_string();
        let setting = name
            .trim_start_matches("PICTOR_")
            .trim_start_matches("LIMITS_")
            .to_lowercase();
        assert!(told.contains(name) || told.contains(&setting), "{name}={value}: {told}");
    }
    let missing = load(Some(Path::new("/nowhere/pictor.toml")), &[]).expect_err("the file is missing");
    assert!(missing.to_string().contains("/nowhere/pictor.toml"), "{missing}");
}

#[test]
fn a_variable_may_name_a_file() {
    let (_folder, secret) = written("postgres://user:secret@db/pictor\n");
    let (_other, key) = written("sk-from-a-file\n");
    let path = |path: &Path| path.display().to_string();
    let (secret, key) = (path(&secret), path(&key));
    let pairs = [
        ("PICTOR_DATABASE_URL_FILE", secret.as_str()),
        ("PICTOR_OPENAI_API_KEY_FILE", key.as_str()),
    ];
    let settings = load(None, &pairs).expect("legal settings");
    assert_eq!(
        settings.database_url.as_deref(),
        Some("postgres://user:secret@db/pictor")
    );
    let openai = &settings.providers["openai"];
    assert_eq!(openai.credential.as_deref(), Some("sk-from-a-file"));
    assert_eq!(openai.credential_origin.as_deref(), Some("PICTOR_OPENAI_API_KEY_FILE"));
    let both = load(None, &[pairs[0], ("PICTOR_DATABASE_URL", "sqlite:x")]).expect_err("one of them too many");
    assert_eq!(
        both.to_string(),
        "PICTOR_DATABASE_URL_FILE: PICTOR_DATABASE_URL is set too: leave one of them out"
    );
    let gone = load(None, &[("PICTOR_FAL_KEY_FILE", "/no/such/file")]).expect_err("there is no such file");
    assert!(gone.to_string().contains("/no/such/file"), "{gone}");
}

#[test]
fn secrets_may_stand_in_files_and_be_printed_by_commands() {
    let (_folder, secret) = written("sk-from-a-file\n");
    let text = format!(
        "database_url = {{ command = [\"echo\", \"postgres://db/$HOME\"], timeout_s = 30 }}\n\
         otlp_headers = {{ file = \"a header of this name\", x = {{ command = [\"echo\", \"told\"] }} }}\n\
         [providers.openai]\ncredential = {{ file = {0:?} }}\n\
         [providers.xai]\ncredential = {{ command = [\"/no/such/program\"] }}\n\
         [providers.fal]\ncredentials = [{{ credential_file = {0:?} }}, {{ name = \"b\", weight = 2, credential = \"x\" }}]\n",
        secret.display().to_string()
    );
    let (_kept, path) = written(&text);
    // A variable goes before the file, whose commands are then not run.
    let settings = load(Some(&path), &[("PICTOR_XAI_API_KEY", "xai-1")]).expect("legal settings");
    assert_eq!(settings.database_url.as_deref(), Some("postgres://db/$HOME"));
    assert_eq!(settings.origins["database_url"], "command 'echo'");
    assert_eq!(settings.otlp_headers["file"], "a header of this name");
    assert_eq!(settings.otlp_headers["x"], "told");
    let [openai, fal, xai] = ["openai", "fal", "xai"].map(|id| &settings.providers[id]);
    assert_eq!(openai.credential.as_deref(), Some("sk-from-a-file"));
    assert_eq!(openai.origin(), Some(secret.display().to_string()));
    assert_eq!(xai.credential.as_deref(), Some("xai-1"));
    let several = [("1".to_owned(), 1, "sk-from-a-file"), ("b".to_owned(), 2, "x")];
    assert_eq!(fal.several(), several);
    assert!(settings.sources.contains(&secret), "it is watched");
    assert!(!format!("{settings:?}").contains("sk-from"), "no secret is printed");
    let told = load(Some(&path), &[])
        .expect_err("there is no such program")
        .to_string();
    assert!(
        told.contains("providers.xai.credential: the command '/no/such/program' cannot be started"),
        "{told}"
    );
    let before = Settings::before_catalog(Some(&path), &environment(&[])).expect("nothing is run yet");
    assert_eq!(before.catalog_dir, None);
    let one = load(Some(&path), &[("PICTOR_XAI_API_KEY", "x"), ("PICTOR_FAL_KEY", "fal-1")]).expect("legal settings");
    assert_eq!(one.providers["fal"].credential.as_deref(), Some("fal-1"));
    assert!(
        one.providers["fal"].several().is_empty(),
        "the variable goes before the list"
    );
}

#[test]
fn an_unknown_setting_is_told_with_the_one_that_was_meant() {
    assert!(message("lisen = \"x\"", &[]).ends_with("; did you mean 'listen'?"));
    assert!(message("[limits]\ninput_image = 3", &[]).contains("did you mean 'input_image"));
    assert!(message("", &[("PICTOR_LIMITS_SPOOL_BITES", "3")]).ends_with("; did you mean 'spool_bytes'?"));
    assert!(!message("zzzzzzzz = 1", &[]).contains("did you mean"));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_shown_with_where_they_came_from_and_without_secrets() {
    let site = Site::new().await;
    let variables = [
        ("PICTOR_LOG_JSON", "true"),
        ("PICTOR_DATABASE_URL", "postgres://user:hidden@db/pictor"),
        ("PICTOR_FAL_KEY", "hidden"),
    ];
    let shown = site.pictor_with(&variables, &["config", "show"]).await;
    let lines: Vec<Vec<&str>> = shown
        .ok()
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let line = |name: &str| lines.iter().find(|line| line[0] == name).expect("a line").clone();
    assert_eq!(line("log_json"), ["log_json", "true", "PICTOR_LOG_JSON"]);
    assert_eq!(line("strategy"), ["strategy", "cheapest", "pictor.toml"]);
    assert_eq!(line("site"), ["site", "true", "default"]);
    let credential = line("providers.fal.credential");
    assert_eq!(
        credential,
        ["providers.fal.credential", "(not", "shown)", "PICTOR_FAL_KEY"]
    );
    assert!(!shown.ok().contains("hidden"), "{}", shown.ok());
    let changed = site.pictor_with(&variables, &["config", "show", "--changed"]).await;
    assert!(!changed.ok().contains("default"), "{}", changed.ok());
    let schema: serde_json::Value = serde_json::from_str(site.pictor(&["config", "schema"]).await.ok()).expect("JSON");
    assert_eq!(schema["title"], "pictor.toml");
}
