#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    web::app::serve_checked(exports::routes(), |config| config.cursor_secret().map(drop)).await
}
