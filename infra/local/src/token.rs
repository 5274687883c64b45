//! Tokens for the local stack, and the secret that signs them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ledger::ids::OrgId;
use rand::RngExt;
use runtime::clock::Clock;
use runtime::config::{AuthConfig, ClaimNames, MIN_SECRET_BYTES, TokenKeys};
use runtime::secrets::Secret;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use web::auth::{NewToken, Scope, sign};

use crate::environment;
use crate::error::{Error, Result};

/// The `iss` and `aud` of the local stack's tokens.
pub const ISSUER: &str = "fleetledger-local";
pub const AUDIENCE: &str = "fleetledger";

/// The configuration with which the local stack verifies tokens.
pub fn auth(secret: &[u8]) -> AuthConfig {
    AuthConfig {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        keys: TokenKeys::Secret(Secret::given("AUTH_HS256_SECRET", secret)),
        claims: ClaimNames::default(),
    }
}

/// The secret that signs cursors. It is derived from the secret for tokens, so that only one has to be stored.
pub fn cursor_secret(secret: &[u8]) -> Secret {
    let derived = Sha256::new().chain_update("cursors").chain_update(secret).finalize();
    Secret::given("CURSOR_SECRET", &derived)
}

/// Issues a token for `org` that is valid for `seconds`, by the real clock.
pub fn issue(secret: &[u8], org: &str, scopes: &[Scope], seconds: u32) -> Result<String> {
    let org =
        OrgId::new(org).map_err(|error| Error::caused(format_args!("the organization {org:?}"), error))?;
    let now = Clock::system().now().timestamp();
    let claims = NewToken {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        subject: "local".to_owned(),
        org: org.as_str().to_owned(),
        scope: scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
        issued_at: now,
        expires_at: now + i64::from(seconds),
    };
    sign(secret, &claims).map_err(|error| Error::caused("cannot sign the token", error))
}

/// The secret from the environment, or else from the data folder, or else from the user's state folder: without a data
/// folder the tables are temporary, but `fleetledger token` has to find the secret of the running stack.
pub fn secret(data: Option<&Path>) -> Result<Vec<u8>> {
    if let Some(secret) = environment::secret()? {
        return Ok(secret);
    }
    let folder = data.map(PathBuf::from).or_else(environment::state_folder).ok_or_else(|| {
        Error::new("there is no home folder to store the secret in; pass --data DIR or set AUTH_HS256_SECRET")
    })?;
    secret_in(&folder)
}

/// The secret in `folder`, created on the first call. Two processes that create it at once get the same one.
fn secret_in(folder: &Path) -> Result<Vec<u8>> {
    let path = folder.join("auth-secret");
    let read = match fs::read(&path) {
        Ok(secret) => Ok(secret),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_secret(folder, &path).and_then(|()| fs::read(&path))
        }
        Err(error) => Err(error),
    };
    let secret =
        read.map_err(|error| Error::caused(format_args!("the secret in {}", path.display()), error))?;
    if secret.len() < MIN_SECRET_BYTES {
        return Err(Error::new(format!("the secret in {} is too short; delete the file", path.display())));
    }
    Ok(secret)
}

fn create_secret(folder: &Path, path: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let bytes: [u8; MIN_SECRET_BYTES] = rand::rng().random();
    // A temporary file is readable by its owner only, and is renamed atomically.
    let mut file = NamedTempFile::new_in(folder)?;
    for byte in bytes {
        write!(file, "{byte:02x}")?;
    }
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_created_once_and_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new");
        let secret = secret_in(&data).unwrap();
        assert_eq!(secret.len(), 2 * MIN_SECRET_BYTES);
        assert_eq!(secret_in(&data).unwrap(), secret);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(data.join("auth-secret")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(data.join("auth-secret"), "short").unwrap();
        assert!(secret_in(&data).unwrap_err().to_string().contains("too short"));
    }

    #[tokio::test]
    async fn an_issued_token_is_valid() {
        let secret = [7; MIN_SECRET_BYTES];
        let token = issue(&secret, "acme", &[Scope::MetricsRead, Scope::EventsWrite], 60).unwrap();
        let verifier = web::auth::Verifier::new(&auth(&secret)).unwrap();
        let claims = verifier.verify(&token).await.unwrap();
        assert_eq!(claims.org.as_str(), "acme");
        assert_eq!(claims.scopes, [Scope::MetricsRead, Scope::EventsWrite].into());
        assert!(issue(&secret, "a#b", &[], 60).unwrap_err().to_string().contains("a#b"));
    }
}
