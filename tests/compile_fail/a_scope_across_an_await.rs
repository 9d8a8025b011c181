//! A scope is one of the thread, so a future that holds one across an `.await` cannot go to another thread.
use ringseal::Context;

fn spawn(_task: impl Future + Send) {}

fn main() {
    spawn(async {
        let _scope = Context::new().enter();
        std::future::ready(()).await;
    });
}
