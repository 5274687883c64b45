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
        assert_eq!(Pattern::new(a).distance(b.as_bytes()), edits, "{a} {b}");
        assert_eq!(Pattern::new(b).distance(a.as_bytes()), edits);
    }
}

/// Row by row, as in a textbook.
fn by_table(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(!x.eq_ignore_ascii_case(y));
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

proptest::proptest! {
    #[test]
    fn the_distance_is_that_of_the_whole_table(a in "[abcA]{0,140}", b in "[abcB]{0,80}") {
        let compared = &a.as_bytes()[..a.len().min(COMPARED)];
        proptest::prop_assert_eq!(Pattern::new(&a).distance(b.as_bytes()), by_table(compared, b.as_bytes()));
    }
}
