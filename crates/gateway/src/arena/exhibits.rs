//! Hanging a picture: from the image of a request to a file that is shown to everybody.

use imaging::{DecodeLimits, ImageFormat, decode, encode};
use jiff::Timestamp;
use planner::fault::echo;
use providers::Spool;
use serde_json::Value;

use super::competitions::Competition;
use super::shape::shape;
use crate::db::Database;
use crate::db::arena::{ExhibitRow, ExhibitState};
use crate::db::generations::{AttemptOutcome, GenerationRow, Status};
use crate::generation::Generator;
use crate::ids::random_text;
use crate::operator::Refusal;

/// Long side of a picture on show, in pixels.
const LONG_PX: u32 = 1_024;
/// The same of the sandbox's pictures, of which there is nothing to see closer.
const SANDBOX_LONG_PX: u32 = 512;
/// Quality of the file, 1 to 100. One for all, so that no model's own compression shows.
const QUALITY: u8 = 84;
/// Letters of an id.
const ID_CHARS: usize = 20;
/// Longest prompt that is shown.
pub(crate) const PROMPT_CHARS_MAX: usize = 4_000;

/// What is to be hung.
#[derive(Debug, Clone)]
pub(crate) struct HangOrder<'a> {
    /// Whose request made it.
    pub(crate) account_id: &'a str,
    /// The key that made it, where others of the account are not to be found by it: visitors share one.
    pub(crate) key_id: Option<&'a str>,
    /// The request.
    pub(crate) generation_id: &'a str,
    /// Which of its images.
    pub(crate) position: i64,
    /// The competition that it is an entry of.
    pub(crate) competition: Option<&'a Competition>,
    /// What was asked.
    pub(crate) prompt: &'a str,
    /// What was asked beside the prompt.
    pub(crate) settings: &'a Value,
    /// Whether it is seen.
    pub(crate) state: ExhibitState,
    /// When.
    pub(crate) now: Timestamp,
}

/// Hangs a picture; one that hangs already is told as it is.
///
/// # Errors
/// [`Refusal`] names what cannot be found.
pub(crate) async fn hang(generator: &Generator, spool: &Spool, order: HangOrder<'_>) -> Result<ExhibitRow, Refusal> {
    let database = &generator.database;
    let (id, position) = (order.generation_id, order.position);
    let absent = || Refusal::NotFound(format!("No completed request {} is known in this account.", echo(id)));
    let row = database.generation(order.account_id, id).await?;
    let is_own = |row: &GenerationRow| order.key_id.is_none_or(|key_id| row.start.key_id == key_id);
    let row = row.filter(is_own);
    if let Some(known) = database.exhibit_of(id, position).await? {
        // The request itself may be forgotten by now.
        let is_his = known.account_id == order.account_id && (row.is_some() || order.key_id.is_none());
        if !is_his {
            return Err(absent());
        }
        return again(database, known, order.state).await;
    }
    let row = row.ok_or_else(absent)?;
    if row.status != Status::Completed {
        return Err(absent());
    }
    let media = database.media_of(id).await?;
    let image = media.iter().find(|image| image.position == position).ok_or_else(|| {
        Refusal::NotFound(format!(
            "Image {position} of this request is not kept (any more). Ask for it with response_format 'url' or an Idempotency-Key."
        ))
    })?;
    let attempts = database.attempts_of(id).await?;
    let made = attempts
        .iter()
        .rev()
        .find(|attempt| attempt.outcome == AttemptOutcome::Succeeded);
    let provider = row.provider.clone().unwrap_or_default();
    // As it was when the picture was made: it may hang there only once the provider is served in truth.
    let drawn = database.was_sandbox(&provider, row.start.created_at).await?;
    let sandbox = drawn == Some(true);
    let failed = |error: &dyn std::fmt::Display| Refusal::Failed(format!("a picture could not be hung: {error}"));
    let scope = spool.scope();
    let loaded = generator.store.load(&image.path, &scope).await;
    let blob = loaded.map_err(|error| failed(&error))?;
    let bytes = blob.read_all().map_err(|error| failed(&error))?;
    let long_px = if sandbox { SANDBOX_LONG_PX } else { LONG_PX };
    let shown = order.competition.map(|competition| competition.shown_px(long_px));
    let drawn = tokio::task::spawn_blocking(move || redraw(&bytes, shown, long_px)).await;
    let (file, width_px, height_px) = drawn.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    let own = random_text(ID_CHARS);
    let exhibit = ExhibitRow {
        path: format!("arena/{own}.webp"),
        id: own,
        competition: order.competition.map(|competition| competition.id.clone()),
        model: row.start.model.clone(),
        provider,
        prompt: order.prompt.to_owned(),
        settings: order.settings.to_string(),
        cost_micros: row.cost_micros,
        duration_ms: made.map(|attempt| attempt.duration_ms),
        width_px: width_px.into(),
        height_px: height_px.into(),
        size_bytes: i64::try_from(file.len()).unwrap_or(i64::MAX),
        sandbox,
        state: order.state,
        account_id: order.account_id.to_owned(),
        generation_id: id.to_owned(),
        position,
        created_at: order.now,
    };
    let stored = scope.store(&file).map_err(|error| failed(&error))?;
    generator
        .store
        .put(&exhibit.path, &stored)
        .await
        .map_err(|error| failed(&error))?;
    if database.hang(&exhibit).await? {
        return Ok(exhibit);
    }
    // Another hung it at the same time: its file stays, ours goes.
    if let Err(error) = generator.store.delete(&exhibit.path).await {
        tracing::warn!(error = %error, "a file that is not needed could not be removed");
    }
    database.exhibit_of(id, position).await?.ok_or_else(absent)
}

/// A picture that hangs already, hung once more.
async fn again(database: &Database, known: ExhibitRow, state: ExhibitState) -> Result<ExhibitRow, Refusal> {
    if known.is_removed() {
        return Err(Refusal::Conflict("This picture was removed.".to_owned()));
    }
    // One that its owner alone has seen is published by this.
    if state != ExhibitState::Private && database.publish_private(&known.id, state).await? {
        return Ok(database.exhibit(&known.id).await?.unwrap_or(known));
    }
    Ok(known)
}

/// The picture as everybody's is shown: sRGB on white, one format and quality, nothing of the file that it was. `shown` cuts
/// it to a size; else it keeps its shape.
fn redraw(bytes: &[u8], shown: Option<(u32, u32)>, long_px: u32) -> Result<(Vec<u8>, u32, u32), imaging::ImagingError> {
    let bitmap = decode(bytes, &DecodeLimits::default())?.to_srgb().flatten_on([255; 3]);
    let (width_px, height_px) = shown.unwrap_or_else(|| shape(bitmap.width_px(), bitmap.height_px(), long_px));
    let covered = bitmap.cover(width_px, height_px);
    Ok((encode(&covered, ImageFormat::Webp, Some(QUALITY))?, width_px, height_px))
}

/// Removes a picture for good: its file, its prompt, reports and opinions. Votes on it still count.
///
/// # Errors
/// [`Refusal`] when the store or the database fails; the file is then removed later.
pub(crate) async fn remove(generator: &Generator, exhibit: &ExhibitRow) -> Result<(), Refusal> {
    let database = &generator.database;
    database.end_exhibit(&exhibit.id).await?;
    let removed = generator.store.delete(&exhibit.path).await;
    removed.map_err(|error| Refusal::Failed(format!("a picture could not be removed: {error}")))?;
    database.hide_removed(std::slice::from_ref(&exhibit.id)).await?;
    Ok(())
}

/// The file of a picture.
///
/// # Errors
/// [`Refusal`] when the store fails.
pub(crate) async fn file(generator: &Generator, spool: &Spool, exhibit: &ExhibitRow) -> Result<Vec<u8>, Refusal> {
    let scope = spool.scope();
    let failed =
        |error: &dyn std::fmt::Display| Refusal::Failed(format!("a picture on show could not be read: {error}"));
    let blob = generator
        .store
        .load(&exhibit.path, &scope)
        .await
        .map_err(|error| failed(&error))?;
    Ok(blob.read_all().map_err(|error| failed(&error))?.to_vec())
}
