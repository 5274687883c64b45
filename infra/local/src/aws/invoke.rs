//! Stands in for Lambda: functions that are invoked with JSON, by a stream, a schedule or their name.

use std::any::{Any, type_name};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use lambda_runtime::layers::trace::request_span;
use lambda_runtime::{Context, Diagnostic};
use serde_json::Value;
use tokio::time::timeout;
use tracing::Instrument;

use crate::template::Function;

/// Handles one invocation.
pub type Handler =
    Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, lambda_runtime::Error>> + Send + Sync>;

/// A function with its names and its timeout.
#[derive(Clone)]
pub struct Lambda {
    id: String,
    name: String,
    timeout: Duration,
    handler: Handler,
}

impl Lambda {
    /// The template's `function`, handled by `handler`.
    pub fn new(function: &Function, handler: Handler) -> Self {
        Self { id: function.id.clone(), name: function.binary.clone(), timeout: function.timeout, handler }
    }

    /// The name of its binary.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The logical id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub const fn handler(&self) -> &Handler {
        &self.handler
    }

    /// Invokes the function once. The invocation is aborted at the function's timeout.
    pub async fn invoke(&self, event: Value) -> Result<Value, Diagnostic> {
        run_handler(&self.handler, self.timeout, event).await
    }
}

/// Finds a function by its binary's name or its logical id.
pub fn find<'a>(lambdas: &'a [Lambda], name: &str) -> Option<&'a Lambda> {
    lambdas.iter().find(|lambda| lambda.name == name || lambda.id == name)
}

/// Runs `handler` once, for `limit` at most. Failures are reported with the texts of Lambda and its runtime.
pub async fn run_handler(handler: &Handler, limit: Duration, event: Value) -> Result<Value, Diagnostic> {
    let mut context = Context::default();
    context.request_id = format!("{:016x}", rand::random::<u64>());
    let call = AssertUnwindSafe(async { handler(event).await }).catch_unwind();
    match timeout(limit, call.instrument(request_span(&context))).await {
        Ok(Ok(response)) => response.map_err(|error| failure(error.as_ref())),
        Ok(Err(panic)) => Err(panic_diagnostic(panic.as_ref())),
        Err(_) => Err(Diagnostic {
            error_type: "Sandbox.Timedout".to_owned(),
            error_message: format!("Task timed out after {:.2} seconds", limit.as_secs_f64()),
        }),
    }
}

/// Reports an error. Its type was erased, so the report has a generic one.
fn failure(error: &(dyn std::error::Error + Send + Sync)) -> Diagnostic {
    Diagnostic { error_type: "Error".to_owned(), error_message: error.to_string() }
}

/// Reports a panic. Its payload is shown only if it is text.
pub fn panic_diagnostic(panic: &(dyn Any + Send)) -> Diagnostic {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Diagnostic {
        error_type: type_name::<Box<dyn Any + Send>>().to_owned(),
        error_message: text
            .map_or_else(|| "Lambda panicked".to_owned(), |text| format!("Lambda panicked: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn handler(respond: fn(&str) -> Result<Value, lambda_runtime::Error>) -> Handler {
        Arc::new(move |event| {
            Box::pin(async move {
                if event == "wait" {
                    std::future::pending::<()>().await;
                }
                respond(event.as_str().unwrap_or_default())
            })
        })
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_reported_with_lambdas_texts() {
        let handler = handler(|event| match event {
            "fail" => Err("no".into()),
            "panic" => panic!("on purpose"),
            event => Ok(json!({ "got": event })),
        });
        let call =
            async |event: &str| run_handler(&handler, Duration::from_millis(2_500), event.into()).await;
        assert_eq!(call("a").await, Ok(json!({ "got": "a" })));
        let failed = async |event| {
            let error = call(event).await.unwrap_err();
            (error.error_type, error.error_message)
        };
        let (kind, message) = failed("fail").await;
        assert!(kind.contains("Error"), "{kind}");
        assert_eq!(message, "no");
        assert_eq!(failed("panic").await.1, "Lambda panicked: on purpose");
        let late = ("Sandbox.Timedout".to_owned(), "Task timed out after 2.50 seconds".to_owned());
        assert_eq!(failed("wait").await, late);
    }
}
