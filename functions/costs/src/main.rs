#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    web::app::serve_checked(costs::routes(), |config| config.cursor_secret().map(drop)).await
}
