//! Native fields as JSON, with images in the form that the adapter chooses.

use std::sync::Arc;

use indexmap::IndexMap;
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
            NativeValue::Json(_) | NativeValue::Shared(_) | NativeValue::Secret(_) => false,
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
                NativeValue::Shared(value) => Node::Shared(Arc::clone(value)),
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
        NativeValue::Json(_) | NativeValue::Shared(_) | NativeValue::Secret(_) => Vec::new(),
    }
}

/// A data URI of `image`.
pub(crate) fn inline(image: &InputImage) -> Node {
    Node::data_uri(&image.mime, image.blob.clone())
}

/// A longer dotted name is no path: native names have about four parts, and a caller's own name may have thousands.
const PATH_PARTS_MAX: usize = 8;

/// The fields as one JSON object in which a dotted name means nesting: `a.b` and `a.c` become `{"a": {"b", "c"}}`.
/// Objects of one name are joined. Of two values for one place that of the longer path holds, so that no object of a
/// caller undoes what the catalogue sets inside it; of equally long ones the first.
pub(crate) fn nested(pairs: Vec<(String, Node)>) -> Node {
    let mut paths: Vec<(Vec<String>, Node)> = pairs
        .into_iter()
        .map(|(name, node)| match name.matches('.').count() {
            ..PATH_PARTS_MAX => (name.split('.').map(str::to_owned).collect(), node),
            _ => (vec![name], node),
        })
        .collect();
    paths.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    let mut root = IndexMap::new();
    for (path, node) in paths {
        place(&mut root, path, node);
    }
    object_of(root)
}

/// A JSON object that is still being filled.
enum Tree {
    Leaf(Node),
    Branch(IndexMap<String, Tree>),
}

impl Tree {
    fn branch() -> Self {
        Self::Branch(IndexMap::new())
    }
}

fn place(root: &mut IndexMap<String, Tree>, mut path: Vec<String>, node: Node) {
    let Some(last) = path.pop() else { return };
    let mut at = root;
    for part in path {
        at = match at.entry(part).or_insert_with(Tree::branch) {
            Tree::Branch(inner) => inner,
            Tree::Leaf(_) => return,
        };
    }
    join(at, last, node);
}

/// Callers' objects are as deep as the JSON parser lets them be.
fn join(at: &mut IndexMap<String, Tree>, name: String, node: Node) {
    let pairs: Vec<(String, Node)> = match node {
        Node::Object(pairs) => pairs,
        Node::Json(Value::Object(fields)) => fields
            .into_iter()
            .map(|(key, value)| (key, Node::Json(value)))
            .collect(),
        // It is taken apart only where something is in its place already.
        Node::Shared(shared) if shared.is_object() && at.contains_key(&name) => {
            let fields = shared.as_object().into_iter().flatten();
            fields
                .map(|(key, value)| (key.clone(), Node::Json(value.clone())))
                .collect()
        }
        leaf => {
            at.entry(name).or_insert(Tree::Leaf(leaf));
            return;
        }
    };
    if let Tree::Branch(inner) = at.entry(name).or_insert_with(Tree::branch) {
        for (key, node) in pairs {
            join(inner, key, node);
        }
    }
}

fn object_of(branch: IndexMap<String, Tree>) -> Node {
    let pairs = branch.into_iter().map(|(name, tree)| match tree {
        Tree::Leaf(node) => (name, node),
        Tree::Branch(inner) => (name, object_of(inner)),
    });
    Node::Object(pairs.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The node as plain JSON; there are no blobs in these tests.
    fn plain(node: Node) -> Value {
        match node {
            Node::Json(value) => value,
            Node::Object(pairs) => pairs.into_iter().map(|(key, node)| (key, plain(node))).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn of(pairs: &[(&str, Value)]) -> Value {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Node::Json(value.clone())));
        plain(nested(pairs.collect()))
    }

    #[test]
    fn dotted_names_nest() {
        let fields = of(&[
            ("prompt", json!("y")),
            ("a.b.c", json!(1)),
            ("a.b.d", json!([2])),
            ("a.e", json!(null)),
            ("whole", json!({"kept": 1})),
            ("whole.more", json!(2)),
        ]);
        let expected =
            json!({"prompt": "y", "a": {"b": {"c": 1, "d": [2]}, "e": null}, "whole": {"kept": 1, "more": 2}});
        assert_eq!(fields, expected);
        assert_eq!(of(&[]), json!({}));
    }

    #[test]
    fn a_callers_object_joins_and_undoes_nothing() {
        let fields = of(&[
            ("config", json!({"image": {"size": "4K", "person": "x"}, "seed": 7})),
            ("config.image", json!("none")),
            ("config.image.size", json!("1K")),
            ("seed", json!(1)),
            ("seed", json!(2)),
        ]);
        let expected = json!({"config": {"image": {"size": "1K", "person": "x"}, "seed": 7}, "seed": 1});
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_name_of_a_thousand_parts_is_one_name() {
        let long = "a.".repeat(100_000);
        assert_eq!(of(&[(&long, json!(1))]), json!({ long: 1 }));
    }
}
