//! `/otlp/v1/*` and `/v1/intake/*`: what real packages sent (`golden/`, recorded by `record/`), replayed over HTTP.

mod errors;
mod recording;
mod replay;
