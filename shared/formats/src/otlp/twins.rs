//! Finds spans of one request that report the same call.
//!
//! A process often has two instrumentations: a framework's and a client library's, or, as with `anthropic` 2.14 for
//! Python, the client library's own. One instrumentation never reports a call twice, so twins have different scopes, or
//! one encloses the other and states the same tokens. There are three kinds of twins:
//!
//! - spans with the same response id of the provider;
//! - a span that encloses the other, with no tool or agent between them;
//! - siblings that ran at the same time with the same model and tokens, where an instrumentation neither states the
//!   response id nor makes its span current.

use std::collections::HashMap;

use super::messages::Span;
use super::spans::{Candidate, Kind};
use super::tree::Tree;

/// How many of the siblings that start next a span is compared with.
const NEIGHBORS: usize = 8;

/// Pairs of positions in `candidates`: a report that is not counted, and the one closer to the provider that is.
pub fn find(tree: &Tree<'_>, candidates: &[Candidate<'_>], kinds: &[Kind]) -> Vec<(usize, usize)> {
    let mut finder = Finder { tree, candidates, outer: vec![None; candidates.len()] };
    finder.nested(kinds);
    finder.same_response();
    finder.concurrent();
    let mut pairs: Vec<(usize, usize)> =
        finder.outer.iter().enumerate().filter_map(|(outer, inner)| Some((outer, (*inner)?))).collect();
    // Outermost first, so that what it states is passed inward span by span.
    pairs.sort_by_key(|(outer, _)| tree.nodes[candidates[*outer].node].span.start_time_unix_nano);
    pairs
}

struct Finder<'t, 'a> {
    tree: &'t Tree<'a>,
    candidates: &'t [Candidate<'a>],
    /// For each candidate that is not counted, the one that is counted instead.
    outer: Vec<Option<usize>>,
}

impl<'a> Finder<'_, 'a> {
    fn nested(&mut self, kinds: &[Kind]) {
        let by_node: HashMap<usize, usize> =
            self.candidates.iter().enumerate().map(|(i, candidate)| (candidate.node, i)).collect();
        for inner in 0..self.candidates.len() {
            let around = self.tree.ancestors(self.candidates[inner].node);
            let mut around = around.take_while(|node| !matches!(kinds[*node], Kind::Tool | Kind::Agent));
            let outer = around.find_map(|node| by_node.get(&node).copied());
            if let Some(outer) =
                outer.filter(|outer| self.scopes_differ(*outer, inner) || self.has_usage_of(*outer, inner))
            {
                self.pair(outer, inner);
            }
        }
    }

    fn same_response(&mut self) {
        let mut groups: HashMap<(&[u8], &str), Vec<usize>> = HashMap::new();
        for (i, candidate) in self.candidates.iter().enumerate() {
            if let (Some(id), None) = (candidate.inference.response_id, self.outer[i]) {
                groups.entry((&self.span(i).trace_id, id)).or_default().push(i);
            }
        }
        for group in groups.into_values() {
            let Some(best) = group.iter().copied().max_by_key(|i| self.detail(*i)) else { continue };
            for other in group.into_iter().filter(|other| *other != best) {
                if self.scopes_differ(other, best) {
                    self.pair(other, best);
                }
            }
        }
    }

    fn concurrent(&mut self) {
        let mut groups: HashMap<(&[u8], &[u8]), Vec<usize>> = HashMap::new();
        for i in (0..self.candidates.len()).filter(|i| self.outer[*i].is_none()) {
            let Span { trace_id, parent_span_id, .. } = self.span(i);
            groups.entry((trace_id, parent_span_id)).or_default().push(i);
        }
        for mut group in groups.into_values() {
            group.sort_by_key(|i| self.span(*i).start_time_unix_nano);
            for (at, first) in group.iter().enumerate() {
                let next = group[at + 1..].iter().take(NEIGHBORS).copied();
                if let Some(second) =
                    next.into_iter().find(|second| self.are_concurrent_twins(*first, *second))
                {
                    let (outer, inner) = if self.detail(*first) > self.detail(second) {
                        (second, *first)
                    } else {
                        (*first, second)
                    };
                    self.pair(outer, inner);
                }
            }
        }
    }

    fn are_concurrent_twins(&self, first: usize, second: usize) -> bool {
        let [a, b] = [first, second].map(|i| &self.candidates[i].inference);
        let unpaired = self.outer[first].is_none() && self.outer[second].is_none();
        let one_is_anonymous = a.response_id.is_none() || b.response_id.is_none();
        let same_usage = a.call.model == b.call.model
            && a.call.tokens.output == b.call.tokens.output
            && a.call.tokens.whole_input() == b.call.tokens.whole_input();
        let overlap = self.span(second).start_time_unix_nano <= self.span(first).end_time_unix_nano;
        unpaired && one_is_anonymous && same_usage && overlap && self.scopes_differ(first, second)
    }

    /// Whether two reports state the same tokens, and some output.
    fn has_usage_of(&self, outer: usize, inner: usize) -> bool {
        let [outer, inner] = [outer, inner].map(|i| self.candidates[i].inference.call.tokens);
        inner.output > 0 && outer.output == inner.output && outer.whole_input() == inner.whole_input()
    }

    fn span(&self, candidate: usize) -> &'a Span {
        self.tree.nodes[self.candidates[candidate].node].span
    }

    fn scopes_differ(&self, a: usize, b: usize) -> bool {
        let scope = |i: usize| self.tree.nodes[self.candidates[i].node].scope;
        scope(a) != scope(b)
    }

    /// How detailed a report is. The lifetimes of cache writes matter most, because they double a price.
    fn detail(&self, candidate: usize) -> (bool, bool, bool, std::cmp::Reverse<u64>) {
        let inference = &self.candidates[candidate].inference;
        let tokens = &inference.call.tokens;
        let lifetimes = tokens.cache_writes.h1 > 0;
        let cached = tokens.cache_read + tokens.cache_writes.sum() > 0;
        let nearest = std::cmp::Reverse(self.span(candidate).end_time_unix_nano);
        (lifetimes, inference.response_id.is_some(), cached, nearest)
    }

    /// Pairs a report with the one that is counted instead. The first pair stands, and a pair that would close a circle
    /// is dropped.
    fn pair(&mut self, outer: usize, inner: usize) {
        let mut at = inner;
        while let Some(next) = self.outer[at] {
            at = next;
        }
        if at != outer && self.outer[outer].is_none() {
            self.outer[outer] = Some(at);
        }
    }
}
