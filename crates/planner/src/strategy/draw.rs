//! Random numbers from a seed, so that a choice can be made again.

/// A sequence of pseudo-random numbers: a counter in steps of the golden ratio, mixed (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, from 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a floating-point number exactly")]
    pub(crate) fn number(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Takes one place after the other, each with the chance of its weight among those that are left. Weights are
    /// finite and not negative; what weighs nothing comes last, in its own order.
    pub(crate) fn shuffled(&mut self, weights: &[f64]) -> Vec<usize> {
        let mut left: Vec<usize> = (0..weights.len()).collect();
        let mut taken = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let total: f64 = left.iter().map(|place| weights[*place]).sum();
            let mut mark = self.number() * total;
            let hit = left.iter().position(|place| {
                mark -= weights[*place];
                mark < 0.0
            });
            // Rounding may leave the mark at the very end: that is the last one that weighs anything.
            let last = || left.iter().rposition(|place| weights[*place] > 0.0);
            taken.push(left.remove(hit.or_else(last).unwrap_or(0)));
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_even_and_within_bounds() {
        let mut draw = Draw::new(1);
        let mut tenths = [0_u32; 10];
        for _ in 0..100_000 {
            let number = draw.number();
            assert!((0.0..1.0).contains(&number), "{number}");
            tenths[(number * 10.0) as usize] += 1;
        }
        assert!(tenths.iter().all(|count| (9700..10_300).contains(count)), "{tenths:?}");
    }

    #[test]
    fn seeds_that_follow_each_other_give_unlike_firsts() {
        let below = (0..10_000).filter(|seed| Draw::new(*seed).number() < 0.25).count();
        assert!((2350..2650).contains(&below), "{below}");
    }

    #[test]
    fn places_are_taken_by_weight() {
        let mut firsts = [0_u32; 3];
        let mut seconds_after_heaviest = [0_u32; 3];
        for seed in 0..20_000 {
            let order = Draw::new(seed).shuffled(&[1.0, 2.0, 5.0]);
            firsts[order[0]] += 1;
            if order[0] == 2 {
                seconds_after_heaviest[order[1]] += 1;
            }
        }
        let share = |counts: [u32; 3], place: usize| f64::from(counts[place]) / f64::from(counts.iter().sum::<u32>());
        for (place, expected) in [(0, 0.125), (1, 0.25), (2, 0.625)] {
            assert!((share(firsts, place) - expected).abs() < 0.015, "{firsts:?}");
        }
        assert!(
            (share(seconds_after_heaviest, 0) - 1.0 / 3.0).abs() < 0.015,
            "{seconds_after_heaviest:?}"
        );
    }

    #[test]
    fn what_weighs_nothing_comes_last_in_order() {
        for seed in 0..100 {
            assert_eq!(Draw::new(seed).shuffled(&[0.0, 1.0, 0.0]), [1, 0, 2]);
        }
        assert!(Draw::new(1).shuffled(&[]).is_empty());
    }
}
