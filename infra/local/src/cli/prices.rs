//! `fleetledger prices refresh`: updates the price book's data files from two public price lists.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use ledger::pricing::data::Date;
use ledger::pricing::day_of;
use local::error::{Error, Result};
use prices::{Decisions, Lists};
use reqwest::Client;
use runtime::clock::Clock;

/// How long a download may take.
const TIMEOUT: Duration = Duration::from_mins(1);

#[derive(Args)]
#[expect(clippy::doc_markdown, reason = "the help shows these texts as they are")]
pub struct Refresh {
    /// The list of pydantic/genai-prices: its prices/data.json
    #[arg(long, value_name = "FILE_OR_URL")]
    genai_prices: String,
    /// The list of BerriAI/litellm: its model_prices_and_context_window.json
    #[arg(long, value_name = "FILE_OR_URL")]
    litellm: String,
    /// Day from which changed prices apply if a list states none; today (UTC) by default
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    today: Option<Date>,
    /// Folder of the price book
    #[arg(long, value_name = "DIR", default_value = "shared/ledger/data")]
    data: PathBuf,
    /// Print the report and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub const REFRESH_HELP: &str = "\
The lists are at https://raw.githubusercontent.com/pydantic/genai-prices/main/prices/data.json and
https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json, and in the Python wheels of
both projects: see shared/ledger/data/README.md. The next build checks the written files and compiles them.";

fn day(text: &str) -> Result<Date, String> {
    text.parse()
}

/// Applies both lists to the data files and prints what changed.
pub async fn refresh(arguments: &Refresh) -> Result<()> {
    let data = &arguments.data;
    if !data.join("providers.csv").is_file() {
        let data = data.display();
        return Err(Error::new(format!(
            "{data} is not the folder of the price book; run this in the root of the repository, or pass --data"
        )));
    }
    let client = Client::builder()
        .user_agent(concat!("fleetledger/", env!("CARGO_PKG_VERSION")))
        .timeout(TIMEOUT)
        .build()
        .map_err(|error| Error::caused("cannot download", error))?;
    let genai_prices = read(&client, &arguments.genai_prices).await?;
    let litellm = read(&client, &arguments.litellm).await?;
    let today = arguments.today.unwrap_or_else(|| day_of(Clock::system().now()));
    let lists = Lists { genai_prices: &genai_prices, litellm: &litellm, today };
    let report = lay_over(data, lists, arguments.dry_run)
        .map_err(|error| Error::caused("nothing was written", error))?;
    print!("{report}");
    Ok(())
}

fn lay_over(data: &Path, lists: Lists<'_>, dry_run: bool) -> Result<prices::Report, prices::Error> {
    let decisions = Decisions::read(data)?;
    let (files, report) = prices::refresh(&prices::read_files(data)?, &decisions, lists)?;
    if !dry_run {
        prices::write_files(data, &files)?;
    }
    Ok(report)
}

async fn read(client: &Client, source: &str) -> Result<String> {
    if !(source.starts_with("https://") || source.starts_with("http://")) {
        return std::fs::read_to_string(source)
            .map_err(|error| Error::caused(format_args!("cannot read {source}"), error));
    }
    let failed = |error| Error::caused(format_args!("cannot download {source}"), error);
    let response = client.get(source).send().await.map_err(failed)?;
    let status = response.status();
    if !status.is_success() {
        return Err(Error::new(format!("cannot download {source}: the server answers {status}")));
    }
    response.text().await.map_err(failed)
}
