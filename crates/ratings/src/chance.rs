//! Chances of counts, and quantiles of the normal distribution.

/// The chance of at least `successes` in `trials` tries that each succeed with chance `p` (0..=1). Exact.
pub fn binomial_tail(trials: u32, successes: u32, p: f64) -> f64 {
    if successes == 0 {
        return 1.0;
    }
    if successes > trials || p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    let log_odds = p.ln() - (-p).ln_1p();
    // The logarithm of each term follows from the one before it, so that nothing under- or overflows.
    let mut log_term = f64::from(trials) * (-p).ln_1p();
    let mut terms = Vec::new();
    for count in 0..=trials {
        if count >= successes {
            terms.push(log_term);
        }
        log_term += (f64::from(trials - count) / f64::from(count + 1)).ln() + log_odds;
    }
    let top = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = terms.iter().map(|term| (term - top).exp()).sum();
    (top + sum.ln()).exp().min(1.0)
}

/// The chance of at least `points` half points in tries that each give none, one or two half points, by the chances
/// `[0, 1, 2]` of each. Exact.
pub fn poisson_binomial_tail(tries: &[[f64; 3]], points: usize) -> f64 {
    let mut chances = vec![1.0];
    for [none, one, two] in tries {
        let mut next = vec![0.0; chances.len() + 2];
        for (at, chance) in chances.iter().enumerate() {
            next[at] += chance * none;
            next[at + 1] += chance * one;
            next[at + 2] += chance * two;
        }
        chances = next;
    }
    chances.iter().skip(points).sum::<f64>().min(1.0)
}

/// The `z` below which a standard normal variable lies with chance `p` (above 0, below 1), to 1e-9.
///
/// Source: Acklam's rational approximation of 2003 (relative error 1.15e-9).
pub fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -39.69683028665376,
        220.9460984245205,
        -275.9285104469687,
        138.357751867269,
        -30.66479806614716,
        2.506628277459239,
    ];
    const B: [f64; 6] = [
        -54.47609879822406,
        161.5858368580409,
        -155.6989798598866,
        66.80131188771972,
        -13.28068155288572,
        1.0,
    ];
    const C: [f64; 6] = [
        -0.007784894002430293,
        -0.3223964580411365,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 5] = [
        0.007784695709041462,
        0.3224671290700398,
        2.445134137142996,
        3.754408661907416,
        1.0,
    ];
    const LOW: f64 = 0.02425;
    let polynomial =
        |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient);
    if p < LOW {
        let q = (-2.0 * p.ln()).sqrt();
        polynomial(&C, q) / polynomial(&D, q)
    } else if p > 1.0 - LOW {
        -normal_quantile(1.0 - p)
    } else {
        let q = p - 0.5;
        q * polynomial(&A, q * q) / polynomial(&B, q * q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_coins() {
        assert!((binomial_tail(10, 10, 0.5) - 1.0 / 1024.0).abs() < 1e-15);
        assert!((binomial_tail(10, 8, 0.5) - 56.0 / 1024.0).abs() < 1e-12);
        assert_eq!(binomial_tail(5, 0, 0.1), 1.0);
        assert_eq!(binomial_tail(5, 6, 0.9), 0.0);
        assert!((binomial_tail(2000, 1, 0.5) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn tails_of_unlike_tries() {
        let coins = [[0.5, 0.0, 0.5]; 10];
        assert!((poisson_binomial_tail(&coins, 16) - binomial_tail(10, 8, 0.5)).abs() < 1e-12);
        let tries = [[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]];
        assert!((poisson_binomial_tail(&tries, 4) - 0.28).abs() < 1e-12);
        assert!((poisson_binomial_tail(&tries, 3) - (0.28 + 0.7 * 0.3 + 0.2 * 0.4)).abs() < 1e-12);
    }

    #[test]
    fn quantiles() {
        assert!((normal_quantile(0.975) - 1.959963984540054).abs() < 1e-8);
        assert!((normal_quantile(0.5)).abs() < 1e-12);
        assert!((normal_quantile(0.001) + 3.090232306167813).abs() < 1e-8);
    }
}
