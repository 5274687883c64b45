use super::*;

const PROVIDERS: &str = "provider,names,rules,write_5m,write_1h,note\n\
                         p,other-p|p_text,,,,\n\
                         anthropic,,,1.25,2,\n\
                         x-ai,xai,,,,\n\
                         aws,bedrock,bedrock,,,\n\
                         fireworks,fireworks_ai,,,,\n\
                         openai,,,,,\n";

fn decisions(preferences: &str) -> Decisions {
    Decisions {
        providers: PROVIDERS.to_owned(),
        preferences: format!("provider,model,list,reason\n{preferences}"),
    }
}

fn run(files: &Files, genai: &str, litellm: &str, today: &str) -> (Files, Report) {
    let lists = Lists { genai_prices: genai, litellm, today: today.parse().unwrap() };
    refresh(files, &decisions(""), lists).unwrap()
}

/// genai-prices with one provider `p` and these models.
fn genai(models: &str) -> String {
    format!(r#"[{{"id": "p", "models": [{models}]}}]"#)
}

/// The rows of a provider as `model,from,to,tier,region,window,above,rates`.
fn rows(files: &Files, provider: &str) -> Vec<String> {
    let text = PriceLine::write(&files[provider].prices);
    text.lines().skip(1).map(|line| line.rsplitn(3, ',').last().unwrap().to_owned()).collect()
}

const NOTHING: &str = "{}";

#[test]
fn litellm_prices_by_tier_length_and_lifetime() {
    let litellm = r#"{
        "sample_spec": {"litellm_provider": "p", "input_cost_per_token": 1},
        "p/m": {"litellm_provider": "p", "mode": "chat", "max_input_tokens": 1000, "deprecation_date": "2027-01-02",
            "successor_model": "p/n", "supports_vision": true,
            "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 3e-07,
            "cache_creation_input_token_cost": 3.75e-06, "cache_creation_input_token_cost_above_1hr": 6e-06,
            "input_cost_per_token_above_200k_tokens": 6e-06,
            "input_cost_per_token_batches": 1.5e-06, "output_cost_per_token_batches": 7.5e-06,
            "cache_creation_input_token_cost_batches": 1.875e-06,
            "input_cost_per_token_priority": 6e-06, "output_cost_per_token_priority": 3e-05,
            "search_context_cost_per_query": {"search_context_size_medium": 0.01, "search_context_size_low": 0.005},
            "provider_specific_entry": {"us": 1.1}},
        "p/m-latest": {"alias_of": "p/m"}
    }"#;
    let (files, report) = run(&Files::new(), "[]", litellm, "2026-11-27");
    assert_eq!(report.new, ["p/m"]);
    let expected = [
        "m,,,,,,,input=3 output=15 cache_read=0.3 cache_write_5m=3.75 cache_write_1h=6 input_image=3 web_search=0.01",
        "m,,,,,,200000,input=6 output=15 cache_read=0.3 cache_write_5m=3.75 cache_write_1h=6 input_image=6",
        "m,,,,us,,,input=3.3 output=16.5 cache_read=0.33 cache_write_5m=4.125 cache_write_1h=6.6 input_image=3.3",
        "m,,,,us,,200000,input=6.6 output=16.5 cache_read=0.33 cache_write_5m=4.125 cache_write_1h=6.6 input_image=6.6",
        "m,,,batch,,,,input=1.5 output=7.5 cache_read=0.3 cache_write_5m=1.875 input_image=1.5",
        "m,,,batch,us,,,input=1.65 output=8.25 cache_read=0.33 cache_write_5m=2.0625 input_image=1.65",
        "m,,,priority,,,,input=6 output=30 cache_read=0.3 cache_write_5m=3.75 cache_write_1h=6 input_image=6",
        "m,,,priority,us,,,input=6.6 output=33 cache_read=0.33 cache_write_5m=4.125 cache_write_1h=6.6 input_image=6.6",
    ];
    assert_eq!(rows(&files, "p"), expected);
    let model = &files["p"].models[0];
    assert_eq!((model.aliases.as_slice(), &*model.successor), (&["m-latest".to_owned()][..], "n"));
    assert_eq!(model.retires_on, Some(Date::new(2027, 1, 2)));
    assert_eq!(model.inputs, ["image"]);
}

#[test]
fn litellm_regions_hours_ranges_and_thresholds_that_include_the_edge() {
    let litellm = r#"{
        "bedrock/us-east-1/m": {"litellm_provider": "bedrock", "input_cost_per_token": 2e-06},
        "bedrock/us-east-1/1-month-commitment/m": {"litellm_provider": "bedrock", "input_cost_per_second": 1},
        "m": {"litellm_provider": "bedrock", "input_cost_per_token": 1e-06},
        "xai/g": {"litellm_provider": "xai", "input_cost_per_token": 1e-06, "input_cost_per_token_above_200k_tokens": 2e-06},
        "p/r": {"litellm_provider": "p", "output_cost_per_token": 9e-06, "tiered_pricing": [
            {"range": [0, 32000.0], "input_cost_per_token": 1e-06, "output_cost_per_token": 5e-06},
            {"range": [32000.0, 128000.0], "input_cost_per_token": 2e-06}]},
        "fireworks_ai/f": {"litellm_provider": "fireworks_ai", "input_cost_per_token": 1e-06},
        "p/h": {"litellm_provider": "p", "input_cost_per_token": 2e-06, "output_cost_per_token": 4e-06, "off_peak_pricing": {
            "input_cost_per_token": 1e-06, "windows": [
                {"hours_utc": ["22:00-02:00"], "weekdays": [1]}, {"hours_utc": "00:00-00:00", "weekdays": [7]}]}}
    }"#;
    let (files, _) = run(&Files::new(), "[]", litellm, "2026-11-27");
    assert_eq!(rows(&files, "aws"), ["m,,,,,,,input=1", "m,,,,us-east-1,,,input=2"]);
    assert_eq!(rows(&files, "x-ai"), ["g,,,,,,,input=1", "g,,,,,,199999,input=2"]);
    assert_eq!(rows(&files, "fireworks"), ["f,,,,,,,input=1 cache_read=0.5"]);
    assert_eq!(
        rows(&files, "p"),
        [
            "h,,,,,,,input=2 output=4",
            "h,,,,,mon 00:00-02:00 22:00-24:00;sun 00:00-24:00,,input=1 output=4",
            "r,,,,,,,input=1 output=5 cache_read=1",
            "r,,,,,,32000,input=2 output=9 cache_read=2",
        ]
    );
}

#[test]
fn genai_prices_by_day_tier_and_step() {
    let models = r#"{"id": "m", "match": {"or": [{"equals": "M"}, {"starts_with": "m-old"}, {"contains": "x-"}, {"regex": "^z"}]},
        "price_comments": "Verified on 2026-10-14.",
        "prices": [
            {"prices": {"input_mtok": 4, "output_mtok": "8"}},
            {"constraint": {"start_date": "2026-09-01"}, "prices": {
                "input_mtok": {"base": 2, "tiers": [{"start": 1000, "price": 3}]}, "output_mtok": 6,
                "web_searches_kcount": 10}}],
        "price_variants": [
            {"when": {"processing": "batch"}, "prices": {"input_mtok": 1}, "constraint": {"start_date": "2026-10-01"}},
            {"when": {"processing": "batch"}, "prices": {"input_mtok": 9}},
            {"when": {"processing": "batch"}, "prices": {"input_mtok": 7}, "constraint": {"start_date": "2027-01-01"}},
            {"when": {"search_type": "web"}, "prices": {"input_mtok": 9}}]}"#;
    let (files, _) = run(&Files::new(), &genai(models), NOTHING, "2026-11-27");
    assert_eq!(
        rows(&files, "p"),
        [
            "m,,2026-09-01,,,,,input=4 output=8",
            "m,2026-09-01,,,,,,input=2 output=6 web_search=0.01",
            "m,2026-09-01,,,,,1000,input=3 output=6",
            "m,2026-09-01,,batch,,,,input=1 output=6",
            "m,2026-09-01,,batch,,,1000,input=1 output=6",
        ]
    );
    assert_eq!(files["p"].models[0].aliases, ["m-old"]);
}

#[test]
fn a_snapshot_with_the_price_of_its_model_has_no_rows_of_its_own() {
    let models =
        r#"{"id": "m", "match": {"starts_with": "m"}, "prices": {"input_mtok": 2, "output_mtok": 4}}"#;
    let litellm = r#"{
        "p/m-2025-01-02": {"litellm_provider": "p", "input_cost_per_token": 2e-06, "cache_read_input_token_cost": 1e-07,
            "deprecation_date": "2027-01-01"},
        "p/m-2024-01-02": {"litellm_provider": "p", "input_cost_per_token": 5e-06}
    }"#;
    let (files, report) = run(&Files::new(), &genai(models), litellm, "2026-11-27");
    assert_eq!(rows(&files, "p"), ["m,,,,,,,input=2 output=4 cache_read=0.1"]);
    let models: Vec<_> = files["p"].models.iter().map(|line| (&*line.model, &*line.priced_as)).collect();
    // Without a note of genai-prices both lists count as checked today, and the rule of genai-prices applies.
    assert_eq!(models, [("m", ""), ("m-2024-01-02", "m"), ("m-2025-01-02", "m")]);
    assert_eq!(files["p"].models[0].released, Some(Date::new(2024, 1, 2)));
    let shown: Vec<_> = report.disagreements.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["p/m-2024-01-02 standard: genai-prices input=2; litellm input=5; taken: genai-prices"]
    );
}

#[test]
fn the_list_that_was_checked_later_wins_unless_people_decided() {
    let models = r#"{"id": "m", "match": {"equals": "m"}, "price_comments": "checked 2026-10-14",
        "prices": {"input_mtok": 2, "output_mtok": 4}}"#;
    let litellm = r#"{"p/m": {"litellm_provider": "p", "input_cost_per_token": 5e-06, "output_cost_per_token": 4e-06}}"#;
    let (files, _) = run(&Files::new(), &genai(models), litellm, "2026-11-27");
    assert_eq!(rows(&files, "p"), ["m,,,,,,,input=5 output=4"]);
    let lists = Lists { genai_prices: &genai(models), litellm, today: Date::new(2026, 11, 27) };
    let (files, _) = refresh(&Files::new(), &decisions("p,m*,genai-prices,test\n"), lists).unwrap();
    assert_eq!(rows(&files, "p"), ["m,,,,,,,input=2 output=4"]);
}

#[test]
fn a_step_of_one_list_never_stands_on_the_plain_price_of_the_other() {
    let models = r#"{"id": "m", "match": {"equals": "m"}, "prices": {"input_mtok": 2, "output_mtok": 4}}"#;
    let litellm = |input: &str| {
        format!(
            r#"{{"p/m": {{"litellm_provider": "p", "input_cost_per_token": {input}, "output_cost_per_token": 4e-06,
                "input_cost_per_token_above_200k_tokens": 8e-06, "input_cost_per_token_batches": 1e-06}}}}"#
        )
    };
    let (files, _) = run(&Files::new(), &genai(models), &litellm("5e-06"), "2026-11-27");
    assert_eq!(rows(&files, "p"), ["m,,,,,,,input=2 output=4"]);
    let (files, _) = run(&Files::new(), &genai(models), &litellm("2e-06"), "2026-11-27");
    assert_eq!(
        rows(&files, "p"),
        ["m,,,,,,,input=2 output=4", "m,,,,,,200000,input=8 output=4", "m,,,batch,,,,input=1 output=4"]
    );
}

/// A file with one model `m` as it was checked on 2026-08-01.
fn august(rows: &[&str]) -> Files {
    let header = PriceLine::COLUMNS.join(",");
    let lines: Vec<_> = rows.iter().map(|row| format!("{row},old,2026-08-01")).collect();
    let models = ModelLine::COLUMNS.join(",") + "\nm,,,,,,,,,,,old,2026-08-01\n";
    let files = ProviderFiles {
        models: ModelLine::read("m", &models).unwrap(),
        prices: PriceLine::read("p", &format!("{header}\n{}\n", lines.join("\n"))).unwrap(),
    };
    Files::from([("p".to_owned(), files)])
}

fn flat(input: u32) -> String {
    genai(&format!(
        r#"{{"id": "m", "match": {{"equals": "m"}}, "prices": {{"input_mtok": {input}, "output_mtok": 4}}}}"#
    ))
}

fn dated(first: u32, day: &str, then: u32) -> String {
    genai(&format!(
        r#"{{"id": "m", "match": {{"equals": "m"}}, "prices": [{{"prices": {{"input_mtok": {first}}}}},
            {{"constraint": {{"start_date": "{day}"}}, "prices": {{"input_mtok": {then}}}}}]}}"#
    ))
}

#[test]
fn a_change_of_price_is_a_new_row() {
    let old = august(&["m,,,,,,,input=1"]);
    for (list, expected) in [
        // Without a day in the list, from the day of the refresh.
        (flat(2), vec!["m,,2026-11-27,,,,,input=1", "m,2026-11-27,,,,,,input=2 output=4"]),
        // The same price, with more known about it.
        (flat(1), vec!["m,,,,,,,input=1 output=4"]),
        // From the day that the list states.
        (dated(1, "2026-09-10", 2), vec!["m,,2026-09-10,,,,,input=1", "m,2026-09-10,,,,,,input=2"]),
        // A day in the future too.
        (dated(1, "2027-01-01", 2), vec!["m,,2027-01-01,,,,,input=1", "m,2027-01-01,,,,,,input=2"]),
        // What the list states about the time before the last check does not change the past.
        (dated(3, "2026-07-01", 1), vec!["m,,,,,,,input=1"]),
        (dated(1, "2026-07-01", 2), vec!["m,,2026-11-27,,,,,input=1", "m,2026-11-27,,,,,,input=2"]),
    ] {
        let (files, _) = run(&old, &list, NOTHING, "2026-11-27");
        assert_eq!(rows(&files, "p"), expected, "{list}");
        let (again, report) = run(&files, &list, NOTHING, "2026-11-27");
        assert_eq!((rows(&again, "p"), report.new.len()), (rows(&files, "p"), 0), "{list}");
        // Weeks later, only the day of the check has changed.
        let (later, _) = run(&files, &list, NOTHING, "2026-12-20");
        assert_eq!(rows(&later, "p"), expected, "{list}");
    }
}

#[test]
fn a_step_that_no_list_has_any_more_ends() {
    let old = august(&["m,,,,,,,input=1", "m,,,,,,1000,input=2"]);
    let (files, _) = run(&old, &flat(1), NOTHING, "2026-11-27");
    assert_eq!(
        rows(&files, "p"),
        [
            "m,,2026-11-27,,,,,input=1 output=4",
            "m,,2026-11-27,,,,1000,input=2",
            "m,2026-11-27,,,,,,input=1 output=4",
        ]
    );
}

#[test]
fn an_announced_change_that_did_not_come_is_withdrawn() {
    let old = august(&["m,,2026-09-01,,,,,input=2", "m,2026-09-01,,,,,,input=3"]);
    let (files, report) = run(&old, &flat(2), NOTHING, "2026-11-27");
    assert_eq!(rows(&files, "p"), ["m,,,,,,,input=2 output=4"]);
    assert_eq!(report.cheaper, ["p/m"]);
}

#[test]
fn a_model_that_no_list_has_any_more_stays() {
    let old = august(&["m,,,,,,,input=1"]);
    let other = r#"{"id": "n", "match": {"equals": "n"}, "prices": {"input_mtok": 2}}"#;
    let (files, report) = run(&old, &genai(other), NOTHING, "2026-11-27");
    assert_eq!(rows(&files, "p"), ["m,,,,,,,input=1", "n,,,,,,,input=2"]);
    assert_eq!((report.gone, report.new), (vec!["p/m".to_owned()], vec!["p/n".to_owned()]));
    assert_eq!(files["p"].prices[0].source, "old");
}

#[test]
fn numbers_keep_the_digits_of_the_file() {
    for (text, pico) in
        [("1e-06", 1_000_000), ("0.0000029999900000000002", 2_999_990), ("\"3\"", 3_000_000_000_000)]
    {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        assert_eq!(source::pico(number(&raw).unwrap(), 1), Some(pico), "{text}");
    }
    assert_eq!(number(&RawValue::from_string("-1".to_owned()).unwrap()), None);
}

#[test]
fn files_are_written_as_read() {
    let folder = std::env::temp_dir().join(format!("prices-{}", std::process::id()));
    let files = august(&["m,,,,,,,input=1"]);
    write_files(&folder, &files).unwrap();
    let read = read_files(&folder).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(read, files);
}
