//! Reads the table of models, `data/replicate.toml`. It is part of the program, so a mistake in it is one of the program's.

use super::{Default, Gpt, Input, Kind, Model};
use crate::latency::Pace;
use crate::replicate::prices::Price;
use crate::replicate::sizes::{Scale, Shape, Sizing};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Ratios with their sizes in pixels, by name.
    shapes: BTreeMap<String, Vec<(String, u32, u32)>>,
    /// Inputs that several models share.
    inputs: BTreeMap<String, InputRow>,
    model: Vec<ModelRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelRow {
    /// `owner/name`.
    id: String,
    about: String,
    inputs: Vec<InputEntry>,
    sizing: SizingRow,
    price: PriceRow,
    pace: Option<Pace>,
    #[serde(default)]
    most_images: usize,
    most_together: Option<usize>,
    #[serde(default)]
    lists: bool,
    extension: Option<String>,
    gpt: Option<Gpt>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum InputEntry {
    Shared(String),
    Own(InputRow),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputRow {
    name: String,
    about: String,
    /// None where there are `values`.
    kind: Option<KindRow>,
    values: Option<Vec<String>>,
    from: Option<f64>,
    to: Option<f64>,
    default: Option<Value>,
    #[serde(default)]
    required: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindRow {
    Text,
    Secret,
    Integer,
    Number,
    Flag,
    Image,
    Images,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum SizingRow {
    Literal,
    Shapes {
        #[serde(default)]
        tier: String,
        scales: Vec<ScaleRow>,
        keeps_image: Option<u32>,
        step_px: u32,
    },
    Area {
        #[serde(default)]
        tier: String,
        megapixels: f64,
        step_px: u32,
        longest_px: u32,
    },
    Upscale {
        #[serde(default)]
        factor: String,
        fixed: u32,
        most_pixels: u64,
        #[serde(default)]
        shrinks: bool,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaleRow {
    #[serde(default)]
    tier: String,
    /// The name of a list in `shapes`.
    shapes: String,
    times: Option<(u32, u32)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum PriceRow {
    OwnKey,
    Picture(i64),
    By { field: String, prices: Vec<(String, i64)> },
    Megapixels { input: i64, output: i64 },
    Run { run: i64, input: i64, output: i64 },
    GoFast { fast: i64, slow: i64 },
}

/// Every model of the table.
pub(super) fn read(text: &str) -> Vec<Model> {
    let file: File = toml::from_str(text).expect("the table of models is right");
    file.model.iter().map(|row| model(&file, row)).collect()
}

/// The table is read once and never given back.
fn keep<T>(items: Vec<T>) -> &'static [T] {
    items.leak()
}

fn text(text: &str) -> &'static str {
    text.to_owned().leak()
}

fn model(file: &File, row: &ModelRow) -> Model {
    let (owner, name) = row.id.split_once('/').expect("an id has an owner and a name");
    let inputs = row.inputs.iter().map(|entry| match entry {
        InputEntry::Own(row) => input(row),
        InputEntry::Shared(name) => input(file.inputs.get(name).expect("a shared input has a row of its own")),
    });
    Model {
        owner: text(owner),
        name: text(name),
        about: text(&row.about),
        inputs: keep(inputs.collect()),
        sizing: sizing(file, &row.sizing),
        price: price(&row.price),
        pace: row.pace.unwrap_or(Pace::Medium),
        most_images: row.most_images,
        most_together: row.most_together.unwrap_or(usize::MAX),
        lists: row.lists,
        extension: row.extension.as_deref().map_or("jpg", text),
        gpt: row.gpt,
    }
}

fn input(row: &InputRow) -> Input {
    let bounds = row.from.zip(row.to);
    let words = row.values.iter().flatten().map(|word| text(word));
    let kind = match (row.kind, bounds) {
        (None, _) => Kind::Choice(keep(words.collect())),
        (Some(KindRow::Text), _) => Kind::Text,
        (Some(KindRow::Secret), _) => Kind::Secret,
        (Some(KindRow::Integer), None) => Kind::AnyInteger,
        (Some(KindRow::Integer), Some((from, to))) => Kind::Integer(from as i64, to as i64),
        (Some(KindRow::Number), bounds) => {
            let (from, to) = bounds.expect("a number has bounds");
            Kind::Number(from, to)
        }
        (Some(KindRow::Flag), _) => Kind::Boolean,
        (Some(KindRow::Image), _) => Kind::Image,
        (Some(KindRow::Images), _) => Kind::Images,
    };
    let default = match &row.default {
        _ if row.required => Default::Required,
        None => Default::Nothing,
        Some(Value::String(word)) => Default::Text(text(word)),
        Some(Value::Integer(number)) => Default::Integer(*number),
        Some(Value::Float(number)) => Default::Number(*number),
        Some(Value::Boolean(flag)) => Default::Boolean(*flag),
        Some(_) => Default::Empty,
    };
    Input {
        name: text(&row.name),
        kind,
        default,
        about: text(&row.about),
    }
}

fn sizing(file: &File, row: &SizingRow) -> Sizing {
    match row {
        SizingRow::Literal => Sizing::Literal,
        SizingRow::Shapes {
            tier,
            scales,
            keeps_image,
            step_px,
        } => Sizing::Shapes {
            tier: text(tier),
            scales: keep(scales.iter().map(|row| scale(file, row)).collect()),
            keeps_image: *keeps_image,
            step_px: *step_px,
        },
        SizingRow::Area {
            tier,
            megapixels,
            step_px,
            longest_px,
        } => Sizing::Area {
            tier: text(tier),
            megapixels: *megapixels,
            step_px: *step_px,
            longest_px: *longest_px,
        },
        SizingRow::Upscale {
            factor,
            fixed,
            most_pixels,
            shrinks,
        } => Sizing::Upscale {
            factor: text(factor),
            fixed: *fixed,
            most_pixels: *most_pixels,
            shrinks: *shrinks,
        },
    }
}

fn scale(file: &File, row: &ScaleRow) -> Scale {
    let shapes = file.shapes.get(&row.shapes).expect("shapes have a list");
    let shapes = shapes
        .iter()
        .map(|(name, width, height)| -> Shape { (text(name), (*width, *height)) });
    Scale {
        tier: text(&row.tier),
        shapes: keep(shapes.collect()),
        times: row.times.unwrap_or((1, 1)),
    }
}

fn price(row: &PriceRow) -> Price {
    match row {
        PriceRow::OwnKey => Price::OwnKey,
        PriceRow::Picture(micros) => Price::Picture(*micros),
        PriceRow::By { field, prices } => {
            let prices = prices.iter().map(|(name, micros)| (text(name), *micros));
            Price::By(text(field), keep(prices.collect()))
        }
        PriceRow::Megapixels { input, output } => Price::Megapixels {
            input: *input,
            output: *output,
        },
        PriceRow::Run { run, input, output } => Price::RunAndMegapixels {
            run: *run,
            input: *input,
            output: *output,
        },
        PriceRow::GoFast { fast, slow } => Price::GoFast {
            fast: *fast,
            slow: *slow,
        },
    }
}
