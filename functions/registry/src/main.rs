#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    shared::app::serve(registry::routes()).await
}
