use std::fmt;
use std::str::FromStr;

macro_rules! tiers {
    ($($(#[$doc:meta])+ $variant:ident $name:literal $(| $other:literal)*;)+) => {
        /// A service tier: a mode of processing with a price of its own.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Tier { $($(#[$doc])+ $variant,)+ }

        impl Tier {
            /// All of them; the position is the number in the compiled tables.
            pub const ALL: [Self; 8] = [$(Self::$variant,)+];

            /// The name in data files and in events.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The tier that an event names, in any case. None: a tier that no price of the book is for.
            pub fn from_event(text: &str) -> Option<Self> {
                const NAMES: &[(&str, Tier)] = &[$(($name, Tier::$variant), $(($other, Tier::$variant),)*)+];
                NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, tier)| *tier)
            }
        }
    };
}

tiers! {
    /// The default.
    #[default]
    Standard "standard" | "" | "default" | "auto" | "on_demand" | "on-demand";
    /// Asynchronous, within a day.
    Batch "batch" | "batches";
    /// Slower and cheaper.
    Flex "flex";
    /// Ahead of others.
    Priority "priority";
    /// The same model with a higher speed.
    Fast "fast";
    /// Provisioned by contract.
    Scale "scale";
    /// Faster than fast.
    Ultrafast "ultrafast";
    /// Between flex and standard.
    Balanced "balanced";
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tier {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|tier| tier.name() == text)
            .ok_or_else(|| format!("{text:?} is not a tier"))
    }
}
