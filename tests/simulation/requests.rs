//! Requests to the tables: each is executed, or meets a fault.

use serde_json::Value;
use store::keys::{FULL, SEALED};

use super::CheckResult;
use super::faults::{self, RequestFate};
use super::run::{InvocationKind, Run};
use super::wire::{Process, Request, SdkResponse};

/// The most requests, and statements within requests, that fail in one invocation of ingest. With three failures in a
/// row it would wait for longer than a step.
const MAX_FAULTS: (u32, u32) = (4, 2);

impl Run {
    /// Executes, drops or throttles one request.
    pub fn handle_request(&mut self, number: usize) -> CheckResult {
        let request = self.wire.take(number);
        let process = request.process;
        let fate =
            if self.fault_free { RequestFate::Success } else { self.fate(process, &request.operation) };
        self.note(|| format!("{request}: {fate:?}"));
        self.count(&format!("{fate:?}"));
        let shard = self.shard_of(process);
        let response = match fate {
            RequestFate::RequestLost => faults::no_response(&mut self.rng),
            RequestFate::Throttled => faults::throttled(&mut self.rng),
            RequestFate::DiskFull => faults::server_error(),
            RequestFate::ShortPage => {
                let (status, body) = self.short_page(process, &request.body, &shard)?;
                check_accepted(&request, &body)?;
                SdkResponse::Http(status, body)
            }
            RequestFate::Partial => {
                let mut accepted = Ok(());
                let execute = |body: &_| {
                    let (status, response) = self.engine.execute(&request.operation, body);
                    accepted = check_accepted(&request, &response);
                    (status, response)
                };
                let response = faults::partial(&mut self.rng, &request.operation, &request.body, execute);
                accepted?;
                self.publish_changes(process)?;
                response
            }
            RequestFate::Success | RequestFate::ResponseLost | RequestFate::ErrorAfterExecution => {
                let (status, body) = self.execute(process, &request.operation, &request.body, &shard)?;
                check_accepted(&request, &body)?;
                if body.contains("ConditionalCheckFailed") {
                    self.count("ConditionFailed");
                }
                match fate {
                    RequestFate::ResponseLost => faults::no_response(&mut self.rng),
                    RequestFate::ErrorAfterExecution => faults::server_error(),
                    _ => SdkResponse::Http(status, body),
                }
            }
        };
        request.respond(response);
        Ok(())
    }

    fn fate(&mut self, process: Process, operation: &str) -> RequestFate {
        let fate = match self.fault_rates.fate(&mut self.rng, operation) {
            _ if self.machines.full && faults::is_write(operation) => RequestFate::DiskFull,
            fate => fate,
        };
        let invocation = self.invocations.get_mut(&process);
        let Some(invocation) =
            invocation.filter(|invocation| matches!(invocation.kind, InvocationKind::Ingest(..)))
        else {
            return fate;
        };
        let (count, limit) = match fate {
            RequestFate::Success | RequestFate::ShortPage => return fate,
            RequestFate::Partial => (&mut invocation.faults.1, MAX_FAULTS.1),
            _ => (&mut invocation.faults.0, MAX_FAULTS.0),
        };
        *count += 1;
        if *count > limit { RequestFate::Success } else { fate }
    }

    /// Executes a request, changed by the mutant if there is one, and publishes its changes to the stream.
    pub fn execute(
        &mut self,
        process: Process,
        operation: &str,
        body: &Value,
        shard: &str,
    ) -> CheckResult<(u16, String)> {
        if let Some(response) = self.stream_response(operation, body) {
            return Ok((200, response.to_string()));
        }
        if let Some(response) = self.mutant.and_then(|mutant| mutant.response(operation, body)) {
            return Ok(response);
        }
        if let Some(mutant) = self.mutant.filter(|_| ["BatchGetItem", "Query"].contains(&operation)) {
            let (status, response) = self.engine.execute(operation, body);
            let mut response = serde_json::from_str(&response).unwrap();
            mutant.change_read(&mut response);
            return Ok((status, response.to_string()));
        }
        let response = match self.mutant.filter(|_| faults::is_write(operation)) {
            None => self.engine.execute(operation, body),
            Some(mutant) => {
                let mut changed = body.clone();
                mutant.change_request(&mut changed, shard);
                let (status, response) = self.engine.execute(operation, &changed);
                let mut response = serde_json::from_str(&response).unwrap();
                mutant.change_response(body, &mut response, shard);
                (status, response.to_string())
            }
        };
        if body["Item"][SEALED].is_object() {
            self.count("SealedItemWritten");
        }
        if response.1.contains("ConditionalCheckFailed")
            && response.1.contains(&format!("\"{FULL}\":{{\"N\""))
        {
            self.count("Full");
        }
        if matches!(operation, "BatchExecuteStatement" | "TransactWriteItems" | "DeleteItem") {
            self.publish_changes(process)?;
        }
        Ok(response)
    }
}

/// DynamoDB may fail, but must never reject a request as invalid.
fn check_accepted(request: &Request, response: &str) -> CheckResult {
    if response.contains("ValidationE") {
        Err(format!("{request} got the response {response}"))
    } else {
        Ok(())
    }
}
