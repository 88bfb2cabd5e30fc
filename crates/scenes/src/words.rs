//! What a prompt asks for: motif, light, season, colors, companions.

use super::lexicon::TABLE;
use super::noise::Rng;
use super::vocabulary::{Creature, Extra, Meaning, Motif, Season, Time};

/// What a prompt asks for.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub(crate) motif: Motif,
    pub(crate) time: Time,
    pub(crate) season: Season,
    pub(crate) tints: Vec<u32>,
    pub(crate) creature: Option<Creature>,
    extras: Vec<Extra>,
}

impl Intent {
    /// Whether the prompt names this.
    pub(crate) fn has(&self, extra: Extra) -> bool {
        self.extras.contains(&extra)
    }

    /// Reads a prompt; what it leaves open, chance decides.
    pub(crate) fn read(prompt: &str, rng: &mut Rng) -> Self {
        let calls = calls(prompt);
        let first = |pick: fn(&Meaning) -> Option<Motif>| calls.iter().find_map(pick);
        let named = first(|call| {
            if let Meaning::Show(motif) = call {
                Some(*motif)
            } else {
                None
            }
        });
        let creature = calls.iter().find_map(|call| {
            if let Meaning::Animal(it) = call {
                Some(*it)
            } else {
                None
            }
        });
        let season = calls
            .iter()
            .find_map(|call| if let Meaning::Dress(it) = call { Some(*it) } else { None })
            .unwrap_or(Season::Any);
        let extras: Vec<Extra> = calls
            .iter()
            .filter_map(|call| if let Meaning::With(it) = call { Some(*it) } else { None })
            .collect();
        let mut tints: Vec<u32> = calls
            .iter()
            .filter_map(|call| if let Meaning::Color(it) = call { Some(*it) } else { None })
            .collect();
        tints.dedup();
        let motif = named.unwrap_or_else(|| implied(creature, &extras, season, rng));
        let light = calls
            .iter()
            .rev()
            .find_map(|call| if let Meaning::Light(it) = call { Some(*it) } else { None });
        // The last one wins: the first is often part of a name, as in "summer palace at night".
        let fair = prompt.to_lowercase().contains("blue sky");
        let time = light
            .or(fair.then_some(Time::Day))
            .unwrap_or_else(|| usual(motif, &extras, rng));
        Self {
            motif,
            time,
            season,
            tints,
            creature,
            extras,
        }
    }
}

fn implied(creature: Option<Creature>, extras: &[Extra], season: Season, rng: &mut Rng) -> Motif {
    if creature == Some(Creature::Whale) {
        return Motif::Ocean;
    }
    if creature.is_some() {
        return Motif::Perch;
    }
    for extra in extras {
        match extra {
            Extra::Lake | Extra::House | Extra::Balloon => return Motif::Mountains,
            Extra::Boat | Extra::Lighthouse | Extra::Waves | Extra::Beach => return Motif::Ocean,
            Extra::Trees | Extra::Mist => return Motif::Forest,
            Extra::Rings => return Motif::Space,
            Extra::Rain => return Motif::City,
            _ => {}
        }
    }
    match season {
        Season::Winter => Motif::Mountains,
        Season::Autumn => Motif::Forest,
        Season::Spring => Motif::Meadow,
        Season::Any => {
            const OPEN: [Motif; 7] = [
                Motif::Mountains,
                Motif::Ocean,
                Motif::Flow,
                Motif::Meadow,
                Motif::Desert,
                Motif::Forest,
                Motif::Mountains,
            ];
            OPEN[rng.below(OPEN.len())]
        }
    }
}

/// The light a motif is usually shown in.
fn usual(motif: Motif, extras: &[Extra], rng: &mut Rng) -> Time {
    use Time::{Dawn, Day, Dusk, Night, Sunset};
    if extras.contains(&Extra::Moon) || extras.contains(&Extra::Stars) {
        return if rng.chance(0.7) { Night } else { Dusk };
    }
    let open: &[Time] = match motif {
        Motif::City => &[Dusk, Dusk, Night, Sunset],
        Motif::Aurora | Motif::Space => &[Night],
        Motif::Meadow => &[Day, Day, Dawn, Sunset],
        Motif::Forest => &[Dawn, Day, Dawn, Sunset],
        Motif::Desert => &[Sunset, Day, Dawn, Dusk],
        Motif::Perch => &[Dusk, Sunset, Night, Dawn],
        Motif::Still => &[Day, Dawn, Sunset],
        _ => &[Dawn, Day, Sunset, Dusk],
    };
    open[rng.below(open.len())]
}

fn calls(prompt: &str) -> Vec<Meaning> {
    let lower = prompt.to_lowercase();
    lower
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .flat_map(|word| {
            let singular = word.strip_suffix('s').unwrap_or(word);
            let stem = word.strip_suffix("es").unwrap_or(word);
            let entry = TABLE.iter().find(|(names, _)| {
                names
                    .iter()
                    .any(|name| *name == word || *name == singular || *name == stem)
            });
            entry.map_or(&[] as &[Meaning], |(_, calls)| *calls).iter().copied()
        })
        .collect()
}
