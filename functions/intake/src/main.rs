#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    web::app::serve_counted("intake", intake::routes()).await
}
