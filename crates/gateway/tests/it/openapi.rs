//! `GET /openapi.json`: it describes the router that is there.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use super::harness::{TestGateway, catalog, send};

/// The table of routes, as it stands in the code.
const ROUTES: &str = include_str!("../../src/api.rs");

/// The routes that the code names: path, and whether it answers with something else than advice.
fn routes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut prefix = "";
    // A long entry stands on several lines; its path is then on the second.
    let joined = ROUTES
        .split(".route(")
        .map(str::trim_start)
        .collect::<Vec<_>>()
        .join(".route(");
    for line in joined.lines().map(str::trim) {
        if line.starts_with("let openai") {
            prefix = "/openai/v1";
        } else if line.starts_with("let deployments") {
            prefix = "/openai/deployments/{model}";
        } else if line.starts_with("let ") {
            prefix = "";
        }
        let Some((path, handler)) = line.strip_prefix(".route(\"").and_then(|rest| rest.split_once('"')) else {
            continue;
        };
        if !handler.contains("absent::") {
            found.insert(format!("{prefix}{}", path.replace("{*", "{")));
        }
    }
    found
}

async fn document() -> Value {
    let gateway = TestGateway::start().await;
    let reply = send(gateway.anonymous(Method::GET, "/openapi.json")).await;
    assert_eq!(reply.header("content-type"), "application/json");
    let document = reply.ok();
    gateway.finish().await;
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_described_and_nothing_else() {
    let document = document().await;
    let described: BTreeSet<String> = document["paths"].as_object().expect("paths").keys().cloned().collect();
    let routes = routes();
    assert!(routes.len() >= 10, "the table of routes was read: {routes:?}");
    assert_eq!(described, routes);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_leads_somewhere_and_every_operation_has_a_name() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference
            .strip_prefix('#')
            .expect("a reference into the document itself");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut names = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for operation in operations.as_object().expect("operations").values() {
            let name = operation["operationId"]
                .as_str()
                .unwrap_or_else(|| panic!("{path} has no operationId"));
            assert!(names.insert(name.to_owned()), "{name} comes twice");
            assert!(
                operation["summary"].as_str().is_some_and(|text| text.ends_with('.')),
                "{path}"
            );
            let answers = operation["responses"].as_object().expect("answers");
            assert!(answers.contains_key("200") || answers.contains_key("201"), "{path}");
            assert!(
                !answers.contains_key("default"),
                "{path}: every status stands there by itself"
            );
            let is_open = operation["security"].as_array().is_some_and(Vec::is_empty);
            assert!(is_open || answers.contains_key("401"), "{path}");
            let variables: Vec<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
            for variable in variables {
                let parameters = operation["parameters"]
                    .as_array()
                    .unwrap_or_else(|| panic!("{path} has parameters"));
                assert!(
                    parameters
                        .iter()
                        .any(|one| one["name"] == variable && one["in"] == "path"),
                    "{path}"
                );
            }
        }
    }
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                into.push(reference.clone());
            }
            fields.values().for_each(|field| collect(field, into));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_described_with_every_standard_parameter() {
    let document = document().await;
    let schemas = &document["components"]["schemas"];
    for schema in ["GenerationRequest", "EditRequest", "EditForm"] {
        let properties = schemas[schema]["properties"].as_object().expect("properties");
        assert!(properties.contains_key("model"));
        for (name, _) in catalog().standard_parameters() {
            let field = match (schema, name) {
                ("GenerationRequest", "image" | "mask") => continue,
                ("EditRequest", "image") => "images",
                _ => name,
            };
            let property = &properties[field];
            for key in ["description", "x-handling", "x-group"] {
                assert!(property[key].is_string(), "{key} of {name} in {schema}");
            }
        }
    }
}
