//! The arena: competitions, pictures on show, blind pairs, votes, and the boards that follow from them.

pub(crate) mod battles;
pub(crate) mod boards;
pub(crate) mod competitions;
pub(crate) mod demo;
pub(crate) mod exhibits;
pub(crate) mod own_prompts;
mod padding;
pub(crate) mod reports;
pub(crate) mod sheet;
pub(crate) mod source;
pub(crate) mod suggestions;
mod suspicion;
pub(crate) mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use planner::mode::Mode;
use tokio::sync::Mutex;

use crate::db::{Database, DatabaseError};
use crate::generation::Generator;
use crate::upstreams::{Service, Upstreams};
use boards::{Board, BoardKey, Boards};
use competitions::Competition;
use sheet::Sheet;

/// Whether `upstreams` have nobody real: then pictures and votes are those of the sandbox, and are shown as such. As soon as
/// a provider is real they are out of sight.
pub(crate) fn is_sandbox(upstreams: &Upstreams) -> bool {
    !upstreams
        .iter()
        .any(|upstream| matches!(upstream.service, Service::Real { .. }))
}

/// What is shared of the arena. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Arena(Arc<Inner>);

struct Inner {
    competitions: Vec<Competition>,
    known: Mutex<Option<Known>>,
}

struct Known {
    boards: Arc<Boards>,
    /// Which world's.
    sandbox: bool,
    read_at: Instant,
    took: Duration,
    /// Whether something was changed here since.
    is_old: bool,
}

/// Votes are not read anew more often than this.
const LEAST_AGE: Duration = Duration::from_millis(500);
/// Nor more often than lets it take one part in so many of the time.
const PART: u32 = 20;
/// What takes no longer than this is read anew after each vote.
const QUICK: Duration = Duration::from_millis(100);
/// However long it takes, they are read anew after this: the board follows a vote within a minute.
const GREATEST_AGE: Duration = Duration::from_secs(50);

impl Arena {
    /// The arena of these competitions.
    pub(crate) fn new(competitions: Vec<Competition>) -> Self {
        Self(Arc::new(Inner {
            competitions,
            known: Mutex::new(None),
        }))
    }

    /// Every competition.
    pub(crate) fn competitions(&self) -> &[Competition] {
        &self.0.competitions
    }

    /// The competition of that id.
    pub(crate) fn competition(&self, id: &str) -> Option<&Competition> {
        self.0.competitions.iter().find(|competition| competition.id == id)
    }

    /// All votes that stand, and whose do not count; read again when there are new ones.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn boards(&self, generator: &Generator) -> Result<Arc<Boards>, DatabaseError> {
        let sandbox = is_sandbox(&generator.upstreams);
        let database = &generator.database;
        let mut known = self.0.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| !known.is_old && known.sandbox == sandbox) {
            let age = known.read_at.elapsed();
            let rest = LEAST_AGE.max(known.took * PART).min(GREATEST_AGE);
            if age < rest || age < GREATEST_AGE && known.boards.sheet.is_current(database, sandbox).await? {
                return Ok(Arc::clone(&known.boards));
            }
        }
        let began = Instant::now();
        // What is known is of one world: when a provider becomes real, that is another.
        let before = known.as_ref().filter(|known| known.sandbox == sandbox);
        let before = before.map(|known| known.boards.sheet.clone());
        let sheet = read(database, sandbox, before, generator.clock.now()).await?;
        let boards = Arc::new(Boards::new(sheet));
        *known = Some(Known {
            boards: Arc::clone(&boards),
            sandbox,
            read_at: Instant::now(),
            took: began.elapsed(),
            is_old: false,
        });
        Ok(boards)
    }

    /// One board, by the newest votes.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn board(&self, generator: &Generator, key: &BoardKey) -> Result<Arc<Board>, DatabaseError> {
        let boards = self.boards(generator).await?;
        let (arena, key) = (self.clone(), key.clone());
        // A board of many votes takes a moment.
        let made = tokio::task::spawn_blocking(move || boards.board(&key, arena.competitions())).await;
        made.map_err(|error| DatabaseError::Io(std::io::Error::other(error)))
    }

    /// Ratings of models by id: by the votes on what they make in `mode`, or by all votes where there are none of that.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn ratings(
        &self,
        generator: &Generator,
        mode: Mode,
    ) -> Result<BTreeMap<String, f64>, DatabaseError> {
        let mut board = self.board(generator, &BoardKey::Mode(mode)).await?;
        if board.standings.is_empty() {
            board = self.board(generator, &BoardKey::Overall).await?;
        }
        let ratings = board.standings.iter();
        Ok(ratings
            .map(|standing| (standing.model.clone(), standing.interval.rating))
            .collect())
    }

    /// Lets the next reader look for what was changed, unless that takes so long that it has to wait for its turn.
    pub(crate) async fn changed(&self) {
        let mut known = self.0.known.lock().await;
        if let Some(known) = known.as_mut().filter(|known| known.took < QUICK) {
            known.is_old = true;
        }
    }
}

async fn read(
    database: &Database,
    sandbox: bool,
    before: Option<Sheet>,
    now: jiff::Timestamp,
) -> Result<Sheet, DatabaseError> {
    let sheet = Sheet::read(database, sandbox, before).await?;
    let judged = tokio::task::spawn_blocking(move || {
        let found = suspicion::found(&sheet, sandbox, now);
        (sheet, found)
    });
    let (mut sheet, found) = judged
        .await
        .map_err(|error| DatabaseError::Io(std::io::Error::other(error)))?;
    for row in &found {
        tracing::warn!(arena.reason = %row.reason, votes = row.votes, "a session's votes are set aside");
        database.set_aside(row).await?;
    }
    if !found.is_empty() {
        sheet.aside = database.aside(sandbox).await?;
    }
    Ok(sheet)
}
