use super::recording::{Recording, models};

#[tokio::test]
async fn show() {
    for sender in [
        "otel",
        "otel-openai-v2",
        "openllmetry",
        "openinference",
        "ai-sdk",
        "litellm",
        "claude-code",
        "codex",
        "gemini-cli",
    ] {
        let recording = Recording::of(sender);
        let world = recording.world().await;
        let bodies = recording.send(&world).await;
        println!("== {sender}");
        for b in bodies {
            println!("   {}", String::from_utf8_lossy(&b));
        }
        for l in models(&world).await {
            println!("ROW {l}");
        }
    }
}
