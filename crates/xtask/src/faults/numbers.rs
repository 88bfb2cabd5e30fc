//! Numbers drawn from a seed, the same on every machine.

/// A stream of numbers that a seed begins (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Numbers(u64);

impl Numbers {
    /// The stream `place` of a seed: each part of a run has its own, so that none depends on another's pace.
    pub(super) fn of(seed: u64, place: u64) -> Self {
        let mut numbers = Self(seed ^ place.wrapping_mul(0xd134_2543_de82_ef95));
        numbers.bits();
        numbers
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    pub(super) fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From `least` to below `most`.
    pub(super) fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.share()
    }

    /// A whole number below `end`, which is at least 1.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.bits() % end.max(1) as u64) as usize
    }

    /// Whether something happens that has this chance.
    pub(super) fn happens(&mut self, chance: f64) -> bool {
        self.share() < chance
    }

    /// One of several, by their weights.
    pub(super) fn choose<T: Copy>(&mut self, weighted: &[(f64, T)]) -> T {
        let all: f64 = weighted.iter().map(|(weight, _)| weight).sum();
        let mut left = self.share() * all;
        for (weight, value) in weighted {
            left -= weight;
            if left < 0.0 {
                return *value;
            }
        }
        weighted.last().expect("there is something to choose from").1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_again_and_parts_differ() {
        let draw = |place| {
            let mut numbers = Numbers::of(7, place);
            [numbers.below(1_000), numbers.below(1_000), numbers.below(1_000)]
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn weights_are_kept() {
        let mut numbers = Numbers::of(1, 1);
        let count = (0..10_000)
            .filter(|_| numbers.choose(&[(3.0, true), (1.0, false)]))
            .count();
        assert!((7_200..7_800).contains(&count), "{count}");
    }
}
