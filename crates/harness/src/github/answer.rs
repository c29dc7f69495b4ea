//! One answer, and the refusals in the words of the real one.

use serde_json::{Value, json};

/// Where the real one's errors send people.
const DOCS: &str = "https://docs.github.com/rest";

/// A status, headers of its own, and a body.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
}

/// What a route gives: an answer, or one that ended it early.
pub(super) type Outcome = Result<Answer, Answer>;

impl Answer {
    /// An answer with a body.
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Some(body) }
    }

    /// 200 with a body.
    pub(super) fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    /// 201 with what was made.
    pub(super) fn made(body: Value) -> Self {
        Self::new(201, body)
    }

    /// 204.
    pub(super) fn empty() -> Self {
        Self { status: 204, headers: Vec::new(), body: None }
    }

    /// A refusal in a sentence.
    pub(super) fn refusal(status: u16, message: &str) -> Self {
        Self::new(status, json!({"message": message, "documentation_url": DOCS, "status": status.to_string()}))
    }

    /// 404: it is not there, or nobody may know.
    pub(super) fn not_found() -> Self {
        Self::refusal(404, "Not Found")
    }

    /// 422 for a field, with one of the real one's codes: `missing`, `missing_field`, `invalid`, `already_exists`.
    pub(super) fn invalid(resource: &str, field: &str, code: &str) -> Self {
        Self::invalid_with(&json!([{"resource": resource, "field": field, "code": code}]))
    }

    /// 422 for a field, in a sentence.
    pub(super) fn custom(resource: &str, field: &str, message: &str) -> Self {
        Self::invalid_with(&json!([{"resource": resource, "field": field, "code": "custom", "message": message}]))
    }

    /// 422 for a rule that is about no single field.
    pub(super) fn rule(resource: &str, message: &str) -> Self {
        Self::invalid_with(&json!([{"resource": resource, "code": "custom", "message": message}]))
    }

    /// 422 in the other shape that the real one has: only sentences.
    pub(super) fn unprocessable(message: &str) -> Self {
        let errors = json!([message]);
        let message = "Unprocessable Entity";
        Self::new(422, json!({"message": message, "errors": errors, "documentation_url": DOCS, "status": "422"}))
    }

    fn invalid_with(errors: &Value) -> Self {
        Self::new(
            422,
            json!({"message": "Validation Failed", "errors": errors, "documentation_url": DOCS, "status": "422"}),
        )
    }

    /// 301, or 307 for a write: it has another address by now.
    pub(super) fn moved(method: &str, to: String) -> Self {
        let (status, message) = if method == "GET" { (301, "Moved Permanently") } else { (307, "Temporary Redirect") };
        let docs = "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects";
        let body = json!({"message": message, "url": to, "documentation_url": docs});
        Self { status, headers: vec![("location", to)], body: Some(body) }
    }

    /// The secondary limit, with the real one's words.
    pub(super) fn secondary(status: u16, after_secs: u64) -> Self {
        let body = json!({
            "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. \
                        If you reach out to GitHub Support for help, please include the request ID 0000:FAKE.",
            "documentation_url":
                "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
            "status": status.to_string(),
        });
        Self { status, headers: vec![("retry-after", after_secs.to_string())], body: Some(body) }
    }

    /// With one more header.
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}
