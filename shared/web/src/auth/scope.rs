//! Token scopes.

/// A right that a route requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Read request and token counts.
    MetricsRead,
    /// Read the plan, its limits and its usage.
    BillingRead,
    /// Read compute usage.
    UsageRead,
    /// Read cost analysis.
    CostsRead,
    /// Read the agents' cost and value.
    WorkforceRead,
    /// Read the activity log.
    ActivityRead,
    /// Send events.
    EventsWrite,
    /// Send events that are older than the others may be.
    EventsBackfill,
    /// Read settings.
    RegistryRead,
    /// Change settings.
    RegistryWrite,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 10] = [
        Self::MetricsRead,
        Self::BillingRead,
        Self::UsageRead,
        Self::CostsRead,
        Self::WorkforceRead,
        Self::ActivityRead,
        Self::EventsWrite,
        Self::EventsBackfill,
        Self::RegistryRead,
        Self::RegistryWrite,
    ];

    /// The word in a token's `scope` claim.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MetricsRead => "metrics:read",
            Self::BillingRead => "billing:read",
            Self::UsageRead => "usage:read",
            Self::CostsRead => "costs:read",
            Self::WorkforceRead => "workforce:read",
            Self::ActivityRead => "activity:read",
            Self::EventsWrite => "events:write",
            Self::EventsBackfill => "events:backfill",
            Self::RegistryRead => "registry:read",
            Self::RegistryWrite => "registry:write",
        }
    }

    /// Whether a key may have it: keys never read or change settings.
    pub const fn is_for_keys(self) -> bool {
        !matches!(self, Self::RegistryRead | Self::RegistryWrite)
    }

    /// The scope with this name, case-sensitive (RFC 6749, section 3.3).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scope_has_its_own_name() {
        assert_eq!(Scope::ALL.into_iter().collect::<BTreeSet<_>>().len(), Scope::ALL.len());
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        for bad in ["", "metrics", "Metrics:read", "metrics:read ", "metrics:write", "*"] {
            assert_eq!(Scope::parse(bad), None, "{bad:?}");
        }
    }
}
