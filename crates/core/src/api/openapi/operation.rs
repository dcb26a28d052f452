//! One operation of the document: its parameters and body, its successful responses and its errors.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{examples, schema};
use crate::api::problem;
use crate::domain::rejection::Code;

/// Which headers the responses of an operation have besides those that all have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// The headers that a KeyGate adds: the key's rate limit and what remains of it.
    Key,
    /// The same for a command. Its conflicts are remembered under the Idempotency-Key, so a 409 may
    /// be a replay.
    KeyAndReplay,
    /// None of them.
    None,
}

/// A request body.
#[derive(Default)]
pub struct Body {
    /// Media types, each with its schema and example.
    pub content: Vec<(&'static str, Value)>,
    pub required: bool,
    pub description: &'static str,
}

/// A successful response.
pub struct Success {
    pub status: u16,
    pub description: &'static str,
    pub media_type: &'static str,
    pub schema: Value,
    pub example: Value,
    /// Headers that only this response may have: each header's name and the name of its component.
    pub headers: &'static [(&'static str, &'static str)],
}

impl Success {
    pub const fn json(
        status: u16,
        description: &'static str,
        schema: Value,
        example: Value,
    ) -> Self {
        let media_type = "application/json";
        Self { status, description, media_type, schema, example, headers: &[] }
    }
}

pub struct Operation {
    pub id: &'static str,
    pub tag: &'static str,
    pub summary: String,
    pub description: String,
    /// Names of security schemes, one of which the caller must satisfy. An empty name stands for no
    /// credential at all.
    pub security: &'static [&'static str],
    pub parameters: Vec<Value>,
    pub body: Option<Body>,
    pub successes: Vec<Success>,
    pub codes: Vec<Code>,
    pub rate_limit: RateLimit,
}

impl Operation {
    /// The operation as JSON. Adds its error responses to `components`, to which it refers.
    pub fn into_value(self, components: &mut Map<String, Value>) -> Value {
        let Self {
            id,
            tag,
            summary,
            description,
            security,
            parameters,
            body,
            successes,
            codes,
            rate_limit,
        } = self;
        let schemes = security.iter().map(|name| match *name {
            "" => json!({}),
            name => json!({ name: [] }),
        });
        let mut operation = json!({
            "operationId": id, "tags": [tag], "summary": summary, "description": description,
            "security": schemes.collect::<Vec<_>>(),
        });
        if !parameters.is_empty() {
            operation["parameters"] = json!(parameters);
        }
        if let Some(Body { content, required, description }) = body {
            let content: Map<String, Value> =
                content.into_iter().map(|(name, media)| (name.to_owned(), media)).collect();
            operation["requestBody"] =
                json!({ "description": description, "required": required, "content": content });
        }
        let mut responses = Map::new();
        for success in successes {
            responses.insert(success.status.to_string(), success_response(success, rate_limit));
        }
        let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
        for code in codes {
            by_status.entry(code.status()).or_default().push(code);
        }
        for (status, codes) in by_status {
            let name = component_name(status, &codes, rate_limit);
            responses.insert(
                status.to_string(),
                json!({ "$ref": format!("#/components/responses/{name}") }),
            );
            components.entry(name).or_insert_with(|| problem_response(status, &codes, rate_limit));
        }
        operation["responses"] = Value::Object(responses);
        operation
    }
}

fn component_name(status: u16, codes: &[Code], rate_limit: RateLimit) -> String {
    let codes: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let suffix = match rate_limit {
        RateLimit::Key => "-limited",
        RateLimit::KeyAndReplay => "-of-a-write",
        RateLimit::None => "",
    };
    format!("{status}-{}{suffix}", codes.join("-"))
}

fn success_response(success: Success, rate_limit: RateLimit) -> Value {
    let Success { status: _, description, media_type, schema, example, headers } = success;
    let extra = headers.iter().map(|(name, component)| (*name, *component));
    let limits = (rate_limit != RateLimit::None)
        .then_some([("RateLimit-Policy", "RateLimitPolicy"), ("RateLimit", "RateLimit")]);
    json!({
        "description": description,
        "headers": headers_of(limits.into_iter().flatten().chain(extra)),
        "content": { media_type: { "schema": schema, "example": example } },
    })
}

fn problem_response(status: u16, codes: &[Code], rate_limit: RateLimit) -> Value {
    let mut extra: Vec<(&str, &str)> = Vec::new();
    if rate_limit != RateLimit::None && status != 413 {
        // A response has these headers only once the KeyGate has recognised the key.
        extra.push(("RateLimit-Policy", "RateLimitPolicyOfAKnownKey"));
        extra.push(("RateLimit", "RateLimitOfAKnownKey"));
    }
    match status {
        401 => extra.push(("WWW-Authenticate", "WWWAuthenticate")),
        429 | 503 => extra.push(("Retry-After", "RetryAfter")),
        // Conflicts are remembered under their Idempotency-Key.
        409 if rate_limit == RateLimit::KeyAndReplay => {
            extra.push(("Idempotency-Replayed", "IdempotencyReplayed"));
        }
        _ => {}
    }
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let titles: Vec<String> =
        codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| (code.as_str().to_owned(), json!({ "value": examples::problem(*code) })))
        .collect();
    json!({
        "description": titles.join("\n\n"),
        "headers": headers_of(extra),
        "content": { problem::CONTENT_TYPE: {
            "schema": { "allOf": [schema::reference("Problem"), {
                "properties": { "status": { "const": status }, "code": { "enum": names } },
            }] },
            "examples": examples,
        } },
        "x-codes": names,
    })
}

/// References to the headers that every response has, and to `extra` ones.
fn headers_of<'a>(extra: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    let always = [
        ("X-Request-Id", "XRequestId"),
        ("Cache-Control", "CacheControl"),
        ("X-Content-Type-Options", "XContentTypeOptions"),
    ];
    let headers = always.into_iter().chain(extra).map(|(name, component)| {
        let reference = json!({ "$ref": format!("#/components/headers/{component}") });
        (name.to_owned(), reference)
    });
    Value::Object(headers.collect())
}

/// Every response header, by the name of its component.
pub fn header_components() -> Value {
    let header = |required: bool, description: &str, schema: Value| json!({ "description": description, "required": required, "schema": schema });
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let policy = || pattern("^\"key\";q=[0-9]+;w=60$");
    let remaining = || pattern("^\"key\";r=[0-9]+;t=[0-9]+$");
    json!({
        "XRequestId": header(true, "Names the request, in the log of its key too.", schema::request_id()),
        "CacheControl": header(true, "Nothing here is to be cached.", json!({ "type": "string", "enum": ["no-store"] })),
        "XContentTypeOptions": header(true, "", json!({ "type": "string", "enum": ["nosniff"] })),
        "RateLimitPolicy": header(true, "How many requests (`q`) the key may make in any 60 seconds (IETF draft httpapi-ratelimit-headers).", policy()),
        "RateLimit": header(true, "How many requests remain (`r`), and in how many seconds (`t`) there are more.", remaining()),
        "RateLimitPolicyOfAKnownKey": header(false, "As with success, once the key was recognised.", policy()),
        "RateLimitOfAKnownKey": header(false, "As with success, once the key was recognised.", remaining()),
        "RetryAfter": header(true, "Seconds after which another try makes sense.", json!({ "type": "integer", "minimum": 0 })),
        "WWWAuthenticate": header(true, "", json!({ "type": "string", "enum": ["Bearer"] })),
        "IdempotencyReplayed": header(false, "The first answer to this Idempotency-Key, given again.", json!({ "type": "string", "enum": ["true"] })),
        "DryRun": header(false, "Nothing was stored: `?dry_run=true` was asked for.", json!({ "type": "string", "enum": ["true"] })),
    })
}
