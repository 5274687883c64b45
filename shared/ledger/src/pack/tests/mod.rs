mod agents;
pub mod events;
mod fold;
mod random;
mod sizes;
mod stored;
mod tracked;
