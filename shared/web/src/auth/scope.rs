//! What a token may allow.

/// A right that a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// To read request and token counts.
    MetricsRead,
    /// To read the plan, its limits and what was used of them.
    BillingRead,
    /// To read compute usage.
    UsageRead,
    /// To read the analysis of costs.
    CostsRead,
    /// To read what agents cost beside what they are worth.
    WorkforceRead,
    /// To read the activity log.
    ActivityRead,
    /// To send events.
    EventsWrite,
    /// To read what is registered.
    RegistryRead,
    /// To change what is registered.
    RegistryWrite,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 9] = [
        Self::MetricsRead,
        Self::BillingRead,
        Self::UsageRead,
        Self::CostsRead,
        Self::WorkforceRead,
        Self::ActivityRead,
        Self::EventsWrite,
        Self::RegistryRead,
        Self::RegistryWrite,
    ];

    /// The word for it in a token's `scope` claim.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MetricsRead => "metrics:read",
            Self::BillingRead => "billing:read",
            Self::UsageRead => "usage:read",
            Self::CostsRead => "costs:read",
            Self::WorkforceRead => "workforce:read",
            Self::ActivityRead => "activity:read",
            Self::EventsWrite => "events:write",
            Self::RegistryRead => "registry:read",
            Self::RegistryWrite => "registry:write",
        }
    }

    /// The scope that `word` stands for; case matters (RFC 6749, 3.3).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scope_has_its_own_word() {
        assert_eq!(Scope::ALL.into_iter().collect::<BTreeSet<_>>().len(), Scope::ALL.len());
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        for bad in ["", "metrics", "Metrics:read", "metrics:read ", "metrics:write", "*"] {
            assert_eq!(Scope::parse(bad), None, "{bad:?}");
        }
    }
}
