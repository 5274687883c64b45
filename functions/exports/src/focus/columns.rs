//! The columns of a row.
//!
//! Names and rules: FOCUS 1.4, dataset Cost and Usage. In 1.2 two columns about the provider have other names.

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

use super::charge::{Charge, ChargeKey};
use super::params::Version;

/// Prices of tokens are stated per million.
const MILLION: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// What rows say about the organization and its agents.
pub struct Account<'a> {
    org: &'a OrgId,
    name: Option<&'a str>,
    zone: Tz,
    agents: HashMap<&'a str, &'a Agent>,
}

impl<'a> Account<'a> {
    pub fn new(org: &'a OrgId, name: Option<&'a str>, zone: Tz, agents: &'a [Agent]) -> Self {
        Self { org, name, zone, agents: agents.iter().map(|agent| (agent.id.as_str(), agent)).collect() }
    }

    fn department(&self, agent: &str) -> Option<&str> {
        self.agents.get(agent)?.settings.as_ref()?.department.as_deref()
    }

    fn agent_name<'n>(&'n self, agent: &'n str) -> &'n str {
        self.agents.get(agent).map_or(agent, |known| known.name())
    }
}

/// Writes rows as CSV.
pub struct Writer<'a> {
    csv: csv::Writer<Vec<u8>>,
    account: Account<'a>,
    bytes: usize,
}

impl<'a> Writer<'a> {
    /// A page, with a header if it is the first one.
    pub fn new(version: Version, account: Account<'a>, has_header: bool) -> Result<Self> {
        let csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        let mut writer = Self { csv, account, bytes: 0 };
        if has_header {
            writer.csv.write_record(header(version)).map_err(Error::internal)?;
        }
        Ok(writer)
    }

    /// The bytes of the rows, about.
    pub const fn len(&self) -> usize {
        self.bytes
    }

    pub fn write(&mut self, day: Day, key: &ChargeKey, charge: &Charge) -> Result<()> {
        let row = row(&self.account, day, key, charge);
        self.bytes += row.iter().map(|cell| cell.len() + 1).sum::<usize>();
        self.csv.write_record(row).map_err(Error::internal)
    }

    pub fn finish(self) -> Result<Vec<u8>> {
        self.csv.into_inner().map_err(Error::internal)
    }
}

/// The names of the columns, in the order of [`row`].
const COLUMNS: [&str; 46] = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_PrincipalId",
    "x_Quantity",
    "x_UnpricedRequests",
];

fn header(version: Version) -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().map(move |column| match (version, column) {
        (Version::V1_2, "HostProviderName") => "PublisherName",
        (Version::V1_2, "ServiceProviderName") => "ProviderName",
        _ => column,
    })
}

fn row(account: &Account<'_>, day: Day, key: &ChargeKey, charge: &Charge) -> [String; COLUMNS.len()] {
    let start = |day: Day| rfc3339(day.start(account.zone));
    let month = day.month();
    let provider = text(display_name(&key.provider));
    let pricing = Pricing::new(key, charge);
    let department = account.department(&key.agent).map(text).unwrap_or_default();
    let sub_account = if department.is_empty() { "" } else { "Department" };
    let billed = plain(charge.billed.dollars());
    [
        billed.clone(),
        account.org.to_string(),
        account.name.map(text).unwrap_or_default(),
        "Organization".to_owned(),
        "USD".to_owned(),
        start(month.next().first()),
        start(month.first()),
        "Usage".to_owned(),
        String::new(),
        text(&format!("{} of {} by {}", key.meter, key.model, account.agent_name(&key.agent))),
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
        text(&key.agent),
        text(account.agent_name(&key.agent)),
        "Agent".to_owned(),
        "AI and Machine Learning".to_owned(),
        provider.clone(),
        provider,
        "Generative AI".to_owned(),
        text(&sku_id(key)),
        text(&key.meter),
        pricing.sku_price_details,
        text(&pricing.sku_price_id),
        department.clone(),
        department,
        sub_account.to_owned(),
        "{}".to_owned(),
        text(&key.agent),
        plain(charge.quantity),
        charge.unpriced_requests.to_string(),
    ]
}

fn sku_id(key: &ChargeKey) -> String {
    format!("{}/{}/{}", key.provider, key.model, key.meter)
}

/// What rows say about prices. FOCUS wants all of it left out where there is no price.
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

/// A number in plain notation, with all of its digits and no more.
fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

fn text(text: &str) -> String {
    harmless(text.to_owned())
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
