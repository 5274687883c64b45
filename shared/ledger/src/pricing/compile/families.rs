use super::super::data::FamilyLine;

/// The family that a model belongs to, by the first pattern that its id matches.
pub(super) fn family_of<'f>(
    families: &'f [FamilyLine],
    provider: &str,
    model: &str,
) -> Option<&'f FamilyLine> {
    let lower = model.to_ascii_lowercase();
    let name = bare(&lower);
    families.iter().find(|family| {
        // `x-ai/grok` at a gateway, `anthropic.claude` at AWS: an id may only be of the developer that it names.
        let vendor_fits = lower.len() == name.len() || !lower.contains("distill");
        vendor_fits && provider != "litellm" && family.patterns.iter().any(|pattern| matches(pattern, name))
    })
}

/// The model's own name: without a vendor or a path in front, and without the geography and vendor of Bedrock.
fn bare(id: &str) -> &str {
    let name = id.rsplit('/').next().unwrap_or(id);
    let vendors =
        ["anthropic", "amazon", "openai", "meta", "mistral", "cohere", "deepseek", "qwen", "xai", "google"];
    let mut rest = name;
    while let Some((first, after)) = rest.split_once('.') {
        let geography =
            ["us", "eu", "apac", "au", "jp", "ca", "in", "global", "regional", "us-gov"].contains(&first);
        if !geography && !vendors.contains(&first) {
            break;
        }
        rest = after;
    }
    rest.strip_prefix("databricks-").unwrap_or(rest)
}

/// Whether `text` matches a pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
