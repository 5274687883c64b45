#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    web::app::serve(console::routes()).await
}
