//! The console: a web page for people, and its files.
//!
//! All routes are public, because nothing here belongs to an organization: the page loads every figure from the API
//! with the token of its user.

pub mod asset;
mod encoding;
pub mod files;
pub mod page;
pub mod policy;
pub mod settings;

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!();

pub fn routes() -> Vec<Route> {
    vec![page::root(), page::home(), asset::route()]
}
