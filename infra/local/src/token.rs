//! Tokens for the local stack, and the secret that they are signed with.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ledger::ids::OrgId;
use rand::RngExt;
use runtime::clock::Clock;
use runtime::config::{AuthConfig, MIN_SECRET_BYTES, TokenKeys};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use web::auth::{NewToken, Scope, sign};

use crate::error::{Error, Result};
use crate::settings;

/// The `iss` of the local stack's tokens.
pub const ISSUER: &str = "fleetledger-local";
/// Their `aud`.
pub const AUDIENCE: &str = "fleetledger";

/// Whom the local stack believes.
pub fn auth(secret: &[u8]) -> AuthConfig {
    AuthConfig {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        keys: TokenKeys::Secret(secret.to_vec()),
    }
}

/// What signs cursors: another secret than that of tokens, made of it, so that there is one to keep.
pub fn cursor_secret(secret: &[u8]) -> Vec<u8> {
    Sha256::new().chain_update("cursors").chain_update(secret).finalize().to_vec()
}

/// A token for `org` that holds from now, by the real clock, for `seconds`.
pub fn issue(secret: &[u8], org: &str, scopes: &[Scope], seconds: u32) -> Result<String> {
    let org =
        OrgId::new(org).map_err(|error| Error::caused(format_args!("the organisation {org:?}"), error))?;
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
    sign(secret, &claims).map_err(|error| Error::caused("the token cannot be signed", error))
}

/// The secret from the environment, else that of the data folder, else the user's own: without a data folder the
/// tables are gone with the stack, but `fleetledger token` has to find the secret of one that runs.
pub fn secret(data: Option<&Path>) -> Result<Vec<u8>> {
    if let Some(secret) = settings::secret()? {
        return Ok(secret);
    }
    let folder = data.map(PathBuf::from).or_else(settings::state_folder).ok_or_else(|| {
        Error::new("there is no home folder to keep the secret in; give --data DIR or set AUTH_HS256_SECRET")
    })?;
    secret_in(&folder)
}

/// The secret in `folder`, made at the first call. Of two processes that make it at once, both get the same.
fn secret_in(folder: &Path) -> Result<Vec<u8>> {
    let path = folder.join("auth-secret");
    let made = match fs::read(&path) {
        Ok(secret) => Ok(secret),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_secret(folder, &path).and_then(|()| fs::read(&path))
        }
        Err(error) => Err(error),
    };
    let secret =
        made.map_err(|error| Error::caused(format_args!("the secret in {}", path.display()), error))?;
    if secret.len() < MIN_SECRET_BYTES {
        return Err(Error::new(format!("{} is too short for a secret; remove it", path.display())));
    }
    Ok(secret)
}

fn make_secret(folder: &Path, path: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let bytes: [u8; MIN_SECRET_BYTES] = rand::rng().random();
    // A temporary file is for its owner's eyes only, and takes its name in one step.
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
    fn the_secret_is_made_once_and_for_the_owner_alone() {
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
    async fn a_token_is_believed() {
        let secret = [7; MIN_SECRET_BYTES];
        let token = issue(&secret, "acme", &[Scope::MetricsRead, Scope::EventsWrite], 60).unwrap();
        let verifier = web::auth::Verifier::new(&auth(&secret)).unwrap();
        let claims = verifier.verify(&token).await.unwrap();
        assert_eq!(claims.org.as_str(), "acme");
        assert_eq!(claims.scopes, [Scope::MetricsRead, Scope::EventsWrite].into());
        assert!(issue(&secret, "a#b", &[], 60).unwrap_err().to_string().contains("a#b"));
    }
}
