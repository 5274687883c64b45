//! A webhook receiver: a real HTTP server on this machine with programmable replies.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::contract::check_message;

/// The host name in the receiver's certificate.
pub const NAME: &str = "hooks.example";
/// The root certificate that signed the receiver's. It was made with openssl for these tests, and its key was deleted.
pub const ROOT: &[u8] = include_bytes!("testdata/root.pem");

/// The reply to a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Only a status.
    Status(u16),
    /// A status, headers and a body.
    With(u16, Vec<(&'static str, String)>, String),
    /// No response, with the connection kept open.
    Hang,
    /// A status, and a body that is announced but never sent.
    HangAmidBody(u16),
    /// A response that is sent byte by byte, so that the connection is never idle.
    Trickle,
    /// A status and an endless body.
    Endless(u16),
    /// No response: the connection is closed after the request.
    Close,
    /// Something that is not HTTP.
    Nonsense,
}

/// A received request.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Received {
    /// The text of a header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }

    /// The id of the message.
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// The signatures of the message.
    pub fn signatures(&self) -> Vec<&str> {
        self.header("webhook-signature").split(' ').collect()
    }

    /// Whether one of the signatures was made with `secret`, according to the reference implementation of Standard
    /// Webhooks. (Its `verify` would require the signing time to be now, by the system's clock.)
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let timestamp = self.header("webhook-timestamp").parse().unwrap();
        let expected = Webhook::new(secret).unwrap().sign(self.id(), timestamp, &self.body).unwrap();
        self.signatures().contains(&expected.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The state of a receiver.
struct Ledger {
    reply: Reply,
    connections: usize,
    received: Vec<Received>,
    bytes_sent: usize,
}

/// A receiver. It stops on drop.
pub struct Receiver {
    scheme: &'static str,
    port: u16,
    ledger: Arc<Mutex<Ledger>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// A receiver that responds with 204 over HTTP.
    pub async fn start() -> Self {
        Self::listen("http", None).await
    }

    /// A receiver that responds with 204 over HTTPS, with a certificate for [`NAME`] signed by [`ROOT`].
    pub async fn start_tls() -> Self {
        let certificate = CertificateDer::from_pem_slice(include_bytes!("testdata/receiver.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("testdata/receiver.key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::listen("https", Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn listen(scheme: &'static str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let reply = Reply::Status(204);
        let ledger = Ledger { reply, connections: 0, received: Vec::new(), bytes_sent: 0 };
        let ledger = Arc::new(Mutex::new(ledger));
        let task = tokio::spawn(accept(listener, tls, ledger.clone()));
        Self { scheme, port, ledger, task }
    }

    /// The URL of the receiver. Its query stands for a secret token.
    pub fn url(&self) -> String {
        self.url_of("127.0.0.1")
    }

    /// The URL with another host name or address.
    pub fn url_of(&self, host: &str) -> String {
        format!("{}://{host}:{}/hook?token=sesame", self.scheme, self.port)
    }

    /// The port of the receiver.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Sets the reply to all further requests.
    pub fn answers(&self, reply: Reply) {
        self.ledger.lock().unwrap().reply = reply;
    }

    /// All requests so far, after checking the messages that the OpenAPI document describes.
    pub fn received(&self) -> Vec<Received> {
        let received = self.ledger.lock().unwrap().received.clone();
        for one in &received {
            if let Ok(message) = serde_json::from_slice(&one.body) {
                check_message(&message);
            }
        }
        received
    }

    /// The only request so far.
    pub fn only(&self) -> Received {
        let received = self.received();
        assert_eq!(received.len(), 1, "{received:?}");
        received[0].clone()
    }

    /// The number of connections so far.
    pub fn connections(&self) -> usize {
        self.ledger.lock().unwrap().connections
    }

    /// The number of bytes sent in endless bodies.
    pub fn bytes_sent(&self) -> usize {
        self.ledger.lock().unwrap().bytes_sent
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, ledger: Arc<Mutex<Ledger>>) {
    // Dropping this task drops the set and so closes all connections.
    let mut open = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        ledger.lock().unwrap().connections += 1;
        let (tls, ledger) = (tls.clone(), ledger.clone());
        open.spawn(async move {
            // The sender may close the connection at any time.
            let _ = match tls {
                None => converse(stream, &ledger).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => converse(stream, &ledger).await,
                    Err(error) => Err(error),
                },
            };
        });
    }
}

/// Answers requests as long as the connection can be reused.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    ledger: &Mutex<Ledger>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await? {
        let reply = {
            let mut ledger = ledger.lock().unwrap();
            ledger.received.push(request);
            ledger.reply.clone()
        };
        let goes_on = matches!(reply, Reply::Status(_) | Reply::With(..));
        answer(stream.get_mut(), reply, ledger).await?;
        if !goes_on {
            break;
        }
    }
    stream.shutdown().await
}

async fn read(stream: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Option<Received>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    let mut lines = head.trim_end().lines();
    let mut first = lines.next().unwrap().split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap(), first.next().unwrap());
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let length = headers.get("content-length").map_or(0, |length| length.to_str().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Received { method, target, headers, body }))
}

async fn answer(
    stream: &mut (impl AsyncWrite + Unpin),
    reply: Reply,
    ledger: &Mutex<Ledger>,
) -> std::io::Result<()> {
    match reply {
        Reply::Status(status) => stream.write_all(head(status, &[], "content-length: 0").as_bytes()).await,
        Reply::With(status, headers, body) => {
            let length = format!("content-length: {}", body.len());
            stream.write_all(head(status, &headers, &length).as_bytes()).await?;
            stream.write_all(body.as_bytes()).await
        }
        Reply::Hang => std::future::pending().await,
        Reply::HangAmidBody(status) => {
            stream.write_all(head(status, &[], "content-length: 10").as_bytes()).await?;
            std::future::pending().await
        }
        Reply::Trickle => {
            for byte in head(200, &[("x-filler", "x".repeat(100_000))], "content-length: 0").bytes() {
                stream.write_all(&[byte]).await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok(())
        }
        Reply::Endless(status) => {
            stream.write_all(head(status, &[], "x-length: endless").as_bytes()).await?;
            loop {
                let sent = stream.write(&[b'x'; 4096]).await?;
                ledger.lock().unwrap().bytes_sent += sent;
            }
        }
        Reply::Close => Ok(()),
        Reply::Nonsense => stream.write_all(b"220 mail.example ESMTP\r\n").await,
    }
}

fn head(status: u16, headers: &[(&'static str, String)], last: &str) -> String {
    let lines =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
    format!("HTTP/1.1 {status} Test\r\n{lines}{last}\r\n\r\n")
}
