use super::*;

#[test]
fn the_three_nearest_ids_of_the_provider_are_offered() {
    let near = Book::builtin().nearest("anthropic", "claude-sonet-4-5");
    assert_eq!(near.len(), 3);
    assert_eq!(near[0], "claude-sonnet-4-5");
    let near = Book::builtin().nearest("nobody", "claude-sonnet-4-5");
    assert!(near.iter().all(|id| id.ends_with("/claude-sonnet-4-5")), "{near:?}");
}

#[test]
fn distances_count_edits_in_any_case() {
    for (a, b, edits) in
        [("", "", 0), ("a", "", 1), ("Abc", "aBC", 0), ("kitten", "sitting", 3), ("gpt-4o", "gpt-4", 1)]
    {
        assert_eq!(distance(a.as_bytes(), b.as_bytes()), edits, "{a} {b}");
        assert_eq!(distance(b.as_bytes(), a.as_bytes()), edits);
    }
}
