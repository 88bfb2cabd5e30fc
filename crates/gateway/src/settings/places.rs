//! Where things are that the settings may leave unsaid.

use std::path::Path;

use super::Settings;

impl Settings {
    /// The database's address: as set, or a file in the data folder.
    #[must_use]
    pub fn database(&self) -> String {
        let file = || format!("sqlite://{}?mode=rwc", self.data_dir.join("pictor.db").display());
        self.database_url.clone().unwrap_or_else(file)
    }

    /// How this gateway is spoken to.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        if self.tls_certificate.is_some() {
            "https"
        } else {
            "http"
        }
    }

    /// The address listened on, as this machine reaches it.
    #[must_use]
    pub fn own_url(&self) -> String {
        let mut address = self.listen;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        format!("{}://{address}", self.scheme())
    }

    /// Where is kept what neither the database nor the media store takes.
    #[must_use]
    pub fn journal_folder(&self) -> &Path {
        self.journal_dir.as_ref().unwrap_or(&self.data_dir)
    }
}
