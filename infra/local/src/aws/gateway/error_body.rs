//! Gives hyper's own error responses a body.
//!
//! hyper itself responds to a request that it cannot parse (400, 414, 431). That response has no body, and there is no
//! way to set one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::refusal;

/// A connection on which an error response without a body gets one in the project's error format.
pub struct ErrorBodies<S> {
    connection: S,
    /// The bytes that are written in place of the current buffer, and how many of them have been written.
    replacement: Option<(Vec<u8>, usize)>,
}

impl<S> ErrorBodies<S> {
    pub const fn new(connection: S) -> Self {
        Self { connection, replacement: None }
    }
}

/// The response that replaces `head`, if that is one of hyper's own error responses. They are recognized by their
/// missing content type: the gateway's other responses have one.
fn replacement(head: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(head).ok()?;
    let rest = text.strip_prefix("HTTP/1.1 ").or_else(|| text.strip_prefix("HTTP/1.0 "))?;
    let code = rest.get(..3)?;
    let lines = text.strip_suffix("\r\n\r\n")?.to_ascii_lowercase();
    if !["400", "414", "431"].contains(&code) || lines.contains("content-type:") {
        return None;
    }
    let status = StatusCode::from_bytes(code.as_bytes()).ok()?;
    let body = json!({ "detail": refusal::text(status) }).to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Some((head + &body).into_bytes())
}

// Does not support vectored writes, so that hyper passes each head in one buffer.
impl<S: AsyncWrite + Unpin> AsyncWrite for ErrorBodies<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, given: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.replacement.is_none() {
            this.replacement = replacement(given).map(|bytes| (bytes, 0));
        }
        let Some((bytes, written)) = &mut this.replacement else {
            return Pin::new(&mut this.connection).poll_write(cx, given);
        };
        while *written < bytes.len() {
            match Pin::new(&mut this.connection).poll_write(cx, &bytes[*written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(more)) => *written += more,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        this.replacement = None;
        Poll::Ready(Ok(given.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ErrorBodies<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(cx, into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_without_a_type_is_replaced() {
        let head = "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        let replaced = String::from_utf8(replacement(head.as_bytes()).unwrap()).unwrap();
        assert!(replaced.starts_with("HTTP/1.1 431 "), "{replaced}");
        assert!(replaced.ends_with("{\"detail\":\"The headers are larger than 10 KiB.\"}"), "{replaced}");
        for kept in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 400",
            "",
        ] {
            assert_eq!(replacement(kept.as_bytes()), None, "{kept}");
        }
    }
}
