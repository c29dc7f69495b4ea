//! What a tool is: its words, its schemas, the right it needs, and what runs.

use std::sync::Arc;

use domain::agent::Right;
use domain::id;
use domain::refusal::Refusal;
use futures::FutureExt;
use futures::future::BoxFuture;
use plane::{Call, Idempotency, No, Plane};
use rmcp::model;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::args;
use super::schema::{self, Object};

/// What a tool does to the world, told truly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// It reads.
    Reads,
    /// It adds or moves; repeating it adds or moves again.
    Writes,
    /// It ends what its arguments point at; repeating it changes nothing more.
    Settles,
    /// It may replace what stood there, and repeating it may do so again.
    Replaces,
    /// It takes something away; repeating it changes nothing more.
    Removes,
}

type Run = Arc<dyn Fn(Plane, Call, Object) -> BoxFuture<'static, Result<Value, No>> + Send + Sync>;

/// One tool.
#[derive(Clone)]
pub(crate) struct Tool {
    /// Its name without the prefix.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) about: &'static str,
    pub(crate) right: Right,
    pub(crate) nature: Nature,
    /// Whether it reaches beyond this service.
    pub(crate) open_world: bool,
    input: Arc<Object>,
    output: Arc<Object>,
    run: Run,
}

/// The words of a tool.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) about: &'static str,
}

const KEY: &str = "idempotency_key";

impl Tool {
    /// A tool whose arguments are read as `A` and whose answer is rendered from `R`.
    pub(crate) fn new<A, R, F, Fut>(words: Words, right: Right, nature: Nature, run: F) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + JsonSchema,
        F: Fn(Plane, Call, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, No>> + Send + 'static,
    {
        let mut input = schema::of_arguments::<A>();
        if nature != Nature::Reads {
            add_key(&mut input);
        }
        let run: Run = Arc::new(move |plane, call, arguments| match serde_json::from_value(Value::Object(arguments)) {
            Ok(arguments) => {
                let answer = run(plane, call, arguments);
                async move { answer.await.map(|answer| json!(answer)) }.boxed()
            }
            Err(error) => {
                // The schema was checked, so this is a gap between schema and type.
                let refusal = Refusal::invalid("arguments", error.to_string()).hint("see the schema of this tool");
                async move { Err(refusal.into()) }.boxed()
            }
        });
        let Words { name, title, about } = words;
        let (input, output) = (Arc::new(input), schema::of_answer::<R>());
        Self { name, title, about, right, nature, open_world: false, input, output, run }
    }

    /// Marks a tool that reaches beyond this service.
    pub(crate) fn reaching_out(self) -> Self {
        Self { open_world: true, ..self }
    }

    /// The tool as it is listed.
    pub(crate) fn listed(&self, prefix: &str) -> model::Tool {
        let hints = model::ToolAnnotations::with_title(self.title)
            .read_only(self.nature == Nature::Reads)
            .destructive(matches!(self.nature, Nature::Replaces | Nature::Removes))
            .idempotent(matches!(self.nature, Nature::Reads | Nature::Settles | Nature::Removes))
            .open_world(self.open_world);
        model::Tool::new(format!("{prefix}{}", self.name), self.about, Arc::clone(&self.input))
            .with_title(self.title)
            .with_raw_output_schema(Arc::clone(&self.output))
            .with_annotations(hints)
    }

    /// Checks the arguments, then runs.
    pub(crate) async fn call(&self, plane: Plane, mut call: Call, arguments: Object) -> Result<Value, No> {
        call.by.require(self.right, self.name)?;
        let mut arguments = args::read(&self.input, arguments)?;
        if let Some(Value::String(key)) = arguments.remove(KEY) {
            let request = json!([self.name, arguments]).to_string();
            call.idempotency = Some(Idempotency { key: id::name(KEY, &key)?, request: id::digest(request.as_bytes()) });
        }
        (self.run)(plane, call, arguments).await
    }
}

/// Every write may be repeated safely under a key of the caller's.
fn add_key(input: &mut Object) {
    let about = "A key of your choice. The same key with the same arguments returns the first answer, so a call whose \
                 answer was lost can be repeated safely.";
    let key = json!({"type": "string", "description": about, "minLength": 1, "maxLength": id::NAME_CHARS_MAX});
    if let Some(properties) = input.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(KEY.to_owned(), key);
    }
}
