//! Tests of pictures made from pictures: what a mask leaves alone, and that inputs and prompt both show.

use super::super::{Canvas, EditRequest, SceneRequest, edit, render, render_edit};
use super::{SIDE, distance, request};

/// A picture that is one color in each quarter.
fn quarters() -> Canvas {
    let mut rgba = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let right = u8::from(x >= SIDE / 2);
            let low = u8::from(y >= SIDE / 2);
            rgba.extend([40 + right * 160, 60 + low * 120, 90, 255]);
        }
    }
    Canvas::from_rgba(SIDE, SIDE, rgba).expect("width x height x 4 bytes were made")
}

/// A mask that is open in its right half.
fn half(width: u32, height: u32) -> Canvas {
    let alpha = |index: u32| if index % width >= width / 2 { 0 } else { 255 };
    let rgba = (0..width * height).flat_map(|index| [0, 0, 0, alpha(index)]).collect();
    Canvas::from_rgba(width, height, rgba).expect("width x height x 4 bytes were made")
}

#[test]
fn a_masked_edit_changes_the_hole_and_nothing_else() {
    let input = quarters();
    let mask = half(SIDE, SIDE);
    let request = EditRequest {
        scene: request("city at night"),
        inputs: std::slice::from_ref(&input),
        mask: Some(&mask),
        keep: 0.65,
    };
    let first = input.clone();
    let edited = edit::apply(&request, &first);
    let (mut changed, mut open) = (0, 0);
    for y in 0..SIDE as usize {
        for x in 0..SIDE as usize {
            if x < SIDE as usize / 2 {
                assert_eq!(edited.pixel(x, y), input.pixel(x, y), "{x},{y}");
            } else {
                open += 1;
                changed += usize::from(edited.pixel(x, y) != input.pixel(x, y));
            }
        }
    }
    assert!(changed * 10 > open * 9, "{changed} of {open}");
    assert_ne!(render_edit(&request), edited, "the label is missing");
    let other = EditRequest {
        scene: SceneRequest {
            seed: 8,
            ..request.scene
        },
        ..request
    };
    assert!(distance(&edited, &edit::apply(&other, &first)) > 3.0);
}

#[test]
fn a_mask_of_another_size_is_scaled() {
    let input = quarters();
    let apply = |mask: &Canvas| {
        let scene = request("desert");
        edit::apply(
            &EditRequest {
                scene,
                inputs: std::slice::from_ref(&input),
                mask: Some(mask),
                keep: 0.65,
            },
            &input,
        )
    };
    let edited = apply(&half(SIDE / 4, SIDE / 2));
    let border = SIDE as usize / 2 - 8;
    for y in 0..SIDE as usize {
        for x in 0..border {
            assert_eq!(edited.pixel(x, y), input.pixel(x, y), "{x},{y}");
        }
    }
    assert!(distance(&edited, &input) > 8.0);
    let solid = Canvas::from_rgba(2, 2, vec![255; 16]).expect("2 x 2 x 4 bytes");
    assert_eq!(apply(&solid), input);
}

#[test]
fn an_edit_without_mask_shows_input_and_prompt() {
    let inputs = [quarters()];
    let edit = |prompt, keep| {
        let scene = request(prompt);
        edit::apply(
            &EditRequest {
                scene,
                inputs: &inputs,
                mask: None,
                keep,
            },
            &inputs[0],
        )
    };
    let city = edit("city at night", 0.65);
    assert!(distance(&city, &inputs[0]) > 8.0);
    assert!(distance(&city, &edit("desert at noon", 0.65)) > 8.0);
    // The more is kept, the closer to the input.
    assert!(distance(&edit("desert", 0.9), &inputs[0]) < distance(&edit("desert", 0.3), &inputs[0]));
    assert_eq!(edit("desert", 1.0), inputs[0]);
    let plain = [Canvas::from_rgba(1, 1, vec![0, 0, 0, 255]).expect("one pixel")];
    let dark = edit::apply(
        &EditRequest {
            scene: request("city at night"),
            inputs: &plain,
            mask: None,
            keep: 0.65,
        },
        &plain[0],
    );
    assert!(distance(&city, &dark) > 8.0, "the input does not show");
}

#[test]
fn further_inputs_show_as_insets() {
    let red = Canvas::from_rgba(9, 5, [220, 10, 10, 255].repeat(45)).expect("9 x 5 x 4 bytes");
    let one = [quarters()];
    let two = [quarters(), red];
    let edit = |inputs: &[Canvas]| {
        render_edit(&EditRequest {
            scene: request("desert"),
            inputs,
            mask: None,
            keep: 1.0,
        })
    };
    let (without, with) = (edit(&one), edit(&two));
    let pure = |canvas: &Canvas| {
        canvas
            .rgba()
            .chunks_exact(4)
            .filter(|px| px[..3] == [220, 10, 10])
            .count()
    };
    assert_eq!(pure(&without), 0);
    assert!(pure(&with) > 300, "{}", pure(&with));
}

#[test]
fn an_edit_without_inputs_is_a_plain_picture() {
    let scene = request("desert");
    assert_eq!(
        render_edit(&EditRequest {
            scene,
            inputs: &[],
            mask: None,
            keep: 0.65
        }),
        render(&scene)
    );
}
