//! `/otlp/v1/*`, `/v1/intake/*` and `/v1/events`: what real packages sent (`golden/`, recorded by `record/`), replayed over HTTP.

mod errors;
mod limits;
mod recording;
mod replay;
mod sources;
mod throughput;
