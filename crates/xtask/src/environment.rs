//! The environment of everything that is run: no credential and no setting of the developer's gets in.
//!
//! Tests must never spend money. What a gateway would read as a credential, or as a pointer to a real provider, is taken
//! out, whatever its value.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// Variables of providers and of their clients begin like this, and those that lead to a PostgreSQL server.
const PREFIXES: [&str; 23] = [
    "PICTOR_",
    "ANTHROPIC_",
    "AWS_",
    "AZURE_",
    "BFL_",
    "DEEPINFRA_",
    "FAL_",
    "FIREWORKS_",
    "GCLOUD_",
    "GEMINI_",
    "GOOGLE_",
    "IDEOGRAM_",
    "LEONARDO_",
    "MISTRAL_",
    "OPENAI_",
    "OPENROUTER_",
    "PG",
    "RECRAFT_",
    "REPLICATE_",
    "RUNWARE_",
    "STABILITY_",
    "TOGETHER_",
    "XAI_",
];

/// What cargo tells a program that it runs. Passed on, it would make build scripts of a nested cargo run again.
const CARGO_PREFIXES: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];

/// Whether a variable must not reach a test. `declared` are the names that the catalogue gives for credentials.
pub(crate) fn is_foreign(name: &str, declared: &[String]) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || declared.iter().any(|known| known == name)
}

/// The credential variables that the provider files under `catalog/providers` declare.
pub(crate) fn declared(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for file in crate::repository::files(&root.join("catalog/providers"), &["toml"]) {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        // A file that cannot be read is the catalogue's own test's business.
        let Ok(provider) = text.parse::<toml::Table>() else {
            continue;
        };
        names.extend(
            provider
                .get("credential_variable")
                .and_then(toml::Value::as_str)
                .map(str::to_owned),
        );
        let fallbacks = provider.get("credential_fallbacks").and_then(toml::Value::as_array);
        names.extend(
            fallbacks
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned)),
        );
    }
    names
}

/// Takes the developer's credentials and settings out of a command's environment, and keeps proxies away from loopback.
pub(crate) fn clear(command: &mut Command) -> &mut Command {
    clear_among(command, std::env::vars_os().map(|(name, _)| name))
}

/// The cargo that runs this, in the repository's root and a clean environment.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    clear(&mut cargo).current_dir(crate::repository::root());
    cargo
}

fn clear_among(command: &mut Command, names: impl Iterator<Item = OsString>) -> &mut Command {
    let declared = declared(&crate::repository::root());
    for name in names {
        let Some(known) = name.to_str() else { continue };
        if is_foreign(known, &declared) || CARGO_PREFIXES.iter().any(|prefix| known.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    for name in ["NO_PROXY", "no_proxy"] {
        command.env(name, "127.0.0.1,localhost,::1");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_foreign_whatever_they_are_called() {
        let declared = vec!["SOME_NEW_TOKEN".to_owned()];
        for name in [
            "OPENAI_API_KEY",
            "OPENAI_BASE_URL",
            "FAL_KEY",
            "REPLICATE_API_TOKEN",
            "GEMINI_API_KEY",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "BFL_API_KEY",
            "PICTOR_LISTEN",
            "PGHOST",
            "SOME_NEW_TOKEN",
        ] {
            assert!(is_foreign(name, &declared), "{name}");
        }
        for name in ["PATH", "PKG_CONFIG_PATH", "HOME", "CARGO_HOME", "CI", "RUSTFLAGS"] {
            assert!(!is_foreign(name, &declared), "{name}");
        }
    }

    #[test]
    fn every_credential_variable_of_the_catalogue_is_foreign() {
        let declared = declared(&crate::repository::root());
        assert!(
            declared.iter().any(|name| name == "PICTOR_OPENAI_API_KEY"),
            "{declared:?}"
        );
        assert!(declared.iter().all(|name| is_foreign(name, &declared)));
    }

    #[test]
    fn a_cleared_command_does_not_see_them() {
        let mut command = Command::new("env");
        let names = ["OPENAI_API_KEY", "PATH", "CARGO_PKG_NAME", "PICTOR_SANDBOX"];
        clear_among(&mut command, names.map(OsString::from).into_iter());
        let removed: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name)
            .collect();
        assert_eq!(removed, ["CARGO_PKG_NAME", "OPENAI_API_KEY", "PICTOR_SANDBOX"]);
        assert!(
            command
                .get_envs()
                .any(|(name, value)| name == "NO_PROXY" && value.is_some())
        );
    }
}
