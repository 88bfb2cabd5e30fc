//! Distances `|ln(a/b)|` that compare exactly, so that a tie is a tie whatever a logarithm rounds to.

use std::cmp::Ordering;

/// A positive fraction: numerator and denominator, neither 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fraction(pub(super) u128, pub(super) u128);

/// `|ln(a/b)|`, kept as the greater of `a/b` and `b/a`. The logarithm grows with it, so the order is the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Distance(Fraction);

impl Distance {
    /// The distance of two fractions whose parts are below 2^64 each, or whose cross products fit 128 bits.
    pub(super) fn between(a: Fraction, b: Fraction) -> Self {
        let (left, right) = (a.0 * b.1, b.0 * a.1);
        Self(Fraction(left.max(right), left.min(right)))
    }
}

impl Ord for Distance {
    /// Compares the two continued fractions, which needs no product and so cannot overflow.
    fn cmp(&self, other: &Self) -> Ordering {
        let (Fraction(mut a, mut b), Fraction(mut c, mut d)) = (self.0, other.0);
        let mut turned = false;
        loop {
            let order = (a / b).cmp(&(c / d));
            let (a_rest, c_rest) = (a % b, c % d);
            let order = match (order, a_rest, c_rest) {
                (Ordering::Equal, 0, 0) => return Ordering::Equal,
                (Ordering::Equal, 0, _) => Ordering::Less,
                (Ordering::Equal, _, 0) => Ordering::Greater,
                (Ordering::Equal, _, _) => {
                    (a, b, c, d) = (b, a_rest, d, c_rest);
                    turned = !turned;
                    continue;
                }
                (order, _, _) => order,
            };
            return if turned { order.reverse() } else { order };
        }
    }
}

impl PartialOrd for Distance {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Distance {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Distance {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_factor_up_and_down_is_a_tie() {
        let up = Distance::between(Fraction(8, 1), Fraction(4, 1));
        let down = Distance::between(Fraction(2, 1), Fraction(4, 1));
        assert_eq!(up, down);
        let most = u128::from(u64::MAX);
        let far = Distance::between(Fraction(most, 1), Fraction(1, most));
        assert_eq!(far, far);
        assert!(far > Distance::between(Fraction(most - 1, 1), Fraction(1, most)));
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_cross_products(a in 1_u128..5000, b in 1_u128..5000, c in 1_u128..5000, d in 1_u128..5000) {
            let (first, second) = (Distance::between(Fraction(a, b), Fraction(1, 1)), Distance::between(Fraction(c, d), Fraction(1, 1)));
            let expected = (a.max(b) * c.min(d)).cmp(&(c.max(d) * a.min(b)));
            prop_assert_eq!(first.cmp(&second), expected);
        }
    }
}
