//! Where a call ran, as the endpoint tells and the ids of models at Amazon Bedrock.

/// Geographies of Bedrock's inference profiles
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html>).
const GEOGRAPHIES: [&str; 9] = ["us", "us-gov", "eu", "apac", "au", "jp", "ca", "in", "global"];

/// The region in the name of a regional endpoint, of a host or a URL. The price of AWS, of Vertex AI and, where data
/// has to stay in a region, of OpenAI depends on it (<https://platform.openai.com/docs/guides/your-data>).
pub fn of_endpoint(address: &str) -> Option<&str> {
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = address.split(['/', ':', '?']).next()?;
    if let Some(region) = host.strip_suffix(".api.openai.com") {
        return Some(region);
    }
    if let Some(service) = host.strip_suffix(".googleapis.com") {
        return match service.strip_suffix(".rep") {
            Some(service) => service.strip_prefix("aiplatform."),
            None if service == "aiplatform" => Some("global"),
            None => service.strip_suffix("-aiplatform"),
        };
    }
    let mut labels = host.split('.');
    labels.find(|label| label.starts_with("bedrock-runtime") || label.starts_with("bedrock-mantle"))?;
    labels.next().filter(|region| region.ends_with(|c: char| c.is_ascii_digit()))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_name_their_region() {
        for (address, region) in [
            ("bedrock-runtime.us-east-1.amazonaws.com", Some("us-east-1")),
            (
                "https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com/model/m/converse",
                Some("us-gov-west-1"),
            ),
            ("vpce-0a1.bedrock-runtime.eu-west-1.vpce.amazonaws.com", Some("eu-west-1")),
            ("bedrock-mantle.us-west-2.api.aws", Some("us-west-2")),
            ("us-east5-aiplatform.googleapis.com", Some("us-east5")),
            ("https://us-east5-aiplatform.googleapis.com/v1/projects/p", Some("us-east5")),
            ("aiplatform.eu.rep.googleapis.com", Some("eu")),
            ("https://aiplatform.googleapis.com:443/v1", Some("global")),
            ("https://eu.api.openai.com/v1", Some("eu")),
            ("api.openai.com", None),
            ("https://api.openai.com/v1", None),
            ("generativelanguage.googleapis.com", None),
            ("http://127.0.0.1:4000/us-east-1.api.openai.com", None),
            ("", None),
        ] {
            assert_eq!(of_endpoint(address), region, "{address}");
        }
    }

    #[test]
    fn a_profile_of_the_request_says_where_the_model_of_the_response_ran() {
        let bare = "claude-sonnet-4-5-20250929";
        let global = "global.anthropic.claude-sonnet-4-5-20250929-v1:0";
        let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        for (response, request, model) in [
            (bare, Some(global), global),
            (bare, Some(arn), arn),
            ("anthropic.claude-sonnet-4-5-20250929-v1:0", Some(global), global),
            (bare, Some("anthropic.claude-sonnet-4-5-20250929-v1:0"), bare),
            (bare, Some("global.anthropic.claude-opus-4-5-20251101-v1:0"), bare),
            ("gpt-4.1-mini-2025-04-14", Some("gpt-4.1-mini"), "gpt-4.1-mini-2025-04-14"),
            (bare, None, bare),
        ] {
            assert_eq!(with_geography(response, request), model, "{response} {request:?}");
        }
    }
}
