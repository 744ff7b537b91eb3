//! What somebody may have meant.

/// The known word nearest to a misspelt one.
pub fn closest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        // In a short word one slip weighs too much for the likeness.
        .filter(|(likeness, candidate)| {
            *likeness > 0.8 || (word.len() > 2 && strsim::osa_distance(word, candidate) == 1)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
