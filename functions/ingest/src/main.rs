#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    shared::app::serve_counted("ingest", ingest::routes()).await
}
