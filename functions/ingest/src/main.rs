#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    web::app::serve_counted("ingest", ingest::routes()).await
}
