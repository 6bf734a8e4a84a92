//! The page `/api`: the description of REST (OpenAPI 3.1) for people, made on the server.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::page;
use super::prose::{Prose, prose};
use crate::web::Web;

/// Parameter of an operation, or a field of its body.
struct Field {
    name: String,
    /// Place where it stands: `path`, `query` or `header`.
    place: String,
    kind: String,
    is_needed: bool,
    told: Prose,
}

/// Operation, as the page shows it.
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: Prose,
    told: Prose,
    fields: Vec<Field>,
    /// Media types and names of the body, where there is one.
    body: Vec<(String, String)>,
    /// Statuses with what they mean and the name of what comes.
    answers: Vec<(String, Prose, String)>,
}

/// Group of operations.
struct Group {
    name: String,
    told: Prose,
    operations: Vec<Operation>,
}

/// Schema of a body.
struct Shape {
    name: String,
    told: Prose,
    fields: Vec<Field>,
}

/// The page.
#[derive(Template)]
#[template(path = "reader.html")]
struct Reader {
    title: String,
    version: String,
    told: Prose,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
}

/// Returns the routes of the page.
pub(super) fn routes() -> Router<Web> {
    // The description is that of the program, and does not change while it runs.
    let shown = std::sync::Arc::new(reader(&crate::api::description()));
    Router::new().route("/api", get(move || answer(std::sync::Arc::clone(&shown))))
}

async fn answer(shown: std::sync::Arc<Reader>) -> Response {
    page(&*shown)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn told_of(value: &Value) -> Prose {
    prose(value.as_str().unwrap_or_default())
}

fn reader(description: &str) -> Reader {
    let whole: Value = serde_json::from_str(description).unwrap_or_default();
    let mut groups: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
    for (path, item) in whole["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten().filter(|(_, operation)| operation.is_object()) {
            groups.entry(text(&operation["tags"][0])).or_default().push(told(path, method, operation));
        }
    }
    let tags = whole["tags"].as_array().into_iter().flatten();
    let group = |tag: &Value| {
        let operations = groups.remove(tag["name"].as_str()?)?;
        Some(Group { name: text(&tag["name"]), told: told_of(&tag["description"]), operations })
    };
    let groups = tags.filter_map(group).collect();
    let shapes = whole["components"]["schemas"].as_object().into_iter().flatten();
    Reader {
        title: text(&whole["info"]["title"]),
        version: text(&whole["info"]["version"]),
        told: told_of(&whole["info"]["description"]),
        groups,
        shapes: shapes.map(|(name, schema)| shape(name, schema)).collect(),
    }
}

fn told(path: &str, method: &str, operation: &Value) -> Operation {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let fields = parameters.map(|parameter| Field {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        kind: kind(&parameter["schema"]),
        is_needed: parameter["required"].as_bool().unwrap_or_default(),
        told: told_of(&parameter["description"]),
    });
    let bodies = operation["requestBody"]["content"].as_object().into_iter().flatten();
    let answers = operation["responses"].as_object().into_iter().flatten().map(|(status, answer)| {
        if status == "default" {
            return (status.clone(), prose("What is wrong"), "Problem".to_owned());
        }
        let content = answer["content"].as_object().into_iter().flatten();
        let what: Vec<String> = content.map(|(media, what)| format!("{media} {}", kind(&what["schema"]))).collect();
        (status.clone(), told_of(&answer["description"]), what.join(", "))
    });
    Operation {
        id: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: told_of(&operation["summary"]),
        told: told_of(&operation["description"]),
        fields: fields.collect(),
        body: bodies.map(|(media, what)| (media.clone(), kind(&what["schema"]))).collect(),
        answers: answers.collect(),
    }
}

fn shape(name: &str, schema: &Value) -> Shape {
    // What is flattened into another shape stands in a list of parts.
    let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
    let mut fields = Vec::new();
    for part in parts {
        let is_needed = |name: &str| part["required"].as_array().is_some_and(|needed| needed.iter().any(|one| one == name));
        for (name, field) in part["properties"].as_object().into_iter().flatten() {
            let (kind, told) = (kind(field), told_of(&field["description"]));
            fields.push(Field { name: name.clone(), place: String::new(), kind, is_needed: is_needed(name), told });
        }
        if let Some(other) = part["$ref"].as_str() {
            let name = other.rsplit('/').next().unwrap_or_default().to_owned();
            let told = prose("and its fields");
            fields.push(Field { name: String::new(), place: String::new(), kind: name, is_needed: true, told });
        }
    }
    Shape { name: name.to_owned(), told: told_of(&schema["description"]), fields }
}

/// Returns the kind of a value in few words: the name of its schema, or its type.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    let several = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[*key].as_array());
    if let Some(several) = several {
        return several.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::String(one) if one == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(one) => one.clone(),
        Value::Array(several) => several.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_description_is_on_the_page() {
        let description = crate::api::description();
        let whole: Value = serde_json::from_str(&description).unwrap();
        let html = reader(&description).render().unwrap();
        for (path, item) in whole["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(html.contains(&format!("id=\"{id}\"")), "{path}: {id}");
            }
        }
        assert!(html.contains("id=\"shape-Problem\""));
        assert!(html.contains("whose <code>reason</code> programs") && !html.contains('`'), "code is shown as code");
    }

    #[test]
    fn kinds_are_told_in_few_words() {
        let schema = serde_json::json!({ "type": "array", "items": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Node" }] } });
        assert_eq!(kind(&schema), "list of null or Node");
    }
}
