#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    shared::app::serve(costs::routes()).await
}
