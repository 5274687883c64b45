use std::fmt;

macro_rules! rates {
    ($($(#[$doc:meta])+ $variant:ident $name:literal;)+) => {
        /// What a price is given for: a kind of token, or a unit that is billed by count.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Rate { $($(#[$doc])+ $variant,)+ }

        impl Rate {
            /// All of them; tokens first. The position is the bit in a compiled rate set.
            pub const ALL: [Self; 23] = [$(Self::$variant,)+];

            /// The name in data files and in events.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

rates! {
    /// Input tokens that no cache was involved in.
    Input "input";
    /// Output tokens, reasoning included.
    Output "output";
    /// Input tokens read from a cache.
    CacheRead "cache_read";
    /// Input tokens written to a cache for 5 minutes.
    CacheWrite5m "cache_write_5m";
    /// Input tokens written to a cache for 30 minutes.
    CacheWrite30m "cache_write_30m";
    /// Input tokens written to a cache for an hour.
    CacheWrite1h "cache_write_1h";
    /// Input tokens written to a cache for 12 hours.
    CacheWrite12h "cache_write_12h";
    /// The part of the input that is audio.
    InputAudio "input_audio";
    /// The part of the input that is images.
    InputImage "input_image";
    /// The part of the cache reads that is audio.
    CacheReadAudio "cache_read_audio";
    /// The part of the output that is audio.
    OutputAudio "output_audio";
    /// The part of the output that is images.
    OutputImage "output_image";
    /// Web searches.
    WebSearch "web_search";
    /// Web pages fetched.
    WebFetch "web_fetch";
    /// Queries grounded in maps.
    MapsGrounding "maps_grounding";
    /// Searches of stored files.
    FileSearch "file_search";
    /// Hours of a code execution container.
    CodeExecutionHours "code_execution_hours";
    /// Images made.
    Images "images";
    /// Seconds of audio.
    AudioSeconds "audio_seconds";
    /// Seconds of video.
    VideoSeconds "video_seconds";
    /// Characters of text, for speech.
    Characters "characters";
    /// Pages of a document.
    Pages "pages";
    /// Requests. A model that has this rate is billed one request for each call that names no other count.
    Requests "requests";
}

impl Rate {
    /// How many rates are of tokens; the rest are of units.
    pub const TOKENS: usize = 12;
    /// The rates of units.
    pub const UNITS: &'static [Self] = Self::ALL.split_at(Self::TOKENS).1;

    /// The rate with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rate| rate.name() == name)
    }

    /// Whether this is the rate of a unit: its price is for one unit, not for a million tokens.
    pub const fn is_unit(self) -> bool {
        self as usize >= Self::TOKENS
    }

    /// Decimals of a price in the data files: a price has picodollars per token or per unit as its smallest step.
    pub const fn decimals(self) -> u32 {
        if self.is_unit() { 12 } else { 6 }
    }
}

/// The prices of a row, in picodollars (10⁻¹² USD) per token or per unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateSet {
    /// A bit for each rate whose price is known.
    known: u32,
    /// The prices; 0 where none is known, so that equal sets are equal.
    prices: [u64; Rate::ALL.len()],
}

impl RateSet {
    /// The price of `rate`, where it is known.
    pub const fn get(&self, rate: Rate) -> Option<u64> {
        if self.known >> (rate as u32) & 1 == 1 { Some(self.prices[rate as usize]) } else { None }
    }

    /// Sets or clears the price of `rate`.
    pub const fn set(&mut self, rate: Rate, pico: Option<u64>) {
        let bit = 1 << (rate as u32);
        if let Some(pico) = pico {
            self.known |= bit;
            self.prices[rate as usize] = pico;
        } else {
            self.known &= !bit;
            self.prices[rate as usize] = 0;
        }
    }

    /// The prices that are known.
    pub fn iter(&self) -> impl Iterator<Item = (Rate, u64)> + '_ {
        Rate::ALL.into_iter().filter_map(|rate| Some((rate, self.get(rate)?)))
    }

    /// Whether no price is known.
    pub const fn is_empty(&self) -> bool {
        self.known == 0
    }

    /// Takes the prices of `other` for the rates that have none.
    pub fn fill_from(&mut self, other: &Self) {
        for (rate, pico) in other.iter() {
            if self.get(rate).is_none() {
                self.set(rate, Some(pico));
            }
        }
    }

    /// Whether no rate has one price here and another one there.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.iter().all(|(rate, pico)| other.get(rate).is_none_or(|theirs| theirs == pico))
    }

    /// Reads `input=3 output=15 web_search=0.01`: dollars per million tokens, and per unit.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rates = Self::default();
        for part in text.split_ascii_whitespace() {
            let (name, price) = part.split_once('=').ok_or_else(|| format!("{part:?} is not name=price"))?;
            let rate = Rate::from_name(name).ok_or_else(|| format!("{name:?} is not a rate"))?;
            if rates.get(rate).is_some() {
                return Err(format!("{name} is given twice"));
            }
            rates.set(rate, Some(parse_decimal(price, rate.decimals())?));
        }
        Ok(rates)
    }
}

impl fmt::Display for RateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (rate, pico)) in self.iter().enumerate() {
            let unit = 10_u64.pow(rate.decimals());
            let (whole, rest) = (pico / unit, pico % unit);
            let separator = if place == 0 { "" } else { " " };
            write!(f, "{separator}{}={whole}", rate.name())?;
            if rest > 0 {
                let digits = format!("{rest:0width$}", width = rate.decimals() as usize);
                write!(f, ".{}", digits.trim_end_matches('0'))?;
            }
        }
        Ok(())
    }
}

/// A plain decimal as a whole number of its `decimals`-th part: `0.8` with 6 is 800,000.
///
/// # Errors
///
/// The text is not a plain decimal, has more decimals, or is above a million.
pub fn parse_decimal(text: &str, decimals: u32) -> Result<u64, String> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(rest) || rest.len() > decimals as usize {
        return Err(format!("{text:?} is not a decimal with at most {decimals} decimals"));
    }
    let unit = 10_u64.pow(decimals);
    let scale = 10_u64.pow(decimals - u32::try_from(rest.len()).unwrap_or(0));
    let value = |part: &str| part.parse::<u64>().map_err(|e| format!("{text:?}: {e}"));
    let (whole, rest) = (value(whole)?, value(rest)?);
    if whole > 1_000_000 {
        return Err(format!("{text:?} is above 1,000,000"));
    }
    Ok(whole * unit + rest * scale)
}
