//! Tests of the pictures: same bytes for the same request, and every input shows.

mod edits;

use super::*;

const SIDE: u32 = 160;

fn request(prompt: &str) -> SceneRequest<'_> {
    SceneRequest {
        prompt,
        model: "mock-image",
        width_px: SIDE,
        height_px: SIDE,
        seed: 7,
        transparent: false,
        quality: Detail::Medium,
    }
}

/// Every motif, by a prompt that names it.
const PROMPTS: [&str; 15] = [
    "mountain lake",
    "ocean waves",
    "tropical beach with a boat",
    "city at night in the rain",
    "misty forest",
    "desert",
    "flower meadow",
    "aurora",
    "planet saturn",
    "abstract",
    "still life",
    "portrait",
    "cat",
    "whale",
    "logo of a fox",
];

/// Mean difference of two pictures of one size, 0..255 a channel.
fn distance(a: &Canvas, b: &Canvas) -> f64 {
    assert_eq!(a.rgba().len(), b.rgba().len());
    let sum: u64 = a
        .rgba()
        .iter()
        .zip(b.rgba())
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / a.rgba().len() as f64
}

fn mean_color(canvas: &Canvas) -> [f64; 3] {
    let count = canvas.rgba().len() as f64 / 4.0;
    std::array::from_fn(|channel| {
        canvas
            .rgba()
            .iter()
            .skip(channel)
            .step_by(4)
            .map(|byte| f64::from(*byte))
            .sum::<f64>()
            / count
    })
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    for prompt in PROMPTS {
        assert_eq!(render(&request(prompt)), render(&request(prompt)), "{prompt}");
    }
}

#[test]
fn any_size_is_met_exactly() {
    for (width_px, height_px) in [(16, 16), (17, 333), (333, 17), (101, 67), (640, 16), (1, 1), (3, 200)] {
        for prompt in PROMPTS {
            for transparent in [false, true] {
                let canvas = render(&SceneRequest {
                    width_px,
                    height_px,
                    transparent,
                    ..request(prompt)
                });
                assert_eq!((canvas.width_px(), canvas.height_px()), (width_px, height_px));
                assert_eq!(canvas.rgba().len(), (width_px * height_px * 4) as usize, "{prompt}");
            }
        }
    }
}

#[test]
fn another_seed_gives_another_composition() {
    for prompt in PROMPTS {
        let one = render_bare(&request(prompt));
        let far = (8..12).map(|seed| {
            distance(
                &one,
                &render_bare(&SceneRequest {
                    seed,
                    ..request(prompt)
                }),
            )
        });
        assert!(far.fold(0.0, f64::max) > 12.0, "{prompt}");
    }
}

#[test]
fn another_prompt_or_model_gives_another_picture() {
    let one = render_bare(&request("mountain lake"));
    assert!(distance(&one, &render_bare(&request("mountain lakes"))) > 3.0);
    assert!(
        distance(
            &one,
            &render_bare(&SceneRequest {
                model: "other",
                ..request("mountain lake")
            })
        ) > 3.0
    );
}

#[test]
fn detail_shows_without_changing_the_composition() {
    for prompt in ["mountain lake", "flower meadow", "clouds over the sea"] {
        let low = render_bare(&SceneRequest {
            quality: Detail::Low,
            ..request(prompt)
        });
        let high = render_bare(&SceneRequest {
            quality: Detail::High,
            ..request(prompt)
        });
        let apart = distance(&low, &high);
        assert!(apart > 0.2, "{prompt}: {apart}");
        let other = render_bare(&SceneRequest {
            quality: Detail::High,
            ..request("abstract red")
        });
        assert!(apart < distance(&low, &other), "{prompt}: {apart}");
    }
}

#[test]
fn opaque_pictures_have_no_holes() {
    for prompt in PROMPTS {
        for seed in 0..6 {
            let canvas = render(&SceneRequest {
                seed,
                ..request(prompt)
            });
            assert!(
                canvas.rgba().iter().skip(3).step_by(4).all(|alpha| *alpha == 255),
                "{prompt} {seed}"
            );
        }
    }
}

#[test]
fn transparent_pictures_have_a_clear_ground_and_an_opaque_subject() {
    for prompt in PROMPTS {
        let canvas = render_bare(&SceneRequest {
            transparent: true,
            ..request(prompt)
        });
        let count = |wanted: u8| {
            canvas
                .rgba()
                .iter()
                .skip(3)
                .step_by(4)
                .filter(|alpha| **alpha == wanted)
                .count()
        };
        let all = (SIDE * SIDE) as usize;
        assert!(count(0) > all / 20, "{prompt}: {} clear", count(0));
        assert!(count(255) > all / 20, "{prompt}: {} opaque", count(255));
    }
}

#[test]
fn words_choose_the_colors() {
    let mean = |prompt: &str| {
        let sum = (0..6).map(|seed| {
            mean_color(&render_bare(&SceneRequest {
                seed,
                ..request(prompt)
            }))
        });
        sum.fold([0.0; 3], |total, one| {
            std::array::from_fn(|channel| total[channel] + one[channel] / 6.0)
        })
    };
    let (red, blue) = (mean("red abstract"), mean("blue abstract"));
    assert!(red[0] > red[2] + 30.0, "{red:?}");
    assert!(blue[2] > blue[0] + 30.0, "{blue:?}");
    let light = |color: [f64; 3]| color.iter().sum::<f64>();
    assert!(light(mean("mountains at noon")) > light(mean("mountains at midnight")) + 120.0);
    let (sunset, day) = (mean("ocean sunset"), mean("ocean noon"));
    assert!(sunset[0] - sunset[2] > day[0] - day[2] + 30.0, "{sunset:?} {day:?}");
}

#[test]
fn words_choose_the_motif() {
    let read = |prompt: &str| Intent::read(prompt, &mut Rng::new(1));
    let motifs = [
        ("A photo of MOUNTAINS, please", Motif::Mountains),
        ("two ships at sea", Motif::Ocean),
        ("cherry blossoms", Motif::Meadow),
        ("a cat in the city", Motif::City),
        ("a kitten", Motif::Perch),
        ("whales", Motif::Ocean),
        ("galaxies", Motif::Space),
        ("skyscraper-lined streets", Motif::City),
    ];
    for (prompt, motif) in motifs {
        assert_eq!(read(prompt).motif, motif, "{prompt}");
    }
    assert_eq!(read("snow under a blue sky").time, vocabulary::Time::Day);
    assert_eq!(read("city lights at night").time, vocabulary::Time::Night);
    assert!(read("a cat in the city").creature.is_some());
}

#[test]
fn no_word_has_two_meanings() {
    let mut seen = std::collections::BTreeSet::new();
    for (names, calls) in lexicon::TABLE {
        assert!(!calls.is_empty());
        for name in *names {
            assert!(seen.insert(*name), "{name} stands twice");
            assert_eq!(name.to_lowercase(), **name);
        }
    }
}

#[test]
fn the_label_is_in_the_lower_left_corner_only() {
    for side in [64, 256, 1024] {
        let request = SceneRequest {
            width_px: side,
            height_px: side,
            ..request("abstract")
        };
        let (bare, labeled) = (render_bare(&request), render(&request));
        let differs = |x: u32, y: u32| bare.pixel(x as usize, y as usize) != labeled.pixel(x as usize, y as usize);
        let mut inside = 0;
        for y in 0..side {
            for x in 0..side {
                if differs(x, y) {
                    assert!(y > side * 3 / 5, "{side}: {x},{y}");
                    inside += 1;
                }
            }
        }
        assert!(inside > side * side / 200, "{side}: {inside}");
        let white = labeled
            .rgba()
            .chunks_exact(4)
            .filter(|px| px[..3] == [255, 255, 255])
            .count();
        assert!(white > 40, "{side}: {white} white");
    }
}

#[test]
fn the_label_names_model_and_size() {
    let draw = |model: &str| {
        let mut canvas = Canvas::clear(256, 256);
        label::draw(&mut canvas, Some(model));
        canvas
    };
    assert_ne!(draw("flux-pro"), draw("flux-dev"));
    assert_eq!(draw("flux-pro"), draw("FLUX-PRO"));
    // However long or odd the name, the label stays within the picture.
    draw(&"very/long-name-".repeat(40));
    draw("模型\u{0}");
}

#[test]
fn previews_come_closer_to_the_picture_step_by_step() {
    let full = render(&request("flower meadow"));
    let far: Vec<f64> = (0..3)
        .map(|step| distance(&render_partial(&full, step, 3), &full))
        .collect();
    assert!(far[0] > far[1] && far[1] > far[2] && far[2] > 0.5, "{far:?}");
    let clear = render(&SceneRequest {
        transparent: true,
        width_px: 33,
        height_px: 70,
        ..request("forest")
    });
    let partial = render_partial(&clear, 0, 0);
    assert_eq!((partial.width_px(), partial.height_px()), (33, 70));
    assert!(partial.rgba().iter().skip(3).step_by(4).any(|alpha| *alpha == 0));
}

#[test]
fn a_canvas_refuses_bytes_of_the_wrong_length() {
    assert!(Canvas::from_rgba(2, 2, vec![0; 15]).is_none());
    assert!(Canvas::from_rgba(0, 2, Vec::new()).is_none());
    assert!(Canvas::from_rgba(u32::MAX, u32::MAX, vec![0; 4]).is_none());
}

#[test]
fn an_unnamed_label_is_the_same_for_every_model() {
    let size = (512, 512);
    let corner = |canvas: &Canvas| -> Vec<[u8; 4]> {
        let at = |x: usize, y: usize| canvas.pixel(x, y);
        (440..512)
            .flat_map(|y| (0..200).map(move |x| (x, y)))
            .map(|(x, y)| at(x, y))
            .collect()
    };
    let plain = || Canvas::from_rgba(size.0, size.1, vec![90; 512 * 512 * 4]).expect("as many bytes as it has");
    let label = |model: Option<&str>| {
        let mut canvas = plain();
        label::draw(&mut canvas, model);
        corner(&canvas)
    };
    assert_ne!(label(Some("one")), label(Some("two")));
    assert_ne!(label(None), corner(&plain()), "it still says that the sandbox drew it");
    let of = |model: &'static str| SceneRequest {
        model,
        ..request("a red barn")
    };
    let differing = render_unnamed(&of("one"));
    assert_ne!(differing, render(&of("one")));
    assert_ne!(differing, render_unnamed(&of("two")), "models still draw differently");
}
