//! Variables that name files: `PICTOR_DATABASE_URL_FILE` is the path of a file that holds what `PICTOR_DATABASE_URL` would,
//! as container platforms hand secrets over.

use std::path::{Path, PathBuf};

use super::overlay::VARIABLES;
use super::{Environment, Settings, SettingsError};

/// What the names of such variables end with.
const END: &str = "_FILE";

/// The environment with the contents of such files in it, and the variables that came from one.
pub(super) fn expanded(
    environment: &Environment,
    known: &[String],
) -> Result<(Environment, Vec<String>), SettingsError> {
    let mut expanded = environment.clone();
    let mut from_files = Vec::new();
    for (name, path) in environment {
        let Some(variable) = name
            .strip_suffix(END)
            .filter(|variable| known.iter().any(|own| own == variable))
        else {
            continue;
        };
        if environment.contains_key(variable) {
            return Err(SettingsError::Invalid {
                origin: name.clone(),
                message: format!("{variable} is set too: leave one of them out"),
            });
        }
        expanded.insert(variable.to_owned(), text(Path::new(path))?);
        from_files.push(variable.to_owned());
    }
    Ok((expanded, from_files))
}

/// The variables that may come from files: those of settings, and the ones given.
pub(super) fn settable<'a>(more: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let own = VARIABLES.iter().map(|key| format!("PICTOR_{}", key.to_uppercase()));
    let secret = std::iter::once("PICTOR_POLICY_SECRET".to_owned());
    own.chain(secret).chain(more.into_iter().cloned()).collect()
}

impl Settings {
    /// Notes which settings came from files, and these.
    pub(super) fn tell_files(&mut self, from_files: &[String], environment: &Environment) {
        let path = |variable: &String| environment.get(&format!("{variable}{END}")).map(PathBuf::from);
        self.sources.extend(from_files.iter().filter_map(path));
        for variable in self.origins.values_mut() {
            *variable = origin(variable, from_files);
        }
    }
}

/// The text of a file without the blanks around it.
pub(super) fn text(path: &Path) -> Result<String, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|cause| SettingsError::Unreadable {
        path: path.to_owned(),
        cause,
    })?;
    Ok(text.trim().to_owned())
}

/// The variable that was really set.
pub(super) fn origin(variable: &str, from_files: &[String]) -> String {
    let is_file = from_files.iter().any(|own| own == variable);
    format!("{variable}{}", if is_file { END } else { "" })
}
