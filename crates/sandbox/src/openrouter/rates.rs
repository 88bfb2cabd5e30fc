//! What the makers of the models ask, by their price pages.

use super::family::Family;
use serde_json::{Value, json};

/// Price of one image of Seedream 4.5, USD 1e-9.
pub(super) const SEEDREAM_NANOS: i128 = 40_000_000;

/// Prices of one token, USD 1e-9.
pub(super) struct Rates {
    pub(super) text_in: u64,
    pub(super) image_in: u64,
    pub(super) text_out: u64,
    pub(super) image_out: u64,
}

/// USD 1e-9 a token, by the makers' price pages.
pub(super) fn rates(family: Family) -> Option<Rates> {
    let (text_in, image_in, text_out, image_out) = match family {
        Family::Gemini25 => (300, 300, 2_500, 30_000),
        Family::Gemini31Flash => (500, 500, 3_000, 60_000),
        Family::Gemini3Pro => (2_000, 2_000, 12_000, 120_000),
        Family::GptMini => (2_000, 2_500, 0, 8_000),
        Family::Gpt2 => (5_000, 8_000, 0, 30_000),
        Family::Seedream => return None,
    };
    Some(Rates {
        text_in,
        image_in,
        text_out,
        image_out,
    })
}

/// The prices that the discovery routes print: of an image where it has one, else of a token of it.
pub(super) fn printed(family: Family) -> Value {
    let dollars = |nanos: u64| nanos as f64 / 1e9;
    match rates(family) {
        None => json!([{ "billable": "output_image", "unit": "image", "cost_usd": SEEDREAM_NANOS as f64 / 1e9 }]),
        Some(rates) => json!([
            { "billable": "output_image", "unit": "token", "cost_usd": dollars(rates.image_out) },
            { "billable": "input_image", "unit": "token", "cost_usd": dollars(rates.image_in) },
        ]),
    }
}
