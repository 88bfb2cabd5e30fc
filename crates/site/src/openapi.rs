//! The OpenAPI document, read for the reference.

use serde_json::Value;

use crate::words;

/// The document, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    document: Value,
    operations: Vec<Operation>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// The name in the document.
    pub id: String,
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Its path.
    pub path: String,
    /// A sentence.
    pub summary: String,
    /// The rest of what the document says of it.
    pub content: Value,
}

/// Beginnings of paths in their order, and the group that they belong to.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Images", &["/openai/v1/images", "/media"]),
    ("Models", &["/openai/v1/models"]),
    ("Requests", &["/v1/requests"]),
    (
        "Account",
        &[
            "/v1/balance",
            "/v1/usage",
            "/v1/keys",
            "/v1/accounts",
            "/v1/webhooks",
            "/v1/links",
            "/v1/audit",
        ],
    ),
    ("Arena", &["/v1/arena"]),
    ("Operations", &["/"]),
];

impl Reference {
    /// Reads an OpenAPI document.
    #[must_use]
    pub fn read(document: Value) -> Self {
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, content) in methods.as_object().into_iter().flatten() {
                let Some(id) = content["operationId"].as_str() else {
                    continue;
                };
                operations.push(Operation {
                    id: id.to_owned(),
                    method: method.to_uppercase(),
                    path: path.clone(),
                    summary: content["summary"].as_str().unwrap_or_default().to_owned(),
                    content: content.clone(),
                });
            }
        }
        Self { document, operations }
    }

    /// Operations in groups, in the order of the reference.
    #[must_use]
    pub fn groups(&self) -> Vec<(&'static str, Vec<&Operation>)> {
        // Where a path's beginning stands: its group, and its place there.
        let place_of = |operation: &Operation| {
            let places = GROUPS.iter().enumerate().find_map(|(group, (_, beginnings))| {
                let begins = |beginning: &&str| operation.path.starts_with(beginning);
                Some((group, beginnings.iter().position(begins)?))
            });
            places.unwrap_or((GROUPS.len() - 1, 0))
        };
        let own = |group: usize| {
            let mut own: Vec<&Operation> = self.operations.iter().filter(|one| place_of(one).0 == group).collect();
            own.sort_by_key(|one| place_of(one).1);
            own
        };
        let groups = GROUPS.iter().enumerate().map(|(group, (name, _))| (*name, own(group)));
        groups.filter(|(_, own)| !own.is_empty()).collect()
    }

    /// Every operation, in the order of the reference.
    #[must_use]
    pub fn all(&self) -> Vec<&Operation> {
        self.groups().into_iter().flat_map(|(_, own)| own).collect()
    }

    /// The operation whose page has that name; the first one when there is none.
    #[must_use]
    pub fn find(&self, slug: Option<&str>) -> Option<&Operation> {
        match slug {
            Some(slug) => self.operations.iter().find(|operation| operation.slug() == slug),
            None => self.all().first().copied(),
        }
    }

    /// Names and descriptions of what an operation takes, for the search.
    #[must_use]
    pub fn words(&self, operation: &Operation) -> String {
        let mut out = Vec::new();
        let body = self.resolve(&operation.content["requestBody"]["content"]["application/json"]["schema"]);
        for (name, property) in body["properties"].as_object().into_iter().flatten() {
            out.push(name.as_str());
            out.extend(property["description"].as_str());
        }
        for parameter in operation.content["parameters"].as_array().into_iter().flatten() {
            out.extend(parameter["name"].as_str());
            out.extend(parameter["description"].as_str());
        }
        out.join(" ")
    }

    /// What a reference leads to, or the value itself.
    #[must_use]
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let name = value["$ref"]
            .as_str()
            .and_then(|path| path.strip_prefix("#/components/schemas/"));
        name.map_or(value, |name| &self.document["components"]["schemas"][name])
    }
}

impl Operation {
    /// Its name in paths: `generate-images`.
    #[must_use]
    pub fn slug(&self) -> String {
        let mut out = String::new();
        for sign in self.id.chars() {
            if sign.is_uppercase() {
                out.push('-');
            }
            out.extend(sign.to_lowercase());
        }
        out
    }

    /// Its name for people: `Generate images`.
    #[must_use]
    pub fn title(&self) -> String {
        words::capital(&self.slug().replace('-', " "))
    }

    /// The path of its page.
    #[must_use]
    pub fn path_of_page(&self) -> String {
        format!("/docs/api/{}", self.slug())
    }

    /// Its method in four letters at most.
    #[must_use]
    pub fn short_method(&self) -> &str {
        match self.method.as_str() {
            "DELETE" => "DEL",
            "PATCH" => "PAT",
            other => other,
        }
    }

    /// The call as a command.
    #[must_use]
    pub fn command(&self, address: &str) -> String {
        let path = self.path.replace("{id}", "ID").replace("{file}", "FILE");
        let mut lines = vec![format!("curl {address}{path}")];
        if self.method != "GET" && self.method != "POST" {
            lines.push(format!("-X {}", self.method));
        }
        if self.content.get("security").is_none() {
            lines.push("-H \"Authorization: Bearer $PICTOR_API_KEY\"".to_owned());
        }
        if self.content.get("requestBody").is_some() {
            lines.push("-H \"Content-Type: application/json\"".to_owned());
            lines.push("-d '{}'".to_owned());
        }
        lines.join(" \\\n  ")
    }
}
