//! Round trips per request.

use axum::body::Body;
use http::{Request, StatusCode};
use tower::ServiceExt;
use web::auth::Scope;

use super::sample;
use crate::support::World;

#[tokio::test]
async fn independent_reads_run_in_parallel() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.record(&[sample("1", "x", "i-1", "2026-09-14T12:00:00Z", "2026-09-15T12:00:00Z")]).await;
    let app = world.app::<usage::Tables>(world.stack.client().clone());
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let ask = async |path: &str| {
        let earlier = app.tables.usage.meter().reading();
        let request = Request::get(format!("/api/{path}")).header("authorization", format!("Bearer {token}"));
        let response =
            app.router(usage::routes()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        app.tables.usage.meter().reading().since(earlier).reads
    };
    // Hours are the same in all zones. The first request by days also reads the zone, in parallel with the rest.
    for (path, reads) in [
        ("usage", 2),
        ("usage/totals", 3),
        ("usage/totals", 2),
        // Two months.
        ("usage?period=daily", 3),
        ("usage?period=monthly", 13),
        // The project itself, and its buckets in calls of a hundred each.
        ("projects/x/usage", 2),
        ("usage?project_id=x", 2),
        ("projects/x/usage?period=daily", 2),
        ("projects/x/usage?period=monthly", 5),
        ("projects/x/usage?start_date=2026-08-16T00:00:00Z&end_date=2026-09-16T00:00:00Z", 9),
        // Empty ranges: DynamoDB refuses a query whose first key comes after its last.
        ("usage?period=daily&start_date=2026-09-01T10:00:00Z&end_date=2026-09-01T10:00:00Z", 1),
        ("usage/totals?start_date=4133-10-16T00:00:00Z&end_date=4133-10-16T00:00:00Z", 1),
    ] {
        assert_eq!(ask(path).await, reads, "{path}");
    }
}
