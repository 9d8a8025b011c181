fn main() {
    let (id, order) = (7, 8);
    ringseal::info!(user_id = id, "user logged in");
    ringseal::info!(user.id = id, order = %order, "order filled",);
    ringseal::warn!(?id, order, "order filled");
    ringseal::warn!("quoted key" = id, "order filled");
    ringseal::error!(target: "shop", order = ?order, "order {} filled", id);
    ringseal::error!(target: "shop", %order, "order filled");
    ringseal::event!(ringseal::Level::Info, id = id, "order filled");
    ringseal::event!(ringseal::Level::Info, %id, "order filled");
    ringseal::info!(id, "order filled");
}
