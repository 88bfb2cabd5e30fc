//! PostgreSQL is copied by its own programs, which see one moment of a database that goes on.

use std::path::Path;
use std::process::{Command, Stdio};

use url::Url;

use super::BackupError;

/// Writes the database to a file in PostgreSQL's own format.
pub(super) async fn dump(url: &str, file: &Path) -> Result<(), BackupError> {
    let mut command = program("pg_dump", url)?;
    command.args(["--format=custom", "--no-owner", "--no-privileges", "--file"]);
    command.arg(file);
    if let Some(schema) = schema(url) {
        command.arg(format!("--schema={schema}"));
    }
    run(command, "pg_dump").await
}

/// Reads such a file into a database that is empty.
pub(super) async fn restore(url: &str, file: &Path) -> Result<(), BackupError> {
    let mut command = program("pg_restore", url)?;
    let name = parsed(url)?.path().trim_start_matches('/').to_owned();
    // All or nothing: what is there already makes it fail.
    command.args([
        "--no-owner",
        "--no-privileges",
        "--single-transaction",
        "--exit-on-error",
    ]);
    command.args(["--dbname", &name]).arg(file);
    run(command, "pg_restore").await
}

fn parsed(url: &str) -> Result<Url, BackupError> {
    Url::parse(url).map_err(|_| BackupError::Refused("database_url is no address".to_owned()))
}

/// A program of PostgreSQL that is led to the database by variables: arguments can be read by everybody on the machine.
fn program(name: &str, url: &str) -> Result<Command, BackupError> {
    let url = parsed(url)?;
    let mut command = Command::new(name);
    let decoded = |text: &str| percent_decoded(text);
    command.env("PGHOST", url.host_str().unwrap_or("localhost"));
    command.env("PGPORT", url.port().unwrap_or(5432).to_string());
    command.env("PGUSER", decoded(url.username()));
    command.env("PGDATABASE", decoded(url.path().trim_start_matches('/')));
    if let Some(password) = url.password() {
        command.env("PGPASSWORD", decoded(password));
    }
    for (key, value) in url.query_pairs() {
        let variable = match key.as_ref() {
            "host" => "PGHOST",
            "sslmode" => "PGSSLMODE",
            "sslrootcert" => "PGSSLROOTCERT",
            _ => continue,
        };
        command.env(variable, value.as_ref());
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    Ok(command)
}

/// The one schema that the address keeps to, if it does.
fn schema(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let (_, options) = url.query_pairs().find(|(key, _)| key == "options")?;
    let (_, schema) = options.split_once("search_path=")?;
    Some(schema.to_owned())
}

fn percent_decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs.next().map_or_else(String::new, |(_, value)| value.into_owned())
}

async fn run(mut command: Command, name: &str) -> Result<(), BackupError> {
    let ran = tokio::task::spawn_blocking(move || command.output()).await;
    let output = ran.map_err(std::io::Error::other).and_then(|ran| ran).map_err(|error| {
        BackupError::Refused(format!(
            "{name} cannot be started: {error}; install PostgreSQL's client programs, of its server's version or newer"
        ))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(BackupError::Refused(format!("{name} failed: {}", said.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_reaches_the_program_as_it_is() {
        assert_eq!(percent_decoded("a%40b+c%25"), "a@b+c%");
        let command = program("pg_dump", "postgres://me:p%40ss@db:5433/pictor?sslmode=require").expect("an address");
        let of = |name: &str| {
            let found = command.get_envs().find(|(key, _)| *key == name);
            found.and_then(|(_, value)| value.map(|value| value.to_string_lossy().into_owned()))
        };
        assert_eq!(of("PGPASSWORD").as_deref(), Some("p@ss"));
        assert_eq!(of("PGHOST").as_deref(), Some("db"));
        assert_eq!(of("PGPORT").as_deref(), Some("5433"));
        assert_eq!(of("PGSSLMODE").as_deref(), Some("require"));
        assert_eq!(command.get_args().count(), 0, "arguments are seen by others");
    }

    #[test]
    fn one_schema_is_found_in_the_address() {
        assert_eq!(
            schema("postgres://db/x?options=-csearch_path%3Dteam").as_deref(),
            Some("team")
        );
        assert_eq!(schema("postgres://db/x"), None);
    }
}
