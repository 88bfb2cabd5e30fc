//! How providers are served at this installation.

use indexmap::IndexMap;

/// Who answers in a provider's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The provider itself.
    Real,
    /// Its emulator.
    Sandbox,
    /// Nobody.
    Off,
}

/// One provider here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// Its name for people.
    pub name: String,
    /// Who answers.
    pub service: Service,
    /// The model ids that it is asked for and that fail at the moment.
    pub unhealthy: Vec<String>,
}

/// Every provider of the catalogue, by its id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Providers(pub IndexMap<String, Here>);

impl Providers {
    /// The name of a provider for people; its id when it is not known.
    #[must_use]
    pub fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, |here| here.name.as_str())
    }

    /// Who answers in its name.
    #[must_use]
    pub fn service(&self, id: &str) -> Service {
        self.0.get(id).map_or(Service::Off, |here| here.service)
    }

    /// Whether one of these native models fails at the moment.
    #[must_use]
    pub fn fails(&self, id: &str, native_models: &[&str]) -> bool {
        self.0.get(id).is_some_and(|here| {
            here.unhealthy
                .iter()
                .any(|model| native_models.contains(&model.as_str()))
        })
    }
}
