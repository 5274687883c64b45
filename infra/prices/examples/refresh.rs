//! `cargo run -p prices --example refresh -- DATA GENAI_PRICES LITELLM DAY`: refreshes the data files in `DATA`.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [data, genai, litellm, day] = &args[..] else {
        return Err("expected DATA GENAI_PRICES LITELLM DAY".into());
    };
    let data = Path::new(data);
    let (genai, litellm) = (std::fs::read_to_string(genai)?, std::fs::read_to_string(litellm)?);
    let decisions = prices::Decisions::read(data)?;
    let lists = prices::Lists { genai_prices: &genai, litellm: &litellm, today: day.parse()? };
    let (files, report) = prices::refresh(&prices::read_files(data)?, &decisions, lists)?;
    prices::write_files(data, &files)?;
    print!("{report}");
    Ok(())
}
