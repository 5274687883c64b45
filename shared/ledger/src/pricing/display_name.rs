//! Display names of providers.

use super::{Book, ProviderEntry};

/// The display name of a provider, or its id if it is unknown. Other names of a provider, such as `vertex_ai`, have the
/// display name of its id.
pub fn display_name(name: &str) -> &str {
    let find =
        |id: &str| NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)).map(|(_, name)| *name);
    let other = || Book::builtin().provider(name).map(ProviderEntry::id).and_then(find);
    find(name).or_else(other).unwrap_or(name)
}

/// By id. Providers without an entry are shown by their id.
const NAMES: [(&str, &str); 56] = [
    ("ai21", "AI21 Labs"),
    ("anthropic", "Anthropic"),
    ("anyscale", "Anyscale"),
    ("arcee", "Arcee AI"),
    ("assemblyai", "AssemblyAI"),
    ("aws", "AWS"),
    ("azure", "Azure"),
    ("baseten", "Baseten"),
    ("black_forest_labs", "Black Forest Labs"),
    ("cerebras", "Cerebras"),
    ("cloudflare", "Cloudflare"),
    ("cohere", "Cohere"),
    ("dashscope", "Alibaba Cloud"),
    ("databricks", "Databricks"),
    ("deepgram", "Deepgram"),
    ("deepinfra", "DeepInfra"),
    ("deepseek", "DeepSeek"),
    ("elevenlabs", "ElevenLabs"),
    ("fal_ai", "fal"),
    ("fireworks", "Fireworks AI"),
    ("friendliai", "FriendliAI"),
    ("github-copilot", "GitHub Copilot"),
    ("google", "Google"),
    ("groq", "Groq"),
    ("hyperbolic", "Hyperbolic"),
    ("ibm", "IBM watsonx"),
    ("inception", "Inception"),
    ("jina_ai", "Jina AI"),
    ("meta", "Meta"),
    ("minimax", "MiniMax"),
    ("mistral", "Mistral AI"),
    ("moonshotai", "Moonshot AI"),
    ("nebius", "Nebius"),
    ("novita", "Novita AI"),
    ("nscale", "Nscale"),
    ("nvidia", "NVIDIA"),
    ("oci", "Oracle Cloud"),
    ("ollama", "Ollama"),
    ("openai", "OpenAI"),
    ("openrouter", "OpenRouter"),
    ("ovhcloud", "OVHcloud"),
    ("perplexity", "Perplexity"),
    ("recraft", "Recraft"),
    ("replicate", "Replicate"),
    ("runwayml", "Runway"),
    ("sambanova", "SambaNova"),
    ("scaleway", "Scaleway"),
    ("snowflake", "Snowflake"),
    ("stability", "Stability AI"),
    ("together", "Together AI"),
    ("vercel", "Vercel"),
    ("volcengine", "Volcano Engine"),
    ("voyageai", "Voyage AI"),
    ("wandb", "Weights & Biases"),
    ("x-ai", "xAI"),
    ("zai", "Z.ai"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_of_a_provider_of_the_price_book() {
        assert!(NAMES.is_sorted());
        for (id, _) in NAMES {
            assert_eq!(Book::builtin().provider(id).map(ProviderEntry::id), Some(id));
        }
    }

    #[test]
    fn a_provider_may_be_spelled_in_any_way_and_is_shown_by_its_id_if_unknown() {
        assert_eq!(display_name("Anthropic"), "Anthropic");
        assert_eq!(display_name("OPENAI"), "OpenAI");
        assert_eq!(display_name("vertex_ai"), "Google");
        assert_eq!(display_name("in-house"), "in-house");
    }
}
