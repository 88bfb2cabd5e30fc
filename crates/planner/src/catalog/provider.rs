//! Providers: companies whose APIs run models.

use indexmap::IndexMap;

/// One provider, one TOML file.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Short name, as in `provider/model`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Wire protocol that it speaks.
    pub protocol: String,
    /// Root of its API.
    pub base_url: String,
    /// Path of its emulator in the sandbox; absent where there is none.
    #[serde(default)]
    pub sandbox_path: Option<String>,
    /// What its emulator takes as a credential.
    #[serde(default)]
    pub sandbox_credential: String,
    /// Served by the sandbox only: there is no real one.
    #[serde(default)]
    pub sandbox_only: bool,
    /// Environment variable of Pictor for its credential.
    #[serde(default)]
    pub credential_variable: Option<String>,
    /// The provider's own names of that variable, read as a fallback.
    #[serde(default)]
    pub credential_fallbacks: Vec<String>,
    /// Variables that name a file which holds the credential, read as the last fallback.
    #[serde(default)]
    pub credential_file_variables: Vec<String>,
    /// It asks for no credential, as servers of one's own do: it is real as it stands.
    #[serde(default)]
    pub no_credential: bool,
    /// Settings of the protocol, such as further hosts.
    #[serde(default)]
    pub options: IndexMap<String, String>,
    /// The same settings for the sandbox, as paths.
    #[serde(default)]
    pub sandbox_options: IndexMap<String, String>,
    /// Regions by the hosts of the API that work in them, as far as its documentation tells.
    #[serde(default)]
    pub regions: IndexMap<String, String>,
    /// The setting of the protocol that names the region, where the protocol has one.
    #[serde(default)]
    pub region_option: Option<String>,
    /// The provider's page for people.
    #[serde(default)]
    pub website: Option<String>,
}

impl Provider {
    /// Where what is asked at `host` with these settings of the protocol is done, as far as that is known.
    #[must_use]
    pub fn region<'a>(&'a self, host: &str, options: &'a IndexMap<String, String>) -> Option<&'a str> {
        let set = self.region_option.as_ref().and_then(|name| options.get(name));
        set.or_else(|| self.regions.get(host)).map(String::as_str)
    }
}
