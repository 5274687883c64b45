//! `fleetledger token`: prints a token for a stack on this machine.

use std::path::PathBuf;

use clap::Args;
use local::error::{Error, Result};
use local::token;
use web::auth::Scope;

#[derive(Args)]
pub struct Token {
    /// Organization whose data the token gives access to
    #[arg(long)]
    org: String,
    /// Scopes, separated by spaces; all scopes by default
    #[arg(long, value_parser = scopes)]
    scope: Option<Scopes>,
    /// Seconds until the token expires
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..))]
    expires_in: u32,
    /// The stack's --data folder, if it has one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub const SECRET_HELP: &str = "\
Tokens are signed with AUTH_HS256_SECRET if it is set, or else with the secret in the --data folder, or else with the
secret in ~/.local/state/fleetledger. The stack must use the same secret.";

#[derive(Clone)]
struct Scopes(Vec<Scope>);

fn scopes(text: &str) -> Result<Scopes, String> {
    let known = || Scope::ALL.map(Scope::as_str).join(" ");
    let scope = |word| {
        Scope::parse(word).ok_or_else(|| format!("unknown scope {word:?}; the scopes are: {}", known()))
    };
    text.split_whitespace().map(scope).collect::<Result<_, _>>().map(Scopes)
}

pub fn print(arguments: &Token) -> Result<()> {
    let scopes = arguments.scope.as_ref().map_or(&Scope::ALL[..], |scopes| &scopes.0);
    if let Some(data) = arguments.data.as_deref().filter(|data| !data.is_dir()) {
        let data = data.display();
        return Err(Error::new(format!(
            "there is no folder {data}; it is the --data of a stack that was started"
        )));
    }
    let secret = token::secret(arguments.data.as_deref())?;
    println!("{}", token::issue(&secret, &arguments.org, scopes, arguments.expires_in)?);
    Ok(())
}
