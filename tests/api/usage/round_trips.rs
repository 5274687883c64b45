//! How often an answer asks the tables.

use axum::body::Body;
use http::{Request, StatusCode};
use tower::ServiceExt;
use web::auth::Scope;

use super::sample;
use crate::support::World;

#[tokio::test]
async fn what_can_be_read_at_once_is() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.record(&[sample("1", "x", "i-1", "2026-09-14T12:00:00Z", "2026-09-15T12:00:00Z")]).await;
    let app = world.app(world.stack.client().clone());
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let ask = async |path: &str| {
        let earlier = app.store.meter().reading();
        let request = Request::get(format!("/api/{path}")).header("authorization", format!("Bearer {token}"));
        let answer = app.router(usage::routes()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        app.store.meter().reading().since(earlier).reads
    };
    // Hours are everywhere the same. The first that has days asks for the zone, beside the rest.
    for (path, reads) in [
        ("usage", 2),
        ("usage/totals", 3),
        ("usage/totals", 2),
        // Two months.
        ("usage?period=daily", 3),
        ("usage?period=monthly", 13),
        // The project itself, and a hundred of its buckets in a call.
        ("projects/x/usage", 2),
        ("usage?project_id=x", 2),
        ("projects/x/usage?period=daily", 2),
        ("projects/x/usage?period=monthly", 5),
        ("projects/x/usage?start_date=2026-08-16T00:00:00Z&end_date=2026-09-16T00:00:00Z", 9),
    ] {
        assert_eq!(ask(path).await, reads, "{path}");
    }
}
