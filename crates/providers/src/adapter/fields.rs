//! Native fields as JSON, with images in the form that the adapter chooses.

use planner::{
    failure::Failure,
    native::{ImageForm, NativeValue},
};
use serde_json::Value;

use super::{InputImage, ProviderRequest, misconfigured};
use crate::body::Node;

/// One of the images of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// An input image, by its index.
    Input(usize),
    /// The mask.
    Mask,
}

impl Which {
    /// A plain file name: callers' own names are never passed on.
    pub(crate) fn filename(self, image: &InputImage) -> String {
        match self {
            Self::Input(index) => format!("image-{}.{}", index + 1, image.extension),
            Self::Mask => format!("mask.{}", image.extension),
        }
    }
}

impl ProviderRequest {
    /// The image that a field refers to.
    ///
    /// # Errors
    /// A [`Failure`] when there is none, which is a fault of the catalogue.
    pub(crate) fn image(&self, which: Which) -> Result<&InputImage, Failure> {
        match which {
            Which::Input(index) => self.inputs.get(index),
            Which::Mask => self.mask.as_ref(),
        }
        .ok_or_else(|| misconfigured("a field of the provider refers to an image that the request does not have"))
    }

    /// The images that fields refer to, in order, each once.
    pub(crate) fn images_in_use(&self) -> Vec<Which> {
        let mut images = Vec::new();
        for value in self.native.fields.values() {
            for which in referred(value) {
                if !images.contains(&which) {
                    images.push(which);
                }
            }
        }
        images
    }

    /// Whether any field takes a file part.
    pub(crate) fn has_files(&self) -> bool {
        self.has_form(ImageForm::File)
    }

    /// Whether any field takes a link.
    pub(crate) fn has_links(&self) -> bool {
        self.has_form(ImageForm::Link)
    }

    fn has_form(&self, wanted: ImageForm) -> bool {
        self.native.fields.values().any(|value| match value {
            NativeValue::Image(_, form) | NativeValue::Images(_, form) | NativeValue::Mask(form) => *form == wanted,
            NativeValue::Json(_) | NativeValue::Secret(_) => false,
        })
    }

    /// The fields as pairs of a JSON object; `link` gives the text for each image. Absent values are left out.
    pub(crate) fn pairs(&self, link: impl Fn(Which, &InputImage) -> Node) -> Result<Vec<(String, Node)>, Failure> {
        let one = |which| self.image(which).map(|image| link(which, image));
        let mut pairs = Vec::new();
        for (name, value) in &self.native.fields {
            let node = match value {
                NativeValue::Json(Value::Null) => continue,
                NativeValue::Json(value) => Node::Json(value.clone()),
                NativeValue::Secret(secret) => Node::Secret(secret.clone()),
                NativeValue::Image(index, _) => one(Which::Input(*index))?,
                NativeValue::Mask(_) => one(Which::Mask)?,
                NativeValue::Images(indices, _) => Node::List(
                    indices
                        .iter()
                        .map(|index| one(Which::Input(*index)))
                        .collect::<Result<_, _>>()?,
                ),
            };
            pairs.push((name.clone(), node));
        }
        Ok(pairs)
    }
}

/// The images that `value` refers to.
pub(crate) fn referred(value: &NativeValue) -> Vec<Which> {
    match value {
        NativeValue::Image(index, _) => vec![Which::Input(*index)],
        NativeValue::Images(indices, _) => indices.iter().map(|index| Which::Input(*index)).collect(),
        NativeValue::Mask(_) => vec![Which::Mask],
        NativeValue::Json(_) | NativeValue::Secret(_) => Vec::new(),
    }
}

/// A data URI of `image`.
pub(crate) fn inline(image: &InputImage) -> Node {
    Node::data_uri(&image.mime, image.blob.clone())
}
