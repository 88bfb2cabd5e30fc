//! What processes share: a database, a folder, and providers that the test sees into.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use gateway::FIRST_KEY_FILE;
use gateway::db::Database;
use jiff::Timestamp;
use reqwest::{Client, StatusCode};
use sandbox::{Sandbox, SandboxConfig};
use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use tempfile::TempDir;
use toml::Table;

use super::super::clock::AHEAD_VARIABLE;
use super::super::command::{Ran, ran};
use super::super::schema::Schema;
use super::super::{books, client, install, providers};
use super::{Process, lines};

/// What processes share: a database, a folder, and providers that the test sees into.
pub(crate) struct Site {
    folder: TempDir,
    sandbox: Sandbox,
    schema: Option<Schema>,
    client: Client,
}

impl Site {
    pub(crate) async fn new() -> Self {
        install();
        let sandbox = sandbox::start(SandboxConfig::default())
            .await
            .expect("a free loopback port");
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("pictor.toml"), settings(&sandbox.base_url())).expect("a file");
        Self {
            folder,
            sandbox,
            schema: Schema::create().await,
            client: client(),
        }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The settings file of the processes.
    pub(crate) fn settings_file(&self) -> PathBuf {
        self.folder.path().join("pictor.toml")
    }

    fn database_url(&self) -> String {
        let file = || format!("sqlite://{}?mode=rwc", self.data_dir().join("pictor.db").display());
        self.schema.as_ref().map_or_else(file, Schema::url)
    }

    /// Whether the database is a file of the processes' own.
    pub(crate) fn is_embedded(&self) -> bool {
        self.schema.is_none()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.command_by(&[], arguments)
    }

    /// The program, started by `launcher` if one is named.
    fn command_by(&self, launcher: &[&str], arguments: &[&str]) -> Command {
        self.command_of(&[launcher, &[env!("CARGO_BIN_EXE_pictor")], arguments].concat())
    }

    /// A program with its arguments.
    fn command_of(&self, words: &[&str]) -> Command {
        let mut words = words.iter();
        let mut command = Command::new(words.next().expect("a program"));
        // Nothing of the developer's own settings comes in.
        command.args(words).env_clear().current_dir(self.folder.path());
        command.env("PICTOR_DATA_DIR", self.data_dir());
        command.envs(std::env::var(AHEAD_VARIABLE).map(|days| (AHEAD_VARIABLE, days)));
        if let Some(schema) = &self.schema {
            command.env("PICTOR_DATABASE_URL", schema.url());
        }
        command
    }

    /// Starts `pictor serve` with variables of its own.
    pub(crate) async fn serve(&self, variables: &[(&str, &str)]) -> Process {
        self.serve_by(&[], variables).await
    }

    /// The same, started by another program that turns into it.
    pub(crate) async fn serve_by(&self, launcher: &[&str], variables: &[(&str, &str)]) -> Process {
        self.started(self.command_by(launcher, &["serve"]), variables).await
    }

    /// Starts `serve` of another version of the program.
    pub(crate) async fn serve_version(&self, program: &str, variables: &[(&str, &str)]) -> Process {
        self.started(self.command_of(&[program, "serve"]), variables).await
    }

    async fn started(&self, mut command: Command, variables: &[(&str, &str)]) -> Process {
        command
            .env("PICTOR_LISTEN", "127.0.0.1:0")
            // No balancer has to hear that it stops.
            .env("PICTOR_LIMITS_DRAIN_S", "0")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let out = lines(child.stdout.take().expect("a pipe"));
        let errors = lines(child.stderr.take().expect("a pipe"));
        let mut process = Process {
            child,
            base: String::new(),
            key: String::new(),
            client: self.client.clone(),
            out,
            errors,
            log: Vec::new(),
        };
        process.base = process.address().await;
        let key = std::fs::read_to_string(self.data_dir().join(FIRST_KEY_FILE)).expect("the first key");
        key.trim().clone_into(&mut process.key);
        process
    }

    /// What `pictor serve` complains of, where it does not start with these variables.
    pub(crate) async fn refuses(&self, variables: &[(&str, &str)]) -> String {
        let mut command = self.command(&["serve"]);
        command
            .env("PICTOR_LISTEN", "127.0.0.1:0")
            // No balancer has to hear that it stops.
            .env("PICTOR_LIMITS_DRAIN_S", "0")
            .envs(variables.iter().copied());
        ran(command).await.complaints().to_owned()
    }

    /// The first number of a query's answer.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.database_url())
            .await
            .expect("the database can be reached");
        let (number,): (i64,) = sqlx::query_as(AssertSqlSafe(sql))
            .fetch_one(&mut connection)
            .await
            .expect("a legal query");
        connection.close().await.expect("a connection can be closed");
        number
    }

    /// Changes rows behind the gateway's back.
    pub(crate) async fn execute(&self, sql: &str) {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.database_url())
            .await
            .expect("the database can be reached");
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .expect("a legal statement");
        connection.close().await.expect("a connection can be closed");
    }

    /// Calls in which a provider was asked to make images.
    pub(crate) async fn submits(&self) -> usize {
        let calls = self.control("/_sandbox/calls").await;
        let calls = calls["calls"].as_array().expect("a list of calls");
        calls.iter().filter(|call| call["method"] == "POST").count()
    }

    /// Orders a fault of the providers.
    pub(crate) async fn fault(&self, order: Value) {
        let faults = self.client.post(self.faults_url()).json(&order);
        let answer = faults.send().await.expect("the sandbox answers");
        assert_eq!(answer.status(), StatusCode::CREATED);
    }

    /// Ends all faults that were ordered.
    pub(crate) async fn clear_faults(&self) {
        let answer = self.client.delete(self.faults_url()).send().await;
        assert!(answer.expect("the sandbox answers").status().is_success());
    }

    fn faults_url(&self) -> String {
        format!("{}/_sandbox/faults", self.sandbox.base_url())
    }

    /// What the providers would have charged, call by call.
    pub(crate) async fn bill(&self) -> Vec<Value> {
        let bill = self.control("/_sandbox/bill").await;
        bill["entries"].as_array().cloned().expect("a list of charges")
    }

    async fn control(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.sandbox.base_url());
        let answer = self.client.get(url).send().await.expect("the sandbox answers");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.expect("JSON")
    }

    /// Runs `pictor` beside the processes.
    pub(crate) async fn pictor(&self, arguments: &[&str]) -> Ran {
        self.pictor_with(&[], arguments).await
    }

    /// The same with variables of its own.
    pub(crate) async fn pictor_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        ran(command).await
    }

    /// Has the program itself check its ledger.
    pub(crate) async fn verify(&self) {
        let verified = self.pictor(&["ledger", "verify"]).await;
        assert!(verified.ok().ends_with("books are right"), "{}", verified.ok());
    }

    /// Removes everything without a look at the books, where requests are under way still.
    pub(crate) async fn abandon(self) {
        self.sandbox.shutdown().await;
        if let Some(schema) = self.schema {
            schema.remove().await;
        }
    }

    /// Checks the books and removes everything. All processes have ended.
    pub(crate) async fn finish(self) {
        self.end(true).await;
    }

    /// The same where processes were killed at any moment: files may be left that no row knows.
    pub(crate) async fn finish_after_kills(self) {
        self.end(false).await;
    }

    async fn end(self, knows_all_files: bool) {
        self.verify().await;
        let bill = self.bill().await;
        let database = Database::open(&self.database_url(), Timestamp::now())
            .await
            .expect("the database opens");
        if knows_all_files {
            books::check(&database, &self.data_dir(), Some(&bill)).await;
        } else {
            books::check_rows(&database, &self.data_dir(), Some(&bill)).await;
        }
        database.close().await;
        self.sandbox.shutdown().await;
        if let Some(schema) = self.schema {
            schema.remove().await;
        }
    }
}

/// A settings file that makes every provider real and leads it to a sandbox.
fn settings(sandbox: &str) -> String {
    let own = providers(sandbox).into_iter().map(|(id, own)| {
        let mut table = Table::new();
        for (name, value) in [("credential", own.credential), ("base_url", own.base_url)] {
            table.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        let options: Table = own
            .options
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect();
        table.insert("options".to_owned(), options.into());
        (id, table.into())
    });
    let providers: Table = own.collect();
    // A test says which offer is first by their prices.
    let all: [(String, toml::Value); 2] = [
        ("strategy".to_owned(), "cheapest".into()),
        ("providers".to_owned(), providers.into()),
    ];
    Table::from_iter(all).to_string()
}
