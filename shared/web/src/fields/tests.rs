use super::*;

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn kind<T>(result: Result<T, Invalid>) -> &'static str {
    result.err().map_or("ok", |invalid| invalid.kind)
}

#[test]
fn integers_are_limited() {
    let read = |text: &str| kind(integer(0..=1_000_000_000)(&raw(text)));
    assert_eq!(read("0"), "ok");
    assert_eq!(read("-0"), "ok");
    assert_eq!(read("1000000000"), "ok");
    assert_eq!(read("1000000001"), "less_than_equal");
    assert_eq!(read(&"9".repeat(60)), "less_than_equal");
    assert_eq!(read("-1"), "greater_than_equal");
    assert_eq!(read(&format!("-{}", "9".repeat(60))), "greater_than_equal");
    for whole in ["488.0", "1e3", "1.5e1", "-0.0", "1000000000.000"] {
        assert_eq!(read(whole), "ok", "{whole}");
    }
    assert_eq!(integer(0..=1000)(&raw("4.88e2")), Ok(488));
    assert_eq!(read("1e10"), "less_than_equal");
    assert_eq!(read("-1.0"), "greater_than_equal");
    for bad in ["1.5", "1e-3", "1e400", "\"1\"", "\"1.0\"", "true", "null", "[]"] {
        assert_eq!(read(bad), "int_type", "{bad}");
    }
}

#[test]
fn amounts_keep_all_digits_or_are_rejected() {
    let read = |text: &str| quantity(1_000_000)(&raw(text));
    assert_eq!(read("0.1").unwrap().to_string(), "0.1");
    assert_eq!(read("\"0.100000\"").unwrap().to_string(), "0.1");
    assert_eq!(read("2.5e-1").unwrap().to_string(), "0.25");
    assert_eq!(read("1000000").unwrap().to_string(), "1000000");
    assert_eq!(kind(read("1000000.000001")), "less_than_equal");
    assert_eq!(kind(read("-0.000001")), "greater_than_equal");
    assert_eq!(kind(read("0.000001")), "ok");
    assert_eq!(kind(read("0.0000001")), "decimal_max_places");
    for bad in ["true", "null", "\"\"", "\"1,5\"", "\"NaN\"", "\"1_000\"", "\"+1\"", "{}"] {
        assert_eq!(kind(read(bad)), "decimal_parsing", "{bad}");
    }
    assert_eq!(kind(usd(1)(&raw("\"0.000000000001\""))), "ok");
    assert_eq!(kind(usd(1)(&raw("\"0.0000000000001\""))), "decimal_max_places");
    assert_eq!(kind(usd(1)(&raw("0.5"))), "string_type");
}

#[test]
fn text_length_and_control_characters_are_checked() {
    let read = |given: &str| kind(text(1..=200)(&raw(&serde_json::to_string(given).unwrap())));
    assert_eq!(read(""), "string_too_short");
    assert_eq!(read("é"), "ok");
    assert_eq!(read(&"é".repeat(200)), "ok");
    assert_eq!(read(&"é".repeat(201)), "string_too_long");
    for bad in ["a\nb", "\0", "\u{7f}", "\u{85}"] {
        assert_eq!(read(bad), "control_character", "{bad:?}");
    }
    assert_eq!(kind(text(1..=200)(&raw("1"))), "string_type");
}

#[test]
fn every_fault_is_listed_with_its_location() {
    let text = raw(r#"{"a":1,"b":"x","b":"y","zz":0,"d":null}"#);
    let mut fields = FieldReader::of(&text, vec!["body".into(), 3.into()]).unwrap();
    assert_eq!(fields.required("a", string), None);
    fields.optional("b", string);
    assert_eq!(fields.required("c", string), None);
    assert_eq!(fields.optional("d", string), None);
    let faults = serde_json::to_value(fields.finish()).unwrap();
    let found: Vec<_> =
        faults.as_array().unwrap().iter().map(|f| format!("{} {}", f["loc"], f["type"])).collect();
    assert_eq!(
        found,
        [
            r#"["body",3,"a"] "string_type""#,
            r#"["body",3,"b"] "repeated""#,
            r#"["body",3,"c"] "missing""#,
            r#"["body",3,"zz"] "extra_forbidden""#,
        ]
    );
}

#[test]
fn the_number_of_faults_is_limited() {
    let text = format!("{{{}}}", (0..10_000).map(|i| format!("\"{i}\":0")).collect::<Vec<_>>().join(","));
    let text = raw(&text);
    assert_eq!(FieldReader::of(&text, vec![]).unwrap().finish().len(), MAX_FAULTS);
}
