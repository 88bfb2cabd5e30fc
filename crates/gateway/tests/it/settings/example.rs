//! The example that documents every setting, and the schema that is made of it.

use std::collections::BTreeSet;

use gateway::settings::Settings;
use gateway::settings::limits::Limits;
use toml::{Table, Value};

use super::super::harness::catalog;

/// The file that documents every setting.
const EXAMPLE: &str = include_str!("../../../../../pictor.example.toml");

/// The example with its defaults and examples taken out of their comments.
fn uncommented() -> String {
    let setting = |line: &str| {
        let text = line.strip_prefix('#')?;
        text.starts_with(|first: char| first.is_ascii_lowercase() || first == '[')
            .then(|| text.to_owned())
    };
    EXAMPLE
        .lines()
        .map(|line| setting(line).unwrap_or_else(|| line.to_owned()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The fields that a table of settings may have, as the reader itself lists them when it meets another.
fn fields(table: &str) -> BTreeSet<String> {
    let probe = "no_such_setting = 1";
    let text = if table.is_empty() {
        probe.to_owned()
    } else {
        format!("[{table}]\n{probe}")
    };
    let error = toml::from_str::<Settings>(&text)
        .expect_err("an unknown setting is refused")
        .to_string();
    let (_, listed) = error
        .split_once("expected one of ")
        .expect("the reader lists what it knows");
    let fields: BTreeSet<String> = listed.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(fields.len() >= 3, "{error}");
    fields
}

fn keys(table: &Table) -> BTreeSet<String> {
    table.keys().cloned().collect()
}

#[test]
fn the_example_documents_every_setting() {
    let text = uncommented();
    toml::from_str::<Settings>(&text).unwrap_or_else(|error| panic!("{error}"));
    let table: Table = text.parse().expect("it was just read");
    assert_eq!(keys(&table), fields(""));
    assert_eq!(keys(table["limits"].as_table().expect("a table")), fields("limits"));
    assert_eq!(keys(table["visitors"].as_table().expect("a table")), fields("visitors"));
    let providers = table["providers"].as_table().expect("a table");
    let known: BTreeSet<String> = catalog()
        .providers()
        .filter(|provider| !provider.sandbox_only)
        .map(|provider| provider.id.clone())
        .collect();
    assert_eq!(keys(providers), known, "an example for every provider");
    let shown: BTreeSet<String> = providers.values().filter_map(Value::as_table).flat_map(keys).collect();
    assert_eq!(shown, fields("providers.openai"));
}

#[test]
fn the_example_shows_the_true_defaults() {
    let mut table: Table = uncommented().parse().expect("it is TOML");
    for (key, value) in Table::try_from(Limits::default()).expect("limits are numbers") {
        assert_eq!(table["limits"][&key], value, "limits.{key}");
    }
    // What has no default is an example there.
    for optional in [
        "metrics_listen",
        "tls_certificate",
        "tls_key",
        "tls_client_ca",
        "journal_dir",
        "public_url",
        "database_url",
        "media_url",
        "media_options",
        "default_model",
        "catalog_dir",
        "catalog_url",
        "catalog_key",
        "outbound_proxy",
        "otlp_endpoint",
        "otlp_headers",
        "successors",
        "priorities",
        "providers",
    ] {
        table.remove(optional).expect("the example names it");
    }
    let visitors = table["visitors"].as_table_mut().expect("a table");
    for optional in ["session_usd", "address_day_usd", "day_usd"] {
        visitors.remove(optional).expect("the example names it");
    }
    let policy = table["policy"].as_table_mut().expect("a table");
    for optional in ["before_url", "after_url", "secret"] {
        policy.remove(optional).expect("the example names it");
    }
    let shown: Settings = Value::Table(table).try_into().expect("legal settings");
    assert_eq!(format!("{shown:?}"), format!("{:?}", Settings::default()));
    let whole: Settings = toml::from_str(EXAMPLE).expect("it can be used as it stands");
    assert_eq!(
        format!("{whole:?}"),
        format!("{:?}", Settings::default()),
        "as it stands it changes nothing"
    );
}

#[test]
fn the_example_names_the_variables_of_the_catalogue() {
    for provider in catalog().providers().filter(|provider| !provider.sandbox_only) {
        let names = provider
            .credential_variable
            .iter()
            .chain(&provider.credential_fallbacks);
        for name in names {
            assert!(EXAMPLE.contains(name.as_str()), "{name}");
        }
    }
}

#[test]
fn the_schema_is_of_every_setting() {
    let schema = gateway::settings::schema::of_file().expect("the example can be read");
    let names = |object: &serde_json::Value| -> BTreeSet<String> {
        object["properties"]
            .as_object()
            .expect("properties")
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(names(&schema), fields(""));
    let properties = &schema["properties"];
    assert_eq!(names(&properties["limits"]), fields("limits"));
    assert_eq!(names(&properties["visitors"]), fields("visitors"));
    assert_eq!(
        names(&properties["providers"]["additionalProperties"]),
        fields("providers.openai")
    );
    assert_eq!(properties["listen"]["default"], "127.0.0.1:8484");
    assert_eq!(properties["log_json"]["type"], "boolean");
    assert_eq!(properties["limits"]["properties"]["spool_bytes"]["default"], 1 << 30);
    for (name, property) in properties.as_object().expect("properties") {
        let has_text = property["description"].is_string() || property["properties"].is_object();
        assert!(has_text || name == "providers", "{name}");
    }
}
