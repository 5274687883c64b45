//! Where a call ran, by the endpoint that was called.

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
}
