//! `fleetledger token`: prints a token for a stack on this machine.

use std::path::PathBuf;

use clap::Args;
use local::error::Result;
use local::token;
use web::auth::Scope;

/// The token that is asked for.
#[derive(Args)]
pub struct Token {
    /// Organisation whose data the token opens
    #[arg(long)]
    org: String,
    /// Scopes, separated by spaces; all of them unless said otherwise
    #[arg(long, value_parser = scopes)]
    scope: Option<Scopes>,
    /// Seconds for which the token holds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..))]
    expires_in: u32,
    /// Folder that the stack keeps its tables in, if it was given one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Where the secret is kept.
pub const SECRET_HELP: &str = "\
Tokens are signed with AUTH_HS256_SECRET where it is set, else with the secret in the folder that --data names,
else with the secret in ~/.local/state/fleetledger. A stack and a token need the same one.";

#[derive(Clone)]
struct Scopes(Vec<Scope>);

fn scopes(text: &str) -> Result<Scopes, String> {
    let known = || Scope::ALL.map(Scope::as_str).join(" ");
    let scope = |word| Scope::parse(word).ok_or_else(|| format!("no scope {word:?}; there are: {}", known()));
    text.split_whitespace().map(scope).collect::<Result<_, _>>().map(Scopes)
}

/// Prints the token.
pub fn print(asked: &Token) -> Result<()> {
    let scopes = asked.scope.as_ref().map_or(&Scope::ALL[..], |scopes| &scopes.0);
    let secret = token::secret(asked.data.as_deref())?;
    println!("{}", token::issue(&secret, &asked.org, scopes, asked.expires_in)?);
    Ok(())
}
