//! The tests that `.github/SECURITY.md` names exist, and the CORS headers of the local stack are the template's.

use std::fs;
use std::path::Path;

use local::gateway::cors;

use super::monitoring;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_test_that_the_security_policy_names_exists() {
    let policy = read(".github/SECURITY.md");
    let (mut file, mut checked) = (String::new(), 0);
    for span in policy.split('`').skip(1).step_by(2) {
        if Path::new(span).extension().is_some_and(|extension| extension == "rs") {
            file = read(span);
        } else if span.contains('_') {
            assert!(file.contains(&format!("fn {span}(")), "no test {span}");
            checked += 1;
        }
    }
    assert!(checked > 25, "{checked}");
    for item in 1..=10 {
        assert!(policy.contains(&format!("| API{item} ")), "API{item}");
    }
}

#[test]
fn the_local_stack_answers_browsers_as_the_template_does() {
    let template = monitoring::read("template.yaml");
    let text = template["Resources"]["Api"]["Properties"]["CorsConfiguration"].to_string();
    let words = |list: &str| list.split(',').map(|word| format!("{word:?}")).collect::<Vec<_>>().join(",");
    for list in [cors::ALLOW_METHODS, cors::ALLOW_HEADERS, cors::EXPOSE_HEADERS] {
        assert!(text.contains(&format!("[{}]", words(list))), "{list}: {text}");
    }
    assert!(text.contains(&format!("\"MaxAge\":{}", cors::MAX_AGE)), "{text}");
}
