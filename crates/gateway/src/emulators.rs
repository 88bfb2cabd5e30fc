//! The emulators that a gateway runs for itself.

use planner::catalog::Catalog;
use sandbox::{Sandbox, SandboxConfig};

use crate::private;
use crate::settings::{SandboxUse, Settings};
use crate::start_error::StartError;
use crate::upstreams;

/// Name of the file in the data folder with what the control routes of this process's emulators ask for.
const SANDBOX_TOKEN_FILE: &str = "sandbox-token";

/// The emulators that serve what is not real, unless there are to be none. Beside real providers only `mock-image` is served,
/// and nobody orders faults.
pub(crate) async fn start(catalog: &Catalog, settings: &Settings) -> Result<Option<Sandbox>, StartError> {
    let beside_real = match settings.sandbox {
        SandboxUse::Never => return Ok(None),
        SandboxUse::Always => false,
        SandboxUse::Auto => upstreams::any_is_real(catalog, settings),
    };
    let config = SandboxConfig {
        beside_real,
        control_token: Some(control_token(settings, beside_real)?),
        // A model of the operator's own can be tried before any emulator knows it.
        strict: false,
        ..SandboxConfig::default()
    };
    Ok(Some(sandbox::start(config).await?))
}

/// What the control routes of the emulators ask for. Beside real providers there are none, so nobody is told.
fn control_token(settings: &Settings, beside_real: bool) -> Result<String, StartError> {
    let token = format!("{:032x}", rand::random::<u128>());
    if !beside_real {
        let path = settings.data_dir.join(SANDBOX_TOKEN_FILE);
        private::write(&path, &token).map_err(|cause| StartError::Io {
            what: path.display().to_string(),
            cause,
        })?;
    }
    Ok(token)
}
