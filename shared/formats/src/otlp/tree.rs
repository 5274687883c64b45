//! The spans of a request and their parents.

use std::collections::HashMap;

use prost::bytes::Bytes;

use super::Options;
use super::attributes::Attributes;
use super::messages::{Span, Traces};
use super::sender::Origin;

/// How many ancestors are visited. No agent nests deeper, and without a limit, a request that is one long chain of
/// spans would take quadratic time.
const MAX_DEPTH: usize = 100;

/// A span and where it comes from.
pub struct Node<'a> {
    pub span: &'a Span,
    pub attributes: Attributes<'a>,
    /// Position in [`Tree::origins`].
    pub origin: usize,
    /// Name of the instrumentation.
    pub scope: &'a str,
}

pub struct Tree<'a> {
    pub origins: Vec<Origin<'a>>,
    pub nodes: Vec<Node<'a>>,
    by_id: HashMap<(&'a Bytes, &'a Bytes), usize>,
}

impl<'a> Tree<'a> {
    pub fn of(request: &'a Traces, options: &Options) -> Self {
        let (mut origins, mut nodes) = (Vec::new(), Vec::new());
        for resource in &request.resource_spans {
            for scope in &resource.scope_spans {
                let name = scope.scope.as_ref().map_or(&[][..], |scope| &scope.name);
                let name = std::str::from_utf8(name).unwrap_or_default();
                nodes.extend(scope.spans.iter().map(|span| Node {
                    span,
                    attributes: Attributes::of(&span.attributes),
                    origin: origins.len(),
                    scope: name,
                }));
            }
            origins.push(Origin::of(resource.resource.as_ref(), options));
        }
        let id = |node: &Node<'a>| (&node.span.trace_id, &node.span.span_id);
        let by_id = nodes.iter().enumerate().map(|(i, node)| (id(node), i)).collect();
        Self { origins, nodes, by_id }
    }

    /// The ancestors of a span within the request, nearest first.
    pub fn ancestors(&self, node: usize) -> impl Iterator<Item = usize> {
        let parent = |node: &usize| {
            let Span { trace_id, parent_span_id, .. } = self.nodes[*node].span;
            self.by_id.get(&(trace_id, parent_span_id)).copied()
        };
        std::iter::successors(parent(&node), parent).take(MAX_DEPTH)
    }
}
