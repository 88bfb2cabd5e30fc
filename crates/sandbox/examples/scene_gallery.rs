//! Writes a gallery of sandbox pictures into a folder and prints how long each took.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use imaging::{Bitmap, ImageFormat};
use scenes::{Canvas, Detail, EditRequest, SceneRequest, render, render_edit, render_partial};

const PROMPTS: &[(&str, u32, u32)] = &[
    ("a quiet mountain lake at sunrise", 1024, 1024),
    ("snowy mountains under a blue sky", 1536, 1024),
    ("sunset over the ocean with a sailboat", 1536, 1024),
    ("stormy waves, teal", 1024, 1024),
    ("city skyline at night", 1536, 1024),
    ("golden city at dusk", 1024, 1536),
    ("misty forest in the morning", 1024, 1024),
    ("autumn forest lake", 1536, 1024),
    ("desert dunes at sunset", 1536, 1024),
    ("a meadow of red poppies", 1024, 1024),
    ("lavender field, purple evening", 1024, 1536),
    ("aurora over a frozen lake", 1024, 1024),
    ("ringed planet in a nebula", 1024, 1024),
    ("abstract flowing silk", 1536, 1024),
    ("abstract blue and gold wallpaper", 1024, 1536),
    ("still life with fruit and a vase", 1024, 1024),
    ("portrait of a woman in red", 1024, 1536),
    ("a cat watching the moon", 1024, 1024),
    ("a fox in the snow", 1024, 1024),
    ("hot air balloons over the hills at dawn", 1024, 1024),
    ("lighthouse on an island at night with stars", 1024, 1024),
    ("tropical beach", 1536, 1024),
    ("logo for a mountain company", 512, 512),
    ("something nobody has words for", 256, 256),
];

fn save(folder: &Path, name: &str, canvas: Canvas) -> Result<(), Box<dyn Error>> {
    let (width_px, height_px) = (canvas.width_px(), canvas.height_px());
    let bitmap = Bitmap::new(width_px, height_px, canvas.into_rgba())?;
    std::fs::write(
        folder.join(format!("{name}.png")),
        imaging::encode(&bitmap, ImageFormat::Png, None)?,
    )?;
    Ok(())
}

fn request(prompt: &str, width_px: u32, height_px: u32, seed: u64) -> SceneRequest<'_> {
    SceneRequest {
        prompt,
        model: "mock-image",
        width_px,
        height_px,
        seed,
        transparent: false,
        quality: Detail::Medium,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("give the folder to write into")?;
    let seed = std::env::args().nth(2).map_or(Ok(1), |seed| seed.parse())?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let mut log = std::io::stdout().lock();
    for (index, (prompt, width, height)) in PROMPTS.iter().enumerate() {
        let start = Instant::now();
        let canvas = render(&request(prompt, *width, *height, seed));
        writeln!(log, "{:4} ms  {width}x{height}  {prompt}", start.elapsed().as_millis())?;
        save(folder, &format!("{index:02}"), canvas)?;
    }
    let clear = |prompt| SceneRequest {
        transparent: true,
        ..request(prompt, 768, 768, seed)
    };
    for (name, prompt) in [
        ("clear-pines", "pine trees on a hill"),
        ("clear-flow", "abstract pink ribbon"),
        ("clear-badge", "fox sticker"),
    ] {
        save(folder, name, render(&clear(prompt)))?;
    }
    let input = render(&request("a meadow of flowers", 1024, 1024, seed));
    let other = render(&request("planet", 512, 512, seed));
    let mut mask = vec![255u8; 1024 * 1024 * 4];
    for (index, px) in mask.chunks_exact_mut(4).enumerate() {
        let (dx, dy) = ((index % 1024) as f32 - 560.0, (index / 1024) as f32 - 480.0);
        px[3] = if dx * dx / 1.4 + dy * dy < 330.0 * 330.0 {
            0
        } else {
            255
        };
    }
    let mask = Canvas::from_rgba(1024, 1024, mask).ok_or("a mask of the wrong size")?;
    let scene = request("city at night", 1024, 1024, seed);
    let start = Instant::now();
    let masked = render_edit(&EditRequest {
        scene,
        inputs: std::slice::from_ref(&input),
        mask: Some(&mask),
        keep: 0.65,
    });
    writeln!(log, "{:4} ms  masked edit", start.elapsed().as_millis())?;
    save(folder, "edit-mask", masked)?;
    let scene = request("pine forest at sunset", 1024, 1024, seed);
    save(
        folder,
        "edit-plain",
        render_edit(&EditRequest {
            scene,
            inputs: &[input.clone(), other],
            mask: None,
            keep: 0.65,
        }),
    )?;
    for step in 0..3 {
        save(folder, &format!("partial-{step}"), render_partial(&input, step, 3))?;
    }
    Ok(())
}
