//! `/app/catalog`: what of the catalogue wants looking at.

use std::path::Path;

use axum::response::Response;
use jiff::tz::TimeZone;
use planner::view::page_path;
use site::frame::Page;
use site::pages::desk::catalog::{self, Finding, Shown, Source, Why};

use super::sitting::Sitting;
use crate::builtin;
use crate::problem::Problem;

/// The page.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = page(&sitting);
    sitting.answer(page)
}

fn page(sitting: &Sitting) -> Result<Page, Problem> {
    sitting.require_admin()?;
    let generator = &sitting.state.generator;
    let (catalog, available) = (&generator.catalog, generator.upstreams.available());
    let today = generator.clock.now().to_zoned(TimeZone::UTC).date();
    let in_force = &sitting.state.choices.in_force;
    let folder = in_force.catalog_dir.as_deref();
    let look = in_force.catalog_source.last_look();
    let source = in_force.catalog_source.url.as_deref().map(|url| Source {
        url,
        made_at: look.as_ref().and_then(|look| look.made_at),
        looked_at: look.as_ref().map(|look| look.looked_at),
        error: look.as_ref().and_then(|look| look.error.as_deref()),
    });
    let own = builtin::own_names(folder.map(Path::new)).map_err(|error| {
        tracing::error!(error = %error, "the catalogue's folder could not be read");
        Problem::internal()
    })?;
    let mut findings: Vec<Finding> = own
        .into_iter()
        .map(|name| Finding {
            id: name,
            path: None,
            provider: None,
            why: Why::Own,
        })
        .collect();
    let path = |id: &str| catalog.model(id).map(page_path);
    for stale in catalog.stale(today) {
        findings.push(Finding {
            id: stale.model.to_owned(),
            path: path(stale.model),
            provider: Some(stale.provider.to_owned()),
            why: Why::Doubt(stale.doubt),
        });
    }
    for model in catalog.models() {
        let is_here = model.live_offers().any(|offer| available.contains(&offer.provider));
        if !is_here {
            let is_retired = model.live_offers().next().is_none();
            findings.push(Finding {
                id: model.id.clone(),
                path: Some(page_path(model)),
                provider: None,
                why: if is_retired { Why::Retired } else { Why::Off },
            });
        }
    }
    let offers = catalog.models().map(|model| model.offers.len()).sum();
    Ok(catalog::page(&Shown {
        desk: &sitting.desk,
        counts: (catalog.models().count(), offers),
        folder,
        source,
        today,
        findings: &findings,
    }))
}
