//! Which picture stands for a model: one that it made here, else one that the sandbox drew, else its frame.

use std::collections::BTreeMap;

use crate::card::Card;
use crate::picture::Picture;

/// Width and height of a plate in lists, in pixels.
pub const PLATE_PX: u32 = 560;
/// Width and height of a wide one, in pixels.
pub const WIDE_PX: (u32, u32) = (1280, 853);

/// Pictures that models made here and that are on show, by the model's id: one each.
pub type Hung = BTreeMap<String, Picture>;

/// What the sandbox draws for models, one scene after the other.
const SCENES: [&str; 24] = [
    "a lighthouse on a rocky island at dusk, calm sea",
    "still life with pears, a blue vase and a bottle",
    "city skyline at blue hour",
    "sand dunes at sunset with birds",
    "northern lights over mountains and pines",
    "snowy mountains above a frozen lake",
    "a meadow of red and white flowers under clouds",
    "a planet with rings in deep space",
    "hot air balloons over a mountain lake",
    "a misty pine forest at sunrise",
    "a fjord under a pale winter sky",
    "a fox in an autumn forest",
    "portrait of a woman with a scarf",
    "waves on a beach at dawn",
    "a desert under the stars",
    "a village by a river in spring",
    "an abstract composition of flowing forms",
    "a bridge over a river at night",
    "rolling green hills in summer",
    "a sailing boat on a stormy sea",
    "a red barn in a field of wheat",
    "portrait of an old man with a hat",
    "cherry trees in blossom",
    "a moonlit bay with cliffs",
];

/// What a model's plate is drawn from, always the same.
#[must_use]
pub fn scene(model: &str) -> &'static str {
    SCENES[(number(model) % SCENES.len() as u64) as usize]
}

/// A number that follows from a name.
#[must_use]
pub fn number(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The path at which a model's plate is served.
#[must_use]
pub fn path(key: &str) -> String {
    format!("/plates/{key}.webp")
}

/// The picture of a model in a list.
#[must_use]
pub fn of(card: &Card, hung: &Hung) -> Picture {
    chosen(card, hung, "", (PLATE_PX, PLATE_PX))
}

/// The large picture of a model.
#[must_use]
pub fn wide(card: &Card, hung: &Hung) -> Picture {
    chosen(card, hung, "?wide", WIDE_PX)
}

fn chosen(card: &Card, hung: &Hung, query: &str, (width_px, height_px): (u32, u32)) -> Picture {
    if let Some(own) = hung.get(&card.id) {
        own.clone()
    } else if card.is_drawn_here {
        Picture::Sandbox {
            path: format!("{}{query}", path(&card.key())),
            prompt: scene(&card.id),
            width_px,
            height_px,
        }
    } else {
        Picture::Frame {
            ratios: card.ratios.clone(),
            is_free: card.range.is_some(),
        }
    }
}
