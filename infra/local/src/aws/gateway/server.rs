//! Serves connections, with limits on what callers can occupy: connections, work in flight, and the time that a request
//! takes to arrive. Requests beyond a limit are refused at once, so that the others are still served.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use futures::StreamExt;
use http::header::{CONNECTION, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::error_body::ErrorBodies;
use super::{Gateway, MAX_BODY_BYTES, refusal};
use crate::error::{Error, Result};

#[derive(Clone, Debug)]
pub struct Limits {
    /// Concurrent connections. Others wait to be accepted.
    pub connections: u32,
    /// Requests that functions handle concurrently. More would only make each slower, because the table engine does one
    /// write after the other.
    pub in_flight: usize,
    /// How long a request waits for its turn before it is refused.
    pub wait: Duration,
    /// The time limit for a request's head to arrive, and for an idle connection.
    pub head: Duration,
    /// The time limit for a body to arrive: API Gateway's limit for the whole request.
    pub body: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            in_flight: 32,
            wait: Duration::from_millis(500),
            head: Duration::from_secs(20),
            body: Duration::from_secs(30),
        }
    }
}

struct Server {
    gateway: Arc<Gateway>,
    limits: Limits,
    in_flight: Semaphore,
}

/// How long accepting pauses after an error, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `listener` until `stop` resolves, then finishes the requests in flight.
pub async fn serve(
    gateway: Arc<Gateway>,
    limits: Limits,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let connections = Arc::new(Semaphore::new(limits.connections as usize));
    let all = limits.connections;
    let in_flight = Semaphore::new(limits.in_flight);
    let server = Arc::new(Server { gateway, limits, in_flight });
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let accepted = async { (connections.clone().acquire_owned().await, listener.accept().await) };
        let accepted = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        match accepted {
            (Ok(permit), Ok((stream, peer))) => {
                let (server, stopped) = (server.clone(), stopped.clone());
                tokio::spawn(async move {
                    server.connection(stream, peer, stopped).await;
                    drop(permit);
                });
            }
            (_, Err(error)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(PAUSE).await;
            }
            (Err(error), _) => return Err(Error::caused("the HTTP server stopped", error)),
        }
    }
    drop(listener);
    stopping.send_replace(true);
    let idle = connections.acquire_many(all).await;
    idle.map(drop).map_err(|error| Error::caused("the HTTP server stopped", error))
}

impl Server {
    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        mut stopped: watch::Receiver<bool>,
    ) {
        // Sends small responses at once instead of waiting for more data (Nagle's algorithm).
        let _ = stream.set_nodelay(true);
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.limits.head);
        let service = service_fn(move |request: Request<Incoming>| {
            let server = self.clone();
            async move { Ok::<_, Infallible>(server.handle(request, peer).await) }
        });
        let io = TokioIo::new(ErrorBodies::new(stream));
        let mut connection = pin!(builder.serve_connection(io, service));
        let served = tokio::select! {
            served = connection.as_mut() => served,
            () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a connection failed");
        }
    }

    async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(ConnectInfo(peer));
        // Of several transfer codings, hyper would undo only the last.
        if parts
            .headers
            .get_all(TRANSFER_ENCODING)
            .iter()
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        {
            return closing(refusal::of(StatusCode::NOT_IMPLEMENTED)).map(Body::from);
        }
        let response = match timeout(self.limits.body, whole(Body::new(body))).await {
            Ok(Ok(body)) => self.in_turn(Request::from_parts(parts, body)).await,
            Ok(Err(refused)) => closing(refused),
            Err(_) => closing(refusal::of(StatusCode::REQUEST_TIMEOUT)),
        };
        response.map(Body::from)
    }

    /// Handles a request once fewer than the limit are in flight.
    async fn in_turn(&self, request: Request<Bytes>) -> Response<Bytes> {
        if let Ok(Ok(_turn)) = timeout(self.limits.wait, self.in_flight.acquire()).await {
            return self.gateway.call(request).await;
        }
        let mut refused = refusal::of(StatusCode::TOO_MANY_REQUESTS);
        refused.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        refused
    }
}

/// The complete body, or the response for one that is too large or incomplete.
async fn whole(body: Body) -> Result<Bytes, Response<Bytes>> {
    let mut stream = body.into_data_stream();
    let mut all = Vec::new();
    while let Some(part) = stream.next().await {
        let part = part.map_err(|_| refusal::with(StatusCode::BAD_REQUEST, "The body is not whole."))?;
        if all.len() + part.len() > MAX_BODY_BYTES {
            return Err(refusal::of(StatusCode::PAYLOAD_TOO_LARGE));
        }
        all.extend_from_slice(&part);
    }
    Ok(all.into())
}

/// Makes the connection close after `response`: the rest of an unread body would be parsed as the next request.
fn closing(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests;
