//! Description of REST (OpenAPI 3.1): its general part, and what is the same of every route, so that no route can lack it: its name, its group,
//! what it takes to be let in, how errors are told, and what is said of older paths. It is served beside the routes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use utoipa::OpenApi;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ContentBuilder, Deprecated, OpenApi as Description, PathItem, Ref, RefOr, ResponseBuilder, Schema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::{MEDIA_TYPE, Problem};
use crate::web::Web;

/// Beginning of the paths of REST.
const BASE: &str = "/api/v1/";
/// Beginning of the older paths.
const OLDER: &str = "/api/";
/// Path of the description, below the beginning.
const DOCUMENT: &str = "openapi.json";
/// Name of the answer that tells what is wrong.
const PROBLEM: &str = "Problem";
/// Routes for callers whom nobody is asked about yet.
const OPEN: &[&str] = &[
    "auth/register",
    "auth/login",
    "auth/otp",
    "auth/otp/send",
    DOCUMENT,
    "/s/{token}/content",
    "/s/{token}/content/{path}",
    "/healthz",
    "/readyz",
];
/// Schemas of requests that have the fields of others beside their own, and no further ones.
const CLOSED: &[&str] = &["LinkPatch", "PathPatch", "Wanted"];
/// Groups of routes, by the first part of their paths.
const GROUPS: &[(&str, &str)] = &[
    ("auth", "Accounts, logins and sessions"),
    ("tokens", "API tokens of the caller"),
    ("invites", "Invites by which others register"),
    ("share-links", "Links to files for whoever has them"),
    ("users", "Users with whom one can share"),
    ("files", "Stored files and directories"),
    ("uploads", "Uploads that can be resumed"),
    ("transfers", "Transfers, with the timing of their segments"),
    ("network", "Hosts, packets and probes"),
    ("nodes", "Nodes, and the ends and starts of their processes"),
    ("links", "Access links of hosts"),
    ("paths", "Paths between hosts"),
    ("faults", "What is broken on purpose"),
    ("storage", "What is stored, and the room for it"),
    ("dashboard", "All that a control room shows first"),
    ("time", "The virtual clock"),
    ("events", "What happens, as server-sent events"),
    ("watching", "What programs ask that watch this one"),
    ("description", "This description"),
];

/// General part of the description.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "p2p",
        description = "A peer-to-peer storage network: files, nodes, faults and time, as JSON. Sizes are bytes. Times of files, \
                       accounts, tokens, invites and links are seconds since 1970-01-01 00:00 UTC; times of nodes, transfers, faults and \
                       events are seconds of the virtual clock, which begins at 0. A field's description says which. Errors are problem documents (RFC 9457), whose `reason` programs tell apart."
    ),
    servers((url = "/", description = "The server that gives this description")),
    components(schemas(Problem)),
)]
pub(super) struct General;

/// Returns the description of REST as JSON for people, with a line break at its end.
pub fn description() -> String {
    let (_, description) = super::described();
    description.to_pretty_json().unwrap_or_default() + "\n"
}

/// Returns the route of the description.
pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(document))
}

/// Gives this description.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "The description (OpenAPI 3.1)", body = serde_json::Value)))]
async fn document() -> Response {
    // The description is that of the program, and does not change while it runs.
    static DOCUMENT: LazyLock<String> = LazyLock::new(description);
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

/// Adds to a description what is the same of every route.
pub(super) fn complete(description: &mut Description) {
    let components = description.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer()));
    let cookie = ApiKeyValue::with_description("p2p_session", "Session of a browser, which `POST /sign-in` begins");
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM))).build();
    let told = ResponseBuilder::new().description("What is wrong").content(MEDIA_TYPE, problem).build();
    components.responses.insert(PROBLEM.to_owned(), RefOr::T(told));
    components.schemas.iter_mut().filter(|(name, _)| CLOSED.contains(&name.as_str())).for_each(|(_, schema)| close(schema));
    let scopes = || std::iter::empty::<String>();
    description.security = Some(vec![SecurityRequirement::new("bearer", scopes()), SecurityRequirement::new("cookie", scopes())]);
    let mut used = BTreeMap::new();
    for (path, item) in &mut description.paths.paths {
        let group = group_of(path).to_owned();
        for (method, operation) in operations(item) {
            finish(operation, method, path, &group);
        }
        used.insert(group, ());
    }
    let tag = |(name, told): &(&str, &str)| TagBuilder::new().name(*name).description(Some(*told)).build();
    description.tags = Some(GROUPS.iter().filter(|(name, _)| used.contains_key(*name)).map(tag).collect());
}

/// Says of a schema that there are no other fields than those that it names, by itself or by what it is made of.
fn close(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false))),
        RefOr::T(Schema::OneOf(several)) => several.items.iter_mut().for_each(close),
        // Each part knows its own fields alone (JSON Schema 2020-12, core, section 11.3).
        RefOr::T(Schema::AllOf(parts)) => {
            parts.extensions = Some(Extensions::from_iter([("unevaluatedProperties", false)]));
        }
        RefOr::T(_) | RefOr::Ref(_) => {}
    }
}

/// Returns what a path is below the beginning of REST, or of the older paths; all of it elsewhere.
fn below(path: &str) -> &str {
    path.strip_prefix(BASE).or_else(|| path.strip_prefix(OLDER)).unwrap_or(path)
}

/// Returns the group of the routes of a path.
fn group_of(path: &str) -> &str {
    match below(path) {
        DOCUMENT => "description",
        link if link.starts_with("/s/") => "share-links",
        other if other.starts_with('/') => "watching",
        rest => rest.split('/').next().unwrap_or_default(),
    }
}

fn bearer() -> utoipa::openapi::security::Http {
    let told = "API token, or the token of a session";
    HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(told)).build()
}

/// Returns the operations of a path with the names of their methods.
pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, options, head, patch, .. } = item;
    let all =
        [("get", get), ("put", put), ("post", post), ("delete", delete), ("options", options), ("head", head), ("patch", patch)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn finish(operation: &mut Operation, method: &str, path: &str, group: &str) {
    operation.operation_id = Some(operation_id(method, path.strip_prefix(BASE).unwrap_or(path.trim_start_matches('/'))));
    operation.tags = Some(vec![group.to_owned()]);
    if path.starts_with(OLDER) && !path.starts_with(BASE) {
        operation.deprecated = Some(Deprecated::True);
        let told = operation.description.take().unwrap_or_default();
        let older = "This is an older path, of what there is below `/api/v1` too.";
        operation.description = Some(if told.is_empty() { older.to_owned() } else { format!("{told}\n\n{older}") });
    }
    // What a resource can do is told to everybody.
    if OPEN.contains(&below(path)) || method == "options" {
        operation.security = Some(Vec::new());
    }
    let problem = Ref::new(format!("#/components/responses/{PROBLEM}"));
    operation.responses.responses.insert("default".to_owned(), RefOr::Ref(problem));
}

/// Returns the name of an operation, as in `getNodesByNode`. It follows from the method and the path, so that no two have the same.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(['/', '-', '.']).map(|part| match part.strip_prefix('{') {
        Some(parameter) => format!("By{}", capital(parameter.trim_end_matches('}').trim_start_matches('*'))),
        None => capital(part),
    });
    std::iter::once(method.to_owned()).chain(words).collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_named_by_its_method_and_its_path() {
        assert_eq!(operation_id("get", "nodes/{node}"), "getNodesByNode");
        assert_eq!(operation_id("post", "share-links"), "postShareLinks");
        assert_eq!(operation_id("put", "files/content/{*path}"), "putFilesContentByPath");
    }

    #[test]
    fn a_path_is_in_the_group_of_what_it_is_about() {
        for (path, group) in [
            ("/api/v1/nodes/{node}", "nodes"),
            ("/api/nodes/select", "nodes"),
            ("/api/v1/openapi.json", "description"),
            ("/s/{token}/content", "share-links"),
            ("/metrics", "watching"),
        ] {
            assert_eq!(group_of(path), group, "{path}");
        }
    }

    #[test]
    fn every_route_has_its_group_and_tells_of_errors() {
        let mut description = super::super::described().1;
        let groups: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
        for (path, item) in &mut description.paths.paths {
            for (method, operation) in operations(item) {
                let tags = operation.tags.clone().unwrap_or_default();
                assert!(tags.iter().all(|tag| groups.contains(&tag.as_str())), "{method} {path}: {tags:?}");
                assert!(operation.responses.responses.contains_key("default"), "{method} {path}");
                assert!(operation.summary.as_ref().is_some_and(|summary| !summary.is_empty()), "{method} {path}");
            }
        }
    }
}
