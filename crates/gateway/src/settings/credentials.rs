//! Providers' credentials: from the settings, from variables, and from files that either names.

use std::path::PathBuf;

use planner::catalog::Catalog;

use super::{Environment, ProviderSettings, Settings, SettingsError, files};

impl Settings {
    /// What is wrong with lists of credentials, before their files are read.
    pub(super) fn check_credentials(&self, origin: &str) -> Result<(), SettingsError> {
        let mistake = |(id, own): (&String, &ProviderSettings)| Some(format!("providers.{id}.{}", own.mistake()?));
        match self.providers.iter().find_map(mistake) {
            Some(message) => Err(SettingsError::Invalid {
                origin: origin.to_owned(),
                message,
            }),
            None => Ok(()),
        }
    }

    /// The files of lists of credentials, and where each of them came from.
    pub(super) fn read_listed_files(&mut self, origin: &str) -> Result<(), SettingsError> {
        for (id, own) in &mut self.providers {
            for (place, one) in own.credentials.iter_mut().enumerate() {
                let told = self.origins.get(&format!("providers.{id}.credentials.{}", place + 1));
                one.origin = Some(told.map_or(origin, String::as_str).to_owned());
                let file = one.credential_file.clone().filter(|_| one.credential.is_none());
                if let Some(path) = file {
                    one.credential = Some(files::text(&path)?);
                    one.origin = Some(path.display().to_string());
                    self.sources.push(path);
                }
            }
        }
        Ok(())
    }

    /// Credentials that stand in files of their own: named in the settings, or by a variable of the provider's.
    pub(super) fn read_credential_files(
        &mut self,
        environment: &Environment,
        catalog: &Catalog,
    ) -> Result<(), SettingsError> {
        for provider in catalog.providers() {
            let own = self.providers.entry(provider.id.clone()).or_default();
            if own.has_credential() {
                continue;
            }
            let by_variable = || {
                let mut names = provider.credential_file_variables.iter();
                names.find_map(|name| Some((PathBuf::from(environment.get(name)?), name.clone())))
            };
            let named = own.credential_file.clone().map(|path| {
                let origin = path.display().to_string();
                (path, origin)
            });
            if let Some((path, origin)) = named.or_else(by_variable) {
                self.sources.push(path.clone());
                own.credential = Some(files::text(&path)?);
                own.credential_origin = Some(origin);
            }
        }
        Ok(())
    }

    /// Credentials of the file and of the environment, and the base addresses beside them.
    pub(super) fn read_credentials(
        &mut self,
        origin: &str,
        environment: &Environment,
        from_files: &[String],
        catalog: &Catalog,
    ) {
        for provider in catalog.providers() {
            let own = self.providers.entry(provider.id.clone()).or_default();
            if own.credential.is_some() {
                let told = self.origins.get(&format!("providers.{}.credential", provider.id));
                own.credential_origin = Some(told.map_or(origin, String::as_str).to_owned());
            }
            if let Some(base_url) = environment.get(&format!("PICTOR_{}_BASE_URL", provider.id.to_uppercase())) {
                own.base_url = Some(base_url.clone());
            }
            let named = provider
                .credential_variable
                .iter()
                .find_map(|name| Some((name, environment.get(name)?)));
            let fallback = || {
                // A Pictor key in OPENAI_API_KEY is meant for Pictor's own clients, not for the provider.
                let usable = |value: &&String| !value.is_empty() && !value.starts_with("pk_");
                provider
                    .credential_fallbacks
                    .iter()
                    .find_map(|name| Some((name, environment.get(name).filter(usable)?)))
            };
            let found = match named {
                Some(found) => Some(found),
                None if own.credential.is_some() || !own.credentials.is_empty() => None,
                None => fallback(),
            };
            if let Some((name, value)) = found.filter(|(_, value)| !value.is_empty()) {
                own.credential = Some(value.clone());
                own.credential_origin = Some(files::origin(name, from_files));
            }
        }
    }
}
