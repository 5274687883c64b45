//! The columns of a row.
//!
//! Names and rules are those of FOCUS 1.4, dataset Cost and Usage. In 1.2 two columns about the provider have other
//! names.

use std::collections::HashMap;

use chrono_tz::Tz;
use ledger::ids::OrgId;
use ledger::period::{Day, rfc3339};
use ledger::pricing::display_name;
use ledger::roster::Agent;
use rust_decimal::Decimal;
use serde_json::json;
use web::error::{Error, Result};
use web::table::harmless;

use crate::files::FocusSource;

use super::charge::{Charge, ChargeKey};
use super::day::{ComputeKey, Line};
use super::params::{Format, Params, Version};
use super::parquet_file::ParquetFile;

/// Prices of tokens are stated per million.
const MILLION: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// The organization and its agents, as rows name them.
pub struct Account<'a> {
    org: &'a OrgId,
    name: Option<&'a str>,
    zone: Tz,
    agents: HashMap<&'a str, &'a Agent>,
}

impl<'a> Account<'a> {
    pub fn of(source: &'a FocusSource) -> Self {
        let FocusSource { org, settings, agents } = source;
        let agents = agents.iter().map(|agent| (agent.id.as_str(), agent)).collect();
        Self { org, name: settings.organization.name.as_deref(), zone: settings.calendar.zone, agents }
    }

    fn department(&self, agent: &str) -> Option<&str> {
        self.agents.get(agent)?.settings.as_ref()?.department.as_deref()
    }

    fn agent_name<'n>(&'n self, agent: &'n str) -> &'n str {
        self.agents.get(agent).map_or(agent, |known| known.name())
    }
}

/// Writes rows.
pub struct Writer<'a> {
    output: Output,
    account: Account<'a>,
    bytes: usize,
}

enum Output {
    Csv(Box<csv::Writer<Vec<u8>>>),
    Parquet(ParquetFile),
}

impl<'a> Writer<'a> {
    /// A writer for one page. The first page of CSV has a header row.
    pub fn new(params: &Params, account: Account<'a>, is_first: bool) -> Result<Self> {
        let output = match params.format {
            Format::Parquet => Output::Parquet(ParquetFile::new(params.version)),
            Format::Csv => {
                let mut builder = csv::WriterBuilder::new();
                let mut csv = builder.terminator(csv::Terminator::CRLF).from_writer(Vec::new());
                if is_first {
                    let names = columns(params.version).map(|(name, _)| name);
                    csv.write_record(names).map_err(Error::internal)?;
                }
                Output::Csv(Box::new(csv))
            }
        };
        Ok(Self { output, account, bytes: 0 })
    }

    /// The approximate size of the rows, in bytes.
    pub const fn len(&self) -> usize {
        self.bytes
    }

    pub fn write(&mut self, day: Day, line: &Line) -> Result<()> {
        let row = match line {
            Line::Charge(key, charge) => row(&self.account, day, key, charge),
            Line::Compute(key, hours) => compute_row(&self.account, day, key, *hours),
        };
        self.bytes += row.iter().map(|cell| cell.len() + 1).sum::<usize>();
        match &mut self.output {
            Output::Parquet(file) => file.add(row),
            Output::Csv(csv) => {
                // Spreadsheets would interpret some texts as formulas.
                let cells = row.into_iter().zip(COLUMNS);
                let cells = cells.map(|(cell, (_, kind))| if kind == Text { harmless(cell) } else { cell });
                csv.write_record(cells).map_err(Error::internal)?;
            }
        }
        Ok(())
    }

    pub fn finish(self) -> Result<Vec<u8>> {
        match self.output {
            Output::Csv(csv) => csv.into_inner().map_err(Error::internal),
            Output::Parquet(file) => file.finish().map_err(Error::internal),
        }
    }
}

/// The type of a column's cells. An empty cell is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A decimal number in plain notation.
    Number,
    /// RFC 3339 in UTC.
    Time,
}

use Kind::{Number, Text, Time};

/// The names of the columns, in the order of a row.
const COLUMNS: [(&str, Kind); 46] = [
    ("BilledCost", Number),
    ("BillingAccountId", Text),
    ("BillingAccountName", Text),
    ("BillingAccountType", Text),
    ("BillingCurrency", Text),
    ("BillingPeriodEnd", Time),
    ("BillingPeriodStart", Time),
    ("ChargeCategory", Text),
    ("ChargeClass", Text),
    ("ChargeDescription", Text),
    ("ChargeFrequency", Text),
    ("ChargePeriodEnd", Time),
    ("ChargePeriodStart", Time),
    ("ConsumedQuantity", Number),
    ("ConsumedUnit", Text),
    ("ContractedCost", Number),
    ("ContractedUnitPrice", Number),
    ("EffectiveCost", Number),
    ("HostProviderName", Text),
    ("InvoiceId", Text),
    ("InvoiceIssuerName", Text),
    ("ListCost", Number),
    ("ListUnitPrice", Number),
    ("PricingCategory", Text),
    ("PricingQuantity", Number),
    ("PricingUnit", Text),
    ("RegionId", Text),
    ("RegionName", Text),
    ("ResourceId", Text),
    ("ResourceName", Text),
    ("ResourceType", Text),
    ("ServiceCategory", Text),
    ("ServiceName", Text),
    ("ServiceProviderName", Text),
    ("ServiceSubcategory", Text),
    ("SkuId", Text),
    ("SkuMeter", Text),
    ("SkuPriceDetails", Text),
    ("SkuPriceId", Text),
    ("SubAccountId", Text),
    ("SubAccountName", Text),
    ("SubAccountType", Text),
    ("Tags", Text),
    ("x_PrincipalId", Text),
    ("x_Quantity", Number),
    ("x_UnpricedRequests", Number),
];

/// A cell for each column.
pub type Row = [String; COLUMNS.len()];

/// The names and kinds of the columns in a version of FOCUS.
pub fn columns(version: Version) -> impl Iterator<Item = (&'static str, Kind)> {
    COLUMNS.into_iter().map(move |(column, kind)| match (version, column) {
        (Version::V1_2, "HostProviderName") => ("PublisherName", kind),
        (Version::V1_2, "ServiceProviderName") => ("ProviderName", kind),
        _ => (column, kind),
    })
}

/// A row of compute: hours without a cost, for which FOCUS has no rule.
fn compute_row(account: &Account<'_>, day: Day, key: &ComputeKey, hours: Decimal) -> Row {
    let start = |day: Day| rfc3339(day.start(account.zone));
    let (month, hours) = (day.month(), plain(hours));
    let unit = if key.meter.contains("GB-") { "GB-Hours" } else { "Hours" };
    let cells = [
        ("BillingAccountId", account.org.to_string()),
        ("BillingAccountName", account.name.map(str::to_owned).unwrap_or_default()),
        ("BillingAccountType", "Organization".to_owned()),
        ("BillingCurrency", "USD".to_owned()),
        ("BillingPeriodEnd", start(month.next().first())),
        ("BillingPeriodStart", start(month.first())),
        ("ChargeCategory", "Usage".to_owned()),
        ("ChargeDescription", format!("{} of {}", key.meter, key.project)),
        ("ChargeFrequency", "Usage-Based".to_owned()),
        ("ChargePeriodEnd", start(day.next())),
        ("ChargePeriodStart", start(day)),
        ("ConsumedQuantity", hours.clone()),
        ("ConsumedUnit", unit.to_owned()),
        ("ResourceId", key.project.clone()),
        ("ResourceName", key.project.clone()),
        ("ResourceType", "Project".to_owned()),
        ("ServiceCategory", "Compute".to_owned()),
        ("ServiceName", "Compute".to_owned()),
        ("ServiceSubcategory", "Other (Compute)".to_owned()),
        ("SkuMeter", key.meter.clone()),
        ("Tags", "{}".to_owned()),
        ("x_Quantity", hours),
    ];
    let mut row: Row = std::array::from_fn(|_| String::new());
    for (name, cell) in cells {
        if let Some(place) = COLUMNS.iter().position(|(column, _)| *column == name) {
            row[place] = cell;
        }
    }
    row
}

fn row(account: &Account<'_>, day: Day, key: &ChargeKey, charge: &Charge) -> Row {
    let start = |day: Day| rfc3339(day.start(account.zone));
    let month = day.month();
    let provider = display_name(&key.provider).to_owned();
    let pricing = Pricing::new(key, charge);
    let department = account.department(&key.agent).map(str::to_owned).unwrap_or_default();
    let sub_account = if department.is_empty() { "" } else { "Department" };
    let billed = plain(charge.billed.dollars());
    [
        billed.clone(),
        account.org.to_string(),
        account.name.map(str::to_owned).unwrap_or_default(),
        "Organization".to_owned(),
        "USD".to_owned(),
        start(month.next().first()),
        start(month.first()),
        "Usage".to_owned(),
        String::new(),
        format!("{} of {} by {}", key.meter, key.model, account.agent_name(&key.agent)),
        "Usage-Based".to_owned(),
        start(day.next()),
        start(day),
        pricing.consumed_quantity,
        pricing.consumed_unit,
        billed.clone(),
        pricing.contracted_unit_price,
        billed,
        provider.clone(),
        String::new(),
        provider.clone(),
        plain(charge.list.dollars()),
        pricing.list_unit_price,
        pricing.category,
        pricing.quantity,
        pricing.unit,
        String::new(),
        String::new(),
        key.agent.clone(),
        account.agent_name(&key.agent).to_owned(),
        "Agent".to_owned(),
        "AI and Machine Learning".to_owned(),
        provider.clone(),
        provider,
        "Generative AI".to_owned(),
        sku_id(key),
        key.meter.clone(),
        pricing.sku_price_details,
        pricing.sku_price_id,
        department.clone(),
        department,
        sub_account.to_owned(),
        json!(key.tags).to_string(),
        key.agent.clone(),
        plain(charge.quantity),
        charge.unpriced_requests.to_string(),
    ]
}

fn sku_id(key: &ChargeKey) -> String {
    format!("{}/{}/{}", key.provider, key.model, key.meter)
}

/// The columns about prices. FOCUS requires all of them to be empty if there is no price.
#[derive(Default)]
struct Pricing {
    consumed_quantity: String,
    consumed_unit: String,
    quantity: String,
    unit: String,
    list_unit_price: String,
    contracted_unit_price: String,
    category: String,
    sku_price_id: String,
    sku_price_details: String,
}

impl Pricing {
    fn new(key: &ChargeKey, charge: &Charge) -> Self {
        let Some(price) = key.price else { return Self::default() };
        let is_tokens = key.meter.ends_with("Tokens");
        let (per, consumed, unit) =
            if is_tokens { (MILLION, "Tokens", "1000000 Tokens") } else { (Decimal::ONE, "Units", "Units") };
        let contracted = plain(price.contracted.0 * per);
        Self {
            consumed_quantity: plain(charge.quantity),
            consumed_unit: consumed.to_owned(),
            quantity: plain(charge.quantity / per),
            unit: unit.to_owned(),
            list_unit_price: plain(price.list.0 * per),
            category: "Standard".to_owned(),
            sku_price_id: format!("{}@{contracted}", sku_id(key)),
            contracted_unit_price: contracted,
            sku_price_details: json!({ "x_ModelId": key.model, "x_ModelProvider": key.provider }).to_string(),
        }
    }
}

/// A number in plain notation, without trailing zeros.
fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

#[cfg(test)]
mod tests {
    use ledger::money::{Quantity, Usd};

    use super::super::charge::{INPUT, UnitPrice};
    use super::*;

    #[test]
    fn price_times_quantity_is_the_cost_in_the_units_that_are_shown() {
        let decimal = |text| Decimal::from_str_exact(text).unwrap();
        let price =
            UnitPrice { list: Quantity(decimal("0.000003")), contracted: Quantity(decimal("0.00000255")) };
        let key = ChargeKey {
            agent: "nova".to_owned(),
            provider: "anthropic".to_owned(),
            model: "claude-sonnet-4-5".to_owned(),
            meter: INPUT.to_owned(),
            price: Some(price),
            tags: std::collections::BTreeMap::new(),
        };
        let quantity = Decimal::from(1_234_567);
        let billed = Usd::new(price.contracted.0 * quantity);
        let charge = Charge { quantity, billed, ..Charge::default() };
        let pricing = Pricing::new(&key, &charge);
        assert_eq!((pricing.quantity.as_str(), pricing.list_unit_price.as_str()), ("1.234567", "3"));
        assert_eq!(pricing.contracted_unit_price, "2.55");
        let product = decimal(&pricing.quantity) * decimal(&pricing.contracted_unit_price);
        assert_eq!(product, billed.dollars());
        assert!(Pricing::new(&ChargeKey { price: None, ..key }, &charge).consumed_quantity.is_empty());
    }
}
