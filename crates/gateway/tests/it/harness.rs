//! A running gateway with a sandbox of its own, and what its books must say when a test is over.

mod books;
mod clock;
mod live;
mod log;
mod pictures;
mod reply;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gateway::Running;
use gateway::auth::{self, Scope};
use gateway::db::Database;
use gateway::settings::{ProviderSettings, Settings};
use planner::catalog::Catalog;
use planner::request::ResponseFormat;
use reqwest::multipart::Form;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use clock::TestClock;
pub(crate) use live::LiveProvider;
pub(crate) use log::{log_lines, watch_log};
pub(crate) use pictures::{converted, decoded, distance, file, half_mask, info, noise, plain, size_of};
pub(crate) use reply::{Reply, send, try_send};

/// Longer than any call in these tests takes on a busy machine.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(120);

/// A gateway on a free port, in a folder of its own.
pub(crate) struct TestGateway {
    /// `http://host:port`.
    pub(crate) base: String,
    /// A key with the scope `admin`.
    pub(crate) key: String,
    /// The client of most calls.
    pub(crate) client: Client,
    /// The time as the gateway sees it.
    pub(crate) clock: TestClock,
    /// A second door to the gateway's database.
    pub(crate) database: Database,
    /// Where the gateway keeps its files.
    pub(crate) data_dir: PathBuf,
    /// The providers; absent when the gateway plays them by itself.
    sandbox: Option<Sandbox>,
    running: Option<Running>,
    folder: Option<TempDir>,
}

impl TestGateway {
    /// A gateway whose providers are real to it: its settings point them at a sandbox that the test can see into.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with changed settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::with_own(catalog(), change).await
    }

    async fn with_own(catalog: Arc<Catalog>, change: impl FnOnce(&mut Settings)) -> Self {
        install();
        let sandbox = sandbox::start(SandboxConfig::default())
            .await
            .expect("a free loopback port");
        let mut settings = Settings {
            providers: providers(&sandbox.base_url()),
            ..Settings::default()
        };
        change(&mut settings);
        Self::of(settings, catalog, Some(sandbox)).await
    }

    /// The same as [`Self::with`] with a folder of catalogue files of the operator's own.
    pub(crate) async fn with_catalog(files: &[(&str, &str)], change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(path, text).expect("a file");
        }
        let catalog = gateway::builtin::catalog(Some(folder.path())).expect("a catalogue without mistakes");
        Self::with_own(Arc::new(catalog), change).await
    }

    /// A gateway without any configuration: every provider is played by its own sandbox.
    pub(crate) async fn embedded() -> Self {
        Self::embedded_with(|_| {}).await
    }

    /// The same with changed settings.
    pub(crate) async fn embedded_with(change: impl FnOnce(&mut Settings)) -> Self {
        install();
        let mut settings = Settings::default();
        change(&mut settings);
        Self::of(settings, catalog(), None).await
    }

    async fn of(settings: Settings, catalog: Arc<Catalog>, sandbox: Option<Sandbox>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data_dir = folder.path().join("data");
        let settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            data_dir: data_dir.clone(),
            ..settings
        };
        let url = gateway::database_url(&settings);
        let clock = TestClock::new();
        let running = gateway::start(settings, catalog, clock.clock())
            .await
            .expect("the gateway starts");
        let key = running.first_key.clone().expect("a fresh database gets a first key");
        let database = Database::open(&url, clock.now())
            .await
            .expect("the database opens twice");
        Self {
            base: format!("http://{}", running.address),
            key,
            client: client(),
            clock,
            database,
            data_dir,
            sandbox,
            running: Some(running),
            folder: Some(folder),
        }
    }

    /// A request with the key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.key)
    }

    /// A request without any key.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// `GET` with the key.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    /// `POST /openai/v1/images/generations`.
    pub(crate) async fn generate(&self, body: Value) -> Reply {
        send(self.request(Method::POST, GENERATIONS).json(&body)).await
    }

    /// `POST /openai/v1/images/edits` as a form.
    pub(crate) async fn edit(&self, form: Form) -> Reply {
        send(self.request(Method::POST, EDITS).multipart(form)).await
    }

    /// `POST /openai/v1/images/edits` as JSON.
    pub(crate) async fn edit_json(&self, body: Value) -> Reply {
        send(self.request(Method::POST, EDITS).json(&body)).await
    }

    /// The bytes of an image of an answer, by its link or from its base64 text, checked against what is said of it.
    pub(crate) async fn image(&self, answer: &Value, index: usize) -> Vec<u8> {
        let item = &answer["data"][index];
        let bytes = match item["url"].as_str() {
            Some(url) => {
                let reply = send(self.client.get(url)).await;
                assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
                reply.body.to_vec()
            }
            None => reply::from_base64(&item["b64_json"]),
        };
        let told = &answer["metadata"]["images"][index];
        let bitmap = decoded(&bytes);
        assert_eq!(told["size"], format!("{}x{}", bitmap.width_px(), bitmap.height_px()));
        assert_eq!(told["output_format"], info(&bytes).format.to_string());
        assert_eq!(told["bytes"], bytes.len());
        bytes
    }

    /// Orders a fault of the providers.
    pub(crate) async fn fault(&self, order: Value) {
        let reply = try_send(self.client.post(self.sandbox_url("/_sandbox/faults")).json(&order)).await;
        let reply = reply.expect("the sandbox answers");
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    }

    /// What the providers would have charged, call by call.
    pub(crate) async fn bill(&self) -> Vec<Value> {
        let bill = self.control("/_sandbox/bill").await;
        bill["entries"].as_array().cloned().expect("a list of charges")
    }

    /// The sum of the bill in millionths of a dollar.
    pub(crate) async fn billed_micros(&self) -> i64 {
        self.control("/_sandbox/bill").await["total_micros"]
            .as_i64()
            .expect("a sum")
    }

    /// Calls that the providers got, whatever came of them.
    pub(crate) async fn upstream_calls(&self) -> Vec<Value> {
        let calls = self.control("/_sandbox/calls").await;
        calls["calls"].as_array().cloned().expect("a list of calls")
    }

    async fn control(&self, path: &str) -> Value {
        let reply = try_send(self.client.get(self.sandbox_url(path)))
            .await
            .expect("the sandbox answers");
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        reply.json()
    }

    /// A path of the providers' sandbox as a URL.
    pub(crate) fn sandbox_url(&self, path: &str) -> String {
        let sandbox = self
            .sandbox
            .as_ref()
            .expect("only a gateway with providers of its own has a sandbox to look into");
        format!("{}{path}", sandbox.base_url())
    }

    /// Makes a key.
    pub(crate) async fn new_key(&self, scopes: &[Scope], response_format: Option<ResponseFormat>) -> auth::NewKey {
        auth::create(&self.database, "test", scopes, response_format, self.clock.now())
            .await
            .expect("a key is made")
    }

    /// A request of the database as `GET /v1/requests/{id}` shows it.
    pub(crate) async fn recorded(&self, id: &str) -> Value {
        self.get(&format!("/v1/requests/{id}")).await.ok()
    }

    /// Stops the gateway and checks its books.
    pub(crate) async fn finish(mut self) {
        let bill = match &self.sandbox {
            Some(_) => Some(self.bill().await),
            None => None,
        };
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
        books::check(&self.database, &self.data_dir, bill.as_deref()).await;
        self.database.close().await;
        log::check_no_secret(&[&self.key]);
        if let Some(sandbox) = self.sandbox.take() {
            sandbox.shutdown().await;
        }
        self.folder.take();
    }

    /// Takes the gateway itself out, to stop it by hand; [`Self::finish`] then checks the books only.
    pub(crate) fn take_running(&mut self) -> Running {
        self.running.take().expect("the gateway runs")
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(
                self.folder.is_none(),
                "a test ends with finish(), which checks the books"
            );
        }
    }
}

/// Path of generations.
pub(crate) const GENERATIONS: &str = "/openai/v1/images/generations";
/// Path of edits.
pub(crate) const EDITS: &str = "/openai/v1/images/edits";

/// The built-in catalogue.
pub(crate) fn catalog() -> Arc<Catalog> {
    Arc::new(gateway::builtin::catalog(None).expect("the built-in catalogue has no mistakes"))
}

/// Settings that make every provider real and lead it to a sandbox.
pub(crate) fn providers(sandbox: &str) -> std::collections::BTreeMap<String, ProviderSettings> {
    let catalog = catalog();
    let emulated = catalog.providers().filter(|provider| !provider.sandbox_only);
    let settings = |provider: &planner::catalog::provider::Provider| {
        let options = provider.sandbox_options.iter();
        Some(ProviderSettings {
            credential: Some(provider.sandbox_credential.clone()),
            base_url: Some(format!("{sandbox}{}", provider.sandbox_path.as_ref()?)),
            options: options
                .map(|(name, path)| (name.clone(), format!("{sandbox}{path}")))
                .collect(),
            ..ProviderSettings::default()
        })
    };
    emulated
        .filter_map(|provider| Some((provider.id.clone(), settings(provider)?)))
        .collect()
}

/// A client that no proxy of the developer's comes between.
pub(crate) fn client() -> Client {
    Client::builder()
        .timeout(CLIENT_TIMEOUT)
        .no_proxy()
        .build()
        .expect("a plain client")
}

/// What every test needs once in this process.
fn install() {
    providers::install_crypto();
    watch_log();
}

/// A small body that works with every model.
pub(crate) fn small(model: &str) -> Value {
    json!({ "model": model, "prompt": "a red kite over dunes", "quality": "low" })
}

/// A body with more fields.
pub(crate) fn with(mut body: Value, fields: Value) -> Value {
    let (Value::Object(body_fields), Value::Object(more)) = (&mut body, fields) else {
        panic!("two objects")
    };
    body_fields.extend(more);
    body
}

/// The fields of an object in order of the alphabet.
pub(crate) fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

/// Dollars of an answer in millionths.
pub(crate) fn micros(dollars: &Value) -> i64 {
    let dollars = dollars.as_f64().expect("a number");
    (dollars * 1_000_000.0).round() as i64
}
