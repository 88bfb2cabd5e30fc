//! The result of a call as JSON, and the files it links to.

use super::chosen::format_of;
use super::endpoints::{Beside, FileForm};
use super::work::Task;
use crate::core::Core;
use crate::names::random_hex;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use imaging::ImageFormat;
use serde_json::{Map, Value, json};
use std::time::Instant;

impl Task {
    /// Keeps a picture and tells where it is; in `sync_mode` the picture itself is told.
    pub(super) fn publish(&self, core: &Core, size: (u32, u32), bytes: Bytes) -> Value {
        let ask = &self.work.ask;
        let format = format_of(ask.format);
        let (bytes, content_type, extension) = if ask.vector() {
            (vector(&bytes, format, size), "image/svg+xml", "svg")
        } else {
            (bytes, format.mime_type(), format.extension())
        };
        let size_bytes = bytes.len();
        let file_name = format!("{}.{extension}", random_hex(11));
        let url = if ask.sync_mode {
            format!("data:{content_type};base64,{}", STANDARD.encode(&bytes))
        } else {
            let id = self.work.publish(core, bytes, content_type, self.media_ttl);
            format!("{}/fal/media/files/{id}/{file_name}", self.work.base_url)
        };
        let mut file = Map::new();
        file.insert("url".to_owned(), json!(url));
        file.insert("content_type".to_owned(), json!(content_type));
        let form = ask.endpoint.answer.file;
        if form != FileForm::Short {
            file.insert("file_name".to_owned(), json!(file_name));
            file.insert("file_size".to_owned(), json!(size_bytes));
        }
        if form != FileForm::Unmeasured {
            file.insert("width".to_owned(), json!(size.0));
            file.insert("height".to_owned(), json!(size.1));
        }
        Value::Object(file)
    }

    /// The result with these files.
    pub(super) fn result(&self, images: Vec<Value>, started: Instant) -> Value {
        let ask = &self.work.ask;
        let seed = self.work.seed(0);
        let checked = vec![false; images.len()];
        let mut result = match ask.endpoint.answer.beside {
            Beside::Nothing => json!({}),
            Beside::Seed => json!({ "seed": seed }),
            Beside::Description => json!({ "description": "" }),
            Beside::Run => json!({
                "timings": {"inference": started.elapsed().as_secs_f64()},
                "seed": seed,
                "has_nsfw_concepts": checked,
                "prompt": ask.prompt,
            }),
        };
        if ask.endpoint.answer.single {
            result["image"] = images.into_iter().next().unwrap_or(Value::Null);
        } else {
            result["images"] = Value::Array(images);
        }
        result
    }
}

/// A vector image around a picture: what is drawn here are pixels.
fn vector(bytes: &Bytes, format: ImageFormat, (width, height): (u32, u32)) -> Bytes {
    let (kind, data) = (format.mime_type(), STANDARD.encode(bytes));
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} \
         {height}\"><image width=\"{width}\" height=\"{height}\" href=\"data:{kind};base64,{data}\"/></svg>"
    );
    svg.into()
}
