//! What a provider says that it charged, as whole millionths of a dollar.

use planner::money::{Micros, decimal};
use rust_decimal::Decimal;
use serde_json::Value;

/// An answer cannot cost so many dollars: what names more names no price.
const DOLLARS_MOST: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// Dollars in a provider's JSON, a number or a text of one, in micros and rounded half-even. A negative amount is none.
pub(crate) fn micros_of_dollars(dollars: &Value) -> Option<i64> {
    micros_of(dollars, Decimal::ONE)
}

/// The same for an amount in another unit, which is worth `dollars_each`.
pub(crate) fn micros_of(amount: &Value, dollars_each: Decimal) -> Option<i64> {
    let text = match amount {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let dollars = decimal(&text)?.checked_mul(dollars_each)?;
    let plausible = (Decimal::ZERO..DOLLARS_MOST).contains(&dollars);
    plausible.then(|| Micros::from_dollars(dollars).0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dollars_are_read_exactly_and_halves_go_to_the_even_neighbor() {
        for (dollars, micros) in [
            (json!(0.04), Some(40_000)),
            (json!(0), Some(0)),
            (json!(2), Some(2_000_000)),
            (json!(0.000_012_5), Some(12)),
            (json!(0.000_013_5), Some(14)),
            (json!(1.5e-6), Some(2)),
            (json!(2.5e-6), Some(2)),
            (json!("0.0386"), Some(38_600)),
            (json!(-0.01), None),
            (json!("free"), None),
            (json!("1e25"), None),
            (json!(null), None),
        ] {
            assert_eq!(micros_of_dollars(&dollars), micros, "{dollars}");
        }
    }
}
