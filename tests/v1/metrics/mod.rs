//! `/v1/metrics`.

mod days;
mod figures;
mod random;
mod reads;
