//! The console: the web page for people, and the files that it consists of.
//!
//! All routes are public, because nothing here belongs to an organization: the page loads every figure from the API, with
//! its visitor's own token.

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
