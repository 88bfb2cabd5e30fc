//! Which two to show next: where a vote tells most, each model as often left as right.

use crate::fit::slope;
use crate::{Fit, Tally};

/// A pair that could be shown, and how much a vote on it is expected to tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer {
    /// One model.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// Expected gain of information, in natural units.
    pub gain: f64,
}

/// The pairs that could be shown, with their gains.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairing {
    offers: Vec<Offer>,
}

impl Pairing {
    /// All pairs of `models`.
    ///
    /// The gain is what one vote takes from the uncertainty of all strengths together: `ln(1 + w v) / 2`, with `w` the
    /// information of a vote at the expected chances and `v` the variance of the pair's difference (the D-optimal choice). New models, and models
    /// that stand close, come first.
    pub fn new(fit: &Fit, models: &[usize]) -> Self {
        let pairs = models
            .iter()
            .enumerate()
            .flat_map(|(at, a)| models[at + 1..].iter().map(move |b| (*a, *b)));
        let offers = pairs.map(|(a, b)| {
            let information = slope(fit.strengths()[a] - fit.strengths()[b]);
            let gain = (information * fit.difference_variance(a, b)).ln_1p() / 2.0;
            Offer { a, b, gain }
        });
        Self {
            offers: offers.collect(),
        }
    }

    /// The pairs with their gains.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }
}

/// One of `offers`, each as likely as its gain is large; `lot` is a random number in 0..1. By lot, so that nobody knows what
/// comes and every pair does in the end. None of none.
pub fn choose(offers: &[Offer], lot: f64) -> Option<Offer> {
    // A pair about which all is known still gets a thousandth of an average share.
    let floor =
        offers.iter().map(|offer| offer.gain).sum::<f64>() / offers.len().max(1) as f64 / 1000.0 + f64::MIN_POSITIVE;
    let total: f64 = offers.iter().map(|offer| offer.gain + floor).sum();
    let mut left = lot * total;
    for offer in offers {
        left -= offer.gain + floor;
        if left < 0.0 {
            return Some(*offer);
        }
    }
    offers.last().copied()
}

/// Whether `a` goes to the left; `lot` is a random number in 0..1. A coin that leans two to one towards the model that stood
/// less often on the left (Efron 1971): balanced, and yet nobody can tell the side.
pub fn left_first(tally: &Tally, a: usize, b: usize, lot: f64) -> bool {
    let lean = |model| {
        let (left, right) = tally.stood(model);
        left - right
    };
    let (of_a, of_b) = (lean(a), lean(b));
    let chance = if of_a < of_b {
        2.0 / 3.0
    } else if of_a > of_b {
        1.0 / 3.0
    } else {
        0.5
    };
    lot < chance
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Outcome, fit};

    #[test]
    fn the_unknown_and_the_close_come_first() {
        let mut tally = Tally::new(4);
        tally.add_many(0, 1, Outcome::Left, 60.0);
        tally.add_many(0, 1, Outcome::Right, 60.0);
        tally.add_many(0, 2, Outcome::Left, 118.0);
        tally.add_many(0, 2, Outcome::Right, 2.0);
        let fit = fit(&tally, Options::default()).expect("prior ties connect");
        let pairing = Pairing::new(&fit, &[0, 1, 2, 3]);
        let gain = |a, b| {
            pairing
                .offers()
                .iter()
                .find(|offer| (offer.a, offer.b) == (a, b))
                .expect("all pairs")
                .gain
        };
        assert!(gain(0, 3) > 5.0 * gain(0, 1), "nothing is known of the fourth");
        assert!(gain(0, 1) > gain(0, 2), "one of the two is known to be better");
        let first = choose(pairing.offers(), 0.0).expect("there are pairs");
        assert_eq!((first.a, first.b), (0, 1));
        let last = choose(pairing.offers(), 1.0).expect("there are pairs");
        assert_eq!((last.a, last.b), (2, 3));
        assert_eq!(choose(&[], 0.5), None);
    }

    #[test]
    fn sides_are_balanced_and_still_random() {
        let mut tally = Tally::new(2);
        assert!(left_first(&tally, 0, 1, 0.49));
        assert!(!left_first(&tally, 0, 1, 0.51));
        tally.add(0, 1, Outcome::Left);
        assert!(left_first(&tally, 0, 1, 0.3));
        assert!(!left_first(&tally, 0, 1, 0.4));
        assert!(left_first(&tally, 1, 0, 0.6));
    }
}
