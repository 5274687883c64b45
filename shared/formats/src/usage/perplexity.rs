//! What Perplexity bills beside the tokens of its models, in a `usage` of the shape of Chat Completions.

use serde::Deserialize;

use crate::call::{Units, used};
use crate::json::Amount;

/// The fields of a usage that Perplexity alone has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras<'a> {
    pub citation_tokens: u64,
    /// Beside `completion_tokens`, not in it.
    pub reasoning_tokens: u64,
    pub search_queries: u64,
    pub search_context_size: Option<&'a str>,
    pub cost: Option<Cost>,
}

/// The bill of the request, its fee included (<https://docs.perplexity.ai/api-reference/chat-completions-post>).
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Cost {
    total_cost: Amount,
}

impl Extras<'_> {
    /// The bill itself, where the response states it.
    pub fn bill(&self) -> Option<String> {
        let bill = self.cost.map(|cost| cost.total_cost.0).filter(|bill| !bill.is_zero());
        bill.map(|bill| bill.normalize().to_string())
    }

    /// Only deep research bills each search. With other models a fee for the request, which depends on the size of the
    /// search context, includes them (<https://docs.perplexity.ai/getting-started/pricing>). The price book has neither
    /// rates for the tokens of citations and of research nor the fees for larger contexts, so these become units that
    /// it does not know: the call is unpriced in part.
    pub fn units(&self, model: &str) -> Units {
        let is_research = model.contains("sonar-deep-research");
        let of_research = |count: u64| if is_research { count } else { 0 };
        let has_context = |size: &str| u64::from(!is_research && self.search_context_size == Some(size));
        let mut units = used([("web_search", of_research(self.search_queries))]);
        if self.bill().is_none() {
            units.extend(used([
                ("citation_tokens", of_research(self.citation_tokens)),
                ("reasoning_tokens", of_research(self.reasoning_tokens)),
                ("search_context_medium", has_context("medium")),
                ("search_context_high", has_context("high")),
            ]));
        }
        units
    }
}
