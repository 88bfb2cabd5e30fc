//! Boards: ratings, ranks and how far to trust them, from the votes that count.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use indexmap::IndexSet;
use jiff::civil::Date;
use planner::mode::Mode;
use ratings::{
    Circles, Fit, Interval, Options, Outcome, Pairing, RankRange, Record, Sides, Tally, bootstrap, circles, fit,
    rank_ranges, sides,
};

use super::competitions::{Competition, OWN_PROMPT};
use super::sheet::{Cast, Sheet};

/// Of intervals and rank ranges.
pub(crate) const CONFIDENCE: f64 = 0.95;
/// Votes below which a model waits for a rank.
pub(crate) const LEAST_VOTES: u64 = 10;
/// Rounds of the bootstrap.
const ROUNDS: usize = 200;
/// Points of the history.
const HISTORY_POINTS: usize = 30;
/// Boards are the same for the same votes.
const SEED: u64 = 1;

/// Which votes a board is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum BoardKey {
    /// All of them.
    Overall,
    /// Those of a mode.
    Mode(Mode),
    /// Those of a category.
    Category(String),
    /// Those of one competition.
    Competition(String),
}

impl BoardKey {
    /// The name in addresses and in the API: `overall`, `mode:image-edit`, `category:portrait`, `competition:<id>`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Overall => "overall".to_owned(),
            Self::Mode(mode) => format!("mode:{}", mode.as_str()),
            Self::Category(name) => format!("category:{name}"),
            Self::Competition(id) => format!("competition:{id}"),
        }
    }

    /// Every board that these competitions make.
    pub(crate) fn all(competitions: &[Competition]) -> Vec<Self> {
        let mut all = vec![Self::Overall];
        for mode in [Mode::TextToImage, Mode::ImageEdit] {
            if competitions.iter().any(|competition| competition.mode == mode) {
                all.push(Self::Mode(mode));
            }
        }
        let mut categories: Vec<&String> = competitions
            .iter()
            .flat_map(|competition| &competition.categories)
            .collect();
        categories.sort();
        categories.dedup();
        all.extend(categories.into_iter().cloned().map(Self::Category));
        all.extend(
            competitions
                .iter()
                .map(|competition| Self::Competition(competition.id.clone())),
        );
        all
    }

    /// The board of that name, if these competitions make it.
    pub(crate) fn named(name: &str, competitions: &[Competition]) -> Option<Self> {
        Self::all(competitions).into_iter().find(|key| key.name() == name)
    }

    /// Whether votes on prompts of visitors' own are among its votes: all of them are about pictures of a text.
    const fn holds_own_prompts(&self) -> bool {
        matches!(self, Self::Overall | Self::Mode(Mode::TextToImage))
    }

    fn holds(&self, competition: &Competition) -> bool {
        match self {
            Self::Overall => true,
            Self::Mode(mode) => competition.mode == *mode,
            Self::Category(name) => competition.categories.contains(name),
            Self::Competition(id) => competition.id == *id,
        }
    }
}

/// One model on a board.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// The model's id.
    pub(crate) model: String,
    /// Its rating with its interval, by the robust covariance.
    pub(crate) interval: Interval,
    /// Its number among the models of the board.
    number: usize,
    /// Where it stands.
    pub(crate) rank: RankRange,
    /// Its votes.
    pub(crate) record: Record,
}

/// One board.
#[derive(Debug)]
pub(crate) struct Board {
    /// Which.
    pub(crate) key: BoardKey,
    /// Models with enough votes, the best first.
    pub(crate) standings: Vec<Standing>,
    /// Models that wait for more votes: id and how many there are.
    pub(crate) waiting: Vec<(String, u64)>,
    /// Votes that count, by outcome in the order of [`Outcome::ALL`].
    pub(crate) outcomes: [u64; 4],
    /// Votes that do not count, and of how many voters.
    pub(crate) aside: (u64, u64),
    /// Preference for a side.
    pub(crate) sides: Sides,
    /// Orders that contradict themselves.
    pub(crate) circles: Circles,
    /// Ratings over time: the end of each day or step, and each model's rating by then.
    pub(crate) history: Vec<(Date, Vec<(String, f64)>)>,
    models: IndexSet<String>,
    tally: Tally,
    fit: Option<Fit>,
    resampled: OnceLock<Vec<Interval>>,
}

impl Board {
    /// All votes that count.
    pub(crate) fn votes(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// A rating with its interval by the bootstrap. The first time this takes a while.
    pub(crate) fn resampled(&self, standing: &Standing) -> Option<Interval> {
        let fit = self.fit.as_ref()?;
        let all = self
            .resampled
            .get_or_init(|| bootstrap(&self.tally, fit, Options::default(), CONFIDENCE, ROUNDS, SEED));
        all.get(standing.number).copied()
    }

    /// Where a model stands, if it is ranked.
    pub(crate) fn standing(&self, model: &str) -> Option<&Standing> {
        self.standings.iter().find(|standing| standing.model == model)
    }

    /// A model's votes, ranked or not.
    pub(crate) fn record(&self, model: &str) -> Record {
        self.number(model)
            .map_or_else(Record::default, |own| self.tally.record(own))
    }

    /// The record of `a` against `b`.
    pub(crate) fn head_to_head(&self, a: &str, b: &str) -> Record {
        match (self.number(a), self.number(b)) {
            (Some(a), Some(b)) if a != b => self.tally.head_to_head(a, b),
            _ => Record::default(),
        }
    }

    /// The models that a model met, with its record, the most met first.
    pub(crate) fn met(&self, model: &str) -> Vec<(&str, Record)> {
        let Some(own) = self.number(model) else {
            return Vec::new();
        };
        let others = (0..self.models.len()).filter(|other| *other != own);
        let mut met: Vec<(&str, Record)> = others
            .map(|other| (self.models[other].as_str(), self.tally.head_to_head(own, other)))
            .filter(|(_, record)| record.votes() > 0.0)
            .collect();
        met.sort_by(|(_, a), (_, b)| b.votes().total_cmp(&a.votes()));
        met
    }

    fn number(&self, model: &str) -> Option<usize> {
        self.models.get_index_of(model)
    }

    /// Makes a board of the votes that it is about.
    pub(super) fn of(key: BoardKey, sheet: &Sheet, competitions: &[Competition]) -> Self {
        let counted = sheet.counts();
        let is_own = |id: &String| id == OWN_PROMPT && key.holds_own_prompts();
        let is_here = |id: &String| is_own(id) || competitions.iter().any(|own| own.id == *id && key.holds(own));
        let here: Vec<bool> = sheet.competitions.iter().map(is_here).collect();
        let votes = sheet.votes.iter().filter(|vote| here[usize::from(vote.competition)]);
        let is_counted = |vote: &&Cast| counted[vote.voter as usize];
        let counting = votes.clone().filter(is_counted);
        let mut tally = Tally::new(sheet.models.len());
        for ballot in counting.clone().map(Cast::ballot) {
            tally.add(ballot.left, ballot.right, ballot.outcome);
        }
        let mut aside = (0, BTreeSet::new());
        for vote in votes.filter(|vote| !is_counted(vote)) {
            aside.0 += 1;
            aside.1.insert(vote.voter);
        }
        let fit = fit(&tally, Options::default())
            .ok()
            .filter(|fit| !fit.voted().is_empty());
        let (standings, waiting) = match &fit {
            Some(fit) => stand(fit, &tally, &sheet.models),
            None => (Vec::new(), Vec::new()),
        };
        let ranked: Vec<&str> = standings.iter().map(|standing| standing.model.as_str()).collect();
        Self {
            history: history(counting, &sheet.models, &ranked),
            outcomes: tally.outcomes().map(whole),
            aside: (aside.0, aside.1.len() as u64),
            sides: sides(&tally, CONFIDENCE),
            circles: circles(&tally),
            standings,
            waiting,
            models: sheet.models.clone(),
            key,
            tally,
            fit,
            resampled: OnceLock::new(),
        }
    }
}

/// All votes that stand, and the boards that were made of them: each is made when it is asked for, once.
#[derive(Debug)]
pub(crate) struct Boards {
    /// The votes.
    pub(crate) sheet: Sheet,
    made: Mutex<HashMap<BoardKey, Arc<Board>>>,
}

impl Boards {
    /// Those of these votes.
    pub(super) fn new(sheet: Sheet) -> Self {
        Self {
            sheet,
            made: Mutex::default(),
        }
    }

    /// The board of `key`. This may take some time.
    pub(super) fn board(&self, key: &BoardKey, competitions: &[Competition]) -> Arc<Board> {
        let made = || self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made().get(key) {
            return Arc::clone(known);
        }
        let board = Arc::new(Board::of(key.clone(), &self.sheet, competitions));
        made().insert(key.clone(), Arc::clone(&board));
        board
    }
}

/// How much a vote would tell for each pair of `models`, by the votes of a board; and for the side, the tally.
pub(super) fn pairing(board: &Board, models: &[&str]) -> (Tally, Pairing, Vec<String>) {
    let names: Vec<String> = models.iter().map(|model| (*model).to_owned()).collect();
    let mut tally = Tally::new(names.len());
    for (a, first) in names.iter().enumerate() {
        for (b, second) in names.iter().enumerate() {
            if let (Some(left), Some(right)) = (board.number(first), board.number(second))
                && left != right
            {
                for (outcome, count) in Outcome::ALL.into_iter().zip(board.tally.cell(left, right)) {
                    tally.add_many(a, b, outcome, count);
                }
            }
        }
    }
    let all: Vec<usize> = (0..names.len()).collect();
    let fitted = fit(&tally, Options::default()).expect("prior ties connect all models");
    let pairing = Pairing::new(&fitted, &all);
    (tally, pairing, names)
}

/// A count that was kept as a fraction.
pub(crate) fn whole(count: f64) -> u64 {
    count.round().max(0.0) as u64
}

fn stand(fit: &Fit, tally: &Tally, models: &IndexSet<String>) -> (Vec<Standing>, Vec<(String, u64)>) {
    let votes = |model: usize| whole(tally.record(model).votes());
    let (mut ranked, waiting): (Vec<usize>, Vec<usize>) =
        fit.voted().iter().partition(|model| votes(**model) >= LEAST_VOTES);
    ranked.sort_by(|a, b| fit.rating(*b).total_cmp(&fit.rating(*a)));
    let ranges = rank_ranges(fit, &ranked, CONFIDENCE, SEED);
    let standing = |(model, rank): (&usize, RankRange)| Standing {
        model: models[*model].clone(),
        interval: fit.interval(*model, CONFIDENCE),
        number: *model,
        rank,
        record: tally.record(*model),
    };
    let standings = ranked.iter().zip(ranges).map(standing).collect();
    let waiting = waiting.into_iter().map(|model| (models[model].clone(), votes(model)));
    (standings, waiting.collect())
}

/// Ratings by the end of each of the last days that had votes; these come in order of days.
fn history<'a>(
    votes: impl Iterator<Item = &'a Cast> + Clone,
    models: &IndexSet<String>,
    ranked: &[&str],
) -> Vec<(Date, Vec<(String, f64)>)> {
    let mut days: Vec<Date> = Vec::new();
    for vote in votes.clone() {
        if days.last() != Some(&vote.day) {
            days.push(vote.day);
        }
    }
    let first = days.len().saturating_sub(HISTORY_POINTS);
    let mut tally = Tally::new(models.len());
    let mut left = votes.peekable();
    let mut history = Vec::new();
    for (place, until) in days.into_iter().enumerate() {
        while let Some(vote) = left.next_if(|vote| vote.day <= until) {
            let ballot = vote.ballot();
            tally.add(ballot.left, ballot.right, ballot.outcome);
        }
        if place < first {
            continue;
        }
        let Ok(fitted) = fit(&tally, Options::default()) else {
            continue;
        };
        let told = fitted
            .voted()
            .iter()
            .filter(|model| whole(tally.record(**model).votes()) >= LEAST_VOTES)
            .map(|model| (models[*model].clone(), fitted.rating(*model)))
            .filter(|(model, _)| ranked.contains(&model.as_str()));
        history.push((until, told.collect()));
    }
    history
}
