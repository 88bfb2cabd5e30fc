//! A running gateway with a sandbox of its own, and what its books must say when a test is over.

mod books;
mod clock;
mod command;
mod key;
mod live;
mod log;
pub(crate) mod outage;
mod pictures;
mod pipes;
mod process;
mod reply;
pub(crate) mod schema;
mod upstream;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gateway::Running;
use gateway::auth::{self, KeyOrder, Scope};
use gateway::db::keys::KeyTerms;
use gateway::db::{DEFAULT_ACCOUNT, Database};
use gateway::settings::Settings;
use planner::catalog::Catalog;
use planner::request::ResponseFormat;
use planner::strategy::Strategy;
use reqwest::multipart::Form;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use clock::TestClock;
pub(crate) use key::Key;
pub(crate) use live::LiveProvider;
pub(crate) use log::{check_no_secret, log_lines, watch_log};
pub(crate) use pictures::{converted, decoded, distance, file, half_mask, info, noise, plain, size_of};
pub(crate) use process::{Process, Site, until};
pub(crate) use reply::{Reply, send, try_send};
use schema::Schema;
pub(crate) use upstream::providers;

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
    /// What it was started with, its database and folder included.
    settings: Settings,
    catalog: Arc<Catalog>,
    /// Base of the providers' URLs; absent when the gateway plays them by itself.
    sandbox_base: Option<String>,
    running: Option<Running>,
    /// What ends with the test; a replica has none of its own.
    owned: Option<Owned>,
    is_finished: bool,
}

/// What a gateway and its replicas stand on.
struct Owned {
    sandbox: Option<Sandbox>,
    schema: Option<Schema>,
    _folder: TempDir,
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
        Self::with_own(catalog_with(files), change).await
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

    /// The same as [`Self::embedded`] with a folder of catalogue files of the operator's own.
    pub(crate) async fn embedded_with_catalog(files: &[(&str, &str)]) -> Self {
        install();
        Self::of(Settings::default(), catalog_with(files), None).await
    }

    async fn of(settings: Settings, catalog: Arc<Catalog>, sandbox: Option<Sandbox>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let schema = match settings.database_url {
            Some(_) => None,
            None => Schema::create().await,
        };
        let settings = Settings {
            // A test says which offer is first by their prices, unless it is about something else.
            strategy: if settings.strategy == Strategy::default() {
                Strategy::Cheapest
            } else {
                settings.strategy
            },
            listen: ([127, 0, 0, 1], 0).into(),
            data_dir: folder.path().join("data"),
            database_url: settings.database_url.or_else(|| Some(schema.as_ref()?.url())),
            ..settings
        };
        let sandbox_base = sandbox.as_ref().map(Sandbox::base_url);
        let mut gateway = Self::serve(settings, catalog, TestClock::new(), sandbox_base).await;
        let first_key = gateway.running.as_ref().and_then(|running| running.first_key.clone());
        gateway.key = first_key.expect("a fresh database gets a first key");
        gateway.owned = Some(Owned {
            sandbox,
            schema,
            _folder: folder,
        });
        gateway
    }

    /// Starts a gateway on what is there, and opens a second door to its database. The key is the caller's to fill in.
    async fn serve(settings: Settings, catalog: Arc<Catalog>, clock: TestClock, sandbox_base: Option<String>) -> Self {
        // In a box: it is large, and every test would hold it in its own.
        let running = Box::pin(gateway::start(settings.clone(), Arc::clone(&catalog), clock.clock()))
            .await
            .expect("the gateway starts");
        let database = Database::open(&gateway::database_url(&settings), clock.now())
            .await
            .expect("the database opens twice");
        Self {
            base: format!("http://{}", running.address),
            key: String::new(),
            client: client(),
            clock,
            database,
            data_dir: settings.data_dir.clone(),
            settings,
            catalog,
            sandbox_base,
            running: Some(running),
            owned: None,
            is_finished: false,
        }
    }

    /// A second gateway as another process would run it: with the same database, data folder, clock, key and providers,
    /// but an address of its own. The providers are the same only where the test can see into them: an embedded sandbox
    /// is each gateway's own. It ends with [`Self::finish`] before the first one does, which then checks their books.
    pub(crate) async fn replica(&self) -> Self {
        let settings = self.settings.clone();
        let catalog = Arc::clone(&self.catalog);
        let mut replica = Self::serve(settings, catalog, self.clock.clone(), self.sandbox_base.clone()).await;
        replica.key.clone_from(&self.key);
        replica
    }

    /// The same once more with credentials for the providers, which `sandbox` plays: as an operator starts it who has tried
    /// without. It ends before the first one does.
    pub(crate) async fn made_real(&self, sandbox: &Sandbox) -> Self {
        let settings = Settings {
            providers: providers(&sandbox.base_url()),
            ..self.settings.clone()
        };
        let catalog = Arc::clone(&self.catalog);
        let mut real = Self::serve(settings, catalog, self.clock.clone(), Some(sandbox.base_url())).await;
        real.key.clone_from(&self.key);
        real
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

    /// Makes a key.
    pub(crate) async fn new_key(&self, scopes: &[Scope], response_format: Option<ResponseFormat>) -> auth::NewKey {
        let terms = KeyTerms {
            response_format: response_format.map(|format| format.as_str().to_owned()),
            ..KeyTerms::default()
        };
        self.new_key_with(scopes, terms).await
    }

    /// Makes a key with terms of its own.
    pub(crate) async fn new_key_with(&self, scopes: &[Scope], terms: KeyTerms) -> auth::NewKey {
        let order = KeyOrder {
            account_id: DEFAULT_ACCOUNT.to_owned(),
            name: "test".to_owned(),
            scopes: scopes.to_vec(),
            terms,
        };
        auth::create(&self.database, order, self.clock.now())
            .await
            .expect("a key is made")
    }

    /// A request of the database as `GET /v1/requests/{id}` shows it.
    pub(crate) async fn recorded(&self, id: &str) -> Value {
        self.get(&format!("/v1/requests/{id}")).await.ok()
    }

    /// Where `/metrics` is, when it has an address of its own.
    pub(crate) fn metrics_base(&self) -> Option<String> {
        let address = self.running.as_ref()?.metrics_address()?;
        Some(format!("http://{address}"))
    }

    /// Stops the gateway and checks its books; those of a replica are the first gateway's to check.
    pub(crate) async fn finish(self) {
        self.end(true).await;
    }

    /// The same for a gateway that was told to keep no books.
    pub(crate) async fn finish_without_books(self) {
        self.end(false).await;
    }

    async fn end(mut self, has_books: bool) {
        self.is_finished = true;
        let bill = match (&self.owned, &self.sandbox_base) {
            (Some(_), Some(_)) => Some(self.bill().await),
            _ => None,
        };
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
        if has_books && self.owned.is_some() {
            books::check(&self.database, &self.data_dir, bill.as_deref()).await;
        }
        self.database.close().await;
        log::check_no_secret(&[&self.key]);
        let Some(owned) = self.owned.take() else { return };
        if let Some(sandbox) = owned.sandbox {
            sandbox.shutdown().await;
        }
        if let Some(schema) = owned.schema {
            schema.remove().await;
        }
    }

    /// Takes the gateway itself out, to stop it by hand; [`Self::finish`] then checks the books only.
    pub(crate) fn take_running(&mut self) -> Running {
        self.running.take().expect("the gateway runs")
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.is_finished, "a test ends with finish(), which checks the books");
        }
    }
}

/// Path of generations.
pub(crate) const GENERATIONS: &str = "/openai/v1/images/generations";
/// Path of edits.
pub(crate) const EDITS: &str = "/openai/v1/images/edits";

/// The built-in catalogue and files of the operator's own.
fn catalog_with(files: &[(&str, &str)]) -> Arc<Catalog> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, text).expect("a file");
    }
    Arc::new(gateway::builtin::catalog(Some(folder.path())).expect("a catalogue without mistakes"))
}

/// The built-in catalogue.
pub(crate) fn catalog() -> Arc<Catalog> {
    Arc::new(gateway::builtin::catalog(None).expect("the built-in catalogue has no mistakes"))
}

/// A client that no proxy of the developer's comes between.
pub(crate) fn client() -> Client {
    // Tests see bodies as they are sent.
    Client::builder()
        .no_brotli()
        .no_deflate()
        .no_gzip()
        .no_zstd()
        .timeout(CLIENT_TIMEOUT)
        .no_proxy()
        .build()
        .expect("a plain client")
}

/// What every test needs once in this process.
pub(crate) fn install() {
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
