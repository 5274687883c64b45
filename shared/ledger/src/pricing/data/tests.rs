use super::*;

#[test]
fn dates_are_checked_and_written_as_read() {
    for text in ["2026-11-27", "2024-02-29", "2000-01-01"] {
        assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
    }
    for text in
        ["", "2026-1-1", "2026-13-01", "2026-02-29", "2026-04-31", "1999-12-31", "2026/11/27", "é026-11-2"]
    {
        assert!(text.parse::<Date>().is_err(), "{text}");
    }
    assert!("2026-11-27".parse::<Date>().unwrap() < "2026-12-01".parse::<Date>().unwrap());
}

#[test]
fn rates_are_written_as_read() {
    for text in
        ["input=3 output=15 cache_read=0.3", "input=0.000001", "web_search=0.01 requests=0.000000000001", ""]
    {
        assert_eq!(RateSet::parse(text).unwrap().to_string(), text);
    }
    for text in
        ["input", "input=x", "input=1 input=2", "inptu=1", "input=0.0000001", "input=-1", "input=1000001"]
    {
        assert!(RateSet::parse(text).is_err(), "{text}");
    }
    assert_eq!(RateSet::parse("input=3").unwrap().get(Rate::Input), Some(3_000_000));
    assert_eq!(RateSet::parse("web_search=0.01").unwrap().get(Rate::WebSearch), Some(10_000_000_000));
}

#[test]
fn windows_are_written_as_read() {
    let text = "mon+tue+wed+thu+fri 00:00-01:00 04:00-06:00 10:00-24:00;sat+sun 00:00-24:00";
    let window: Window = text.parse().unwrap();
    assert_eq!(window.to_string(), text);
    assert_eq!(window.complement().complement(), window);
    // Friday is the fifth day: 02:00 is outside, 04:00 and 05:30 are inside, 06:00 is outside.
    let friday = |half_hour: usize| window.contains(4 * 48 + half_hour);
    assert_eq!([4, 8, 11, 12].map(friday), [false, true, true, false]);
    assert!(window.contains(5 * 48 + 4) && window.contains(7 * 48));
    for text in ["", "mon", "mon 00:00", "mon 00:15-01:00", "day 00:00-01:00", "mon 00:00-25:00"] {
        assert!(text.parse::<Window>().is_err(), "{text}");
    }
}

#[test]
fn tiers_have_the_names_that_events_send() {
    for name in ["", "standard", "default", "auto", "on_demand", "STANDARD", "Default"] {
        assert_eq!(Tier::from_event(name), Some(Tier::Standard), "{name}");
    }
    assert_eq!(Tier::from_event("FLEX"), Some(Tier::Flex));
    assert_eq!(Tier::from_event("gold"), None);
    for tier in Tier::ALL {
        assert_eq!(Tier::from_event(tier.name()), Some(tier));
        assert_eq!(Tier::ALL[tier as usize], tier);
    }
}

#[test]
fn a_file_is_written_as_read() {
    let text = format!(
        "{}\nm,,2026-09-01,,us,,,input=2 output=10,a,2026-08-01\nm,2026-09-01,,flex,,sat 00:00-24:00,200000,input=3,b,2026-11-27\n",
        PriceLine::COLUMNS.join(",")
    );
    assert_eq!(PriceLine::write(&PriceLine::read("prices", &text).unwrap()), text);
    let text = format!(
        "{}\nm,,a|b,chat,image audio,2025-01-02,deprecated,2027-01-02,n,1000,10,a,2026-08-01\ns,m,,,,,,,,,,a,\n",
        ModelLine::COLUMNS.join(",")
    );
    assert_eq!(ModelLine::write(&ModelLine::read("models", &text).unwrap()), text);
}

#[test]
fn a_malformed_line_is_named() {
    let error = PriceLine::read("prices/x.csv", "# comment\n\nmodel\n").unwrap_err();
    assert!(error.to_string().starts_with("prices/x.csv:3: the header should be model,from"), "{error}");
    let header = PriceLine::COLUMNS.join(",");
    let error = PriceLine::read("x", &format!("{header}\nm,,,,,,,input=1,a\n")).unwrap_err();
    assert_eq!(error.to_string(), "x:2: expected 10 fields, found 9");
    let error = PriceLine::read("x", &format!("{header}\nm,,,gold,,,,input=1,a,2026-01-01\n")).unwrap_err();
    assert_eq!(error.to_string(), "x:2: \"gold\": \"gold\" is not a tier");
}
