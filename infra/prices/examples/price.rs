//! `cargo run -p prices --example price < calls.jsonl`: prices calls, one JSON object a line, for `compare.py`.
//!
//! A call has the fields of `llm.call`. The output has the parts of its cost in dollars, or why it has no cost.

use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::str::FromStr as _;

use ledger::pricing::data::Rate;
use ledger::pricing::{Book, Call, OwnPrices, Pricer, TokenUsage};
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let own = OwnPrices::default();
    let pricer = Pricer::new(Book::builtin(), &own);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let call: Value = serde_json::from_str(&line?)?;
        let text = |name: &str| call[name].as_str().unwrap_or_default();
        let count = |name: &str| call[name].as_u64().unwrap_or(0);
        let mut units = Vec::new();
        for (name, value) in call["units"].as_object().into_iter().flatten() {
            let rate = Rate::from_name(name).filter(|rate| rate.is_unit()).ok_or_else(|| name.clone())?;
            units.push((rate, Decimal::from_str(value.to_string().trim_matches('"'))?));
        }
        let price = pricer.price(&Call {
            provider: text("provider"),
            model: text("model"),
            at: text("time").parse()?,
            service_tier: text("service_tier"),
            region: text("region"),
            tokens: TokenUsage {
                input: count("input_tokens"),
                cache_read: count("cache_read_tokens"),
                cache_write_5m: count("cache_write_5m_tokens"),
                cache_write_30m: count("cache_write_30m_tokens"),
                cache_write_1h: count("cache_write_1h_tokens"),
                cache_write_12h: count("cache_write_12h_tokens"),
                output: count("output_tokens"),
                input_audio: count("input_audio_tokens"),
                input_image: count("input_image_tokens"),
                cache_read_audio: count("cache_read_audio_tokens"),
                output_audio: count("output_audio_tokens"),
                output_image: count("output_image_tokens"),
            },
            units: &units,
        });
        let dollars = |pico: i128| Decimal::from_i128_with_scale(pico, 12).normalize().to_string();
        let answer = json!({
            "cost": dollars(price.parts.total()),
            "input": dollars(price.parts.input + price.parts.cache_read + price.parts.cache_write),
            "output": dollars(price.parts.output),
            "units": dollars(price.parts.units),
            "unpriced": price.unpriced,
            "row": price.row.map(|row| row.stamp()),
        });
        writeln!(out, "{answer}")?;
    }
    Ok(())
}
