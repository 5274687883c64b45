#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    web::app::serve(registry::routes()).await
}
