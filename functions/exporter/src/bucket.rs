//! An S3 bucket, accessed with plain signed requests.
//!
//! Only one operation of S3 is used, so its SDK is not: it would add megabytes to the binary, and hence time to each
//! cold start, while signing and the HTTPS client are in the binary anyway.

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use http::Request;
use http::header::CONTENT_TYPE;
use reqwest::Client;
use reqwest::redirect::Policy;

/// The timeout of one attempt.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Attempts to write a file, with growing pauses in between. The next run writes the files that failed.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);
/// The most characters of S3's explanation in an error.
const MAX_REASON: usize = 300;

#[derive(Debug)]
pub struct Bucket {
    client: Client,
    /// The URL of the bucket, with a slash at its end.
    url: String,
    region: String,
    credentials: SharedCredentialsProvider,
}

/// The reason why a file was not stored.
#[derive(Debug, thiserror::Error)]
pub enum PutFailed {
    /// S3 cannot be used.
    #[error("S3 is not configured: {0}")]
    Configuration(String),
    /// No response.
    #[error("S3 cannot be reached: {0}")]
    Unreachable(String),
    /// An error response.
    #[error("S3 responded {0}: {1}")]
    Refused(u16, String),
}

impl Bucket {
    /// The bucket with this name, with the credentials and the region from the environment.
    ///
    /// # Errors
    ///
    /// The environment has no credentials or no region.
    pub async fn from_env(name: &str) -> Result<Self, PutFailed> {
        let config = store::aws::config().await;
        let missing = |what: &str| PutFailed::Configuration(format!("the environment has no {what}"));
        let region = config.region().ok_or_else(|| missing("region"))?.to_string();
        let credentials = config.credentials_provider().ok_or_else(|| missing("credentials"))?;
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Self::at(format!("https://{name}.s3.{region}.{domain}/"), region, credentials)
    }

    /// The bucket at a URL, which ends with a slash.
    ///
    /// # Errors
    ///
    /// The HTTPS client cannot be created.
    pub fn at(
        url: String,
        region: String,
        credentials: SharedCredentialsProvider,
    ) -> Result<Self, PutFailed> {
        let client = Client::builder()
            .user_agent(concat!("fleetledger/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .build();
        let client = client.map_err(|error| PutFailed::Configuration(error.to_string()))?;
        Ok(Self { client, url, region, credentials })
    }

    /// Stores an object. `key` must be percent-encoded.
    ///
    /// # Errors
    ///
    /// S3 refuses it, or cannot be reached after several attempts.
    pub async fn put(&self, key: &str, media_type: &str, file: Vec<u8>) -> Result<(), PutFailed> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failed = match self.try_put(key, media_type, &file).await {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            let may_succeed = match &failed {
                PutFailed::Configuration(_) => false,
                PutFailed::Unreachable(_) => true,
                PutFailed::Refused(status, _) => [408, 429].contains(status) || *status >= 500,
            };
            if !may_succeed || attempt == ATTEMPTS {
                return Err(failed);
            }
            tokio::time::sleep(PAUSE * 2_u32.pow(attempt)).await;
        }
    }

    async fn try_put(&self, key: &str, media_type: &str, file: &[u8]) -> Result<(), PutFailed> {
        let request = self.signed(key, media_type, file).await?;
        let request = reqwest::Request::try_from(request);
        let request = request.map_err(|error| PutFailed::Configuration(error.to_string()))?;
        let response = self.client.execute(request).await;
        let response = response.map_err(|error| PutFailed::Unreachable(error.without_url().to_string()))?;
        if response.status().is_success() {
            return Ok(());
        }
        let status = response.status().as_u16();
        let reason = response.text().await.unwrap_or_default().chars().take(MAX_REASON).collect();
        Err(PutFailed::Refused(status, reason))
    }

    async fn signed(&self, key: &str, media_type: &str, file: &[u8]) -> Result<Request<Vec<u8>>, PutFailed> {
        let wrong = |error: &dyn std::fmt::Display| PutFailed::Configuration(error.to_string());
        let credentials = self.credentials.provide_credentials().await.map_err(|error| wrong(&error))?;
        let identity = credentials.into();
        // S3 requires this: the path is signed as it is sent, and the hash of the body is a header.
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = SigningParams::builder().identity(&identity).region(&self.region).name("s3");
        let parameters = parameters.time(SystemTime::now()).settings(settings).build();
        let parameters = parameters.map_err(|error| wrong(&error))?.into();
        let uri = format!("{}{key}", self.url);
        let headers = [(CONTENT_TYPE.as_str(), media_type)];
        let signable = SignableRequest::new("PUT", &uri, headers.into_iter(), SignableBody::Bytes(file));
        let signable = signable.map_err(|error| wrong(&error))?;
        let (instructions, _) = sign(signable, &parameters).map_err(|error| wrong(&error))?.into_parts();
        let request = Request::put(&uri).header(CONTENT_TYPE, media_type).body(file.to_vec());
        let mut request = request.map_err(|error| wrong(&error))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}
