//! `/app/settings`: the settings in force.

use axum::response::Response;
use site::pages::desk::settings::{self, Setting};

use super::sitting::Sitting;

/// The page.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = sitting.require_admin().map(|()| {
        let told = sitting.state.choices.in_force.settings.iter();
        let told: Vec<Setting> = told
            .map(|(name, value, origin)| Setting {
                name: name.clone(),
                value: value.clone(),
                origin: origin.clone(),
            })
            .collect();
        settings::page(&sitting.desk, &told)
    });
    sitting.answer(page)
}
