use super::recorded::{lines, otlp};
#[test]
fn show() {
    for (s, f) in [
        ("otel", "01-traces.pb"),
        ("otel", "02-logs.pb"),
        ("otel", "03-metrics.pb"),
        ("otel-openai-v2", "01-traces.pb"),
        ("openllmetry", "01-traces.pb"),
        ("openllmetry", "02-metrics.pb"),
        ("openinference", "01-traces.pb"),
        ("ai-sdk", "01-traces.pb"),
        ("ai-sdk", "02-traces.json"),
    ] {
        let t = otlp(s, f);
        println!(
            "== {s}/{f} {:?} {:?} {}",
            t.sources,
            t.refusals,
            t.call_counts.iter().map(|c| c.calls).sum::<u64>()
        );
        for l in lines(&t) {
            println!("{l}");
        }
    }
    for f in ["01-json_array.json", "02-json_array.json", "03-ndjson.json", "04-single.json"] {
        let t = intake::litellm::translate(&super::recorded::body("litellm", f)).unwrap();
        println!("== {f} {:?} {:?}", t.sources, t.refusals);
        for l in lines(&t) {
            println!("{l}");
        }
        for e in &t.events {
            println!("   {}", &e.json.get()[..170]);
        }
    }
}
