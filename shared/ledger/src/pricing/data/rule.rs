//! The rules of reading model ids, as `providers.csv` names them.

/// A rule of reading the model ids of a provider. The position is the bit in the compiled provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rule {
    /// `ft:base:organization::id` is the fine-tuned row of its base.
    FineTuned,
    /// A region stands in front: `eu/gpt-4o`.
    Azure,
    /// ARNs, a geography in front, a version at the end.
    Bedrock,
    /// A resource path in front: `publishers/anthropic/models/…`; a version after `@`.
    ResourcePath,
    /// `accounts/fireworks/models/` may stand in front.
    Fireworks,
    /// `system.ai.` and `databricks-` mean the same.
    Databricks,
    /// `vendor/model` is a model of the gateway, with its own price.
    Gateway,
    /// The id starts with the provider that was called.
    Router,
    /// `:free` and routes such as `:nitro` stand at the end.
    Routes,
}

/// The names of the rules.
pub const RULES: [&str; 9] = [
    "fine_tuned",
    "azure",
    "bedrock",
    "resource_path",
    "fireworks",
    "databricks",
    "gateway",
    "router",
    "routes",
];
