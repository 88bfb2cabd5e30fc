//! What the environment sets over the file.

use toml::{Table, Value};

use super::{Environment, SettingsError, settings_of};

/// Settings that have a variable of their own: `PICTOR_` and the key in capitals.
pub(super) const VARIABLES: [&str; 35] = [
    "listen",
    "metrics_listen",
    "metrics_open",
    "tls_certificate",
    "tls_key",
    "tls_client_ca",
    "data_dir",
    "journal_dir",
    "public_url",
    "database_url",
    "media_url",
    "media_redirect",
    "sandbox",
    "default_model",
    "catalog_dir",
    "catalog_url",
    "catalog_key",
    "catalog_refresh_s",
    "fetch_hosts",
    "trusted_proxies",
    "cors_origins",
    "api_aliases",
    "outbound_proxy",
    "when_maybe_billed",
    "when_outcome_unknown",
    "strategy",
    "failover_on_content_policy",
    "response_format",
    "known_clients",
    "log_json",
    "otlp_endpoint",
    "otlp_trace_ratio",
    "site",
    "markup_percent",
    "bookkeeping",
];

/// Puts every variable's setting into the table.
///
/// # Errors
/// [`SettingsError`] names the variable at fault.
pub(super) fn variables(table: &mut Table, environment: &Environment) -> Result<(), SettingsError> {
    for key in VARIABLES {
        let name = format!("PICTOR_{}", key.to_uppercase());
        if let Some(text) = environment.get(&name) {
            let value = from_text(key, text);
            // Read on its own first, so that a mistake is told with its variable.
            settings_of(Table::from_iter([(key.to_owned(), value.clone())]), &name)?;
            table.insert(key.to_owned(), value);
        }
    }
    limits(table, environment)?;
    visitors(table, environment)?;
    policy(table, environment)
}

/// The text of a variable in the type of its key.
fn from_text(key: &str, text: &str) -> Value {
    match key {
        "fetch_hosts" | "trusted_proxies" | "cors_origins" | "api_aliases" => Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|host| !host.is_empty())
                .map(Value::from)
                .collect(),
        ),
        "failover_on_content_policy"
        | "known_clients"
        | "log_json"
        | "metrics_open"
        | "site"
        | "bookkeeping"
        | "media_redirect" => text.parse().map_or_else(|_| Value::from(text), Value::Boolean),
        "catalog_refresh_s" => text.parse().map_or_else(|_| Value::from(text), Value::Integer),
        "otlp_trace_ratio" => text.parse().map_or_else(|_| Value::from(text), Value::Float),
        _ => Value::from(text),
    }
}

/// `PICTOR_LIMITS_<KEY>` sets `limits.<key>`.
fn limits(table: &mut Table, environment: &Environment) -> Result<(), SettingsError> {
    for (name, text) in environment {
        let Some(key) = name.strip_prefix("PICTOR_LIMITS_") else {
            continue;
        };
        let invalid = || SettingsError::Invalid {
            origin: name.clone(),
            message: "must be a whole number".to_owned(),
        };
        let number: i64 = text.parse().map_err(|_| invalid())?;
        let limits = table.entry("limits").or_insert_with(|| Value::Table(Table::new()));
        let key = key.to_lowercase();
        let alone = Table::from_iter([(key.clone(), Value::Integer(number))]);
        settings_of(Table::from_iter([("limits".to_owned(), Value::Table(alone))]), name)?;
        limits
            .as_table_mut()
            .ok_or_else(invalid)?
            .insert(key, Value::Integer(number));
    }
    Ok(())
}

/// `PICTOR_VISITORS` sets `visitors.access`, `PICTOR_VISITORS_<KEY>` sets `visitors.<key>`.
fn visitors(table: &mut Table, environment: &Environment) -> Result<(), SettingsError> {
    for (name, text) in environment {
        let Some(key) = name.strip_prefix("PICTOR_VISITORS") else {
            continue;
        };
        let key = key.strip_prefix('_').unwrap_or("access").to_lowercase();
        let value = text.parse().map_or_else(|_| Value::from(text.as_str()), Value::Integer);
        let alone = Table::from_iter([(key.clone(), value.clone())]);
        settings_of(Table::from_iter([("visitors".to_owned(), Value::Table(alone))]), name)?;
        let visitors = table.entry("visitors").or_insert_with(|| Value::Table(Table::new()));
        if let Some(visitors) = visitors.as_table_mut() {
            visitors.insert(key, value);
        }
    }
    Ok(())
}

/// `PICTOR_POLICY_<KEY>` sets `policy.<key>`; terms have commas between.
fn policy(table: &mut Table, environment: &Environment) -> Result<(), SettingsError> {
    for (name, text) in environment {
        let Some(key) = name.strip_prefix("PICTOR_POLICY_").map(str::to_lowercase) else {
            continue;
        };
        // A file that holds another one's value has been read by now.
        if key.ends_with("_file") {
            continue;
        }
        let terms = || text.split(',').map(str::trim).filter(|term| !term.is_empty());
        let value = match key.as_str() {
            "terms" => Value::Array(terms().map(Value::from).collect()),
            "after_links" => text.parse().map_or_else(|_| Value::from(text.as_str()), Value::Boolean),
            "timeout_ms" => text.parse().map_or_else(|_| Value::from(text.as_str()), Value::Integer),
            _ => Value::from(text.as_str()),
        };
        let alone = Table::from_iter([(key.clone(), value.clone())]);
        settings_of(Table::from_iter([("policy".to_owned(), Value::Table(alone))]), name)?;
        let policy = table.entry("policy").or_insert_with(|| Value::Table(Table::new()));
        if let Some(policy) = policy.as_table_mut() {
            policy.insert(key, value);
        }
    }
    Ok(())
}
