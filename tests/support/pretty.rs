//! Indents JSON without parsing it, so that the order of fields and the digits of numbers stay as they are.

/// One field or element per line, with the bytes of names and values unchanged. `json` must be compact.
pub fn pretty(json: &str) -> String {
    let mut text = String::new();
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        if in_string {
            text.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        let is_empty = matches!(c, '{' | '[') && chars.peek().is_some_and(|next| matches!(next, '}' | ']'));
        match c {
            '{' | '[' if is_empty => text.extend([c, chars.next().unwrap()]),
            '{' | '[' => {
                depth += 1;
                text.push(c);
                break_line(&mut text, depth);
            }
            '}' | ']' => {
                depth -= 1;
                break_line(&mut text, depth);
                text.push(c);
            }
            ',' => {
                text.push(c);
                break_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            _ => {
                in_string = c == '"';
                text.push(c);
            }
        }
    }
    text
}

fn break_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}

#[test]
fn bytes_of_values_stay_as_they_are() {
    let json = r#"{"b":1.50,"a":["x, {y}: \"z\\",[],{}]}"#;
    let lines =
        ["{", r#"  "b": 1.50,"#, r#"  "a": ["#, r#"    "x, {y}: \"z\\","#, "    [],", "    {}", "  ]", "}"];
    assert_eq!(pretty(json), lines.join("\n"));
}
