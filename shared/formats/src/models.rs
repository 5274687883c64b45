//! Ids of models, as far as senders leave something out that the price depends on.

/// Geographies of Bedrock's inference profiles
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html>).
const GEOGRAPHIES: [&str; 9] = ["us", "us-gov", "eu", "apac", "au", "jp", "ca", "in", "global"];

/// Vendors whose models Bedrock has
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html>).
const VENDORS: [&str; 17] = [
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "luma",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "moonshotai",
    "nvidia",
    "openai",
    "qwen",
    "stability",
    "writer",
];

/// The model of a response, or of its request where that names the same model in a geography: Claude at Bedrock answers
/// with its bare id, and the price depends on the inference profile
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>).
pub fn with_geography<'a>(response: &'a str, request: Option<&'a str>) -> &'a str {
    let is_profile = |request: &str| {
        let id = request.rsplit('/').next().unwrap_or(request);
        let geography = id.split_once('.').map(|(geography, _)| geography);
        geography.is_some_and(|geography| GEOGRAPHIES.contains(&geography))
            && id.len() > response.len()
            && id.contains(response)
    };
    request.filter(|request| is_profile(request)).unwrap_or(response)
}

/// Whether an id is of Bedrock: `anthropic.claude-…`, in a geography or not, or an ARN.
pub fn is_at_bedrock(id: &str) -> bool {
    let name = id.rsplit('/').next().unwrap_or(id);
    let name = match name.split_once('.') {
        Some((geography, name)) if GEOGRAPHIES.contains(&geography) => name,
        _ => name,
    };
    let vendor = name.split_once('.').map(|(vendor, _)| vendor);
    id.starts_with("arn:aws") || vendor.is_some_and(|vendor| VENDORS.contains(&vendor))
}

/// An id without the prefix of a LiteLLM proxy, behind which the provider's follows (BerriAI/litellm#14566).
pub fn without_proxy(id: &str) -> &str {
    id.strip_prefix("litellm_proxy/").unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_of_the_request_says_where_the_model_of_the_response_ran() {
        let bare = "claude-sonnet-4-5-20250929";
        let global = "global.anthropic.claude-sonnet-4-5-20250929-v1:0";
        let arn = format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{global}");
        for (response, request, model) in [
            (bare, Some(global), global),
            (bare, Some(arn.as_str()), arn.as_str()),
            ("anthropic.claude-sonnet-4-5-20250929-v1:0", Some(global), global),
            (bare, Some("anthropic.claude-sonnet-4-5-20250929-v1:0"), bare),
            (bare, Some("global.anthropic.claude-opus-4-5-20251101-v1:0"), bare),
            ("gpt-4.1-mini-2025-04-14", Some("gpt-4.1-mini"), "gpt-4.1-mini-2025-04-14"),
            (bare, None, bare),
        ] {
            assert_eq!(with_geography(response, request), model, "{response} {request:?}");
        }
    }

    #[test]
    fn ids_of_bedrock_name_a_vendor() {
        for id in [
            "us.anthropic.claude-sonnet-4-6",
            "anthropic.claude-3-haiku-20240307-v1:0",
            "us-gov.amazon.nova-pro-v1:0",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3",
        ] {
            assert!(is_at_bedrock(id), "{id}");
        }
        for id in
            ["gpt-4.1", "claude-sonnet-4-6", "openai/gpt-4.1-mini", "us.example", "gemini-2.5-flash", ""]
        {
            assert!(!is_at_bedrock(id), "{id}");
        }
    }
}
