use std::fmt;
use std::str::FromStr;

use super::line::{list, optional, text};
use super::{Date, Malformed, split};

macro_rules! modes {
    ($($(#[$doc:meta])+ $variant:ident $name:literal;)+) => {
        /// What a model does.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Mode { $($(#[$doc])+ $variant,)+ }

        impl Mode {
            /// All of them; the position is the number in the compiled tables.
            pub const ALL: [Self; 14] = [$(Self::$variant,)+];

            /// The name in data files and in the API.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

modes! {
    /// The sources do not say.
    #[default]
    Unknown "";
    /// Chat, the Responses API included.
    Chat "chat";
    /// Completion of text without turns.
    Completion "completion";
    /// Embeddings.
    Embedding "embedding";
    /// Images from text or other images.
    Image "image";
    /// Speech to text.
    Transcription "transcription";
    /// Text to speech.
    Speech "speech";
    /// Video from text or images.
    Video "video";
    /// Live audio sessions.
    Realtime "realtime";
    /// Ranking of documents.
    Rerank "rerank";
    /// Web search as a service.
    Search "search";
    /// Text from scanned pages.
    Ocr "ocr";
    /// Moderation.
    Moderation "moderation";
    /// Anything else.
    Other "other";
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name() == text)
            .ok_or_else(|| format!("{text:?} is not a mode"))
    }
}

/// A row of `models/<provider>.csv`: a model, its other names and its lifecycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelLine {
    /// The model's id at its provider.
    pub model: String,
    /// The model whose prices hold for this one, which then has no price rows of its own: a dated snapshot of it.
    pub priced_as: String,
    /// Other ids that mean this model. They match exactly, in any case.
    pub aliases: Vec<String>,
    /// What it does.
    pub mode: Mode,
    /// What it takes beside text: `image`, `audio`, `video`.
    pub inputs: Vec<String>,
    /// The day of its release.
    pub released: Option<Date>,
    /// Whether its provider advises against new use.
    pub deprecated: bool,
    /// The day from which it is no longer served.
    pub retires_on: Option<Date>,
    /// The model that the provider names as its successor.
    pub successor: String,
    /// The longest input, in tokens.
    pub context_tokens: Option<u64>,
    /// The longest output, in tokens.
    pub output_tokens: Option<u64>,
    /// The files that say so.
    pub source: String,
    /// The day on which they were read.
    pub checked: Option<Date>,
}

impl ModelLine {
    /// The header.
    pub const COLUMNS: [&'static str; 13] = [
        "model",
        "priced_as",
        "aliases",
        "mode",
        "inputs",
        "released",
        "deprecated",
        "retires_on",
        "successor",
        "context_tokens",
        "output_tokens",
        "source",
        "checked",
    ];

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first malformed line.
    pub fn read(file: &str, text: &str) -> Result<Vec<Self>, Malformed> {
        split(file, text, &Self::COLUMNS, |field| {
            Ok(Self {
                model: field[0].to_owned(),
                priced_as: field[1].to_owned(),
                aliases: list(field[2], '|'),
                mode: field[3].parse()?,
                inputs: list(field[4], ' '),
                released: optional(field[5])?,
                deprecated: match field[6] {
                    "" => false,
                    "deprecated" => true,
                    other => return Err(format!("{other:?} is not \"deprecated\"")),
                },
                retires_on: optional(field[7])?,
                successor: field[8].to_owned(),
                context_tokens: optional(field[9])?,
                output_tokens: optional(field[10])?,
                source: field[11].to_owned(),
                checked: optional(field[12])?,
            })
        })
    }

    /// Writes a file, header included.
    pub fn write(lines: &[Self]) -> String {
        let mut file = Self::COLUMNS.join(",") + "\n";
        for line in lines {
            let fields = [
                line.model.clone(),
                line.priced_as.clone(),
                line.aliases.join("|"),
                line.mode.to_string(),
                line.inputs.join(" "),
                text(line.released.as_ref()),
                if line.deprecated { "deprecated".to_owned() } else { String::new() },
                text(line.retires_on.as_ref()),
                line.successor.clone(),
                text(line.context_tokens.as_ref()),
                text(line.output_tokens.as_ref()),
                line.source.clone(),
                text(line.checked.as_ref()),
            ];
            file.push_str(&fields.join(","));
            file.push('\n');
        }
        file
    }
}
